//! Commits whose answer is lost: every RPC that changes something, with a request id and without, on both engines. It
//! answers what happened, or that it is not known; the change is whole or not there; and a repeat finishes it once.

use crate::support::{
    Builder, ManualClock, Pair, Service, Stores,
    commit_proxy::{CommitProxy, LostCommit},
    effects::Effects,
    mutations::{MUTATIONS, Mutation, MutationAnswer, PreparedCall, READS, shards},
    reason,
    service::on,
    stores::{memory, new_schema, postgres_at, sqlite},
    tamper::{Fault, TamperedAccounts},
};
use countersign::store::postgres::ServerAddress;
use countersign_proto::DESCRIPTORS;
use futures_util::future::join_all;
use prost::Message;
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};
use tonic::{Code, Status};

/// No call has more commits.
const COMMITS_AT_MOST: usize = 10;

/// How a commit of a call gets lost.
enum Losses {
    Postgres(CommitProxy),
    Sqlite(Arc<TamperedAccounts>),
}

impl Losses {
    async fn on_postgres() -> (Service, Self) {
        let url = new_schema().await;
        let port = ServerAddress::parse(&url).unwrap().ports[0];
        let proxy = CommitProxy::to(SocketAddr::from(([127, 0, 0, 1], port))).await;
        let url = url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port));
        let accounts = postgres_at(&url);
        let (challenges, budgets) = memory();
        let stores = Stores {
            accounts: Arc::new(accounts),
            challenges,
            budgets,
            folder: None,
        };
        (with_resets(stores), Self::Postgres(proxy))
    }

    async fn on_sqlite() -> (Service, Self) {
        let (accounts, folder) = sqlite().await;
        let accounts = Arc::new(TamperedAccounts::new(accounts));
        let (challenges, budgets) = memory();
        let stores = Stores {
            accounts: Arc::clone(&accounts) as _,
            challenges,
            budgets,
            folder: Some(folder),
        };
        (with_resets(stores), Self::Sqlite(accounts))
    }

    /// How commits get lost, of calls with a request id and without.
    const fn kinds(&self) -> &'static [(LostCommit, &'static str)] {
        match self {
            Self::Postgres(_) => &[
                (LostCommit::CarriedOut, ID),
                (LostCommit::CarriedOut, ""),
                (LostCommit::CarriedOutLater, ID),
                (LostCommit::CarriedOutLater, ""),
                (LostCommit::NeverArrives, ID),
            ],
            Self::Sqlite(_) => &[
                (LostCommit::CarriedOut, ID),
                (LostCommit::CarriedOut, ""),
                (LostCommit::NeverArrives, ID),
            ],
        }
    }

    fn arm(&self, nth: usize, how: LostCommit) {
        match self {
            Self::Postgres(proxy) => proxy.lose(nth, how),
            Self::Sqlite(accounts) => {
                let fault = match how {
                    LostCommit::NeverArrives => Fault::FailsBefore,
                    LostCommit::CarriedOut | LostCommit::CarriedOutLater => Fault::FailsAfter,
                };
                accounts.break_write(nth, fault);
            }
        }
    }

    fn is_armed(&self) -> bool {
        match self {
            Self::Postgres(proxy) => proxy.is_armed(),
            Self::Sqlite(accounts) => accounts.is_write_fault_armed(),
        }
    }

    /// Waits until a commit got lost, which may be after the response, for at most five seconds.
    async fn wait_until_lost(&self) {
        for _ in 0..250 {
            if !self.is_armed() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many more commits would have passed; nothing if one got lost.
    fn disarm(&self) -> Option<usize> {
        match self {
            Self::Postgres(proxy) => proxy.lose_nothing(),
            Self::Sqlite(accounts) => accounts.break_no_write(),
        }
    }
}

fn with_resets(stores: Stores) -> Service {
    let mut builder = Builder::by_clock(stores, ManualClock::ahead_of_real_time());
    builder.service_layer.logged_out_reset = Some(true);
    builder.start()
}

/// What a call comes to that nothing disturbs.
struct Undisturbed {
    before: Effects,
    after: Effects,
    commits: usize,
    /// Whether a repeat with the same request id gives the same answer to the byte.
    repeats_answer: bool,
}

const ID: &str = "request-0001";

async fn undisturbed(service: &Service, losses: &Losses, mutation: &Mutation) -> Undisturbed {
    let call = (mutation.prepare)(service).await;
    let before = Effects::wait_until_stable(service, &call.person, &[]).await;
    losses.arm(COMMITS_AT_MOST, LostCommit::NeverArrives);
    let answer = (call.send)(ID.to_owned()).await.unwrap();
    assert!(answer.printed.contains(mutation.accepted), "{answer:?}");
    let after = Effects::wait_until_stable(service, &call.person, &[]).await;
    let commits = COMMITS_AT_MOST - losses.disarm().unwrap();
    assert!(commits > 0, "{} commits nothing", mutation.rpc);
    assert_ne!(before, after, "{} changes something", mutation.rpc);
    let repeat = (call.send)(ID.to_owned()).await;
    Undisturbed {
        before,
        after,
        commits,
        repeats_answer: repeat.is_ok_and(|repeat| repeat == answer),
    }
}

fn is_unavailable(outcome: &Result<MutationAnswer, Status>) -> bool {
    matches!(outcome, Err(status) if status.code() == Code::Unavailable)
}

/// Whether the call is to be repeated: nobody knows its outcome yet.
fn is_pending(outcome: &Result<MutationAnswer, Status>) -> bool {
    let in_flight = |status: &Status| reason(status) == "REQUEST_IN_FLIGHT";
    is_unavailable(outcome) || outcome.as_ref().err().is_some_and(in_flight)
}

/// Which commit of a call gets lost, how, and the request id of the call.
#[derive(Debug, Clone, Copy)]
struct CommitCase {
    nth: usize,
    how: LostCommit,
    id: &'static str,
}

/// Plays one call of which a commit gets lost. What is wrong about it.
async fn play(
    service: &Service,
    losses: &Losses,
    mutation: &Mutation,
    expected: &Undisturbed,
    case: CommitCase,
) -> Vec<String> {
    let call = (mutation.prepare)(service).await;
    let before = Effects::wait_until_stable(service, &call.person, &[&expected.before]).await;
    assert_eq!(before, expected.before, "{}", mutation.rpc);
    let mut wrong = Vec::new();
    losses.arm(case.nth, case.how);
    let first = (call.send)(case.id.to_owned()).await;
    let accepted = |answer: &MutationAnswer| answer.printed.contains(mutation.accepted);
    match &first {
        Ok(answer) if accepted(answer) => {}
        Err(_) if is_unavailable(&first) => {}
        other => wrong.push(format!("answers {other:?}")),
    }
    let may_be_undone = first.is_err() || mutation.rpc == "BeginReset";
    let whole: &[&Effects] = if may_be_undone {
        &[&expected.after, &expected.before]
    } else {
        &[&expected.after]
    };
    losses.wait_until_lost().await;
    let after = Effects::wait_until_stable(service, &call.person, whole).await;
    assert_eq!(losses.disarm(), None, "{} lost nothing", mutation.rpc);
    // What precedes the last commit of a call may stand alone until it is repeated.
    if !whole.contains(&&after) && expected.commits == 1 {
        wrong.push(format!("leaves {after:#?} instead of {whole:#?}"));
    }
    if !case.id.is_empty() {
        wrong.extend(repeat(&call, mutation, expected, &first).await);
        let after = Effects::wait_until_stable(service, &call.person, &[&expected.after]).await;
        if after != expected.after {
            wrong.push(format!(
                "comes to {after:#?} instead of {:#?}",
                expected.after
            ));
        }
    }
    wrong
}

/// Repeats a call until its outcome is known. What is wrong about that.
async fn repeat(
    call: &PreparedCall,
    mutation: &Mutation,
    expected: &Undisturbed,
    first: &Result<MutationAnswer, Status>,
) -> Option<String> {
    let mut repeat = (call.send)(ID.to_owned()).await;
    for _ in 0..3 {
        if !is_pending(&repeat) {
            break;
        }
        repeat = (call.send)(ID.to_owned()).await;
    }
    match (first, &repeat) {
        (Ok(first), Ok(repeat)) if expected.repeats_answer && first != repeat => {
            Some(format!("answers {first:?}, and then {repeat:?}"))
        }
        (_, Ok(repeat)) if repeat.printed.contains(mutation.accepted) => None,
        other => Some(format!("answers a repeat with {other:?}")),
    }
}

/// The RPCs about which something is wrong.
async fn play_all(start: impl AsyncFn() -> (Service, Losses)) -> BTreeSet<String> {
    let shards = shards().map(async |share| {
        let (service, losses) = start().await;
        let mut wrong = BTreeSet::new();
        for mutation in share {
            if !comes_through(&service, &losses, mutation).await {
                wrong.insert(mutation.rpc.to_owned());
            }
        }
        wrong
    });
    join_all(shards).await.into_iter().flatten().collect()
}

/// Whether an RPC does so whichever of its commits gets lost.
async fn comes_through(service: &Service, losses: &Losses, mutation: &Mutation) -> bool {
    let rpc = mutation.rpc;
    let expected = undisturbed(service, losses, mutation).await;
    let mut comes_through = true;
    for nth in 0..expected.commits {
        for (how, id) in losses.kinds() {
            // Without a request id each export is a new one.
            let id = if rpc == "ExportUser" { "" } else { *id };
            let how = *how;
            let case = CommitCase { nth, how, id };
            for found in play(service, losses, mutation, &expected, case).await {
                println!("{rpc} {case:?}: it {found}");
                comes_through = false;
            }
        }
    }
    let (commits, repeats) = (expected.commits, expected.repeats_answer);
    println!("{rpc}: {commits} commits, repeats its answer: {repeats}");
    comes_through
}

#[test]
fn a_commit_whose_answer_is_lost_on_postgres_is_told_and_done_once() {
    on(Pair::MemoryAndPostgres, &async |_| {
        let wrong = play_all(Losses::on_postgres).await;
        assert_eq!(wrong, BTreeSet::new());
    });
}

#[test]
fn a_commit_whose_answer_is_lost_on_sqlite_is_told_and_done_once() {
    on(Pair::Embedded, &async |_| {
        let wrong = play_all(Losses::on_sqlite).await;
        assert_eq!(wrong, BTreeSet::new());
    });
}

/// Every RPC of the contract, by its name.
fn rpcs() -> Vec<String> {
    let files = prost_types::FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let files = files.file.into_iter();
    let contract = files.filter(|file| file.package() == "countersign.v1");
    let services = contract.flat_map(|file| file.service);
    let methods = services.flat_map(|service| service.method);
    methods.map(|method| method.name().to_owned()).collect()
}

#[test]
fn no_rpc_is_left_out() {
    let altering_changes = MUTATIONS.iter().map(|mutation| mutation.rpc);
    let known: BTreeSet<String> = altering_changes.chain(READS).map(str::to_owned).collect();
    assert_eq!(known, rpcs().into_iter().collect());
}
