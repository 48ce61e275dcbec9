//! The credential request and response (OID4VCI 1.0 §8).

use lanyard_core::json::{self, Object};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::{
    CredentialConfigurationId, CredentialIdentifier, NotificationId, configuration::ProofType,
    description::ErrorBody, encryption::WantedEncryption, key_proof::KeyProofError,
};

/// What a wallet asks for, and the keys it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRequest {
    /// Which credential.
    pub wanted: Wanted,
    /// The key proofs, if there are any.
    pub proofs: Option<Proofs>,
    /// How the answer is to be encrypted, if it is.
    pub encryption: Option<WantedEncryption>,
}

/// How a request names its credential: one way or the other, never both (§8.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `credential_configuration_id`: the token response had no authorization details.
    Configuration(CredentialConfigurationId),
    /// `credential_identifier`: the token response named it.
    Identifier(CredentialIdentifier),
}

/// The key proofs of a request, by proof type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proofs {
    /// `jwt`: compact JWS, one per key; not empty.
    Jwt(Vec<String>),
    /// `attestation`: one key attestation.
    Attestation(String),
    /// `di_vp`: presentations, one per key; not empty.
    DiVp(Vec<Object>),
}

/// A successful credential response (§8.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialResponse {
    /// One per key proof at most.
    pub credentials: Vec<CredentialInResponse>,
    /// To tell the issuer with what became of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_id: Option<NotificationId>,
}

/// One credential of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialInResponse {
    /// The credential; a string for SD-JWT VC.
    pub credential: Value,
}

/// Why a credential request was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CredentialError {
    /// The access token has expired; RFC 6750 §3.1 rules the answer.
    #[error("the access token has expired")]
    AccessTokenExpired,
    /// Not strict JSON of the right shape.
    #[error("the credential request cannot be read")]
    Malformed,
    /// Not exactly one of the two names.
    #[error(
        "the request needs exactly one of credential_identifier and credential_configuration_id"
    )]
    NotExactlyOneName,
    /// A configuration was named although the token response gave identifiers.
    #[error("the token response named credential identifiers: the request must use one")]
    IdentifierExpected,
    /// An identifier was named although the token response gave none.
    #[error(
        "the token response named no credential identifiers: the request must name a configuration"
    )]
    ConfigurationExpected,
    /// No such configuration.
    #[error("the credential configuration is unknown")]
    UnknownConfiguration,
    /// No such identifier.
    #[error("the credential identifier is unknown")]
    UnknownIdentifier,
    /// A configuration of this issuer that the access token gives no right to.
    #[error("the access token gives no right to this credential")]
    NotOffered,
    /// The credential was issued already.
    #[error("this credential was issued already")]
    AlreadyIssued,
    /// No such transaction, or no longer.
    #[error("the transaction is unknown or was used")]
    TransactionUnknown,
    /// The integrator decided against it.
    #[error("the credential is not issued")]
    Denied,
    /// Nobody can tell its claims yet.
    #[error("the credential is not ready")]
    NotReady,
    /// Encryption is not offered here.
    #[error("encryption is not supported")]
    EncryptionUnsupported,
    /// A plain request, or one that asks for a plain response, where neither is given.
    #[error("requests and responses have to be encrypted here")]
    EncryptionRequired,
    /// A plain request for an encrypted response.
    #[error("asking for an encrypted response demands an encrypted request")]
    RequestNotEncrypted,
    /// The request does not decrypt.
    #[error("the credential request cannot be decrypted")]
    RequestNotDecrypted,
    /// `credential_response_encryption` names what is not supported.
    #[error(
        "credential_response_encryption needs a P-256 jwk with alg ECDH-ES, and a supported enc"
    )]
    EncryptionParameters,
    /// `proofs` is missing.
    #[error("proofs is missing")]
    ProofsMissing,
    /// `proofs` is not an object with exactly one array in it that is not empty.
    #[error("proofs is not an object of exactly one proof type with a non-empty array")]
    ProofsMalformed,
    /// A proof type that the metadata does not name.
    #[error("this proof type is not supported")]
    ProofTypeUnsupported,
    /// Proofs for a credential that is bound to no key.
    #[error("this credential is bound to no key and takes no proofs")]
    ProofsUnexpected,
    /// More proofs than `batch_size`.
    #[error("there are more proofs than batch_size")]
    TooManyProofs,
    /// A key proof is refused.
    #[error("{0}")]
    Proof(#[from] KeyProofError),
    /// Two proofs are for the same key.
    #[error("two proofs are for the same key")]
    KeyRepeated,
    /// The issuer's key cannot be used now; nothing is wrong with the request.
    #[error("the issuer cannot sign now")]
    SigningKeyUnavailable,
    /// No status can be had for it now; nothing is wrong with the request.
    #[error("the issuer cannot keep a status now")]
    StatusUnavailable,
    /// What the integrator gave cannot be put into this credential.
    #[error("the issuer cannot make this credential")]
    CredentialUnmakeable,
}

