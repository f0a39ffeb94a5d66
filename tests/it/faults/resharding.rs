//! A cluster that is being resharded: while one user's keys lie on two nodes, a script runs over all of them or not at
//! all.

use crate::support::{
    service::unique,
    stores::{redis_cluster, setting},
};
use countersign_domain::{
    authorization::caller::CallerName,
    limits::user_throttle::{AttemptChargeResult, AttemptRequest, ChallengeOpening},
    policy::Policy,
    value::{
        id::{AttemptId, ChallengeId, SubjectTag},
        secret::SealedBytes,
        time::Timestamp,
    },
};
use data_encoding::HEXLOWER;
use redis::{Cmd, Connection, FromRedisValue, cmd};
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);
const CHALLENGE: ChallengeId = ChallengeId::from_bytes([1; 16]);

fn opening() -> ChallengeOpening {
    ChallengeOpening {
        id: CHALLENGE,
        caller: CallerName::new("portal"),
        device: None,
        sealed: SealedBytes::from_bytes(vec![1]),
        now: NOW,
        expires_at: NOW.plus(Duration::from_mins(5)),
        attempts: 5,
        wrong_codes: Policy::built_in().wrong_codes,
        failures: Vec::new(),
        send: None,
        replaced_challenge_id: None,
        enrollment: false,
        max_open: 5,
        idempotency_key: None,
    }
}

fn attempt(attempt_id: u8) -> AttemptRequest {
    AttemptRequest {
        challenge: CHALLENGE,
        caller: CallerName::new("portal"),
        attempt_id: AttemptId::from_bytes([attempt_id; 16]),
        payload: None,
        recovery: false,
        device: None,
        now: NOW,
    }
}

struct Node {
    connection: Connection,
    id: String,
    port: u16,
}

impl Node {
    fn all() -> Vec<Self> {
        let urls = setting("TEST_COUNTERSIGN_REDIS_CLUSTER");
        urls.split(',').map(Self::at).collect()
    }

    fn at(url: &str) -> Self {
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_connection().unwrap();
        let id = cmd("CLUSTER").arg("MYID").query(&mut connection).unwrap();
        let port = url.rsplit(':').next().unwrap().parse().unwrap();
        Self {
            connection,
            id,
            port,
        }
    }

    fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> T {
        command.query(&mut self.connection).unwrap()
    }

    fn keys_in(&mut self, slot: u16) -> Vec<String> {
        self.ask(cmd("CLUSTER").arg("GETKEYSINSLOT").arg(slot).arg(100))
    }

    fn set_slot(&mut self, slot: u16, state: &str, other: &str) {
        let command = cmd("CLUSTER")
            .arg("SETSLOT")
            .arg(slot)
            .arg(state)
            .arg(other)
            .to_owned();
        self.ask::<()>(&command);
    }

    fn hand_over(&mut self, keys: &[String], to: u16) {
        let mut command = cmd("MIGRATE");
        command.arg("127.0.0.1").arg(to).arg("").arg(0).arg(5000);
        self.ask::<()>(command.arg("KEYS").arg(keys));
    }
}

#[test]
fn a_slot_on_the_move_is_unavailable_and_then_as_it_was() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let subject = SubjectTag(unique().as_bytes().try_into().unwrap());
    let (challenges, _) = runtime.block_on(async { redis_cluster() });
    let spend =
        |attempt_id| runtime.block_on(challenges.charge_attempt(subject, &attempt(attempt_id)));
    let judged = |attempt_id| match spend(attempt_id) {
        Ok(AttemptChargeResult::Charged(charged)) => charged.attempts_left,
        other => panic!("{other:?}"),
    };
    runtime
        .block_on(challenges.open(subject, &opening()))
        .unwrap();
    assert_eq!(judged(1), 4);

    let mut nodes = Node::all();
    let base = format!("cs:{{{}}}", HEXLOWER.encode(&subject.0));
    let slot: u16 = nodes[0].ask(cmd("CLUSTER").arg("KEYSLOT").arg(&base));
    let holds = |node: &mut Node| !node.keys_in(slot).is_empty();
    let place = nodes.iter_mut().position(holds).unwrap();
    let mut source = nodes.swap_remove(place);
    let mut target = nodes.swap_remove(0);
    target.set_slot(slot, "IMPORTING", &source.id);
    source.set_slot(slot, "MIGRATING", &target.id);
    source.hand_over(&[format!("{base}:g")], target.port);
    let on_the_move = spend(2);
    assert!(on_the_move.is_err(), "{on_the_move:?}");

    let rest = source.keys_in(slot);
    source.hand_over(&rest, target.port);
    let owner = target.id.clone();
    for node in [&mut target, &mut source].into_iter().chain(&mut nodes) {
        node.set_slot(slot, "NODE", &owner);
    }
    assert_eq!(judged(2), 3);
}
