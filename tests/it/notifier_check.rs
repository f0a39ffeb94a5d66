//! `countersign notifier-check` against notifiers that keep to the contract, and against some that do not.

use crate::support::{
    processes::run,
    wayward::{FaultyNotifier, NotifierFault, TOKEN},
};
use countersign_notifier_check::{CHECKS, VERIFICATION_CHECKS};
use serde_json::Value;
use std::{collections::BTreeSet, fs, process::Output};
use tempfile::TempDir;

const MAILBOX: &str = "author@example.com";

/// Everything is asked, of a notifier with a fault.
struct CheckedCalls {
    notifier: FaultyNotifier,
    output: Output,
}

impl CheckedCalls {
    fn of(fault: NotifierFault) -> Self {
        let more = ["--allow-send", "--destination", MAILBOX, "--json"];
        Self::with(fault, &more)
    }

    fn with(fault: NotifierFault, more: &[&str]) -> Self {
        let notifier = FaultyNotifier::start(fault);
        let folder = TempDir::new().unwrap();
        let token = folder.path().join("token");
        fs::write(&token, format!("{TOKEN}\n")).unwrap();
        let deadline = if fault == NotifierFault::Hangs {
            "300"
        } else {
            "3000"
        };
        let arguments = [
            "notifier-check",
            &notifier.address,
            "--token-file",
            token.to_str().unwrap(),
            "--deadline-ms",
            deadline,
        ];
        let output = run(&[&arguments, more].concat());
        Self { notifier, output }
    }

