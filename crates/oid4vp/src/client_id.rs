//! Who asks: the client identifier and its prefix (OID4VP 1.0 §5.9).

use std::{fmt, str::FromStr};

use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm},
    did::Did,
    json,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

/// The longest client identifier that is taken from a peer.
const MAX_LENGTH: usize = 2048;

/// A client identifier with its prefix, as it is used everywhere: in links, objects and audiences.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId {
    text: String,
    prefix: ClientIdPrefix,
}

/// How a verifier is identified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClientIdPrefix {
    /// No prefix: the wallet knows the verifier beforehand.
    PreRegistered,
    /// `redirect_uri`: by where the response goes; nobody vouches for it.
    RedirectUri(String),
    /// `x509_san_dns`: by a DNS name in its certificate.
    X509SanDns(String),
    /// `x509_hash`: by the SHA-256 of its certificate.
    X509Hash([u8; 32]),
    /// `decentralized_identifier`: by a DID.
    DecentralizedIdentifier(Did),
    /// `verifier_attestation`: by the name that an attestation gives it.
    VerifierAttestation(String),
}

/// Why a client identifier was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ClientIdError {
    /// Nothing in it, or too much.
    #[error("the client_id is empty or too long")]
    Length,
    /// `origin:` belongs to platforms, never to a request.
    #[error("the client_id prefix origin is reserved")]
    OriginReserved,
    /// A prefix that the specification defines and this wallet does not support.
    #[error("the client_id prefix {0} is not supported")]
    NotSupported(&'static str),
    /// A prefix that the specification does not define.
    #[error("the client_id prefix is not known")]
    UnknownPrefix,
    /// `redirect_uri` without an absolute URL.
    #[error("the client_id is not a URL")]
    NotAUrl,
    /// `x509_san_dns` without a DNS name.
    #[error("the client_id is not a DNS name")]
    NotADnsName,
    /// `decentralized_identifier` without a DID.
    #[error("the client_id is not a DID")]
    NotADid,
    /// `verifier_attestation` without a name.
    #[error("the client_id names nobody")]
    NotAName,
    /// `x509_hash` without a SHA-256 in base64url.
    #[error("the client_id is not a SHA-256")]
    NotAHash,
}

impl ClientId {
    /// Identifies a verifier by its response URI.
    #[must_use]
    pub fn redirect_uri(response_uri: &Url) -> Self {
        let prefix = ClientIdPrefix::RedirectUri(response_uri.as_str().to_owned());
        Self { text: format!("redirect_uri:{response_uri}"), prefix }
    }

    /// Identifies a verifier by a DNS name in its certificate.
    ///
    /// # Errors
    /// [`ClientIdError::NotADnsName`].
    pub fn x509_san_dns(name: &str) -> Result<Self, ClientIdError> {
        format!("x509_san_dns:{name}").parse()
    }

    /// Identifies a verifier by its certificate.
    #[must_use]
    pub fn x509_hash(leaf_der: &[u8], provider: &dyn CryptoProvider) -> Self {
        let hash = provider.hash(HashAlgorithm::Sha256, leaf_der);
        let text = format!("x509_hash:{}", json::base64url(hash));
        text.try_into().expect("a SHA-256 makes an x509_hash client identifier")
    }

    /// Identifies a verifier by its DID.
    #[must_use]
    pub fn decentralized_identifier(did: &Did) -> Self {
        let text = format!("decentralized_identifier:{}", did.as_str());
        Self { text, prefix: ClientIdPrefix::DecentralizedIdentifier(did.clone()) }
    }

    /// Identifies a verifier by the `sub` of its attestation.
    ///
    /// # Errors
    /// [`ClientIdError::NotAName`] and [`ClientIdError::Length`].
    pub fn verifier_attestation(sub: &str) -> Result<Self, ClientIdError> {
        format!("verifier_attestation:{sub}").parse()
    }

    /// Identifies a verifier by what wallets registered it as.
    ///
    /// # Errors
    /// [`ClientIdError::UnknownPrefix`] when it has a colon in it (§5.9.2), [`ClientIdError::Length`].
    pub fn pre_registered(name: &str) -> Result<Self, ClientIdError> {
        if name.contains(':') {
            return Err(ClientIdError::UnknownPrefix);
        }
        name.parse()
    }

    /// The whole identifier, prefix included (§14.9: always use the full client identifier).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the identifier says, by its prefix.
    #[must_use]
    pub const fn prefix(&self) -> &ClientIdPrefix {
        &self.prefix
    }
}

impl TryFrom<String> for ClientId {
    type Error = ClientIdError;

