//! A47, A54, A55: a transport at its limits. Each limit is hit; a good client beside it goes on.

use crate::support::{
    Person, Service, on_embedded, raw::send, refused, service::unique, tamper::TamperedAccounts,
};
use countersign_notifier_check::raw_bytes::RawBytes;
use countersign_proto::{
    DESCRIPTORS,
    v1::{self as pb, user_service_client::UserServiceClient},
};
use countersign_transport::config::ServerConfig;
use http::{Method, StatusCode};
use prost::Message;
use prost_types::FileDescriptorSet;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{sync::Arc, time::Duration};
use tonic::{
    Code, GrpcMethod, Request, Status, client::Grpc, codec::CompressionEncoding, transport::Channel,
};
use tower::ServiceExt;

/// Every RPC that callers see.
fn rpcs() -> Vec<(String, String)> {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let mut rpcs = Vec::new();
    for file in set
        .file
        .iter()
        .filter(|file| file.package() == "countersign.v1")
    {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/countersign.v1.{}/{}", service.name(), method.name());
                rpcs.push((path, service.name().to_owned()));
            }
        }
    }
    rpcs
}

#[test]
fn a50_every_call_is_denied_to_strangers_before_anything_else() {
    on_embedded(async |service| {
        let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&service.stores.accounts)));
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::clone(&accounts) as _;
        let counted = builder.start();
        let channel = counted.channel();
        assert!(rpcs().len() >= 15, "{:?}", rpcs());
        for (path, right) in rpcs() {
            let why = async |token| {
                crate::support::reason(&send(&channel, &path, Vec::new(), token).await.unwrap_err())
            };
            assert_eq!(why(None).await, "UNKNOWN_CALLER", "{path}");
            assert_eq!(why(Some("nobody's")).await, "UNKNOWN_CALLER", "{path}");
            if right != "KeyService" {
                assert_eq!(
                    why(Some("token-of-keys-only")).await,
                    "RIGHT_MISSING",
                    "{path}"
                );
                assert_eq!(
                    why(Some("token-of-elsewhere")).await,
                    "TENANT_NOT_ALLOWED",
                    "{path}"
                );
            }
        }
        assert_eq!(accounts.calls(), 0, "no store was touched");
    });
}

/// A call whose message never comes; how it was answered.
async fn without_a_message(channel: Channel, token: Option<&str>) -> Status {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let mut request = Request::new(tokio_stream::pending());
    if let Some(token) = token {
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
    }
    request
        .extensions_mut()
        .insert(GrpcMethod::new("test", "test"));
    let path = "/countersign.v1.UserService/GetUser".parse().unwrap();
    let answered = client.client_streaming(request, path, RawBytes);
    answered.await.expect_err("nothing was asked")
}

#[test]
fn a50_a_stranger_is_answered_before_its_message_is_read() {
    on_embedded(async |service| {
        for token in [None, Some("nobody's")] {
            let answered = without_a_message(service.channel(), token);
            let answered = tokio::time::timeout(Duration::from_secs(5), answered).await;
            let status = answered.expect("at once, not at the deadline of 10 seconds");
            assert_eq!(crate::support::reason(&status), "UNKNOWN_CALLER");
        }
    });
}

#[test]
fn a50_the_message_of_a_known_caller_is_waited_for_control() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.config.deadline_seconds = 1;
        let waiting = builder.start();
        let status = without_a_message(waiting.channel(), Some("token-of-portal")).await;
        assert_eq!(crate::support::reason(&status), "DEADLINE_EXCEEDED");
    });
}

#[test]
fn a49_two_authorizations_are_refused() {
    on_embedded(async |service| {
        let jane = service.person().await;
        let mut request = Request::new(pb::GetUserRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
        });
        request
            .metadata_mut()
            .append("authorization", "Bearer token-of-portal".parse().unwrap());
        request
            .metadata_mut()
            .append("authorization", "Bearer token-of-shop".parse().unwrap());
        let mut users = pb::user_service_client::UserServiceClient::new(service.channel());
        refused(
            users.get_user(request).await,
            Code::Unauthenticated,
            "UNKNOWN_CALLER",
        );
    });
}

