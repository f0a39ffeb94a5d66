use super::*;
use crate::{
    crypto::KeyRing,
    ports::{KeyService, StoreUnavailable},
    store::record::{rows::AccountRow, sealing::SaveMode},
};
use countersign_domain::{
    account::change::UnapprovedEnding,
    challenge::verdict::ChallengeOutcome,
    value::{id::ChallengeId, secret::SealingContext},
};
use countersign_transport::system::RandomSource;
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

pub(super) const RING: &str = "lookup = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n\
                    [[key]]\n\
                    id = \"k-00000001\"\n\
                    secret = \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"\n";

const VERSION: i64 = 41;

/// Never the same bytes twice, as long as a test lasts.
pub(super) struct CountingRandom(pub(super) AtomicU8);

impl RandomSource for CountingRandom {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn keys() -> KeyRing {
    KeyRing::parse(RING).unwrap()
}

pub(super) fn sealing() -> RecordSealing {
    RecordSealing::new(Arc::new(keys()), Arc::new(CountingRandom(AtomicU8::new(1))))
}

const SAVE: SaveMode<'_> = SaveMode {
    version: VERSION,
    form: NEWEST_FORM,
    exact_id: "",
    has_new_profile: true,
};

pub(super) fn row() -> AccountRow {
    sealing().seal_account(&representative(), SAVE)
}

/// The account as it comes back: what the store keeps beside the record has a tag of its own.
fn stored(row: &AccountRow) -> Account {
    Account {
        profile_tag: SealedBytes::from_bytes(row.profile.clone()).tag().to_vec(),
        ..representative()
    }
}

fn open(row: &AccountRow) -> Result<Account, StoreUnavailable> {
    open_for(&jane(), row)
}

fn open_for(subject: &Subject, row: &AccountRow) -> Result<Account, StoreUnavailable> {
    sealing().open_account("test", subject, row, &PolicyOverride::default())
}

/// The row with another record, sealed as ours are, and no profile.
fn row_with(plain: &[u8]) -> AccountRow {
    let subject = jane();
    let purpose = SealingContext::AccountRecord(&subject, VERSION, NEWEST_FORM);
    let sealed = keys().seal(purpose, plain, [9; 24]);
    AccountRow {
        record: sealed.as_bytes().to_vec(),
        profile: Vec::new(),
        ..row()
    }
}

#[track_caller]
fn assert_refused(opened: Result<Account, StoreUnavailable>, because: InvalidRow) {
    assert_eq!(why_refused(opened), because.to_string());
}

/// Why, behind which row it is.
#[track_caller]
fn why_refused<T: std::fmt::Debug>(opened: Result<T, StoreUnavailable>) -> String {
    let pseudonym = data_encoding::HEXLOWER.encode(&keys().subject_tag(&jane()).0);
    let row = format!(
        "the row of subject {pseudonym} of tenant `acme` in the table `accounts` can't be used: "
    );
    let refused = opened.unwrap_err().cause.to_string();
    let why = refused.strip_prefix(&row);
    why.unwrap_or_else(|| panic!("{refused}")).to_owned()
}

#[track_caller]
fn assert_does_not_open<T: std::fmt::Debug>(opened: Result<T, StoreUnavailable>) {
    let refused = opened.unwrap_err().cause.to_string();
    assert!(refused.contains("can't be opened"), "{refused}");
}

#[test]
fn an_account_opens_from_its_row() {
    let row = row();
    assert_eq!(open(&row).unwrap(), stored(&row));
}

#[test]
fn an_account_opens_without_its_profile() {
    let without = AccountRow {
        profile: Vec::new(),
        ..row()
    };
    let account = open(&without).unwrap();
    let nothing = SealedBytes::from_bytes(Vec::new());
    assert_eq!(account.profile, nothing);
    assert_eq!(account.user_key, nothing);
    assert!(
        account
            .methods
            .iter()
            .all(|method| method.sealed == nothing)
    );
    assert_eq!(account.methods.len(), representative().methods.len());
}

#[test]
fn a_row_goes_without_a_profile_that_did_not_change() {
    let without = SaveMode {
        has_new_profile: false,
        ..SAVE
    };
    let row = sealing().seal_account(&representative(), without);
    assert_eq!(row.profile, Vec::<u8>::new());
    assert_eq!(
        open(&row).unwrap().profile_tag,
        representative().profile_tag
    );
}

