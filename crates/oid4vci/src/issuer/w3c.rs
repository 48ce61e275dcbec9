//! W3C credentials: what is said about the subject goes into a document of the data model.

use jiff::Timestamp;
use lanyard_core::{
    credential::{Format, Validity},
    data_integrity::{Cryptosuite, ProofDraft},
    json::Object,
    status::StatusReference,
    w3c::{CredentialDraft, CredentialV1Draft, jwt_vc_json, ldp_vc, vc_jose_cose::SigningOptions},
};
use serde_json::Value;

use super::{HolderKey, Issuer, IssuerName};
use crate::{credential::CredentialError, metadata::CredentialDefinition};

/// What the two formats have in common: the types, and what is said about whom, from when to when.
pub(super) struct Statement<'s> {
    pub(super) definition: &'s CredentialDefinition,
    pub(super) claims: Object,
    pub(super) key: Option<&'s HolderKey>,
    pub(super) status: Option<&'s StatusReference>,
    pub(super) validity: &'s Validity,
}

impl Statement<'_> {
    /// The subject is whoever the key proof showed: by its DID, or by the key as a DID.
    fn subject(&mut self) -> Value {
        let subject = self.claims.shift_remove("credentialSubject");
        let mut claims = match subject {
            Some(Value::Object(claims)) => claims,
            _ => Object::new(),
        };
        if let Some(key) = self.key {
            // first, as in every example of the data model
            claims.shift_insert(0, "id".to_owned(), key.subject_id().as_str().into());
        }
        claims.into()
    }

    /// The `credentialStatus`, for a copy that has a status.
    fn status(&self) -> Result<Option<Value>, CredentialError> {
        let Some(status) = self.status else { return Ok(None) };
        // a copy without the status that was given to it could never be revoked
        status.to_credential_status().map(Some).ok_or(CredentialError::CredentialUnmakeable)
    }

    fn times(&self) -> Result<(Timestamp, Timestamp), CredentialError> {
        let times = self.validity.not_before.zip(self.validity.expires_at);
        times.ok_or(CredentialError::CredentialUnmakeable)
    }
}

impl Issuer {
    /// App. A.1.1.5: the credential as a JWT.
    pub(super) async fn jwt_vc_json(
        &self,
        mut statement: Statement<'_>,
    ) -> Result<Value, CredentialError> {
        let unmakeable = || CredentialError::CredentialUnmakeable;
        let key = self.key_for(Format::JwtVcJson);
        let (iss, options) = match &key.name {
            IssuerName::Identifier { iss, key_id } => {
                let options = SigningOptions::new();
                let with_key_id = |key_id: &String| options.clone().with_key_id(key_id);
                (iss, key_id.as_ref().map_or_else(SigningOptions::new, with_key_id))
            }
            IssuerName::Certificate { chain, iss: Some(iss) } => {
                (iss, SigningOptions::new().with_x5c(chain))
            }
            IssuerName::Certificate { iss: None, .. } => return Err(unmakeable()),
        };
        let (from, until) = statement.times()?;
        let mut draft = CredentialV1Draft::new(iss, from).about(statement.subject());
        for name in statement.definition.own_types() {
            draft = draft.of_type(name);
        }
        if let Some(status) = statement.status()? {
            draft = draft.with("credentialStatus", status);
        }
        let credential = draft.expires(until).finish().map_err(|_| unmakeable())?;
        let issued = jwt_vc_json::issue(&credential, &options, &*key.signer).await;
        let issued = issued.map_err(|_| CredentialError::SigningKeyUnavailable)?;
        Ok(issued.into_string().into())
    }

    /// App. A.1.2.4: the credential as a JSON object.
    pub(super) async fn ldp_vc(
        &self,
        mut statement: Statement<'_>,
        cryptosuite: Cryptosuite,
    ) -> Result<Value, CredentialError> {
        let unmakeable = || CredentialError::CredentialUnmakeable;
        let key = self.key_for(Format::LdpVc);
        let IssuerName::Identifier { iss, .. } = &key.name else { return Err(unmakeable()) };
        let method = key.name.verification_method().ok_or_else(unmakeable)?;
        let (from, until) = statement.times()?;
        let mut draft = CredentialDraft::new(iss).about(statement.subject());
        for name in statement.definition.own_types() {
            draft = draft.of_type(name);
        }
        for context in statement.definition.own_contexts() {
            draft = draft.in_context(context.clone());
        }
        if let Some(status) = statement.status()? {
            draft = draft.with("credentialStatus", status);
        }
        let draft = draft.valid_from(from).valid_until(until);
        let credential = draft.finish().map_err(|_| unmakeable())?;
        // rounded as the other times are: the second of issuance would link copies
        let proof = ProofDraft::assertion(cryptosuite, &method).created(from);
        let issued = ldp_vc::issue(&credential, proof, &*key.signer, &*self.provider).await;
        issued.map(Value::Object).map_err(|_| unmakeable())
    }
}
