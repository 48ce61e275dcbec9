//! What all credentials that are signed as JWTs have in common.

use crate::{
    credential::CredentialType,
    crypto::SignatureAlgorithm,
    jose::JoseHeader,
    trust::{
        ClaimedCertificates, ClaimedIssuer, IssuerIdentifier, IssuerIdentity,
        x509::CertificatePurpose,
    },
};

/// What a JWT says about who signed it, to find the key by.
pub(super) fn claimed_issuer<'c>(
    header: &'c JoseHeader,
    issuer: &'c IssuerIdentifier,
    types: impl Iterator<Item = &'c str>,
) -> ClaimedIssuer<'c> {
    // the type that every credential has gives nobody authority
    let specific = types.filter(|name| *name != "VerifiableCredential");
    let purpose = CertificatePurpose::CredentialSigning;
    ClaimedIssuer {
        types: specific.map(CredentialType::w3c).collect(),
        issuer: Some(issuer),
        key_id: header.kid.as_deref(),
        curve: SignatureAlgorithm::from_name(&header.alg).map(SignatureAlgorithm::curve),
        certificates: header.x5c.as_deref().map(|der| ClaimedCertificates { der, purpose }),
    }
}

/// Whether a key that was found is that of the issuer whom the credential names.
pub(super) fn is_key_of(identity: &IssuerIdentity, issuer: &IssuerIdentifier) -> bool {
    match identity {
        IssuerIdentity::Did(did) => did.as_str() == issuer.as_str(),
        IssuerIdentity::Identifier(identifier) => identifier == issuer,
        // without a name that it vouches for, the certificate's subject is the issuer
        IssuerIdentity::Certificate { issuer: vouched, .. } => {
            vouched.as_ref().is_none_or(|vouched| vouched == issuer)
        }
    }
}
