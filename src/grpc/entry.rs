//! Checks the caller's right and tenant before the rest of a request is parsed.

use crate::{
    app::{CallerRequest, RequestIdentity},
    grpc::{client_context, status::CallerDenial},
};
use countersign_domain::{
    authorization::caller::{Caller, CallerRight},
    value::id::{RequestId, Subject, TenantId, UserId},
};
use countersign_proto::v1 as pb;
use countersign_transport::{access_log::CallTenant, callers::UnknownCaller};
use prost::Message;
use std::sync::Arc;
use tonic::Request;
use zeroize::Zeroizing;

/// An authenticated caller that has the right that the RPC requires.
pub(super) struct AuthenticatedCaller {
    caller: Arc<Caller>,
    call_tenant: Option<CallTenant>,
}

/// The subject of a call and its client.
pub(super) struct CallParties<'a> {
    tenant_id: &'a str,
    user_id: &'a str,
    field: &'static str,
    context: Option<pb::ClientContext>,
}

impl<'a> CallParties<'a> {
    /// A call for this user, without client information.
    pub(super) fn new(tenant_id: &'a str, user_id: &'a str) -> Self {
        Self {
            tenant_id,
            user_id,
            field: "user_id",
            context: None,
        }
    }

    /// A call for a tenant, by this administrator.
    pub(super) fn actor(tenant_id: &'a str, acting_user_id: &'a str) -> Self {
        Self {
            field: "acting_user_id",
            ..Self::new(tenant_id, acting_user_id)
        }
    }

    /// Adds the client's description.
    pub(super) fn from(self, context: Option<pb::ClientContext>) -> Self {
        Self { context, ..self }
    }
}

/// The fields that identify repeats of a call, not yet parsed.
pub(super) struct RequestIdFields {
    rpc: &'static str,
    request_id: String,
    payload: Zeroizing<Vec<u8>>,
}

/// Returns the caller that the transport authenticated, if it has the right. Without a caller the call is refused.
pub(super) fn enter<T>(
    request: Request<T>,
    right: CallerRight,
) -> Result<(AuthenticatedCaller, T), CallerDenial> {
    let caller = request.extensions().get::<Arc<Caller>>();
    let caller = Arc::clone(caller.ok_or(UnknownCaller::NoToken)?);
    if !caller.may(right) {
        return Err(CallerDenial::RightMissing(right));
    }
    let entered = AuthenticatedCaller {
        caller,
        call_tenant: request.extensions().get().cloned(),
    };
    Ok((entered, request.into_inner()))
}

impl RequestIdFields {
    /// A repeat must have the same whole message.
    pub(super) fn new(rpc: &'static str, request_id: &str, message: &impl Message) -> Self {
        let payload = if request_id.is_empty() {
            Vec::new()
        } else {
            message.encode_to_vec()
        };
        Self {
            rpc,
            request_id: request_id.to_owned(),
            payload: payload.into(),
        }
    }
}

impl AuthenticatedCaller {
    /// Parses the tenant of a call without a user, if the caller may act for it.
    pub(super) fn tenant(&self, tenant_id: &str) -> Result<TenantId, CallerDenial> {
        if !self.caller.tenants.include(tenant_id) {
            return Err(CallerDenial::TenantNotAllowed);
        }
        let tenant = TenantId::parse(tenant_id).map_err(|why| why.at("tenant_id"))?;
        if let Some(call_tenant) = &self.call_tenant {
            call_tenant.set(tenant.as_str());
        }
        Ok(tenant)
    }

    /// Parses the call for a user, if the caller may act for the user's tenant.
    pub(super) fn call(
        self,
        named: CallParties<'_>,
        request_id_fields: Option<RequestIdFields>,
    ) -> Result<CallerRequest, CallerDenial> {
        let subject = Subject {
            tenant: self.tenant(named.tenant_id)?,
            user: UserId::parse(named.user_id).map_err(|why| why.at(named.field))?,
        };
        let caller = self.caller;
        let request_identity = request_id_fields
            .map(request_identity)
            .transpose()?
            .flatten();
        let context = named.context.map(client_context::read);
        Ok(CallerRequest {
            caller,
            subject,
            request_identity,
            context: context.unwrap_or_default(),
            actor: None,
        })
    }

    /// Returns the caller and the parsed tenant, if the caller may act for it.
    pub(super) fn within(self, tenant_id: &str) -> Result<(Arc<Caller>, TenantId), CallerDenial> {
        let tenant = self.tenant(tenant_id)?;
        Ok((self.caller, tenant))
    }
}

pub(super) fn request_identity(
    request_id_fields: RequestIdFields,
) -> Result<Option<RequestIdentity>, CallerDenial> {
    let id = RequestId::parse(&request_id_fields.request_id).map_err(|why| why.at("request_id"))?;
    Ok(id.map(|id| RequestIdentity {
        rpc: request_id_fields.rpc,
        id,
        payload: request_id_fields.payload,
    }))
}
