//! What a COSE_Sign1 of this specification has in its header (VC-JOSE-COSE §3.3, RFC 9596, RFC 9597).

use serde_json::Value as Json;

use super::super::signed::ClaimedKey;
use crate::{
    cbor::{Content, Item, Value},
    cose::{self, CoseError, Header, Headers, Payload, label, public_key, public_key_value},
    crypto::{CryptoProvider, Curve, SignatureAlgorithm, Signer, SignerError},
    jose::Jwk,
    json::Object,
};

/// CWT claims in a header (RFC 9597 §2).
const CWT_CLAIMS: i64 = 15;

/// `cnf` among the CWT claims, and its COSE_Key (RFC 8747 §3.1).
const CONFIRMATION: i64 = 8;
const COSE_KEY: i64 = 1;

/// `status` among the CWT claims (Token Status List §14.3).
const STATUS: i64 = 65_535;

/// The claims that are read, with the names that JWTs have for them (RFC 8392 §3.1, RFC 9711 §4.1).
const CLAIMS: [(i64, &str); 7] =
    [(1, "iss"), (2, "sub"), (3, "aud"), (4, "exp"), (5, "nbf"), (6, "iat"), (10, "nonce")];

/// VC-JOSE-COSE §3.3: typ (16) SHOULD be that of the document, so it may be left out.
pub(super) fn is_type(headers: &Headers<'_>, expected: &str) -> bool {
    is_media_type(headers, label::TYPE, expected)
}

/// VC-JOSE-COSE §3.3: content type (3) SHOULD be that of the document, so it may be left out.
pub(super) fn is_content_type(headers: &Headers<'_>, expected: &str) -> bool {
    is_media_type(headers, label::CONTENT_TYPE, expected)
}

fn is_media_type(headers: &Headers<'_>, label: i64, expected: &str) -> bool {
    // what is not protected says nothing, so it does not say this either
    if headers.unprotected(label).is_some() {
        return false;
    }
    let is_expected = |found: &Item<'_>| {
        found.as_text().is_some_and(|found| found.eq_ignore_ascii_case(expected))
    };
    headers.protected(label).is_none_or(is_expected)
}

/// The CWT claims of a protected header, as JWT claims; empty when there are none.
///
/// `None` when one of them is of another type than its registration says.
pub(super) fn claims(headers: &Headers<'_>, provider: &dyn CryptoProvider) -> Option<Object> {
    let mut claims = Object::new();
    // RFC 9597 §2: claims SHOULD be protected; the others anybody could have changed
    if headers.unprotected(CWT_CLAIMS).is_some() {
        return None;
    }
    let Some(found) = headers.protected(CWT_CLAIMS) else {
        return Some(claims);
    };
    found.as_map()?;
    for (label, name) in CLAIMS {
        if let Some(value) = found.get(label) {
            let fits = match value.content() {
                Content::Text(_) => !["exp", "nbf", "iat"].contains(&name),
                Content::Integer(_) | Content::Float(_) => ["exp", "nbf", "iat"].contains(&name),
                _ => false,
            };
            claims.insert(name.to_owned(), value.to_json().ok().filter(|_| fits)?);
        }
    }
    if let Some(confirmation) = found.get(CONFIRMATION) {
        let key = public_key(confirmation.get(COSE_KEY)?, provider).ok()?;
        let jwk = Jwk::new(key).to_value();
        claims.insert("cnf".to_owned(), Object::from_iter([("jwk".to_owned(), jwk)]).into());
    }
    if let Some(status) = found.get(STATUS) {
        claims.insert("status".to_owned(), status.to_json().ok()?);
    }
    Some(claims)
}

/// JWT claims as CWT claims; those without a registration here are left out.
pub(super) fn encode_claims(claims: &Object) -> Option<Value> {
    let mut encoded = Vec::new();
    for (label, name) in CLAIMS {
        match claims.get(name) {
            Some(Json::String(text)) => encoded.push((label.into(), text.as_str().into())),
            Some(Json::Number(number)) => {
                encoded.extend(number.as_i64().map(|number| (label.into(), number.into())));
            }
            _ => {}
        }
    }
    let jwk = claims.get("cnf").and_then(|confirmation| confirmation.get("jwk"));
    if let Some(Ok(jwk)) = jwk.map(Jwk::from_value) {
        let key = Value::Map(vec![(COSE_KEY.into(), public_key_value(&jwk.key))]);
        encoded.push((CONFIRMATION.into(), key));
    }
    if encoded.is_empty() { None } else { Some(Value::Map(encoded)) }
}

/// The protected header of a document: `vc` or `vp`.
pub(super) fn header(kind: &str, key_id: Option<&str>, claims: Option<Value>) -> Header {
    let mut header = Header::new()
        .with(label::TYPE, format!("application/{kind}+cose"))
        .with(label::CONTENT_TYPE, format!("application/{kind}"));
    if let Some(key_id) = key_id {
        header = header.with(label::KEY_ID, key_id.as_bytes());
    }
    match claims {
        Some(claims) => header.with(CWT_CLAIMS, claims),
        None => header,
    }
}

/// Signs a payload as a tagged COSE_Sign1.
pub(super) async fn sign(
    header: Header,
    payload: &[u8],
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignerError> {
    let signed =
        cose::sign1(header, Header::new(), Payload::Attached(payload), b"", signer).await?;
    Ok(cose::tagged_sign1(&signed))
}

/// What a header says about the key that signed, in the words that JOSE has for it.
#[derive(Clone, Debug)]
pub(super) struct OwnedKey {
    key_id: Option<String>,
    curve: Curve,
    x5c: Option<Vec<Vec<u8>>>,
}

impl OwnedKey {
    pub(super) fn read(headers: &Headers<'_>) -> Result<Self, CoseError> {
        let algorithm = headers.algorithm()?;
        if !SignatureAlgorithm::OPENID4VC.contains(&algorithm) {
            return Err(CoseError::AlgorithmNotAllowed);
        }
        // a kid that is no text names no key that is known here
        let key_id = headers.key_id().map(|key_id| String::from_utf8_lossy(key_id).into_owned());
        Ok(Self { key_id, curve: algorithm.curve(), x5c: headers.x5chain()? })
    }

    pub(super) fn claimed(&self) -> ClaimedKey<'_> {
        ClaimedKey {
            key_id: self.key_id.as_deref(),
            curve: Some(self.curve),
            x5c: self.x5c.as_deref(),
        }
    }
}
