//! What a credential claims about its issuer, whatever its format.

use super::IssuerIdentifier;
use crate::{credential::CredentialType, crypto::Curve, trust::x509::CertificatePurpose};

/// What a credential says about who signed it and how to find the key; nothing in it is trusted.
#[derive(Clone, Debug)]
pub struct ClaimedIssuer<'c> {
    /// The types it claims to be of; an issuer that is trusted for all of them is trusted for it.
    pub types: Vec<CredentialType>,
    /// The issuer it names.
    pub issuer: Option<&'c IssuerIdentifier>,
    /// The key it names: a `kid`, or a verification method.
    pub key_id: Option<&'c str>,
    /// The curve that its algorithm needs; none when the algorithm is unknown, and then no key fits.
    pub curve: Option<Curve>,
    /// The certificates it carries.
    pub certificates: Option<ClaimedCertificates<'c>>,
}

/// The certificates that a credential carries, leaf first, and what they must have been given out for.
#[derive(Clone, Copy, Debug)]
pub struct ClaimedCertificates<'c> {
    /// DER, one after the other.
    pub der: &'c [Vec<u8>],
    /// The purpose that the format demands of the leaf.
    pub purpose: CertificatePurpose,
}
