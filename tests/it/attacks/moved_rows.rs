//! A63: somebody who can write to the database, and has an account of their own, puts parts of it into another user's
//! row. Nothing of it is accepted there.

use crate::support::{
    Browser, Person, Service, Stores,
    database::{Cell, Database, literal},
    reason,
    service::{Builder, unique},
    stores::{memory, store_keys},
    weak_keys::{Flaw, WeakKeys},
};
use countersign::ports::KeyService;
use countersign_proto::v1::{
    self as pb, begin_sign_in_response::Decision, verify_challenge_response::Verdict,
};
use std::sync::Arc;
use tonic::{Code, Status};

/// What of the attacker's row comes into the victim's.
const RECORD: &str = "record, version, form, key_id, methods, email_tag, last_failure_at";
const ROW: &str = "record, version, form, key_id, methods, email_tag, last_failure_at, profile";
const WITHOUT_VERSION: &str = "record, form, key_id, methods, email_tag, last_failure_at";

/// The victim and the attacker, what the attacker has, and a challenge of the victim that is open.
struct MovedRowScene {
    database: Database,
    service: Service,
    jane: Person,
    mallory: Person,
    recovery_code: String,
    bypass_code: String,
    app_code: String,
    browser: Browser,
    open_challenge: String,
}

impl MovedRowScene {
    async fn new(database: Database, keys: Arc<dyn KeyService>, is_colleague: bool) -> Self {
        let (challenges, budgets) = memory();
        let service = Builder::new(Stores {
            accounts: database.store(keys).await,
            challenges,
            budgets,
            folder: None,
        })
        .start();
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        let mallory = if is_colleague {
            jane.colleague("mallory").await
        } else {
            Person::new(service.portal(), format!("tenant-{}", unique()), "mallory").await
        };
        let app = mallory.enroll_app(&service).await;
        let browser = Browser::new();
        browser.sign_in_and_trust(&service, &mallory, &app).await;
        let bypass = mallory.bypass(mallory.bypass_request()).await.unwrap();
        service.advance(60);
        let open_challenge = jane.issue().await.challenge_id;
        browser.keep(&jane, &browser.token(&mallory));
        database
            .execute("CREATE TABLE kept AS SELECT * FROM accounts")
            .await;
        Self {
            database,
            jane,
            mallory,
            recovery_code: app.recovery_codes[0].clone(),
            bypass_code: bypass.bypass_code,
            app_code: app.app.code_at(service.seconds()),
            browser,
            open_challenge,
            service,
        }
    }

    /// Copies columns of the attacker's row into the victim's.
    async fn copy(&self, columns: &str) {
        let mallory = row_of(&self.mallory);
        let sets = columns
            .split(", ")
            .map(|column| format!("{column} = (SELECT {column} FROM kept WHERE {mallory})"));
        let sets: Vec<String> = sets.collect();
        let copy = format!(
            "UPDATE accounts SET {} WHERE {}",
            sets.join(", "),
            row_of(&self.jane)
        );
        self.database.execute(&copy).await;
    }

    async fn on_jane(&self, set: &str) {
        let change = format!("UPDATE accounts SET {set} WHERE {}", row_of(&self.jane));
        self.database.execute(&change).await;
    }

    async fn restore(&self) {
        let restore = "DELETE FROM accounts; INSERT INTO accounts SELECT * FROM kept";
        self.database.execute(restore).await;
    }

    /// The ways by which the attacker becomes the victim, and how the others were refused.
    async fn ways_in(&self) -> (Vec<&'static str>, Vec<Status>) {
        let (mut ways, mut refusals) = (Vec::new(), Vec::new());
        let codes = [
            ("recovery code", &self.recovery_code),
            ("bypass code", &self.bypass_code),
            ("code of an app", &self.app_code),
        ];
        for (way, code) in codes {
            match self.jane.verify(&self.open_challenge, code).await {
                Ok(Verdict::Approved(_)) => ways.push(way),
                Ok(Verdict::Rejected(_)) => {}
                Err(status) => refusals.push(status),
            }
        }
        match self.browser.begin_and_lose(&self.jane).await {
            Ok(Decision::Allowed(_)) => ways.push("trusted device"),
            Ok(_) => {}
            Err(status) => refusals.push(status),
        }
        (ways, refusals)
    }
}

fn row_of(person: &Person) -> String {
    format!(
        "tenant_id = '{}' AND user_id = '{}'",
        person.tenant_id, person.user_id
    )
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Plays on both engines, with an attacker of the same tenant and one of another.
fn on_each(play: impl AsyncFn(MovedRowScene)) {
    for is_colleague in [true, false] {
        runtime().block_on(async {
            let sqlite = Database::sqlite().await;
            play(MovedRowScene::new(sqlite, store_keys(), is_colleague).await).await;
        });
        runtime().block_on(async {
            let postgres = Database::postgres().await;
            play(MovedRowScene::new(postgres, store_keys(), is_colleague).await).await;
        });
    }
}

/// Nobody gets in, and every question about the row is refused as long as it is as it is.
async fn nobody_gets_in(scene: &MovedRowScene) {
    let (ways, refusals) = scene.ways_in().await;
    assert_eq!(ways, [""; 0]);
    assert_eq!(refusals.len(), 4, "{refusals:?}");
    for status in refusals {
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unavailable, "STORE_UNAVAILABLE"),
            "{status}"
        );
    }
    let issued = scene.jane.issue_with(scene.jane.challenge_request()).await;
    assert_eq!(issued.unwrap_err().code(), Code::Unavailable);
}

