//! ISO mdoc: mobile driving licences, and every other document of their form (ISO/IEC 18013-5).
//!
//! Reading order: an issuer signs an [`MdocDraft`]; a wallet [parses](UnverifiedMdoc::parse) the
//! IssuerSigned it got, finds the issuer's key by its [`IssuerTrust`](crate::trust::IssuerTrust), keeps a
//! [`HeldMdoc`] and presents elements of it, bound to a [`SessionTranscript`]; a verifier takes the
//! [`UnverifiedDeviceResponse`] apart and gets a [`VerifiedMdoc`], best by [`verify_presentation`].
//!
//! What the issuer signed is carried from issuance to verification byte for byte: digests are over the
//! received bytes, and nothing received is ever encoded again.

mod annex_c;
mod device_auth;
mod device_request;
mod device_response;
mod draft;
mod element_type;
mod error;
mod hold;
mod issuer_signed;
mod mso;
mod names;
mod presentation;
mod session_transcript;
mod time;
mod verify;

pub use annex_c::{AnnexCError, EncryptionInfo, encrypted_response, read_encrypted_response};
pub use device_auth::{DeviceAuthMethod, ExpectedDeviceAuth};
pub use device_request::{
    DeviceRequestError, DocumentRequest, Reader, UnverifiedDeviceRequest, device_request,
};
pub use device_response::{DeviceResponse, UnverifiedDeviceResponse};
pub use draft::{IssuedMdoc, IssuerNameSpaces, MdocDraft, MdocDraftError};
pub use element_type::ElementType;
pub use error::MdocError;
pub use hold::{DeviceProof, HeldMdoc, MdocPresentError};
pub use mso::KeyAuthorizations;
pub use names::{DocType, ElementIdentifier, ElementName, NameSpace};
pub use presentation::{ExpectedMdoc, MdocPresentationError, verify_presentation};
pub use session_transcript::{OpenId4VpDcApiHandover, OpenId4VpHandover, SessionTranscript};
pub use verify::{UnverifiedMdoc, VerifiedMdoc};
