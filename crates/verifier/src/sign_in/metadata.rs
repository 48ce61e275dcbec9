//! What clients read: OpenID Connect Discovery 1.0 §3, and the key of ID tokens.

use lanyard_core::{jose::Jwk, pkce::CodeChallenge};
use serde_json::{Value, json};
use url::Url;

use super::ROOT;
use crate::{VerifierService, tenant::Tenant};

impl VerifierService {
    /// The issuer of ID tokens.
    pub(crate) fn sign_in_issuer(&self, tenant: &Tenant) -> Url {
        self.url(&format!("{}/{ROOT}", tenant.id))
    }

    /// The provider's metadata: what is enforced, and nothing else.
    pub(crate) fn sign_in_metadata(&self, tenant: &Tenant) -> Value {
        let at = |path: &str| self.url(&format!("{}/{ROOT}/{path}", tenant.id)).to_string();
        let mut presets: Vec<_> =
            tenant.sign_in_clients.iter().flat_map(|client| &client.presets).collect();
        presets.sort_unstable();
        presets.dedup();
        let scopes = ["openid"].into_iter().chain(presets.iter().map(|preset| preset.as_str()));
        json!({
            "issuer": self.sign_in_issuer(tenant).as_str(),
            "authorization_endpoint": at("authorize"),
            "token_endpoint": at("token"),
            "userinfo_endpoint": at("userinfo"),
            "jwks_uri": at("jwks"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": [self.sign_in_algorithm(tenant)],
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": [CodeChallenge::METHOD],
            "scopes_supported": scopes.collect::<Vec<_>>(),
            "acr_values_supported": presets,
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "authorization_response_iss_parameter_supported": true,
        })
    }

    /// The key that ID tokens are signed with, as a JWK set.
    pub(crate) fn sign_in_keys(&self, tenant: &Tenant) -> Value {
        let mut key = self.sign_in_key(tenant).to_value();
        key["use"] = json!("sig");
        key["alg"] = json!(self.sign_in_algorithm(tenant));
        json!({ "keys": [key] })
    }

    /// The public key, named by its thumbprint (RFC 7638).
    pub(super) fn sign_in_key(&self, tenant: &Tenant) -> Jwk {
        let key = Jwk::new(*tenant.names.certified().signer().public_key());
        let kid = key.thumbprint(self.provider()).to_base64url();
        Jwk { kid: Some(kid), ..key }
    }

    fn sign_in_algorithm(&self, tenant: &Tenant) -> &'static str {
        tenant.names.certified().signer().algorithm().name()
    }
}
