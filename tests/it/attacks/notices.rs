//! A42: a change or an alert without its notice, or with two; over two real processes that die at random instants.
//!
//! How often they die: `TEST_COUNTERSIGN_KILLS`, 12 where it is not set.

use crate::support::{
    Authenticator, Clients, Person,
    notifier::{DeliveryBehavior, TestNotifier, notice_id},
    person::{add_method, approval, attested_at, wrong},
    processes::{Deployment, Process, now},
    service::unique,
    tables::{execute_in_postgres, postgres_session},
};
use countersign_proto::{
    notifier::{NoticeKind, deliver_request::Content},
    v1::{
        self as pb, MethodKind, begin_enrollment_request::Method, confirm_enrollment_response,
        verify_challenge_response::Verdict,
    },
};
use countersign_transport::system::{RandomSource, SystemEntropy};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, RwLock},
    time::Duration,
};
use tokio_postgres::Client;
use tonic::{Code, Status};

/// How many sign-ins by recovery code, each with a switch of the app behind it.
const SWITCHES: usize = 4;

/// How many processes die while four people live.
const KILLS_A_ROUND: usize = 12;

/// All that was ever queued: rows of the outbox go when they are delivered.
const REMEMBERED: &str = "
    CREATE TABLE told (notice_id BYTEA, subject BYTEA, channel TEXT, turn BIGINT, position BIGINT);
    CREATE FUNCTION remember() RETURNS TRIGGER LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO told VALUES (NEW.notice_id, NEW.subject, NEW.channel, NEW.turn, NEW.position);
        RETURN NULL;
    END $$;
    CREATE TRIGGER remember AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION remember();";

/// A flaw: some rows of the outbox are lost.
const LOSES: &str = "
    CREATE FUNCTION lose() RETURNS TRIGGER LANGUAGE plpgsql AS $$
    BEGIN
        RETURN CASE WHEN NEW.turn % 2 = 0 THEN NULL ELSE NEW END;
    END $$;
    CREATE TRIGGER lose BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION lose();";

/// A flaw: an alert that was announced is not taken away.
const REPEATS: &str = "
    CREATE FUNCTION raise_again() RETURNS TRIGGER LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO alerts (tenant_id, user_id, subject, turn, kind, method_id, method_kind, codes_left, at, due_at)
        VALUES (OLD.tenant_id, OLD.user_id, OLD.subject, OLD.turn, OLD.kind, OLD.method_id, OLD.method_kind,
            OLD.codes_left, OLD.at, 1);
        RETURN NULL;
    END $$;
    CREATE TRIGGER raise_again AFTER DELETE ON alerts FOR EACH ROW WHEN (OLD.due_at > 1)
        EXECUTE FUNCTION raise_again();";

/// What happened that people have to hear of, as the durable record has it.
const HAPPENED: &str = "
    SELECT tenant_id, CASE WHEN kind = 'CHALLENGE_APPROVED' THEN 'RECOVERY_CODE' ELSE kind END, count(*)
    FROM events
    WHERE kind IN ('METHOD_ADDED', 'METHOD_REPLACED')
        OR (kind = 'CHALLENGE_APPROVED' AND details LIKE '%answered_by=RECOVERY_CODE%')
    GROUP BY 1, 2
    UNION ALL SELECT tenant_id, 'MANY_WRONG_CODES', 1 FROM events WHERE kind = 'CHALLENGE_REJECTED'
    GROUP BY 1 HAVING count(*) >= 10";

#[expect(
    clippy::disallowed_methods,
    reason = "the long run says how long it is"
)]
fn kills() -> usize {
    let asked = std::env::var("TEST_COUNTERSIGN_KILLS").ok();
    asked
        .and_then(|text| text.parse().ok())
        .unwrap_or(KILLS_A_ROUND)
}

/// Two processes, either of which may be dead, and a notifier.
struct NoticeArena {
    deployment: Deployment,
    processes: RwLock<[Process; 2]>,
    notifier: TestNotifier,
}

