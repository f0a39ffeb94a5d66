use super::*;
use countersign_transport::system::SystemEntropy;

const CHEAP: HashCost = HashCost {
    memory_kib: 8,
    passes: 1,
};

fn password(text: &str) -> Password {
    Password::parse(Zeroizing::new(text.to_owned())).unwrap()
}

fn line(account: &str, text: &str, cost: HashCost) -> String {
    let hash = password(text).hash(b"0123456789abcdef", cost);
    format!("{account}:{}\n", hash.to_phc())
}

fn subject(tenant: &str, user: &str) -> Subject {
    Subject {
        tenant: TenantId::parse(tenant).unwrap(),
        user: UserId::parse(user).unwrap(),
    }
}

fn kept(text: &str) -> Result<(tempfile::TempDir, PasswordFile), PasswordFileError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    fs::write(&file, text).unwrap();
    let users = PasswordFile::read(file, CHEAP, &SystemEntropy)?;
    Ok((folder, users))
}

#[test]
fn a_password_is_its_own_accounts_only() {
    let text = [
        "# two companies\n\n".to_owned(),
        line("acme/jane", "of jane", CHEAP),
        line("other/jane", "of another", CHEAP),
        line("acme/user:with@signs", "of signs", CHEAP),
        line("acme/a/b|c:$d", "of marks", CHEAP),
    ];
    let (_folder, users) = kept(&text.concat()).unwrap();
    let users = users.now();
    assert!(users.know(&subject("acme", "jane"), &password("of jane")));
    assert!(users.know(&subject("acme", "user:with@signs"), &password("of signs")));
    assert!(users.know(&subject("acme", "a/b|c:$d"), &password("of marks")));
    for (subject, text) in [
        (subject("acme", "jane"), "of another"),
        (subject("other", "jane"), "of jane"),
        (subject("acme", "Jane"), "of jane"),
        (subject("acme", "nobody"), "of jane"),
    ] {
        assert!(!users.know(&subject, &password(text)), "{subject:?}");
    }
}

#[test]
fn a_bad_line_is_told_by_its_number_and_never_shown() {
    let good = line("acme/jane", "of jane", CHEAP);
    let cut = good.trim_end().get(..good.len() - 10).unwrap().to_owned();
    for bad in [
        "acme/jim:secret-in-the-clear",
        "jim",
        "a b/jim:$argon2id$x",
        "acme:$argon2id$v=19$m=8,t=1,p=1$x",
        &cut.replace("jane", "j").replace("argon2id", "argon2i"),
    ] {
        let told = kept(&format!("{good}{bad}\n")).err().unwrap().to_string();
        assert!(told.contains("line 2"), "{told}");
        assert!(!told.contains("secret") && !told.contains("jim"), "{told}");
    }
    let told = kept(&good.repeat(2)).err().unwrap().to_string();
    assert!(
        told.contains("line 2") && told.contains("another line"),
        "{told}"
    );
}

#[test]
fn an_unknown_account_costs_what_the_dearest_known_one_does() {
    let dear = HashCost {
        memory_kib: 32,
        passes: 2,
    };
    let text = line("acme/jane", "x", CHEAP) + &line("acme/jim", "x", dear);
    let (_folder, users) = kept(&text).unwrap();
    let dummy = users.now().dummy.to_phc().into_owned();
    assert_eq!(SecretHash::read(&dummy).unwrap().1, dear);
    let (_folder, nobody) = kept("").unwrap();
    let dummy = nobody.now().dummy.to_phc().into_owned();
    assert_eq!(SecretHash::read(&dummy).unwrap().1, CHEAP);
}

#[test]
fn a_changed_file_is_read_again_and_a_bad_one_leaves_the_last() {
    let (_folder, users) = kept(&line("acme/jane", "old", CHEAP)).unwrap();
    let jane = subject("acme", "jane");
    fs::write(users.file(), line("acme/jane", "newer", CHEAP) + "\n").unwrap();
    users.reread(false);
    assert!(users.now().know(&jane, &password("newer")));
    assert!(!users.now().know(&jane, &password("old")));
    fs::write(users.file(), "nonsense").unwrap();
    users.reread(false);
    assert!(users.now().know(&jane, &password("newer")));
    fs::remove_file(users.file()).unwrap();
    users.reread(true);
    assert!(users.now().know(&jane, &password("newer")));
}
