use super::*;
use crate::fixtures::{digits, properties};
use proptest::prelude::*;

const SECRET_OF_20: &[u8] = b"12345678901234567890";
const SECRET_OF_32: &[u8] = b"12345678901234567890123456789012";
const SECRET_OF_64: &[u8] = b"1234567890123456789012345678901234567890123456789012345678901234";

const EXACT: StepTolerance = StepTolerance { past: 0, future: 0 };
const ONE_EITHER_WAY: StepTolerance = StepTolerance { past: 1, future: 1 };

/// RFC 4226, Appendix D: the codes of the first ten counts.
const HOTP: [&str; 10] = [
    "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
    "520489",
];

/// RFC 6238, Appendix B: seconds since 1970, then the codes of SHA-1, SHA-256, SHA-512.
const TOTP: [(i64, [&str; 3]); 6] = [
    (59, ["94287082", "46119246", "90693936"]),
    (1_111_111_109, ["07081804", "68084774", "25091201"]),
    (1_111_111_111, ["14050471", "67062674", "99943326"]),
    (1_234_567_890, ["89005924", "91819424", "93441116"]),
    (2_000_000_000, ["69279037", "90698825", "38618901"]),
    (20_000_000_000, ["65353130", "77737706", "47863826"]),
];

/// Two consecutive steps with the same code of [`SECRET_OF_20`].
const TWINS: (u64, u64, &str) = (910_737, 910_738, "911617");

fn secret() -> TotpSecret {
    TotpSecret::new(SECRET_OF_20.to_vec())
}

fn of_eight_digits(hash: TotpAlgorithm) -> TotpParameters {
    TotpParameters {
        hash,
        digits: 8,
        period: 30,
    }
}

fn in_step(step: u64) -> Timestamp {
    TotpParameters::UNIVERSAL.begin_of(TimeStep(step))
}

impl TotpSecret {
    fn matching_step(
        &self,
        parameters: TotpParameters,
        code: &Digits,
        now: Timestamp,
        tolerance: StepTolerance,
    ) -> Option<TimeStep> {
        match self.match_code(parameters, code, now, tolerance) {
            CodeMatch::Accepted(step) => Some(step),
            CodeMatch::Refused { .. } => None,
        }
    }

    /// The skew of a code when only the current step is accepted.
    fn skew(&self, parameters: TotpParameters, code: &Digits, now: Timestamp) -> Option<ClockSkew> {
        match self.match_code(parameters, code, now, EXACT) {
            CodeMatch::Refused { skew } => skew,
            CodeMatch::Accepted(step) => Some(ClockSkew { offset: 0, step }),
        }
    }
}

fn match_in_step(current: u64, code: &str, tolerance: StepTolerance) -> Option<TimeStep> {
    secret().matching_step(
        TotpParameters::UNIVERSAL,
        &digits(code),
        in_step(current),
        tolerance,
    )
}

fn accepted_in_step(current: u64, tolerance: StepTolerance) -> Vec<u64> {
    let of_step = |step: &u64| HOTP[usize::try_from(*step).unwrap()];
    (0..10)
        .filter(|step| match_in_step(current, of_step(step), tolerance) == Some(TimeStep(*step)))
        .collect()
}

fn offset_in_step(current: u64, code: &str) -> Option<i64> {
    let parameters = of_eight_digits(TotpAlgorithm::Sha1);
    let skew = secret().skew(parameters, &digits(code), in_step(current));
    skew.map(|skew| skew.offset)
}

fn uri(issuer: &str, account: &str) -> String {
    secret()
        .uri(TotpParameters::UNIVERSAL, issuer, account)
        .unwrap()
}

#[test]
fn codes_are_those_of_rfc_4226_appendix_d() {
    for (count, code) in (0..).zip(HOTP) {
        assert_eq!(match_in_step(count, code, EXACT), Some(TimeStep(count)));
    }
}

