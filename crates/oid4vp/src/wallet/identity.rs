//! Who sent a request, and how that is known (OID4VP 1.0 §5.9).

use lanyard_core::{
    Timestamp,
    crypto::PublicKey,
    jose::UnverifiedJws,
    json::Object,
    trust::x509::{CertificatePurpose, VerifiedChain},
};
use serde::{Deserialize, Serialize};

use super::{
    RegisteredVerifier, WalletSide,
    known::{Attested, only_key},
};
use crate::{
    ClientId, ClientIdPrefix,
    request::{RequestError, ResponseUri, VerifierInfo, VerifierStatement},
};

/// Who asks, and how that is known; for the holder to see before anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "known_by")]
pub enum VerifierIdentity {
    /// Nobody vouches for it: all that is known is where the response goes.
    Address {
        /// The host that receives the response.
        host: String,
    },
    /// A trusted authority certified it.
    Certificate {
        /// The name in its certificate.
        name: String,
        /// The DNS names in its certificate.
        dns_names: Vec<String>,
        /// The host that receives the response.
        host: String,
    },
    /// It has a key of this DID; who is behind the DID, nobody says.
    Did {
        /// The DID.
        did: String,
        /// The host that receives the response.
        host: String,
    },
    /// Somebody who is believed about verifiers attested it.
    Attestation {
        /// What the attestation calls it.
        name: String,
        /// Who attested it.
        attester: String,
        /// The host that receives the response.
        host: String,
    },
    /// The wallet knew it beforehand.
    Registered {
        /// Its name for people.
        name: String,
        /// The host that receives the response.
        host: String,
    },
}

impl VerifierIdentity {
    /// The name that somebody vouches for; none where nobody does.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Certificate { name, .. }
            | Self::Attestation { name, .. }
            | Self::Registered { name, .. } => Some(name),
            Self::Address { .. } | Self::Did { .. } => None,
        }
    }
}

impl WalletSide {
    /// Finds the key that a request object must be signed with, and what vouches for it (§5.9.3).
    pub(crate) async fn signed_by<'w>(
        &'w self,
        jws: &UnverifiedJws<'_>,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<SignedBy<'w>, RequestError> {
        let header = jws.header();
        match client_id.prefix() {
            // the key is the one of the leaf in x5c, and the chain is verified
            ClientIdPrefix::X509SanDns(_) | ClientIdPrefix::X509Hash(_) => {
                let certificates = header.x5c.as_deref().ok_or(RequestError::CertificateMissing)?;
                let chain = self.anchors.read(certificates)?.verify(
                    &self.anchors,
                    CertificatePurpose::RequestSigning,
                    now,
                    self.provider.as_ref(),
                )?;
                Ok(SignedBy::Certificate(Box::new(chain)))
            }
            ClientIdPrefix::DecentralizedIdentifier(did) => {
                let key = self.known.key_of_did(did, header, &self.provider).await?;
                Ok(SignedBy::Did(did.as_str().to_owned(), key))
            }
            ClientIdPrefix::VerifierAttestation(name) => {
                let provider = self.provider.as_ref();
                let attested = self.known.attested(header, name, now, provider)?;
                Ok(SignedBy::Attestation(name.clone(), attested))
            }
            ClientIdPrefix::PreRegistered => {
                let known = self.known.registered(client_id)?;
                let key = only_key(&known.keys, header.kid.as_deref());
                Ok(SignedBy::Registered(known, key.ok_or(RequestError::KeyId)?))
            }
            ClientIdPrefix::RedirectUri(_) => Err(RequestError::SignedByRedirectUri),
        }
    }

    pub(super) fn identified(
        &self,
        client_id: &ClientId,
        response_uri: &ResponseUri,
        signed_by: &SignedBy<'_>,
    ) -> Result<VerifierIdentity, RequestError> {
        let host = host(response_uri);
        match signed_by {
            SignedBy::Certificate(chain) => self.certified(client_id, host, chain),
            SignedBy::Did(did, _) => Ok(VerifierIdentity::Did { did: did.clone(), host }),
            SignedBy::Attestation(name, attested) => {
                attested.check_place(response_uri.as_str())?;
                let (name, attester) = (name.clone(), attested.issuer.clone());
                Ok(VerifierIdentity::Attestation { name, attester, host })
            }
            SignedBy::Registered(known, _) => registered(known, response_uri),
        }
    }

