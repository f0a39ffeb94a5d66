//! A68: versions of this program that know different forms of records, on one database. N knows form 1; N+1 knows form 2,
//! in which a record has one field more.

mod canary;

use crate::{
    contract::{
        accounts::{START, random_subject},
        verdicts::{Judged, prepare, verdict_request},
    },
    support::stores::{entropy, new_schema, postgres_at, store_keys},
};
use countersign::{
    ports::{AccountLookup, AccountStore, StoreResult},
    store::{postgres::PostgresAccounts, sqlite::SqliteAccounts},
};
use countersign_domain::{
    challenge::{AttemptJudgment, approval::ApprovedPurpose, verdict::VerdictResult},
    limits::budget::AttemptClass,
    value::{
        epoch::Epoch,
        id::{Subject, SubjectTag},
        secret::{SealedBytes, SealingContext},
    },
};
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Field 99, one byte long.
const LATER_FIELD: [u8; 3] = [0x9a, 0x06, 0x01];

/// A database, as those see it who can write to it.
#[derive(Clone)]
enum FormsDatabase {
    Postgres(String),
    /// In a folder that is there for as long as this is.
    Sqlite(Arc<TempDir>),
}

/// A process on a database.
#[derive(Clone)]
enum FormsProcess {
    Postgres(Arc<PostgresAccounts>),
    Sqlite(Arc<SqliteAccounts>),
}

/// What of a user's row the form concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FormsRow {
    version: i64,
    form: i32,
    record: Vec<u8>,
}

impl FormsDatabase {
    async fn both() -> [Self; 2] {
        let folder = Arc::new(TempDir::new().unwrap());
        [Self::Postgres(new_schema().await), Self::Sqlite(folder)]
    }

    /// A process that knows forms up to this one.
    async fn process(&self, newest_form: i32) -> FormsProcess {
        match self {
            Self::Postgres(url) => {
                FormsProcess::Postgres(Arc::new(postgres_at(url).knowing_form(newest_form)))
            }
            Self::Sqlite(folder) => {
                let opened = SqliteAccounts::open(&file(folder), store_keys(), entropy()).await;
                FormsProcess::Sqlite(Arc::new(opened.unwrap().knowing_form(newest_form)))
            }
        }
    }

    async fn row(&self, subject: &Subject) -> FormsRow {
        const ROW: &str = "SELECT version, form, record FROM accounts WHERE tenant_id = $1";
        let tenant = subject.tenant.as_str();
        match self {
            Self::Postgres(url) => {
                let row = sql(url).await.query_one(ROW, &[&tenant]).await.unwrap();
                FormsRow {
                    version: row.get(0),
                    form: row.get(1),
                    record: row.get(2),
                }
            }
            Self::Sqlite(folder) => {
                let db = rusqlite::Connection::open(file(folder)).unwrap();
                let row = db.query_row(ROW, [tenant], |row| {
                    Ok(FormsRow {
                        version: row.get(0)?,
                        form: row.get(1)?,
                        record: row.get(2)?,
                    })
                });
                row.unwrap()
            }
        }
    }

    async fn put(&self, subject: &Subject, row: &FormsRow) {
        const PUT: &str = "UPDATE accounts SET form = $1, record = $2 WHERE tenant_id = $3";
        let tenant = subject.tenant.as_str();
        let changed = match self {
            Self::Postgres(url) => {
                let client = sql(url).await;
                let put = client
                    .execute(PUT, &[&row.form, &row.record, &tenant])
                    .await;
                usize::try_from(put.unwrap()).unwrap()
            }
            Self::Sqlite(folder) => {
                let db = rusqlite::Connection::open(file(folder)).unwrap();
                db.execute(PUT, rusqlite::params![row.form, row.record, tenant])
                    .unwrap()
            }
        };
        assert_eq!(changed, 1);
    }
}

impl FormsProcess {
    fn accounts(&self) -> Arc<dyn AccountStore> {
        match self {
            Self::Postgres(accounts) => Arc::clone(accounts) as _,
            Self::Sqlite(accounts) => Arc::clone(accounts) as _,
        }
    }

