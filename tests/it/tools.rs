//! What programs written by others see: a QR decoder, a generator of codes, a JWT library, and grpcurl with the
//! commands of README. `tests/install-tools.sh` installs them; a missing one is a failure.

mod readme;

use crate::support::{
    Clients, Person, on_embedded,
    person::{add_method, attested_at},
    processes::{Process, last_step, now},
    service::unique,
};
use countersign_proto::v1::{
    self as pb, GetJwksRequest, MethodKind, begin_enrollment_request::Method,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// Runs a tool to its end.
fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|cause| panic!("{program}: {cause}; run tests/install-tools.sh"))
}

/// What a tool prints that has to succeed.
#[track_caller]
fn printed(output: &Output) -> String {
    let failure = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {failure}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Runs a script beside this file.
fn python(script: &str, arguments: &[&str]) -> Output {
    let script = format!("tests/it/tools/{script}");
    run(
        "target/tools/python/bin/python",
        &[&[script.as_str()], arguments].concat(),
    )
}

/// The code at an instant, as oathtool makes it.
fn oathtool(secret: &str, seconds: i64) -> String {
    let instant = format!("@{seconds}");
    let output = run(
        "oathtool",
        &["--totp", "--base32", "--now", &instant, secret],
    );
    printed(&output).trim().to_owned()
}

/// Begins to enroll an app at an instant: its challenge, and what the app is told.
async fn begin(person: &Person, seconds: i64) -> (String, pb::TotpSetup) {
    let authorization = attested_at(seconds, add_method(MethodKind::Totp));
    let request = person.enrollment_request(Method::Totp(pb::EnrollTotp {}), authorization);
    let begun = person.begin_enrollment(request).await.unwrap();
    (begun.challenge.unwrap().challenge_id, begun.totp.unwrap())
}

#[test]
fn an_independent_decoder_reads_the_qr_codes() {
    on_embedded(async |service| {
        let short = service.person().await;
        let long = short.colleague(&"a-long-name".repeat(5)).await;
        for person in [short, long] {
            let (_, setup) = begin(&person, service.seconds()).await;
            let folder = tempfile::TempDir::new().unwrap();
            let (png, svg) = (folder.path().join("qr.png"), folder.path().join("qr.svg"));
            fs::write(&png, &setup.qr_png).unwrap();
            fs::write(&svg, &setup.qr_svg).unwrap();
            let read = python("read_qr.py", &[text(&png), text(&svg)]);
            assert_eq!(printed(&read), format!("{0}\n{0}\n", setup.otpauth_uri));
        }
    });
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_independent_generator_makes_codes_that_pass() {
    on_embedded(async |service| {
        let jane = service.person().await;
        let (challenge_id, setup) = begin(&jane, service.seconds()).await;
        let set_up_code = oathtool(&setup.secret, service.seconds());
        jane.confirm(&challenge_id, &set_up_code).await;
        for _ in 0..10 {
            service.advance(30);
            let code = oathtool(&setup.secret, service.seconds());
            let first = jane.issue().await;
            jane.approved(&first.challenge_id, &code).await;
            let second = jane.issue().await;
            jane.rejected(&second.challenge_id, &code).await;
            jane.cancel(&second.challenge_id).await.unwrap();
            service.advance(15 * 60);
        }
    });
}

#[test]
fn a_standard_library_verifies_assertions() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let process = Process::start(&["dev", "--listen", "127.0.0.1:0"]);
        let clients = Clients::new(process.channel(), "any token");
        let jane = Person::new(clients, format!("tenant-{}", unique()), "jane").await;
        let (challenge_id, setup) = begin(&jane, now()).await;
        jane.confirm(&challenge_id, &oathtool(&setup.secret, last_step().await))
            .await;
        let challenge = jane.issue().await;
        let code = oathtool(&setup.secret, now());
        let approved = jane.approved(&challenge.challenge_id, &code).await;
        let mut keys = jane.clients.keys.clone();
        let answer = keys.get_jwks(GetJwksRequest {}).await.unwrap();
        let jwks = answer.into_inner().jwks;

        let verify = |assertion: &str, audience: &str| {
            python(
                "verify_assertion.py",
                &[&jwks, assertion, "countersign", audience],
            )
        };
        let claims: Value =
            serde_json::from_str(&printed(&verify(&approved.assertion, "dev"))).unwrap();
        assert_eq!(claims["sub"], "jane");
        assert_eq!(claims["tenant"], jane.tenant_id);
        assert_eq!(claims["amr"], serde_json::json!(["otp", "mfa"]));

        refused(&verify(&approved.assertion, "shop"), "InvalidAudienceError");
        let john = with_subject(&approved.assertion, "john");
        refused(&verify(&john, "dev"), "InvalidSignatureError");
    });
}

#[track_caller]
fn refused(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(why), "{said}");
}

/// The assertion with another subject, and the signature that it had.
fn with_subject(assertion: &str, subject: &str) -> String {
    let parts: Vec<&str> = assertion.split('.').collect();
    let mut claims: Value =
        serde_json::from_slice(&BASE64URL_NOPAD.decode(parts[1].as_bytes()).unwrap()).unwrap();
    claims["sub"] = subject.into();
    let claims = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
    [parts[0], &claims, parts[2]].join(".")
}
