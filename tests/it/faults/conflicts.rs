//! Another writer is a moment faster at the first save of every change: the change is decided again, on what is there
//! then, and nobody notices.

use crate::support::{
    Builder, ManualClock, Pair, Service, Stores,
    effects::Effects,
    mutations::{Mutation, shards},
    reason,
    service::on,
    stores::CONTENDED,
    tamper::{Rival, TamperedAccounts},
};
use futures_util::future::join_all;
use std::{
    collections::BTreeSet,
    process::Command,
    sync::{Arc, atomic::Ordering},
};

/// RPCs that write nothing whose outcome depends on what another writer saves.
const NO_CONFLICT: [&str; 5] = [
    "BeginSignIn",
    "CancelChallenge",
    "ExportUser",
    "IssueChallenge",
    "VerifyChallenge",
];

/// Stories whose caller names the etag of the policy that it read: another writer moves that, and it is refused.
const ON_AN_ETAG: [&str; 2] = [
    "s30_a_company_switches_two_factor_off_optional_and_required",
    "s30_of_two_updates_from_one_etag_one_wins",
];

/// What became of a call.
#[derive(Debug, PartialEq, Eq)]
enum ConflictOutcome {
    /// No other writer.
    Nobody,
    /// Another writer, and the call did what it is for.
    AndCameThrough,
    /// Another writer, and the call gave up.
    AndGaveUp,
}

async fn play(service: &Service, rival: &Rival, mutation: &Mutation) -> ConflictOutcome {
    let undisturbed = (mutation.prepare)(service).await;
    (undisturbed.send)(String::new()).await.unwrap();
    let expected = Effects::wait_until_stable(service, &undisturbed.person, &[]).await;

    let call = (mutation.prepare)(service).await;
    let before = rival.conflicts.load(Ordering::SeqCst);
    rival.sleeps.store(false, Ordering::SeqCst);
    let answer = (call.send)(String::new()).await;
    let after = Effects::wait_until_stable(service, &call.person, &[&expected]).await;
    rival.sleeps.store(true, Ordering::SeqCst);
    let rpc = mutation.rpc;
    match answer {
        Ok(answer) => assert!(answer.printed.contains(mutation.accepted), "{rpc}"),
        Err(status) => {
            assert_eq!(reason(&status), "CHANGED_CONCURRENTLY", "{rpc}: {status}");
            return ConflictOutcome::AndGaveUp;
        }
    }
    if rival.conflicts.load(Ordering::SeqCst) == before {
        assert_eq!(after, expected, "{rpc}");
        return ConflictOutcome::Nobody;
    }
    if rpc == "BeginReset" && after != expected {
        // Its answer tells nothing.
        return ConflictOutcome::AndGaveUp;
    }
    assert_eq!(after, expected, "{rpc}");
    ConflictOutcome::AndCameThrough
}

fn every_rpc_decides_again(pair: Pair) {
    on(pair, &async |_| {
        let played = shards().map(async |share| play_all(pair, share).await);
        let (mut gave_up, mut met_nobody) = (BTreeSet::new(), BTreeSet::new());
        for (rpc, met) in join_all(played).await.into_iter().flatten() {
            println!("{rpc}: {met:?}");
            match met {
                ConflictOutcome::Nobody => met_nobody.insert(rpc),
                ConflictOutcome::AndGaveUp => gave_up.insert(rpc),
                ConflictOutcome::AndCameThrough => false,
            };
        }
        assert_eq!(gave_up, BTreeSet::new());
        assert_eq!(met_nobody, NO_CONFLICT.into());
    });
}

async fn play_all(
    pair: Pair,
    share: impl Iterator<Item = &'static Mutation>,
) -> Vec<(&'static str, ConflictOutcome)> {
    let mut stores = Stores::of(pair).await;
    let accounts = TamperedAccounts::contended(stores.accounts, Rival::default());
    let accounts = Arc::new(accounts);
    let rival = accounts.rival.as_ref().unwrap();
    rival.sleeps.store(true, Ordering::SeqCst);
    stores.accounts = Arc::clone(&accounts) as _;
    let mut builder = Builder::by_clock(stores, ManualClock::ahead_of_real_time());
    builder.service_layer.logged_out_reset = Some(true);
    let service = builder.start();
    let mut played = Vec::new();
    for mutation in share {
        played.push((mutation.rpc, play(&service, rival, mutation).await));
    }
    played
}

#[test]
fn every_rpc_that_meets_another_writer_on_sqlite_decides_again() {
    every_rpc_decides_again(Pair::Embedded);
}

#[test]
fn every_rpc_that_meets_another_writer_on_postgres_decides_again() {
    every_rpc_decides_again(Pair::MemoryAndPostgres);
}

/// The stories run once more, in a process where every first save of a change meets another one.
#[test]
fn every_story_holds_where_first_saves_meet_another_writer() {
    let stories = Command::new(std::env::current_exe().unwrap())
        .args(["stories::", "--skip", "notifiers::", "--skip", "contract::"])
        .args(ON_AN_ETAG.iter().flat_map(|story| ["--skip", story]))
        .args(["--test-threads", "4"])
        .env(CONTENDED, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&stories.stdout);
    assert!(stories.status.success(), "{said}");
    let last = said.lines().rfind(|line| line.starts_with("test result"));
    println!("{}", last.unwrap());
}
