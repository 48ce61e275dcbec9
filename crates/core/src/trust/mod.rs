//! Whom to believe: issuers, their keys, and the certificates and anchors these come from.

mod issuer;
mod list;
mod live;
pub mod x509;

pub use issuer::{
    CertificateIss, ClaimedCertificates, ClaimedIssuer, IssuerError, IssuerIdentifier,
    IssuerIdentity, IssuerKey, IssuerKeySource, IssuerKeys, IssuerMetadata, IssuerMetadataError,
    IssuerMetadataSource, IssuerMetadataUnavailable, IssuerTrust, NameError, PublishedKeys,
};
pub(crate) use issuer::{TypeScope, well_formed, well_formed_uri};
pub use list::{
    TrustEntry, TrustList, TrustListFault, TrustListFaultKind, TrustListFaults, TrustedTypes,
};
pub use live::LiveTrust;
