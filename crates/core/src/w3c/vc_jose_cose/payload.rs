//! The claims of a JWT beside the document that they are mixed into (VC-JOSE-COSE §3.1.3).

use serde_json::Value;

use super::{
    super::{Credential, HolderBinding},
    VcJoseCoseError,
};
use crate::{
    Timestamp, credential::Validity, jose::JoseHeader, json::Object, status::StatusReference,
};

/// A credential in a payload, and what the claims beside it say.
#[derive(Clone, Debug)]
pub(super) struct CredentialPayload {
    pub(super) credential: Credential,
    /// The times of the credential and of its signature, whichever is narrower.
    pub(super) validity: Validity,
    pub(super) binding: HolderBinding,
    /// Where its status is kept, by a claim beside the document.
    pub(super) status: Option<StatusReference>,
}

impl CredentialPayload {
    /// Reads the payload of a JWT; `header` is the one that it is signed with.
    pub(super) fn of_jwt(payload: Object, header: &JoseHeader) -> Result<Self, VcJoseCoseError> {
        if let Some(name) = forbidden(&payload) {
            return Err(VcJoseCoseError::ForbiddenClaim(name));
        }
        let credential = Credential::parse(payload)?;
        // VC-JOSE-COSE §4.1.2: iss may be in the header as well
        check_iss(header.members.get("iss"), &credential)?;
        let facts = Facts::read(credential.document(), &credential)?;
        Ok(facts.of(credential))
    }

    /// Reads the payload of a COSE_Sign1 and the claims in its header.
    pub(super) fn of_cose(payload: Object, claims: &Object) -> Result<Self, VcJoseCoseError> {
        let credential = Credential::parse(payload)?;
        let facts = Facts::read(claims, &credential)?;
        Ok(facts.of(credential))
    }
}

/// What claims say about a credential.
struct Facts {
    validity: Validity,
    binding: HolderBinding,
    status: Option<StatusReference>,
}

impl Facts {
    fn read(claims: &Object, credential: &Credential) -> Result<Self, VcJoseCoseError> {
        check_iss(claims.get("iss"), credential)?;
        // VC-JOSE-COSE §3.1.3: sub and jti do not conflict with what the document says
        let is_a_subject = |sub: &Value| {
            sub.is_string() && credential.subjects().any(|subject| subject.get("id") == Some(sub))
        };
        if claims.get("sub").is_some_and(|sub| !is_a_subject(sub)) {
            return Err(VcJoseCoseError::Sub);
        }
        let id = credential.id().map(|id| id.as_str());
        if claims.get("jti").is_some_and(|jti| !jti.is_string() || jti.as_str() != id) {
            return Err(VcJoseCoseError::Jti);
        }
        let validity = narrower(Validity::read(claims)?, credential.validity());
        let binding = HolderBinding::read(claims, credential.subjects());
        let binding = binding.map_err(VcJoseCoseError::Holder)?;
        // Token Status List §6.2, §6.3: every token may refer to its status by a claim
        let status = match claims.get("status") {
            None => None,
            Some(status) => Some(StatusReference::read(status).ok_or(VcJoseCoseError::Status)?),
        };
        Ok(Self { validity, binding, status })
    }

    fn of(self, credential: Credential) -> CredentialPayload {
        let Self { validity, binding, status } = self;
        CredentialPayload { credential, validity, binding, status }
    }
}

/// VC-JOSE-COSE §4.1.2: iss, if present, MUST match issuer.
fn check_iss(iss: Option<&Value>, credential: &Credential) -> Result<(), VcJoseCoseError> {
    let is_issuer = |iss: &Value| iss.as_str() == Some(credential.issuer().as_str());
    if iss.is_none_or(is_issuer) { Ok(()) } else { Err(VcJoseCoseError::Iss) }
}

/// VC-JOSE-COSE §1.1: `vc` and `vp` are of the mapping of VCDM 1.1, and MUST NOT be present.
pub(super) fn forbidden(payload: &Object) -> Option<&'static str> {
    ["vc", "vp"].into_iter().find(|name| payload.contains_key(*name))
}

/// VC-JOSE-COSE §3.1: `cty`, when present, is `vc` or `vp`.
pub(super) fn is_content_type(header: &JoseHeader, expected: &str) -> bool {
    let cty = header.members.get("cty");
    cty.is_none_or(|cty| cty.as_str().is_some_and(|cty| cty.eq_ignore_ascii_case(expected)))
}

/// VC-JOSE-COSE §3.1.3: the times of the signature are not those of the credential; both must hold.
fn narrower(signature: Validity, credential: Validity) -> Validity {
    let both = |one: Option<Timestamp>, other: Option<Timestamp>, pick: fn(_, _) -> _| match (
        one, other,
    ) {
        (Some(one), Some(other)) => Some(pick(one, other)),
        (one, other) => one.or(other),
    };
    Validity {
        issued_at: signature.issued_at,
        not_before: both(signature.not_before, credential.not_before, Timestamp::max),
        expires_at: both(signature.expires_at, credential.expires_at, Timestamp::min),
    }
}
