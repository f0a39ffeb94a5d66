//! `countersign notices`: what an operator does with notices that died, beside a running service.

use crate::support::{
    Authenticator, Person,
    notifier::{DeliveryBehavior, TestNotifier, notice_id},
    person::{add_method, attested_at},
    processes::{Deployment, now, run},
    service::unique,
    until,
};
use countersign_proto::v1::{self as pb, MethodKind, begin_enrollment_request::Method};

/// What the command prints, and whether it did what it should.
fn notices(deployment: &Deployment, arguments: &[&str]) -> (String, bool) {
    let config = deployment.config();
    let common = ["--config", config.to_str().unwrap()];
    let output = run(&[&["notices"], arguments, &common].concat());
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).unwrap(), output.status.success())
}

async fn enroll_app(jane: &Person) {
    let method = Method::Totp(pb::EnrollTotp {});
    let proof = attested_at(now(), add_method(MethodKind::Totp));
    let request = jane.enrollment_request(method, proof);
    let begun = jane.begin_enrollment(request).await.unwrap();
    let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
    let challenge = begun.challenge.unwrap();
    jane.confirm(&challenge.challenge_id, &app.code_at(now()))
        .await;
}

#[test]
fn dead_notices_are_listed_without_names_and_retried() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Refuses).await;
        let mut deployment = Deployment::new().await;
        deployment.notifier = Some(notifier.url.clone());
        let process = deployment.serve();
        let tenant = format!("tenant-{}", unique());
        let jane = Person::new(process.portal(), tenant.clone(), "jane").await;
        enroll_app(&jane).await;
        let lists = async |which: &[&str]| notices(&deployment, &[&["list"], which].concat()).0;
        let listed = until(
            async || lists(&["--dead"]).await,
            |listed| listed.contains("REFUSED"),
        )
        .await;
        assert!(
            listed.contains("METHOD_ADDED") && listed.contains("EMAIL"),
            "{listed}"
        );
        for secret in [tenant.as_str(), "jane", "example", &jane.email] {
            assert!(!listed.contains(secret), "{listed}");
        }
        let id = notice_id(&notifier.messages()[0]).to_owned();
        assert!(listed.contains(&id), "{listed}");
        assert_eq!(lists(&[]).await.lines().count(), 2, "with the heading");

        let unknown = "0123456789abcdef0123456789abcdef";
        let (said, done) = notices(&deployment, &["retry", unknown]);
        assert!(!done && said.contains(unknown), "{said}");
        for senseless in [
            &["retry"][..],
            &["retry", "--all", &id],
            &["retry", "no-id"],
        ] {
            assert!(!notices(&deployment, senseless).1, "{senseless:?}");
        }

        notifier.behave(DeliveryBehavior::Takes);
        let (said, done) = notices(&deployment, &["retry", &id]);
        assert!(done && said.contains("tried again: 1"), "{said}");
        until(async || notifier.messages().len(), |tried| *tried == 2).await;
        let gone = |listed: &String| listed.lines().count() == 1;
        until(async || lists(&[]).await, gone).await;
        let (said, done) = notices(&deployment, &["retry", "--all"]);
        assert!(done && said.contains("tried again: 0"), "{said}");
    });
}

#[test]
fn a_command_on_notices_needs_a_record_to_work_on() {
    let config = tempfile::NamedTempFile::new().unwrap();
    let path = config.path().to_str().unwrap();
    let output = run(&["notices", "list", "--config", path]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("postgres.url"), "{said}");
}
