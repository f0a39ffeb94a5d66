//! A44: the keys are rotated while the service runs, and nobody notices.

use crate::{
    stories::journey::claims,
    support::{EnrolledApp, Person, Service, on_both_pairs, person::add_method, service::unique},
};
use countersign::crypto::KeyRing;
use countersign_domain::value::time::Timestamp;
use countersign_proto::v1 as pb;
use data_encoding::BASE64;
use std::sync::Arc;

/// A ring of these keys, the active one first.
fn ring(keys: &[(&str, u8, Option<Timestamp>)]) -> Arc<KeyRing> {
    let key = |(id, seed, retired_at): &(&str, u8, Option<Timestamp>)| {
        let secret = BASE64.encode(&[*seed; 32]);
        let retired = retired_at.map_or_else(String::new, |at| {
            format!("retired_at = {}\n", at.millis() / 1000)
        });
        format!("[[key]]\nid = \"{id}\"\nsecret = \"{secret}\"\n{retired}")
    };
    let keys: String = keys.iter().map(key).collect();
    let lookup = BASE64.encode(&[9; 32]);
    let text = format!("lookup = \"{lookup}\"\n{keys}");
    Arc::new(KeyRing::parse(&text).unwrap())
}

/// A number that no other test uses: these rings name destinations alike in every run.
fn some_number() -> String {
    let digits = u64::from_str_radix(&unique(), 16).unwrap() % 100_000_000;
    format!("+49151{digits:08}")
}

fn with_ring(service: &Service, ring: &Arc<KeyRing>) -> Service {
    let mut builder = service.twin_builder();
    builder.ring = Arc::clone(ring);
    builder.start()
}

/// An open challenge of each kind.
struct RotationCall {
    by_app: String,
    by_text: String,
    text_code: String,
}

/// Somebody who uses a deployment of two processes.
struct Journey {
    replicas: [Service; 2],
    jane: Person,
    app: EnrolledApp,
    sms: String,
}

impl Journey {
    async fn begin(service: &Service, ring: &Arc<KeyRing>) -> Self {
        let replicas = [with_ring(service, ring), with_ring(service, ring)];
        let jane = replicas[0].person().await;
        let app = jane.enroll_app(&replicas[0]).await;
        let action = add_method(pb::MethodKind::Sms);
        let authorization = jane.step_up(&replicas[0], &app, action).await;
        let sms = jane.enroll_number(&some_number(), authorization).await;
        Self {
            replicas,
            jane,
            app,
            sms: sms.method.unwrap().method_id,
        }
    }

    fn jane_at(&self, replica: usize) -> Person {
        self.jane.through(self.replicas[replica].portal())
    }

    /// One process after the other is started again with its new ring, while somebody signs in: with what was asked
    /// before, on either of them.
    async fn roll_out(&mut self, ring: &Arc<KeyRing>) {
        for replica in [0, 1] {
            let asked = [self.ask(1 - replica).await, self.ask(replica).await];
            let started = with_ring(&self.replicas[replica], ring);
            let stopped = std::mem::replace(&mut self.replicas[replica], started);
            stopped.stop().await;
            let [elsewhere, here] = asked;
            self.answer(replica, elsewhere).await;
            self.answer(1 - replica, here).await;
            self.use_it().await;
        }
    }

    /// Every way through both processes.
    async fn use_it(&self) {
        for (asked, answered) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let asked = self.ask(asked).await;
            self.answer(answered, asked).await;
        }
    }

    async fn ask(&self, replica: usize) -> RotationCall {
        self.replicas[replica].advance(120);
        let jane = self.jane_at(replica);
        let by_app = jane.issue_for(&self.app.method_id).await.unwrap();
        let by_text = jane.issue_for(&self.sms).await.unwrap();
        RotationCall {
            by_app: by_app.challenge_id,
            by_text: by_text.challenge_id,
            text_code: jane.last_code("").await,
        }
    }

    async fn answer(&self, replica: usize, asked: RotationCall) {
        self.replicas[replica].advance(30);
        let jane = self.jane_at(replica);
        let app_code = self.app.app.code_at(self.replicas[replica].seconds());
        for (challenge, code) in [(asked.by_app, app_code), (asked.by_text, asked.text_code)] {
            let approved = jane.approved(&challenge, &code).await;
            for published_by in [0, 1] {
                claims(&self.jane_at(published_by), &approved.assertion).await;
            }
        }
    }

    async fn kids(&self, replica: usize) -> Vec<String> {
        let keys = self.jane_at(replica).clients.keys;
        let request = pb::GetJwksRequest {};
        let published = keys.clone().get_jwks(request).await.unwrap().into_inner();
        let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&published.jwks).unwrap();
        let kids = jwks.keys.into_iter().map(|key| key.common.key_id.unwrap());
        kids.collect()
    }
}

#[test]
fn a44_keys_are_rotated_in_two_steps_without_a_single_failure() {
    on_both_pairs(async |service| {
        let (first, second) = (("k-1", 1, None), ("k-2", 2, None));
        let mut journey = Journey::begin(&service, &ring(&[first])).await;
        journey.use_it().await;
        assert_eq!(journey.kids(0).await, ["k-1"]);

        journey.roll_out(&ring(&[first, second])).await;
        for replica in [0, 1] {
            assert_eq!(journey.kids(replica).await, ["k-1", "k-2"]);
        }
        journey.roll_out(&ring(&[second, first])).await;
        for replica in [0, 1] {
            assert_eq!(journey.kids(replica).await, ["k-2", "k-1"]);
        }
        let retired = ("k-1", 1, Some(Timestamp::from_seconds(service.seconds())));
        journey.roll_out(&ring(&[second, retired])).await;
        assert_eq!(journey.kids(0).await, ["k-2", "k-1"]);
    });
}

#[test]
fn a44_keys_that_are_rotated_in_one_step_fail_control() {
    on_both_pairs(async |service| {
        let (first, second) = (("k-1", 1, None), ("k-2", 2, None));
        let mut journey = Journey::begin(&service, &ring(&[first])).await;
        journey.replicas[0] = with_ring(&service, &ring(&[second, first]));
        let asked = journey.ask(0).await;
        let elsewhere = journey.jane_at(1);
        let answered = elsewhere.verify(&asked.by_text, &asked.text_code).await;
        assert!(answered.is_err(), "the other process lacks the key");
    });
}
