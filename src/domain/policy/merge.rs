//! Merging of policy layers.

use super::{MethodKinds, PolicyOverride, TwoFactorMode};
use crate::account::groups::GroupName;

impl PolicyOverride {
    /// Merges a more specific layer into this one. If both decide an ordered value, the stricter one wins. Other values
    /// come from `layer`, unless this layer locks them.
    #[must_use]
    pub fn with(&self, layer: &Self) -> Self {
        let numbers = self.numbers_with(layer);
        let (below, layer) = (self.clone(), self.permits_to(layer));
        let default_kind = if below.default_locked == Some(true) {
            below.default_kind
        } else {
            layer.default_kind.or(below.default_kind)
        };
        Self {
            two_factor: of_both(below.two_factor, layer.two_factor, Ord::max),
            required_from: of_both(below.required_from, layer.required_from, Ord::min),
            required_groups: of_both(below.required_groups, layer.required_groups, of_either),
            grace_period: of_both(below.grace_period, layer.grace_period, Ord::min),
            allowed_kinds: of_both(below.allowed_kinds, layer.allowed_kinds, MethodKinds::and),
            locked_kinds: of_both(below.locked_kinds, layer.locked_kinds, MethodKinds::or),
            default_kind,
            default_locked: of_both(below.default_locked, layer.default_locked, Ord::max),
            users_may_change: of_both(below.users_may_change, layer.users_may_change, Ord::min),
            single_method: of_both(below.single_method, layer.single_method, Ord::max),
            password_suffices: of_both(
                below.password_suffices,
                layer.password_suffices,
                |below, layer| common(below, &layer),
            ),
            attestation_suffices: of_both(
                below.attestation_suffices,
                layer.attestation_suffices,
                |below, layer| common(below, &layer),
            ),
            mailbox_code_suffices: of_both(
                below.mailbox_code_suffices,
                layer.mailbox_code_suffices,
                |below, layer| common(below, &layer),
            ),
            sign_in_authorizes_recovery_codes: of_both(
                below.sign_in_authorizes_recovery_codes,
                layer.sign_in_authorizes_recovery_codes,
                Ord::min,
            ),
            added_method_keeps_default: layer
                .added_method_keeps_default
                .or(below.added_method_keeps_default),
            sign_in_strength: of_both(below.sign_in_strength, layer.sign_in_strength, Ord::max),
            step_up_strength: of_both(below.step_up_strength, layer.step_up_strength, Ord::max),
            recovery_style: layer.recovery_style.or(below.recovery_style),
            recovery_codes: layer.recovery_codes.or(below.recovery_codes),
            trusted_devices: of_both(below.trusted_devices, layer.trusted_devices, Ord::min),
            trust_lifetime: of_both(below.trust_lifetime, layer.trust_lifetime, Ord::min),
            mobile_trusted_automatically: of_both(
                below.mobile_trusted_automatically,
                layer.mobile_trusted_automatically,
                Ord::min,
            ),
            challenge_every_sign_in: of_both(
                below.challenge_every_sign_in,
                layer.challenge_every_sign_in,
                Ord::max,
            ),
            logged_out_reset: of_both(below.logged_out_reset, layer.logged_out_reset, Ord::min),
            reset_hold: of_both(below.reset_hold, layer.reset_hold, Ord::max),
            reset_beside_mailed_password: of_both(
                below.reset_beside_mailed_password,
                layer.reset_beside_mailed_password,
                Ord::min,
            ),
            change_notices: of_both(below.change_notices, layer.change_notices, Ord::max),
            mask_account_name: of_both(below.mask_account_name, layer.mask_account_name, Ord::max),
            email_must_be_verified: of_both(
                below.email_must_be_verified,
                layer.email_must_be_verified,
                Ord::max,
            ),
            case_sensitive_ids: layer.case_sensitive_ids.or(below.case_sensitive_ids),
            ..numbers
        }
    }

    /// Sorts lists and removes duplicates, so that equal overrides compare equal.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        let Self {
            required_groups,
            password_suffices,
            attestation_suffices,
            mailbox_code_suffices,
            sms_countries,
            ..
        } = &mut self;
        in_order_by(required_groups, |group| group.as_str().to_owned());
        in_order_by(password_suffices, |change| *change);
        in_order_by(attestation_suffices, |change| *change);
        in_order_by(mailbox_code_suffices, |change| *change);
        in_order_by(sms_countries, ToString::to_string);
        self
    }

    /// `layer` without the fields that this layer decides implicitly. A layer that requires two-factor without date,
    /// groups or grace period requires it of everyone at once. A more specific layer must not postpone that.
    fn permits_to(&self, layer: &Self) -> Self {
        let mut layer = layer.clone();
        if self.two_factor == Some(TwoFactorMode::Required) {
            layer.required_from = layer.required_from.filter(|_| self.required_from.is_some());
            layer.grace_period = layer.grace_period.filter(|_| self.grace_period.is_some());
            let groups = layer.required_groups;
            layer.required_groups = groups.filter(|_| self.required_groups.is_some());
        }
        layer
    }

    /// Merges code digits, lifetimes, attempts and countries; leaves all other fields open.
    fn numbers_with(&self, layer: &Self) -> Self {
        let (below, layer) = (self.clone(), layer.clone());
        Self {
            code_digits: of_both(below.code_digits, layer.code_digits, Ord::max),
            challenge_lifetime: of_both(
                below.challenge_lifetime,
                layer.challenge_lifetime,
                Ord::min,
            ),
            attempts_per_challenge: of_both(
                below.attempts_per_challenge,
                layer.attempts_per_challenge,
                Ord::min,
            ),
            strict_totp: of_both(below.strict_totp, layer.strict_totp, Ord::max),
            sms_countries: of_both(below.sms_countries, layer.sms_countries, |below, layer| {
                common(below, &layer)
            }),
            ..Self::default()
        }
    }
}

fn in_order_by<T: PartialEq, Key: Ord>(list: &mut Option<Vec<T>>, key: impl Fn(&T) -> Key) {
    if let Some(list) = list {
        list.sort_by_key(key);
        list.dedup();
    }
}

fn of_both<T>(below: Option<T>, layer: Option<T>, stricter: impl Fn(T, T) -> T) -> Option<T> {
    match (below, layer) {
        (Some(below), Some(layer)) => Some(stricter(below, layer)),
        (below, layer) => layer.or(below),
    }
}

/// No group means everyone, which is strictest.
fn of_either(below: Vec<GroupName>, layer: Vec<GroupName>) -> Vec<GroupName> {
    if below.is_empty() || layer.is_empty() {
        return Vec::new();
    }
    let new = layer.into_iter().filter(|group| !below.contains(group));
    let new: Vec<GroupName> = new.collect();
    let mut both: Vec<GroupName> = below.into_iter().chain(new).collect();
    both.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    both
}

fn common<T: PartialEq>(below: Vec<T>, layer: &[T]) -> Vec<T> {
    let shared = below.into_iter().filter(|one| layer.contains(one));
    shared.collect()
}
