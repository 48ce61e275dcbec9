//! What is asked, in whose name and for how long: read from what the integrator said.

use jiff::{SignedDuration, Timestamp};
use lanyard_core::trust::x509::TrustAnchors;
use lanyard_oid4vp::{
    ClientId,
    dcql::{Authority, DcqlQuery, RequestedFormat},
};
use serde_json::Value;
use url::Url;

use super::{ClientIdChoice, NewRequest, RequestFault};
use crate::{Preset, sessions::Question, tenant::Tenant};

/// For how long a request waits unless told otherwise.
const LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// The shortest and the longest time a request may wait, in seconds.
const LIFETIMES: std::ops::RangeInclusive<u32> = 10..=3600;
/// The longest purpose.
pub(super) const MAX_PURPOSE: usize = 500;
/// The most further authorities for one request.
pub(super) const MAX_ANCHORS: usize = 16;

pub(super) fn question(
    preset: Option<&Preset>,
    new: &NewRequest,
    expires_at: Timestamp,
) -> Result<(DcqlQuery, Question), RequestFault> {
    let (query, preset) = match (&new.preset, &new.dcql_query) {
        (Some(_), None) => {
            let preset = preset.ok_or(RequestFault::UnknownPreset)?;
            (preset.query.clone(), Some(preset))
        }
        (None, Some(query)) => (DcqlQuery::from_value(query)?, None),
        (Some(_), Some(_)) | (None, None) => return Err(RequestFault::Question),
    };
    check_possible(&query)?;
    if new.purpose.as_ref().is_some_and(|purpose| purpose.chars().count() > MAX_PURPOSE) {
        return Err(RequestFault::Purpose);
    }
    let of_preset = preset.map(|preset| preset.purpose.clone());
    let question = Question {
        preset: preset.map(|preset| preset.id.clone()),
        title: preset.map(|preset| preset.title.clone()),
        purpose: new.purpose.clone().or(of_preset),
        expires_at,
    };
    Ok((query, question))
}

/// What is demanded, as it is kept; it fits the query.
pub(super) fn policy(
    preset: Option<&Preset>,
    new: &NewRequest,
    query: &DcqlQuery,
) -> Result<Option<Value>, RequestFault> {
    let of_preset = preset.map(|preset| &preset.policy).filter(|policy| !policy.is_empty());
    let policy = match (of_preset, &new.policy) {
        (Some(_), Some(_)) => {
            let name = preset.map(|preset| preset.id.clone()).unwrap_or_default();
            return Err(RequestFault::PolicyOfPreset(name));
        }
        (Some(policy), None) | (None, Some(policy)) => policy,
        (None, None) => return Ok(None),
    };
    policy.fit(query)?;
    Ok(Some(serde_json::to_value(policy).expect("a policy is text, numbers, lists and maps")))
}

/// What can never be satisfied is not asked.
pub(crate) fn check_possible(query: &DcqlQuery) -> Result<(), RequestFault> {
    for credential in query.credentials() {
        if matches!(credential.format, RequestedFormat::Unsupported { .. }) {
            return Err(RequestFault::NeverSatisfied("a format"));
        }
        let authorities = &credential.trusted_authorities;
        let foreign = |one: &Authority| matches!(one, Authority::Unsupported { .. });
        if !authorities.is_empty() && authorities.iter().all(foreign) {
            return Err(RequestFault::NeverSatisfied("a type of trusted authority"));
        }
    }
    Ok(())
}

pub(super) fn lifetime(new: &NewRequest, now: Timestamp) -> Result<Timestamp, RequestFault> {
    match new.expires_in {
        None => Ok(now + LIFETIME),
        Some(seconds) if LIFETIMES.contains(&seconds) => {
            Ok(now + SignedDuration::from_secs(i64::from(seconds)))
        }
        Some(_) => Err(RequestFault::ExpiresIn),
    }
}

pub(super) fn check_anchors(anchors: &[String]) -> Result<(), RequestFault> {
    if anchors.len() > MAX_ANCHORS {
        return Err(RequestFault::TooManyTrustAnchors);
    }
    anchors.iter().try_for_each(|pem| TrustAnchors::from_pem(pem).map(drop))?;
    Ok(())
}

pub(super) fn client_id(
    tenant: &Tenant,
    choice: ClientIdChoice,
    response_uri: &Url,
) -> Result<ClientId, RequestFault> {
    match choice {
        ClientIdChoice::RedirectUri => Ok(ClientId::redirect_uri(response_uri)),
        choice => Ok(tenant.names.chosen(choice)?.client_id.clone()),
    }
}
