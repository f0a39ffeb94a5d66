//! S30, S31: what a company decides, and what it is told of it.

mod effects;
mod enforced;
mod refusals;

use crate::support::{
    Builder, Pair, Person, Service, Stores, field, on_both_pairs,
    person::add_method,
    reason,
    service::{on, unique},
};
use countersign_domain::{
    method::MethodKind,
    policy::{self, PolicyOverride},
};
use countersign_proto::v1::{self as pb, PolicySource, TwoFactorMode};
use prost_types::{Duration, FieldMask};
use tonic::{Code, Status};

/// An administrator of a company of their own.
struct Administrator {
    jane: Person,
}

impl Administrator {
    async fn new(service: &Service) -> Self {
        Self {
            jane: service.person().await,
        }
    }

    fn tenant(&self) -> String {
        self.jane.tenant_id.clone()
    }

    async fn get(&self) -> pb::GetPolicyResponse {
        let request = pb::GetPolicyRequest {
            tenant_id: self.tenant(),
        };
        let mut policies = self.jane.clients.policies.clone();
        policies.get_policy(request).await.unwrap().into_inner()
    }

    fn request(&self, policy: pb::Policy) -> pb::UpdatePolicyRequest {
        pb::UpdatePolicyRequest {
            tenant_id: self.tenant(),
            request_id: String::new(),
            policy: Some(policy),
            update_mask: None,
            acting_user_id: "root@example.com".to_owned(),
            reason: "the auditors asked for it".to_owned(),
        }
    }

    async fn send(
        &self,
        request: pb::UpdatePolicyRequest,
    ) -> Result<pb::UpdatePolicyResponse, Status> {
        let mut policies = self.jane.clients.policies.clone();
        Ok(policies.update_policy(request).await?.into_inner())
    }

    async fn update(&self, policy: pb::Policy) -> Result<pb::UpdatePolicyResponse, Status> {
        self.send(self.request(policy)).await
    }

    async fn explain(&self, user_id: &str) -> Result<pb::ExplainPolicyResponse, Status> {
        let request = pb::ExplainPolicyRequest {
            tenant_id: self.tenant(),
            user_id: user_id.to_owned(),
        };
        let mut policies = self.jane.clients.policies.clone();
        Ok(policies.explain_policy(request).await?.into_inner())
    }
}

fn mode(mode: TwoFactorMode) -> pb::Policy {
    pb::Policy {
        two_factor: Some(mode.into()),
        ..pb::Policy::default()
    }
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    })
}

fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

fn kinds(kinds: &[pb::MethodKind]) -> Option<pb::MethodKinds> {
    Some(pb::MethodKinds {
        kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
    })
}

fn changes(changes: &[pb::ChangeKind]) -> Option<pb::ChangeKinds> {
    Some(pb::ChangeKinds {
        changes: changes.iter().map(|change| (*change).into()).collect(),
    })
}

#[track_caller]
fn value<'a>(explained: &'a pb::ExplainPolicyResponse, field: &str) -> &'a pb::PolicyValue {
    let found = explained.values.iter().find(|value| value.field == field);
    found.unwrap_or_else(|| panic!("{field} is not explained"))
}

/// The status, its reason, and the field that is bad, where one is.
fn refusal(status: &Status) -> (Code, String, Option<String>) {
    let field = Some(field(status)).filter(|field| !field.is_empty());
    (status.code(), reason(status), field)
}

