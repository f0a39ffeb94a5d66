//! A04, A06: rivals from many connections over two real processes that share one Redis and one PostgreSQL.
//!
//! How many trials: `TEST_COUNTERSIGN_TRIALS`, 100 over all kinds where it is not set.

use crate::{
    contract::lanes::as_own_role,
    support::{
        Authenticator, Person,
        notifier::{DeliveryBehavior, TestNotifier},
        person::{add_method, attested_at},
        processes::{Deployment, Process, last_step, now},
        service::unique,
        tables::postgres_session,
    },
};
use countersign_proto::v1::{
    self as pb, MethodKind, begin_enrollment_request::Method, confirm_enrollment_response,
    verify_challenge_response::Verdict,
};
use std::{collections::HashSet, sync::Arc};
use tokio::{sync::Barrier, task::JoinSet};
use tokio_postgres::Client;

const RIVALS: usize = 64;
const CONNECTIONS: usize = 8;

/// The trials of one kind; a long run says how far it came.
#[expect(
    clippy::disallowed_methods,
    reason = "the long run says how long it is"
)]
fn trials(kind: &str, share: usize) -> impl Iterator<Item = usize> {
    let asked = std::env::var("TEST_COUNTERSIGN_TRIALS").ok();
    let all = asked.and_then(|text| text.parse().ok()).unwrap_or(share);
    let announced = move |done: &usize| {
        if done.is_multiple_of(100) || *done == all {
            println!("{kind}: {done} of {all} trials");
        }
    };
    (0..=all)
        .inspect(announced)
        .take_while(move |done| *done < all)
}

/// Two processes and a notifier.
struct ProcessArena {
    deployment: Deployment,
    processes: [Process; 2],
    notifier: TestNotifier,
}

impl ProcessArena {
    async fn new() -> Self {
        Self::on(Deployment::new().await).await
    }

    /// Of sessions that can be told from those of other tests.
    async fn with_own_role() -> Self {
        let mut deployment = Deployment::new().await;
        let role = format!("arena_{}", unique());
        deployment.postgres = as_own_role(&deployment.postgres, &role).await;
        Self::on(deployment).await
    }

    async fn on(mut deployment: Deployment) -> Self {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        deployment.notifier = Some(notifier.url.clone());
        // A long run shares its machine with others: slowness is no verdict.
        "[server]\ndeadline_seconds = 120\n".clone_into(&mut deployment.extra);
        let processes = [deployment.serve(), deployment.serve()];
        Self {
            deployment,
            processes,
            notifier,
        }
    }

    async fn person(&self) -> Person {
        Person::new(
            self.processes[0].portal(),
            format!("tenant-{}", unique()),
            "jane",
        )
        .await
    }

    /// The same person through connections of their own, half of them to each process.
    fn rivals(&self, person: &Person) -> Vec<Person> {
        (0..CONNECTIONS)
            .map(|place| person.through(self.processes[place % 2].portal()))
            .collect()
    }

    async fn database(&self) -> Client {
        postgres_session(&self.deployment.postgres).await
    }
}

fn attested(action: pb::action::Action) -> Option<pb::Authorization> {
    attested_at(now(), action)
}

/// Everyone gives the same answer at once; the approvals that came of it.
async fn all_at_once(people: &[Person], challenge_id: &str, code: &str) -> Vec<pb::Approved> {
    let barrier = Arc::new(Barrier::new(RIVALS));
    let mut answers = JoinSet::new();
    for place in 0..RIVALS {
        let (person, barrier) = (people[place % people.len()].clone(), Arc::clone(&barrier));
        let request = person.verify_request(challenge_id, code);
        answers.spawn(async move {
            barrier.wait().await;
            person.verify_with(request).await
        });
    }
    let answers = answers.join_all().await;
    let approved = answers.into_iter().filter_map(|answer| match answer {
        Ok(Verdict::Approved(approved)) => Some(approved),
        _ => None,
    });
    approved.collect()
}

/// A person with an app; the app.
async fn with_app(person: &Person) -> (Authenticator, Vec<String>) {
    let method = Method::Totp(pb::EnrollTotp {});
    let request = person.enrollment_request(method, attested(add_method(MethodKind::Totp)));
    let begun = person.begin_enrollment(request).await.unwrap();
    let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
    // A step that has passed, so that the present one is still free.
    let enrolled = person
        .confirm(
            &begun.challenge.unwrap().challenge_id,
            &app.code_at(last_step().await),
        )
        .await;
    (app, enrolled.recovery_codes.unwrap().codes)
}

