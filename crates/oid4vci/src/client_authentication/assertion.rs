//! `private_key_jwt` (RFC 7523 §3, FAPI 2.0 Security Profile §5.3.2.1).

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm, SignatureAlgorithm},
    jose::{HeaderKey, Slot, UnverifiedJws},
    json::numeric_date,
};

use super::{
    ASSERTION_TYPE, Client, ClientError, ClientId, ClientMethod, KnownClient, is_audience, text,
};
use crate::{
    issuer::Issuer,
    once::{ShownOnce, ShownOnceKind},
};

const SLOT: Slot = Slot {
    name: "client assertion",
    typ: &["", "JWT", "client-authentication+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::Kid],
};

/// The longest life of an assertion.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// How far a client's clock may be ahead.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

impl Issuer {
    pub(super) fn asserted(
        &self,
        (kind, assertion): (&str, &str),
        now: Timestamp,
    ) -> Result<KnownClient, ClientError> {
        if kind != ASSERTION_TYPE {
            return Err(ClientError::AssertionType);
        }
        let unverified = UnverifiedJws::parse(assertion).map_err(ClientError::Assertion)?;
        let algorithm = unverified.check_slot(&SLOT).map_err(ClientError::Assertion)?;
        // RFC 7523 §3(2): the subject names the client, whose keys are looked for
        let claims = unverified.danger_unverified_claims().map_err(ClientError::Assertion)?;
        let id = ClientId::new(text(&claims, "sub").ok_or(ClientError::Unknown)?);
        let client = self.rules().client(&id).ok_or(ClientError::Unknown)?;
        let ClientMethod::PrivateKey(keys) = &client.method else {
            return Err(ClientError::MethodUnsupported);
        };
        let provider = self.provider();
        let kid = unverified.header().kid.clone();
        let mut fitting = keys
            .iter()
            .filter(|key| kid.is_none() || key.kid == kid)
            .filter_map(|key| key.for_signatures(algorithm).ok());
        let verified =
            fitting.find_map(|key| unverified.clone().verify(&SLOT, key, provider).ok()).ok_or(
                ClientError::Assertion(lanyard_core::crypto::CryptoError::InvalidSignature.into()),
            )?;
        let claims = verified.claims().map_err(ClientError::Assertion)?;
        // RFC 7523 §3(1): issued by the client itself
        if text(&claims, "iss") != Some(id.as_str()) {
            return Err(ClientError::Issuer);
        }
        // FAPI 2.0 §5.3.2.1: the audience is the issuer identifier, a string
        if !is_audience(&claims, self.configuration().issuer().as_str()) {
            return Err(ClientError::Audience);
        }
        let expires_at =
            claims.get("exp").and_then(numeric_date).ok_or(ClientError::AssertionExpiryMissing)?;
        if now >= expires_at || expires_at > now + LONGEST_LIFE {
            return Err(ClientError::AssertionExpired);
        }
        let too_early = |name| {
            claims.get(name).and_then(numeric_date).is_some_and(|moment| moment > now + SKEW)
        };
        if too_early("nbf") || too_early("iat") {
            return Err(ClientError::AssertionNotYetValid);
        }
        // RFC 7523 §3(7): whether a jti was seen before a restore nobody remembers
        let issued_at = claims.get("iat").and_then(numeric_date);
        if self.restored_at().is_some_and(|restored_at| {
            expires_at <= restored_at + LONGEST_LIFE
                && issued_at.is_none_or(|issued_at| issued_at <= restored_at + SKEW)
        }) {
            return Err(ClientError::BeforeRestore);
        }
        let jti = text(&claims, "jti").filter(|jti| !jti.is_empty());
        let jti = jti.ok_or(ClientError::IdentifierMissing)?;
        let shown = ShownOnce {
            kind: ShownOnceKind::ClientAssertion,
            digest: digest(&id, jti, provider),
            until: expires_at,
        };
        let client = Client::Proven { id, instance: None };
        Ok(KnownClient { client, shown: Some(shown) })
    }
}

/// One `jti` of one client.
pub(super) fn digest(id: &ClientId, jti: &str, provider: &dyn CryptoProvider) -> [u8; 32] {
    let unique = [id.as_str().as_bytes(), b"\0", jti.as_bytes()].concat();
    let mut digest = [0; 32];
    digest.copy_from_slice(provider.hash(HashAlgorithm::Sha256, &unique).as_bytes());
    digest
}
