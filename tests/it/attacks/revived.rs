//! A13, A36: Redis comes back with an old state, in which challenges are open that have ended since. A right code and a
//! wrong one get the same answer, to the byte.

use crate::{
    faults::servers::OwnRedis,
    support::{
        Person, Service, Stores,
        database::Database,
        person::wrong,
        service::Builder,
        stores::{redis_at, store_keys},
    },
};
use countersign_proto::v1::verify_challenge_response::Verdict;
use prost::Message;
use tonic::metadata::MetadataMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Superseded,
    Canceled,
    Exhausted,
    Approved,
}

const ENDINGS: [Ending; 4] = [
    Ending::Superseded,
    Ending::Canceled,
    Ending::Exhausted,
    Ending::Approved,
];

/// Somebody whose challenge ends after Redis was saved, and what they answer when it is back.
struct RevivedCase {
    ending: Ending,
    jane: Person,
    challenge: String,
    code_for_approval: String,
    answer: String,
}

impl RevivedCase {
    async fn new(service: &Service, ending: Ending, is_right: bool) -> Self {
        let jane = service.person().await;
        let app = jane.enroll_app(service).await.app;
        let now = service.seconds();
        let right = app.code_at(now + 60);
        Self {
            ending,
            challenge: jane.issue().await.challenge_id,
            jane,
            code_for_approval: app.code_at(now + 30),
            answer: if is_right {
                right.clone()
            } else {
                wrong(&right)
            },
        }
    }

    async fn end(&self) {
        let jane = &self.jane;
        match self.ending {
            Ending::Superseded => {
                for _ in 0..5 {
                    jane.issue().await;
                }
            }
            Ending::Canceled => jane.cancel(&self.challenge).await.unwrap(),
            Ending::Exhausted => {
                for _ in 0..5 {
                    let code = wrong(&self.code_for_approval);
                    jane.rejected(&self.challenge, &code).await;
                }
            }
            Ending::Approved => {
                jane.approved(&self.challenge, &self.code_for_approval)
                    .await;
            }
        }
    }
}

/// The headers or trailers, without the second in which they were written.
fn headers(metadata: &MetadataMap) -> String {
    let mut metadata = metadata.clone();
    metadata.remove("date");
    format!("{metadata:?}")
}

/// The whole answer of the service: message, details, headers and trailers. And whether it is an approval.
async fn answer(person: &Person, challenge: &str, code: &str) -> (Vec<u8>, bool) {
    let request = person.verify_request(challenge, code);
    let mut client = person.clients.challenges.clone();
    match client.verify_challenge(request).await {
        Ok(response) => {
            let metadata = headers(response.metadata());
            let body = response.into_inner();
            let is_approval = matches!(body.verdict, Some(Verdict::Approved(_)));
            let bytes = [metadata.as_bytes(), &body.encode_to_vec()].concat();
            (bytes, is_approval)
        }
        Err(status) => {
            let metadata = headers(status.metadata());
            let bytes = [
                &(status.code() as i32).to_be_bytes(),
                status.message().as_bytes(),
                status.details(),
                metadata.as_bytes(),
            ];
            (bytes.concat(), false)
        }
    }
}

/// For each ending, the answers to a right and to a wrong code after Redis came back with what it had before.
async fn answers(
    database: &Database,
    forgets_endings: bool,
) -> Vec<(Ending, [(Vec<u8>, bool); 2])> {
    let mut redis = OwnRedis::start(&[]);
    let (challenges, budgets) = redis_at(&[redis.url()], false);
    let service = Builder::new(Stores {
        accounts: database.store(store_keys()).await,
        challenges,
        budgets,
        folder: None,
    })
    .start();
    let mut cases = Vec::new();
    for ending in ENDINGS {
        for is_right in [true, false] {
            cases.push(RevivedCase::new(&service, ending, is_right).await);
        }
    }
    service.advance(30);
    assert!(redis.cli(&["save"]).contains("OK"));
    for case in &cases {
        case.end().await;
    }
    redis.kill();
    redis.start_again();
    if forgets_endings {
        database.execute("DELETE FROM ended_challenges").await;
    }
    let (challenges, budgets) = redis_at(&[redis.url()], false);
    let mut builder = service.twin_builder();
    builder.stores.challenges = challenges;
    builder.stores.budgets = budgets;
    let afterwards = builder.start();
    let mut answers = Vec::new();
    for pair in cases.chunks(2) {
        let mut both = Vec::new();
        for case in pair {
            let jane = case.jane.through(afterwards.portal());
            both.push(answer(&jane, &case.challenge, &case.answer).await);
        }
        answers.push((pair[0].ending, both.try_into().unwrap()));
    }
    answers
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a13_a_challenge_that_redis_brings_back_has_one_answer_for_right_and_wrong() {
    let play = async |database: Database| {
        for (ending, [right, wrong]) in answers(&database, false).await {
            assert!(!right.1 && !wrong.1, "{ending:?}");
            assert_eq!(
                String::from_utf8_lossy(&right.0),
                String::from_utf8_lossy(&wrong.0),
                "{ending:?}"
            );
        }
    };
    runtime().block_on(async { play(Database::sqlite().await).await });
    runtime().block_on(async { play(Database::postgres().await).await });
}

#[test]
fn a13_a_store_that_forgets_endings_is_caught_control() {
    let play = async |database: Database| {
        let told = answers(&database, true).await;
        let telling = told.iter().filter(|(_, [right, wrong])| right != wrong);
        let telling: Vec<Ending> = telling.map(|(ending, _)| *ending).collect();
        for ending in [Ending::Superseded, Ending::Canceled] {
            assert!(telling.contains(&ending), "{telling:?}");
        }
    };
    runtime().block_on(async { play(Database::sqlite().await).await });
    runtime().block_on(async { play(Database::postgres().await).await });
}
