//! VCDM 2.0 in JWTs, SD-JWTs and COSE (VC-JOSE-COSE): `vc+jwt`, `vp+jwt`, `vc+sd-jwt`, `vc+cose`, `vp+cose`.
//!
//! The payload *is* the document: there is no `vc` or `vp` claim. `iss`, `sub` and `jti` may repeat what
//! the document says and never contradict it; `iat`, `nbf` and `exp` are about the signature, and the
//! credential is good only while both it and its signature are.
//!
//! Reading order: an issuer [signs](issue_jwt) a [`Credential`](super::Credential); a wallet
//! [parses](UnverifiedVcJwt::parse) it and keeps a [`HeldVcJwt`], of which it [presents](present_jwt) a
//! `vp+jwt`; a verifier [verifies](verify_presentation) that whole and gets a [`VerifiedVp`].

mod cose;
mod credential_cose;
mod error;
mod issue;
mod jwt;
mod payload;
mod present;
mod presentation;
mod sd_jwt;

pub use credential_cose::{HeldVcCose, UnverifiedVcCose, issue_cose};
pub use error::{VcJoseCoseError, VpError};
pub(super) use error::{jwt_code, presentation_jwt_code};
pub use issue::{IssuedCredential, SigningOptions, issue_jwt};
pub use jwt::{HeldVcJwt, UnverifiedVcJwt, VerifiedVc};
pub use present::{HeldCredential, PresentVpError, PresentationRequest, present_cose, present_jwt};
pub use presentation::{VerifiedVp, verify_cose_presentation, verify_presentation};
pub use sd_jwt::{HeldVcSdJwt, IssueSdJwtError, UnverifiedVcSdJwt, issue_sd_jwt};

use crate::{
    crypto::SignatureAlgorithm,
    jose::{HeaderKey, Slot},
};

/// `typ` of a credential in a JWT.
pub const VC_TYP: &str = "vc+jwt";

/// `typ` of a presentation in a JWT.
pub const VP_TYP: &str = "vp+jwt";

/// `typ` of a credential in an SD-JWT; in OID4VC it is `dc+sd-jwt` that is of another data model.
pub const VC_SD_JWT_TYP: &str = "vc+sd-jwt";

/// Where a credential in a JWT goes.
const VC_SLOT: Slot = Slot {
    name: "credential JWT",
    // VC-JOSE-COSE §3.1.1: typ SHOULD be vc+jwt, so it may be left out; the payload cannot be mistaken,
    // as its @context and type say what it is
    typ: &[VC_TYP, ""],
    algorithms: SignatureAlgorithm::OPENID4VC,
    // a key in the header proves nothing; which of these two is used is the verifier's policy
    header_keys: &[HeaderKey::Kid, HeaderKey::X5c],
};

/// Where a credential in an SD-JWT goes.
const VC_SD_JWT_SLOT: Slot = Slot {
    name: "credential SD-JWT",
    // VC-JOSE-COSE §3.2.1: typ SHOULD be vc+sd-jwt
    typ: &[VC_SD_JWT_TYP, ""],
    ..VC_SLOT
};

/// Where a presentation in a JWT goes.
const VP_SLOT: Slot = Slot {
    name: "presentation JWT",
    // VC-JOSE-COSE §3.1.2: typ SHOULD be vp+jwt
    typ: &[VP_TYP, ""],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::Kid],
};