    async fn finish_upgrade(&self) -> StoreResult<()> {
        match self {
            Self::Postgres(accounts) => accounts.finish_upgrade().await,
            Self::Sqlite(accounts) => accounts.finish_upgrade().await,
        }
    }

    /// Whether there is an upgrade to be finished.
    async fn is_behind(&self) -> bool {
        let forms = match self {
            Self::Postgres(accounts) => accounts.forms().await,
            Self::Sqlite(accounts) => accounts.forms().await,
        };
        forms.unwrap().is_behind()
    }

    async fn wrong_code(&self, user: &FormsUser, attempt: u8) -> StoreResult<VerdictResult> {
        self.accounts().record_verdict(&wrong(user, attempt)).await
    }
}

/// N+1: this program, and a field more that it keeps in records of form 2.
struct Newer {
    process: FormsProcess,
    database: FormsDatabase,
}

impl Newer {
    /// A wrong code, and what N+1 keeps of it in its field: how many there were.
    async fn wrong_code(&self, user: &FormsUser, attempt: u8) {
        let subject = &user.0;
        let row = self.database.row(subject).await;
        let (known, kept) = split(plain(subject, &row));
        self.database
            .put(subject, &resealed(subject, &row, &known))
            .await;
        self.process.wrong_code(user, attempt).await.unwrap();
        let row = self.database.row(subject).await;
        if row.form == 2 {
            let later = with_later_field(plain(subject, &row), kept.unwrap_or_default() + 1);
            self.database
                .put(subject, &resealed(subject, &row, &later))
                .await;
        } else {
            assert_eq!(kept, None, "a field was lost");
        }
    }
}

type FormsUser = (Subject, SubjectTag);

async fn user(accounts: &dyn AccountStore) -> FormsUser {
    let (subject, tag) = random_subject();
    prepare(accounts, &subject, tag).await;
    (subject, tag)
}

/// A wrong code, each at a challenge of its own.
fn wrong(
    (subject, tag): &FormsUser,
    attempt: u8,
) -> countersign_domain::challenge::verdict::VerdictRequest {
    let judged = Judged {
        challenge: attempt,
        attempt,
        payload: None,
        caller: "portal",
        class: AttemptClass::Recovery,
        behind: 0,
        asks_method: false,
        version: 1,
        judgment: AttemptJudgment::Wrong { skew: None },
        device: None,
        purpose: ApprovedPurpose::SignIn,
    };
    verdict_request(subject, *tag, &judged, Epoch::first(1), START)
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("test.db")
}

async fn sql(url: &str) -> tokio_postgres::Client {
    let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
    let (client, connection) = connected.unwrap();
    tokio::runtime::Handle::current().spawn(connection);
    client
}

fn plain(subject: &Subject, row: &FormsRow) -> Vec<u8> {
    let purpose = SealingContext::AccountRecord(subject, row.version, row.form);
    let opened = store_keys().open(purpose, &SealedBytes::from_bytes(row.record.clone()));
    opened.unwrap().expose().to_vec()
}

/// The row with another record.
fn resealed(subject: &Subject, row: &FormsRow, plain: &[u8]) -> FormsRow {
    let mut nonce = [0; 24];
    entropy().fill(&mut nonce);
    let purpose = SealingContext::AccountRecord(subject, row.version, row.form);
    FormsRow {
        record: store_keys().seal(purpose, plain, nonce).as_bytes().to_vec(),
        ..row.clone()
    }
}

fn with_later_field(plain: Vec<u8>, value: u8) -> Vec<u8> {
    [plain, LATER_FIELD.to_vec(), vec![value]].concat()
}

/// What N knows of a record, and the value of the field that it does not know.
fn split(plain: Vec<u8>) -> (Vec<u8>, Option<u8>) {
    match plain.split_last_chunk::<4>() {
        Some((known, [a, b, c, value])) if [*a, *b, *c] == LATER_FIELD => {
            (known.to_vec(), Some(*value))
        }
        _ => (plain, None),
    }
}

