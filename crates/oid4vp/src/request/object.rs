//! The request object: a request as a signed token (RFC 9101, OID4VP 1.0 §5, §5.8, §5.10).

use std::sync::Arc;

use base64::Engine as _;
use lanyard_core::{
    Timestamp,
    crypto::{SignatureAlgorithm, Signer, SignerError},
    did::DidUrl,
    jose::{self, HeaderKey, Slot, UnverifiedJws},
    json::{Object, numeric_date},
};
use serde_json::{Value, json};

use super::RequestError;
use crate::{WalletNonce, quirks};

/// The media type of a request object, for `Content-Type` and `Accept`.
pub const MEDIA_TYPE: &str = "application/oauth-authz-req+jwt";

/// The audience of a request to a wallet that was not discovered beforehand (OID4VP 1.0 §5.8).
pub const AUDIENCE: &str = "https://self-issued.me/v2";

/// How far the clock of a verifier may be ahead, in seconds.
const LEEWAY: i64 = 60;

/// What is allowed of a request object.
pub const SLOT: Slot = Slot {
    name: "request object",
    // OID4VP 1.0 §5: the typ is `oauth-authz-req+jwt`, and others are refused
    typ: &["oauth-authz-req+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::X5c, HeaderKey::Kid],
};

/// The key a verifier signs its requests with, and how a wallet finds and believes it (§5.9.3).
#[derive(Clone)]
pub struct RequestSigner {
    signer: Arc<dyn Signer>,
    proof: Proof,
}

/// What the header says about the key.
#[derive(Clone)]
enum Proof {
    /// `x5c`: a certificate chain in DER, leaf first, anchor left out.
    Chain(Vec<Vec<u8>>),
    /// `kid`: a DID URL, or the name under which a wallet registered the key.
    KeyId(Option<String>),
    /// `jwt`: an attestation that has the key in it.
    Attestation(String),
}

impl std::fmt::Debug for RequestSigner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "RequestSigner({} certificates)", self.chain().len())
    }
}

impl RequestSigner {
    /// By certificates, for `x509_hash` and `x509_san_dns`: DER, leaf first, anchor left out.
    #[must_use]
    pub fn certified(signer: Arc<dyn Signer>, chain: Vec<Vec<u8>>) -> Self {
        Self { signer, proof: Proof::Chain(chain) }
    }

    /// By a key of a DID, for `decentralized_identifier`.
    #[must_use]
    pub fn of_did(signer: Arc<dyn Signer>, key_id: &DidUrl) -> Self {
        Self { signer, proof: Proof::KeyId(Some(key_id.to_string())) }
    }

    /// By an attestation, for `verifier_attestation`.
    #[must_use]
    pub fn attested(signer: Arc<dyn Signer>, attestation: &str) -> Self {
        Self { signer, proof: Proof::Attestation(attestation.to_owned()) }
    }

    /// By a key that wallets registered beforehand.
    #[must_use]
    pub fn registered(signer: Arc<dyn Signer>, key_id: Option<&str>) -> Self {
        Self { signer, proof: Proof::KeyId(key_id.map(str::to_owned)) }
    }

    /// The key itself.
    #[must_use]
    pub fn signer(&self) -> &Arc<dyn Signer> {
        &self.signer
    }

