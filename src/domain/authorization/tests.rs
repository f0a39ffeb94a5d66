use super::*;
use crate::{
    account::lost_method::{LOST_METHOD_RETENTION, LostMethod},
    authorization::{
        action::{CallerAction, TransactionDigest, TrustedDevices},
        caller::CallerName,
        ticket::TicketSubject,
    },
    challenge::answered_by::AnsweredBy,
    fixtures::{EPOCH, NOW, PORTAL, account, approval, caller, id, jane, method, minutes, seconds},
    method::{Method, MethodKind},
    policy::ProtectedChange,
    value::id::AttestationId,
};

const APP: u8 = 1;
const SMS: u8 = 2;
const MAIL: u8 = 3;

const RECOVERY: AnsweredBy = AnsweredBy::RecoveryCode;

/// A user with an authenticator app, a phone number and an e-mail address.
fn two_factor_on() -> Account {
    account([
        method(APP, MethodKind::Totp),
        method(SMS, MethodKind::Sms),
        method(MAIL, MethodKind::Email),
    ])
}

fn two_factor_off() -> Account {
    account([])
}

fn ask(account: &Account, action: &Action, proof: &Proof) -> Result<AcceptedProof, Refusal> {
    ask_under(PolicyRules::built_in(), account, action, proof)
}

fn every_action() -> Vec<Action> {
    vec![
        Action::AddMethod(MethodKind::Totp),
        Action::AddMethod(MethodKind::Email),
        Action::ReplaceMethod(id(APP), MethodKind::Sms),
        Action::RemoveMethod(id(APP)),
        Action::RemoveMethod(id(SMS)),
        Action::SetDefaultMethod(id(SMS)),
        Action::GenerateRecoveryCodes,
        trust_device(),
        Action::Caller(CallerAction::parse("pay").unwrap()),
    ]
}

fn trust_device() -> Action {
    Action::TrustDevice(TrustedDevices::new([id(1)]).unwrap())
}

/// An approved step-up for the action, answered with an app just now.
fn step_up(action: &Action) -> Approval {
    Approval {
        purpose: ApprovedPurpose::StepUp {
            action: action.to_string(),
            digest: None,
        },
        ..approval()
    }
}

fn recovery_sign_in() -> Approval {
    Approval {
        answered_by: RECOVERY,
        method: None,
        ..approval()
    }
}

fn show(approval: Approval) -> Proof {
    Proof::Approval(Box::new(approval))
}

fn unknown_approval() -> Proof {
    Proof::EndedApproval(AuthorizationRejection::Unknown)
}

const fn because(why: AuthorizationRejection) -> Refusal {
    Refusal::AuthorizationNotAccepted(why)
}

fn attestation(action: &Action) -> Attestation {
    Attestation {
        id: AttestationId::parse("attestation-0001").unwrap(),
        authenticated_at: NOW,
        action: action.clone(),
    }
}

fn accepted() -> AcceptedProof {
    AcceptedProof::Approval(approval().id)
}

#[track_caller]
fn assert_step_up_refused(change: impl FnOnce(&mut Approval), why: Refusal) {
    let action = Action::RemoveMethod(id(APP));
    let mut approval = step_up(&action);
    change(&mut approval);
    assert_eq!(ask(&two_factor_on(), &action, &show(approval)), Err(why));
}

#[track_caller]
fn assert_attestation_refused(why: AuthorizationRejection, change: impl FnOnce(&mut Attestation)) {
    let action = Action::AddMethod(MethodKind::Totp);
    let mut word = attestation(&action);
    change(&mut word);
    assert_eq!(
        ask(&two_factor_off(), &action, &Proof::Attestation(word)),
        Err(because(why))
    );
}

fn with_step_up_by(kind: MethodKind, action: &Action) -> Result<AcceptedProof, Refusal> {
    let approval = Approval {
        answered_by: AnsweredBy::Code(kind),
        ..step_up(action)
    };
    ask(&two_factor_on(), action, &show(approval))
}

#[test]
fn with_two_factor_off_nothing_goes_without_an_attestation() {
    for action in every_action() {
        let proofs = [Proof::None, unknown_approval(), show(step_up(&action))];
        for proof in proofs {
            assert_eq!(
                ask(&two_factor_off(), &action, &proof),
                Err(Refusal::AttestationRequired),
                "{action} by {proof:?}"
            );
        }
    }
}

#[test]
fn with_two_factor_off_a_fresh_attestation_is_accepted_by_its_id() {
    for action in every_action() {
        let word = attestation(&action);
        let id = word.id.clone();
        assert_eq!(
            ask(&two_factor_off(), &action, &Proof::Attestation(word)),
            Ok(AcceptedProof::Attestation(id)),
            "{action}"
        );
    }
}

#[test]
fn an_attestation_counts_only_from_a_caller_with_the_right() {
    let action = Action::AddMethod(MethodKind::Totp);
    let everything_else = CallerRight::ALL
        .into_iter()
        .filter(|right| *right != CallerRight::Attest);
    let rights: Vec<CallerRight> = everything_else.collect();
    let outcome = authorize(
        &action,
        &Proof::Attestation(attestation(&action)),
        &two_factor_off(),
        &caller(PORTAL, &rights),
        &Policy::built_in(),
        NOW,
    );
    assert_eq!(outcome, Err(Refusal::AttestationRequired));
}

