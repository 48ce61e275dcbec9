//! Credential issuer metadata (OID4VCI 1.0 §12.2).

use std::collections::BTreeMap;

use lanyard_core::{cose, credential::Format, crypto::SignatureAlgorithm, json, sd_jwt_vc::Vct};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use url::Url;

use super::{
    ClaimDescription, ContradictoryClaims, CredentialDisplay, IssuerDisplay, RequestEncryption,
    ResponseEncryption,
};
use crate::{
    CredentialConfigurationId, IssuerUrl,
    configuration::{
        Binding, CredentialConfiguration, CredentialFormat, IssuerConfiguration, ProofType,
    },
    encryption::IssuerEncryption,
    key_proof::di_vp,
};

/// What a credential issuer says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialIssuerMetadata {
    /// The identifier.
    pub credential_issuer: IssuerUrl,
    /// Its authorization servers; empty when the issuer is its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<IssuerUrl>,
    /// Where credentials are asked for.
    pub credential_endpoint: Url,
    /// Where nonces are had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce_endpoint: Option<Url>,
    /// Where deferred credentials are collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred_credential_endpoint: Option<Url>,
    /// Where wallets tell what became of their credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_endpoint: Option<Url>,
    /// How requests are encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_request_encryption: Option<RequestEncryption>,
    /// How responses are encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_response_encryption: Option<ResponseEncryption>,
    /// Present when one request may have several proofs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_credential_issuance: Option<BatchIssuance>,
    /// How wallets show the issuer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display: Vec<IssuerDisplay>,
    /// What there is.
    pub credential_configurations_supported:
        BTreeMap<CredentialConfigurationId, CredentialConfigurationMetadata>,
}

/// `batch_credential_issuance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchIssuance {
    /// The most proofs in one request, 2 or more.
    pub batch_size: u64,
}

/// One credential configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialConfigurationMetadata {
    /// The format identifier.
    pub format: String,
    /// The scope that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// How the credential is signed; names for JOSE formats, integers for COSE.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credential_signing_alg_values_supported: Vec<Value>,
    /// How it is bound to the holder's key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cryptographic_binding_methods_supported: Vec<String>,
    /// The key proofs that are taken, by type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub proof_types_supported: BTreeMap<String, ProofTypeMetadata>,
    /// How it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_metadata: Option<CredentialMetadata>,
    /// The type of an SD-JWT VC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vct: Option<Vct>,
    /// The type of an mdoc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doctype: Option<String>,
    /// The types of a W3C credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_definition: Option<CredentialDefinition>,
}

/// `credential_definition` of a W3C credential (App. A.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialDefinition {
    /// `@context`, for the formats that are JSON-LD.
    #[serde(rename = "@context", default, skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<Value>,
    /// The types, `VerifiableCredential` among them.
    #[serde(rename = "type")]
    pub types: Vec<String>,
}

/// One proof type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofTypeMetadata {
    /// The algorithms that are taken.
    pub proof_signing_alg_values_supported: Vec<Value>,
    /// Present when keys must be attested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_attestations_required: Option<Value>,
}

/// `credential_metadata`: how a credential and its claims are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialMetadata {
    /// By language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display: Vec<CredentialDisplay>,
    /// In the order of display.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimDescription>,
}

/// Why a wallet refuses a metadata document.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MetadataError {
    /// Not strict JSON of the right shape.
    #[error("the metadata cannot be read")]
    Malformed,
    /// The document is about another issuer.
    #[error("the metadata belongs to another issuer")]
    OtherIssuer,
    /// An endpoint is not https.
    #[error("{0} is not an https URL")]
    EndpointNotHttps(&'static str),
    /// Claims descriptions contradict each other.
    #[error("credential configuration {0}: {1}")]
    Claims(CredentialConfigurationId, ContradictoryClaims),
    /// A batch size below two.
    #[error("batch_size is below 2")]
    BatchSize,
    /// No type, in the member that the format has for it.
    #[error("credential configuration {0} has no type")]
    TypeMissing(CredentialConfigurationId),
    /// `response_types_supported` or `token_endpoint` says that nothing can be done here.
    #[error("the authorization server has no token endpoint")]
    TokenEndpointMissing,
}