#[test]
fn a47_an_oversized_message_is_refused_and_the_server_goes_on() {
    on_embedded(async |service| {
        let jane = service.person().await;
        let profile = pb::Profile {
            account_name: "x".repeat(countersign::grpc::MAX_REQUEST_WITH_GROUPS),
            ..pb::Profile::default()
        };
        refused(
            jane.upsert(profile).await,
            Code::OutOfRange,
            "MESSAGE_TOO_LARGE",
        );
        jane.get().await.unwrap();
    });
}

#[test]
fn a47_oversized_headers_are_refused_and_the_server_goes_on() {
    on_embedded(async |service| {
        let jane = service.person().await;
        let mut request = Request::new(pb::GetJwksRequest {});
        request
            .metadata_mut()
            .insert("x-large", "x".repeat(16 * 1024).parse().unwrap());
        let outcome = service.portal().keys.clone().get_jwks(request).await;
        refused(outcome, Code::OutOfRange, "HEADERS_TOO_LARGE");
        let mut request = Request::new(pb::GetJwksRequest {});
        request
            .metadata_mut()
            .insert("x-large", "x".repeat(64 * 1024).parse().unwrap());
        let outcome = service.portal().keys.clone().get_jwks(request).await;
        assert!(outcome.is_err(), "{outcome:?}");
        jane.get().await.unwrap();
    });
}

#[test]
fn a_message_may_be_compressed_by_gzip_and_no_answer_is() {
    on_embedded(async |service| {
        let jane = service.person().await;
        let by_gzip = || {
            let client = UserServiceClient::new(service.channel());
            client
                .send_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Gzip)
        };
        let authorized = |message| {
            let mut request = Request::new(message);
            let token = "Bearer token-of-portal".parse().unwrap();
            request.metadata_mut().insert("authorization", token);
            request
        };
        let get = pb::GetUserRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
        };
        let answer = by_gzip().get_user(authorized(get)).await.unwrap();
        assert!(
            answer.metadata().get("grpc-encoding").is_none(),
            "{answer:?}"
        );

        // 4 kB on the wire, 4 MB inflated.
        let bomb = pb::UpsertUserRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            profile: Some(pb::Profile {
                account_name: "x".repeat(4 * countersign::grpc::MAX_REQUEST_WITH_GROUPS),
                ..pb::Profile::default()
            }),
            ..pb::UpsertUserRequest::default()
        };
        let mut request = Request::new(bomb);
        let token = "Bearer token-of-portal".parse().unwrap();
        request.metadata_mut().insert("authorization", token);
        let outcome = by_gzip().upsert_user(request).await;
        refused(outcome, Code::OutOfRange, "MESSAGE_TOO_LARGE");

        let mut request = Request::new(pb::GetJwksRequest {});
        let encoding = "deflate".parse().unwrap();
        request.metadata_mut().insert("grpc-encoding", encoding);
        let outcome = service.portal().keys.clone().get_jwks(request).await;
        let status = refused(outcome, Code::Unimplemented, "ENCODING_NOT_SUPPORTED");
        assert!(status.message().contains("gzip"), "{status}");
        jane.get().await.unwrap();
    });
}

