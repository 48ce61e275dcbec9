//! An integrator hands a credential in and gets it back secured (VC API §3.2.1).

use std::fmt;

use lanyard_core::{
    data_integrity::{Cryptosuite, DataIntegrityError, JsonPointer, ProofDraft},
    did::DidUrl,
    json::{self, JsonError, Object},
    status::{StatusMechanism, bitstring_status_list::StatusPurpose},
    trust::IssuerIdentifier,
    w3c::{
        Credential, CredentialDraft, CredentialError, EnvelopedCredential,
        ldp_vc::{self, LdpVcError},
        vc_jose_cose::{self, SigningOptions},
    },
};
use lanyard_oid4vci::issuer::{IssuerName, IssuingKey, StatusAllocator as _};
use lanyard_store::{CallAnswer, CredentialId, IssuedRecord, NewStatus, SessionId, StoreError};
use serde_json::Value;
use thiserror::Error;

use crate::{IssuerError, IssuerService, tenant::Tenant};

/// The name under which what came by this way is on record.
const CONFIGURATION: &str = "vc_api";

/// What a credential that came without a status can be asked about.
const PURPOSES: &[StatusPurpose] = &[StatusPurpose::Revocation, StatusPurpose::Suspension];

/// How a credential is secured where the options say nothing, by the first key.
const ENVELOPE: &str = "vc+jwt";

/// What a tenant issues with by the VC API: keys of DIDs, one for each curve that is wanted.
#[derive(Clone)]
pub struct VcApiKeys(Vec<(IssuingKey, IssuerIdentifier, DidUrl)>);

impl VcApiKeys {
    /// Takes the keys that are named by a DID URL; without one, nothing can be issued.
    pub fn new(keys: impl IntoIterator<Item = IssuingKey>) -> Self {
        let named = |key: IssuingKey| {
            let IssuerName::Identifier { iss, key_id: Some(key_id) } = &key.name else {
                return None;
            };
            let method = DidUrl::parse(key_id).ok()?;
            let iss = iss.clone();
            (method.did().as_str() == iss.as_str()).then_some((key, iss, method))
        };
        Self(keys.into_iter().filter_map(named).collect())
    }
}

/// Why a credential is not issued.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IssueFault {
    /// The body is not a strict JSON object.
    #[error("the body cannot be read: {0}")]
    Unreadable(JsonError),
    /// There is no `credential`, or it is not an object.
    #[error("credential is missing, or not an object")]
    CredentialMissing,
    /// `options` are not an object, or one of them has a value that it cannot have.
    #[error("the option {0} has a value that it cannot have")]
    Option(&'static str),
    /// No key of this tenant fits the cryptosuite, or there is no such cryptosuite.
    #[error("nothing here issues with that cryptosuite")]
    Suite,
    /// The issuer that the credential names is not one of those here.
    #[error("the credential names an issuer that is not one of those here")]
    Issuer,
    /// The credential breaks a rule of the data model.
    #[error(transparent)]
    Credential(CredentialError),
    /// The credential cannot be secured, as a term that no context defines.
    #[error(transparent)]
    Secure(DataIntegrityError),
}

impl IssueFault {
    /// The stable reason code, for operators and integrators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "vc_api_unreadable",
            Self::CredentialMissing => "vc_api_credential_missing",
            Self::Option(_) => "vc_api_option",
            Self::Suite => "vc_api_cryptosuite",
            Self::Issuer => "vc_api_issuer",
            Self::Credential(error) => error.code(),
            Self::Secure(error) => error.code(),
        }
    }
}