#[test]
fn codes_are_those_of_rfc_6238_appendix_b() {
    let hashes = [
        (TotpAlgorithm::Sha1, SECRET_OF_20),
        (TotpAlgorithm::Sha256, SECRET_OF_32),
        (TotpAlgorithm::Sha512, SECRET_OF_64),
    ];
    for (time, codes) in TOTP {
        for ((hash, secret), code) in hashes.into_iter().zip(codes) {
            let parameters = of_eight_digits(hash);
            let now = Timestamp::from_seconds(time);
            let matched = TotpSecret::new(secret.to_vec()).matching_step(
                parameters,
                &digits(code),
                now,
                EXACT,
            );
            assert_eq!(matched, Some(parameters.step_at(now)), "{hash:?} at {time}");
        }
    }
}

#[test]
fn a_code_of_another_hash_is_refused() {
    let (time, [_, of_sha_256, _]) = TOTP[0];
    let now = Timestamp::from_seconds(time);
    let parameters = of_eight_digits(TotpAlgorithm::Sha1);
    let matched = TotpSecret::new(SECRET_OF_32.to_vec()).matching_step(
        parameters,
        &digits(of_sha_256),
        now,
        EXACT,
    );
    assert_eq!(matched, None);
}

#[test]
fn a_code_of_another_length_is_refused() {
    assert_eq!(match_in_step(1, "94287082", EXACT), None);
}

#[test]
fn a_code_of_another_secret_is_refused() {
    let other = TotpSecret::new(vec![9; 20]);
    let matched = other.matching_step(
        TotpParameters::UNIVERSAL,
        &digits(HOTP[3]),
        in_step(3),
        ONE_EITHER_WAY,
    );
    assert_eq!(matched, None);
}

#[test]
fn one_step_either_way_is_accepted_and_nothing_further() {
    assert_eq!(accepted_in_step(5, ONE_EITHER_WAY), [4, 5, 6]);
}

#[test]
fn the_past_and_the_future_have_a_tolerance_each() {
    let only_past = StepTolerance { past: 2, future: 0 };
    let only_future = StepTolerance { past: 0, future: 3 };
    assert_eq!(accepted_in_step(5, only_past), [3, 4, 5]);
    assert_eq!(accepted_in_step(5, only_future), [5, 6, 7, 8]);
}

#[test]
fn the_first_step_has_no_past() {
    assert_eq!(accepted_in_step(0, ONE_EITHER_WAY), [0, 1]);
}

#[test]
fn of_two_steps_with_one_code_the_newer_is_taken() {
    let (older, newer, code) = TWINS;
    assert_eq!(match_in_step(older, code, EXACT), Some(TimeStep(older)));
    assert_eq!(
        match_in_step(older, code, ONE_EITHER_WAY),
        Some(TimeStep(newer))
    );
}

#[test]
fn a_step_ends_with_its_last_millisecond() {
    let parameters = TotpParameters::UNIVERSAL;
    let begin = parameters.begin_of(TimeStep(1)).millis();
    assert_eq!(begin, 30_000);
    assert_eq!(
        parameters.step_at(Timestamp::from_millis(begin - 1)),
        TimeStep(0)
    );
    assert_eq!(
        parameters.step_at(Timestamp::from_millis(begin)),
        TimeStep(1)
    );
}

#[test]
fn time_before_1970_is_the_first_step() {
    let before = Timestamp::from_seconds(-1_000);
    assert_eq!(TotpParameters::UNIVERSAL.step_at(before), TimeStep(0));
}

#[test]
fn the_end_of_time_is_a_step_like_any_other() {
    let last = TotpParameters::UNIVERSAL.step_at(Timestamp::LATEST);
    assert!(TotpParameters::UNIVERSAL.begin_of(last) <= Timestamp::LATEST);
    assert_eq!(match_in_step(last.0, HOTP[0], ONE_EITHER_WAY), None);
}

#[test]
fn a_phone_that_is_ahead_has_a_positive_offset() {
    let (_, [of_step_37_037_036, ..]) = TOTP[1];
    assert_eq!(offset_in_step(37_037_033, of_step_37_037_036), Some(3));
}

#[test]
fn a_phone_that_is_behind_has_a_negative_offset() {
    let (_, [of_step_37_037_036, ..]) = TOTP[1];
    assert_eq!(offset_in_step(37_037_040, of_step_37_037_036), Some(-4));
}