#[test]
fn what_is_no_grpc_gets_an_answer_of_http() {
    on_embedded(async |service| {
        let path = "/countersign.v1.KeyService/GetJwks";
        for (method, path, content_type, expected) in [
            (Method::GET, "/", None, StatusCode::NOT_FOUND),
            (Method::GET, path, None, StatusCode::NOT_FOUND),
            (Method::POST, path, None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (
                Method::POST,
                path,
                Some("application/json"),
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ),
            (
                Method::POST,
                path,
                Some("application/grpc-web"),
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ),
            (Method::POST, path, Some("application/grpc"), StatusCode::OK),
            (
                Method::POST,
                path,
                Some("application/grpc+proto"),
                StatusCode::OK,
            ),
        ] {
            let mut request = http::Request::builder().method(&method).uri(path);
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let request = request.body(tonic::body::Body::empty()).unwrap();
            let response = service.channel().oneshot(request).await.unwrap();
            assert_eq!(
                response.status(),
                expected,
                "{method} {path} {content_type:?}"
            );
        }
    });
}

#[test]
fn an_unknown_call_and_a_malformed_message_get_a_status_with_a_reason() {
    on_embedded(async |service| {
        let channel = service.channel();
        let token = Some("token-of-portal");
        let unknown = send(
            &channel,
            "/countersign.v1.UserService/Nonsense",
            Vec::new(),
            token,
        )
        .await;
        refused(unknown, Code::Unimplemented, "UNKNOWN_RPC");
        let unknown = send(&channel, "/nonsense.Service/Call", Vec::new(), token).await;
        refused(unknown, Code::Unimplemented, "UNKNOWN_RPC");
        let garbage = send(
            &channel,
            "/countersign.v1.UserService/GetUser",
            vec![0xff; 40],
            token,
        )
        .await;
        refused(garbage, Code::InvalidArgument, "INVALID_FIELD");
    });
}

#[test]
fn a53_a_call_ends_at_its_deadline_with_a_reason() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.config = ServerConfig {
            deadline_seconds: 1,
            ..ServerConfig::default()
        };
        builder.stores.accounts = Arc::new(crate::support::tamper::HangingAccounts);
        let slow = builder.start();
        let jane = Person {
            clients: slow.portal(),
            ..service.person().await
        };
        refused(
            jane.get().await,
            Code::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
        );

        let mut request = Request::new(pb::GetUserRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
        });
        request
            .metadata_mut()
            .insert("grpc-timeout", "200m".parse().unwrap());
        refused(
            jane.clients.users.clone().get_user(request).await,
            Code::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
        );
    });
}

#[test]
fn a47_more_streams_than_allowed_wait_and_none_is_lost() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.config.max_concurrent_streams = 4;
        let narrow = builder.start();
        let jane = narrow.person().await;
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let jane = jane.clone();
            calls.spawn(async move { jane.get().await });
        }
        assert!(
            calls
                .join_all()
                .await
                .into_iter()
                .all(|outcome| outcome.is_ok())
        );
    });
}

#[test]
fn a47_a_client_that_resets_its_streams_does_not_slow_another() {
    on_embedded(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let rude = service.portal();
        let mut resets = tokio::task::JoinSet::new();
        for _ in 0..2000 {
            let mut users = rude.users.clone();
            let request = pb::GetUserRequest {
                tenant_id: jane.tenant_id.clone(),
                user_id: jane.user_id.clone(),
            };
            resets.spawn(async move {
                let _answered =
                    tokio::time::timeout(Duration::from_micros(1), users.get_user(request)).await;
            });
        }
        jane.sign_in(&service, &app).await;
        resets.join_all().await;
        jane.sign_in(&service, &app).await;
    });
}

#[test]
fn a47_connections_grow_old_and_calls_go_on() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.config.max_connection_age_seconds = 1;
        let ageing = builder.start();
        let jane = ageing.person().await;
        for _ in 0..30 {
            jane.get().await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(
            ageing.dialled() >= 2,
            "the connection was made anew: {}",
            ageing.dialled()
        );
    });
}

#[test]
fn the_drain_is_bounded_even_with_a_silent_peer() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.config.drain_seconds = 1;
        let draining = builder.start();
        let jane = draining.person().await;
        jane.get().await.unwrap();
        let silent = draining.connect_and_say_nothing();
        tokio::time::timeout(Duration::from_secs(8), draining.stop())
            .await
            .expect("the drain ends");
        drop(silent);
    });
}

