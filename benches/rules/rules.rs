//! The rules that are counted, each on one fixed input.

use crate::inputs::{
    self, APP, AccountSize, EPOCH, HEAVY, NOW, TYPICAL, WRONG, account, caller, context, id,
    profile, right, subject, verdict,
};
use countersign_domain::{
    account::{
        AvailableChannels, MethodRequirements,
        change::{AccountChange, AccountWriteOp, ChangeBase},
        groups::GroupName,
    },
    audit_event::{AuditEventKind, ChainHead, StoredAuditEvent},
    authorization::{action::Action, authorize, proof::Proof},
    challenge::{
        AttemptJudgment,
        approval::ApprovedPurpose,
        code::{CanonicalAnswer, DeliveredCode, DigitCount, Digits},
        totp::{StepTolerance, TimeStep, TotpAlgorithm, TotpParameters, TotpSecret},
    },
    decisions::{settings::SettingsPage, sign_in::SignIn, simulation::SimulationTrial},
    device::{self, DeviceTrustTerms},
    limits::budget::AttemptClass,
    method::{MethodKind, MethodStrength},
    policy::{MethodKinds, Policy, PolicyOverride, TwoFactorMode, provenance},
    recovery::{CodeSlot, HashCost, HashMemory, RecoveryCode, RecoveryKey},
    value::{
        country::Country,
        destination::{Email, Phone},
        secret::{KeyId, MacKey},
        time::Timestamp,
    },
};
use std::{hint::black_box, time::Duration};

/// A rule, and how to call it so many times.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// How many calls are counted.
    pub(crate) calls: u32,
    pub(crate) run: fn(u32),
}

const fn rule(name: &'static str, run: fn(u32)) -> Rule {
    let calls = 1000;
    Rule { name, calls, run }
}

/// One of ten thousand instructions or more.
const fn long_rule(name: &'static str, run: fn(u32)) -> Rule {
    let calls = 100;
    Rule { name, calls, run }
}

pub(crate) const RULES: [Rule; 28] = [
    rule("account.clone", clone_account),
    rule("account.default_method", default_method),
    long_rule("audit_chain.extend", extend_audit_chain),
    rule("authorization.step_up", authorize_by_step_up),
    rule("budget.full_until", full_until),
    rule("change.add_method", add_method),
    long_rule("delivered_code.make", make_delivered_code),
    rule("destination.parse_email", parse_email),
    long_rule("destination.parse_phone", parse_phone),
    rule("device.recognize", recognize_device),
    long_rule("policy.explain", explain_policy),
    rule("policy.guess_probability", guess_probability),
    rule("policy.merge", merge_layers),
    rule("policy.resolve", resolve_policy),
    // Milliseconds of argon2id, fifty times slower under callgrind.
    Rule {
        name: "recovery_code.hash",
        calls: 1,
        run: hash_recovery_code,
    },
    rule("recovery_code.parse", parse_recovery_code),
    rule("recovery_key.match", match_recovery_key),
    rule("settings.methods", list_methods),
    rule("sign_in.decide", |calls| decide(calls, TYPICAL)),
    rule("sign_in.decide_heavy", |calls| decide(calls, HEAVY)),
    rule("simulation.effects", simulate_policy),
    long_rule("totp.accept_code", accept_totp_code),
    long_rule("totp.refuse_code", refuse_totp_code),
    long_rule("totp.refuse_code_sha512", refuse_totp_code_sha512),
    long_rule("verdict.approve", |calls| record(calls, TYPICAL, right())),
    long_rule("verdict.approve_heavy", |calls| {
        record(calls, HEAVY, right());
    }),
    rule("verdict.reject", |calls| record(calls, TYPICAL, WRONG)),
    long_rule("verdict.reject_heavy", |calls| record(calls, HEAVY, WRONG)),
];

const EVERYTHING_SERVED: AvailableChannels = AvailableChannels {
    sms: true,
    email: true,
};

/// Calls a rule so many times, and keeps the compiler from leaving a call out.
fn repeat<T>(calls: u32, mut call: impl FnMut() -> T) {
    for _ in 0..calls {
        black_box(call());
    }
}

/// The verdicts below are recorded on a clone of the account, so their figures include this one's.
fn clone_account(calls: u32) {
    let account = account(TYPICAL);
    repeat(calls, || black_box(&account).clone());
}

fn default_method(calls: u32) {
    let (account, policy) = (account(HEAVY), Policy::built_in());
    repeat(calls, || {
        let terms = MethodRequirements::of_sign_in(&policy.rules, EVERYTHING_SERVED);
        black_box(&account).default_method(terms)
    });
}