#[test]
fn a63_a_record_of_one_user_opens_in_no_other_users_row() {
    for columns in [RECORD, ROW, WITHOUT_VERSION] {
        on_each(async |scene| {
            scene.copy(columns).await;
            nobody_gets_in(&scene).await;
            scene.restore().await;
            scene.service.advance(30);
            scene.jane.issue().await;
        });
    }
}

#[test]
fn a63_a_row_that_takes_another_users_name_does_not_open() {
    on_each(async |scene| {
        let (jane, mallory) = (row_of(&scene.jane), row_of(&scene.mallory));
        let rename = format!(
            "DELETE FROM accounts WHERE {jane};
             UPDATE accounts SET tenant_id = '{}', user_id = 'jane', skeleton = 'jane' WHERE {mallory}",
            scene.jane.tenant_id
        );
        scene.database.execute(&rename).await;
        nobody_gets_in(&scene).await;
    });
}

#[test]
fn a63_neither_an_old_record_nor_another_version_opens() {
    on_each(async |scene| {
        scene.on_jane("version = version - 1").await;
        nobody_gets_in(&scene).await;
    });
    on_each(async |scene| {
        // A wrong code writes a record with a new version; the old one comes back without it.
        let other = scene.jane.issue().await;
        scene.jane.rejected(&other.challenge_id, "000000").await;
        let older = format!(
            "record = (SELECT record FROM kept WHERE {})",
            row_of(&scene.jane)
        );
        scene.on_jane(&older).await;
        nobody_gets_in(&scene).await;
    });
}

/// The address, to which codes and notices go, lies in the profile.
#[test]
fn a63_a_profile_of_another_user_or_an_older_one_does_not_open() {
    on_each(async |scene| {
        scene.copy("profile").await;
        let refused = scene.jane.get().await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused}");
        scene.restore().await;
        let profile = pb::Profile {
            email: "new@example.com".to_owned(),
            ..pb::Profile::default()
        };
        scene.jane.upsert(profile).await.unwrap();
        let older = format!(
            "profile = (SELECT profile FROM kept WHERE {})",
            row_of(&scene.jane)
        );
        scene.on_jane(&older).await;
        let refused = scene.jane.get().await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    });
}

#[test]
fn a63_columns_that_do_not_agree_with_the_record_are_refused() {
    for set in [
        "methods = 0",
        "methods = methods + 8",
        "last_failure_at = 1",
        "form = form + 1",
    ] {
        on_each(async |scene| {
            scene.on_jane(set).await;
            nobody_gets_in(&scene).await;
        });
    }
    on_each(async |scene| {
        let verified = format!(
            "email_tag = (SELECT record FROM kept WHERE {})",
            row_of(&scene.mallory)
        );
        scene.on_jane(&verified).await;
        nobody_gets_in(&scene).await;
    });
}

/// The ending of a challenge that was approved says what was approved, and for whom.
#[test]
fn a63_the_ending_of_one_challenge_opens_for_no_other() {
    on_each(async |scene| {
        let challenge = match &scene.database {
            Database::Sqlite(..) => format!("x'{}'", scene.open_challenge),
            Database::Postgres(_) => format!("'\\x{}'::bytea", scene.open_challenge),
        };
        let copy = format!(
            "INSERT INTO ended_challenges (tenant_id, user_id, challenge_id, ended_at, ending)
             SELECT '{}', 'jane', {challenge}, ended_at, ending FROM ended_challenges
             WHERE user_id = 'mallory' ORDER BY ended_at LIMIT 1",
            scene.jane.tenant_id
        );
        scene.database.execute(&copy).await;
        for code in [&scene.recovery_code, &scene.app_code] {
            let refused = scene.jane.verify(&scene.open_challenge, code).await;
            assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
        }
        let seen = scene.jane.get_challenge(&scene.open_challenge).await;
        let approved = |challenge: pb::Challenge| challenge.state() == pb::ChallengeState::Approved;
        assert!(!seen.is_ok_and(approved));
    });
}

/// The fields of a protobuf message, each with its number. A record has none but numbers and what has a length.
fn fields(mut message: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let varint = |bytes: &mut &[u8]| {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    };
    let mut fields = Vec::new();
    while !message.is_empty() {
        let whole = message;
        let key = varint(&mut message);
        let value = varint(&mut message);
        if key & 7 == 2 {
            message = &message[usize::try_from(value).unwrap()..];
        }
        let length = whole.len() - message.len();
        fields.push((key >> 3, whole[..length].to_vec()));
    }
    fields
}

/// Without sealing, the recovery codes of one user are soon those of another.
#[test]
fn a63_records_that_are_not_sealed_are_caught_control() {
    const RECOVERY_CODES: u64 = 15;
    let attack = async |database: Database| {
        let scene = MovedRowScene::new(database, WeakKeys::ring(Flaw::Open), true).await;
        let of = async |person: &Person| {
            let sql = format!("SELECT record FROM kept WHERE {}", row_of(person));
            match &scene.database.rows(&sql).await[0][0] {
                Cell::Bytes(record) => fields(record),
                other => panic!("{other:?}"),
            }
        };
        let mut record = of(&scene.jane).await;
        record.retain(|(field, _)| *field != RECOVERY_CODES);
        let stolen = of(&scene.mallory).await.into_iter();
        record.extend(stolen.filter(|(field, _)| *field == RECOVERY_CODES));
        let record: Vec<u8> = record.into_iter().flat_map(|(_, field)| field).collect();
        let set = format!("record = {}", literal(&scene.database, &record));
        scene.on_jane(&set).await;
        let (ways, _) = scene.ways_in().await;
        assert_eq!(ways, ["recovery code"]);
    };
    runtime().block_on(async { attack(Database::sqlite().await).await });
    runtime().block_on(async { attack(Database::postgres().await).await });
}