    fn certified(
        &self,
        client_id: &ClientId,
        host: String,
        chain: &VerifiedChain,
    ) -> Result<VerifierIdentity, RequestError> {
        match client_id.prefix() {
            // OID4VP 1.0 §5.9.3: a dNSName of the leaf is the host of the response URI too
            ClientIdPrefix::X509SanDns(name) if host != *name => {
                self.check_certificate(client_id, chain)?;
                return Err(RequestError::ResponseUriDiffers);
            }
            _ => self.check_certificate(client_id, chain)?,
        }
        Ok(VerifierIdentity::Certificate {
            name: chain.subject(),
            dns_names: chain.dns_names().map(str::to_owned).collect(),
            host,
        })
    }

    /// OID4VP 1.0 §5.9.3: the leaf is the certificate, or of the name, that the client identifier says.
    pub(crate) fn check_certificate(
        &self,
        client_id: &ClientId,
        chain: &VerifiedChain,
    ) -> Result<(), RequestError> {
        let is_own = match client_id.prefix() {
            ClientIdPrefix::X509SanDns(name) => {
                chain.dns_names().any(|own| own.eq_ignore_ascii_case(name))
            }
            ClientIdPrefix::X509Hash(hash) => chain.leaf_sha256(self.provider.as_ref()) == *hash,
            _ => false,
        };
        if is_own { Ok(()) } else { Err(RequestError::CertificateDiffers) }
    }
}

/// What vouches for the key of a request object.
pub(crate) enum SignedBy<'w> {
    Certificate(Box<VerifiedChain>),
    Did(String, PublicKey),
    Attestation(String, Attested),
    Registered(&'w RegisteredVerifier, PublicKey),
}

impl SignedBy<'_> {
    pub(crate) fn key(&self) -> &PublicKey {
        match self {
            Self::Certificate(chain) => chain.public_key(),
            Self::Did(_, key) | Self::Registered(_, key) => key,
            Self::Attestation(_, attested) => &attested.key,
        }
    }

    /// What the signer says of itself.
    pub(crate) fn statement(&self, info: &[VerifierInfo]) -> VerifierStatement {
        let statement = VerifierStatement::of_signed(info);
        match self {
            Self::Registered(known, _) => known.statement(statement),
            Self::Certificate(_) | Self::Did(..) | Self::Attestation(..) => statement,
        }
    }

    pub(crate) fn with_metadata(&self, parameters: Object) -> Result<Object, RequestError> {
        match self {
            Self::Registered(known, _) => with_metadata(known, parameters),
            Self::Certificate(_) | Self::Did(..) | Self::Attestation(..) => Ok(parameters),
        }
    }
}

/// OID4VP 1.0 §8.5: metadata that is registered is not sent a second time.
pub(super) fn with_metadata(
    known: &RegisteredVerifier,
    mut parameters: Object,
) -> Result<Object, RequestError> {
    if let Some(metadata) = &known.metadata
        && parameters.insert("client_metadata".to_owned(), metadata.clone()).is_some()
    {
        return Err(RequestError::MetadataTwice);
    }
    Ok(parameters)
}

/// A registered verifier gets its responses where it said beforehand.
pub(super) fn registered(
    known: &RegisteredVerifier,
    response_uri: &ResponseUri,
) -> Result<VerifierIdentity, RequestError> {
    if !known.response_uris.iter().any(|uri| uri == response_uri.as_str()) {
        return Err(RequestError::ResponseUriDiffers);
    }
    Ok(VerifierIdentity::Registered { name: known.name.clone(), host: host(response_uri) })
}

pub(super) fn host(response_uri: &ResponseUri) -> String {
    response_uri.url().host_str().unwrap_or_default().to_owned()
}
