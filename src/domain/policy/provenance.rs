//! Where each value that holds comes from.

use super::{PolicyField, PolicyOverride};

/// A layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicySource {
    /// Nobody decided.
    BuiltIn,
    /// The operator of the service.
    Service,
    /// The administrator of the tenant.
    Tenant,
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provenance {
    /// The field.
    pub field: PolicyField,
    /// The layer that decided it, by itself or with another value: of two that come to the same, the lower one, which the
    /// other could not loosen.
    pub source: PolicySource,
    /// The tenant decided otherwise, and less than that holds.
    pub overruled: bool,
}

/// Where the value of each field comes from, in the order of [`PolicyOverride`].
#[must_use]
pub fn provenance(service: &PolicyOverride, tenant: &PolicyOverride) -> Vec<Provenance> {
    let merged = service.with(tenant);
    let of = |field: PolicyField| {
        let source = match (merged.decides(field), merged.only(field)) {
            // What the tenant decided is open only where the service does not let it be decided.
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
    /// One sentence for people.
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
