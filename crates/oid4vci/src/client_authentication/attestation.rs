//! Attestation-based client authentication: an attester vouches for a client instance, which proves
//! that it holds the key in the attestation (draft-ietf-oauth-attestation-based-client-auth; HAIP §4.4.1).

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, PublicKey, SignatureAlgorithm, Signer, SignerError},
    jose::{self, HeaderKey, Jwk, Slot, UnverifiedJws},
    json::{self, Object, numeric_date},
    trust::x509::CertificatePurpose,
};
use serde_json::json;

use super::{
    Client, ClientError, ClientId, ClientMethod, KnownClient, assertion::digest, is_audience, text,
};
use crate::{
    IssuerUrl,
    attestation_status::AttestationStatus,
    dpop::KeyThumbprint,
    issuer::Issuer,
    nonce::AttestationChallenge,
    once::{ShownOnce, ShownOnceKind},
};

const ATTESTATION: Slot = Slot {
    name: "client attestation",
    typ: &["oauth-client-attestation+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::X5c, HeaderKey::Kid],
};

const POP: Slot = Slot {
    name: "client attestation proof of possession",
    typ: &["oauth-client-attestation-pop+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[],
};

/// How far an attester's clock may be ahead.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What an attestation says once it was verified.
struct Attested {
    id: ClientId,
    key: PublicKey,
    status: Option<AttestationStatus>,
}

impl Issuer {
    /// Checks an attestation and its proof of possession.
    pub(super) async fn attested(
        &self,
        (attestation, pop): (&str, &str),
        now: Timestamp,
    ) -> Result<KnownClient, ClientError> {
        let Attested { id, key, status } = self.attestation(attestation, now)?;
        // RFC 7591 §2: whoever is registered with keys of its own is known by these, whatever anybody attests
        let registered = self.rules().client(&id);
        if registered.is_some_and(|client| matches!(client.method, ClientMethod::PrivateKey(_))) {
            return Err(ClientError::MethodUnsupported);
        }
        let shown = self.pop(pop, &id, &key, now)?;
        // OID4VCI 1.0 App. E: whoever attested may have taken it back; only the instance itself has lists fetched
        self.rules().attestation_statuses().accept(status.as_ref(), now).await?;
        let instance = Some(KeyThumbprint::of(&Jwk::new(key), self.provider()));
        Ok(KnownClient { client: Client::Proven { id, instance }, shown: Some(shown) })
    }

    fn attestation(&self, compact: &str, now: Timestamp) -> Result<Attested, ClientError> {
        let anchors = self.rules().attesters().ok_or(ClientError::NobodyAttests)?;
        let unverified = UnverifiedJws::parse(compact).map_err(ClientError::Attestation)?;
        unverified.check_slot(&ATTESTATION).map_err(ClientError::Attestation)?;
        // HAIP §4.4.1: the attester is known by x5c, the anchor left out
        let x5c = unverified.header().x5c.clone().ok_or(ClientError::CertificatesMissing)?;
        let chain = anchors
            .read(&x5c)
            .and_then(|chain| {
                let purpose = CertificatePurpose::CredentialSigning;
                chain.verify(anchors, purpose, now, self.provider())
            })
            .map_err(ClientError::Attester)?;
        let verified = unverified
            .verify(&ATTESTATION, chain.public_key(), self.provider())
            .map_err(ClientError::Attestation)?;
        let claims = verified.claims().map_err(ClientError::Attestation)?;
        let id = text(&claims, "sub").filter(|id| !id.is_empty());
        let id = ClientId::new(id.ok_or(ClientError::SubjectMissing)?);
        let expires_at =
            claims.get("exp").and_then(numeric_date).ok_or(ClientError::ExpiryMissing)?;
        if now >= expires_at {
            return Err(ClientError::Expired);
        }
        let too_early = |name| {
            claims.get(name).and_then(numeric_date).is_some_and(|moment| moment > now + SKEW)
        };
        if too_early("nbf") || too_early("iat") {
            return Err(ClientError::NotYetValid);
        }
        // RFC 7800 §3.2: the key of the instance, public
        let key =
            claims.get("cnf").and_then(|cnf| cnf.get("jwk")).ok_or(ClientError::KeyMissing)?;
        let key = Jwk::from_value(key).map_err(|_| ClientError::KeyMissing)?;
        if !key.is_for_signatures() {
            return Err(ClientError::KeyMissing);
        }
        let status = AttestationStatus::of(&claims, &chain)?;
        Ok(Attested { id, key: key.key, status })
    }

    fn pop(
        &self,
        compact: &str,
        id: &ClientId,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<ShownOnce, ClientError> {
        let policy = self.configuration().policy();
        let issuer = self.configuration().issuer();
        let verified = UnverifiedJws::parse(compact)
            .and_then(|pop| pop.verify(&POP, key, self.provider()))
            .map_err(ClientError::Pop)?;
        let claims = verified.claims().map_err(ClientError::Pop)?;
        // -07 §5.2: iss is the client, where it is there at all
        if claims.contains_key("iss") && text(&claims, "iss") != Some(id.as_str()) {
            return Err(ClientError::Issuer);
        }
        // §5.2: for this authorization server, by its issuer identifier
        if !is_audience(&claims, issuer.as_str()) {
            return Err(ClientError::Audience);
        }
        // the window first, then the replay: what is too old need not be remembered
        let issued_at = claims.get("iat").and_then(numeric_date).ok_or(ClientError::IssuedAt)?;
        if now.duration_since(issued_at).abs() > policy.proof_window {
            return Err(ClientError::IssuedAt);
        }
        let jti = text(&claims, "jti").filter(|jti| !jti.is_empty());
        let jti = jti.ok_or(ClientError::IdentifierMissing)?;
        // §8: whoever has a challenge endpoint is answered with a challenge
        let challenge = text(&claims, "challenge").ok_or(ClientError::Challenge(None))?;
        self.judge_challenge(&AttestationChallenge::new(challenge), now)
            .map_err(|error| ClientError::Challenge(Some(error)))?;
        Ok(ShownOnce {
            kind: ShownOnceKind::ClientAttestationPop,
            digest: digest(id, jti, self.provider()),
            until: issued_at + policy.proof_window + SignedDuration::from_secs(1),
        })
    }
}

/// What a client instance proves with the key in its attestation.
#[derive(Clone, Copy, Debug)]
pub struct AttestationPop<'a> {
    /// The client: the `sub` of the attestation.
    pub client: &'a ClientId,
    /// The authorization server.
    pub server: &'a IssuerUrl,
    /// The last challenge that it gave.
    pub challenge: Option<&'a AttestationChallenge>,
}

/// Signs a proof of possession: the wallet's half. Its `iss` is what -07 demands and -08 ignores.
///
/// # Errors
/// [`SignerError`] as the key's home gives it.
pub async fn sign_attestation_pop(
    signer: &dyn Signer,
    pop: AttestationPop<'_>,
    provider: &dyn CryptoProvider,
    now: Timestamp,
) -> Result<String, SignerError> {
    let mut header = Object::new();
    header.insert("typ".to_owned(), json!(POP.typ[0]));
    let mut identifier = [0; 16];
    provider.fill(&mut identifier);
    let mut claims = Object::new();
    claims.insert("iss".to_owned(), json!(pop.client.as_str()));
    claims.insert("aud".to_owned(), json!(pop.server.as_str()));
    claims.insert("jti".to_owned(), json!(json::base64url(identifier)));
    claims.insert("iat".to_owned(), json!(now.as_second()));
    if let Some(challenge) = pop.challenge {
        claims.insert("challenge".to_owned(), json!(challenge.reveal()));
    }
    jose::sign(header, &claims, signer).await
}
