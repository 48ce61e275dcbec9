//! The server's half: everything RFC 9449 §4.3 lists.

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm, PublicKey, SignatureAlgorithm},
    jose::{HeaderKey, Jwk, Slot, UnverifiedJws},
    json::{self, Object, numeric_date},
};
use serde_json::Value;
use url::Url;

use super::{DpopError, KeyThumbprint};
use crate::{
    AccessToken, IssuerUrl,
    nonce::{DpopNonce, NonceKey},
    once::{ShownOnce, ShownOnceKind},
};

/// The slot of a DPoP proof.
pub(super) const SLOT: Slot = Slot {
    name: "DPoP proof",
    typ: &["dpop+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::Jwk],
};

/// The longest proof that is read.
const MAX_LENGTH: usize = 8 * 1024;

/// The longest `jti`.
const MAX_IDENTIFIER: usize = 512;

/// What a server expects of a DPoP proof.
#[derive(Debug)]
pub struct DpopRules<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URL of the request, as the server is configured and not as a header says.
    pub url: &'a Url,
    /// The access token that the request shows; none at the authorization server.
    pub access_token: Option<&'a AccessToken>,
    /// Whose nonces are taken.
    pub issuer: &'a IssuerUrl,
    /// What judges the nonce.
    pub nonces: &'a NonceKey,
    /// How long a nonce lives.
    pub nonce_life: SignedDuration,
    /// How far `iat` may be from the server's clock, either way.
    pub window: SignedDuration,
}

/// A DPoP proof as it came; nothing in it is trusted.
#[derive(Clone, Debug)]
pub struct UnverifiedDpopProof<'t>(UnverifiedJws<'t>);

/// A key whose holder made this very request.
#[derive(Clone, Debug)]
pub struct VerifiedDpopProof {
    key: KeyThumbprint,
    shown: ShownOnce,
}

impl<'t> UnverifiedDpopProof<'t> {
    /// Splits and decodes a proof.
    ///
    /// # Errors
    /// [`DpopError::Unreadable`] and [`DpopError::Jws`].
    pub fn parse(compact: &'t str) -> Result<Self, DpopError> {
        if compact.len() > MAX_LENGTH {
            return Err(DpopError::Unreadable);
        }
        Ok(Self(UnverifiedJws::parse(compact)?))
    }

    /// Checks everything RFC 9449 §4.3 lists but the replay, which the store decides
    /// ([`VerifiedDpopProof::shown`]).
    ///
    /// # Errors
    /// One [`DpopError`] per rule; that of the nonce last, so that a nonce is only asked for when it is
    /// all that is missing.
    pub fn verify(
        self,
        rules: &DpopRules<'_>,
        provider: &dyn CryptoProvider,
        now: Timestamp,
    ) -> Result<VerifiedDpopProof, DpopError> {
        // §4.3(4) to (6): typ, an asymmetric alg, and the signature by the jwk in the header
        self.0.check_slot(&SLOT)?;
        let jwk = self.0.header().jwk.clone().ok_or(DpopError::KeyMissing)?;
        if !jwk.is_for_signatures() {
            return Err(DpopError::KeyForSomethingElse);
        }
        let claims = self.0.verify(&SLOT, &jwk.key, provider)?.claims()?;
        let key = KeyThumbprint::of(&bare(&jwk.key), provider);
        // §4.3(3): every required claim is there
        let identifier =
            text(&claims, "jti").filter(|jti| !jti.is_empty() && jti.len() <= MAX_IDENTIFIER);
        let identifier = identifier.ok_or(DpopError::Identifier)?;
        // §4.3(8), (9): made for this method and this URL
        if text(&claims, "htm") != Some(rules.method) {
            return Err(DpopError::Method);
        }
        if !text(&claims, "htu").is_some_and(|htu| is_same_place(htu, rules.url)) {
            return Err(DpopError::Url);
        }
        // §4.3(11), §11.1: made just now, by either clock
        let issued_at =
            claims.get("iat").and_then(numeric_date).ok_or(DpopError::IssuedAtMissing)?;
        if now.duration_since(issued_at).abs() > rules.window {
            return Err(DpopError::IssuedAtOutsideWindow);
        }
        // §4.3(12): made for this access token
        if let Some(token) = rules.access_token
            && text(&claims, "ath") != Some(hash(token, provider).as_str())
        {
            return Err(DpopError::AccessToken);
        }
        // §4.3(10), §8: the server's own nonce, so that no proof can be made in advance
        accept_nonce(text(&claims, "nonce"), rules, provider, now)?;
        let shown = ShownOnce {
            kind: ShownOnceKind::DpopProof,
            digest: digest(&key, identifier, provider),
            // §11.1: as long as the proof would be taken; one from the future lives longer
            until: issued_at + rules.window + SignedDuration::from_secs(1),
        };
        Ok(VerifiedDpopProof { key, shown })
    }
}

impl VerifiedDpopProof {
    /// The thumbprint of the key.
    pub const fn key(&self) -> &KeyThumbprint {
        &self.key
    }

    /// What the store has to see for the first time.
    pub const fn shown(&self) -> &ShownOnce {
        &self.shown
    }
}

fn accept_nonce(
    nonce: Option<&str>,
    rules: &DpopRules<'_>,
    provider: &dyn CryptoProvider,
    now: Timestamp,
) -> Result<(), DpopError> {
    let nonce = DpopNonce::new(nonce.ok_or(DpopError::Nonce(None))?);
    rules
        .nonces
        .verify_dpop(&nonce, rules.issuer, rules.nonce_life, now, provider)
        .map_err(|error| DpopError::Nonce(Some(error)))
}

/// RFC 9449 §4.3(9): without query and fragment, after the normalization of RFC 3986 §6.2.2 and §6.2.3.
fn is_same_place(htu: &str, url: &Url) -> bool {
    let Ok(mut htu) = Url::parse(htu) else { return false };
    let mut url = url.clone();
    for place in [&mut htu, &mut url] {
        place.set_query(None);
        place.set_fragment(None);
    }
    htu == url
}

/// RFC 9449 §4.2: the base64url of the SHA-256 of the token's ASCII.
pub(super) fn hash(token: &AccessToken, provider: &dyn CryptoProvider) -> String {
    json::base64url(token.digest(provider))
}

/// One `jti` of one key: another key may well use the same (RFC 9449 §11.1).
fn digest(key: &KeyThumbprint, identifier: &str, provider: &dyn CryptoProvider) -> [u8; 32] {
    let unique = [key.as_str().as_bytes(), b"\0", identifier.as_bytes()].concat();
    let mut digest = [0; 32];
    digest.copy_from_slice(provider.hash(HashAlgorithm::Sha256, &unique).as_bytes());
    digest
}

const fn bare(key: &PublicKey) -> Jwk {
    Jwk::new(*key)
}

fn text<'c>(claims: &'c Object, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}
