//! Which check a refusal of a W3C presentation belongs to, and which checks were passed before it.
//!
//! A W3C presentation is verified from the outside inwards: its holder's signature first, then each
//! credential's. An SD-JWT VC and an mdoc are verified from the inside outwards.

use super::{CheckName, Checks, Outcome};
use crate::{
    cose::CoseError,
    data_integrity::DataIntegrityError,
    jose::JwsError,
    w3c::{
        HolderError,
        jwt_vc_json::{JwtVcError, JwtVpError},
        ldp_vc::{LdpVcError, LdpVpError},
        vc_jose_cose::{VcJoseCoseError, VpError},
    },
};

/// The checks of a W3C presentation in the order they are made.
const OUTSIDE_IN: [CheckName; 12] = [
    CheckName::Form,
    CheckName::Declaration,
    CheckName::HolderSignature,
    CheckName::Nonce,
    CheckName::Audience,
    CheckName::Freshness,
    CheckName::IssuerTrusted,
    CheckName::IssuerSignature,
    CheckName::Openness,
    CheckName::Validity,
    CheckName::HolderKey,
    CheckName::Type,
];

impl Checks {
    /// Everything that comes before this check in a W3C presentation, and was not decided otherwise,
    /// passed; what comes after it was not reached.
    pub(super) fn passed_outside_in(&mut self, name: CheckName) {
        for before in OUTSIDE_IN.into_iter().take_while(|before| *before != name) {
            if self.outcome(before) == Outcome::NotReached {
                self.set(before, Outcome::Passed);
            }
        }
    }
}

pub(super) const fn jwt_vp(error: &JwtVpError) -> CheckName {
    match error {
        JwtVpError::Jwt(error) => holder_jwt(error),
        JwtVpError::VpMissing
        | JwtVpError::VcPresent
        | JwtVpError::Context
        | JwtVpError::Type
        | JwtVpError::HolderMalformed
        | JwtVpError::Jti
        | JwtVpError::Empty
        | JwtVpError::TooManyCredentials
        | JwtVpError::CredentialNotAJwt => CheckName::Declaration,
        JwtVpError::Issuer(_) => CheckName::IssuerTrusted,
        JwtVpError::Holder(error) => holder(error),
        JwtVpError::Credential(error) => match error {
            JwtVcError::Jwt(error) => issuer_jwt(error),
            JwtVcError::IssuerKey => CheckName::IssuerTrusted,
            JwtVcError::Validity(_) => CheckName::Validity,
            JwtVcError::Holder(error) => holder(error),
            _ => CheckName::Declaration,
        },
    }
}

pub(super) const fn ldp_vp(error: &LdpVpError) -> CheckName {
    match error {
        LdpVpError::Unreadable(_) => CheckName::Form,
        LdpVpError::Presentation(_) | LdpVpError::Empty | LdpVpError::OtherMechanism => {
            CheckName::Declaration
        }
        LdpVpError::Proof(error) => match error {
            DataIntegrityError::Challenge => CheckName::Nonce,
            DataIntegrityError::Domain => CheckName::Audience,
            DataIntegrityError::Expired | DataIntegrityError::CreatedInTheFuture => {
                CheckName::Freshness
            }
            DataIntegrityError::Json(_) => CheckName::Form,
            _ => CheckName::HolderSignature,
        },
        LdpVpError::Holder(error) => holder(error),
        LdpVpError::HolderMismatch => CheckName::HolderSignature,
        LdpVpError::Credential(error) => match error {
            LdpVcError::Unreadable(_) | LdpVcError::Credential(_) => CheckName::Declaration,
            LdpVcError::Proof(_) => CheckName::IssuerSignature,
            LdpVcError::Holder(error) => holder(error),
            LdpVcError::Issuer(_) | LdpVcError::IssuerKey => CheckName::IssuerTrusted,
            LdpVcError::Validity(_) => CheckName::Validity,
        },
    }
}

pub(super) const fn vp(error: &VpError) -> CheckName {
    match error {
        VpError::Jwt(error) => holder_jwt(error),
        VpError::Cose(CoseError::Signature(_)) => CheckName::HolderSignature,
        VpError::Cose(_) => CheckName::Form,
        VpError::CoseType
        | VpError::CwtClaims
        | VpError::ContentType
        | VpError::ForbiddenClaim(_)
        | VpError::Presentation(_)
        | VpError::Empty
        | VpError::NotEnveloped
        | VpError::Envelope(_) => CheckName::Declaration,
        VpError::Issuer(_) => CheckName::IssuerTrusted,
        VpError::Holder(error) => holder(error),
        VpError::Credential(error) => match error {
            VcJoseCoseError::Jwt(error) => issuer_jwt(error),
            VcJoseCoseError::SdJwt(_) | VcJoseCoseError::Cose(CoseError::Signature(_)) => {
                CheckName::IssuerSignature
            }
            VcJoseCoseError::NeverSelective(_) => CheckName::Openness,
            VcJoseCoseError::Holder(error) => holder(error),
            VcJoseCoseError::IssuerKey => CheckName::IssuerTrusted,
            VcJoseCoseError::Validity(_) => CheckName::Validity,
            _ => CheckName::Declaration,
        },
    }
}

const fn holder(error: &HolderError) -> CheckName {
    match error {
        HolderError::NotNamed
        | HolderError::IssMismatch
        | HolderError::KeyIdNotOfHolder
        | HolderError::Resolution(_)
        | HolderError::KeyNotFound => CheckName::HolderSignature,
        HolderError::Confirmation(_) | HolderError::NotBound | HolderError::ForeignCredential => {
            CheckName::HolderKey
        }
        HolderError::Nonce => CheckName::Nonce,
        HolderError::Audience => CheckName::Audience,
        HolderError::TooOld | HolderError::Validity(_) => CheckName::Freshness,
    }
}

const fn holder_jwt(error: &JwsError) -> CheckName {
    match error {
        JwsError::Signature(_) => CheckName::HolderSignature,
        JwsError::WrongType(_) | JwsError::AlgorithmNotAllowed(_) => CheckName::Declaration,
        _ => CheckName::Form,
    }
}

const fn issuer_jwt(error: &JwsError) -> CheckName {
    match error {
        JwsError::Signature(_) => CheckName::IssuerSignature,
        _ => CheckName::Declaration,
    }
}