impl NoticeArena {
    async fn new(flaw: &'static str) -> Self {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let mut deployment = Deployment::new().await;
        deployment.notifier = Some(notifier.url.clone());
        for statements in [REMEMBERED, flaw] {
            execute_in_postgres(&deployment.postgres, statements).await;
        }
        let processes = RwLock::new([deployment.serve(), deployment.serve()]);
        Self {
            deployment,
            processes,
            notifier,
        }
    }

    fn clients(&self, place: usize) -> Clients {
        self.processes.read().unwrap()[place % 2].portal()
    }

    async fn database(&self) -> Client {
        postgres_session(&self.deployment.postgres).await
    }

    /// Kills a process, and starts it again.
    fn kill(&self, place: usize) {
        self.processes.read().unwrap()[place].signal("KILL");
        let another = self.deployment.serve();
        self.processes.write().unwrap()[place] = another;
    }

    /// What a dead process held is taken up once its lease has run out: here, at once.
    async fn leases_run_out(&self, database: &Client) {
        let due = "UPDATE outbox_queues SET due_at = 1";
        database.batch_execute(due).await.unwrap();
    }

    /// Waits until nothing is left to be told.
    async fn told_everything(&self) {
        let database = self.database().await;
        for _ in 0..300 {
            let left = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM alerts)";
            let left: i64 = database.query_one(left, &[]).await.unwrap().get(0);
            if left == 0 {
                return;
            }
            self.leases_run_out(&database).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("something was never told")
    }
}

fn random_below(bound: u64) -> u64 {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    u64::from_be_bytes(bytes) % bound
}

