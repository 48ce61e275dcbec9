//! RS256 in the one place where it cannot be refused: the tokens of login providers (RFC 7518 §3.3).

use serde_json::Value;

use super::{JwkError, JwsError, Slot, UnverifiedJws};
use crate::{
    crypto::{CryptoProvider, RsaPublicKey},
    json::{self, Object},
};

/// The name of the algorithm.
const RS256: &str = "RS256";

/// A public RSA key as a JWK (RFC 7518 §6.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaJwk {
    /// The key itself.
    pub key: RsaPublicKey,
    /// `kid`.
    pub kid: Option<String>,
}

impl RsaJwk {
    /// Reads a public RSA key that is for RS256 signatures.
    ///
    /// # Errors
    /// [`JwkError::Unsupported`] for a key of another type or length, [`JwkError::OtherPurpose`] for one that
    /// `use` or `alg` reserves for something else, [`JwkError::PrivateMember`] for a private one.
    pub fn from_value(value: &Value) -> Result<Self, JwkError> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        if value.get("d").is_some() {
            return Err(JwkError::PrivateMember);
        }
        if text("kty") != Some("RSA") {
            return Err(JwkError::Unsupported);
        }
        // RFC 7517 §4.2, §4.4
        let reserved = text("use").is_some_and(|key_use| key_use != "sig")
            || text("alg").is_some_and(|alg| alg != RS256);
        if reserved {
            return Err(JwkError::OtherPurpose);
        }
        let number = |name: &str| {
            let encoded = text(name).ok_or(JwkError::Malformed)?;
            json::base64url_decode(encoded).map_err(|_| JwkError::Malformed)
        };
        let key = RsaPublicKey::from_parts(number("n")?, number("e")?);
        let key = key.map_err(|_| JwkError::Unsupported)?;
        Ok(Self { key, kid: text("kid").map(str::to_owned) })
    }
}

impl UnverifiedJws<'_> {
    /// Whether it says that it is signed by RS256.
    pub fn is_rs256(&self) -> bool {
        self.header().alg == RS256
    }

    /// Checks `typ`, header keys and an RS256 signature; the slot's own algorithms count for nothing.
    ///
    /// # Errors
    /// One [`JwsError`] per rule.
    pub fn verify_rs256(
        self,
        slot: &Slot,
        key: &RsaPublicKey,
        provider: &dyn CryptoProvider,
    ) -> Result<Object, JwsError> {
        self.check_typ(slot)?;
        if !self.is_rs256() {
            return Err(JwsError::AlgorithmNotAllowed(slot.name));
        }
        self.check_header_keys(slot)?;
        let (signed, signature) = self.signed();
        provider.verify_rs256(key, signed, signature)?;
        self.danger_unverified_claims()
    }
}
