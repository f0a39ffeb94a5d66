//! `countersign keys`: a key is replaced beside running processes, and a ring that lacks one is refused.

use super::{pgbouncer::PgBouncer, servers::OwnPostgres, sessions::pooled, stores::runtime};
use crate::support::{
    Authenticator, Person,
    person::{add_method, attested_at},
    processes::{Deployment, Process, binary, now, run},
    schema::grant_and_migrate,
    service::unique,
};
use countersign_proto::v1::{self as pb, MethodKind, begin_enrollment_request::Method};
use std::{fs, process::Output};

/// A deployment whose ring is edited as an operator edits it.
struct Rotation {
    deployment: Deployment,
    is_embedded: bool,
    /// Everything of the ring that is no key.
    head: String,
    /// The tables of two keys.
    keys: [String; 2],
}

impl Rotation {
    async fn new(is_embedded: bool) -> Self {
        Self::of(Deployment::new().await, is_embedded)
    }

    fn of(deployment: Deployment, is_embedded: bool) -> Self {
        let (head, first) = parts(&deployment, "keys.toml");
        let next = deployment.path("next.toml");
        assert!(
            run(&["keys", "new", next.to_str().unwrap()])
                .status
                .success()
        );
        let (_, second) = parts(&deployment, "next.toml");
        Self {
            deployment,
            is_embedded,
            head,
            keys: [first, second],
        }
    }

    /// Deploys a ring of these keys, the active one first.
    fn deploy(&self, keys: &[usize]) {
        let keys = keys.iter().map(|number| self.keys[*number].as_str());
        let text = format!("{}{}", self.head, keys.collect::<String>());
        fs::write(self.deployment.path("keys.toml"), text).unwrap();
    }

    fn id(&self, number: usize) -> String {
        let (_, rest) = self.keys[number].split_once("id = \"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    fn common(&self) -> Vec<String> {
        let config = self.deployment.config();
        let mut common = vec!["--config".to_owned(), config.to_str().unwrap().to_owned()];
        if self.is_embedded {
            let whole = fs::read_to_string(&config).unwrap();
            let (_, rest) = whole.split_once("[keys]").unwrap();
            fs::write(&config, format!("[keys]{rest}")).unwrap();
            let data = self.deployment.path("data");
            common.extend(["--data-dir".to_owned(), data.to_str().unwrap().to_owned()]);
        }
        common
    }

    /// Whether a command did what it should, and what it said.
    fn command(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = binary();
        let output = command.args(arguments).args(self.common()).output();
        let output = output.unwrap();
        (output.status.success(), text(&output))
    }

    fn serve(&self) -> Process {
        let common = self.common();
        let common: Vec<&str> = common.iter().map(String::as_str).collect();
        Process::start(&[&["serve", "--listen", "127.0.0.1:0"], &common[..]].concat())
    }

    fn restart(&self, process: Process) -> Process {
        process.signal("TERM");
        process.wait();
        self.serve()
    }
}

fn parts(deployment: &Deployment, ring: &str) -> (String, String) {
    let text = fs::read_to_string(deployment.path(ring)).unwrap();
    let at = text.find("\n[[key]]").unwrap();
    (text[..at].to_owned(), text[at..].to_owned())
}

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr]
        .map(String::from_utf8_lossy)
        .concat()
}

/// Enrolls an app; gives the recovery codes.
async fn enroll(person: &Person) -> Vec<String> {
    let proof = attested_at(now(), add_method(MethodKind::Totp));
    let request = person.enrollment_request(Method::Totp(pb::EnrollTotp {}), proof);
    let begun = person.begin_enrollment(request).await.unwrap();
    let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
    let challenge = begun.challenge.unwrap();
    let enrolled = person
        .confirm(&challenge.challenge_id, &app.code_at(now()))
        .await;
    enrolled.recovery_codes.unwrap().codes
}

async fn sign_in(person: &Person, process: &Process, code: &str) {
    let person = person.through(process.portal());
    let challenge = person.issue_recovery_only().await.unwrap();
    person.approved(&challenge.challenge_id, code).await;
}

/// From the first step to the last, beside a running process.
async fn rotate(rotation: Rotation) {
    rotation.deploy(&[0]);
    let process = rotation.serve();
    let jane = Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await;
    let codes = enroll(&jane).await;
    let (first, second) = (rotation.id(0), rotation.id(1));
    let (is_fine, said) = rotation.command(&["keys", "status"]);
    assert!(
        is_fine && said.contains(&format!("{first:<12}  active")),
        "{said}"
    );

    rotation.deploy(&[0, 1]);
    let process = rotation.restart(process);
    let (is_fine, said) = rotation.command(&["keys", "status"]);
    let unused = format!("Nothing is stored under `{second}`");
    assert!(is_fine && said.contains(&unused), "{said}");

    rotation.deploy(&[1, 0]);
    let (is_done, said) = rotation.command(&["keys", "reseal"]);
    let other = format!("a process has the key `{first}` active");
    assert!(!is_done && said.contains(&other), "{said}");

    let process = rotation.restart(process);
    sign_in(&jane, &process, &codes[0]).await;
    let (is_fine, said) = rotation.command(&["keys", "status"]);
    assert!(
        !is_fine && said.contains(&format!("`{first}` is needed")),
        "{said}"
    );

    rotation.deploy(&[1]);
    let lacking = format!("sealed under the key `{first}`");
    let mut refused = vec![&["check-config"][..], &["notices", "list"]];
    if !rotation.is_embedded {
        // The data folder belongs to the process that runs.
        refused.push(&["serve", "--listen", "127.0.0.1:0"]);
    }
    for command in refused {
        let (is_done, said) = rotation.command(command);
        assert!(!is_done && said.contains(&lacking), "{command:?}: {said}");
    }
    let (is_fine, said) = rotation.command(&["keys", "status"]);
    assert!(!is_fine && said.contains(&lacking), "{said}");
    assert!(
        said.contains(&format!("The ring lacks `{first}`")),
        "{said}"
    );

    rotation.deploy(&[1, 0]);
    let (is_done, said) = rotation.command(&["keys", "reseal", "--rate", "1000"]);
    assert!(is_done, "{said}");
    assert!(
        said.contains(&format!("Nothing is stored under `{first}`")),
        "{said}"
    );
    assert!(said.contains("backup"), "{said}");
    sign_in(&jane, &process, &codes[1]).await;

    rotation.deploy(&[1]);
    let (is_fine, said) = rotation.command(&["check-config"]);
    assert!(is_fine, "{said}");
    let process = rotation.restart(process);
    sign_in(&jane, &process, &codes[2]).await;
    let (is_fine, said) = rotation.command(&["keys", "status"]);
    assert!(is_fine && !said.contains(&first), "{said}");
}