/// Repeats a call until it is answered, each time at the other process.
async fn answered<T>(arena: &NoticeArena, call: impl AsyncFn(Clients) -> Result<T, Status>) -> T {
    let mut last = None;
    for place in 0..400 {
        match call(arena.clients(place)).await {
            Ok(answer) => return answer,
            Err(status) => {
                assert!(may_be_repeated(&status), "{status:?}");
                last = Some(status);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it was never answered, at last: {last:?}")
}

/// What a caller meets whose process dies, or who is too early with the repeat.
fn may_be_repeated(status: &Status) -> bool {
    [
        Code::Unavailable,
        Code::Unknown,
        Code::Cancelled,
        Code::Internal,
        Code::Aborted,
        Code::DeadlineExceeded,
        Code::ResourceExhausted,
    ]
    .contains(&status.code())
}

/// A person with an address and a number on file, both verified: whatever happens is told twice.
async fn newcomer(arena: &NoticeArena) -> Person {
    let tenant_id = format!("tenant-{}", unique());
    let person = Person {
        clients: arena.clients(0),
        email: format!("jane@{tenant_id}.example.com"),
        tenant_id,
        user_id: "jane".to_owned(),
    };
    let profile = pb::Profile {
        email: person.email.clone(),
        email_verified: true,
        phone_number: format!("+49151{:08}", 10_000_000 + random_below(80_000_000)),
        phone_number_verified: true,
        ..pb::Profile::default()
    };
    answered(arena, async |clients| {
        person.through(clients).upsert(profile.clone()).await
    })
    .await;
    person
}

/// Enrolls an app; gives it and the recovery codes that came with it.
async fn enroll_app(
    arena: &NoticeArena,
    person: &Person,
    replaced_method_id: &str,
    authorization: Option<pb::Authorization>,
) -> (Authenticator, pb::Enrolled) {
    let method = Method::Totp(pb::EnrollTotp {});
    let request = pb::BeginEnrollmentRequest {
        request_id: unique(),
        replaced_method_id: replaced_method_id.to_owned(),
        ..person.enrollment_request(method, authorization)
    };
    let begun = answered(arena, async |clients| {
        person
            .through(clients)
            .begin_enrollment(request.clone())
            .await
    })
    .await;
    let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
    let challenge = begun.challenge.unwrap();
    let confirm = pb::ConfirmEnrollmentRequest {
        request_id: unique(),
        ..person.confirmation(&challenge.challenge_id, &app.code_at(now()))
    };
    let verdict = answered(arena, async |clients| {
        person.through(clients).confirm_with(confirm.clone()).await
    });
    match verdict.await {
        confirm_enrollment_response::Verdict::Enrolled(enrolled) => (app, enrolled),
        rejected @ confirm_enrollment_response::Verdict::Rejected(_) => {
            panic!("should have been enrolled: {rejected:?}")
        }
    }
}

async fn answer(
    arena: &NoticeArena,
    person: &Person,
    challenge: &pb::Challenge,
    code: &str,
) -> Verdict {
    let request = pb::VerifyChallengeRequest {
        request_id: unique(),
        ..person.verify_request(&challenge.challenge_id, code)
    };
    answered(arena, async |clients| {
        person.through(clients).verify_with(request.clone()).await
    })
    .await
}

async fn issue(arena: &NoticeArena, person: &Person) -> pb::Challenge {
    let request = pb::IssueChallengeRequest {
        request_id: unique(),
        ..person.challenge_request()
    };
    answered(arena, async |clients| {
        person.through(clients).issue_with(request.clone()).await
    })
    .await
}

/// A process that dies between its answer and what comes after it gives the charge of a right code not back.
async fn full_budget(arena: &NoticeArena, person: &Person) {
    let request = pb::UnlockUserRequest {
        request_id: unique(),
        ..person.unlock_request()
    };
    answered(arena, async |clients| {
        person.through(clients).unlock(request.clone()).await
    })
    .await;
}

/// A life of changes and alerts: the first app, sign-ins by recovery code, each with a new app behind it, wrong codes.
async fn live(arena: Arc<NoticeArena>, switches: usize) {
    let jane = newcomer(&arena).await;
    let attested = attested_at(now(), add_method(MethodKind::Totp));
    let (mut app, enrolled) = enroll_app(&arena, &jane, "", attested).await;
    let codes = enrolled.recovery_codes.unwrap().codes;
    let mut method_id = enrolled.method.unwrap().method_id;
    for code in codes.iter().take(switches) {
        let challenge = issue(&arena, &jane).await;
        let Verdict::Approved(approved) = answer(&arena, &jane, &challenge, code).await else {
            panic!("a recovery code should sign in");
        };
        let proof = approval(&approved.approval_id);
        let (another, enrolled) = enroll_app(&arena, &jane, &method_id, proof).await;
        app = another;
        method_id = enrolled.method.unwrap().method_id;
    }
    full_budget(&arena, &jane).await;
    for _ in 0..2 {
        let challenge = issue(&arena, &jane).await;
        for _ in 0..5 {
            let code = wrong(&app.code_at(now()));
            let verdict = answer(&arena, &jane, &challenge, &code).await;
            assert!(matches!(verdict, Verdict::Rejected(_)), "{verdict:?}");
        }
    }
}

/// Several lives at once, while processes die.
async fn lives(arena: &Arc<NoticeArena>, (people, switches): (usize, usize), kills: usize) {
    let mut lives = tokio::task::JoinSet::new();
    for _ in 0..people {
        lives.spawn_local(live(Arc::clone(arena), switches));
    }
    let database = arena.database().await;
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(random_below(300))).await;
        let place = usize::try_from(random_below(2)).unwrap();
        let victim = Arc::clone(arena);
        tokio::task::spawn_blocking(move || victim.kill(place))
            .await
            .unwrap();
        arena.leases_run_out(&database).await;
    }
    while let Some(lifetime) = lives.join_next().await {
        lifetime.unwrap();
    }
    arena.told_everything().await;
}

/// What of the notifications does not fit what happened: nothing, if all is well.
async fn misfits(arena: &NoticeArena) -> Vec<String> {
    let database = arena.database().await;
    let rows = database.query(HAPPENED, &[]).await.unwrap();
    let happened = rows.into_iter().map(|row| {
        let of: (String, String) = (row.get(0), row.get(1));
        (of, usize::try_from(row.get::<_, i64>(2)).unwrap())
    });
    let happened: BTreeMap<(String, String), usize> = happened.collect();
    assert!(!happened.is_empty());
    let arrived = arrived(arena);
    let mut misfits = Vec::new();
    let mut told: BTreeMap<(String, String), BTreeMap<String, usize>> = BTreeMap::new();
    for Arrived {
        tenant, to, what, ..
    } in &arrived
    {
        let of = (tenant.clone(), what.clone());
        *told.entry(of).or_default().entry(to.clone()).or_default() += 1;
    }
    for (of, times) in &happened {
        let to = told.remove(of).unwrap_or_default();
        if to.len() != 2 || to.values().any(|count| count != times) {
            misfits.push(format!(
                "{of:?} happened {times} times, and was told {to:?}"
            ));
        }
    }
    misfits.extend(told.keys().map(|of| format!("{of:?} never happened")));
    misfits.extend(out_of_turn(&database, &arrived).await);
    misfits
}

/// Queued, but never seen by the notifier, or seen in another order.
async fn out_of_turn(database: &Client, arrived: &[Arrived]) -> Vec<String> {
    let in_order = "SELECT encode(notice_id, 'hex'), encode(subject, 'hex'), channel FROM told ORDER BY turn, position";
    let mut queues: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for row in database.query(in_order, &[]).await.unwrap() {
        let queue = queues.entry((row.get(1), row.get(2))).or_default();
        queue.push(row.get(0));
    }
    let mut misfits = Vec::new();
    for (of, queue) in queues {
        let mine: HashSet<&String> = queue.iter().collect();
        let seen = arrived.iter().filter(|notice| mine.contains(&notice.key));
        let seen: Vec<&String> = seen.map(|notice| &notice.key).collect();
        if !seen.iter().copied().eq(&queue) {
            misfits.push(format!("{of:?}: queued {queue:?}, seen {seen:?}"));
        }
    }
    misfits
}

/// A notice as the notifier first saw it.
struct Arrived {
    key: String,
    tenant: String,
    to: String,
    what: String,
}

fn arrived(arena: &NoticeArena) -> Vec<Arrived> {
    let mut keys = HashSet::new();
    let messages = arena.notifier.messages().into_iter();
    let first = messages.filter(|message| keys.insert(message.idempotency_key.clone()));
    first
        .filter_map(|message| match &message.content {
            Some(Content::Notice(notice)) => Some(Arrived {
                what: what(notice.kind()).to_owned(),
                key: notice_id(&message).to_owned(),
                tenant: message.tenant_id,
                to: message.destination,
            }),
            _ => None,
        })
        .collect()
}

fn what(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::MethodAdded => "METHOD_ADDED",
        NoticeKind::MethodReplaced => "METHOD_REPLACED",
        NoticeKind::RecoveryCodeUsed => "RECOVERY_CODE",
        NoticeKind::ManyWrongCodes => "MANY_WRONG_CODES",
        other => panic!("nothing of the kind happened: {other:?}"),
    }
}