#[track_caller]
fn assert_refuses<T: std::fmt::Debug>(outcome: StoreResult<T>, why: &str) {
    let cause = outcome.unwrap_err().cause.to_string();
    assert!(cause.contains(why), "{cause}");
}

const WRITES_NEWER: &str = "this version of Countersign knows forms up to 1: update this process";
const IS_NEWER: &str = "written by a newer version of Countersign: update this process";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a68_a_newer_version_writes_the_old_form_until_the_upgrade_is_finished() {
    for database in FormsDatabase::both().await {
        let (old, new) = (database.process(1).await, database.process(2).await);
        let user = user(old.accounts().as_ref()).await;
        new.wrong_code(&user, 1).await.unwrap();
        old.wrong_code(&user, 2).await.unwrap();
        assert_eq!(
            database.row(&user.0).await.form,
            1,
            "both read and write it"
        );
        old.finish_upgrade().await.unwrap();
        assert!(!old.is_behind().await && new.is_behind().await);

        new.finish_upgrade().await.unwrap();
        assert!(!new.is_behind().await);
        let before = database.row(&user.0).await;
        assert_refuses(old.wrong_code(&user, 3).await, WRITES_NEWER);
        assert_refuses(old.accounts().clock().await, WRITES_NEWER);
        assert_refuses(old.finish_upgrade().await, WRITES_NEWER);
        assert_eq!(database.row(&user.0).await, before);

        new.accounts().clock().await.unwrap();
        new.wrong_code(&user, 4).await.unwrap();
        assert_eq!(database.row(&user.0).await.form, 2);
        let loaded = old.accounts().load(&user.0, AccountLookup::default()).await;
        assert_refuses(loaded, IS_NEWER);
        let (subject, tag) = random_subject();
        prepare(new.accounts().as_ref(), &subject, tag).await;
        assert_eq!(database.row(&subject).await.form, 2, "a new user's");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a68_an_older_version_never_erases_what_a_newer_one_stored() {
    for database in FormsDatabase::both().await {
        let old = database.process(1).await;
        let newer = Newer {
            process: database.process(2).await,
            database: database.clone(),
        };
        let user = user(old.accounts().as_ref()).await;
        newer.wrong_code(&user, 1).await;
        old.wrong_code(&user, 2).await.unwrap();
        newer.process.finish_upgrade().await.unwrap();
        for attempt in [3, 5, 7] {
            newer.wrong_code(&user, attempt).await;
            let before = database.row(&user.0).await;
            assert_refuses(old.wrong_code(&user, attempt + 1).await, WRITES_NEWER);
            assert_eq!(database.row(&user.0).await, before);
        }
        let (_, kept) = split(plain(&user.0, &database.row(&user.0).await));
        assert_eq!(kept, Some(3));
    }
}

/// Where the database does not say what newer processes wrote: its state was restored alone, or somebody altered it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a68_64_rivals_of_an_older_version_leave_a_newer_record_as_it_is() {
    for database in FormsDatabase::both().await {
        let old = database.process(1).await;
        let user = user(old.accounts().as_ref()).await;
        let row = database.row(&user.0).await;
        let newer_form = FormsRow {
            form: 2,
            ..row.clone()
        };
        for newer in [row, newer_form] {
            let (known, _) = split(plain(&user.0, &database.row(&user.0).await));
            let newer = resealed(&user.0, &newer, &with_later_field(known, 9));
            database.put(&user.0, &newer).await;
            let mut rivals = JoinSet::new();
            for attempt in 0..64 {
                let (old, user) = (old.clone(), user.clone());
                rivals.spawn(async move { old.wrong_code(&user, attempt).await });
            }
            for outcome in rivals.join_all().await {
                assert_refuses(outcome, IS_NEWER);
            }
            assert_eq!(database.row(&user.0).await, newer);
        }
    }
}