#[test]
fn a_key_is_replaced_by_commands_beside_a_process_on_postgresql() {
    runtime().block_on(async { rotate(Rotation::new(false).await).await });
}

#[test]
fn a_key_is_replaced_by_commands_beside_a_process_behind_a_pooler() {
    runtime().block_on(async {
        let postgres = OwnPostgres::start("");
        let role = grant_and_migrate(&postgres.url(), "countersign").await;
        let pooler = PgBouncer::start(postgres.port(), "default_pool_size = 4");
        let mut deployment = Deployment::new().await;
        deployment.postgres = pooled(&pooler.url(&role));
        rotate(Rotation::of(deployment, false)).await;
    });
}

#[test]
fn a_key_is_replaced_by_commands_beside_a_process_on_sqlite() {
    runtime().block_on(async { rotate(Rotation::new(true).await).await });
}

#[test]
fn a_key_that_is_lost_is_given_up_by_name() {
    runtime().block_on(async {
        let rotation = Rotation::new(false).await;
        rotation.deploy(&[0]);
        let process = rotation.serve();
        let jane = Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await;
        rotation.deploy(&[1, 0]);
        let process = rotation.restart(process);
        let first = rotation.id(0);
        let (is_done, said) = rotation.command(&["keys", "give-up", &first]);
        assert!(!is_done && said.contains("the ring has the key"), "{said}");
        let (is_done, said) = rotation.command(&["keys", "give-up", "k-unknown"]);
        assert!(!is_done, "{said}");

        rotation.deploy(&[1]);
        assert!(!rotation.command(&["check-config"]).0);
        let (is_done, said) = rotation.command(&["keys", "give-up", &first]);
        assert!(is_done, "{said}");
        let (is_fine, said) = rotation.command(&["check-config"]);
        assert!(is_fine, "{said}");
        let process = rotation.restart(process);
        let refused = jane.through(process.portal()).get().await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused}");
        let (is_fine, said) = rotation.command(&["keys", "status"]);
        assert!(
            !is_fine && said.contains(&format!("The ring lacks `{first}`")),
            "{said}"
        );
    });
}

/// The commands of the guide, in their order.
fn commands_of_the_guide() -> Vec<String> {
    let guide = fs::read_to_string("docs/operations.md").unwrap();
    let section = guide
        .split("\n## ")
        .find(|text| text.starts_with("Rotate keys"));
    let blocks = section.unwrap().split("```sh\n").skip(1);
    blocks
        .map(|text| text.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_commands_of_the_guide_replace_a_key() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let config = deployment.config();
        let shell = |commands: &str| {
            let commands = commands.replace(
                "/etc/countersign/countersign.toml",
                config.to_str().unwrap(),
            );
            let countersign = binary().get_program().to_owned();
            let folder = std::path::Path::new(&countersign).parent().unwrap();
            let path = format!("{}:/usr/bin:/bin", folder.display());
            let mut shell = std::process::Command::new("sh");
            let shell = shell.args(["-ec", &commands]).env("PATH", path);
            let output = shell
                .current_dir(deployment.folder.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{commands}: {}", text(&output));
            text(&output)
        };
        let [add, reseal, status] = commands_of_the_guide().try_into().unwrap();
        let process = deployment.serve();
        Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await;
        shell(&add);
        let ring = fs::read_to_string(deployment.path("keys.toml")).unwrap();
        let parts: Vec<&str> = ring.split("[[key]]").collect();
        let [head, first, second] = parts.as_slice() else {
            panic!("two keys: {}", parts.len())
        };
        process.signal("TERM");
        process.wait();
        let ring = format!("{head}[[key]]{second}[[key]]{first}");
        fs::write(deployment.path("keys.toml"), ring).unwrap();
        let _process = deployment.serve();
        for said in [shell(&reseal), shell(&status)] {
            assert!(said.contains("Nothing is stored under `k-"), "{said}");
        }
    });
}

#[test]
fn the_commands_find_the_ring_that_dev_made_or_say_what_is_not_set() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let without = text(&run(&["keys", "status", "--data-dir", data]));
    assert!(without.contains("keys.file is not set"), "{without}");
    drop(Process::start(&[
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        data,
    ]));
    let status = run(&["keys", "status", "--data-dir", data]);
    assert!(status.status.success(), "{}", text(&status));
}
