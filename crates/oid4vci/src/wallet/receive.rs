//! Credentials arrive: each is verified and found its key before anybody sees it (OID4VCI 1.0 §8.3).

use std::borrow::Cow;

use jiff::Timestamp;
use lanyard_core::{
    credential::{self, Format, HeldCredential},
    crypto::{CryptoProvider, PublicKey},
    trust::IssuerKeys,
    w3c::HolderBinding,
};
use serde_json::Value;
use thiserror::Error;

use super::{
    IncomingResponse, PeerError, PendingCredential, ResponseFault,
    http::{Sorted, read},
};
use crate::{
    NotificationId,
    credential::{CredentialInResponse, CredentialResponse},
    deferred::DeferredResponse,
    metadata::CredentialConfigurationMetadata,
};

/// A credential that was verified, and the key it is bound to.
#[derive(Debug)]
pub struct ReceivedCredential {
    /// The credential.
    pub credential: HeldCredential,
    /// The key of the request that it is bound to; none when it is bound to no key.
    pub key: Option<PublicKey>,
}

/// Everything of one credential response.
#[derive(Debug)]
pub struct Received {
    /// The credentials.
    pub credentials: Vec<ReceivedCredential>,
    /// What the issuer is told with what became of them, if it wants to know.
    pub notification: Option<NotificationId>,
}

