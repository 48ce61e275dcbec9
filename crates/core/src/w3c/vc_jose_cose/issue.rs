//! Signing a credential as a JWT (VC-JOSE-COSE §3.1.1).

use std::fmt;

use base64::Engine as _;

use super::{super::Credential, VC_TYP};
use crate::{
    Timestamp,
    crypto::{Signer, SignerError},
    jose::{self, Jwk},
    json::Object,
};

/// How a credential is signed: what goes beside the document.
#[derive(Clone, Debug, Default)]
pub struct SigningOptions {
    pub(super) key_id: Option<String>,
    pub(super) x5c: Vec<Vec<u8>>,
    pub(super) holder: Option<Jwk>,
    pub(super) signed_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
}

impl SigningOptions {
    /// Nothing beside the document.
    pub fn new() -> Self {
        Self::default()
    }

    /// With the name of the issuer's key; where the issuer is a DID, a DID URL of it.
    #[must_use]
    pub fn with_key_id(mut self, key_id: &str) -> Self {
        self.key_id = Some(key_id.to_owned());
        self
    }

    /// With the issuer's certificate chain, leaf first, the anchor left out.
    #[must_use]
    pub fn with_x5c<D: AsRef<[u8]>>(mut self, chain: impl IntoIterator<Item = D>) -> Self {
        self.x5c = chain.into_iter().map(|der| der.as_ref().to_vec()).collect();
        self
    }

    /// Bound to this key of the holder (`cnf`), instead of to a subject that is named by a DID.
    #[must_use]
    pub fn bound_to(mut self, key: &Jwk) -> Self {
        self.holder = Some(key.clone());
        self
    }

    /// With the moment of signing (`iat`); round it, as it can tell credentials apart (RFC 9901 §10.1).
    #[must_use]
    pub const fn signed_at(mut self, moment: Timestamp) -> Self {
        self.signed_at = Some(moment);
        self
    }

    /// With the moment at which the signature stops counting (`exp`), whatever `validUntil` says.
    #[must_use]
    pub const fn expires_at(mut self, moment: Timestamp) -> Self {
        self.expires_at = Some(moment);
        self
    }

    /// The header without `alg`.
    pub(in super::super) fn header(&self, typ: &str) -> Object {
        let mut header = Object::from_iter([("typ".to_owned(), typ.into())]);
        if let Some(key_id) = &self.key_id {
            header.insert("kid".to_owned(), key_id.as_str().into());
        }
        if !self.x5c.is_empty() {
            // RFC 7515 §4.1.6: base64, not base64url, of DER
            let encode = |der| base64::engine::general_purpose::STANDARD.encode(der);
            header.insert("x5c".to_owned(), self.x5c.iter().map(encode).collect());
        }
        header
    }

    /// The claims beside the document.
    pub(in super::super) fn claims(&self) -> Object {
        let mut claims = Object::new();
        if let Some(moment) = self.signed_at {
            claims.insert("iat".to_owned(), moment.as_second().into());
        }
        if let Some(moment) = self.expires_at {
            claims.insert("exp".to_owned(), moment.as_second().into());
        }
        if let Some(holder) = &self.holder {
            // RFC 7800 §3.2: cnf.jwk; the key alone, as its owner's kid would be one more way to track
            let jwk = Jwk::new(holder.key).to_value();
            claims.insert("cnf".to_owned(), Object::from_iter([("jwk".to_owned(), jwk)]).into());
        }
        claims
    }
}

/// Signs a credential as a `vc+jwt`.
///
/// # Errors
/// [`SignerError`] when the issuer's key gives no signature.
pub async fn issue_jwt(
    credential: &Credential,
    options: &SigningOptions,
    signer: &dyn Signer,
) -> Result<IssuedCredential, SignerError> {
    let mut header = options.header(VC_TYP);
    header.insert("cty".to_owned(), "vc".into());
    let mut payload = options.claims();
    payload.extend(credential.document().clone());
    jose::sign(header, &payload, signer).await.map(IssuedCredential)
}

/// A credential as its issuer signed it: for its holder alone.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedCredential(pub(in super::super) String);

impl IssuedCredential {
    /// The compact serialization.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the compact serialization away.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for IssuedCredential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("IssuedCredential")
    }
}