#[test]
fn a_skew_is_found_twenty_steps_away_and_no_further() {
    let (_, [of_step_37_037_036, ..]) = TOTP[1];
    let offset = |current| offset_in_step(current, of_step_37_037_036);
    assert_eq!(offset(37_037_016), Some(20));
    assert_eq!(offset(37_037_056), Some(-20));
    assert_eq!(offset(37_037_015), None);
    assert_eq!(offset(37_037_057), None);
}

#[test]
fn a_skew_names_the_step_that_the_code_is_of() {
    let skew = secret().skew(TotpParameters::UNIVERSAL, &digits(HOTP[9]), in_step(4));
    assert_eq!(
        skew,
        Some(ClockSkew {
            offset: 5,
            step: TimeStep(9)
        })
    );
}

#[test]
fn a_tolerance_beyond_the_reach_of_a_skew_is_searched_to_its_end() {
    let wide = StepTolerance {
        past: 30,
        future: 25,
    };
    let (_, [of_step_37_037_036, ..]) = TOTP[1];
    let accepted = |current| {
        let parameters = of_eight_digits(TotpAlgorithm::Sha1);
        let code = digits(of_step_37_037_036);
        let matched = secret().match_code(parameters, &code, in_step(current), wide);
        matched == CodeMatch::Accepted(TimeStep(37_037_036))
    };
    let edges = [37_037_010, 37_037_011, 37_037_066, 37_037_067];
    assert_eq!(edges.map(accepted), [false, true, true, false]);
}

#[test]
fn an_accepted_code_has_no_skew() {
    let matched = secret().match_code(
        TotpParameters::UNIVERSAL,
        &digits(HOTP[4]),
        in_step(5),
        ONE_EITHER_WAY,
    );
    assert_eq!(matched, CodeMatch::Accepted(TimeStep(4)));
}

#[test]
fn nothing_is_accepted_under_parameters_that_rfc_6238_does_not_allow() {
    for length in [0, 5, 9, 10, 255] {
        let parameters = TotpParameters {
            digits: length,
            ..TotpParameters::UNIVERSAL
        };
        let code = digits(HOTP[0]);
        let matched = secret().match_code(parameters, &code, in_step(0), EXACT);
        assert_eq!(
            matched,
            CodeMatch::Refused { skew: None },
            "{length} digits"
        );
    }
}

