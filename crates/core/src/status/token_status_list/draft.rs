//! Publishing a list: putting a Status List Token together and signing it (Token Status List §5).

use base64::Engine as _;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{StatusBits, StatusList, TYP, cwt};
use crate::{
    Timestamp,
    cose::{self, Header, Payload},
    crypto::{Signer, SignerError},
    jose,
    json::{self, Object},
    status::StatusListUri,
    trust::IssuerIdentifier,
};

/// A Status List Token that is about to be signed.
#[derive(Clone, Debug)]
pub struct StatusListDraft {
    uri: StatusListUri,
    bits: u8,
    compressed: Vec<u8>,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    ttl: Option<i64>,
    issuer: Option<IssuerIdentifier>,
    aggregation: Option<StatusListUri>,
    key_id: Option<String>,
    certificates: Vec<Vec<u8>>,
}

impl StatusListDraft {
    /// Compresses a list that is published under this URI.
    pub fn new(uri: &StatusListUri, list: &StatusList, issued_at: Timestamp) -> Self {
        Self::of_compressed(uri, list.bits(), list.compress(), issued_at)
    }

    /// Takes a list that was [compressed](StatusList::compress_again) already.
    pub fn of_compressed(
        uri: &StatusListUri,
        bits: StatusBits,
        compressed: Vec<u8>,
        issued_at: Timestamp,
    ) -> Self {
        Self {
            uri: uri.clone(),
            bits: bits.number(),
            compressed,
            issued_at,
            expires_at: None,
            ttl: None,
            issuer: None,
            aggregation: None,
            key_id: None,
            certificates: Vec::new(),
        }
    }

    /// With the moment from which nobody may rely on it any more.
    #[must_use]
    pub const fn with_expiry(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// With how long a copy may be kept before the list is fetched again; whole seconds, at least one.
    #[must_use]
    pub const fn with_ttl(mut self, ttl: SignedDuration) -> Self {
        let seconds = ttl.as_secs();
        // Token Status List §5.1: ttl is a positive number
        self.ttl = Some(if seconds < 1 { 1 } else { seconds });
        self
    }

    /// With the issuer whose keys sign it, for verifiers that find keys by `iss`.
    #[must_use]
    pub fn with_issuer(mut self, issuer: &IssuerIdentifier) -> Self {
        self.issuer = Some(issuer.clone());
        self
    }

    /// With the address of the list of all lists (Token Status List §9).
    #[must_use]
    pub fn with_aggregation(mut self, uri: &StatusListUri) -> Self {
        self.aggregation = Some(uri.clone());
        self
    }

    /// With the name of the key: a DID URL, or the `kid` in a key set.
    #[must_use]
    pub fn with_key_id(mut self, key_id: &str) -> Self {
        self.key_id = Some(key_id.to_owned());
        self
    }

    /// With the certificate chain of the key, leaf first, the anchor left out.
    #[must_use]
    pub fn with_x5c<D: AsRef<[u8]>>(mut self, chain: impl IntoIterator<Item = D>) -> Self {
        self.certificates = chain.into_iter().map(|der| der.as_ref().to_vec()).collect();
        self
    }

    /// Signs the list as a JWT (Token Status List §5.1).
    ///
    /// # Errors
    /// [`SignerError`] when the issuer's key gives no signature.
    pub async fn sign_jwt(&self, signer: &dyn Signer) -> Result<String, SignerError> {
        let mut header = Object::from_iter([("typ".to_owned(), TYP.into())]);
        if let Some(key_id) = &self.key_id {
            header.insert("kid".to_owned(), key_id.as_str().into());
        }
        if !self.certificates.is_empty() {
            let encode = |der| base64::engine::general_purpose::STANDARD.encode(der);
            let chain: Value = self.certificates.iter().map(encode).collect();
            header.insert("x5c".to_owned(), chain);
        }
        let mut list = json!({"bits": self.bits, "lst": json::base64url(&self.compressed)});
        if let Some(aggregation) = &self.aggregation {
            list["aggregation_uri"] = aggregation.as_str().into();
        }
        let mut claims = Object::new();
        if let Some(issuer) = &self.issuer {
            claims.insert("iss".to_owned(), issuer.as_str().into());
        }
        claims.insert("sub".to_owned(), self.uri.as_str().into());
        claims.insert("iat".to_owned(), self.issued_at.as_second().into());
        if let Some(expires_at) = self.expires_at {
            claims.insert("exp".to_owned(), expires_at.as_second().into());
        }
        if let Some(ttl) = self.ttl {
            claims.insert("ttl".to_owned(), ttl.into());
        }
        claims.insert("status_list".to_owned(), list);
        jose::sign(header, &claims, signer).await
    }

    /// Signs the list as a CWT (Token Status List §5.2).
    ///
    /// # Errors
    /// [`SignerError`] when the issuer's key gives no signature.
    pub async fn sign_cwt(&self, signer: &dyn Signer) -> Result<Vec<u8>, SignerError> {
        let claims = cwt::Claims {
            iss: self.issuer.as_ref().map(IssuerIdentifier::as_str),
            sub: self.uri.as_str(),
            iat: self.issued_at.as_second(),
            exp: self.expires_at.map(Timestamp::as_second),
            ttl: self.ttl,
            bits: self.bits,
            lst: &self.compressed,
            aggregation: self.aggregation.as_ref().map(StatusListUri::as_str),
        };
        let payload = claims.encode();
        let mut unprotected = Header::new().with_x5chain(&self.certificates);
        if let Some(key_id) = &self.key_id {
            unprotected = unprotected.with(cose::label::KEY_ID, key_id.as_bytes());
        }
        let payload = Payload::Attached(&payload);
        let signed = cose::sign1(cwt::protected(), unprotected, payload, b"", signer).await?;
        Ok(cose::tagged_sign1(&signed))
    }
}