impl CredentialError {
    /// The error code for the peer (§8.3.1.2).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AccessTokenExpired => "invalid_token",
            Self::Malformed
            | Self::NotExactlyOneName
            | Self::IdentifierExpected
            | Self::ProofsUnexpected
            | Self::TooManyProofs => "invalid_credential_request",
            Self::UnknownConfiguration => "unknown_credential_configuration",
            // where the token response named none, every identifier is an unknown one
            Self::UnknownIdentifier | Self::ConfigurationExpected => {
                "unknown_credential_identifier"
            }
            Self::NotOffered
            | Self::AlreadyIssued
            | Self::Denied
            | Self::NotReady
            | Self::CredentialUnmakeable => "credential_request_denied",
            Self::TransactionUnknown => "invalid_transaction_id",
            Self::EncryptionUnsupported
            | Self::EncryptionRequired
            | Self::RequestNotEncrypted
            | Self::RequestNotDecrypted
            | Self::EncryptionParameters => "invalid_encryption_parameters",
            Self::ProofsMissing
            | Self::ProofsMalformed
            | Self::ProofTypeUnsupported
            | Self::KeyRepeated => "invalid_proof",
            Self::Proof(error) => error.code(),
            Self::SigningKeyUnavailable | Self::StatusUnavailable => "temporarily_unavailable",
        }
    }

    /// The stable reason for the operator and the trail.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AccessTokenExpired => "access_token_expired",
            Self::Malformed => "credential_request_malformed",
            Self::NotExactlyOneName => "credential_name_ambiguous",
            Self::IdentifierExpected => "credential_identifier_expected",
            Self::ConfigurationExpected => "credential_configuration_expected",
            Self::UnknownConfiguration => "credential_configuration_unknown",
            Self::UnknownIdentifier => "credential_identifier_unknown",
            Self::NotOffered => "credential_not_offered",
            Self::AlreadyIssued => "credential_already_issued",
            Self::TransactionUnknown => "transaction_unknown",
            Self::Denied => "credential_denied",
            Self::NotReady => "credential_not_ready",
            Self::EncryptionUnsupported => "encryption_unsupported",
            Self::EncryptionRequired => "encryption_required",
            Self::RequestNotEncrypted => "request_not_encrypted",
            Self::RequestNotDecrypted => "request_not_decrypted",
            Self::EncryptionParameters => "encryption_parameters",
            Self::ProofsMissing => "proofs_missing",
            Self::ProofsMalformed => "proofs_malformed",
            Self::ProofTypeUnsupported => "proof_type_unsupported",
            Self::ProofsUnexpected => "proofs_unexpected",
            Self::TooManyProofs => "proofs_too_many",
            Self::Proof(error) => error.reason(),
            Self::KeyRepeated => "proof_key_repeated",
            Self::SigningKeyUnavailable => "signing_key_unavailable",
            Self::StatusUnavailable => "status_unavailable",
            Self::CredentialUnmakeable => "credential_unmakeable",
        }
    }

    /// The body for the peer.
    pub fn to_body(&self) -> ErrorBody {
        ErrorBody::new(self.code(), self)
    }
}