    fn try_from(text: String) -> Result<Self, ClientIdError> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(ClientIdError::Length);
        }
        // OID4VP 1.0 §5.9.1: the prefix is the text before the first colon
        let Some((prefix, rest)) = text.split_once(':') else {
            return Ok(Self { text, prefix: ClientIdPrefix::PreRegistered });
        };
        let prefix = match prefix {
            "redirect_uri" => {
                Url::parse(rest).map_err(|_| ClientIdError::NotAUrl)?;
                ClientIdPrefix::RedirectUri(rest.to_owned())
            }
            "x509_san_dns" => match Host::parse(rest) {
                Ok(Host::Domain(name)) if name == rest => ClientIdPrefix::X509SanDns(name),
                _ => return Err(ClientIdError::NotADnsName),
            },
            "x509_hash" => {
                let hash = json::base64url_decode(rest).map_err(|_| ClientIdError::NotAHash)?;
                let hash = hash.try_into().map_err(|_| ClientIdError::NotAHash)?;
                ClientIdPrefix::X509Hash(hash)
            }
            // OID4VP 1.0 §5.9.3: the wallet MUST NOT accept `origin` in requests
            "origin" => return Err(ClientIdError::OriginReserved),
            "decentralized_identifier" => {
                let did = Did::parse(rest).map_err(|_| ClientIdError::NotADid)?;
                ClientIdPrefix::DecentralizedIdentifier(did)
            }
            "verifier_attestation" if rest.is_empty() => return Err(ClientIdError::NotAName),
            "verifier_attestation" => ClientIdPrefix::VerifierAttestation(rest.to_owned()),
            "openid_federation" => return Err(ClientIdError::NotSupported("openid_federation")),
            // OID4VP 1.0 §5.9.2: with an unknown prefix the request may be refused
            _ => return Err(ClientIdError::UnknownPrefix),
        };
        Ok(Self { text, prefix })
    }
}

impl FromStr for ClientId {
    type Err = ClientIdError;

    fn from_str(text: &str) -> Result<Self, ClientIdError> {
        text.to_owned().try_into()
    }
}

impl From<ClientId> for String {
    fn from(client: ClientId) -> Self {
        client.text
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Result<ClientIdPrefix, ClientIdError> {
        text.parse::<ClientId>().map(|client| client.prefix)
    }

    #[test]
    fn reads_each_prefix_up_to_the_first_colon() {
        assert_eq!(prefix("example-client"), Ok(ClientIdPrefix::PreRegistered));
        assert_eq!(
            prefix("redirect_uri:https://client.example.org/cb"),
            Ok(ClientIdPrefix::RedirectUri("https://client.example.org/cb".to_owned()))
        );
        assert_eq!(
            prefix("x509_san_dns:client.example.org"),
            Ok(ClientIdPrefix::X509SanDns("client.example.org".to_owned()))
        );
        assert!(matches!(
            prefix("x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk"),
            Ok(ClientIdPrefix::X509Hash(_))
        ));
        let did = Did::parse("did:example:123").expect("a DID");
        assert_eq!(
            prefix("decentralized_identifier:did:example:123"),
            Ok(ClientIdPrefix::DecentralizedIdentifier(did))
        );
        assert_eq!(
            prefix("verifier_attestation:verifier.example"),
            Ok(ClientIdPrefix::VerifierAttestation("verifier.example".to_owned()))
        );
    }

    #[test]
    fn refuses_what_is_defined_elsewhere_by_its_name() {
        assert_eq!(
            prefix("openid_federation:https://a.example"),
            Err(ClientIdError::NotSupported("openid_federation"))
        );
        assert_eq!(prefix("origin:https://a.example"), Err(ClientIdError::OriginReserved));
    }

    #[test]
    fn refuses_prefixes_that_are_gone_or_were_never_there() {
        for text in ["https://a.example", "did:web:a", "x509_san_uri:a", "web-origin:a", ":a"] {
            assert_eq!(prefix(text), Err(ClientIdError::UnknownPrefix), "{text}");
        }
    }

    #[test]
    fn refuses_an_identifier_that_does_not_belong_to_its_prefix() {
        assert_eq!(prefix("redirect_uri:cb"), Err(ClientIdError::NotAUrl));
        for name in ["", "10.0.0.1", "a b", "A.example", "a.example/"] {
            assert_eq!(prefix(&format!("x509_san_dns:{name}")), Err(ClientIdError::NotADnsName));
        }
        for hash in ["", "AAAA", "Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk="] {
            assert_eq!(prefix(&format!("x509_hash:{hash}")), Err(ClientIdError::NotAHash));
        }
        for did in ["", "web:a", "did:web:", "did:web:a#0"] {
            let text = format!("decentralized_identifier:{did}");
            assert_eq!(prefix(&text), Err(ClientIdError::NotADid), "{text}");
        }
        assert_eq!(prefix("verifier_attestation:"), Err(ClientIdError::NotAName));
        assert_eq!(prefix(""), Err(ClientIdError::Length));
    }
}
