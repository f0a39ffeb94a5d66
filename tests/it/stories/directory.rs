//! S12, S25, S30, S33: the administrator finds who is not enrolled, who is locked out, who is still in grace; and what
//! is recorded of one user.

use crate::{
    stories::methods::NUMBER,
    support::{
        Person, Service, on_both_pairs,
        person::{add_method, wrong},
        service::unique,
    },
};
use countersign_domain::policy::{PolicyOverride, TwoFactorMode};
use countersign_proto::v1::{self as pb, MethodKind, UserCondition};
use std::time::Duration;
use tonic::Status;

/// A page of the users of a person's tenant.
pub(crate) async fn page(
    person: &Person,
    request: pb::ListUsersRequest,
) -> Result<pb::ListUsersResponse, Status> {
    let request = pb::ListUsersRequest {
        tenant_id: person.tenant_id.clone(),
        ..request
    };
    let mut users = person.clients.users.clone();
    Ok(users.list_users(request).await?.into_inner())
}

pub(crate) fn having(conditions: &[UserCondition]) -> pb::ListUsersRequest {
    let conditions = conditions.iter().map(|condition| (*condition).into());
    pb::ListUsersRequest {
        filter: Some(pb::UserFilter {
            conditions: conditions.collect(),
            user_id_prefix: String::new(),
        }),
        ..pb::ListUsersRequest::default()
    }
}

/// The ids of all users of whom one of these holds, page by page.
pub(crate) async fn found(person: &Person, conditions: &[UserCondition]) -> Vec<String> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListUsersRequest {
            page_token,
            page_size: 2,
            ..having(conditions)
        };
        let answer = page(person, request).await.unwrap();
        found.extend(answer.users.into_iter().map(|user| user.user_id));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

/// Everything that is recorded of a person, and how many pages it took.
pub(crate) async fn exported(person: &Person) -> (pb::ExportUserResponse, usize) {
    let (mut all, mut pages) = (pb::ExportUserResponse::default(), 0);
    loop {
        let request = pb::ExportUserRequest {
            tenant_id: person.tenant_id.clone(),
            user_id: person.user_id.clone(),
            page_token: all.next_page_token.clone(),
        };
        let mut users = person.clients.users.clone();
        let page = users.export_user(request).await.unwrap().into_inner();
        pages += 1;
        assert_eq!(page.person.is_some(), pages == 1);
        all.person = all.person.or(page.person);
        all.events.extend(page.events);
        all.challenges.extend(page.challenges);
        all.next_page_token = page.next_page_token;
        if all.next_page_token.is_empty() {
            return (all, pages);
        }
    }
}

async fn enroll_number(person: &Person, service: &Service) {
    let authorization = person.attested(service, add_method(MethodKind::Sms));
    person.enroll_number(NUMBER, authorization).await;
}

#[test]
fn s30_the_administrator_finds_who_is_not_enrolled() {
    on_both_pairs(async |service| {
        let ann = Person::new(service.portal(), format!("tenant-{}", unique()), "Ann").await;
        let bob = ann.colleague("bob").await;
        let cleo = ann.colleague("cleo").await;
        let dan = ann.colleague("dan").await;
        service.person().await;
        bob.enroll_app(&service).await;
        enroll_number(&cleo, &service).await;

        let everyone = found(&ann, &[]).await;
        assert_eq!(everyone, ["Ann", "bob", "cleo", "dan"]);
        let not_enrolled = found(&ann, &[UserCondition::NotEnrolled]).await;
        assert_eq!(not_enrolled, ["Ann", "dan"]);
        assert_eq!(found(&ann, &[UserCondition::OnlySms]).await, ["cleo"]);
        let weak = [UserCondition::NotEnrolled, UserCondition::NoStrongMethod];
        assert_eq!(found(&ann, &weak).await, ["Ann", "cleo", "dan"]);
        dan.enroll_app(&service).await;
        assert_eq!(found(&ann, &[UserCondition::NotEnrolled]).await, ["Ann"]);
    });
}

