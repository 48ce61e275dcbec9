//! `jwt_vc_json`: VCDM 1.1 in JWTs, as OpenID4VC has a format for it (VCDM 1.1 §6.3.1).
//!
//! A credential is in the claim `vc`, a presentation in `vp`; registered claims stand for members of it:
//! `iss` for `issuer` (or `holder`), `sub` for `credentialSubject.id`, `jti` for `id`, `nbf` for
//! `issuanceDate`, `exp` for `expirationDate`. Where both are there, both say the same. This is not how
//! VCDM 2.0 goes into a JWT: see [`vc_jose_cose`](super::vc_jose_cose).
//!
//! Reading order: an issuer [signs](issue) a [`CredentialV1`](super::CredentialV1); a wallet
//! [parses](UnverifiedJwtVc::parse) it and keeps a [`HeldJwtVc`], which it [presents](present); a verifier
//! [verifies](verify_presentation) that whole and gets [`VerifiedJwtVp`].

mod credential;
mod error;
mod issue;
mod mapping;
mod present;
mod presentation;

pub use credential::{HeldJwtVc, UnverifiedJwtVc, VerifiedJwtVc};
pub use error::{JwtVcError, JwtVpError};
pub use issue::issue;
pub use present::present;
pub use presentation::{VerifiedJwtVp, verify_presentation};

use crate::{
    crypto::SignatureAlgorithm,
    jose::{HeaderKey, Slot},
};

/// `typ` of credentials and presentations alike; which of the two it is, the claims `vc` and `vp` tell.
pub const TYP: &str = "JWT";

/// Where a credential goes.
const VC_SLOT: Slot = Slot {
    name: "credential JWT",
    // VCDM 1.1 §6.3.1: typ, if present, MUST be JWT
    typ: &[TYP, ""],
    algorithms: SignatureAlgorithm::OPENID4VC,
    // a key in the header proves nothing; which of these two is used is the verifier's policy
    header_keys: &[HeaderKey::Kid, HeaderKey::X5c],
};

/// Where a presentation goes.
const VP_SLOT: Slot = Slot { name: "presentation JWT", header_keys: &[HeaderKey::Kid], ..VC_SLOT };