#[test]
fn an_attestation_counts_for_five_minutes() {
    let action = Action::AddMethod(MethodKind::Totp);
    let at_the_end = Attestation {
        authenticated_at: NOW.minus(minutes(5)),
        ..attestation(&action)
    };
    assert!(ask(&two_factor_off(), &action, &Proof::Attestation(at_the_end)).is_ok());
    assert_attestation_refused(AuthorizationRejection::Expired, |word| {
        word.authenticated_at = Timestamp::from_millis(NOW.minus(minutes(5)).millis() - 1);
    });
}

#[test]
fn an_attestation_may_be_half_a_minute_ahead() {
    let action = Action::AddMethod(MethodKind::Totp);
    let a_bit_ahead = Attestation {
        authenticated_at: NOW.plus(seconds(30)),
        ..attestation(&action)
    };
    assert!(ask(&two_factor_off(), &action, &Proof::Attestation(a_bit_ahead)).is_ok());
    let why = AuthorizationRejection::FromTheFuture;
    assert_attestation_refused(why, |word| word.authenticated_at = NOW.plus(seconds(31)));
}

#[test]
fn an_attestation_counts_for_its_own_action() {
    let why = AuthorizationRejection::OtherAction;
    assert_attestation_refused(why, |word| word.action = Action::AddMethod(MethodKind::Sms));
}

#[test]
fn with_two_factor_on_an_attestation_is_not_enough() {
    for action in every_action() {
        let proofs = [Proof::None, Proof::Attestation(attestation(&action))];
        for proof in proofs {
            assert_eq!(
                ask(&two_factor_on(), &action, &proof),
                Err(Refusal::StepUpRequired),
                "{action} by {proof:?}"
            );
        }
    }
}

#[test]
fn two_factor_stays_on_while_every_method_is_disabled() {
    let mut account = two_factor_on();
    account
        .methods
        .iter_mut()
        .for_each(|method| method.disabled = true);
    let action = Action::AddMethod(MethodKind::Totp);
    assert_eq!(
        ask(&account, &action, &Proof::Attestation(attestation(&action))),
        Err(Refusal::StepUpRequired)
    );
}

#[test]
fn an_approval_that_nobody_knows_is_not_accepted() {
    assert_eq!(
        ask(
            &two_factor_on(),
            &Action::GenerateRecoveryCodes,
            &unknown_approval()
        ),
        Err(because(AuthorizationRejection::Unknown))
    );
}

#[test]
fn a_step_up_authorizes_its_own_action_and_no_other() {
    for approved in every_action() {
        for action in every_action() {
            let expected = if action == approved {
                Ok(accepted())
            } else {
                Err(because(AuthorizationRejection::OtherAction))
            };
            let outcome = ask(&two_factor_on(), &action, &show(step_up(&approved)));
            assert_eq!(outcome, expected, "{action} by a step-up for {approved}");
        }
    }
}

#[test]
fn a_step_up_counts_whatever_text_was_shown_with_it() {
    let action = Action::GenerateRecoveryCodes;
    let shown = Approval {
        purpose: ApprovedPurpose::StepUp {
            action: action.to_string(),
            digest: Some(TransactionDigest::from_bytes([1; 32])),
        },
        ..approval()
    };
    assert_eq!(ask(&two_factor_on(), &action, &show(shown)), Ok(accepted()));
}

#[test]
fn a_step_up_of_another_caller_is_not_accepted() {
    assert_step_up_refused(
        |approval| approval.caller = CallerName::new("shop"),
        because(AuthorizationRejection::Unknown),
    );
}

#[test]
fn a_step_up_of_another_epoch_is_not_accepted() {
    for other in [EPOCH.number() - 1, EPOCH.number() + 1] {
        assert_step_up_refused(
            |approval| approval.epoch = crate::value::epoch::Epoch::from_number(other),
            because(AuthorizationRejection::AccountChanged),
        );
    }
}

/// Whatever is wrong with it besides, and whatever the account is like, another caller's approval is unknown.
#[test]
fn to_another_caller_every_approval_is_unknown() {
    let action = Action::RemoveMethod(id(APP));
    let held = Account {
        pending_review: true,
        ..two_factor_on()
    };
    let with = |change: fn(&mut Approval)| {
        let mut approval = Approval {
            caller: CallerName::new("shop"),
            ..step_up(&action)
        };
        change(&mut approval);
        show(approval)
    };
    let proofs = [
        with(|_| ()),
        with(|approval| approval.epoch = EPOCH.grown()),
        with(|approval| approval.at = NOW.minus(minutes(30))),
        with(|approval| approval.purpose = ApprovedPurpose::SignIn),
        with(|approval| approval.answered_by = AnsweredBy::Code(MethodKind::Email)),
        with(|approval| approval.answered_by = RECOVERY),
        unknown_approval(),
    ];
    for account in [two_factor_on(), held] {
        for proof in &proofs {
            let outcome = ask(&account, &action, proof);
            assert_eq!(
                outcome,
                Err(because(AuthorizationRejection::Unknown)),
                "{proof:?}"
            );
        }
    }
}