impl CredentialIssuerMetadata {
    /// What an issuer with this configuration may say about itself, given what it signs each format with.
    pub fn of(
        configuration: &IssuerConfiguration,
        signing: &dyn Fn(Format) -> SignatureAlgorithm,
        encryption: Option<&IssuerEncryption>,
    ) -> Self {
        let issuer = configuration.issuer();
        let batch_size = u64::from(configuration.batch_size());
        let describe = |credential: &CredentialConfiguration| {
            let signing = signing(credential.format.format());
            let metadata = CredentialConfigurationMetadata::of(credential, signing);
            (credential.id.clone(), metadata)
        };
        Self {
            credential_issuer: issuer.clone(),
            // §12.2.4: left out, the issuer is its own authorization server; beside another one it still is the
            // one for its own pre-authorized codes
            authorization_servers: match configuration.authorization_server() {
                Some(other) => vec![other.clone(), issuer.clone()],
                None => Vec::new(),
            },
            credential_endpoint: issuer.endpoint("credential"),
            nonce_endpoint: Some(issuer.endpoint("nonce")),
            deferred_credential_endpoint: Some(issuer.endpoint("deferred")),
            notification_endpoint: Some(issuer.endpoint("notification")),
            credential_request_encryption: encryption.map(IssuerEncryption::request_metadata),
            credential_response_encryption: encryption.map(IssuerEncryption::response_metadata),
            batch_credential_issuance: (batch_size > 1).then_some(BatchIssuance { batch_size }),
            display: configuration.display().to_vec(),
            credential_configurations_supported: configuration
                .credentials()
                .iter()
                .map(describe)
                .collect(),
        }
    }

    /// Reads a document as a wallet must: strict JSON, unknown members ignored, contradictions refused.
    ///
    /// # Errors
    /// One [`MetadataError`] per rule.
    pub fn parse(text: &[u8], expected: &IssuerUrl) -> Result<Self, MetadataError> {
        let value = json::parse(text).map_err(|_| MetadataError::Malformed)?;
        // §12.2.1: identical to the identifier that led here, as plain strings
        if value.get("credential_issuer").and_then(Value::as_str) != Some(expected.as_str()) {
            return Err(MetadataError::OtherIssuer);
        }
        let metadata: Self = serde_json::from_value(value).map_err(|_| MetadataError::Malformed)?;
        let transport = expected.transport();
        if !transport.allows(&metadata.credential_endpoint) {
            return Err(MetadataError::EndpointNotHttps("credential_endpoint"));
        }
        for (name, endpoint) in [
            ("nonce_endpoint", &metadata.nonce_endpoint),
            ("deferred_credential_endpoint", &metadata.deferred_credential_endpoint),
            ("notification_endpoint", &metadata.notification_endpoint),
        ] {
            if endpoint.as_ref().is_some_and(|endpoint| !transport.allows(endpoint)) {
                return Err(MetadataError::EndpointNotHttps(name));
            }
        }
        if metadata.authorization_servers.iter().any(|server| {
            Url::parse(server.as_str()).is_ok_and(|server| !transport.allows(&server))
        }) {
            return Err(MetadataError::EndpointNotHttps("authorization_servers"));
        }
        // §12.2.4: 2 or greater
        if metadata.batch_credential_issuance.is_some_and(|batch| batch.batch_size < 2) {
            return Err(MetadataError::BatchSize);
        }
        for (id, configuration) in &metadata.credential_configurations_supported {
            configuration.accept_itself(id)?;
        }
        Ok(metadata)
    }

    /// The document as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("metadata is text, numbers, lists and maps with text keys")
    }
}

