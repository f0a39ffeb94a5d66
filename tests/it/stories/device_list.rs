//! S42: which devices are remembered, and how they are told apart.

use crate::support::{Browser, browser::current, on_both_pairs, person::approval};
use countersign_proto::v1 as pb;

fn seconds(at: Option<prost_types::Timestamp>) -> i64 {
    at.unwrap().seconds
}

#[test]
fn s42_devices_that_look_the_same_are_told_apart_by_place_time_and_method() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let [home, office] = [Browser::new(), Browser::new()];
        for (browser, place) in [(&home, "Berlin, Germany"), (&office, "Potsdam, Germany")] {
            let context = pb::ClientContext {
                place: place.to_owned(),
                ..browser.context(&jane).unwrap()
            };
            browser.sign_in_with(&service, &jane, &app, context).await;
        }
        let devices = jane.devices().await;
        let [second, first] = &devices[..] else {
            panic!("{devices:?}")
        };
        assert_eq!(first.name, second.name, "both are the same browser");
        assert_eq!(
            [&first.place, &second.place],
            ["Berlin, Germany", "Potsdam, Germany"]
        );
        assert_eq!(first.proved_by(), pb::MethodKind::Totp);
        let apart = seconds(second.create_time) - seconds(first.create_time);
        assert_eq!(apart, 30, "a code of the app lasts so long");
        assert_eq!(first.create_time, first.last_seen_time);

        // A caller that does not know the place of a later sign-in leaves the last known one.
        home.sign_in(&service, &jane, &app).await;
        let devices = jane.devices().await;
        assert_eq!(devices[0].place, "Berlin, Germany");
        let [from, to] = [devices[0].create_time, devices[0].last_seen_time];
        assert_eq!(seconds(to) - seconds(from), 60, "two sign-ins later");
    });
}

#[test]
fn s42_a_client_that_stores_no_token_leaves_no_device() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let (script, owner) = (Browser::new(), Browser::new());
        owner.sign_in_and_trust(&service, &jane, &app).await;
        let context = pb::ClientContext {
            stores_no_device_token: true,
            ..script.context(&jane).unwrap()
        };
        let approved = script.sign_in_with(&service, &jane, &app, context).await;
        assert_eq!(approved.device_token, "");
        assert!(!approved.trust_offered, "there is nothing to trust");
        assert_eq!(approved.devices.len(), 1, "the owner's");
        assert!(owner.skips_second_factor(&jane).await);
    });
}

#[test]
fn s42_a_trusted_device_stays_however_many_others_sign_in() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let [trusted, came_back] = [Browser::new(), Browser::new()];
        trusted.sign_in_and_trust(&service, &jane, &app).await;
        came_back.sign_in(&service, &jane, &app).await;
        let approved = came_back.sign_in(&service, &jane, &app).await;
        let came_back = current(&approved).device_id;
        for _ in 0..21 {
            Browser::new().sign_in(&service, &jane, &app).await;
        }
        let devices = jane.devices().await;
        assert_eq!(devices.len(), 20);
        assert!(devices.iter().any(|device| device.device_id == came_back));
        assert!(trusted.skips_second_factor(&jane).await);

        // Where twenty are trusted, a further device is asked for a code each time, and not remembered.
        let ids: Vec<&str> = devices.iter().map(|one| one.device_id.as_str()).collect();
        let approved = trusted.sign_in(&service, &jane, &app).await;
        jane.trust(&ids, approval(&approved.approval_id))
            .await
            .unwrap();
        let refused = Browser::new().sign_in(&service, &jane, &app).await;
        assert_eq!(refused.device_token, "");
        assert!(!refused.trust_offered);
        assert_eq!(jane.devices().await.len(), 20);
        assert!(trusted.skips_second_factor(&jane).await);
    });
}