/// Plays on one thread, beside those that serve.
fn play(scene: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, scene);
}

#[test]
fn a42_every_change_and_alert_is_notified_once_under_kills() {
    play(async {
        let arena = Arc::new(NoticeArena::new("").await);
        let rounds = kills().div_ceil(KILLS_A_ROUND);
        for _ in 0..rounds {
            lives(&arena, (4, SWITCHES), KILLS_A_ROUND).await;
            assert_eq!(misfits(&arena).await, Vec::<String>::new());
        }
        let told = arrived(&arena).len();
        println!("{told} notices over {} kills", rounds * KILLS_A_ROUND);
        assert_eq!(told, rounds * 4 * 2 * (1 + 2 * SWITCHES + 1));
    });
}

#[test]
fn a42_a_lost_notice_is_caught_control() {
    play(async {
        let arena = Arc::new(NoticeArena::new(LOSES).await);
        lives(&arena, (1, 1), 0).await;
        assert_ne!(misfits(&arena).await, Vec::<String>::new());
    });
}

#[test]
fn a42_an_alert_that_is_told_twice_is_caught_control() {
    play(async {
        let arena = Arc::new(NoticeArena::new(REPEATS).await);
        lives(&arena, (1, 1), 0).await;
        let misfits = misfits(&arena).await;
        let twice = |misfit: &String| misfit.contains("RECOVERY_CODE") && misfit.contains(": 2");
        assert!(misfits.iter().any(twice), "{misfits:?}");
    });
}