/// Why there is no credential.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CredentialRefused {
    /// The nonce was not good (any more): fetch another one and ask again.
    #[error("the issuer wants another nonce")]
    Nonce,
    /// The issuer refused.
    #[error("{0}")]
    Peer(PeerError),
    /// No answer that can be read; the same request may be sent again.
    #[error("{0}")]
    Unavailable(#[from] ResponseFault),
    /// The issuer wants to be asked again later: see [`PendingCredential::deferred`].
    #[error("the credential is not ready yet")]
    Deferred(DeferredResponse),
    /// Plain where an encrypted answer was asked for, or not to be decrypted.
    #[error("the answer is not encrypted as was asked for")]
    Encryption,
    /// No credential, or more than there were keys.
    #[error("the issuer gave another number of credentials than was asked for")]
    Count,
    /// Not a string, or not an object, where the format is one.
    #[error("a credential has not the form of its format")]
    Form,
    /// The credential does not verify, or its issuer is not believed.
    #[error("{0}")]
    Credential(#[from] credential::CredentialRefused),
    /// Another type than the one that was asked for.
    #[error("a credential is of another type than the one asked for")]
    Type,
    /// Bound to a key that was not asked for, twice to the same, or not bound at all.
    #[error("a credential is not bound to one of the keys that were shown")]
    Key,
}

impl PendingCredential {
    /// Reads the credential response, verifies every credential and maps each to its key.
    ///
    /// All or nothing: one credential that is no good refuses the response.
    ///
    /// # Errors
    /// One [`CredentialRefused`] per rule.
    pub async fn receive(
        &self,
        response: IncomingResponse<'_>,
        issuers: &IssuerKeys,
        now: Timestamp,
    ) -> Result<Vec<ReceivedCredential>, CredentialRefused> {
        Ok(self.receive_all(response, issuers, now).await?.credentials)
    }

    /// As [`PendingCredential::receive`], with what the issuer is told about it with.
    ///
    /// # Errors
    /// One [`CredentialRefused`] per rule.
    pub async fn receive_all(
        &self,
        response: IncomingResponse<'_>,
        issuers: &IssuerKeys,
        now: Timestamp,
    ) -> Result<Received, CredentialRefused> {
        let response = self.read(response, issuers.provider())?;
        // §8.3: one credential per key at most; fewer are allowed
        let credentials = response.credentials;
        if credentials.is_empty() || credentials.len() > self.keys.len().max(1) {
            return Err(CredentialRefused::Count);
        }
        let mut received = Vec::with_capacity(credentials.len());
        for credential in credentials {
            let credential = self.verify(&credential, issuers, now).await?;
            received.push(self.bind(credential, &received, issuers)?);
        }
        Ok(Received { credentials: received, notification: response.notification_id })
    }

    /// What to tell the issuer with that its credentials were refused; none where it gave none, or no name
    /// for them (§11.1).
    pub fn notification_of(
        &self,
        response: IncomingResponse<'_>,
        provider: &dyn CryptoProvider,
    ) -> Option<NotificationId> {
        self.read(response, provider).ok()?.notification_id
    }

    /// The response itself, opened if it was sealed; nothing in it is believed yet.
    fn read(
        &self,
        response: IncomingResponse<'_>,
        provider: &dyn CryptoProvider,
    ) -> Result<CredentialResponse, CredentialRefused> {
        let opened = match (response.encrypted(), &self.response_key) {
            // §10: the answer is encrypted as was asked for
            (Some(jwe), Some(key)) => {
                let opened = key.open(jwe, provider);
                Some(opened.ok_or(CredentialRefused::Encryption)?)
            }
            (Some(_), None) => return Err(CredentialRefused::Encryption),
            // §10: a plain success to someone who asked for an encrypted one may be somebody else's
            (None, Some(_)) if (200..=299).contains(&response.status) => {
                return Err(CredentialRefused::Encryption);
            }
            (None, _) => None,
        };
        let response = match &opened {
            Some(json) => IncomingResponse {
                status: response.status,
                content_type: Some("application/json"),
                body: json,
            },
            None => response,
        };
        match response.sort() {
            // §8.3: 202 carries a transaction_id and no credential
            Sorted::Success(body) if response.status == 202 => {
                Err(CredentialRefused::Deferred(read(body)?))
            }
            Sorted::Success(body) => Ok(read(body)?),
            // §8.3.1.2: invalid_nonce asks for a fresh nonce, and nothing else is wrong
            Sorted::Peer(error) if error.code == "invalid_nonce" => Err(CredentialRefused::Nonce),
            Sorted::Peer(error) => Err(CredentialRefused::Peer(error)),
            Sorted::Fault(fault) => Err(fault.into()),
        }
    }

    async fn verify(
        &self,
        credential: &CredentialInResponse,
        issuers: &IssuerKeys,
        now: Timestamp,
    ) -> Result<HeldCredential, CredentialRefused> {
        let format = self.metadata.known_format().ok_or(CredentialRefused::Form)?;
        let text = match (format, &credential.credential) {
            // App. A.1.2.4: a JSON object
            (Format::LdpVc, Value::Object(_)) => Cow::Owned(credential.credential.to_string()),
            (Format::LdpVc, _) => return Err(CredentialRefused::Form),
            // App. A.1.1.5, A.2.4, A.3.4: a JSON string
            (_, Value::String(text)) => Cow::Borrowed(text.as_str()),
            _ => return Err(CredentialRefused::Form),
        };
        let credential = HeldCredential::receive(format, &text, issuers, now).await?;
        if self.metadata.is_type_of(&credential) {
            Ok(credential)
        } else {
            Err(CredentialRefused::Type)
        }
    }

    /// Issuers answer in any order: a credential finds its key by what is in it alone.
    fn bind(
        &self,
        credential: HeldCredential,
        before: &[ReceivedCredential],
        issuers: &IssuerKeys,
    ) -> Result<ReceivedCredential, CredentialRefused> {
        let binding = credential.binding();
        if self.keys.is_empty() {
            // nobody asked for it to be bound: an identifier of the subject is no binding then
            return match binding {
                HolderBinding::Key(_) | HolderBinding::KeyId(_) => Err(CredentialRefused::Key),
                HolderBinding::Subject(_) | HolderBinding::None => {
                    Ok(ReceivedCredential { credential, key: None })
                }
            };
        }
        let provider = issuers.provider();
        let key = self.keys.iter().find(|key| binding.is_to(key, provider));
        // §8.3: a key binds one credential of the response at most
        match key {
            Some(key) if before.iter().all(|other| other.key != Some(*key)) => {
                Ok(ReceivedCredential { credential, key: Some(*key) })
            }
            _ => Err(CredentialRefused::Key),
        }
    }
}

impl CredentialConfigurationMetadata {
    /// The format, if it is one that this wallet keeps.
    pub fn known_format(&self) -> Option<Format> {
        Format::from_identifier(&self.format)
    }

    /// Whether a credential is of the type that this configuration says.
    fn is_type_of(&self, credential: &HeldCredential) -> bool {
        let types = credential.types();
        let is = |name: &str| types.iter().any(|own| own.name() == name);
        match credential.format() {
            // App. A.3.2: the vct of the configuration is the type; an aka_vct is not what was asked for
            Format::SdJwtVc => {
                self.vct.as_ref().is_some_and(|vct| types.first() == Some(&vct.into()))
            }
            // App. A.2.2: the doctype likewise
            Format::MsoMdoc => self.doctype.as_deref().is_some_and(is),
            // App. A.1.1.2, A.1.2.2: every type of the definition
            Format::JwtVcJson | Format::LdpVc | Format::VcJwt | Format::VcSdJwt => self
                .credential_definition
                .as_ref()
                .is_some_and(|definition| definition.types.iter().all(|name| is(name))),
        }
    }
}
