//! Metadata of credential issuers and authorization servers (OID4VCI 1.0 §12).

mod authorization_server;
mod claims;
mod display;
mod encryption;
mod issuer;
mod language;
mod signed;

pub use authorization_server::AuthorizationServerMetadata;
pub use claims::{ClaimDescription, ContradictoryClaims};
pub use display::{BackgroundImage, ClaimDisplay, CredentialDisplay, IssuerDisplay, Logo};
pub use encryption::{RequestEncryption, ResponseEncryption};
pub use issuer::{
    BatchIssuance, CredentialConfigurationMetadata, CredentialDefinition, CredentialIssuerMetadata,
    CredentialMetadata, MetadataError, ProofTypeMetadata,
};
pub use signed::{SIGNED_METADATA, SignedMetadataError};