#[test]
fn a_row_of_a_greater_form_is_refused() {
    let newer = AccountRow {
        form: NEWEST_FORM + 1,
        ..row()
    };
    assert_refused(open(&newer), InvalidRow::Newer);
}

#[test]
fn a_record_does_not_open_as_of_another_form_or_version() {
    let other_form = AccountRow {
        form: NEWEST_FORM - 1,
        ..row()
    };
    let other_version = AccountRow {
        version: VERSION + 1,
        ..row()
    };
    assert_does_not_open(open(&other_form));
    assert_does_not_open(open(&other_version));
}

#[test]
fn a_record_does_not_open_for_another_user() {
    assert_does_not_open(open_for(&subject("joe"), &row()));
    assert_does_not_open(open_for(&subject("Jane"), &row()));
}

#[test]
fn a_record_with_an_unknown_field_is_refused() {
    let plain = stored_account(&representative()).encode_to_vec();
    assert!(open(&row_with(&plain)).is_ok());
    let field_99 = [0x9a, 0x06, 1, 0];
    let newer = [plain, field_99.to_vec()].concat();
    assert_refused(open(&row_with(&newer)), InvalidRow::Newer);
}

#[test]
fn a_record_with_an_unknown_field_in_a_part_is_refused() {
    let mut record = stored_account(&representative());
    record.methods.clear();
    let with_field_99 = [0x72, 4, 0x9a, 0x06, 1, 0];
    let newer = [record.encode_to_vec(), with_field_99.to_vec()].concat();
    assert_refused(open(&row_with(&newer)), InvalidRow::Newer);
}

#[test]
fn a_record_with_an_unknown_enum_number_is_refused() {
    type Alter = fn(&mut pb::AccountRecord);
    let alterations: [(&str, Alter); 9] = [
        ("method", |record| record.methods[0].kind = 99),
        ("recovery", |record| {
            record.recovery.as_mut().unwrap().kind = 99;
        }),
        ("app", |record| record.devices[0].app = 99),
        ("proof", |record| record.devices[0].proved_by = 99),
        ("revert", |record| record.revert_records[0].kind = 99),
        ("attempt", |record| record.wrong_attempts[0].class = 99),
        ("window", |record| record.announced_windows[0] = 99),
        ("purpose", |record| record.approvals[0].purpose = 99),
        ("answer", |record| record.approvals[0].answered_by = 99),
    ];
    for (what, alter) in alterations {
        let mut record = stored_account(&representative());
        alter(&mut record);
        let opened = open(&row_with(&record.encode_to_vec()));
        assert_eq!(why_refused(opened), InvalidRow::Newer.to_string(), "{what}");
    }
}

#[test]
fn a_record_with_a_form_of_hash_or_trust_that_is_unknown_is_refused() {
    type Alter = fn(&mut pb::AccountRecord);
    let alterations: [Alter; 3] = [
        |record| record.bypass.as_mut().unwrap().hash = None,
        |record| {
            record.recovery.as_mut().unwrap().unused[0].hash = Some(pb::CodeHash { form: None });
        },
        |record| record.devices[0].trust = Some(pb::Trust { state: None }),
    ];
    for alter in alterations {
        let mut record = stored_account(&representative());
        alter(&mut record);
        assert_refused(open(&row_with(&record.encode_to_vec())), InvalidRow::Newer);
    }
}

#[test]
fn a_profile_of_an_earlier_save_is_refused() {
    let sealing = sealing();
    let earlier = AccountRow {
        profile: sealing.seal_account(&representative(), SAVE).profile,
        ..sealing.seal_account(&representative(), SAVE)
    };
    let because = InvalidRow::Misplaced("the profile is not the one of the record");
    assert_refused(open(&earlier), because);
}

#[test]
fn a_profile_of_other_methods_is_refused() {
    let because = InvalidRow::Misplaced("the profile is of other methods than the record");
    let record = stored_account(&representative());
    let alterations: [fn(&mut pb::AccountProfile); 3] = [
        |profile| profile.methods.swap(0, 1),
        |profile| drop(profile.methods.pop()),
        |profile| profile.methods.push(pb::MethodDetails::default()),
    ];
    for alter in alterations {
        let mut profile = stored_profile(&representative());
        alter(&mut profile);
        assert_eq!(read(&record, &profile), Err(because));
    }
}

