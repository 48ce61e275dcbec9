//! Key proofs: a wallet shows that it holds the keys (OID4VCI 1.0 App. F). Here the `jwt` one; beside it
//! `di_vp`, and the key attestation that a `jwt` may carry or that is a proof of its own.

mod attestation;
pub(crate) mod di_vp;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, PublicKey, SignatureAlgorithm, Signer, SignerError},
    data_integrity::DataIntegrityError,
    did::{Did, DidMethods, DidResolver as _, DidUrl, ResolutionError},
    jose::{HeaderKey, JoseHeader, Jwk, JwsError, Slot, UnverifiedJws},
    json::{self, Object, numeric_date},
    trust::x509::{CertificateChain, ChainError, TrustAnchors},
};
use serde_json::{Value, json};
use thiserror::Error;

pub(crate) use attestation::x5c;
pub use attestation::{AttestationDraft, AttestationError, AttestationRequirement};
pub use di_vp::sign_di_vp;

use attestation::{AttestationRules, Expiry, VerifiedAttestation};

use crate::{
    IssuerUrl,
    attestation_status::{AttestationStatus, AttestationStatuses},
    client_authentication::ClientId,
    nonce::{NonceError, NonceKey, ProofNonce},
};

/// The slot of a key proof.
const SLOT: Slot = Slot {
    name: "key proof",
    typ: &["openid4vci-proof+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::Jwk, HeaderKey::Kid, HeaderKey::X5c],
};

/// The longest key proof that is read.
const MAX_LENGTH: usize = 64 * 1024;

/// What an issuer expects of a key proof.
#[derive(Debug)]
pub struct ProofRules<'a> {
    /// The credential issuer the proof has to be for.
    pub issuer: &'a IssuerUrl,
    /// The client that the access token was issued to; none is anonymous access.
    pub client: Option<&'a ClientId>,
    /// The algorithms that the metadata names.
    pub algorithms: &'a [SignatureAlgorithm],
    /// What judges the nonce.
    pub nonces: &'a NonceKey,
    /// How long a nonce lives.
    pub nonce_life: SignedDuration,
    /// How far `iat` may be from the issuer's clock, either way.
    pub window: SignedDuration,
    /// Who is believed about keys.
    pub attesters: &'a TrustAnchors,
    /// What keys must be attested to be; none when no attestation is demanded.
    pub attestation: Option<&'a AttestationRequirement>,
    /// Who knows what became of key attestations.
    pub statuses: &'a AttestationStatuses,
}

impl ProofRules<'_> {
    fn attestation_rules(&self, expiry: Expiry) -> AttestationRules<'_> {
        let (attesters, algorithms) = (self.attesters, self.algorithms);
        AttestationRules { attesters, algorithms, requirement: self.attestation, expiry }
    }

    fn accept_nonce(
        &self,
        nonce: &ProofNonce,
        provider: &dyn CryptoProvider,
        now: Timestamp,
    ) -> Result<(), KeyProofError> {
        Ok(self.nonces.verify(nonce, self.issuer, self.nonce_life, now, provider)?)
    }

    /// App. D.1: whoever attested may have taken it back; last, as lists may have to be fetched.
    async fn accept_status(
        &self,
        status: Option<&AttestationStatus>,
        now: Timestamp,
    ) -> Result<(), KeyProofError> {
        Ok(self.statuses.accept(status, now).await.map_err(AttestationError::Status)?)
    }
}

