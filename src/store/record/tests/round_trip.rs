use super::*;
use countersign_domain::{
    account::{
        ended_approval::{ApprovalEnding, EndedApproval},
        lost_method::LostMethod,
    },
    recovery::{HashCost, HashMemory, RecoveryCode, RecoveryKey},
    value::id::MethodId,
};
use data_encoding::BASE64_NOPAD;
use proptest::{prelude::*, sample::select, test_runner::Config};

fn some_id<Of: 'static>() -> impl Strategy<Value = Id<Of>> {
    any::<[u8; 16]>().prop_map(Id::from_bytes)
}

fn some_instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        any::<i64>().prop_map(Timestamp::from_millis),
        (0..4_000_000_000_i64).prop_map(Timestamp::from_seconds),
    ]
}

fn some_kind() -> impl Strategy<Value = MethodKind> {
    select(MethodKind::ALL.to_vec())
}

fn some_token() -> impl Strategy<Value = DeviceTokenHash> {
    any::<[u8; 16]>().prop_map(DeviceTokenHash::from_bytes)
}

fn some_epoch() -> impl Strategy<Value = Epoch> {
    any::<i64>().prop_map(Epoch::from_number)
}

fn some_sealed() -> impl Strategy<Value = SealedBytes> {
    prop::collection::vec(any::<u8>(), 0..100).prop_map(SealedBytes::from_bytes)
}

fn some_hash() -> impl Strategy<Value = SecretHash> {
    let canonical = (
        0..9_u32,
        0..9_u32,
        "[A-Za-z0-9+/]{0,24}",
        "[A-Za-z0-9+/=]{0,24}",
    );
    let argon2id = canonical.prop_map(|(memory, passes, salt, output)| {
        format!("$argon2id$v=19$m={memory},t={passes},p=1${salt}${output}")
    });
    let sha256 = "[$]sha256[$][0-9a-fA-F]{0,8}";
    prop_oneof![argon2id, sha256, ".{0,20}", Just(PHC.to_owned())].prop_map(SecretHash::from_phc)
}

fn some_method() -> impl Strategy<Value = Method> {
    let what = (
        some_id(),
        some_kind(),
        ".{0,16}",
        any::<u32>(),
        some_sealed(),
    );
    let when = (some_instant(), prop::option::of(some_instant()));
    let state = (any::<bool>(), any::<bool>(), any::<u32>());
    let last_step = prop::option::of(any::<u64>());
    (what, when, state, last_step).prop_map(|(what, when, state, last_step)| {
        let (id, kind, label, version, sealed) = what;
        let (created_at, last_used_at) = when;
        let (disabled, suspended, consecutive_failures) = state;
        Method {
            id,
            kind,
            label: MethodLabel::from_stored(label),
            version,
            sealed,
            disabled,
            created_at,
            last_used_at,
            suspended,
            consecutive_failures,
            last_step: last_step.map(TimeStep),
        }
    })
}

fn some_trust() -> impl Strategy<Value = DeviceTrust> {
    let given = (some_instant(), some_instant(), some_epoch());
    prop_oneof![
        Just(DeviceTrust::Never),
        Just(DeviceTrust::Withdrawn),
        given.prop_map(|(at, until, epoch)| DeviceTrust::Given { at, until, epoch }),
    ]
}

fn some_device() -> impl Strategy<Value = Device> {
    let app = select(vec![
        None,
        Some(ClientApp::Browser),
        Some(ClientApp::Mobile),
    ]);
    let place = prop::option::of(".{1,16}");
    let what = (some_id(), ".{0,16}", app, place, some_kind(), some_trust());
    let tokens = (
        any::<[u8; 16]>(),
        prop::option::of(some_token()),
        prop::collection::vec(some_token(), 0..5),
    );
    let when = (some_instant(), some_instant());
    (what, tokens, when).prop_map(|(what, tokens, (created_at, seen_at))| {
        let (id, name, app, place, proved_by, trust) = what;
        let (series, accepted, given) = tokens;
        Device {
            id,
            name: DeviceName::from_stored(name),
            app,
            place,
            series: SeriesHash::from_bytes(series),
            accepted,
            given,
            proved_by,
            trust,
            created_at,
            seen_at,
        }
    })
}

fn some_recovery() -> impl Strategy<Value = RecoverySet> {
    let unused = prop::collection::vec(((0..32_u8).prop_map(slot), some_hash()), 0..5);
    let kind = select(vec![RecoverySetKind::Codes, RecoverySetKind::Key]);
    let when = (some_instant(), prop::option::of(some_instant()));
    (some_id(), kind, any::<u32>(), unused, when).prop_map(
        |(id, kind, total, unused, (created_at, confirmed_at))| RecoverySet {
            id,
            kind,
            total,
            unused,
            created_at,
            confirmed_at,
        },
    )
}