#[test]
fn a_record_whose_key_is_not_in_the_ring_names_the_key() {
    let other = KeyRing::parse(&RING.replace("k-00000001", "k-00000002")).unwrap();
    let other = RecordSealing::new(Arc::new(other), Arc::new(CountingRandom(AtomicU8::new(1))));
    let opened = other.open_account("test", &jane(), &row(), &PolicyOverride::default());
    assert_eq!(
        why_refused(opened),
        "sealed data can't be opened: its key is not in the key ring; it is sealed under the key `k-00000001`: put that key \
         back into the ring"
    );
}

#[test]
fn a_record_under_another_key_of_the_same_name_says_what_may_be_the_matter() {
    let other = KeyRing::parse(&RING.replace("AQEB", "AgIC")).unwrap();
    let other = RecordSealing::new(Arc::new(other), Arc::new(CountingRandom(AtomicU8::new(1))));
    let opened = other.open_account("test", &jane(), &row(), &PolicyOverride::default());
    assert_eq!(
        why_refused(opened),
        "sealed data can't be opened: authentication failed; the row was altered or moved, or the ring has another \
         key by the name `k-00000001`"
    );
}

#[test]
fn an_exact_id_is_bound_to_the_record() {
    let exact = SaveMode {
        exact_id: "jane",
        ..SAVE
    };
    let exact = sealing().seal_account(&representative(), exact);
    assert!(open(&exact).is_ok());
    let because = InvalidRow::Misplaced("its columns do not agree with its record");
    for (row, exact_id) in [(exact, ""), (row(), "jane"), (row(), "Jane")] {
        let row = AccountRow {
            exact_id: exact_id.to_owned(),
            ..row
        };
        assert_refused(open(&row), because);
    }
}

#[test]
fn columns_that_disagree_with_the_record_are_refused() {
    type Alter = fn(&mut AccountRow);
    let alterations: [Alter; 8] = [
        |row| row.skeleton = "joe".to_owned(),
        |row| row.exact_id = "jane".to_owned(),
        |row| row.key_id = "k-00000002".to_owned(),
        |row| row.projections.email_tag = None,
        |row| row.projections.email_tag = Some(vec![9; 16]),
        |row| row.projections.methods = 1,
        |row| row.projections.last_failure_at = None,
        |row| row.projections.last_failure_at = Some(1),
    ];
    for alter in alterations {
        let mut row = row();
        alter(&mut row);
        let because = InvalidRow::Misplaced("its columns do not agree with its record");
        assert_refused(open(&row), because);
    }
}

#[test]
fn columns_say_what_lists_and_logins_ask_for() {
    let projections = row().projections;
    assert_eq!(projections.email_tag, Some(vec![1; 16]));
    assert_eq!(projections.methods, 0b1111);
    assert_eq!(projections.last_failure_at, Some(NOW.millis()));
    let unverified = Account {
        email_verified: false,
        wrong_attempts: wrong_attempts()[..1].to_vec(),
        methods: methods()[..1].to_vec(),
        ..representative()
    };
    let row = sealing().seal_account(&unverified, SAVE);
    assert_eq!(row.projections.email_tag, None);
    assert_eq!(row.projections.methods, 1);
    assert_eq!(
        row.projections.last_failure_at, None,
        "the window was lifted"
    );
}

#[test]
fn an_ending_opens_only_for_its_challenge_and_its_user() {
    let sealing = sealing();
    let caller = CallerName::new("portal");
    let ended = ChallengeOutcome::Without(UnapprovedEnding::Exhausted);
    let challenge: ChallengeId = test_id(1);
    let stored = ending::stored_ending(&caller, NOW, &ended);
    let sealed = sealing.seal_ending(&jane(), challenge, &stored);
    let open =
        |subject: &Subject, challenge| sealing.open_ending("test", subject, challenge, &sealed);
    assert_eq!(open(&jane(), challenge).unwrap(), (caller, ended));
    assert_does_not_open(open(&jane(), test_id(2)));
    assert_does_not_open(open(&subject("joe"), challenge));
}

#[test]
fn an_ending_with_an_unknown_number_is_refused() {
    let how = pb::challenge_ending::How::WithoutApproval(99);
    for how in [Some(how), None] {
        let stored = pb::ChallengeEnding {
            caller: "portal".to_owned(),
            at_millis: 1,
            how,
        };
        assert_eq!(ending::ended(&jane(), stored), Err(InvalidRow::Newer));
    }
}