#[test]
fn s33_a_user_in_a_list_is_told_with_masked_destinations_only() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        enroll_number(&jane, &service).await;
        let answer = page(&jane, pb::ListUsersRequest::default()).await.unwrap();
        let [listed] = answer.users.try_into().unwrap();
        assert_eq!(
            (listed.user_id.as_str(), listed.email_verified),
            ("jane", true)
        );
        assert_eq!(listed.recovery_codes_left, 10);
        assert_eq!(
            listed.conditions().collect::<Vec<_>>(),
            [UserCondition::OnlySms, UserCondition::NoStrongMethod]
        );
        let settings = jane.settings().await;
        assert_eq!(listed.methods, settings.methods);
        let said = format!("{listed:?}");
        assert!(
            !said.contains(NUMBER) && !said.contains(&jane.email),
            "{said}"
        );
    });
}

#[test]
fn s33_users_are_found_by_how_their_ids_begin_in_whatever_case() {
    on_both_pairs(async |service| {
        let jane = Person::new(service.portal(), format!("tenant-{}", unique()), "Jane.Doe").await;
        jane.colleague("jane.smith").await;
        jane.colleague("john").await;
        let request = pb::ListUsersRequest {
            filter: Some(pb::UserFilter {
                conditions: Vec::new(),
                user_id_prefix: "JANE".to_owned(),
            }),
            ..pb::ListUsersRequest::default()
        };
        let answer = page(&jane, request).await.unwrap();
        let ids: Vec<&str> = answer
            .users
            .iter()
            .map(|user| user.user_id.as_str())
            .collect();
        assert_eq!(ids, ["Jane.Doe", "jane.smith"]);
        assert!(answer.next_page_token.is_empty());
    });
}

#[test]
fn s25_the_administrator_finds_who_is_locked_out() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let joe = jane.colleague("joe").await;
        let app = jane.enroll_app(&service).await;
        joe.enroll_app(&service).await;
        let code = wrong(&app.app.code_at(service.seconds()));
        for _ in 0..2 {
            let challenge = jane.issue().await;
            for _ in 0..5 {
                jane.rejected(&challenge.challenge_id, &code).await;
            }
        }
        let locked_out = [UserCondition::Throttled, UserCondition::MethodDisabled];
        assert_eq!(found(&jane, &locked_out).await, ["jane"]);
        let answer = page(&jane, having(&locked_out)).await.unwrap();
        let until = answer.users[0].locked_until_time.unwrap();
        assert_eq!(until.seconds, service.seconds() + 15 * 60);
        service.advance(15 * 60);
        assert_eq!(found(&jane, &locked_out).await, Vec::<String>::new());
    });
}

#[test]
fn s12_the_administrator_finds_who_is_in_grace_and_who_has_to_enroll() {
    on_both_pairs(async |service| {
        let strict = service.under(PolicyOverride {
            two_factor: Some(TwoFactorMode::Required),
            grace_period: Some(Duration::from_hours(1)),
            ..PolicyOverride::default()
        });
        let jane = strict.person().await;
        let joe = jane.colleague("joe").await;
        joe.enroll_app(&service).await;
        assert_eq!(found(&jane, &[UserCondition::InGrace]).await, ["jane"]);
        let answer = page(&jane, having(&[UserCondition::InGrace]))
            .await
            .unwrap();
        let by = answer.users[0].enroll_by_time.unwrap();
        assert_eq!(by.seconds, service.seconds() + 3600);
        assert_eq!(found(&jane, &[UserCondition::MustEnroll]).await.len(), 0);
        strict.advance(3600);
        assert_eq!(found(&jane, &[UserCondition::MustEnroll]).await, ["jane"]);
        assert_eq!(found(&jane, &[UserCondition::InGrace]).await.len(), 0);
        strict.stop().await;
    });
}