fn some_bypass() -> impl Strategy<Value = LiveBypassCode> {
    (some_id(), some_hash(), some_instant(), some_epoch()).prop_map(
        |(id, hash, expires_at, epoch)| LiveBypassCode {
            issued: NewBypassCode {
                id,
                hash,
                expires_at,
            },
            epoch,
        },
    )
}

fn some_reset() -> impl Strategy<Value = Reset> {
    let when = (some_instant(), some_instant(), some_instant());
    let state = (
        prop::option::of(some_instant()),
        prop::option::of(some_id()),
    );
    (some_id(), some_epoch(), when, state).prop_map(
        |(id, epoch, (started_at, due_at, ends_at), (canceled_at, challenge))| Reset {
            id,
            epoch,
            due_at,
            ends_at,
            canceled_at,
            challenge,
            started_at,
        },
    )
}

fn some_revert_record() -> impl Strategy<Value = RevertRecord> {
    let with_method = (0..3_u8, some_id()).prop_map(|(which, id): (u8, MethodId)| match which {
        0 => RevertibleChange::Method(id),
        1 => RevertibleChange::FirstMethod(id),
        _ => RevertibleChange::RecoveredMethod(id),
    });
    let without = select(vec![
        RevertibleChange::Removal,
        RevertibleChange::Default,
        RevertibleChange::RecoveryCodes,
        RevertibleChange::TurnOff,
        RevertibleChange::Trust,
    ]);
    let change_kind = prop_oneof![with_method, without];
    (some_token(), change_kind, some_instant(), any::<i64>()).prop_map(
        |(token, change_kind, at, revision)| RevertRecord {
            token,
            change_kind,
            at,
            revision,
        },
    )
}

fn some_wrong_attempt() -> impl Strategy<Value = WrongAttempt> {
    let class = prop::option::of(select(AttemptClass::ALL.to_vec()));
    let skew = prop::option::of((any::<i64>(), any::<u64>()));
    (some_id(), some_id(), class, some_instant(), skew).prop_map(
        |(challenge, attempt, class, at, skew)| WrongAttempt {
            challenge,
            attempt,
            class,
            at,
            skew: skew.map(|(offset, step)| ClockSkew {
                offset,
                step: TimeStep(step),
            }),
        },
    )
}

fn some_purpose() -> impl Strategy<Value = ApprovedPurpose> {
    let digest = prop::option::of(any::<[u8; 32]>().prop_map(TransactionDigest::from_bytes));
    prop_oneof![
        Just(ApprovedPurpose::SignIn),
        Just(ApprovedPurpose::VerifyEmail),
        Just(ApprovedPurpose::Enrollment),
        Just(ApprovedPurpose::Reset),
        ".{0,16}".prop_map(|action| ApprovedPurpose::Change { action }),
        (".{0,16}", digest).prop_map(|(action, digest)| ApprovedPurpose::StepUp { action, digest }),
    ]
}

fn some_approval() -> impl Strategy<Value = Approval> {
    let answered_by = prop_oneof![
        some_kind().prop_map(AnsweredBy::Code),
        select(vec![
            AnsweredBy::RecoveryCode,
            AnsweredBy::Password,
            AnsweredBy::BypassCode,
            AnsweredBy::RecoveryKey,
        ]),
    ];
    let ids = (some_id(), some_id(), some_id());
    let optional = (
        prop::option::of(any::<[u8; 16]>()),
        prop::option::of(some_id()),
        prop::option::of(some_id()),
        prop::option::of(".{0,8}"),
    );
    let texts = (".{0,8}", ".{0,8}");
    let when = (some_epoch(), some_instant());
    (some_purpose(), answered_by, ids, optional, texts, when).prop_map(
        |(purpose, answered_by, ids, optional, (caller, key), (epoch, at))| {
            let (id, challenge, attempt_id) = ids;
            let (payload, method, device, audience) = optional;
            Approval {
                id,
                challenge,
                caller: CallerName::new(&caller),
                attempt_id,
                payload,
                method,
                audience: audience.as_deref().map(Audience::new),
                epoch,
                at,
                key: KeyId::new(&key),
                device,
                ..approval(purpose, answered_by)
            }
        },
    )
}

fn some_lost_method() -> impl Strategy<Value = LostMethod> {
    let lost = (some_kind(), some_instant());
    lost.prop_map(|(kind, removed_at)| LostMethod { kind, removed_at })
}

fn some_ended_approval() -> impl Strategy<Value = EndedApproval> {
    let endings = vec![
        ApprovalEnding::Used,
        ApprovalEnding::Expired,
        ApprovalEnding::AccountChanged,
        ApprovalEnding::Displaced,
    ];
    let ended = (some_id(), ".{0,16}", some_instant(), select(endings));
    ended.prop_map(|(id, caller, approved_at, ending)| EndedApproval {
        id,
        caller: CallerName::new(&caller),
        approved_at,
        ending,
    })
}

