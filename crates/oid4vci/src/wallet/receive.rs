//! Credentials arrive: each is verified and found its key before anybody sees it (OID4VCI §8.3).

use jiff::Timestamp;
use lanyard_core::{
    crypto::PublicKey,
    sd_jwt_vc::{HeldSdJwtVc, SdJwtVcError, UnverifiedSdJwtVc, Vct},
    trust::{IssuerError, IssuerKeys},
};
use serde_json::Value;
use thiserror::Error;

use super::{
    IncomingResponse, PeerError, PendingCredential, ResponseFault,
    http::{Sorted, read},
};
use crate::credential::{CredentialInResponse, CredentialResponse};

/// A credential that was verified, and the key it is bound to.
#[derive(Debug)]
pub struct ReceivedCredential {
    /// The credential.
    pub credential: HeldSdJwtVc,
    /// The key of the request that it is bound to; none when it is bound to no key.
    pub key: Option<PublicKey>,
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
    /// The issuer wants to be asked again later, which is not supported.
    #[error("the issuer defers the credential, which is not supported")]
    Deferred,
    /// No credential, or more than there were keys.
    #[error("the issuer gave another number of credentials than was asked for")]
    Count,
    /// Not a string, where the format is one.
    #[error("a credential has not the form of its format")]
    Form,
    /// The issuer of the credential is not believed, or its key was not found.
    #[error("{0}")]
    Issuer(IssuerError),
    /// The credential does not verify.
    #[error("{0}")]
    Credential(SdJwtVcError),
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
        let response: CredentialResponse = match response.sort() {
            // §8.3: 202 carries a transaction_id and no credential
            Sorted::Success(_) if response.status == 202 => {
                return Err(CredentialRefused::Deferred);
            }
            Sorted::Success(body) => read(body)?,
            // §8.3.1.2: invalid_nonce asks for a fresh nonce, and nothing else is wrong
            Sorted::Peer(error) if error.code == "invalid_nonce" => {
                return Err(CredentialRefused::Nonce);
            }
            Sorted::Peer(error) => return Err(CredentialRefused::Peer(error)),
            Sorted::Fault(fault) => return Err(fault.into()),
        };
        // §8.3: one credential per key at most; fewer are allowed
        let credentials = response.credentials;
        if credentials.is_empty() || credentials.len() > self.keys.len().max(1) {
            return Err(CredentialRefused::Count);
        }
        let mut received = Vec::with_capacity(credentials.len());
        for credential in credentials {
            let credential = self.verify(&credential, issuers, now).await?;
            received.push(self.bind(credential, &received)?);
        }
        Ok(received)
    }

    async fn verify(
        &self,
        credential: &CredentialInResponse,
        issuers: &IssuerKeys,
        now: Timestamp,
    ) -> Result<HeldSdJwtVc, CredentialRefused> {
        // App. A.3.4: an SD-JWT VC is a JSON string
        let Value::String(compact) = &credential.credential else {
            return Err(CredentialRefused::Form);
        };
        let credential =
            UnverifiedSdJwtVc::parse(compact).map_err(CredentialRefused::Credential)?;
        let key = issuers
            .find(&credential.claimed_issuer(), now)
            .await
            .map_err(CredentialRefused::Issuer)?;
        let credential = credential
            .verify_for_holding(key, now, issuers.provider())
            .map_err(CredentialRefused::Credential)?;
        // App. A.3.2: the vct of the configuration is the type of the credential
        if Some(credential.vct().as_str()) != self.metadata.vct.as_ref().map(Vct::as_str) {
            return Err(CredentialRefused::Type);
        }
        Ok(credential)
    }

    /// Issuers answer in any order: a credential finds its key by its confirmation claim alone.
    fn bind(
        &self,
        credential: HeldSdJwtVc,
        before: &[ReceivedCredential],
    ) -> Result<ReceivedCredential, CredentialRefused> {
        let key = credential.holder_key();
        let fits = match key {
            // §8.3: a key binds one credential of the response at most
            Some(key) => {
                self.keys.contains(&key) && before.iter().all(|other| other.key != Some(key))
            }
            None => self.keys.is_empty(),
        };
        if !fits {
            return Err(CredentialRefused::Key);
        }
        Ok(ReceivedCredential { credential, key })
    }
}
