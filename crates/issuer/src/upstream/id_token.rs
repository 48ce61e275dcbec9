//! The ID token (OpenID Connect Core §2, §3.1.3.7).

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, SignatureAlgorithm},
    jose::{HeaderKey, Slot, UnverifiedJws},
    json::{self, Object},
};
use lanyard_oid4vci::LoginNonce;
use serde_json::Value;

use super::{IdTokenFault, OidcProvider, UpstreamError, discovery::ProviderKey};

/// An ID token; beside these algorithms RS256 is taken, which every provider has (§15.1).
const ID_TOKEN: Slot = Slot {
    name: "ID token",
    typ: &["", "JWT"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::Kid, HeaderKey::X5c],
};

/// How far clocks may be apart.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

impl OidcProvider {
    /// The claims of an ID token that keeps every rule.
    pub(super) async fn verified(
        &self,
        token: &str,
        nonce: &LoginNonce,
        now: Timestamp,
    ) -> Result<Object, UpstreamError> {
        let provider = &*self.settings.provider;
        let claims = match signed(token, &self.keys(now, false).await?, &ID_TOKEN, provider) {
            // §10.1.1: a key that is not known yet has been published since
            Err(IdTokenFault::KeyUnknown) => {
                signed(token, &self.keys(now, true).await?, &ID_TOKEN, provider)
            }
            signed => signed,
        };
        let claims = claims?;
        self.judge(&claims, nonce, now)?;
        Ok(claims)
    }

    fn judge(
        &self,
        claims: &Object,
        nonce: &LoginNonce,
        now: Timestamp,
    ) -> Result<(), IdTokenFault> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        // §3.1.3.7(2)
        if text("iss") != Some(&self.settings.issuer) {
            return Err(IdTokenFault::Issuer);
        }
        // §3.1.3.7(3) to (5): for this client, and where it is for others too, issued to this one
        let client = self.settings.client_id.as_str();
        let (for_us, for_others) = match claims.get("aud") {
            Some(Value::String(one)) => (one == client, false),
            Some(Value::Array(all)) => (all.iter().any(|one| one == client), all.len() > 1),
            _ => (false, false),
        };
        let party = text("azp");
        if !for_us || for_others && party.is_none() || party.is_some_and(|party| party != client) {
            return Err(IdTokenFault::Audience);
        }
        // §3.1.3.7(9), (10)
        let moment = |name: &str| claims.get(name).and_then(json::numeric_date);
        if moment("exp").is_none_or(|end| now >= end + TOLERANCE) {
            return Err(IdTokenFault::Expired);
        }
        if moment("iat").is_none_or(|start| now + TOLERANCE < start) {
            return Err(IdTokenFault::IssuedAt);
        }
        // §3.1.3.7(11)
        if text("nonce").map(LoginNonce::new).as_ref() != Some(nonce) {
            return Err(IdTokenFault::Nonce);
        }
        // §2: at most 255 characters
        match text("sub") {
            Some(subject) if (1..=255).contains(&subject.len()) => Ok(()),
            _ => Err(IdTokenFault::Subject),
        }
    }
}

/// The claims of a token that one of these keys signed; nothing in them is judged.
pub(super) fn signed(
    token: &str,
    keys: &[ProviderKey],
    slot: &Slot,
    provider: &dyn CryptoProvider,
) -> Result<Object, IdTokenFault> {
    let token = UnverifiedJws::parse(token)?;
    let is_rsa = token.is_rs256();
    let fits = |key: &&ProviderKey| matches!(key, ProviderKey::Rsa(_)) == is_rsa;
    let kid = token.header().kid.as_deref();
    let mut named = keys.iter().filter(fits).filter(|key| kid.is_none() || key.kid() == kid);
    // OpenID Connect Core §10.1: without a name there is one key, or no telling which
    let (Some(key), None) = (named.next(), named.next()) else {
        return Err(IdTokenFault::KeyUnknown);
    };
    match key {
        ProviderKey::Rsa(key) => Ok(token.verify_rs256(slot, &key.key, provider)?),
        ProviderKey::Curve(key) => {
            let algorithm = token.check_slot(slot)?;
            let key = key.for_signatures(algorithm).map_err(|_| IdTokenFault::KeyUnknown)?;
            Ok(token.verify(slot, key, provider)?.claims()?)
        }
    }
}
