//! Requests whose fields do not fit: what is wrong is told by the field.

use crate::support::{Person, field, on_both_pairs, on_embedded, refused};
use countersign_proto::v1 as pb;
use prost_types::{FieldMask, Timestamp};
use tonic::{Code, Status};

const INVALID: &str = "INVALID_FIELD";

fn mask(paths: &[&str]) -> FieldMask {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    FieldMask { paths }
}

async fn update_method(jane: &Person, method_id: &str, paths: &[&str]) -> Result<(), Status> {
    let request = pb::UpdateMethodRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        method_id: method_id.to_owned(),
        label: "Phone".to_owned(),
        update_mask: Some(mask(paths)),
        ..pb::UpdateMethodRequest::default()
    };
    let mut methods = jane.clients.methods.clone();
    methods.update_method(request).await.map(drop)
}

async fn upsert(jane: &Person, paths: &[&str]) -> Result<(), Status> {
    let request = pb::UpsertUserRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        update_mask: Some(mask(paths)),
        ..pb::UpsertUserRequest::default()
    };
    let mut users = jane.clients.users.clone();
    users.upsert_user(request).await.map(drop)
}

#[track_caller]
fn names_the_mask(outcome: Result<(), Status>, what: &str) {
    let status = refused(outcome, Code::InvalidArgument, INVALID);
    assert_eq!(field(&status), "update_mask");
    assert!(status.message().contains(what), "{status}");
}

#[test]
fn a_mask_names_each_field_once_and_no_more_than_there_are() {
    on_embedded(async |service| {
        let jane = service.person().await;
        let id = jane.enroll_app(&service).await.method_id;
        let many = vec!["label"; 5000];
        names_the_mask(update_method(&jane, &id, &many).await, "at most 2");
        let three = ["label", "is_default", "label"];
        names_the_mask(update_method(&jane, &id, &three).await, "at most 2");
        let twice = ["label", "label"];
        names_the_mask(update_method(&jane, &id, &twice).await, "twice");
        names_the_mask(upsert(&jane, &["locale"; 10]).await, "at most 9");
        names_the_mask(
            upsert(&jane, &["locale", "groups", "locale"]).await,
            "twice",
        );

        update_method(&jane, &id, &["label"]).await.unwrap();
        upsert(&jane, &["locale", "groups"]).await.unwrap();
    });
}

#[test]
fn a_password_does_not_change_in_the_future() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let changed = async |seconds: i64| {
            let profile = pb::Profile {
                password_changed_time: Some(Timestamp { seconds, nanos: 0 }),
                ..pb::Profile::default()
            };
            jane.upsert(profile).await
        };
        let now = service.seconds();
        for late in [now + 31, now + 100_000_000] {
            let status = refused(changed(late).await, Code::InvalidArgument, INVALID);
            assert_eq!(field(&status), "profile.password_changed_time");
        }
        changed(now + 30).await.expect("clocks differ a little");
        changed(now).await.unwrap();
    });
}