#[test]
fn a_step_up_counts_for_five_minutes() {
    let action = Action::GenerateRecoveryCodes;
    let at_the_end = Approval {
        at: NOW.minus(minutes(5)),
        ..step_up(&action)
    };
    assert_eq!(
        ask(&two_factor_on(), &action, &show(at_the_end)),
        Ok(accepted())
    );
    assert_step_up_refused(
        |approval| approval.at = Timestamp::from_millis(NOW.minus(minutes(5)).millis() - 1),
        because(AuthorizationRejection::Expired),
    );
}

#[test]
fn enrollments_and_verified_addresses_authorize_nothing() {
    for purpose in [ApprovedPurpose::Enrollment, ApprovedPurpose::VerifyEmail] {
        for answered_by in [AnsweredBy::Code(MethodKind::Totp), RECOVERY] {
            for action in every_action() {
                let other = Approval {
                    purpose: purpose.clone(),
                    answered_by,
                    ..approval()
                };
                assert_eq!(
                    ask(&two_factor_on(), &action, &show(other)),
                    Err(because(AuthorizationRejection::OtherAction)),
                    "{action} by {purpose:?}"
                );
            }
        }
    }
}

#[test]
fn a_method_goes_only_by_one_at_least_as_strong() {
    let strongest_first = [
        (APP, MethodKind::Totp),
        (SMS, MethodKind::Sms),
        (MAIL, MethodKind::Email),
    ];
    for (going, kind) in strongest_first {
        for (_, answered_by) in strongest_first {
            let expected = if answered_by.strength() >= kind.strength() {
                Ok(accepted())
            } else {
                Err(Refusal::StrongerMethodRequired)
            };
            let action = Action::RemoveMethod(id(going));
            let outcome = with_step_up_by(answered_by, &action);
            assert_eq!(outcome, expected, "{action} by {answered_by:?}");
        }
    }
}

#[test]
fn a_way_in_comes_only_by_the_strongest_method() {
    for action in [
        Action::AddMethod(MethodKind::Totp),
        Action::AddMethod(MethodKind::Email),
        Action::ReplaceMethod(id(MAIL), MethodKind::Totp),
        Action::GenerateRecoveryCodes,
    ] {
        for weaker in [MethodKind::Sms, MethodKind::Email] {
            assert_eq!(
                with_step_up_by(weaker, &action),
                Err(Refusal::StrongerMethodRequired),
                "{action} by {weaker:?}"
            );
        }
        assert_eq!(with_step_up_by(MethodKind::Totp, &action), Ok(accepted()));
    }
}

#[test]
fn a_disabled_method_is_still_the_strongest() {
    let action = Action::AddMethod(MethodKind::Totp);
    let disabled_app = Method {
        disabled: true,
        ..method(APP, MethodKind::Totp)
    };
    let account = account([disabled_app, method(SMS, MethodKind::Sms)]);
    let by_sms = Approval {
        answered_by: AnsweredBy::Code(MethodKind::Sms),
        ..step_up(&action)
    };
    assert_eq!(
        ask(&account, &action, &show(by_sms)),
        Err(Refusal::StrongerMethodRequired)
    );
}

#[test]
fn what_brings_nothing_and_takes_nothing_goes_by_any_method() {
    for action in [
        Action::SetDefaultMethod(id(APP)),
        Action::Caller(CallerAction::parse("pay").unwrap()),
    ] {
        assert_eq!(
            with_step_up_by(MethodKind::Email, &action),
            Ok(accepted()),
            "{action}"
        );
    }
}

#[test]
fn a_sign_in_by_recovery_code_authorizes_enrollments_and_removals_and_nothing_else() {
    for action in every_action().into_iter().chain([Action::DisableTwoFactor]) {
        let removes = matches!(action, Action::RemoveMethod(_));
        let expected = if action.enrolls() || removes {
            Ok(AcceptedProof::Recovery(id(1)))
        } else {
            Err(because(AuthorizationRejection::OtherAction))
        };
        let outcome = ask(&two_factor_on(), &action, &show(recovery_sign_in()));
        assert_eq!(outcome, expected, "{action}");
    }
}

#[test]
fn a_sign_in_by_bypass_code_authorizes_enrollments_and_nothing_else() {
    for user in [two_factor_on(), with_lost(MethodKind::Totp, NOW)] {
        for action in every_action().into_iter().chain([Action::DisableTwoFactor]) {
            let expected = if action.enrolls() {
                Ok(AcceptedProof::Bypass(id(1)))
            } else {
                Err(because(AuthorizationRejection::OtherAction))
            };
            let let_in = Approval {
                answered_by: AnsweredBy::BypassCode,
                ..recovery_sign_in()
            };
            assert_eq!(ask(&user, &action, &show(let_in)), expected, "{action}");
        }
    }
}

/// A user whose app was removed by recovery code, and who has a number and an address left.
fn with_lost(kind: MethodKind, removed_at: Timestamp) -> Account {
    Account {
        lost_methods: vec![LostMethod { kind, removed_at }],
        ..account([
            method(SMS, MethodKind::Sms),
            method(MAIL, MethodKind::Email),
        ])
    }
}