/// The durable record has one approval for each challenge that was passed, and each assertion is there once.
async fn recorded_once(arena: &ProcessArena, approvals: &[pb::Approved]) {
    let ids: HashSet<&str> = approvals
        .iter()
        .map(|approved| approved.approval_id.as_str())
        .collect();
    assert_eq!(ids.len(), approvals.len());
    let database = arena.database().await;
    let counts = "SELECT count(*), count(DISTINCT substring(details FROM 'challenge_id=([0-9a-f]+)')) FROM events
         WHERE kind = 'CHALLENGE_APPROVED' AND details NOT LIKE '%purpose=ENROLLMENT%'";
    let row = database.query_one(counts, &[]).await.unwrap();
    let counts: (i64, i64) = (row.get(0), row.get(1));
    assert!(
        usize::try_from(counts.0).unwrap() >= approvals.len() && counts.0 == counts.1,
        "{counts:?}"
    );
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Trials with codes of apps: each with a person of its own, because a step is accepted once.
async fn app_trials(
    arena: &ProcessArena,
    trials: impl Iterator<Item = usize>,
    step_up: bool,
) -> Vec<usize> {
    let (mut counts, mut all) = (Vec::new(), Vec::new());
    for _ in trials {
        let jane = arena.person().await;
        let (app, _) = with_app(&jane).await;
        let request = if step_up {
            jane.step_up_request(add_method(MethodKind::Sms))
        } else {
            jane.challenge_request()
        };
        let challenge = jane.issue_with(request).await.unwrap();
        let approved = all_at_once(
            &arena.rivals(&jane),
            &challenge.challenge_id,
            &app.code_at(now()),
        )
        .await;
        counts.push(approved.len());
        all.extend(approved);
    }
    recorded_once(arena, &all).await;
    counts
}

#[test]
fn a04_one_code_of_an_app_is_accepted_once_under_64_rivals() {
    runtime().block_on(async {
        let arena = ProcessArena::new().await;
        let counts = app_trials(&arena, trials("a04 app", 15), false).await;
        assert!(counts.iter().all(|count| *count == 1), "{counts:?}");
    });
}

#[test]
fn a04_one_step_up_is_accepted_once_under_64_rivals() {
    runtime().block_on(async {
        let arena = ProcessArena::new().await;
        let counts = app_trials(&arena, trials("a04 step-up", 10), true).await;
        assert!(counts.iter().all(|count| *count == 1), "{counts:?}");
    });
}

#[test]
fn a04_one_delivered_code_is_accepted_once_under_64_rivals() {
    runtime().block_on(async {
        let arena = ProcessArena::new().await;
        let mut people = Vec::new();
        for trial in trials("a04 delivered code, setting up", 50) {
            people.push(if trial.is_multiple_of(2) {
                let number = format!("+49151{:08}", 10_000_000 + trial);
                with_number(&arena, number).await
            } else {
                with_address(&arena).await
            });
        }
        let (mut all, people) = (Vec::new(), people.into_iter());
        for (_, (jane, destination)) in trials("a04 delivered code", 50).zip(people) {
            let challenge = issue_when_it_fits(&jane).await;
            let code = arena.notifier.last_code(&destination).unwrap();
            let rivals = arena.rivals(&jane);
            let approved = all_at_once(&rivals, &challenge.challenge_id, &code).await;
            assert_eq!(approved.len(), 1, "{destination}");
            all.extend(approved);
        }
        recorded_once(&arena, &all).await;
    });
}

async fn with_number(arena: &ProcessArena, number: String) -> (Person, String) {
    let person = arena.person().await;
    let method = Method::Sms(pb::EnrollSms {
        phone_number: number.clone(),
    });
    enroll_destination(arena, &person, (method, MethodKind::Sms), &number).await;
    (person, number)
}

async fn with_address(arena: &ProcessArena) -> (Person, String) {
    let person = arena.person().await;
    let address = person.email.clone();
    let method = Method::Email(pb::EnrollEmail {});
    enroll_destination(arena, &person, (method, MethodKind::Email), &address).await;
    (person, address)
}

async fn enroll_destination(
    arena: &ProcessArena,
    person: &Person,
    (method, kind): (Method, MethodKind),
    destination: &str,
) {
    let request = person.enrollment_request(method, attested(add_method(kind)));
    let begun = person.begin_enrollment(request).await.unwrap();
    let code = arena.notifier.last_code(destination).unwrap();
    let challenge_id = begun.challenge.unwrap().challenge_id;
    person.confirm(&challenge_id, &code).await;
}

/// A message waits for half a minute after the one that enrolled its destination.
async fn issue_when_it_fits(person: &Person) -> pb::Challenge {
    for _ in 0..350 {
        match person.issue_with(person.challenge_request()).await {
            Ok(challenge) => return challenge,
            Err(status) => assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the message never fitted")
}

#[test]
fn a04_one_recovery_code_is_accepted_once_under_64_rivals() {
    runtime().block_on(async {
        let arena = ProcessArena::new().await;
        let (mut codes, mut jane, mut all) = (Vec::new(), arena.person().await, Vec::new());
        for trial in trials("a04 recovery code", 15) {
            if codes.is_empty() {
                jane = arena.person().await;
                (_, codes) = with_app(&jane).await;
            }
            let code = codes.pop().unwrap();
            let challenge = jane.issue().await;
            let approved = all_at_once(&arena.rivals(&jane), &challenge.challenge_id, &code).await;
            // Sixty-four slow hashes at once are more than the pool takes, so that nobody may get through.
            assert!(approved.len() <= 1, "trial {trial}: {}", approved.len());
            all.extend(approved);
        }
        assert!(!all.is_empty());
        recorded_once(&arena, &all).await;
    });
}

#[test]
fn a04_one_bypass_code_is_accepted_once_under_64_rivals() {
    runtime().block_on(async {
        let arena = ProcessArena::new().await;
        let mut all = Vec::new();
        for trial in trials("a04 bypass code", 8) {
            let jane = arena.person().await;
            with_app(&jane).await;
            let code = jane
                .bypass(jane.bypass_request())
                .await
                .unwrap()
                .bypass_code;
            let challenge = jane.issue().await;
            let approved = all_at_once(&arena.rivals(&jane), &challenge.challenge_id, &code).await;
            assert!(approved.len() <= 1, "trial {trial}: {}", approved.len());
            all.extend(approved);
        }
        assert!(!all.is_empty());
        recorded_once(&arena, &all).await;
    });
}

#[test]
fn a04_one_set_up_code_enrols_once_under_64_rivals() {
    runtime().block_on(async {
        let arena = ProcessArena::new().await;
        for trial in trials("a04 set-up code", 10) {
            let jane = arena.person().await;
            let method = Method::Totp(pb::EnrollTotp {});
            let request = jane.enrollment_request(method, attested(add_method(MethodKind::Totp)));
            let begun = jane.begin_enrollment(request).await.unwrap();
            let code = Authenticator::from_base32(&begun.totp.unwrap().secret).code_at(now());
            let id = begun.challenge.unwrap().challenge_id;
            let (rivals, barrier) = (arena.rivals(&jane), Arc::new(Barrier::new(RIVALS)));
            let mut confirmations = JoinSet::new();
            for place in 0..RIVALS {
                let (person, barrier) = (rivals[place % CONNECTIONS].clone(), Arc::clone(&barrier));
                let request = person.confirmation(&id, &code);
                confirmations.spawn(async move {
                    barrier.wait().await;
                    person.confirm_with(request).await
                });
            }
            let outcomes = confirmations.join_all().await;
            let enrolled = |outcome: &&Result<_, _>| {
                matches!(
                    outcome,
                    Ok(confirm_enrollment_response::Verdict::Enrolled(_))
                )
            };
            assert_eq!(outcomes.iter().filter(enrolled).count(), 1, "trial {trial}");
            assert_eq!(jane.settings().await.methods.len(), 1);
        }
    });
}

/// A flaw: the referee of "once" acknowledges writes and forgets them, so that every rival finds the record as it was.
const FORGETS: &str = "
    ALTER TABLE accounts RENAME TO accounts_kept;
    ALTER TABLE ended_challenges RENAME TO endings_kept;
    CREATE VIEW accounts AS SELECT * FROM accounts_kept;
    CREATE VIEW ended_challenges AS SELECT * FROM endings_kept;
    CREATE FUNCTION forget() RETURNS TRIGGER LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER forget INSTEAD OF UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION forget();
    CREATE TRIGGER forget INSTEAD OF INSERT ON ended_challenges FOR EACH ROW EXECUTE FUNCTION forget();
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = current_user AND application_name = 'countersign' AND pid <> pg_backend_pid();";

#[test]
fn a04_a_referee_that_forgets_is_caught_control() {
    runtime().block_on(async {
        let arena = ProcessArena::with_own_role().await;
        let database = arena.database().await;
        let jane = arena.person().await;
        let (app, _) = with_app(&jane).await;
        let challenge = jane.issue().await;
        database.batch_execute(FORGETS).await.unwrap();
        let code = app.code_at(now());
        let approved = all_at_once(&arena.rivals(&jane), &challenge.challenge_id, &code).await;
        assert!(
            approved.len() > 1,
            "the harness did not see the double approval"
        );
    });
}

#[test]
fn a06_five_hundred_wrong_codes_at_once_are_judged_five_times() {
    runtime().block_on(async {
        let arena = ProcessArena::new().await;
        for trial in trials("a06", 5) {
            let jane = arena.person().await;
            with_app(&jane).await;
            let challenge = jane.issue().await;
            let (rivals, barrier) = (arena.rivals(&jane), Arc::new(Barrier::new(500)));
            let mut attempts = JoinSet::new();
            for place in 0..500 {
                let (person, barrier) = (rivals[place % CONNECTIONS].clone(), Arc::clone(&barrier));
                let request = person.verify_request(&challenge.challenge_id, "000000");
                attempts.spawn(async move {
                    barrier.wait().await;
                    person.verify_with(request).await
                });
            }
            let judged = attempts
                .join_all()
                .await
                .into_iter()
                .filter(|outcome| match outcome {
                    Ok(Verdict::Rejected(rejected)) => {
                        rejected.reason() == pb::RejectionReason::CodeRejected
                    }
                    _ => false,
                });
            assert_eq!(judged.count(), 5, "trial {trial}");
        }
    });
}