fn some_account() -> impl Strategy<Value = Account> {
    let numbers = (some_epoch(), any::<i64>(), any::<u32>(), any::<i64>());
    let sealed = (some_sealed(), some_sealed());
    let flags = (
        any::<bool>(),
        any::<bool>(),
        prop::option::of(any::<[u8; 16]>()),
    );
    let when = (some_instant(), some_instant(), some_instant());
    let methods = (
        prop::collection::vec(some_method(), 0..4),
        prop::option::of(some_id()),
        prop::collection::vec(some_device(), 0..4),
    );
    let recovery = (
        prop::option::of(some_recovery()),
        prop::option::of(some_bypass()),
        prop::option::of(some_reset()),
        prop::collection::vec(some_lost_method(), 0..4),
        prop::collection::vec(some_ended_approval(), 0..4),
        prop::option::of(some_instant()),
    );
    let past = (
        prop::collection::vec(some_wrong_attempt(), 0..5),
        prop::collection::vec(select(AttemptClass::ALL.to_vec()), 0..3),
        prop::collection::vec(some_approval(), 0..4),
        prop::collection::vec(some_revert_record(), 0..4),
    );
    (numbers, sealed, flags, when, methods, recovery, past).prop_map(
        |(numbers, (user_key, profile), flags, when, methods, recovery, past)| {
            let (epoch, revision, email_version, notice_turn) = numbers;
            let (email_verified, pending_review, email_tag) = flags;
            let (created_at, updated_at, email_since) = when;
            let (methods, user_default, devices) = methods;
            let (recovery, bypass, reset, lost_methods, ended_approvals, restricted) = recovery;
            let (wrong_attempts, announced_windows, approvals, revertible) = past;
            Account {
                epoch,
                revision,
                user_key,
                profile_tag: profile.tag().to_vec(),
                profile,
                email_tag,
                email_verified,
                email_version,
                methods,
                user_default,
                recovery,
                devices,
                wrong_attempts,
                announced_windows,
                approvals,
                notice_turn,
                revertible,
                pending_review,
                created_at,
                updated_at,
                bypass,
                email_since,
                reset,
                lost_methods,
                ended_approvals,
                recovery_restricted_until: restricted,
                ..representative()
            }
        },
    )
}

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    #[test]
    fn an_account_is_read_as_it_was_stored(account in some_account()) {
        let bytes = stored_account(&account).encode_to_vec();
        let stored = pb::AccountRecord::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(stored.encoded_len(), bytes.len());
        let profile = stored_profile(&account).encode_to_vec();
        let profile = pb::AccountProfile::decode(profile.as_slice()).unwrap();
        prop_assert_eq!(read(&stored, &profile), Ok(account));
    }

    #[test]
    fn codes_of_one_cost_are_read_as_they_were_stored(
        codes in prop::collection::vec((0..32_u8, any::<[u8; 16]>(), any::<[u8; 32]>()), 1..33),
        other_cost in any::<bool>(),
    ) {
        let last = codes.len() - 1;
        let unused = codes.iter().enumerate().map(|(place, (number, salt, output))| {
            let passes = if other_cost && place == last { 3 } else { 2 };
            let (salt, output) = (BASE64_NOPAD.encode(salt), BASE64_NOPAD.encode(output));
            (slot(*number), phc(&format!("$argon2id$v=19$m=19456,t={passes},p=1${salt}${output}")))
        });
        let set = RecoverySet { unused: unused.collect(), ..representative().recovery.unwrap() };
        let account = Account { recovery: Some(set), ..representative() };
        let stored = stored_account(&account);
        let is_packed = stored.recovery.as_ref().unwrap().same_cost.is_some();
        prop_assert_eq!(is_packed, !other_cost || last == 0);
        prop_assert_eq!(read(&stored, &stored_profile(&account)), Ok(account));
    }

    #[test]
    fn a_hash_is_read_as_the_text_that_was_stored(hash in some_hash()) {
        let stored = stored_code_hash(&hash);
        prop_assert_eq!(code_hash::code_hash(Some(&stored)), Ok(hash));
    }
}

#[test]
fn hashes_that_we_make_are_stored_compactly() {
    let cost = HashCost {
        memory_kib: 19 * 1024,
        passes: 2,
    };
    let code = RecoveryCode::new(slot(3), &[7; 10]).hash(&[8; 16], cost, &mut HashMemory::new());
    let key = RecoveryKey::new(&[7; 20]).hash();
    for (hash, at_most) in [(code, 64), (key, 34)] {
        let stored = stored_code_hash(&hash);
        assert!(stored.encoded_len() <= at_most, "{}", stored.encoded_len());
        assert_eq!(code_hash::code_hash(Some(&stored)), Ok(hash));
    }
}
