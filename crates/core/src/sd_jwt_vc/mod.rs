//! SD-JWT VC: verifiable credentials as SD-JWTs (draft-ietf-oauth-sd-jwt-vc-19).
//!
//! Reading order: an issuer signs an [`SdJwtVcDraft`]; a wallet [parses](UnverifiedSdJwtVc::parse) what
//! it got, finds the issuer's key by its [`IssuerTrust`](crate::trust::IssuerTrust) and keeps a
//! [`HeldSdJwtVc`]; a verifier does the same to a presentation and gets a [`VerifiedSdJwtVc`], best
//! through [`PresentationVerifier`](crate::verify::PresentationVerifier).

mod draft;
mod hold;
mod names;
pub mod type_metadata;
mod verify;

pub use draft::{DraftError, IssuedSdJwtVc, KeyBinding, SdJwtVcDraft};
pub use hold::HeldSdJwtVc;
pub use names::Vct;
pub use verify::{SdJwtVcError, UnverifiedSdJwtVc, VerifiedSdJwtVc};

use crate::{
    crypto::SignatureAlgorithm,
    jose::{HeaderKey, Slot},
};

/// `typ` of the issuer-signed JWT; the transitional `vc+sd-jwt` means something else by now.
pub const TYP: &str = "dc+sd-jwt";

/// Where the issuer-signed JWT of an SD-JWT VC goes.
const SLOT: Slot = Slot {
    name: "SD-JWT VC",
    // SD-JWT VC §2.2.1: typ is dc+sd-jwt
    typ: &[TYP],
    algorithms: SignatureAlgorithm::OPENID4VC,
    // a key in the header proves nothing; which of these two is used is the verifier's policy
    header_keys: &[HeaderKey::Kid, HeaderKey::X5c],
};

/// The claims that decide about a credential, so they must not be withheld (SD-JWT VC §2.2.2.2).
const NEVER_SELECTIVE: [&str; 8] =
    ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"];