/// Why a key proof was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyProofError {
    /// Longer than any key proof is.
    #[error("the key proof is too long")]
    TooLong,
    /// Broken as a JWS: form, `typ`, `alg`, header or signature.
    #[error("the key proof is refused: {0}")]
    Jws(#[from] JwsError),
    /// Not exactly one of `jwk`, `kid` and `x5c`.
    #[error("the key proof has not exactly one of jwk, kid and x5c")]
    NotExactlyOneKey,
    /// The `jwk` is reserved for something else than signatures.
    #[error("the key proof's jwk is not for signatures")]
    KeyForSomethingElse,
    /// The `x5c` cannot be read, or is about a key that cannot be used.
    #[error("the key proof's x5c is refused: {0}")]
    Certificates(ChainError),
    /// No key attestation where one is demanded.
    #[error("the keys have to be attested")]
    AttestationMissing,
    /// The key attestation is refused.
    #[error("{0}")]
    Attestation(#[from] AttestationError),
    /// The key attestation is about other keys.
    #[error("the key proof's key is not among attested_keys")]
    NotAttested,
    /// The Data Integrity proof is refused.
    #[error("the key proof is refused: {0}")]
    DataIntegrity(#[from] DataIntegrityError),
    /// The holder of the presentation is not whoever signed it.
    #[error("holder is not the controller of the verification method")]
    Holder,
    /// `kid` is no DID URL of a method that carries its key in itself.
    #[error("kid is not a did:key or did:jwk URL")]
    KidUnsupported,
    /// The DID in `kid` leads to no key.
    #[error("kid leads to no key: {0}")]
    Kid(ResolutionError),
    /// An algorithm that the metadata does not name for this configuration.
    #[error("the key proof has an algorithm that the metadata does not name")]
    AlgorithmNotOffered,
    /// `aud` is not exactly the credential issuer identifier.
    #[error("aud is not the credential issuer identifier")]
    Audience,
    /// `iat` is missing or not a number.
    #[error("iat is missing or not a number")]
    IssuedAtMissing,
    /// `iat` is too far from now.
    #[error("iat is too far from now")]
    IssuedAtOutsideWindow,
    /// `iss` names another client than the access token was issued to; anonymous access has none.
    #[error(
        "iss must be the client that the token was issued to, and left out for anonymous access"
    )]
    IssuerPresent,
    /// `nonce` is missing or not a string.
    #[error("nonce is missing")]
    NonceMissing,
    /// The nonce is not good.
    #[error("{0}")]
    Nonce(#[from] NonceError),
}

impl KeyProofError {
    /// The error code for the peer (§8.3.1.2): a bad nonce alone has a code of its own.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Nonce(_) => "invalid_nonce",
            _ => "invalid_proof",
        }
    }

    /// The stable reason for the operator and the trail.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLong => "proof_too_long",
            Self::Jws(JwsError::Signature(_)) => "proof_signature",
            Self::Jws(JwsError::WrongType(_)) => "proof_typ",
            Self::Jws(JwsError::AlgorithmNotAllowed(_)) | Self::AlgorithmNotOffered => "proof_alg",
            Self::Jws(_) => "proof_malformed",
            Self::NotExactlyOneKey => "proof_key_ambiguous",
            Self::KeyForSomethingElse => "proof_key_purpose",
            Self::KidUnsupported | Self::Kid(_) => "proof_kid",
            Self::Certificates(_) => "proof_x5c",
            Self::AttestationMissing => "attestation_missing",
            Self::Attestation(error) => error.reason(),
            Self::NotAttested => "proof_key_not_attested",
            Self::DataIntegrity(error) => error.code(),
            Self::Holder => "proof_holder",
            Self::Audience => "proof_aud",
            Self::IssuedAtMissing => "proof_iat_missing",
            Self::IssuedAtOutsideWindow => "proof_iat_window",
            Self::IssuerPresent => "proof_iss_present",
            Self::NonceMissing => "proof_nonce_missing",
            Self::Nonce(NonceError::Unknown) => "nonce_unknown",
            Self::Nonce(NonceError::Expired) => "nonce_expired",
        }
    }
}

/// A key proof as it came; nothing in it is trusted.
#[derive(Clone, Debug)]
pub struct UnverifiedKeyProof<'t>(UnverifiedJws<'t>);

/// A key whose holder answered this issuer's nonce with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedKeyProof {
    key: PublicKey,
    did: Option<Did>,
    attested: Vec<Jwk>,
}

impl<'t> UnverifiedKeyProof<'t> {
    /// Splits and decodes a key proof.
    ///
    /// # Errors
    /// [`KeyProofError::TooLong`] and [`KeyProofError::Jws`].
    pub fn parse(compact: &'t str) -> Result<Self, KeyProofError> {
        if compact.len() > MAX_LENGTH {
            return Err(KeyProofError::TooLong);
        }
        Ok(Self(UnverifiedJws::parse(compact)?))
    }