/// What could take two-factor over or turn it off.
fn riskiest() -> [Action; 5] {
    [
        Action::AddMethod(MethodKind::Totp),
        Action::AddMethod(MethodKind::Email),
        Action::ReplaceMethod(id(MAIL), MethodKind::Totp),
        Action::GenerateRecoveryCodes,
        Action::DisableTwoFactor,
    ]
}

#[test]
fn a_lost_method_keeps_its_weight_for_72_hours() {
    let hours = |count: u64| minutes(60 * count);
    for (age, weighs) in [(hours(0), true), (hours(71), true), (hours(72), false)] {
        for action in riskiest() {
            let by_sms = Approval {
                answered_by: AnsweredBy::Code(MethodKind::Sms),
                ..step_up(&action)
            };
            let expected = if weighs {
                Err(Refusal::StrongerMethodRequired)
            } else {
                Ok(accepted())
            };
            let user = with_lost(MethodKind::Totp, NOW.minus(age));
            assert_eq!(
                ask(&user, &action, &show(by_sms)),
                expected,
                "{action} {age:?}"
            );
        }
    }
}

#[test]
fn what_is_as_strong_as_the_lost_method_does_meanwhile() {
    for action in riskiest() {
        let mut user = with_lost(MethodKind::Totp, NOW);
        user.methods.push(method(APP, MethodKind::Totp));
        assert_eq!(ask(&user, &action, &show(step_up(&action))), Ok(accepted()));
        let by_sms = Approval {
            answered_by: AnsweredBy::Code(MethodKind::Sms),
            ..step_up(&action)
        };
        let user = with_lost(MethodKind::Sms, NOW);
        assert_eq!(ask(&user, &action, &show(by_sms)), Ok(accepted()));
    }
}

#[test]
fn another_recovery_code_does_meanwhile_and_not_afterwards() {
    let long_ago = NOW.minus(LOST_METHOD_RETENTION);
    for action in riskiest() {
        let ask = |removed_at| {
            let user = with_lost(MethodKind::Totp, removed_at);
            ask(&user, &action, &show(recovery_sign_in()))
        };
        assert_eq!(ask(NOW), Ok(AcceptedProof::Recovery(id(1))), "{action}");
        let afterwards = if action.enrolls() {
            Ok(AcceptedProof::Recovery(id(1)))
        } else {
            Err(because(AuthorizationRejection::OtherAction))
        };
        assert_eq!(ask(long_ago), afterwards, "{action}");
    }
}

/// To remove the last method is to turn two-factor off.
#[test]
fn the_last_method_does_not_go_by_less_than_the_lost_one() {
    let lost = LostMethod {
        kind: MethodKind::Totp,
        removed_at: NOW,
    };
    let user = Account {
        lost_methods: vec![lost],
        ..account([method(MAIL, MethodKind::Email)])
    };
    let action = Action::RemoveMethod(id(MAIL));
    let by_mail = || Approval {
        answered_by: AnsweredBy::Code(MethodKind::Email),
        ..step_up(&action)
    };
    let refused = Err(Refusal::StrongerMethodRequired);
    assert_eq!(ask(&user, &action, &show(by_mail())), refused);
    let email = method(MAIL, MethodKind::Email);
    let rules = PolicyRules::built_in();
    assert_eq!(
        check_step_up(&action, &email, &user, &rules, NOW),
        Err(Refusal::StrongerMethodRequired)
    );
    let without_apps = PolicyRules {
        allowed_kinds: [MethodKind::Sms, MethodKind::Email].into_iter().collect(),
        ..PolicyRules::built_in()
    };
    assert_eq!(
        ask_under(without_apps, &user, &action, &show(by_mail())),
        Ok(accepted()),
        "what is not allowed has no weight"
    );
}

#[test]
fn a_recovery_code_removes_nothing_while_an_administrator_has_to_let_the_user_in() {
    let held = Account {
        pending_review: true,
        ..two_factor_on()
    };
    let action = Action::RemoveMethod(id(APP));
    let outcome = ask(&held, &action, &show(recovery_sign_in()));
    assert_eq!(outcome, Err(Refusal::WaitsForAdministrator));
}

#[test]
fn a_sign_in_by_recovery_code_counts_for_ten_minutes() {
    let action = Action::AddMethod(MethodKind::Totp);
    let signed_in = |at| {
        let signed_in = Approval {
            at,
            ..recovery_sign_in()
        };
        ask(&two_factor_on(), &action, &show(signed_in))
    };
    let ten_minutes_ago = NOW.minus(minutes(10));
    let a_bit_earlier = Timestamp::from_millis(ten_minutes_ago.millis() - 1);
    assert_eq!(
        signed_in(ten_minutes_ago),
        Ok(AcceptedProof::Recovery(id(1)))
    );
    assert_eq!(
        signed_in(a_bit_earlier),
        Err(because(AuthorizationRejection::Expired))
    );
}

