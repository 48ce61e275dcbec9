//! Authorization server metadata (RFC 8414, OID4VCI 1.0 §12.3).

use lanyard_core::{crypto::SignatureAlgorithm, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::MetadataError;
use crate::{
    IssuerUrl,
    authorization::CodeChallenge,
    client_authentication::ATTESTED,
    configuration::IssuerConfiguration,
    issuer::AuthorizationRules,
    offer::PRE_AUTHORIZED_GRANT,
    token::{AuthorizationDetail, CODE_GRANT, REFRESH_GRANT},
};

/// What an authorization server says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationServerMetadata {
    /// The issuer identifier.
    pub issuer: IssuerUrl,
    /// Where tokens are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<Url>,
    /// Where browsers are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<Url>,
    /// Where authorization requests are pushed (RFC 9126 §5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Whether every authorization request has to be pushed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_pushed_authorization_requests: bool,
    /// Where challenges for client attestations are had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge_endpoint: Option<Url>,
    /// The response types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_types_supported: Vec<String>,
    /// The methods of code challenges (RFC 7636).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<String>,
    /// Whether the answer says who answers (RFC 9207 §3).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub authorization_response_iss_parameter_supported: bool,
    /// The scopes, one for each credential configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// The grants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_types_supported: Vec<String>,
    /// How clients authenticate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// The algorithms of client assertions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// The algorithms of client attestations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_attestation_signing_alg_values_supported: Vec<String>,
    /// The algorithms of the proofs of possession beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_attestation_pop_signing_alg_values_supported: Vec<String>,
    /// The types of authorization details.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types_supported: Vec<String>,
    /// The algorithms of DPoP proofs; empty when tokens are not bound to keys (RFC 9449 §5.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// Whether a pre-authorized code may be traded without a client.
    #[serde(default, rename = "pre-authorized_grant_anonymous_access_supported")]
    pub anonymous_pre_authorized: bool,
    /// Where the list of all status lists is (Token Status List §9.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_list_aggregation_endpoint: Option<Url>,
}

impl AuthorizationServerMetadata {
    /// What the authorization server of an issuer with this configuration and these rules may say about
    /// itself.
    pub fn of(configuration: &IssuerConfiguration, rules: &AuthorizationRules) -> Self {
        let issuer = configuration.issuer();
        let login = rules.offers_code_flow();
        let algorithms = |used: bool| {
            let names = SignatureAlgorithm::OPENID4VC.iter().map(|one| one.name().to_owned());
            names.filter(|_| used).collect::<Vec<_>>()
        };
        let (attested, asserted) = (rules.attesters().is_some(), rules.has_private_key_clients());
        let anonymous = !rules.is_client_authentication_required();
        let names = |all: &[(bool, &str)]| {
            all.iter().filter(|(used, _)| *used).map(|(_, name)| (*name).to_owned()).collect()
        };
        Self {
            issuer: issuer.clone(),
            token_endpoint: Some(issuer.endpoint("token")),
            authorization_endpoint: login.then(|| issuer.endpoint("authorize")),
            pushed_authorization_request_endpoint: login.then(|| issuer.endpoint("par")),
            require_pushed_authorization_requests: login,
            challenge_endpoint: attested.then(|| issuer.endpoint("challenge")),
            response_types_supported: names(&[(login, "code")]),
            code_challenge_methods_supported: names(&[(login, CodeChallenge::METHOD)]),
            authorization_response_iss_parameter_supported: login,
            scopes_supported: configuration
                .credentials()
                .iter()
                .filter(|_| login)
                .map(|credential| credential.scope.clone())
                .collect(),
            grant_types_supported: names(&[
                (login, CODE_GRANT),
                (login, REFRESH_GRANT),
                (true, PRE_AUTHORIZED_GRANT),
            ]),
            token_endpoint_auth_methods_supported: names(&[
                (anonymous, "none"),
                (attested, ATTESTED),
                (asserted, "private_key_jwt"),
            ]),
            token_endpoint_auth_signing_alg_values_supported: algorithms(asserted),
            client_attestation_signing_alg_values_supported: algorithms(attested),
            client_attestation_pop_signing_alg_values_supported: algorithms(attested),
            authorization_details_types_supported: vec![AuthorizationDetail::TYPE.to_owned()],
            dpop_signing_alg_values_supported: algorithms(true),
            anonymous_pre_authorized: anonymous,
            status_list_aggregation_endpoint: None,
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
        let endpoints = [
            ("token_endpoint", &metadata.token_endpoint),
            ("authorization_endpoint", &metadata.authorization_endpoint),
            (
                "pushed_authorization_request_endpoint",
                &metadata.pushed_authorization_request_endpoint,
            ),
            ("challenge_endpoint", &metadata.challenge_endpoint),
        ];
        for (name, endpoint) in endpoints {
            if endpoint.as_ref().is_some_and(|place| !expected.transport().allows(place)) {
                return Err(MetadataError::EndpointNotHttps(name));
            }
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
