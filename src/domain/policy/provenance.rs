//! Where each value that holds comes from.

use super::{Field, Layer};

/// A layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
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
    pub field: Field,
    /// The layer that decided it, by itself or with another value: of two that come to the same, the lower one, which the
    /// other could not loosen.
    pub source: Source,
    /// The tenant decided otherwise, and less than that holds.
    pub overruled: bool,
}

/// Where the value of each field comes from, in the order of [`Layer`].
#[must_use]
pub fn provenance(service: &Layer, tenant: &Layer) -> Vec<Provenance> {
    let merged = service.with(tenant);
    let of = |field: Field| {
        let source = match (merged.decides(field), merged.only(field)) {
            // What the tenant decided is open only where the service does not let it be decided.
            (false, _) if tenant.decides(field) => Source::Service,
            (false, _) => Source::BuiltIn,
            (true, held) if held == service.only(field) => Source::Service,
            (true, _) => Source::Tenant,
        };
        Provenance {
            field,
            source,
            overruled: tenant.decides(field) && merged.only(field) != tenant.only(field),
        }
    };
    Field::ALL.map(of).to_vec()
}

impl Provenance {
    /// One sentence for people.
    #[must_use]
    pub const fn says(&self) -> &'static str {
        match (self.source, self.overruled, self.field) {
            (Source::BuiltIn, ..) => "built in: nobody decided it",
            (Source::Service, true, _) => {
                "set by your service provider, who does not let your administrator's choice stand"
            }
            (Source::Tenant, true, _) => {
                "set by your administrator, as far as your service provider lets it stand"
            }
            (Source::Service, false, Field::DefaultKind) => {
                "set by your service provider as default"
            }
            (Source::Tenant, false, Field::DefaultKind) => "set by your administrator as default",
            (Source::Service, false, Field::LockedKinds) => "locked by your service provider",
            (Source::Tenant, false, Field::LockedKinds) => "locked by your administrator",
            (Source::Service, false, _) => "set by your service provider",
            (Source::Tenant, false, _) => "set by your administrator",
        }
    }
}

#[cfg(test)]
mod tests;
