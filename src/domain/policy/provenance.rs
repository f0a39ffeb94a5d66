//! The provenance of each policy value.

use super::{PolicyField, PolicyOverride};

/// A layer of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicySource {
    /// The built-in policy.
    BuiltIn,
    /// The operator of the service.
    Service,
    /// The administrator of the tenant.
    Tenant,
}

/// The provenance of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provenance {
    /// The field.
    pub field: PolicyField,
    /// The layer that the value comes from. If both layers lead to the same value, the lower one, which the other can't
    /// relax.
    pub source: PolicySource,
    /// Whether the tenant decided another value, which does not apply as a whole.
    pub overruled: bool,
}

/// The provenance of each field, in the order of [`PolicyOverride`].
#[must_use]
pub fn provenance(service: &PolicyOverride, tenant: &PolicyOverride) -> Vec<Provenance> {
    let merged = service.with(tenant);
    let of = |field: PolicyField| {
        let source = match (merged.decides(field), merged.only(field)) {
            // The tenant's value is missing from the merge only if the service does not permit it.
            (false, _) if tenant.decides(field) => PolicySource::Service,
            (false, _) => PolicySource::BuiltIn,
            (true, held) if held == service.only(field) => PolicySource::Service,
            (true, _) => PolicySource::Tenant,
        };
        Provenance {
            field,
            source,
            overruled: tenant.decides(field) && merged.only(field) != tenant.only(field),
        }
    };
    PolicyField::ALL.map(of).to_vec()
}

impl Provenance {
    /// One sentence for administrators and users.
    #[must_use]
    pub const fn says(&self) -> &'static str {
        match (self.source, self.overruled, self.field) {
            (PolicySource::BuiltIn, ..) => "built in: nobody decided it",
            (PolicySource::Service, true, _) => {
                "set by your service provider, who does not let your administrator's choice stand"
            }
            (PolicySource::Tenant, true, _) => {
                "set by your administrator, as far as your service provider lets it stand"
            }
            (PolicySource::Service, false, PolicyField::DefaultKind) => {
                "set by your service provider as default"
            }
            (PolicySource::Tenant, false, PolicyField::DefaultKind) => {
                "set by your administrator as default"
            }
            (PolicySource::Service, false, PolicyField::LockedKinds) => {
                "locked by your service provider"
            }
            (PolicySource::Tenant, false, PolicyField::LockedKinds) => {
                "locked by your administrator"
            }
            (PolicySource::Service, false, _) => "set by your service provider",
            (PolicySource::Tenant, false, _) => "set by your administrator",
        }
    }
}

#[cfg(test)]
mod tests;