#[test]
fn s30_a_company_switches_two_factor_off_optional_and_required() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let before = company.get().await;
        assert_eq!(before.policy.clone().unwrap().two_factor, None);
        assert_eq!(
            before.effective.unwrap().two_factor(),
            TwoFactorMode::Optional
        );
        let mut etag = before.policy.unwrap().etag;
        for switched in [
            TwoFactorMode::Off,
            TwoFactorMode::Optional,
            TwoFactorMode::Required,
        ] {
            let policy = pb::Policy {
                etag,
                ..mode(switched)
            };
            let updated = company.update(policy).await.unwrap();
            let (policy, effective) = (updated.policy.unwrap(), updated.effective.unwrap());
            assert_eq!(policy.two_factor(), switched);
            assert_eq!(effective.two_factor(), switched);
            let off = switched == TwoFactorMode::Off;
            assert_eq!(!updated.warnings.is_empty(), off, "{:?}", updated.warnings);

            let read = company.get().await;
            assert_eq!(read.policy, Some(policy.clone()));
            assert_eq!(read.effective, Some(effective));
            let explained = company.explain("").await.unwrap();
            let two_factor = value(&explained, "two_factor");
            assert_eq!(two_factor.source(), PolicySource::Tenant);
            assert_eq!(two_factor.text, "set by your administrator");
            assert_eq!(
                explained.guess_probability.is_none(),
                off,
                "nothing is asked, nothing guessed"
            );
            etag = policy.etag;
        }
    });
}

#[test]
fn s30_a_mask_writes_what_it_names_and_opens_what_is_not_given() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let required = pb::Policy {
            trust_lifetime: seconds(86_400),
            ..mode(TwoFactorMode::Required)
        };
        company.update(required).await.unwrap();
        let other = pb::UpdatePolicyRequest {
            update_mask: mask(&["trust_lifetime", "recovery_codes"]),
            ..company.request(pb::Policy {
                recovery_codes: Some(12),
                ..mode(TwoFactorMode::Off)
            })
        };
        let policy = company.send(other).await.unwrap().policy.unwrap();
        assert_eq!(policy.two_factor(), TwoFactorMode::Required, "not named");
        assert_eq!(
            (policy.trust_lifetime, policy.recovery_codes),
            (None, Some(12))
        );

        let all = pb::UpdatePolicyRequest {
            update_mask: mask(&["*"]),
            ..company.request(pb::Policy::default())
        };
        let policy = company.send(all).await.unwrap().policy.unwrap();
        let nothing = pb::Policy {
            tenant_id: policy.tenant_id.clone(),
            etag: policy.etag.clone(),
            update_time: policy.update_time,
            ..pb::Policy::default()
        };
        assert_eq!(policy, nothing);
    });
}

#[test]
fn s30_of_two_updates_from_one_etag_one_wins() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        for _ in 0..5 {
            let before = company.update(mode(TwoFactorMode::Optional)).await;
            let etag = before.unwrap().policy.unwrap().etag;
            let from = |switched| {
                let policy = pb::Policy {
                    etag: etag.clone(),
                    ..mode(switched)
                };
                company.update(policy)
            };
            let (one, other) =
                tokio::join!(from(TwoFactorMode::Required), from(TwoFactorMode::Off));
            let (won, lost) = match (one, other) {
                (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
                both => panic!("one has to win, and one to lose: {both:?}"),
            };
            let (code, reason, _) = refusal(&lost);
            assert_eq!(
                (code, reason.as_str()),
                (Code::Aborted, "CHANGED_CONCURRENTLY")
            );
            assert_eq!(company.get().await.policy, won.policy);
        }
    });
}

#[test]
fn s30_a_repeat_changes_nothing_again() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let request = pb::UpdatePolicyRequest {
            request_id: format!("request-{}", unique()),
            ..company.request(mode(TwoFactorMode::Required))
        };
        let first = company.send(request.clone()).await.unwrap();
        assert_eq!(company.send(request.clone()).await.unwrap(), first);

        let other = pb::UpdatePolicyRequest {
            policy: Some(mode(TwoFactorMode::Off)),
            ..request
        };
        let (code, reason, _) = refusal(&company.send(other).await.unwrap_err());
        assert_eq!(
            (code, reason.as_str()),
            (Code::AlreadyExists, "REQUEST_ID_REUSED")
        );
    });
}

