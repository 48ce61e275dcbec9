//! The claims of a JWT beside the document that they are mixed into (VC-JOSE-COSE §3.1.3).

use serde_json::Value;

use super::{
    super::{Credential, HolderBinding},
    VcJoseError,
};
use crate::{Timestamp, credential::Validity, jose::JoseHeader, json::Object};

/// A credential in a payload, and what the claims beside it say.
#[derive(Clone, Debug)]
pub(super) struct CredentialPayload {
    pub(super) credential: Credential,
    /// The times of the credential and of its signature, whichever is narrower.
    pub(super) validity: Validity,
    pub(super) binding: HolderBinding,
}

impl CredentialPayload {
    /// Reads a payload; `header` is the one that it is signed with.
    pub(super) fn read(payload: Object, header: &JoseHeader) -> Result<Self, VcJoseError> {
        if let Some(name) = forbidden(&payload) {
            return Err(VcJoseError::ForbiddenClaim(name));
        }
        let credential = Credential::parse(payload)?;
        let document = credential.document();
        // VC-JOSE-COSE §4.1.2: iss, if present, MUST match issuer; it may be in the header as well
        for iss in [document.get("iss"), header.members.get("iss")].into_iter().flatten() {
            if iss.as_str() != Some(credential.issuer().as_str()) {
                return Err(VcJoseError::Iss);
            }
        }
        // VC-JOSE-COSE §3.1.3: sub and jti do not conflict with what the document says
        let is_a_subject = |sub: &Value| {
            sub.is_string() && credential.subjects().any(|subject| subject.get("id") == Some(sub))
        };
        if document.get("sub").is_some_and(|sub| !is_a_subject(sub)) {
            return Err(VcJoseError::Sub);
        }
        let id = credential.id().map(|id| id.as_str());
        if document.get("jti").is_some_and(|jti| !jti.is_string() || jti.as_str() != id) {
            return Err(VcJoseError::Jti);
        }
        let validity = narrower(Validity::read(document)?, credential.validity());
        let binding = HolderBinding::read(document, credential.subjects());
        let binding = binding.map_err(VcJoseError::Holder)?;
        Ok(Self { credential, validity, binding })
    }
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
