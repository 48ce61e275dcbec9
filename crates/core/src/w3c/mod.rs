//! W3C Verifiable Credentials: the data model (VCDM 2.0, and 1.1 where a format has it) and what secures it.
//!
//! Reading order: an issuer puts a [`CredentialDraft`] together; what comes of it is a [`Credential`], a
//! document that keeps the rules of the data model and that nobody has secured yet. A [`Presentation`]
//! carries credentials, each in an envelope ([`EnvelopedCredential`]) or with a proof inside. Then the
//! mechanisms: [`vc_jose_cose`] for VCDM 2.0; [`jwt_vc_json`] and [`ldp_vc`], the formats that OpenID4VC has
//! for VCDM 1.1 ([`CredentialV1`]).
//!
//! Keeping the rules says nothing about who wrote a document: trust comes from the mechanism that secures
//! it, and only that mechanism's `Verified…` types give one out as verified.

mod credential;
mod credential_v1;
mod date_time;
mod document;
mod draft;
mod enveloped;
mod holder;
pub mod jwt_vc_json;
mod language;
pub mod ldp_vc;
mod members;
mod presentation;
mod related_resource;
mod signed;
mod types;
mod uri;
pub mod vc_jose_cose;

pub use credential::{Credential, CredentialError};
pub use credential_v1::{CredentialV1, CredentialV1Error};
pub use date_time::{date_time_stamp, write_date_time_stamp};
pub use document::{CredentialDocument, CredentialFault};
pub use draft::{CredentialDraft, CredentialV1Draft, Draft, VersionOne, VersionTwo};
pub use enveloped::{
    EnvelopeError, EnvelopedCredential, EnvelopedPresentation, SecuredCredential,
    SecuredPresentation,
};
pub use holder::{ExpectedPresentation, Holder, HolderBinding, HolderError};
pub use members::{ContextFault, EntryFault, TypeFault};
pub use presentation::{Presentation, PresentationError, PresentedCredential};
pub use related_resource::{Digest, RelatedResource, RelatedResourceError, RelatedResourceFault};
pub(crate) use types::expand_types;
pub use uri::{Uri, UriError};

/// The first context of every document of VCDM 2.0 (VCDM 2.0 §4.3).
pub const BASE_CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";

/// The first context of every document of VCDM 1.1 (VCDM 1.1 §4.1).
pub const BASE_CONTEXT_V1: &str = "https://www.w3.org/2018/credentials/v1";