#[test]
fn s30_another_companys_policy_is_untouched() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let other = Administrator::new(&service).await;
        let before = other.get().await;
        company.update(mode(TwoFactorMode::Required)).await.unwrap();
        assert_eq!(other.get().await, before);

        let elsewhere = service.caller("elsewhere").policies;
        let asked = pb::GetPolicyRequest {
            tenant_id: company.tenant(),
        };
        let denied = elsewhere.clone().get_policy(asked).await.unwrap_err();
        let (code, reason, _) = refusal(&denied);
        assert_eq!(
            (code, reason.as_str()),
            (Code::PermissionDenied, "TENANT_NOT_ALLOWED")
        );
        let update = company.request(mode(TwoFactorMode::Off));
        let denied = elsewhere.clone().update_policy(update).await.unwrap_err();
        assert_eq!(refusal(&denied).1, "TENANT_NOT_ALLOWED");
    });
}

#[test]
fn s31_the_explanation_says_who_set_the_default_and_what_the_service_does_not_let_stand() {
    let story = async |pair: Pair| {
        let service = Builder {
            service_layer: PolicyOverride {
                two_factor: Some(policy::TwoFactorMode::Required),
                allowed_kinds: Some([MethodKind::Totp, MethodKind::Sms].into_iter().collect()),
                ..PolicyOverride::default()
            },
            ..Builder::new(Stores::of(pair).await)
        }
        .start();
        let company = Administrator::new(&service).await;
        let policy = pb::Policy {
            default_kind: Some(pb::MethodKind::Sms.into()),
            locked_kinds: kinds(&[pb::MethodKind::Totp]),
            ..mode(TwoFactorMode::Off)
        };
        let updated = company.update(policy).await.unwrap();
        let effective = updated.effective.unwrap();
        assert_eq!(effective.two_factor(), TwoFactorMode::Required);

        let explained = company.explain("").await.unwrap();
        assert_eq!(explained.effective, Some(effective));
        let of = |field| {
            let value = value(&explained, field);
            (value.source(), value.is_overruled)
        };
        assert_eq!(of("two_factor"), (PolicySource::Service, true));
        assert_eq!(of("allowed_kinds"), (PolicySource::Service, false));
        assert_eq!(of("default_kind"), (PolicySource::Tenant, false));
        assert_eq!(of("trust_lifetime"), (PolicySource::BuiltIn, false));
        let text = |field| value(&explained, field).text.as_str();
        assert_eq!(text("default_kind"), "set by your administrator as default");
        assert_eq!(text("locked_kinds"), "locked by your administrator");
        assert_eq!(text("allowed_kinds"), "set by your service provider");
    };
    on(Pair::Embedded, &async |_| story(Pair::Embedded).await);
    on(Pair::Production, &async |_| story(Pair::Production).await);
}

#[test]
fn s30_the_explanation_counts_what_a_guesser_can_do_for_the_company_and_for_one_user() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let guess_probability = company
            .explain("")
            .await
            .unwrap()
            .guess_probability
            .unwrap();
        assert_eq!(
            (guess_probability.kind(), guess_probability.right_codes),
            (pb::MethodKind::Totp, 3)
        );
        assert_eq!(
            (
                guess_probability.possible_codes,
                guess_probability.attempts_per_day
            ),
            (1_000_000, 14)
        );
        assert!((guess_probability.probability_per_day - 42e-6).abs() < 1e-9);

        let jane = &company.jane;
        let explained = company.explain(&jane.user_id).await.unwrap();
        assert_eq!(
            explained.guess_probability, None,
            "she has nothing that could be guessed"
        );
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Email));
        jane.enroll_email(authorization).await;
        let longer = pb::Policy {
            code_digits: Some(8),
            ..pb::Policy::default()
        };
        company.update(longer).await.unwrap();
        let explained = company.explain(&jane.user_id).await.unwrap();
        let guess_probability = explained.guess_probability.unwrap();
        assert_eq!(
            (guess_probability.kind(), guess_probability.right_codes),
            (pb::MethodKind::Email, 1)
        );
        assert_eq!(guess_probability.possible_codes, 100_000_000);
        let thief = explained.guess_probability_with_known_device.unwrap();
        assert_eq!(thief.attempts_per_day, 20);

        let stranger = company.explain("nobody").await.unwrap_err();
        assert_eq!(refusal(&stranger).1, "USER_NOT_FOUND");
    });
}
