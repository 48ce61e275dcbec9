//! Authorization server metadata (RFC 8414, OID4VCI §12.3).

use lanyard_core::{crypto::SignatureAlgorithm, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::MetadataError;
use crate::{
    IssuerUrl, configuration::IssuerConfiguration, issuer::AuthorizationRules,
    offer::PRE_AUTHORIZED_GRANT, token::AuthorizationDetail,
};

/// What an authorization server says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationServerMetadata {
    /// The issuer identifier.
    pub issuer: IssuerUrl,
    /// Where tokens are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<Url>,
    /// The grants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_types_supported: Vec<String>,
    /// How clients authenticate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// The types of authorization details.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types_supported: Vec<String>,
    /// The algorithms of DPoP proofs; empty when tokens are not bound to keys (RFC 9449 §5.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// Whether a pre-authorized code may be traded without a client.
    #[serde(default, rename = "pre-authorized_grant_anonymous_access_supported")]
    pub anonymous_pre_authorized: bool,
}

impl AuthorizationServerMetadata {
    /// What the authorization server of an issuer with this configuration may say about itself.
    pub fn of(configuration: &IssuerConfiguration, _rules: &AuthorizationRules) -> Self {
        let issuer = configuration.issuer();
        Self {
            issuer: issuer.clone(),
            token_endpoint: Some(issuer.endpoint("token")),
            grant_types_supported: vec![PRE_AUTHORIZED_GRANT.to_owned()],
            token_endpoint_auth_methods_supported: vec!["none".to_owned()],
            authorization_details_types_supported: vec![AuthorizationDetail::TYPE.to_owned()],
            dpop_signing_alg_values_supported: SignatureAlgorithm::OPENID4VC
                .iter()
                .map(|algorithm| algorithm.name().to_owned())
                .collect(),
            anonymous_pre_authorized: true,
        }
    }

    /// Reads a document as a wallet must.
    ///
    /// # Errors
    /// One [`MetadataError`] per rule.
    pub fn parse(text: &[u8], expected: &IssuerUrl) -> Result<Self, MetadataError> {
        let value = json::parse(text).map_err(|_| MetadataError::Malformed)?;
        // RFC 8414 §3.3: issuer is identical to the identifier the URL was made from
        if value.get("issuer").and_then(Value::as_str) != Some(expected.as_str()) {
            return Err(MetadataError::OtherIssuer);
        }
        let metadata: Self = serde_json::from_value(value).map_err(|_| MetadataError::Malformed)?;
        if metadata
            .token_endpoint
            .as_ref()
            .is_some_and(|endpoint| !expected.transport().allows(endpoint))
        {
            return Err(MetadataError::EndpointNotHttps("token_endpoint"));
        }
        Ok(metadata)
    }

    /// Whether a grant is offered; RFC 8414 §2 gives the list a default.
    pub fn offers_grant(&self, grant: &str) -> bool {
        if self.grant_types_supported.is_empty() {
            return grant == "authorization_code";
        }
        self.grant_types_supported.iter().any(|offered| offered == grant)
    }

    /// The document as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("metadata is text, flags and lists of text")
    }
}
