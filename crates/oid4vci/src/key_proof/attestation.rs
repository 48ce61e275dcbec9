//! The key attestation: somebody vouches for where keys live and how they are unlocked (OID4VCI 1.0 App. D).

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, PublicKey, SignatureAlgorithm, Signer, SignerError},
    jose::{self, HeaderKey, Jwk, JwkError, JwsError, Slot, UnverifiedJws},
    json::{Object, numeric_date},
    trust::x509::{CertificatePurpose, ChainError, TrustAnchors},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    attestation_status::{AttestationStatus, AttestationStatusError},
    nonce::ProofNonce,
};

/// The slot of a key attestation; who signed it, the certificates alone say (HAIP §4.5.1).
const SLOT: Slot = Slot {
    name: "key attestation",
    typ: &["key-attestation+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::X5c],
};

/// How far the clock of an attester may be ahead.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// The most keys that one attestation may be about.
const MAX_KEYS: usize = 64;

/// What an issuer demands of the keys that it binds credentials to (`key_attestations_required`,
/// §12.2.4); empty lists demand an attestation of whatever level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationRequirement {
    /// The levels of key storage that are accepted, such as `iso_18045_high`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_storage: Vec<String>,
    /// The levels of user authentication that are accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_authentication: Vec<String>,
}

/// Why a key attestation was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AttestationError {
    /// Broken as a JWS: form, `typ`, `alg`, header or signature.
    #[error("the key attestation is refused: {0}")]
    Jws(#[from] JwsError),
    /// An algorithm that the metadata does not name for this configuration.
    #[error("the key attestation has an algorithm that the metadata does not name")]
    AlgorithmNotOffered,
    /// No `x5c`.
    #[error("the key attestation has no x5c")]
    NoCertificates,
    /// The chain leads to nobody who is believed.
    #[error("the key attestation's certificates are refused: {0}")]
    Chain(#[from] ChainError),
    /// `iat` is missing or in the future.
    #[error("the key attestation's iat is missing or in the future")]
    IssuedAt,
    /// `exp` is missing where it must be there.
    #[error("the key attestation has no exp")]
    ExpiryMissing,
    /// `exp` has passed.
    #[error("the key attestation has expired")]
    Expired,
    /// `attested_keys` is no list of keys for signatures, each once.
    #[error("attested_keys is not a list of different keys")]
    Keys,
    /// One of `attested_keys` is no acceptable public key.
    #[error("one of attested_keys is refused: {0}")]
    Key(#[from] JwkError),
    /// The keys are kept in another way than is accepted.
    #[error("key_storage is none of those that are accepted")]
    KeyStorage,
    /// The keys are unlocked in another way than is accepted.
    #[error("user_authentication is none of those that are accepted")]
    UserAuthentication,
    /// Whoever attested took it back, or nobody can tell.
    #[error("the key attestation is refused: {0}")]
    Status(#[from] AttestationStatusError),
    /// `nonce` is not a string.
    #[error("the key attestation's nonce is malformed")]
    Nonce,
}

impl AttestationError {
    /// The stable reason for the operator and the trail.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Jws(JwsError::Signature(_)) => "attestation_signature",
            Self::Jws(JwsError::WrongType(_)) => "attestation_typ",
            Self::Jws(JwsError::AlgorithmNotAllowed(_)) | Self::AlgorithmNotOffered => {
                "attestation_alg"
            }
            Self::Jws(_) => "attestation_malformed",
            Self::NoCertificates | Self::Chain(_) => "attestation_not_trusted",
            Self::IssuedAt => "attestation_iat",
            Self::ExpiryMissing => "attestation_exp_missing",
            Self::Expired => "attestation_expired",
            Self::Keys | Self::Key(_) => "attestation_keys",
            Self::KeyStorage => "attestation_key_storage",
            Self::UserAuthentication => "attestation_user_authentication",
            Self::Status(error) => error.reason(),
            Self::Nonce => "attestation_nonce",
        }
    }
}

/// Whether a key attestation must say when it ends (App. D.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    Required,
    Optional,
}

/// What an issuer expects of a key attestation.
pub(crate) struct AttestationRules<'a> {
    pub(crate) attesters: &'a TrustAnchors,
    pub(crate) algorithms: &'a [SignatureAlgorithm],
    pub(crate) requirement: Option<&'a AttestationRequirement>,
    pub(crate) expiry: Expiry,
}

/// Keys that somebody who is believed vouches for.
pub(crate) struct VerifiedAttestation {
    pub(crate) keys: Vec<Jwk>,
    pub(crate) nonce: Option<ProofNonce>,
    /// Where it is written whether it was taken back; not looked at yet.
    pub(crate) status: Option<AttestationStatus>,
}