    fn text(&self) -> String {
        let text = String::from_utf8(self.output.stdout.clone()).unwrap();
        text.replace(&self.notifier.address, "127.0.0.1:50061")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    fn names(&self, outcome: &str) -> Vec<String> {
        let json = self.json();
        let checks = json["checks"].as_array().unwrap();
        let of = checks.iter().filter(|check| check["outcome"] == outcome);
        of.map(|check| check["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[track_caller]
fn breaks(fault: NotifierFault, expected: &[&str]) {
    let asked = CheckedCalls::of(fault);
    assert_eq!(asked.names("broken"), expected, "{}", asked.text());
    assert_eq!(asked.output.status.code(), Some(1));
}

#[test]
fn a_notifier_that_keeps_to_the_contract_passes_every_check() {
    let asked = CheckedCalls::of(NotifierFault::None);
    assert_eq!(
        asked.names("kept").len(),
        CHECKS.len() - 1,
        "{}",
        asked.text()
    );
    assert_eq!(asked.names("told"), ["reflection"]);
    assert_eq!(asked.output.status.code(), Some(0));
}

#[test]
fn every_message_goes_to_the_author_once_and_says_that_it_is_a_test() {
    let asked = CheckedCalls::of(NotifierFault::None);
    let sent = asked.notifier.sent();
    let keys: BTreeSet<&str> = sent.iter().map(|sent| &*sent.idempotency_key).collect();
    assert_eq!(keys.len(), sent.len());
    assert_eq!(asked.json()["messages_taken"], sent.len());
    assert!(sent.len() <= 50, "as the command's help says");
    for message in sent {
        assert_eq!(message.destination, MAILBOX);
        assert_eq!(message.display_name, "Countersign notifier check");
        assert!(message.subject.contains("notifier check"));
    }
}

#[test]
fn nothing_is_sent_without_leave() {
    let asked = CheckedCalls::with(NotifierFault::TakesAnything, &["--json"]);
    for message in asked.notifier.sent() {
        assert!(
            message.destination.is_empty() || message.destination.len() > 254,
            "it could have arrived"
        );
    }
    let asked = CheckedCalls::with(NotifierFault::None, &["--json"]);
    assert_eq!(asked.notifier.sent().len(), 0);
    assert_eq!(asked.output.status.code(), Some(0), "{}", asked.text());
    assert_eq!(asked.names("skipped").len(), 12);
}

#[test]
fn a_missing_check_of_the_token_is_found() {
    breaks(NotifierFault::AsksForNoToken, &["no-token", "other-tokens"]);
}

#[test]
fn a_token_compared_by_its_beginning_is_found() {
    breaks(NotifierFault::ComparesBeginnings, &["other-tokens"]);
}

#[test]
fn a_missing_health_service_is_found() {
    breaks(NotifierFault::HasNoHealth, &["health"]);
}

#[test]
fn health_that_says_no_is_found() {
    breaks(NotifierFault::SaysItDoesNotServe, &["health"]);
}

#[test]
fn another_outcome_for_a_repeat_is_found() {
    breaks(
        NotifierFault::ForgetsKeys,
        &["repeat", "rivals", "cut-short"],
    );
}

#[test]
fn two_messages_for_rivals_are_found() {
    breaks(NotifierFault::CheckThenAct, &["rivals"]);
}

#[test]
fn another_message_under_a_used_key_is_found() {
    breaks(NotifierFault::IgnoresTheContent, &["other-content"]);
}

#[test]
fn a_key_that_stays_in_flight_is_found() {
    breaks(NotifierFault::StaysInFlight, &["cut-short"]);
}

#[test]
fn a_notifier_that_takes_anything_is_found() {
    let expected = [
        "no-destination",
        "impossible-destination",
        "no-key",
        "unknown-channel",
    ];
    breaks(NotifierFault::TakesAnything, &expected);
}

#[test]
fn a_notifier_that_fails_at_what_it_does_not_know_is_found() {
    breaks(NotifierFault::FailsAtTheUnknown, &["purposes", "notices"]);
}

#[test]
fn a_notifier_that_knows_ascii_only_is_found() {
    breaks(NotifierFault::KnowsAsciiOnly, &["scripts"]);
}

#[test]
fn a_notifier_that_fails_at_long_texts_is_found() {
    breaks(NotifierFault::FailsAtLongTexts, &["long-text"]);
}

#[test]
fn a_large_answer_is_found() {
    breaks(NotifierFault::IsVerbose, &["small-answers"]);
}

#[test]
fn what_makes_no_sense_after_a_broken_gate_is_not_asked() {
    for (fault, came) in [
        (NotifierFault::SaysNothing, "an answer without an outcome"),
        (
            NotifierFault::RefusesEverything,
            "refused: REFUSAL_REASON_OPTED_OUT",
        ),
        (NotifierFault::Hangs, "nothing in 300 ms"),
    ] {
        let asked = CheckedCalls::of(fault);
        assert_eq!(asked.names("broken"), ["takes-a-code"], "{}", asked.text());
        assert_eq!(asked.names("skipped").len(), 11);
        assert!(asked.text().contains(came), "{}", asked.text());
    }
}

#[test]
fn a_notifier_that_hangs_up_is_found() {
    breaks(NotifierFault::HangsUp, &["pings"]);
}

#[test]
fn the_report_says_what_came_and_which_sentence_it_breaks() {
    let asked = CheckedCalls::with(NotifierFault::AsksForNoToken, &["--channel", "sms"]);
    let expected = fs::read_to_string("tests/it/notifier_check/report.txt").unwrap();
    assert_eq!(asked.text(), expected, "{}", asked.text());
    let said = String::from_utf8(asked.output.stderr).unwrap();
    assert_eq!(
        said,
        "countersign: the notifier breaks the contract in 2 checks\n"
    );
}

#[test]
fn a_machine_is_told_the_same() {
    let asked = CheckedCalls::with(NotifierFault::AsksForNoToken, &["--json"]);
    let json = asked.json();
    assert_eq!(json["broken"], 2);
    assert_eq!(json["messages_taken"], 0);
    let first = &json["checks"][3];
    assert_eq!(first["name"], "no-token");
    assert_eq!(first["outcome"], "broken");
    assert_eq!(first["expected"], "UNAUTHENTICATED");
    assert_eq!(first["came"], "INVALID_ARGUMENT: malformed");
}

#[test]
fn a_provider_that_keeps_to_the_contract_passes_every_check_that_can_be_asked() {
    let asked = CheckedCalls::of(NotifierFault::OwnsCodes);
    let all = CHECKS.len() + VERIFICATION_CHECKS.len();
    assert_eq!(asked.names("kept").len(), all - 2, "{}", asked.text());
    assert_eq!(asked.names("told"), ["reflection", "verify-right"]);
    let started = asked.notifier.started();
    assert_eq!(started.len(), 1);
    assert_eq!(started[0].destination, MAILBOX);
    let sent = asked.notifier.sent().len() + started.len();
    assert_eq!(asked.json()["messages_taken"], sent);
    assert!(sent <= 50, "as the command's help says");
}

#[test]
fn a_provider_that_delivers_no_messages_is_asked_about_its_codes() {
    let asked = CheckedCalls::of(NotifierFault::OwnsCodesOnly);
    assert_eq!(asked.output.status.code(), Some(0), "{}", asked.text());
    let kept = asked.names("kept");
    assert!(kept.contains(&"verify-repeat".to_owned()) && kept.contains(&"pings".to_owned()));
    assert!(asked.names("skipped").contains(&"takes-us-in".to_owned()));
    assert!(asked.text().contains("NotifierService is not served"));
}

#[test]
fn no_code_is_sent_without_leave() {
    let asked = CheckedCalls::with(NotifierFault::StartsAnything, &["--json"]);
    let started = asked.notifier.started();
    assert!(started.iter().all(|start| start.destination.is_empty()));
    assert_eq!(asked.names("broken"), ["verify-nowhere"]);
}

#[test]
fn every_fault_of_a_provider_is_found() {
    let faults = [
        (NotifierFault::VerifiesForAnyone, &["verify-token"][..]),
        (NotifierFault::StartsTwice, &["verify-start-repeat"]),
        (NotifierFault::UnknownIsError, &["verify-unknown"]),
        (
            NotifierFault::ApprovesEverything,
            &["verify-wrong", "verify-length", "verify-repeat"],
        ),
        (NotifierFault::WantsSixDigits, &["verify-length"]),
        (NotifierFault::CountsRepeats, &["verify-repeat"]),
        (NotifierFault::IgnoresTheDigits, &["verify-other-digits"]),
    ];
    std::thread::scope(|scope| {
        for (fault, expected) in faults {
            scope.spawn(move || breaks(fault, expected));
        }
    });
}

#[test]
fn every_check_names_a_sentence_of_the_contract() {
    let contract = ["notifier_service", "verification_service"].map(|service| {
        fs::read_to_string(format!("proto/countersign/notifier/v1/{service}.proto")).unwrap()
    });
    let proto = contract.join("\n");
    let comments: Vec<&str> = proto
        .lines()
        .filter_map(|line| line.trim().strip_prefix("//"))
        .map(str::trim)
        .collect();
    let contract = comments.join(" ");
    let all = || CHECKS.iter().chain(VERIFICATION_CHECKS);
    for check in all().filter(|check| !["reflection", "verify-right"].contains(&check.name)) {
        assert!(!check.contract.is_empty(), "{}", check.name);
        assert!(contract.contains(check.contract), "{}", check.contract);
    }
    let names: BTreeSet<&str> = all().map(|check| check.name).collect();
    assert_eq!(names.len(), all().count());
}

/// What is said of bad arguments.
fn complaint(arguments: &[&str]) -> String {
    let output = run(&[&["notifier-check"], arguments].concat());
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "it asked something");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn bad_arguments_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, " \n").unwrap();
    let strange = folder.path().join("strange");
    fs::write(&strange, "a\u{1}b").unwrap();
    let here = "127.0.0.1:1";
    for (arguments, said) in [
        (vec!["nowhere"], "`nowhere` is no address: give HOST:PORT"),
        (vec!["ftp://127.0.0.1:1"], "is no address"),
        (vec!["http://127.0.0.1:1/path"], "is no address"),
        (
            vec!["http://notifier.example.com:50061"],
            "is plaintext to another machine",
        ),
        (vec![here, "--destination", MAILBOX], "--allow-send"),
        (vec![here, "--allow-send"], "--destination"),
        (
            vec![here, "--allow-send", "--destination", "jane"],
            "--destination is neither an e-mail address nor a mobile number",
        ),
        (
            vec![here, "--allow-send", "--destination", "a@b@c"],
            "--destination is no e-mail address",
        ),
        (
            vec![
                here,
                "--allow-send",
                "--destination",
                MAILBOX,
                "--channel",
                "sms",
            ],
            "--destination does not go with --channel",
        ),
        (
            vec![here, "--channel", "fax"],
            "[possible values: sms, email]",
        ),
        (
            vec![here, "--token-file", "/nowhere"],
            "the token in /nowhere can't be read",
        ),
        (
            vec![here, "--token-file", empty.to_str().unwrap()],
            "there is no token in",
        ),
        (
            vec![here, "--token-file", strange.to_str().unwrap()],
            "the token has characters that a header can't carry",
        ),
        (
            vec!["https://127.0.0.1:1", "--ca", "/nowhere"],
            "/nowhere can't be read",
        ),
        (vec![here, "--deadline-ms", "0"], "--deadline-ms"),
    ] {
        let complaint = complaint(&arguments);
        assert!(complaint.contains(said), "{arguments:?}: {complaint}");
    }
}

#[test]
fn host_and_port_are_plaintext_on_this_machine_only() {
    for (given, asked) in [
        ("localhost:1", "http://localhost:1"),
        ("127.0.0.1:1", "http://127.0.0.1:1"),
        ("[::1]:1", "http://[::1]:1"),
        ("https://localhost:1", "https://localhost:1"),
        ("notifier.invalid:1", "https://notifier.invalid:1"),
    ] {
        let output = run(&["notifier-check", given]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with(&format!("Asking {asked}. ")), "{said}");
        assert!(said.contains("✗ connects"), "{said}");
    }
}

#[test]
fn nobody_there_is_one_clear_line() {
    let output = run(&["notifier-check", "127.0.0.1:1", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["broken"], 1);
    assert_eq!(report["kept"], 0);
    let came = report["checks"][0]["came"].as_str().unwrap();
    assert!(came.contains("Connection refused"), "{came}");
}