#[test]
fn s33_everything_recorded_of_a_user_is_handed_out() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let context = Some(pb::ClientContext {
            client_address: "203.0.113.7:443".to_owned(),
            user_agent: format!("A browser {}", "x".repeat(503)),
            device_token: "damaged".to_owned(),
            app: 77,
            locale: "no locale".to_owned(),
            ..pb::ClientContext::default()
        });
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane
            .issue_with(pb::IssueChallengeRequest {
                context: context.clone(),
                ..jane.challenge_request()
            })
            .await
            .unwrap();
        let code = app.app.code_at(service.seconds());
        jane.rejected(&challenge.challenge_id, &wrong(&code)).await;
        let answer = pb::VerifyChallengeRequest {
            context,
            ..jane.verify_request(&challenge.challenge_id, &code)
        };
        jane.verify_with(answer).await.unwrap();
        let authorization = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        jane.enroll_number(NUMBER, authorization).await;
        let open = jane.issue().await;
        jane.cancel(&open.challenge_id).await.unwrap();

        let (all, _) = exported(&jane).await;
        let person = all.person.clone().unwrap();
        let profile = person.user.unwrap().profile.unwrap();
        assert_eq!(profile.email, jane.email);
        let destinations: Vec<&str> = person
            .methods
            .iter()
            .map(|method| method.destination.as_str())
            .collect();
        assert_eq!(destinations, ["", NUMBER]);
        assert_eq!(person.recovery.unwrap().codes_left, 10);
        assert_eq!((person.devices.len(), person.failures.len()), (1, 1));
        let endings: Vec<&str> = all
            .challenges
            .iter()
            .map(|one| one.ending.as_str())
            .collect();
        assert!(
            endings.contains(&"APPROVED") && endings.contains(&"CANCELED"),
            "{endings:?}"
        );
        let kinds: Vec<&str> = all.events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds[0], "USER_UPSERTED");
        for kind in ["METHOD_ADDED", "CHALLENGE_REJECTED", "CHALLENGE_APPROVED"] {
            assert!(kinds.contains(&kind), "{kinds:?}");
        }
        let user_agent = format!("A browser {}", "x".repeat(502));
        let seen = all
            .events
            .iter()
            .any(|event| event.client_address == "203.0.113.7" && event.user_agent == user_agent);
        assert!(seen, "personal fields are opened: {kinds:?}");
        let (again, _) = exported(&jane).await;
        assert_eq!(again.events.last().unwrap().kind, "USER_EXPORTED");
    });
}

#[test]
fn s33_what_is_much_is_handed_out_page_by_page() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        for _ in 0..210 {
            jane.begin_sign_in().await.unwrap();
        }
        let (all, pages) = exported(&jane).await;
        assert_eq!((all.events.len(), pages), (211 + 1, 2));
        let mut ids: Vec<&str> = all
            .events
            .iter()
            .map(|event| event.event_id.as_str())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 212, "each once");
    });
}

#[test]
fn s33_ids_of_common_providers_are_users_who_sign_in_and_are_found() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        for user_id in [
            "auth0|507f1f77bcf86cd799439011",
            "o'brien@example.com",
            "CN=Jane Doe,OU=Sales,DC=example",
            "https://idp.example/users/42?x=1",
            "山田太郎",
            "José",
        ] {
            let person = jane.colleague(user_id).await;
            person.enroll_app(&service).await;
            assert_eq!(person.get().await.unwrap().user_id, user_id);
            let beginning: String = user_id.to_uppercase().chars().take(4).collect();
            let request = pb::ListUsersRequest {
                filter: Some(pb::UserFilter {
                    user_id_prefix: beginning,
                    ..pb::UserFilter::default()
                }),
                ..pb::ListUsersRequest::default()
            };
            let users = page(&jane, request).await.unwrap().users;
            let found: Vec<&str> = users.iter().map(|user| user.user_id.as_str()).collect();
            assert_eq!(found, [user_id]);
        }
        for user_id in [
            " jane",
            "ja\u{202E}ne",
            "ja\u{200B}ne",
            "ja\u{378}ne",
            "jane\n",
            &"x".repeat(256),
        ] {
            let request = pb::GetUserRequest {
                tenant_id: jane.tenant_id.clone(),
                user_id: user_id.to_owned(),
            };
            let mut users = jane.clients.users.clone();
            let status = users.get_user(request).await.unwrap_err();
            assert_eq!(status.code(), tonic::Code::InvalidArgument, "{user_id:?}");
        }
    });
}