impl VerifiedAttestation {
    /// Checks everything that App. D.1 demands but the nonce and the status, which are the business of the proof.
    pub(crate) fn verify(
        compact: &str,
        rules: &AttestationRules<'_>,
        provider: &dyn CryptoProvider,
        now: Timestamp,
    ) -> Result<Self, AttestationError> {
        let jws = UnverifiedJws::parse(compact)?;
        let algorithm = jws.check_slot(&SLOT)?;
        // App. F.4: also the attestation's algorithm is one that the metadata names
        if !rules.algorithms.contains(&algorithm) {
            return Err(AttestationError::AlgorithmNotOffered);
        }
        // HAIP §4.5.1: x5c to a trust anchor that is not in it, and no self-signed signer
        let x5c = jws.header().x5c.as_deref().ok_or(AttestationError::NoCertificates)?;
        let purpose = CertificatePurpose::CredentialSigning;
        let chain = rules.attesters.read(x5c)?;
        let chain = chain.verify(rules.attesters, purpose, now, provider)?;
        let claims = jws.verify(&SLOT, chain.public_key(), provider)?.claims()?;

        let time = |name: &str| claims.get(name).map(numeric_date);
        // App. D.1: iat is required
        match time("iat").flatten() {
            Some(issued_at) if now.duration_until(issued_at) <= LEEWAY => {}
            _ => return Err(AttestationError::IssuedAt),
        }
        // App. D.1: exp is required with the jwt proof type; on or after it nothing is believed
        match time("exp") {
            None if rules.expiry == Expiry::Required => {
                return Err(AttestationError::ExpiryMissing);
            }
            None => {}
            Some(Some(end)) if now < end => {}
            Some(_) => return Err(AttestationError::Expired),
        }
        let requirement = rules.requirement.cloned().unwrap_or_default();
        if !accepted(&requirement.key_storage, claims.get("key_storage")) {
            return Err(AttestationError::KeyStorage);
        }
        if !accepted(&requirement.user_authentication, claims.get("user_authentication")) {
            return Err(AttestationError::UserAuthentication);
        }
        let nonce = match claims.get("nonce") {
            None => None,
            Some(Value::String(nonce)) => Some(ProofNonce::new(nonce.as_str())),
            Some(_) => return Err(AttestationError::Nonce),
        };
        let status = AttestationStatus::of(&claims, &chain)?;
        Ok(Self { keys: attested_keys(&claims)?, nonce, status })
    }

    /// Whether it is about this key.
    pub(crate) fn is_about(&self, key: &PublicKey) -> bool {
        self.keys.iter().any(|attested| attested.key == *key)
    }
}

/// §12.2.4: what is required are the values that are accepted, so one of them is enough.
fn accepted(accepted: &[String], stated: Option<&Value>) -> bool {
    let stated = stated.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_accepted =
        |one: &Value| one.as_str().is_some_and(|one| accepted.iter().any(|a| a == one));
    accepted.is_empty() || stated.iter().any(is_accepted)
}

/// App. D.1: a non-empty array of public keys.
fn attested_keys(claims: &Object) -> Result<Vec<Jwk>, AttestationError> {
    let keys = claims.get("attested_keys").and_then(Value::as_array);
    let keys = keys.filter(|keys| !keys.is_empty() && keys.len() <= MAX_KEYS);
    let keys = keys.ok_or(AttestationError::Keys)?;
    let keys = keys.iter().map(Jwk::from_value).collect::<Result<Vec<_>, _>>()?;
    let repeated =
        |(place, key): (usize, &Jwk)| keys[..place].iter().any(|other| other.key == key.key);
    if keys.iter().enumerate().any(repeated) || !keys.iter().all(Jwk::is_for_signatures) {
        return Err(AttestationError::Keys);
    }
    Ok(keys)
}

/// What a key attestation says: for whoever attests.
#[derive(Clone, Debug)]
pub struct AttestationDraft {
    /// The keys.
    pub keys: Vec<PublicKey>,
    /// Where they live.
    pub key_storage: Vec<String>,
    /// How they are unlocked.
    pub user_authentication: Vec<String>,
    /// The issuer's nonce.
    pub nonce: Option<String>,
    /// When it is made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl AttestationDraft {
    /// Signs the attestation; `chain` is the attester's certificate first, the anchor left out.
    ///
    /// # Errors
    /// [`SignerError`] as the attester's key gives it.
    pub async fn sign(self, signer: &dyn Signer, chain: &[Vec<u8>]) -> Result<String, SignerError> {
        let keys: Vec<_> = self.keys.iter().map(|key| Jwk::new(*key).to_value()).collect();
        let mut claims = Object::new();
        claims.insert("iat".to_owned(), json!(self.issued_at.as_second()));
        claims.insert("exp".to_owned(), json!(self.expires_at.as_second()));
        claims.insert("attested_keys".to_owned(), Value::Array(keys));
        for (name, levels) in
            [("key_storage", self.key_storage), ("user_authentication", self.user_authentication)]
        {
            if !levels.is_empty() {
                claims.insert(name.to_owned(), json!(levels));
            }
        }
        if let Some(nonce) = self.nonce {
            claims.insert("nonce".to_owned(), nonce.into());
        }
        let header = Object::from_iter([
            ("typ".to_owned(), json!(SLOT.typ[0])),
            ("x5c".to_owned(), x5c(chain)),
        ]);
        jose::sign(header, &claims, signer).await
    }
}

/// RFC 7515 §4.1.6: base64, not base64url, of DER.
pub(crate) fn x5c(chain: &[Vec<u8>]) -> Value {
    let standard = |der: &Vec<u8>| {
        let text = lanyard_core::json::base64url(der).replace('-', "+").replace('_', "/");
        let padding = "=".repeat(text.len().wrapping_neg() % 4);
        Value::from(text + &padding)
    };
    chain.iter().map(standard).collect()
}