#[test]
fn a_sign_in_by_recovery_code_authorizes_once_its_own_caller_in_its_own_epoch() {
    let action = Action::AddMethod(MethodKind::Totp);
    let of_shop = Approval {
        caller: CallerName::new("shop"),
        ..recovery_sign_in()
    };
    let of_next_epoch = Approval {
        epoch: EPOCH.grown(),
        ..recovery_sign_in()
    };
    for (approval, why) in [
        (of_shop, AuthorizationRejection::Unknown),
        (of_next_epoch, AuthorizationRejection::AccountChanged),
    ] {
        assert_eq!(
            ask(&two_factor_on(), &action, &show(approval)),
            Err(because(why))
        );
    }
}

/// Authorizes under the given rules, with a caller that may attest.
fn ask_under(
    rules: PolicyRules,
    account: &Account,
    action: &Action,
    proof: &Proof,
) -> Result<AcceptedProof, Refusal> {
    match admit_under(rules, account, action, proof)? {
        AcceptableProof::Accepted(accepted) => Ok(accepted),
        AcceptableProof::Password => panic!("no password was brought"),
    }
}

fn admit_under(
    rules: PolicyRules,
    account: &Account,
    action: &Action,
    proof: &Proof,
) -> Result<AcceptableProof, Refusal> {
    let portal = caller(PORTAL, &[CallerRight::MethodService, CallerRight::Attest]);
    let policy = Policy {
        rules,
        ..Policy::built_in()
    };
    authorize(action, proof, account, &portal, &policy, NOW)
}

fn ticket_until(expires_at: Timestamp) -> Proof {
    let of = TicketSubject {
        subject: &jane(),
        caller: &CallerName::new(PORTAL),
        epoch: EPOCH,
        expires_at,
    };
    Proof::Ticket(of.issue(|_| [7; 16]))
}

fn app_only() -> PolicyRules {
    PolicyRules {
        allowed_kinds: [MethodKind::Totp].into_iter().collect(),
        ..PolicyRules::built_in()
    }
}

#[test]
fn a_ticket_lets_a_first_method_in_and_nothing_else() {
    let live = ticket_until(NOW.plus(seconds(1)));
    for action in every_action() {
        let expected = match action {
            Action::AddMethod(_) => Ok(AcceptedProof::Ticket),
            _ => Err(Refusal::AttestationRequired),
        };
        assert_eq!(ask(&two_factor_off(), &action, &live), expected, "{action}");
        assert_eq!(
            ask(&two_factor_on(), &action, &live),
            Err(because(AuthorizationRejection::OtherAction)),
            "{action} with two-factor on"
        );
    }
}

#[test]
fn a_ticket_ends_with_its_time() {
    let add = Action::AddMethod(MethodKind::Totp);
    for (proof, why) in [
        (ticket_until(NOW), AuthorizationRejection::Expired),
        (
            Proof::EndedTicket(AuthorizationRejection::Unknown),
            AuthorizationRejection::Unknown,
        ),
        (
            Proof::EndedTicket(AuthorizationRejection::AccountChanged),
            AuthorizationRejection::AccountChanged,
        ),
    ] {
        assert_eq!(ask(&two_factor_off(), &add, &proof), Err(because(why)));
    }
}

#[test]
fn who_has_only_methods_that_do_not_count_enrols_as_if_there_were_none() {
    let user = account([method(SMS, MethodKind::Sms)]);
    let add = Action::AddMethod(MethodKind::Totp);
    let live = ticket_until(NOW.plus(seconds(1)));
    assert_eq!(
        ask_under(app_only(), &user, &add, &live),
        Ok(AcceptedProof::Ticket)
    );
    let word = Proof::Attestation(attestation(&add));
    assert!(ask_under(app_only(), &user, &add, &word).is_ok());
    let remove = Action::RemoveMethod(id(SMS));
    let word = Proof::Attestation(attestation(&remove));
    assert_eq!(
        ask_under(app_only(), &user, &remove, &word),
        Err(Refusal::StepUpRequired),
        "what is there does not go by a first factor"
    );
}

#[test]
fn a_method_that_is_not_allowed_is_nobodys_measure() {
    let mail_only = || PolicyRules {
        allowed_kinds: [MethodKind::Email].into_iter().collect(),
        ..PolicyRules::built_in()
    };
    for action in [
        Action::AddMethod(MethodKind::Email),
        Action::RemoveMethod(id(APP)),
        Action::GenerateRecoveryCodes,
    ] {
        let by_mail = Approval {
            answered_by: AnsweredBy::Code(MethodKind::Email),
            ..step_up(&action)
        };
        assert_eq!(
            ask_under(mail_only(), &two_factor_on(), &action, &show(by_mail)),
            Ok(accepted()),
            "{action}"
        );
    }
}

