//! A20, in lists: a page token is good for its own list, and a tenant's administrator sees the tenant's users.

use crate::{
    stories::directory::{exported, having, page},
    support::{Person, Service, field, on_both_pairs, refused, service::unique},
};
use countersign_proto::v1::{self as pb, UserCondition};
use data_encoding::BASE64URL_NOPAD;
use tonic::{Code, Status};

/// Three users of a new tenant.
async fn three(service: &Service) -> Person {
    let ann = Person::new(service.portal(), format!("tenant-{}", unique()), "ann").await;
    ann.colleague("bob").await;
    ann.colleague("cleo").await;
    ann
}

fn behind(token: &str) -> pb::ListUsersRequest {
    pb::ListUsersRequest {
        page_size: 1,
        page_token: token.to_owned(),
        ..pb::ListUsersRequest::default()
    }
}

async fn first_token(person: &Person) -> String {
    page(person, behind("")).await.unwrap().next_page_token
}

#[track_caller]
fn is_no_token<T: std::fmt::Debug>(outcome: Result<T, Status>) {
    let status = refused(outcome, Code::InvalidArgument, "INVALID_FIELD");
    assert_eq!(field(&status), "page_token");
}

#[test]
fn a20_a_page_token_is_good_for_its_own_list_only() {
    on_both_pairs(async |service| {
        let (ann, other) = (three(&service).await, three(&service).await);
        let token = first_token(&ann).await;
        is_no_token(page(&other, behind(&token)).await);
        let filtered = pb::ListUsersRequest {
            page_token: token.clone(),
            ..having(&[UserCondition::NotEnrolled])
        };
        is_no_token(page(&ann, filtered).await);
        let named = pb::ListUsersRequest {
            filter: Some(pb::UserFilter {
                user_id_prefix: "b".to_owned(),
                ..pb::UserFilter::default()
            }),
            ..behind(&token)
        };
        is_no_token(page(&ann, named).await);
        let export = pb::ExportUserRequest {
            tenant_id: ann.tenant_id.clone(),
            user_id: ann.user_id.clone(),
            page_token: token,
        };
        is_no_token(ann.clients.users.clone().export_user(export).await);
    });
}

#[test]
fn a20_a_page_token_that_was_tampered_with_is_refused() {
    on_both_pairs(async |service| {
        let ann = three(&service).await;
        let token = first_token(&ann).await;
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
        for place in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1;
            is_no_token(page(&ann, behind(&BASE64URL_NOPAD.encode(&bytes))).await);
        }
        for token in ["x", "bob", "!", &token[1..], &"A".repeat(10_000)] {
            is_no_token(page(&ann, behind(token)).await);
        }
    });
}

#[test]
fn a20_a_page_token_leads_on_in_its_own_list_control() {
    on_both_pairs(async |service| {
        let ann = three(&service).await;
        let token = first_token(&ann).await;
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
        let shows_the_last_user = bytes.windows(3).any(|window| window == b"ann");
        assert!(!shows_the_last_user, "it is opaque");
        let larger = pb::ListUsersRequest {
            page_size: 200,
            ..behind(&token)
        };
        let rest = page(&ann, larger).await.unwrap();
        let ids: Vec<&str> = rest
            .users
            .iter()
            .map(|user| user.user_id.as_str())
            .collect();
        assert_eq!(
            (ids, rest.next_page_token.as_str()),
            (vec!["bob", "cleo"], "")
        );
    });
}

#[test]
fn a20_only_who_may_act_for_a_tenant_lists_its_users_and_no_others() {
    on_both_pairs(async |service| {
        let (ann, other) = (three(&service).await, three(&service).await);
        let all = page(&ann, pb::ListUsersRequest::default()).await.unwrap();
        assert_eq!(all.users.len(), 3);
        let elsewhere = ann.through(service.caller("elsewhere"));
        let denied = page(&elsewhere, pb::ListUsersRequest::default()).await;
        refused(denied, Code::PermissionDenied, "TENANT_NOT_ALLOWED");
        let keys_only = ann.through(service.caller("keys-only"));
        let denied = page(&keys_only, pb::ListUsersRequest::default()).await;
        refused(denied, Code::PermissionDenied, "RIGHT_MISSING");
        for unable in ["elsewhere", "keys-only"] {
            let export = pb::ExportUserRequest {
                tenant_id: ann.tenant_id.clone(),
                user_id: ann.user_id.clone(),
                page_token: String::new(),
            };
            let mut users = service.caller(unable).users;
            let denied = users.export_user(export).await.unwrap_err();
            assert_eq!(denied.code(), Code::PermissionDenied, "{unable}");
        }
        other.colleague("dan").await;
        let unknown = pb::ExportUserRequest {
            tenant_id: ann.tenant_id.clone(),
            user_id: "dan".to_owned(),
            page_token: String::new(),
        };
        let outcome = ann.clients.users.clone().export_user(unknown).await;
        refused(outcome, Code::NotFound, "USER_NOT_FOUND");
    });
}

#[test]
fn a20_what_happened_to_another_of_the_same_name_is_not_handed_out() {
    on_both_pairs(async |service| {
        let before = service.person().await;
        before.enroll_app(&service).await;
        let (all, _) = exported(&before).await;
        assert!(all.events.iter().any(|event| event.kind == "METHOD_ADDED"));
        before.delete().await.unwrap();
        service.advance(1);
        let after = before.colleague("jane").await;
        let (all, _) = exported(&after).await;
        let kinds: Vec<&str> = all.events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["USER_UPSERTED"]);
        assert!(all.challenges.is_empty());
    });
}

#[test]
fn a20_a_page_has_a_bound_and_what_is_malformed_is_refused() {
    on_both_pairs(async |service| {
        let ann = three(&service).await;
        let sized = |page_size| pb::ListUsersRequest {
            page_size,
            ..pb::ListUsersRequest::default()
        };
        assert_eq!(page(&ann, sized(i32::MAX)).await.unwrap().users.len(), 3);
        let status = refused(
            page(&ann, sized(-1)).await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        );
        assert_eq!(field(&status), "page_size");
        let mut unknown = having(&[UserCondition::Unspecified]);
        refused(
            page(&ann, unknown.clone()).await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        );
        let filter = unknown.filter.as_mut().unwrap();
        filter.conditions = vec![1; 11];
        refused(
            page(&ann, unknown).await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        );
    });
}
