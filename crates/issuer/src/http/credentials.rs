//! `/api/{tenant}/credentials`: what integrators look up, suspend, reinstate, revoke and reissue by.

use axum::{
    extract::{FromRequestParts, State},
    http::request::Parts,
    response::{IntoResponse as _, Response},
};
use lanyard_service::{
    http::Integrator,
    once::{Call, IdempotencyKey},
};
use lanyard_store::{CredentialId, CredentialStatus, TenantId};

use super::{Failure, body::ApiBody, paths::named, replies};
use crate::{
    IssuerService, LifecycleFault, OfferCreated,
    lifecycle::{self, CredentialSearch, ManyCredentials, Reason, Reissue},
    revoke,
};

/// The credential that the path names.
pub(crate) struct AtCredential(CredentialId);

impl FromRequestParts<IssuerService> for AtCredential {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &IssuerService) -> Result<Self, Failure> {
        let id = named(parts, "id").await?.parse();
        id.map(Self).map_err(|_| Failure::NotFound)
    }
}

/// Why a status is changed: all that such a body says.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Why {
    reason: Option<Reason>,
}

pub(crate) async fn search(
    State(service): State<IssuerService>,
    Integrator(tenant): Integrator,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let search: CredentialSearch = lifecycle::parse(&body)?;
    let found = service.credentials(&tenant, &search).await?;
    Ok(replies::credentials(&found))
}

pub(crate) async fn read(
    State(service): State<IssuerService>,
    Integrator(tenant): Integrator,
    AtCredential(id): AtCredential,
) -> Result<Response, Failure> {
    Ok(replies::credential_record(&service.credential(&tenant, id).await?))
}

pub(crate) async fn set_status(
    State(service): State<IssuerService>,
    Integrator(tenant): Integrator,
    AtCredential(id): AtCredential,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let status = revoke::parse(&body)?;
    service.change_status(&tenant, id, status, None).await?;
    Ok(replies::credential_status(id, revoke::name(status)))
}

macro_rules! changes {
    ($($one:ident, $many:ident, $status:ident;)+) => {$(
        pub(crate) async fn $one(
            State(service): State<IssuerService>,
            Integrator(tenant): Integrator,
            AtCredential(id): AtCredential,
            ApiBody(body): ApiBody,
        ) -> Result<Response, Failure> {
            change(&service, &tenant, id, (CredentialStatus::$status, &body)).await
        }

        pub(crate) async fn $many(
            State(service): State<IssuerService>,
            Integrator(tenant): Integrator,
            ApiBody(body): ApiBody,
        ) -> Result<Response, Failure> {
            change_many(&service, &tenant, (CredentialStatus::$status, &body)).await
        }
    )+};
}

changes! {
    suspend, suspend_many, Suspended;
    reinstate, reinstate_many, Valid;
    revoke, revoke_many, Revoked;
}

async fn change(
    service: &IssuerService,
    tenant: &TenantId,
    id: CredentialId,
    (status, body): (CredentialStatus, &[u8]),
) -> Result<Response, Failure> {
    let Why { reason } = lifecycle::parse(body)?;
    service.change_status(tenant, id, status, reason).await?;
    Ok(replies::credential_record(&service.credential(tenant, id).await?))
}

async fn change_many(
    service: &IssuerService,
    tenant: &TenantId,
    (status, body): (CredentialStatus, &[u8]),
) -> Result<Response, Failure> {
    let many: ManyCredentials = lifecycle::parse(body)?;
    if many.subject.is_none() && many.configuration.is_none() {
        return Err(LifecycleFault::NothingNamed.into());
    }
    let changed = service.change_many(tenant, &many, status).await?;
    Ok(replies::changed(&changed))
}

pub(crate) async fn reissue(
    State(service): State<IssuerService>,
    Integrator(tenant): Integrator,
    AtCredential(id): AtCredential,
    key: IdempotencyKey,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let wanted: Reissue = lifecycle::parse(&body)?;
    let data_key = &service.known_tenant(&tenant)?.data_key;
    let operation = format!("credentials/{id}/reissue");
    let calls = service.environment().calls(&tenant, data_key, operation);
    let make = move |call: Call| async move {
        let told = |created: &OfferCreated| call.answered_by(&replies::created(created));
        let created = service.reissue_once(&tenant, id, wanted, told).await?;
        Ok(replies::created(&created).into_response())
    };
    calls.once(key, &body, make).await
}
