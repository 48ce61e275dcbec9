//! The verifiers that a wallet knows something about before they ask (OID4VP 1.0 §5.9, §12).

use std::{fmt, sync::Arc};

use lanyard_core::{
    Timestamp,
    crypto::{CryptoProvider, PublicKey, SignatureAlgorithm},
    did::{Did, DidMethods, DidResolver, DidUrl},
    jose::{HeaderKey, JoseHeader, Jwk, Slot, UnverifiedJws},
    json::{Object, numeric_date},
};
use serde_json::Value;

use crate::{
    ClientId,
    request::{RequestError, VerifierStatement},
};

/// How far the clock of an attester may be off, in seconds.
const LEEWAY: i64 = 60;

/// Whom a wallet knows, and through whom it gets to know others.
#[derive(Clone, Default)]
pub struct KnownVerifiers {
    resolver: Option<Arc<dyn DidResolver>>,
    attesters: Vec<Attester>,
    registered: Vec<RegisteredVerifier>,
}

/// Somebody who is believed about verifiers.
#[derive(Clone, Debug)]
pub struct Attester {
    /// The `iss` of its attestations.
    pub issuer: String,
    /// Its keys.
    pub keys: Vec<Jwk>,
}

/// A verifier that was registered with the wallet (§5.9.2).
#[derive(Clone, Debug)]
pub struct RegisteredVerifier {
    /// The client identifier, which has no prefix.
    pub client_id: ClientId,
    /// Its name for people.
    pub name: String,
    /// The keys its requests are signed with; without one its requests come unsigned.
    pub keys: Vec<Jwk>,
    /// Where its responses may go.
    pub response_uris: Vec<String>,
    /// Its `client_metadata`; without, the request has it.
    pub metadata: Option<Value>,
}