#[test]
fn an_attestation_suffices_where_the_policy_opts_in_and_never_to_take_over_more_easily_than_to_disable()
 {
    let ask_with = |changes: &[ProtectedChange], action: &Action| {
        let rules = PolicyRules {
            attestation_suffices: changes.to_vec(),
            ..PolicyRules::built_in()
        };
        let word = Proof::Attestation(attestation(action));
        ask_under(rules, &two_factor_on(), action, &word).is_ok()
    };
    let other = Action::SetDefaultMethod(id(SMS));
    assert!(ask_with(&[ProtectedChange::SetDefaultMethod], &other));
    assert!(!ask_with(&[ProtectedChange::TrustDevice], &other));
    let taking_over = [
        ProtectedChange::AddMethod,
        ProtectedChange::ReplaceMethod,
        ProtectedChange::RemoveMethod,
        ProtectedChange::GenerateRecoveryCodes,
    ];
    let all = [taking_over.as_slice(), &[ProtectedChange::DisableTwoFactor]].concat();
    for action in [
        Action::AddMethod(MethodKind::Sms),
        Action::ReplaceMethod(id(APP), MethodKind::Sms),
        Action::RemoveMethod(id(APP)),
        Action::GenerateRecoveryCodes,
    ] {
        assert!(!ask_with(&taking_over, &action), "{action}");
        assert!(ask_with(&all, &action), "{action}");
    }
    let payment = Action::Caller(CallerAction::parse("pay").unwrap());
    assert!(!ask_with(&all, &payment), "a caller's action is no change");
}

#[test]
fn the_account_password_does_for_a_first_enrollment() {
    let action = Action::AddMethod(MethodKind::Totp);
    let ask = |rules, account: &Account| admit_under(rules, account, &action, &Proof::Password);
    let built_in = PolicyRules::built_in();
    assert_eq!(
        ask(built_in, &two_factor_off()),
        Ok(AcceptableProof::Password)
    );
    let uncounted = account([method(SMS, MethodKind::Sms)]);
    assert_eq!(ask(app_only(), &uncounted), Ok(AcceptableProof::Password));
}

#[test]
fn the_account_password_does_for_nothing_else_unless_the_policy_opts_in() {
    let ask_with = |changes: &[ProtectedChange], action: &Action| {
        let rules = PolicyRules {
            password_suffices: changes.to_vec(),
            ..PolicyRules::built_in()
        };
        admit_under(rules, &two_factor_on(), action, &Proof::Password)
    };
    for action in every_action() {
        assert_eq!(
            ask_with(&[], &action),
            Err(Refusal::StepUpRequired),
            "{action}"
        );
        let Some(change) = action.change() else {
            continue;
        };
        let opted_in = ask_with(&[change, ProtectedChange::DisableTwoFactor], &action);
        assert_eq!(opted_in, Ok(AcceptableProof::Password), "{action}");
        let disabling = ask_with(&[ProtectedChange::DisableTwoFactor], &action);
        assert_eq!(disabling, Err(Refusal::StepUpRequired), "{action}");
    }
    let add = Action::AddMethod(MethodKind::Sms);
    let alone = ask_with(&[ProtectedChange::AddMethod], &add);
    assert_eq!(
        alone,
        Err(Refusal::StepUpRequired),
        "no easier than to disable"
    );
}

/// A correct password authorizes the change in the same call, which uses it up. If that change fails, the approval
/// authorizes no other one.
#[test]
fn the_approval_of_a_password_is_brought_to_no_other_change() {
    for action in every_action() {
        let of_password = Approval {
            purpose: ApprovedPurpose::Change {
                action: action.to_string(),
            },
            answered_by: AnsweredBy::Password,
            method: None,
            ..approval()
        };
        assert_eq!(
            ask(&two_factor_on(), &action, &show(of_password)),
            Err(because(AuthorizationRejection::OtherAction)),
            "{action}"
        );
    }
}

#[test]
fn no_first_factor_lets_anything_happen_to_whom_an_administrator_has_to_let_in() {
    let every_change = vec![
        ProtectedChange::AddMethod,
        ProtectedChange::ReplaceMethod,
        ProtectedChange::RemoveMethod,
        ProtectedChange::SetDefaultMethod,
        ProtectedChange::GenerateRecoveryCodes,
        ProtectedChange::DisableTwoFactor,
        ProtectedChange::TrustDevice,
    ];
    let rules = PolicyRules {
        attestation_suffices: every_change.clone(),
        password_suffices: every_change,
        ..PolicyRules::built_in()
    };
    let held = Account {
        pending_review: true,
        ..two_factor_off()
    };
    for action in every_action().into_iter().chain([Action::DisableTwoFactor]) {
        for proof in [Proof::Attestation(attestation(&action)), Proof::Password] {
            let outcome = admit_under(rules.clone(), &held, &action, &proof);
            assert_eq!(outcome, Err(Refusal::WaitsForAdministrator), "{action}");
        }
    }
}

#[test]
fn what_is_left_to_whom_an_administrator_has_to_let_in_lets_nothing_happen() {
    let held = Account {
        pending_review: true,
        ..two_factor_on()
    };
    for action in every_action().into_iter().chain([Action::DisableTwoFactor]) {
        let outcome = ask(&held, &action, &show(step_up(&action)));
        assert_eq!(outcome, Err(Refusal::WaitsForAdministrator), "{action}");
    }
}