/// How many messages the fuzz run sends: `TEST_COUNTERSIGN_FUZZ`, 3,000 where it is not set.
#[expect(
    clippy::disallowed_methods,
    reason = "the long run says how long it is"
)]
fn fuzz_messages() -> usize {
    std::env::var("TEST_COUNTERSIGN_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3000)
}

#[test]
fn a54_no_message_makes_an_internal_error() {
    on_embedded(async |service| {
        let seed = u64::from_str_radix(&unique(), 16).unwrap();
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let challenge = jane.issue().await;
        let corpus = corpus(&service, &jane, &app.method_id, &challenge.challenge_id);
        let channel = service.channel();
        let rpcs = rpcs();
        for place in 0..fuzz_messages() {
            let (path, _) = &rpcs[random.random_range(0..rpcs.len())];
            let bytes = mutated(&corpus[random.random_range(0..corpus.len())], &mut random);
            if let Err(status) = send(&channel, path, bytes.clone(), Some("token-of-portal")).await
            {
                assert_ne!(
                    status.code(),
                    Code::Internal,
                    "message {place} to {path}: {status}\n{bytes:?}"
                );
                assert_ne!(
                    status.code(),
                    Code::Unknown,
                    "message {place} to {path}: {status}\n{bytes:?}"
                );
            }
        }
        service
            .person()
            .await
            .get()
            .await
            .expect("the process is alive");
    });
}

#[test]
fn a54_an_internal_error_would_be_seen_control() {
    on_embedded(async |service| {
        let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&service.stores.accounts)));
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::clone(&accounts) as _;
        let panicking = builder.start();
        let jane = panicking.person().await;
        jane.enroll_app(&panicking).await;
        let challenge = jane.issue().await;
        accounts.break_next_verdict(crate::support::tamper::Fault::PanicsBefore);
        refused(
            jane.verify(&challenge.challenge_id, "000000").await,
            Code::Internal,
            "INTERNAL",
        );
        jane.rejected(&challenge.challenge_id, "000000").await;
    });
}

/// Valid messages to begin from.
fn corpus(service: &Service, jane: &Person, method_id: &str, challenge_id: &str) -> Vec<Vec<u8>> {
    let context = Some(pb::ClientContext {
        client_address: "192.0.2.1".to_owned(),
        user_agent: "a browser".to_owned(),
        app: 1,
        locale: "de".to_owned(),
        device_token: String::new(),
        place: "Berlin".to_owned(),
        device_name: "Firefox".to_owned(),
        stores_no_device_token: false,
    });
    let sms = pb::begin_enrollment_request::Method::Sms(pb::EnrollSms {
        phone_number: "+4915123456789".to_owned(),
    });
    let mut update = pb::UpdateMethodRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        method_id: method_id.to_owned(),
        label: "Phone".to_owned(),
        ..pb::UpdateMethodRequest::default()
    };
    update.update_mask = Some(prost_types::FieldMask {
        paths: vec!["label".to_owned()],
    });
    let authorization = jane.attested(
        service,
        crate::support::person::add_method(pb::MethodKind::Sms),
    );
    let mut verify = jane.verify_request(challenge_id, "123456");
    verify.context.clone_from(&context);
    let mut issue = jane.step_up_request(crate::support::person::add_method(pb::MethodKind::Sms));
    issue.context = context;
    vec![
        verify.encode_to_vec(),
        issue.encode_to_vec(),
        jane.challenge_request().encode_to_vec(),
        jane.sign_in_request().encode_to_vec(),
        jane.enrollment_request(sms, authorization).encode_to_vec(),
        jane.confirmation(challenge_id, "123456").encode_to_vec(),
        update.encode_to_vec(),
        pb::UpsertUserRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: format!("user-{}", unique()),
            profile: Some(pb::Profile {
                email: "jim@example.com".to_owned(),
                phone_number: "+4915123456789".to_owned(),
                locale: "pt-BR".to_owned(),
                groups: Some(pb::Groups {
                    names: vec!["staff".to_owned()],
                }),
                password_changed_time: Some(prost_types::Timestamp {
                    seconds: 1,
                    nanos: 1,
                }),
                ..pb::Profile::default()
            }),
            ..pb::UpsertUserRequest::default()
        }
        .encode_to_vec(),
        Vec::new(),
    ]
}

/// A message with some bytes changed, cut, doubled or made up.
fn mutated(message: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for _ in 0..random.random_range(0..6) {
        if bytes.is_empty() {
            bytes.push(random.random());
            continue;
        }
        let place = random.random_range(0..bytes.len());
        match random.random_range(0..5) {
            0 => bytes[place] = random.random(),
            1 => bytes[place] ^= 1 << random.random_range(0..8),
            2 => bytes.truncate(place),
            3 => {
                let copy = bytes[place..].to_vec();
                bytes.extend(copy.into_iter().take(200));
            }
            _ => bytes.insert(place, random.random()),
        }
    }
    bytes
}
