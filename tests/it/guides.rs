//! The guides: their commands are run as they stand, and the code that they show is in the examples.

mod example;

use crate::support::{
    Person,
    processes::{Deployment, run},
    service::unique,
    until,
};
use countersign_notifier_check::CHECKS;
use countersign_proto::{
    notifier::{
        Channel, DeliverRequest, deliver_response::Outcome,
        notifier_service_client::NotifierServiceClient,
    },
    v1::verify_challenge_response::Verdict,
};
use example::{Example, Language};
use std::fs;
use tokio::runtime::Runtime;
use tonic::Request;

const GUIDE: &str = "docs/guides/write-a-notifier.md";
const MAILBOX: &str = "author@example.com";

/// The blocks of one language in a section of the guide.
fn blocks(section: &str, language: &str) -> Vec<String> {
    let guide = fs::read_to_string(GUIDE).unwrap();
    let section = guide
        .split("\n## ")
        .find(|text| text.starts_with(section))
        .unwrap_or_else(|| panic!("{GUIDE} has no section {section}"));
    let fence = format!("```{language}\n");
    let after = section.split(fence.as_str()).skip(1);
    after
        .map(|text| text.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_code_that_the_guide_shows_is_in_the_examples() {
    for language in Language::ALL {
        let (name, file) = language.source();
        let source = fs::read_to_string(file).unwrap();
        let blocks = blocks(language.section(), name);
        assert!(blocks.len() >= 2, "{language:?}");
        for block in blocks {
            assert!(source.contains(&block), "{file} has not\n{block}");
        }
    }
}

#[test]
fn the_report_that_the_guide_shows_is_one() {
    let report = fs::read_to_string("tests/it/notifier_check/report.txt").unwrap();
    let [shown] = blocks("Ask whether", "text").try_into().unwrap();
    assert!(report.contains(&shown), "{shown}");
}

#[track_caller]
fn keeps_to_the_contract(language: Language) {
    let mut example = Example::start(language, true);
    let url = example.url();
    let (ca, token) = (example.certificate(), example.token());
    let arguments = [
        "notifier-check",
        &url,
        "--ca",
        ca.to_str().unwrap(),
        "--token-file",
        token.to_str().unwrap(),
        "--allow-send",
        "--destination",
        MAILBOX,
        "--json",
    ];
    let output = run(&arguments);
    let report = serde_json::from_slice::<serde_json::Value>(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(report["broken"], 0, "{report:#}\n{}", example.said());
    assert_eq!(report["kept"], CHECKS.len() - 1, "{report:#}");
    let outbox = example.outbox();
    assert_eq!(report["messages_taken"], outbox.len(), "each once");
    assert!(outbox.iter().all(|line| line["Destination"] == MAILBOX));
    example.drain();
    let said = example.said();
    assert!(
        !said.contains(MAILBOX) && !said.contains("000000"),
        "{said}"
    );
}

#[test]
fn the_notifier_in_go_keeps_to_the_contract() {
    keeps_to_the_contract(Language::Go);
}

#[test]
fn the_notifier_in_python_keeps_to_the_contract() {
    keeps_to_the_contract(Language::Python);
}

#[test]
fn the_notifier_in_typescript_keeps_to_the_contract() {
    keeps_to_the_contract(Language::TypeScript);
}

#[test]
fn a_server_with_the_defaults_of_grpc_hangs_up_control() {
    let example = Example::start_without("(\"grpc.");
    let token = example.token();
    let arguments = ["--token-file", token.to_str().unwrap(), "--json"];
    let output = run(&[&["notifier-check", &*example.url()], &arguments[..]].concat());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let broken: Vec<_> = checks
        .iter()
        .filter(|check| check["outcome"] == "broken")
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert_eq!(broken, ["pings"], "{report:#}");
}

async fn deliver(example: &Example) -> Outcome {
    let mut client = NotifierServiceClient::connect(example.url()).await.unwrap();
    let token = fs::read_to_string(example.token()).unwrap();
    let mut request = Request::new(DeliverRequest {
        idempotency_key: "before-and-after".to_owned(),
        channel: Channel::Email.into(),
        destination: MAILBOX.to_owned(),
        text: "A text".to_owned(),
        ..DeliverRequest::default()
    });
    let bearer = format!("Bearer {}", token.trim()).parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let response = client.deliver(request).await.unwrap();
    response.into_inner().outcome.unwrap()
}

#[test]
fn the_notifiers_know_a_key_after_a_restart() {
    let runtime = Runtime::new().unwrap();
    for language in Language::ALL {
        let example = Example::start(language, false);
        let first = runtime.block_on(deliver(&example));
        assert!(matches!(first, Outcome::Accepted(_)), "{language:?}");
        let example = example.restart();
        assert_eq!(runtime.block_on(deliver(&example)), first, "{language:?}");
        assert_eq!(example.outbox().len(), 1, "{language:?}");
    }
}

/// The code in the last message to an address, as the notifier wrote it down.
fn code_for(example: &Example, address: &str) -> Option<String> {
    let outbox = example.outbox();
    let mut to = outbox
        .iter()
        .rev()
        .filter(|line| line["Destination"] == address);
    to.find_map(|line| line["Code"].as_str().map(ToOwned::to_owned))
}

#[test]
fn a_code_goes_through_each_notifier_to_its_verdict() {
    let runtime = Runtime::new().unwrap();
    for language in Language::ALL {
        let example = Example::start(language, false);
        runtime.block_on(async {
            let mut deployment = Deployment::new().await;
            deployment.extra = format!(
                "[notifiers.email]\nendpoints = [\"{}\"]\ntoken_file = {:?}\n",
                example.url(),
                example.token(),
            );
            let process = deployment.serve();
            let tenant = format!("tenant-{}", unique());
            let jane = Person::new(process.portal(), tenant, "jane").await;
            let challenge = jane.issue_verify_email().await.unwrap();
            let sent = async || code_for(&example, &jane.email);
            let code = until(sent, Option::is_some).await.unwrap();
            let verdict = jane.verify(&challenge.challenge_id, &code).await.unwrap();
            assert!(matches!(verdict, Verdict::Approved(_)), "{language:?}");
            let again = jane.verify(&challenge.challenge_id, &code).await.unwrap();
            assert!(!matches!(again, Verdict::Approved(_)), "{language:?}");
        });
    }
}
