//! What all credentials that are signed as JWTs or as COSE objects have in common.

use crate::{
    credential::CredentialType,
    crypto::{Curve, SignatureAlgorithm},
    jose::JoseHeader,
    trust::{
        ClaimedCertificates, ClaimedIssuer, IssuerIdentifier, IssuerIdentity,
        x509::CertificatePurpose,
    },
};

/// What a credential says about who signed it, to find the key by.
pub(super) fn claimed_issuer<'c>(
    key: ClaimedKey<'c>,
    issuer: &'c IssuerIdentifier,
    types: impl Iterator<Item = &'c str>,
) -> ClaimedIssuer<'c> {
    // the type that every credential has gives nobody authority
    let specific = types.filter(|name| *name != "VerifiableCredential");
    let purpose = CertificatePurpose::CredentialSigning;
    ClaimedIssuer {
        types: specific.map(CredentialType::w3c).collect(),
        issuer: Some(issuer),
        key_id: key.key_id,
        curve: key.curve,
        certificates: key.x5c.map(|der| ClaimedCertificates { der, purpose }),
    }
}

/// What a header says about the key that signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClaimedKey<'h> {
    pub(super) key_id: Option<&'h str>,
    pub(super) curve: Option<Curve>,
    pub(super) x5c: Option<&'h [Vec<u8>]>,
}

impl<'h> From<&'h JoseHeader> for ClaimedKey<'h> {
    fn from(header: &'h JoseHeader) -> Self {
        Self {
            key_id: header.kid.as_deref(),
            curve: SignatureAlgorithm::from_name(&header.alg).map(SignatureAlgorithm::curve),
            x5c: header.x5c.as_deref(),
        }
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