fn extend_audit_chain(calls: u32) {
    let event = StoredAuditEvent {
        row: 1,
        id: vec![1; 16],
        tenant: "acme".to_owned(),
        subject: vec![6; 16],
        kind: AuditEventKind::ChallengeApproved.as_str().to_owned(),
        caller: inputs::CALLER.to_owned(),
        at: NOW.millis(),
        details: "challenge=AQEBAQEBAQEBAQEBAQEBAQ method=AQEBAQEBAQEBAQEBAQEBAQ".to_owned(),
        personal: vec![7; 120],
    };
    repeat(calls, || ChainHead::EMPTY.after(black_box(&event)));
}

fn authorize_by_step_up(calls: u32) {
    let action = Action::RemoveMethod(id(APP));
    let purpose = ApprovedPurpose::StepUp {
        action: action.to_string(),
        digest: None,
    };
    let proof = Proof::Approval(Box::new(inputs::approval(purpose)));
    let (account, caller, policy) = (account(TYPICAL), caller(), Policy::built_in());
    repeat(calls, || {
        authorize(&action, black_box(&proof), &account, &caller, &policy, NOW)
    });
}

fn full_until(calls: u32) {
    let windows = Policy::built_in().wrong_codes.of(AttemptClass::Unknown);
    let minutes = 0..windows.long.count;
    let charged = minutes.map(|ago| NOW.minus(Duration::from_mins(u64::from(ago))));
    let charged: Vec<_> = charged.collect();
    repeat(calls, || {
        black_box(&windows).full_until(charged.iter().copied(), NOW)
    });
}

fn add_method(calls: u32) {
    let account = account(TYPICAL);
    let change = AccountChange {
        subject: subject(),
        base: ChangeBase::Present(EPOCH, account.revision),
        epoch: EPOCH,
        now: NOW,
        consumed_proofs: Vec::new(),
        writes: vec![AccountWriteOp::AddMethod(
            inputs::method(9),
            Some(TimeStep(60_000_000)),
        )],
        event: inputs::event(AuditEventKind::MethodAdded),
        notices: Vec::new(),
        idempotency_record: None,
    };
    repeat(calls, || {
        let mut account = account.clone();
        (account.apply(black_box(&change)), account)
    });
}

fn make_delivered_code(calls: u32) {
    let code = DeliveredCode {
        key: KeyId::new("k-1"),
        digits: DigitCount::SIX,
        method: Some((id(2), 1)),
    };
    let (key, subject) = (MacKey::new([4; 32]), subject());
    repeat(calls, || {
        black_box(&code).make(&key, &subject, id(40), "SIGN_IN")
    });
}

fn parse_email(calls: u32) {
    repeat(calls, || Email::parse(black_box("jane.doe@example.com")));
}

/// The first call reads the numbering plans, and drops out like all that both runs have in common.
fn parse_phone(calls: u32) {
    repeat(calls, || Phone::parse(black_box("+4915123456789")));
}

fn recognize_device(calls: u32) {
    let (account, token) = (account(HEAVY), inputs::token(HEAVY.devices));
    let (devices, terms) = (
        &account.devices,
        DeviceTrustTerms::of(&Policy::built_in().rules),
    );
    repeat(calls, || {
        device::recognize_device(Some(black_box(&token)), devices, terms, EPOCH, NOW)
    });
}

fn explain_policy(calls: u32) {
    let (service, tenant) = layers();
    repeat(calls, || provenance(black_box(&service), &tenant));
}

fn guess_probability(calls: u32) {
    let policy = Policy::built_in();
    repeat(calls, || {
        black_box(&policy).guess_probability(MethodKinds::ALL, &AttemptClass::ALL)
    });
}

fn merge_layers(calls: u32) {
    let (service, tenant) = layers();
    repeat(calls, || black_box(&service).with(&tenant));
}

fn resolve_policy(calls: u32) {
    let (service, tenant) = layers();
    let (policy, merged) = (Policy::built_in(), service.with(&tenant));
    repeat(calls, || black_box(&policy).under(&merged));
}

/// What a service decides, and what one of its tenants does: of every type of field one, and lists.
fn layers() -> (PolicyOverride, PolicyOverride) {
    let groups = |names: [&str; 3]| {
        let groups = names
            .into_iter()
            .filter_map(|name| GroupName::parse(name).ok());
        Some(groups.collect())
    };
    let countries = |codes: [&str; 3]| {
        let countries = codes
            .into_iter()
            .filter_map(|code| Country::parse(code).ok());
        Some(countries.collect())
    };
    let service = PolicyOverride {
        two_factor: Some(TwoFactorMode::Required),
        required_groups: groups(["administrators", "finance", "staff"]),
        allowed_kinds: Some(MethodKinds::ALL),
        sign_in_strength: Some(MethodStrength::Low),
        trust_lifetime: Some(Duration::from_hours(24 * 30)),
        change_notices: Some(true),
        attempts_per_challenge: Some(5),
        sms_countries: countries(["DE", "FR", "US"]),
        ..PolicyOverride::default()
    };
    let tenant = PolicyOverride {
        two_factor: Some(TwoFactorMode::Required),
        required_groups: groups(["board", "finance", "operations"]),
        allowed_kinds: Some(MethodKinds::from_iter([
            MethodKind::Totp,
            MethodKind::Email,
        ])),
        default_kind: Some(MethodKind::Totp),
        step_up_strength: Some(MethodStrength::Strong),
        trusted_devices: Some(false),
        challenge_lifetime: Some(Duration::from_mins(5)),
        sms_countries: countries(["DE", "IT", "US"]),
        ..PolicyOverride::default()
    };
    (service, tenant)
}

