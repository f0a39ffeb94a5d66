//! Runs the checks one after the other.

use crate::{
    answer::CheckFinding,
    check::{CheckNeeds, CheckOutcome, CheckSubject, ConformanceCheck},
    checks::CHECKS,
    notifier::CheckedNotifier,
    report::{CheckReport, ReportLine},
    verifications::{self, VERIFICATION_CHECKS},
};

/// Runs every check in order, and passes each line to `watch` as soon as it is known.
pub async fn run(notifier: &CheckedNotifier, mut watch: impl FnMut(&ReportLine)) -> CheckReport {
    let mut lines: Vec<ReportLine> = Vec::new();
    let mut closed: Vec<&ConformanceCheck> = Vec::new();
    let verifies = verifications::are_served(notifier).await;
    let delivers = !verifies || verifications::messages_are_served(notifier).await;
    let of_verifications = if verifies { VERIFICATION_CHECKS } else { &[] };
    for check in CHECKS.iter().chain(of_verifications) {
        let outcome = match obstacle(check, notifier, &closed) {
            _ if check.about == CheckSubject::Messages && !delivers => {
                CheckOutcome::Skipped("NotifierService is not served".to_owned())
            }
            Some(why) => CheckOutcome::Skipped(why),
            None => judge(check, (check.ask)(notifier).await),
        };
        if check.is_gate && matches!(outcome, CheckOutcome::Broken(_)) {
            closed.push(check);
        }
        let line = ReportLine { check, outcome };
        watch(&line);
        lines.push(line);
    }
    CheckReport {
        lines,
        taken: notifier.taken(),
    }
}

/// Why a check can't run; `None` if it can.
fn obstacle(
    check: &ConformanceCheck,
    notifier: &CheckedNotifier,
    closed: &[&ConformanceCheck],
) -> Option<String> {
    if check.needs == CheckNeeds::Token && !notifier.has_token() {
        return Some("needs --token-file".to_owned());
    }
    if check.needs == CheckNeeds::LeaveToSend && !notifier.may_send() {
        return Some("needs --allow-send".to_owned());
    }
    let apart = |gate: &ConformanceCheck| {
        gate.about == CheckSubject::Messages && check.about == CheckSubject::Verifications
    };
    let gate = closed
        .iter()
        .find(|gate| gate.needs <= check.needs && !apart(gate))?;
    Some(format!("`{}` has to hold first", gate.name))
}

fn judge(check: &ConformanceCheck, finding: CheckFinding) -> CheckOutcome {
    match finding {
        Ok(finding) | Err(finding) if check.contract.is_empty() => CheckOutcome::Told(finding),
        Ok(finding) => CheckOutcome::Kept(finding),
        Err(finding) => CheckOutcome::Broken(finding),
    }
}