    /// Checks everything App. F.4 lists.
    ///
    /// # Errors
    /// One [`KeyProofError`] per rule.
    pub async fn verify(
        self,
        rules: &ProofRules<'_>,
        provider: &Arc<dyn CryptoProvider>,
        now: Timestamp,
    ) -> Result<VerifiedKeyProof, KeyProofError> {
        // App. F.1: exactly one of kid, jwk and x5c
        if self.0.header().header_keys().count() != 1 {
            return Err(KeyProofError::NotExactlyOneKey);
        }
        // App. F.4: explicitly typed, and the algorithm is one that the metadata names
        let algorithm = self.0.check_slot(&SLOT)?;
        if !rules.algorithms.contains(&algorithm) {
            return Err(KeyProofError::AlgorithmNotOffered);
        }
        // App. F.1: what the wallet's provider vouches for
        let attestation = self.attestation(rules, &**provider, now)?;
        let (key, did) = named_key(self.0.header(), attestation.as_ref(), provider).await?;
        // App. F.4: the signature verifies with the key in the header
        let claims = self.0.verify(&SLOT, &key, &**provider)?.claims()?;
        accept_claims(&claims, rules, &**provider, now)?;
        let attested = match attestation {
            None => Vec::new(),
            // App. F.1: the key of the proof is one of those that are attested
            Some(attestation) if !attestation.is_about(&key) => {
                return Err(KeyProofError::NotAttested);
            }
            Some(VerifiedAttestation { keys, nonce, status }) => {
                // App. D.1: a nonce in the attestation is the issuer's
                nonce.map(|nonce| rules.accept_nonce(&nonce, &**provider, now)).transpose()?;
                rules.accept_status(status.as_ref(), now).await?;
                keys
            }
        };
        Ok(VerifiedKeyProof { key, did, attested })
    }

    /// The attestation in the header, if it is demanded or can be judged.
    fn attestation(
        &self,
        rules: &ProofRules<'_>,
        provider: &dyn CryptoProvider,
        now: Timestamp,
    ) -> Result<Option<VerifiedAttestation>, KeyProofError> {
        let compact = match self.0.header().members.get("key_attestation") {
            None if rules.attestation.is_some() => return Err(KeyProofError::AttestationMissing),
            None => return Ok(None),
            // nobody asked for it, and nobody is believed about it
            Some(_) if rules.attestation.is_none() && rules.attesters.is_empty() => {
                return Ok(None);
            }
            Some(Value::String(compact)) => compact,
            Some(_) => return Err(AttestationError::Jws(JwsError::Malformed).into()),
        };
        let rules = rules.attestation_rules(Expiry::Required);
        Ok(Some(VerifiedAttestation::verify(compact, &rules, provider, now)?))
    }
}

/// Checks an `attestation` key proof: the keys are vouched for, and none of them signs (App. F.3).
///
/// # Errors
/// One [`KeyProofError`] per rule.
pub async fn verify_attestation(
    compact: &str,
    rules: &ProofRules<'_>,
    provider: &dyn CryptoProvider,
    now: Timestamp,
) -> Result<Vec<Jwk>, KeyProofError> {
    if compact.len() > MAX_LENGTH {
        return Err(KeyProofError::TooLong);
    }
    let expected = rules.attestation_rules(Expiry::Optional);
    let VerifiedAttestation { keys, nonce, status } =
        VerifiedAttestation::verify(compact, &expected, provider, now)?;
    // App. F.3: with a nonce endpoint, the nonce makes it fresh
    rules.accept_nonce(&nonce.ok_or(KeyProofError::NonceMissing)?, provider, now)?;
    rules.accept_status(status.as_ref(), now).await?;
    Ok(keys)
}

impl VerifiedKeyProof {
    /// The holder's key, as a credential binds to it.
    pub const fn holder_key(&self) -> Jwk {
        Jwk::new(self.key)
    }

    /// The key itself, to compare.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The keys that were attested together with it; empty without an attestation.
    pub fn attested(&self) -> &[Jwk] {
        &self.attested
    }

    /// The DID that named the key, if one did.
    pub const fn did(&self) -> Option<&Did> {
        self.did.as_ref()
    }
}

async fn named_key(
    header: &JoseHeader,
    attestation: Option<&VerifiedAttestation>,
    provider: &Arc<dyn CryptoProvider>,
) -> Result<(PublicKey, Option<Did>), KeyProofError> {
    if let Some(x5c) = &header.x5c {
        // App. F.1: the key is that of the first certificate; nobody is asked to believe its names
        let chain = CertificateChain::from_x5c(x5c).map_err(KeyProofError::Certificates)?;
        let key = chain.danger_leaf_key(&**provider).map_err(KeyProofError::Certificates)?;
        return Ok((key, None));
    }
    match (&header.jwk, &header.kid) {
        // RFC 7517 §4.2 to §4.4: a key that is for something else signs no key proof
        (Some(jwk), _) if !jwk.is_for_signatures() => Err(KeyProofError::KeyForSomethingElse),
        (Some(jwk), _) => Ok((jwk.key, None)),
        (None, Some(kid)) => {
            if let Some(key) = attestation.and_then(|attestation| attested_key(attestation, kid)) {
                return Ok((key, None));
            }
            // App. F.1: a kid is a DID URL; nothing is fetched for a stranger before the signature holds
            let url = DidUrl::parse(kid).map_err(|_| KeyProofError::KidUnsupported)?;
            if !matches!(url.did().method(), "key" | "jwk") {
                return Err(KeyProofError::KidUnsupported);
            }
            let methods = DidMethods::new(Arc::clone(provider));
            let document = methods.resolve(url.did()).await.map_err(KeyProofError::Kid)?;
            let key = *document.authentication(&url).map_err(KeyProofError::Kid)?;
            Ok((key, Some(url.did().clone())))
        }
        (None, None) => Err(KeyProofError::NotExactlyOneKey),
    }
}