    /// The certificates; none for another proof.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        match &self.proof {
            Proof::Chain(chain) => chain,
            Proof::KeyId(_) | Proof::Attestation(_) => &[],
        }
    }

    /// Signs the parameters of a request, valid from `now` until `expires_at`.
    ///
    /// # Errors
    /// [`SignerError`] as the signer gives it.
    pub async fn sign(
        &self,
        mut parameters: Object,
        wallet_nonce: Option<&WalletNonce>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<String, SignerError> {
        parameters.insert("aud".to_owned(), json!(AUDIENCE));
        parameters.insert("iat".to_owned(), json!(now.as_second()));
        parameters.insert("exp".to_owned(), json!(expires_at.as_second()));
        if let Some(nonce) = wallet_nonce {
            // OID4VP 1.0 §5.10: the nonce is repeated in the signed object
            parameters.insert("wallet_nonce".to_owned(), json!(nonce));
        }
        jose::sign(self.header(), &parameters, self.signer.as_ref()).await
    }

    /// The header that names the key, without `alg`.
    pub(crate) fn header(&self) -> Object {
        let mut header = Object::new();
        header.insert("typ".to_owned(), json!(SLOT.typ[0]));
        match &self.proof {
            Proof::Chain(chain) => {
                header.insert("x5c".to_owned(), chain.iter().map(|der| base64(der)).collect());
            }
            Proof::KeyId(Some(key_id)) => {
                header.insert("kid".to_owned(), json!(key_id));
            }
            Proof::KeyId(None) => {}
            // OID4VP 1.0 §12: the JOSE header `jwt`
            Proof::Attestation(attestation) => {
                header.insert("jwt".to_owned(), json!(attestation));
            }
        }
        header
    }
}

/// Where a request object came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    pub(crate) request_uri: String,
    pub(crate) wallet_nonce: Option<WalletNonce>,
}

/// Reads an unsigned request object, which only a client without a key may send (§5.9.3).
pub(crate) fn unsigned(object: &UnverifiedJws<'_>) -> Result<Object, RequestError> {
    let typ = object.header().typ.as_deref();
    if !typ.is_some_and(|typ| typ.eq_ignore_ascii_case(SLOT.typ[0])) {
        return Err(RequestError::Object(jose::JwsError::WrongType(SLOT.name)));
    }
    // OID4VP 1.0 §5.9.3: a `redirect_uri` request cannot be signed
    if object.header().alg != "none" {
        return Err(RequestError::SignedByRedirectUri);
    }
    Ok(object.danger_unverified_claims()?)
}

/// Judges the claims a request object has beside the parameters.
pub(crate) fn check_claims(
    claims: &Object,
    fetched: Option<&Fetched>,
    now: Timestamp,
) -> Result<(), RequestError> {
    // OID4VP 1.0 §5.8: the audience is the wallet, by its symbolic name
    let request_uri = fetched.map(|fetched| fetched.request_uri.as_str());
    let for_wallet =
        |aud: &str| aud == AUDIENCE || quirks::request_uri_as_audience(aud, request_uri);
    let for_wallets = |aud: &Value| match aud {
        Value::String(one) => for_wallet(one),
        Value::Array(several) => several.iter().filter_map(Value::as_str).any(for_wallet),
        _ => false,
    };
    if !claims.get("aud").is_some_and(for_wallets) {
        return Err(RequestError::Audience);
    }
    check_times(claims, now)?;
    // OID4VP 1.0 §5.10.1: the wallet stops when its nonce is not repeated
    if let Some(nonce) = fetched.and_then(|fetched| fetched.wallet_nonce.as_ref())
        && claims.get("wallet_nonce").and_then(Value::as_str) != Some(nonce.as_str())
    {
        return Err(RequestError::WalletNonce);
    }
    Ok(())
}

/// Judges when a request object is valid (RFC 7519 §4.1.4, §4.1.5).
pub(crate) fn check_times(claims: &Object, now: Timestamp) -> Result<(), RequestError> {
    if moment(claims, "exp")?.is_some_and(|exp| exp <= now.as_second()) {
        return Err(RequestError::Expired);
    }
    for name in ["nbf", "iat"] {
        if moment(claims, name)?.is_some_and(|from| from > now.as_second() + LEEWAY) {
            return Err(RequestError::NotYetValid);
        }
    }
    Ok(())
}

fn moment(claims: &Object, name: &'static str) -> Result<Option<i64>, RequestError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let at = numeric_date(value).ok_or(RequestError::Unreadable(name))?;
    Ok(Some(at.as_second()))
}

/// RFC 7515 §4.1.6: certificates are base64, not base64url.
fn base64(der: &[u8]) -> Value {
    Value::String(base64::engine::general_purpose::STANDARD.encode(der))
}