/// Why nothing came back.
#[derive(Debug, Error)]
pub(crate) enum IssueError {
    #[error(transparent)]
    Fault(#[from] IssueFault),
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

impl From<StoreError> for IssueError {
    fn from(error: StoreError) -> Self {
        Self::Issuer(error.into())
    }
}

/// How a credential is to be secured.
#[derive(Clone, Debug)]
enum Secured {
    Proof { suite: Cryptosuite, mandatory: Vec<JsonPointer> },
    Envelope,
}

/// A credential that was secured, and its name in the API where it can be revoked.
pub(crate) struct SecuredCredential {
    pub(crate) document: Object,
    pub(crate) id: Option<CredentialId>,
}

impl IssuerService {
    /// Secures a credential; where the tenant has status lists it gets a status, if it came without, and is on
    /// record together with the answer of the call.
    pub(crate) async fn issue_by_vc_api(
        &self,
        tenant: &Tenant,
        keys: &VcApiKeys,
        body: &[u8],
        told: impl FnOnce(&SecuredCredential) -> Option<CallAnswer> + Send,
    ) -> Result<SecuredCredential, IssueError> {
        // 1. what is asked for
        let mut body = json::parse_object(body).map_err(IssueFault::Unreadable)?;
        let Some(Value::Object(document)) = body.shift_remove("credential") else {
            return Err(IssueFault::CredentialMissing.into());
        };
        let options = match body.shift_remove("options") {
            None => Object::new(),
            Some(Value::Object(options)) => options,
            Some(_) => return Err(IssueFault::Option("options").into()),
        };
        let (key, issuer, method, secured) = keys.choose(&document, &options)?;
        // 2. the rules of the data model, with the issuer filled in
        let from = |document| CredentialDraft::from_document(document, issuer);
        let credential = from(document).map_err(IssueFault::Credential)?;
        // 3. a status
        let (credential, status) = self.with_status(tenant, credential, issuer).await?;
        // 4. the proof or the envelope
        let provider = self.provider();
        let document = match secured {
            Secured::Proof { suite, mandatory } => {
                let proof = ProofDraft::assertion(suite, method).created(self.now());
                let proof = proof.with_mandatory(mandatory);
                match ldp_vc::issue(&credential, proof, &*key.signer, provider).await {
                    Ok(document) => document,
                    Err(LdpVcError::Proof(DataIntegrityError::Signer(_))) => {
                        return Err(IssuerError::SigningKeyUnavailable.into());
                    }
                    Err(LdpVcError::Proof(error)) => return Err(IssueFault::Secure(error).into()),
                    Err(_) => return Err(IssueFault::Issuer.into()),
                }
            }
            Secured::Envelope => {
                let options = SigningOptions::new().with_key_id(&method.to_string());
                let jwt = vc_jose_cose::issue_jwt(&credential, &options, &*key.signer).await;
                let jwt = jwt.map_err(|_| IssuerError::SigningKeyUnavailable)?;
                EnvelopedCredential::around_jwt(jwt.as_str()).to_object()
            }
        };
        // 5. that it was issued is durable before it leaves
        let id = status.as_ref().map(|(record, _)| record.credential);
        let secured = SecuredCredential { document, id };
        if let Some((record, statuses)) = status {
            let call = told(&secured);
            self.environment().store.record_issued(&tenant.id, record, statuses, call).await?;
        }
        Ok(secured)
    }

    async fn with_status(
        &self,
        tenant: &Tenant,
        credential: Credential,
        issuer: &IssuerIdentifier,
    ) -> Result<(Credential, Option<(IssuedRecord, Vec<NewStatus>)>), IssueError> {
        let Some(lists) = &tenant.status_lists else { return Ok((credential, None)) };
        if credential.statuses().next().is_some() {
            return Ok((credential, None));
        }
        let references = lists.allocate(1, StatusMechanism::BitstringStatusList, PURPOSES).await;
        let references = references.map_err(|_| IssuerError::StatusUnavailable)?;
        let entries = references.first().and_then(|one| one.to_credential_status());
        let mut document = credential.into_document();
        document.insert("credentialStatus".to_owned(), entries.unwrap_or_default());
        let credential = CredentialDraft::from_document(document, issuer);
        let credential = credential.map_err(IssueFault::Credential)?;
        let now = self.now();
        let record = IssuedRecord {
            credential: CredentialId::new(now, self.environment().name_bytes()),
            configuration: CONFIGURATION.to_owned(),
            issued_at: now,
            expires_at: credential.validity().expires_at,
            session: SessionId::new(now, self.environment().name_bytes()),
            subject: None,
        };
        let statuses = tenant.statuses_of(record.credential, &references);
        Ok((credential, Some((record, statuses))))
    }
}

impl VcApiKeys {
    /// The key that fits: by the cryptosuite, and by the issuer where the credential names one.
    fn choose(
        &self,
        document: &Object,
        options: &Object,
    ) -> Result<(&IssuingKey, &IssuerIdentifier, &DidUrl, Secured), IssueFault> {
        let named = match document.get("issuer") {
            Some(Value::Object(issuer)) => issuer.get("id"),
            issuer => issuer,
        };
        let named = named.and_then(Value::as_str);
        let by_issuer =
            || self.0.iter().filter(|(_, iss, _)| named.is_none_or(|own| own == iss.as_str()));
        let secured = secured(options)?;
        let fits = |key: &IssuingKey| match &secured {
            Some(Secured::Proof { suite, .. }) => {
                suite.algorithm(key.signer.public_key()).is_some()
            }
            Some(Secured::Envelope) | None => true,
        };
        let Some((key, issuer, method)) = by_issuer().find(|(key, ..)| fits(key)) else {
            let is_known = by_issuer().next().is_some();
            return Err(if is_known { IssueFault::Suite } else { IssueFault::Issuer });
        };
        let by_key = || {
            let all = [Cryptosuite::EddsaRdfc2022, Cryptosuite::EcdsaRdfc2019];
            let fits = |suite: &Cryptosuite| suite.algorithm(key.signer.public_key()).is_some();
            let suite = all.into_iter().find(fits).ok_or(IssueFault::Suite)?;
            Ok(Secured::Proof { suite, mandatory: Vec::new() })
        };
        Ok((key, issuer, method, secured.map_or_else(by_key, Ok)?))
    }
}

fn secured(options: &Object) -> Result<Option<Secured>, IssueFault> {
    let mandatory = match options.get("mandatoryPointers") {
        None => Vec::new(),
        Some(Value::Array(pointers)) => {
            let pointer = |value: &Value| JsonPointer::parse(value.as_str()?).ok();
            let pointers: Option<_> = pointers.iter().map(pointer).collect();
            pointers.ok_or(IssueFault::Option("mandatoryPointers"))?
        }
        Some(_) => return Err(IssueFault::Option("mandatoryPointers")),
    };
    match options.get("cryptosuite") {
        None => Ok(None),
        Some(Value::String(name)) if name == ENVELOPE => Ok(Some(Secured::Envelope)),
        Some(Value::String(name)) => {
            let suite = Cryptosuite::from_name(name).ok_or(IssueFault::Suite)?;
            Ok(Some(Secured::Proof { suite, mandatory }))
        }
        Some(_) => Err(IssueFault::Option("cryptosuite")),
    }
}

impl fmt::Debug for VcApiKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|(_, _, method)| method.to_string())).finish()
    }
}