/// App. F.1: beside an attestation, `kid` may name one of its keys, by its `kid` or its place.
fn attested_key(attestation: &VerifiedAttestation, kid: &str) -> Option<PublicKey> {
    let by_name = attestation.keys.iter().find(|key| key.kid.as_deref() == Some(kid));
    let by_place = || kid.parse::<usize>().ok().and_then(|place| attestation.keys.get(place));
    by_name.or_else(by_place).map(|key| key.key)
}

fn accept_claims(
    claims: &Object,
    rules: &ProofRules<'_>,
    provider: &dyn CryptoProvider,
    now: Timestamp,
) -> Result<(), KeyProofError> {
    // App. F.1: aud is the credential issuer identifier, a string
    if claims.get("aud").and_then(Value::as_str) != Some(rules.issuer.as_str()) {
        return Err(KeyProofError::Audience);
    }
    // App. F.1: iss may be the client_id, and must be omitted when the token was got anonymously
    let client = rules.client.map(ClientId::as_str);
    if claims.get("iss").is_some_and(|iss| client.is_none() || iss.as_str() != client) {
        return Err(KeyProofError::IssuerPresent);
    }
    // App. F.4: the proof was made within the window the issuer accepts
    let issued_at =
        claims.get("iat").and_then(numeric_date).ok_or(KeyProofError::IssuedAtMissing)?;
    if now.duration_since(issued_at).abs() > rules.window {
        return Err(KeyProofError::IssuedAtOutsideWindow);
    }
    // §8.3.1.2: a missing nonce is an invalid proof, a wrong one is an invalid nonce
    let nonce = claims.get("nonce").and_then(Value::as_str).ok_or(KeyProofError::NonceMissing)?;
    rules.accept_nonce(&ProofNonce::new(nonce), provider, now)
}

/// A `jwt` key proof about to be signed: the wallet's half.
#[derive(Clone, Debug)]
pub struct KeyProofDraft<'a> {
    /// The credential issuer.
    pub issuer: &'a IssuerUrl,
    /// Its nonce, where it has a nonce endpoint.
    pub nonce: Option<&'a ProofNonce>,
    /// The moment of signing.
    pub now: Timestamp,
    /// The DID URL that names the key; without one the key itself is in the header.
    pub key_id: Option<DidUrl>,
    /// A key attestation that the key is in.
    pub attestation: Option<&'a str>,
}

impl KeyProofDraft<'_> {
    /// Signs the proof with the holder's key.
    ///
    /// # Errors
    /// [`SignerError`] as the key's home gives it.
    pub async fn sign(&self, signer: &dyn Signer) -> Result<String, SignerError> {
        let unsigned = self.unsigned(signer);
        let signature = signer.sign(unsigned.as_bytes()).await?;
        Ok(signed(unsigned, &signature))
    }

    /// What is signed: header and claims, for whoever has many signed at once.
    pub(crate) fn unsigned(&self, signer: &dyn Signer) -> String {
        let mut header = Object::new();
        header.insert("alg".to_owned(), json!(signer.algorithm().name()));
        header.insert("typ".to_owned(), json!(SLOT.typ[0]));
        match &self.key_id {
            Some(url) => header.insert("kid".to_owned(), url.to_string().into()),
            None => header.insert("jwk".to_owned(), Jwk::new(*signer.public_key()).to_value()),
        };
        if let Some(attestation) = self.attestation {
            header.insert("key_attestation".to_owned(), attestation.into());
        }
        // App. F.1: aud, iat, and the nonce where the issuer has a nonce endpoint; no iss when anonymous
        let mut claims = Object::new();
        claims.insert("aud".to_owned(), json!(self.issuer.as_str()));
        claims.insert("iat".to_owned(), json!(self.now.as_second()));
        if let Some(nonce) = self.nonce {
            claims.insert("nonce".to_owned(), json!(nonce.reveal()));
        }
        let part = |part: Object| json::base64url(Value::Object(part).to_string().as_bytes());
        [part(header), part(claims)].join(".")
    }
}

/// A proof with its signature.
pub(crate) fn signed(unsigned: String, signature: &[u8]) -> String {
    unsigned + "." + &json::base64url(signature)
}