impl CredentialRequest {
    /// Reads the JSON of a request; unknown members are ignored.
    ///
    /// # Errors
    /// The [`CredentialError`]s about shape; those about rights and keys come from the step.
    pub fn parse(body: &[u8]) -> Result<Self, CredentialError> {
        let members = json::parse_object(body).map_err(|_| CredentialError::Malformed)?;
        let wanted = match (
            text(&members, "credential_configuration_id")?,
            text(&members, "credential_identifier")?,
        ) {
            (Some(name), None) => Wanted::Configuration(CredentialConfigurationId::new(name)),
            (None, Some(name)) => Wanted::Identifier(CredentialIdentifier::new(name)),
            // §8.2: one is required, and they exclude each other
            _ => return Err(CredentialError::NotExactlyOneName),
        };
        let proofs = members.get("proofs").map(Proofs::parse).transpose()?;
        let encryption = WantedEncryption::read(&members)?;
        Ok(Self { wanted, proofs, encryption })
    }

    /// The request as a JSON object; what it says about encryption is added where it is encrypted.
    pub(crate) fn to_object(&self) -> Object {
        let mut members = Object::new();
        let (name, value) = match &self.wanted {
            Wanted::Configuration(name) => ("credential_configuration_id", name.as_str()),
            Wanted::Identifier(name) => ("credential_identifier", name.as_str()),
        };
        members.insert(name.to_owned(), value.into());
        if let Some(proofs) = &self.proofs {
            members.insert("proofs".to_owned(), proofs.to_value());
        }
        members
    }

    /// The request as a plain JSON body.
    pub fn to_json(&self) -> Vec<u8> {
        Value::Object(self.to_object()).to_string().into_bytes()
    }
}

impl Proofs {
    fn parse(value: &Value) -> Result<Self, CredentialError> {
        let types = value.as_object().ok_or(CredentialError::ProofsMalformed)?;
        // §8.2: exactly one member, named by the proof type, with a non-empty array
        let mut types = types.iter();
        let (Some((name, proofs)), None) = (types.next(), types.next()) else {
            return Err(CredentialError::ProofsMalformed);
        };
        let proofs = proofs.as_array().filter(|proofs| !proofs.is_empty());
        let proofs = proofs.ok_or(CredentialError::ProofsMalformed)?;
        let compact = |proof: &Value| proof.as_str().map(str::to_owned);
        let proofs = match (name.as_str(), proofs.as_slice()) {
            ("jwt", proofs) => proofs.iter().map(compact).collect::<Option<_>>().map(Self::Jwt),
            // App. F.3: exactly one
            ("attestation", [attestation]) => compact(attestation).map(Self::Attestation),
            ("attestation", _) => None,
            ("di_vp", proofs) => {
                let object = |proof: &Value| proof.as_object().cloned();
                proofs.iter().map(object).collect::<Option<_>>().map(Self::DiVp)
            }
            _ => return Err(CredentialError::ProofTypeUnsupported),
        };
        proofs.ok_or(CredentialError::ProofsMalformed)
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Jwt(proofs) => serde_json::json!({ "jwt": proofs }),
            Self::Attestation(proof) => serde_json::json!({ "attestation": [proof] }),
            Self::DiVp(proofs) => serde_json::json!({ "di_vp": proofs }),
        }
    }

    /// Their type.
    pub const fn kind(&self) -> ProofType {
        match self {
            Self::Jwt(_) => ProofType::Jwt,
            Self::Attestation(_) => ProofType::Attestation,
            Self::DiVp(_) => ProofType::DiVp,
        }
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        match self {
            Self::Jwt(proofs) => proofs.len(),
            Self::Attestation(_) => 1,
            Self::DiVp(proofs) => proofs.len(),
        }
    }
}

fn text<'m>(members: &'m Object, name: &str) -> Result<Option<&'m str>, CredentialError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(CredentialError::Malformed),
    }
}