impl ProofType {
    /// What the metadata say about a proof type: what is enforced, read from where it is enforced.
    fn metadata(self, credential: &CredentialConfiguration) -> (String, ProofTypeMetadata) {
        let algorithms = match self {
            Self::Jwt | Self::Attestation => {
                let algorithms = credential.proof_algorithms().iter();
                algorithms.map(|algorithm| algorithm.name().into()).collect()
            }
            // App. F.2: the names of cryptosuites
            Self::DiVp => di_vp::CRYPTOSUITES.iter().map(|suite| suite.name().into()).collect(),
        };
        let requirement = credential.key_attestation.as_ref();
        let requirement =
            requirement.and_then(|requirement| serde_json::to_value(requirement).ok());
        let metadata = ProofTypeMetadata {
            proof_signing_alg_values_supported: algorithms,
            key_attestations_required: requirement,
        };
        (self.name().to_owned(), metadata)
    }
}

impl CredentialConfigurationMetadata {
    fn of(credential: &CredentialConfiguration, signing: SignatureAlgorithm) -> Self {
        let (mut vct, mut doctype) = (None, None);
        let mut methods: &[&str] = &["jwk", "did:key", "did:jwk"];
        // §12.2.4, App. A: JOSE names, but COSE's numbers for mdoc and names of suites for ldp_vc
        let mut algorithm = Value::from(signing.name());
        match &credential.format {
            CredentialFormat::SdJwtVc { vct: own } => vct = Some(own.clone()),
            CredentialFormat::MsoMdoc { doctype: own } => {
                doctype = Some(own.as_str().to_owned());
                methods = &["cose_key"];
                algorithm = cose::algorithm_identifier(signing).into();
            }
            CredentialFormat::JwtVcJson { .. } => {}
            CredentialFormat::LdpVc { cryptosuite, .. } => algorithm = cryptosuite.name().into(),
        }
        let (methods, proofs) = match credential.binding {
            Binding::HolderKey => (
                methods.iter().map(|method| (*method).to_owned()).collect(),
                credential.proof_types.iter().map(|kind| kind.metadata(credential)).collect(),
            ),
            Binding::Bearer => (Vec::new(), BTreeMap::new()),
        };
        let claims = credential.claims.iter().map(|claim| ClaimDescription {
            path: claim.path.clone(),
            mandatory: claim.mandatory,
            display: claim.display.clone(),
        });
        Self {
            format: credential.format.format().name().to_owned(),
            scope: Some(credential.scope.clone()),
            credential_signing_alg_values_supported: vec![algorithm],
            cryptographic_binding_methods_supported: methods,
            proof_types_supported: proofs,
            credential_metadata: Some(CredentialMetadata {
                display: credential.display.clone(),
                claims: claims.collect(),
            }),
            vct,
            doctype,
            credential_definition: credential.format.definition().cloned(),
        }
    }

    fn accept_itself(&self, id: &CredentialConfigurationId) -> Result<(), MetadataError> {
        let has_type = match Format::from_identifier(&self.format) {
            // App. A.3.2: vct is required for SD-JWT VC
            Some(Format::SdJwtVc) => self.vct.is_some(),
            // App. A.2.2: doctype is required for mdoc
            Some(Format::MsoMdoc) => self.doctype.is_some(),
            // App. A.1.1.2, A.1.2.2: credential_definition with a type is required
            Some(Format::JwtVcJson | Format::LdpVc) => self
                .credential_definition
                .as_ref()
                .is_some_and(|definition| !definition.types.is_empty()),
            Some(Format::VcJwt | Format::VcSdJwt) | None => true,
        };
        if !has_type {
            return Err(MetadataError::TypeMissing(id.clone()));
        }
        let claims = self.credential_metadata.iter().flat_map(|metadata| &metadata.claims);
        ClaimDescription::accept_paths(claims.map(|claim| &claim.path))
            .map_err(|error| MetadataError::Claims(id.clone(), error))
    }
}