#[test]
fn a_secret_of_twenty_bytes_is_typed_as_32_characters() {
    assert_eq!(secret().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

#[test]
fn a_secret_below_128_bits_makes_nothing() {
    let short = TotpSecret::new(SECRET_OF_20[..15].to_vec());
    let just_enough = TotpSecret::new(SECRET_OF_20[..16].to_vec());
    let uri = |secret: TotpSecret| secret.uri(TotpParameters::UNIVERSAL, "ACME", "jane");
    assert_eq!(uri(short), None);
    assert!(uri(just_enough).is_some());
}

#[test]
fn the_uri_tells_an_app_all_it_needs() {
    assert_eq!(
        uri("ACME", "jane@example.com"),
        "otpauth://totp/ACME:jane%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME"
    );
}

#[test]
fn the_uri_names_parameters_that_are_not_universal() {
    let parameters = TotpParameters {
        hash: TotpAlgorithm::Sha512,
        digits: 8,
        period: 60,
    };
    let uri = secret().uri(parameters, "ACME", "jane").unwrap();
    for parameter in ["digits=8", "algorithm=SHA512", "period=60"] {
        assert!(uri.contains(parameter), "{uri}");
    }
}

#[test]
fn a_colon_in_a_name_does_not_move_the_border_between_issuer_and_account() {
    assert_eq!(uri("AC:ME", "ja:ne"), uri("AC ME", "ja ne"));
    assert!(uri("AC:ME", "ja:ne").starts_with("otpauth://totp/AC%20ME:ja%20ne?"));
}

#[test]
fn nothing_in_a_name_adds_a_parameter_to_the_uri() {
    let uri = uri("A&secret=X", "j?digits=8#/ä%");
    assert_eq!(uri.matches('?').count(), 1);
    assert_eq!(uri.matches('&').count(), 1);
    assert!(!uri.contains('#') && uri.is_ascii(), "{uri}");
}

#[test]
fn a_secret_prints_nothing() {
    assert_eq!(format!("{:?}", secret()), "TotpSecret([redacted])");
}

fn made_by_an_app(secret: &[u8], parameters: TotpParameters, step: u64) -> Digits {
    let app = Builder::new()
        .with_secret(secret.to_vec())
        .with_digits(parameters.digits)
        .with_step_duration(parameters.period)
        .build()
        .unwrap();
    digits(&app.generate(step * parameters.period).to_string())
}

#[test]
fn two_codes_of_one_wrong_clock_are_at_most_one_step_apart_in_their_offset() {
    let skew = |offset, step| ClockSkew {
        offset,
        step: TimeStep(step),
    };
    let first = skew(-10, 100);
    assert!(first.is_of_same_clock(skew(-10, 101)));
    assert!(first.is_of_same_clock(skew(-11, 101)));
    assert!(first.is_of_same_clock(skew(-9, 102)));
    assert!(
        !first.is_of_same_clock(skew(-10, 100)),
        "the same code again"
    );
    assert!(!first.is_of_same_clock(skew(-12, 101)));
    assert!(!first.is_of_same_clock(skew(10, 121)));
}

proptest! {
    #![proptest_config(properties(64))]

    #[test]
    fn a_code_is_accepted_within_its_tolerance_and_not_beyond(
        secret in prop::collection::vec(any::<u8>(), 16..64),
        current in 100_u64..100_000_000,
        distance in -9_i64..9,
        past in 0_u64..5,
        future in 0_u64..5,
    ) {
        let parameters = of_eight_digits(TotpAlgorithm::Sha1);
        let step = current.checked_add_signed(distance).unwrap();
        let code = made_by_an_app(&secret, parameters, step);
        let now = parameters.begin_of(TimeStep(current));
        let matched = TotpSecret::new(secret)
            .matching_step(parameters, &code, now, StepTolerance { past, future });
        let within = (current - past..=current + future).contains(&step);
        prop_assert_eq!(matched, within.then_some(TimeStep(step)));
    }

    #[test]
    fn a_skew_is_the_distance_to_the_step_that_the_code_is_of(
        secret in prop::collection::vec(any::<u8>(), 16..64),
        current in 100_u64..100_000_000,
        distance in -30_i64..30,
    ) {
        let parameters = of_eight_digits(TotpAlgorithm::Sha1);
        let step = current.checked_add_signed(distance).unwrap();
        let code = made_by_an_app(&secret, parameters, step);
        let now = parameters.begin_of(TimeStep(current));
        let skew = TotpSecret::new(secret).skew(parameters, &code, now);
        let within = distance.abs() <= 20;
        prop_assert_eq!(skew, within.then_some(ClockSkew { offset: distance, step: TimeStep(step) }));
    }

    #[test]
    fn no_code_is_accepted_before_the_instant_it_is_acceptable_from(
        secret in prop::collection::vec(any::<u8>(), 16..64),
        millis in 3_000_000_i64..3_000_000_000_000,
        distance in -5_i64..6,
        past in 0_u64..5,
        future in 0_u64..5,
    ) {
        let parameters = of_eight_digits(TotpAlgorithm::Sha1);
        let tolerance = StepTolerance { past, future };
        let now = Timestamp::from_millis(millis);
        let TimeStep(current) = parameters.step_at(now);
        let step = current.checked_add_signed(distance).unwrap();
        let code = made_by_an_app(&secret, parameters, step);
        let secret = TotpSecret::new(secret);
        let from = parameters.acceptable_from(TimeStep(step), tolerance);
        let accepted = |now| secret.matching_step(parameters, &code, now, tolerance).is_some();
        prop_assert!(!accepted(now) || now >= from);
        prop_assert!(accepted(from));
    }
}