/// What is allowed of a verifier attestation (§12).
const SLOT: Slot = Slot {
    name: "verifier attestation",
    typ: &["verifier-attestation+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::Kid],
};

/// What a verified attestation says.
pub(crate) struct Attested {
    pub(crate) key: PublicKey,
    pub(crate) issuer: String,
    places: Option<Vec<Value>>,
}

impl KnownVerifiers {
    /// Nobody; DIDs that carry their keys are resolved all the same.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With another resolver for the DIDs of verifiers.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn DidResolver>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// With somebody who is believed about verifiers.
    #[must_use]
    pub fn with_attester(mut self, attester: Attester) -> Self {
        self.attesters.push(attester);
        self
    }

    /// With a verifier that is registered.
    #[must_use]
    pub fn with_registered(mut self, verifier: RegisteredVerifier) -> Self {
        self.registered.push(verifier);
        self
    }

    /// The client identifier prefixes that a request may come with (§10.1).
    pub(super) fn prefixes(&self) -> Vec<&'static str> {
        let always = ["redirect_uri", "x509_san_dns", "x509_hash", "decentralized_identifier"];
        let attested = (!self.attesters.is_empty()).then_some("verifier_attestation");
        let registered = (!self.registered.is_empty()).then_some("pre-registered");
        always.into_iter().chain(attested).chain(registered).collect()
    }

    pub(super) fn registered(
        &self,
        client: &ClientId,
    ) -> Result<&RegisteredVerifier, RequestError> {
        let own = |known: &&RegisteredVerifier| known.client_id == *client;
        self.registered.iter().find(own).ok_or(RequestError::NotRegistered)
    }

    /// The key of a DID that a request is signed with.
    pub(super) async fn key_of_did(
        &self,
        did: &Did,
        header: &JoseHeader,
        provider: &Arc<dyn CryptoProvider>,
    ) -> Result<PublicKey, RequestError> {
        // OID4VP 1.0 §5.9.3: the key is identified by `kid`
        let url = header.kid.as_deref().and_then(|kid| DidUrl::parse(kid).ok());
        let url = url.filter(|url| url.did() == did).ok_or(RequestError::KeyId)?;
        let document = match &self.resolver {
            Some(resolver) => resolver.resolve(did).await?,
            None => DidMethods::new(Arc::clone(provider)).resolve(did).await?,
        };
        // OID4VP 1.0 §5.9.3: obtained from `verificationMethod`
        let methods = document.verification_methods().iter();
        let key = methods.filter(|method| method.id == url).find_map(|method| method.key);
        key.ok_or(RequestError::KeyId)
    }

    /// Verifies the attestation in the header of a request (§12).
    pub(super) fn attested(
        &self,
        header: &JoseHeader,
        name: &str,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<Attested, RequestError> {
        let attestation = header.members.get("jwt").and_then(Value::as_str);
        let attestation = attestation.ok_or(RequestError::AttestationMissing)?;
        let parsed = || UnverifiedJws::parse(attestation).map_err(RequestError::Attestation);
        let claims = parsed()?.danger_unverified_claims().map_err(RequestError::Attestation)?;
        // OID4VP 1.0 §5.9.3: `iss` is a party that the wallet trusts for attestations
        let issuer = claims.get("iss").and_then(Value::as_str);
        let attester = self.attesters.iter().find(|known| Some(known.issuer.as_str()) == issuer);
        let attester = attester.ok_or(RequestError::AttestationIssuer)?;
        let kid = parsed()?.header().kid.clone();
        let key = only_key(&attester.keys, kid.as_deref());
        let key = key.ok_or(RequestError::AttestationIssuer)?;
        let verified = parsed()?.verify(&SLOT, &key, provider);
        let claims =
            verified.and_then(|verified| verified.claims()).map_err(RequestError::Attestation)?;
        // OID4VP 1.0 §5.9.3: `sub` is the client identifier without its prefix
        if claims.get("sub").and_then(Value::as_str) != Some(name) {
            return Err(RequestError::AttestationSubject);
        }
        check_times(&claims, now)?;
        // OID4VP 1.0 §12: `cnf` has the key that the request is signed with
        let jwk = claims.get("cnf").and_then(|cnf| cnf.get("jwk"));
        let jwk = jwk.and_then(|jwk| Jwk::from_value(jwk).ok()).filter(Jwk::is_for_signatures);
        let places = match claims.get("redirect_uris") {
            None => None,
            Some(Value::Array(places)) => Some(places.clone()),
            Some(_) => return Err(RequestError::AttestationPlace),
        };
        let key = jwk.ok_or(RequestError::AttestationKey)?.key;
        Ok(Attested { key, issuer: attester.issuer.clone(), places })
    }
}

impl RegisteredVerifier {
    /// What it says of itself, with what it registered before everything else.
    pub(super) fn statement(&self, said: VerifierStatement) -> VerifierStatement {
        self.metadata.iter().fold(said, VerifierStatement::with_registered)
    }
}

impl Attested {
    /// OID4VP 1.0 §5.9.3: where places are listed, the response goes to one of them.
    pub(super) fn check_place(&self, response_uri: &str) -> Result<(), RequestError> {
        match &self.places {
            Some(places) if !places.iter().any(|place| place == response_uri) => {
                Err(RequestError::AttestationPlace)
            }
            _ => Ok(()),
        }
    }
}

/// OID4VP 1.0 §12: `exp` is REQUIRED, `nbf` and `iat` count where they are there.
fn check_times(claims: &Object, now: Timestamp) -> Result<(), RequestError> {
    let moment = |name| match claims.get(name) {
        None => Ok(None),
        Some(value) => match numeric_date(value) {
            Some(at) => Ok(Some(at.as_second())),
            None => Err(RequestError::AttestationTime),
        },
    };
    let ends = moment("exp")?.ok_or(RequestError::AttestationTime)?;
    let starts = moment("nbf")?.max(moment("iat")?);
    let now = now.as_second();
    if ends + LEEWAY <= now || starts.is_some_and(|starts| starts > now + LEEWAY) {
        return Err(RequestError::AttestationTime);
    }
    Ok(())
}

/// The key that a `kid` names, or the only one where there is none.
pub(super) fn only_key(keys: &[Jwk], kid: Option<&str>) -> Option<PublicKey> {
    match (kid, keys) {
        (Some(kid), keys) => {
            keys.iter().find(|jwk| jwk.kid.as_deref() == Some(kid)).map(|jwk| jwk.key)
        }
        (None, [only]) => Some(only.key),
        (None, _) => None,
    }
}

impl fmt::Debug for KnownVerifiers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (attesters, registered) = (self.attesters.len(), self.registered.len());
        write!(out, "KnownVerifiers({attesters} attesters, {registered} registered)")
    }
}