#[test]
fn a_recovery_or_bypass_code_lets_whom_it_lets_in_enrol() {
    let held = Account {
        pending_review: true,
        ..two_factor_on()
    };
    for answered_by in [
        AnsweredBy::RecoveryCode,
        AnsweredBy::RecoveryKey,
        AnsweredBy::BypassCode,
    ] {
        let signed_in = Approval {
            answered_by,
            ..approval()
        };
        let outcome = ask(
            &held,
            &Action::AddMethod(MethodKind::Totp),
            &show(signed_in),
        );
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}

#[test]
fn two_factor_is_turned_off_by_a_method_as_strong_as_the_strongest() {
    let off = Action::DisableTwoFactor;
    assert_eq!(with_step_up_by(MethodKind::Totp, &off), Ok(accepted()));
    for weaker in [MethodKind::Sms, MethodKind::Email] {
        let refused = Err(Refusal::StrongerMethodRequired);
        assert_eq!(with_step_up_by(weaker, &off), refused);
    }
}
#[test]
fn a_sign_in_by_a_method_authorizes_trust_in_devices_and_nothing_else() {
    for action in every_action() {
        let expected = match action {
            Action::TrustDevice(_) => Ok(accepted()),
            _ => Err(because(AuthorizationRejection::OtherAction)),
        };
        let outcome = ask(&two_factor_on(), &action, &show(approval()));
        assert_eq!(outcome, expected, "{action}");
    }
}

/// A25: a trusted device skips later sign-ins, so trust needs the strength of a sign-in.
#[test]
fn trust_in_a_device_takes_no_less_than_a_sign_in() {
    let asked = |sign_in_strength, answered_by| {
        let rules = PolicyRules {
            sign_in_strength,
            ..PolicyRules::built_in()
        };
        let by_it = Approval {
            answered_by: AnsweredBy::Code(answered_by),
            ..step_up(&trust_device())
        };
        ask_under(rules, &two_factor_on(), &trust_device(), &show(by_it))
    };
    for strength in [
        MethodStrength::Low,
        MethodStrength::Restricted,
        MethodStrength::Strong,
    ] {
        for kind in MethodKind::ALL {
            let expected = if kind.strength() >= strength {
                Ok(accepted())
            } else {
                Err(Refusal::StrongerMethodRequired)
            };
            assert_eq!(asked(strength, kind), expected, "{kind:?} for {strength:?}");
        }
    }
}

#[test]
fn a_sign_in_authorizes_trust_for_five_minutes() {
    let signed_in = |at| {
        let signed_in = Approval { at, ..approval() };
        ask(&two_factor_on(), &trust_device(), &show(signed_in))
    };
    let five_minutes_ago = NOW.minus(minutes(5));
    let a_bit_earlier = Timestamp::from_millis(five_minutes_ago.millis() - 1);
    assert_eq!(signed_in(five_minutes_ago), Ok(accepted()));
    assert_eq!(
        signed_in(a_bit_earlier),
        Err(because(AuthorizationRejection::Expired))
    );
}

fn by_mailbox(changes: &[ProtectedChange]) -> PolicyRules {
    PolicyRules {
        mailbox_code_suffices: changes.to_vec(),
        ..PolicyRules::built_in()
    }
}

fn step_up_by_mail(action: &Action) -> Approval {
    Approval {
        answered_by: AnsweredBy::Code(MethodKind::Email),
        ..step_up(action)
    }
}

/// Whatever a stored policy names, nothing else goes by the mailbox.
#[test]
fn a_code_to_the_mailbox_suffices_for_what_the_policy_names_and_never_for_a_way_in() {
    let both = [
        ProtectedChange::DisableTwoFactor,
        ProtectedChange::GenerateRecoveryCodes,
    ];
    let every_change = [
        ProtectedChange::AddMethod,
        ProtectedChange::ReplaceMethod,
        ProtectedChange::RemoveMethod,
        ProtectedChange::SetDefaultMethod,
        ProtectedChange::DisableTwoFactor,
        ProtectedChange::GenerateRecoveryCodes,
        ProtectedChange::TrustDevice,
    ];
    for action in [
        Action::AddMethod(MethodKind::Totp),
        Action::ReplaceMethod(id(MAIL), MethodKind::Totp),
        Action::RemoveMethod(id(APP)),
        Action::GenerateRecoveryCodes,
        Action::DisableTwoFactor,
    ] {
        let ask = |rules: PolicyRules, approval| {
            ask_under(rules, &two_factor_on(), &action, &show(approval))
        };
        let named = action.change().is_some_and(|change| both.contains(&change));
        let by_policy = if named {
            Ok(AcceptedProof::MailboxCode(id(1)))
        } else {
            Err(Refusal::StrongerMethodRequired)
        };
        let by_mail = || step_up_by_mail(&action);
        assert_eq!(ask(by_mailbox(&both), by_mail()), by_policy, "{action}");
        assert_eq!(ask(by_mailbox(&every_change), by_mail()), by_policy);
        let refused = Err(Refusal::StrongerMethodRequired);
        assert_eq!(ask(PolicyRules::built_in(), by_mail()), refused);
        let by_sms = Approval {
            answered_by: AnsweredBy::Code(MethodKind::Sms),
            ..step_up(&action)
        };
        assert_eq!(ask(by_mailbox(&both), by_sms), refused, "{action} by SMS");
        let email = method(MAIL, MethodKind::Email);
        let issued = check_step_up(&action, &email, &two_factor_on(), &by_mailbox(&both), NOW);
        assert_eq!(issued.is_ok(), named, "{action}");
    }
}

#[test]
fn a_code_to_the_mailbox_suffices_for_each_act_on_its_own() {
    let (disable, codes) = (Action::DisableTwoFactor, Action::GenerateRecoveryCodes);
    for (named, other) in [(&disable, &codes), (&codes, &disable)] {
        let rules = || by_mailbox(&[named.change().unwrap()]);
        let ask = |action: &Action, approval| {
            ask_under(rules(), &two_factor_on(), action, &show(approval))
        };
        assert!(ask(named, step_up_by_mail(named)).is_ok());
        let refused = Err(Refusal::StrongerMethodRequired);
        assert_eq!(ask(other, step_up_by_mail(other)), refused);
        let for_the_other = ask(named, step_up_by_mail(other));
        assert_eq!(
            for_the_other,
            Err(because(AuthorizationRejection::OtherAction))
        );
        let signed_in = Approval {
            answered_by: AnsweredBy::Code(MethodKind::Email),
            ..approval()
        };
        let by_sign_in = ask(named, signed_in);
        assert_eq!(
            by_sign_in,
            Err(because(AuthorizationRejection::OtherAction))
        );
    }
}

#[test]
fn a_code_to_the_mailbox_suffices_only_where_it_signs_in_and_no_method_was_lost() {
    let action = Action::DisableTwoFactor;
    let rules = || by_mailbox(&[ProtectedChange::DisableTwoFactor]);
    let strict = PolicyRules {
        sign_in_strength: MethodStrength::Restricted,
        ..rules()
    };
    let refused = Err(Refusal::StrongerMethodRequired);
    let by_mail = || show(step_up_by_mail(&action));
    assert_eq!(
        ask_under(strict, &two_factor_on(), &action, &by_mail()),
        refused
    );
    let lost = with_lost(MethodKind::Totp, NOW);
    assert_eq!(ask_under(rules(), &lost, &action, &by_mail()), refused);
    let long_ago = with_lost(MethodKind::Totp, NOW.minus(LOST_METHOD_RETENTION));
    assert!(ask_under(rules(), &long_ago, &action, &by_mail()).is_ok());
}

#[test]
fn recovery_codes_that_the_mailbox_created_authorize_no_change_at_first() {
    let restricted = Account {
        recovery_restricted_until: Some(NOW.plus(minutes(1))),
        ..two_factor_on()
    };
    let over = Account {
        recovery_restricted_until: Some(NOW),
        ..two_factor_on()
    };
    let key_sign_in = || Approval {
        answered_by: AnsweredBy::RecoveryKey,
        ..recovery_sign_in()
    };
    for action in [
        Action::AddMethod(MethodKind::Totp),
        Action::ReplaceMethod(id(APP), MethodKind::Totp),
        Action::RemoveMethod(id(APP)),
    ] {
        for proof in [show(recovery_sign_in()), show(key_sign_in())] {
            let outcome = ask(&restricted, &action, &proof);
            assert_eq!(outcome, Err(Refusal::RecoveryCodesTooNew), "{action}");
            assert!(ask(&over, &action, &proof).is_ok(), "{action}");
        }
        if action.enrolls() {
            let let_in = Approval {
                answered_by: AnsweredBy::BypassCode,
                ..recovery_sign_in()
            };
            assert!(ask(&restricted, &action, &show(let_in)).is_ok());
        }
    }
}

/// S21: a sign-in of the last 15 minutes by the user's strongest method, and nothing else by it.
#[test]
fn a_sign_in_authorizes_new_recovery_codes_for_15_minutes_where_the_policy_lets_it() {
    let rules = || PolicyRules {
        sign_in_authorizes_recovery_codes: true,
        ..PolicyRules::built_in()
    };
    let codes = Action::GenerateRecoveryCodes;
    let signed_in = |answered_by, ago: u64| {
        show(Approval {
            answered_by,
            at: NOW.minus(minutes(ago)),
            ..approval()
        })
    };
    let app = AnsweredBy::Code(MethodKind::Totp);
    let ask = |action: &Action, proof: &Proof| ask_under(rules(), &two_factor_on(), action, proof);
    assert_eq!(ask(&codes, &signed_in(app, 15)), Ok(accepted()));
    let late = ask(&codes, &signed_in(app, 16));
    assert_eq!(late, Err(because(AuthorizationRejection::Expired)));
    for weaker in [MethodKind::Sms, MethodKind::Email] {
        let outcome = ask(&codes, &signed_in(AnsweredBy::Code(weaker), 0));
        assert_eq!(outcome, Err(Refusal::StrongerMethodRequired));
    }
    let other = Err(because(AuthorizationRejection::OtherAction));
    for fallback in [RECOVERY, AnsweredBy::RecoveryKey, AnsweredBy::BypassCode] {
        assert_eq!(ask(&codes, &signed_in(fallback, 0)), other);
    }
    for action in every_action() {
        if action != codes && action != trust_device() {
            assert_eq!(ask(&action, &signed_in(app, 0)), other, "{action}");
        }
    }
    let trusted = ask(&trust_device(), &signed_in(app, 6));
    assert_eq!(trusted, Err(because(AuthorizationRejection::Expired)));
}
