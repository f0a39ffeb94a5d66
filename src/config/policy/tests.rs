use super::*;

const ALL_SERVED: AvailableChannels = AvailableChannels {
    sms: true,
    email: true,
};

fn parsed(text: &str) -> PolicyConfig {
    use figment::{
        Figment,
        providers::{Format, Serialized, Toml},
    };
    let defaults = Figment::from(Serialized::defaults(PolicyConfig::default()));
    defaults.merge(Toml::string(text)).extract().unwrap()
}

fn layer(text: &str) -> Result<PolicyOverride, String> {
    parsed(text).layer().map_err(|bad| bad.to_string())
}

#[test]
fn nothing_decided_is_an_empty_layer() {
    assert_eq!(layer(""), Ok(PolicyOverride::default()));
    assert!(weaknesses(&PolicyOverride::default(), ALL_SERVED).is_empty());
}

#[test]
fn every_field_is_read() {
    let layer = layer(
        r#"
        two_factor = "REQUIRED"
        required_from = "2027-01-31T00:00:00Z"
        required_groups = ["staff"]
        grace_period_days = 14
        allowed_kinds = ["TOTP", "EMAIL"]
        locked_kinds = ["EMAIL"]
        default_kind = "TOTP"
        default_locked = true
        users_may_change = false
        single_method = true
        password_suffices = ["DISABLE_TWO_FACTOR"]
        attestation_suffices = ["TRUST_DEVICE"]
        mailbox_code_suffices = ["GENERATE_RECOVERY_CODES"]
        sign_in_authorizes_recovery_codes = true
        added_method_keeps_default = true
        sign_in_strength = "RESTRICTED"
        step_up_strength = "STRONG"
        recovery_style = "KEY"
        recovery_codes = 12
        trusted_devices = false
        trust_lifetime_hours = 24
        mobile_trusted_automatically = true
        challenge_every_sign_in = true
        logged_out_reset = true
        reset_hold_hours = 96
        reset_beside_mailed_password = true
        change_notices = false
        mask_account_name = true
        email_must_be_verified = false
        case_sensitive_ids = true
        code_digits = 8
        challenge_lifetime_seconds = 90
        attempts_per_challenge = 3
        strict_totp = true
        sms_countries = ["DE"]
        "#,
    )
    .unwrap();
    for field in PolicyField::ALL {
        assert!(layer.decides(field), "{field:?}");
    }
    assert_eq!(
        layer.required_from,
        Some(Timestamp::from_seconds(1_801_353_600))
    );
    assert_eq!(layer.grace_period, Some(Duration::from_hours(14 * 24)));
    assert_eq!(layer.two_factor, Some(TwoFactorMode::Required));
    assert!(!weaknesses(&layer, ALL_SERVED).is_empty());
}

#[test]
fn mistakes_are_told_by_their_field() {
    let errors = [
        (
            r#"two_factor = "SOMETIMES""#,
            "policy.two_factor has to be OFF, OPTIONAL or REQUIRED",
        ),
        (
            r#"required_from = "tomorrow""#,
            "policy.required_from has to be an instant such as",
        ),
        (
            r#"allowed_kinds = ["FAX"]"#,
            "policy.allowed_kinds has to be TOTP, SMS or EMAIL",
        ),
        (
            r#"password_suffices = ["EVERYTHING"]"#,
            "policy.password_suffices has to be ADD_METHOD",
        ),
        (
            r#"recovery_style = "FRIENDS""#,
            "policy.recovery_style has to be CODES, KEY or NONE",
        ),
        (
            "trust_lifetime_hours = 2161",
            "policy.trust_lifetime must be between 1 hour and 90 days",
        ),
        (
            "code_digits = 5",
            "policy.code_digits must be between 6 and 10",
        ),
        (
            r#"sms_countries = ["Germany"]"#,
            "policy.sms_countries must be the two-letter code of a country",
        ),
        (
            "grace_period_days = 9223372036854775807",
            "policy.grace_period must be between",
        ),
        (
            r#"password_suffices = ["ADD_METHOD"]"#,
            "policy: password_suffices names changes",
        ),
        ("allowed_kinds = []", "policy: no kind is allowed"),
    ];
    for (text, said) in errors {
        let told = layer(text).unwrap_err();
        assert!(told.starts_with(said), "{text}: {told}");
    }
}