/// At the cost that is configured by default.
fn hash_recovery_code(calls: u32) {
    const COST: HashCost = HashCost {
        memory_kib: 7 * 1024,
        passes: 1,
    };
    let slot = CodeSlot::new(3).expect("a slot");
    let (code, mut memory) = (RecoveryCode::new(slot, &[9; 10]), HashMemory::new());
    repeat(calls, || black_box(&code).hash(&[5; 16], COST, &mut memory));
}

fn parse_recovery_code(calls: u32) {
    let slot = CodeSlot::new(3).expect("a slot");
    let text = RecoveryCode::new(slot, &[9; 10]).expose();
    repeat(calls, || CanonicalAnswer::parse(black_box(&text)));
}

fn match_recovery_key(calls: u32) {
    let key = RecoveryKey::new(&[9; 20]);
    let hash = key.hash();
    repeat(calls, || black_box(&key).matches(&hash));
}

fn list_methods(calls: u32) {
    let (service, tenant) = layers();
    let policy = Policy::built_in().under(&service.with(&tenant));
    let account = account(TYPICAL);
    let page = SettingsPage {
        account: &account,
        has_email: true,
        policy: &policy,
        service_layer: &service,
        served: EVERYTHING_SERVED,
        pending: None,
    };
    repeat(calls, || black_box(&page).kinds());
}

/// Two-factor is required of groups that the user is in none of.
fn decide(calls: u32, size: AccountSize) {
    let (service, tenant) = layers();
    let policy = Policy::built_in().under(&service.with(&tenant));
    let (account, profile) = (account(size), profile(size));
    let sign_in = SignIn {
        account: &account,
        profile: &profile,
        rules: &policy.rules,
        on_trusted_device: false,
        now: NOW,
    };
    repeat(calls, || black_box(&sign_in).need());
}

fn simulate_policy(calls: u32) {
    let (service, tenant) = layers();
    let before = Policy::built_in();
    let after = before.under(&service.with(&tenant));
    let (account, profile) = (account(TYPICAL), profile(TYPICAL));
    let trial = SimulationTrial {
        account: &account,
        profile: &profile,
        before: &before,
        after: &after,
        served: EVERYTHING_SERVED,
        now: NOW,
    };
    repeat(calls, || black_box(&trial).effects());
}

/// RFC 6238, appendix B, in six digits.
fn accept_totp_code(calls: u32) {
    const RIGHT: &str = "081804";
    match_totp(calls, TotpParameters::UNIVERSAL, RIGHT, 1_111_111_109);
}

fn refuse_totp_code(calls: u32) {
    match_totp(
        calls,
        TotpParameters::UNIVERSAL,
        "000000",
        NOW.millis() / 1000,
    );
}

fn refuse_totp_code_sha512(calls: u32) {
    let parameters = TotpParameters {
        hash: TotpAlgorithm::Sha512,
        ..TotpParameters::UNIVERSAL
    };
    match_totp(calls, parameters, "000000", NOW.millis() / 1000);
}

fn match_totp(calls: u32, parameters: TotpParameters, code: &str, at: i64) {
    let secret = TotpSecret::new(b"12345678901234567890".to_vec());
    let (code, tolerance) = (digits(code), StepTolerance { past: 1, future: 1 });
    let at = Timestamp::from_seconds(at);
    repeat(calls, || {
        black_box(&secret).match_code(parameters, &code, at, tolerance)
    });
}

fn digits(text: &str) -> Digits {
    match CanonicalAnswer::parse(text) {
        Ok(CanonicalAnswer::Digits(digits)) => digits,
        _ => unreachable!("{text} is a code of digits"),
    }
}

fn record(calls: u32, size: AccountSize, judgment: AttemptJudgment) {
    let (before, verdict) = (account(size), verdict(judgment));
    repeat(calls, || {
        let mut account = before.clone();
        let recorded = black_box(&verdict).apply_to(Some(&mut account), context());
        (recorded.alerts.len(), account)
    });
}
