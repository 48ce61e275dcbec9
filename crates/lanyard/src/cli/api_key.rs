//! `lanyard api-key create`, `lanyard webhook-secret` and `lanyard openapi`: what an integrator is given.

use lanyard_core::crypto::AwsLc;
use lanyard_issuer::IssuerService;
use lanyard_service::{
    ApiKey, ApiKeyDigest, Scope,
    integration::{IntegrationApi, document},
    webhook::WebhookSecret,
};
use lanyard_store::TenantId;
use lanyard_verifier::VerifierService;
use serde_json::json;

use super::{ApiKeyArgs, ApiKeyCommand, Ending, ExitCode};

/// Makes a key, and says what the configuration has to know of it: never the key itself.
pub(super) fn run(args: &ApiKeyArgs) -> Ending {
    let ApiKeyCommand::Create { tenant, name, scopes } = &args.command;
    let Ok(tenant) = tenant.parse::<TenantId>() else {
        let why = "A tenant is 1 to 63 characters of a-z, 0-9 and '-'.";
        return Ending::not_done(ExitCode::Usage, "tenant", why);
    };
    let mut wanted = Vec::new();
    for scope in scopes {
        match scope.parse::<Scope>() {
            Ok(scope) => wanted.push(scope.as_str()),
            Err(_) => {
                let known = Scope::ALL.map(Scope::as_str).join(", ");
                let why = format!("There is no scope {scope}; known are {known}.");
                return Ending::not_done(ExitCode::Usage, "scope", why);
            }
        }
    }
    let key = ApiKey::generate(&tenant, &AwsLc);
    let digest = ApiKeyDigest::of(&key, &AwsLc).to_text();
    let quoted: Vec<_> = wanted.iter().map(|scope| format!("\"{scope}\"")).collect();
    let text = format!(
        "{}\n\nIt is shown this once. In the configuration, below [[tenants]] of {tenant}:\n\n\
         [[tenants.api_keys]]\nname = \"{name}\"\ndigest = \"{digest}\"\nscopes = [{}]",
        *key,
        quoted.join(", ")
    );
    Ending::done(text, json!({ "key": *key, "name": name, "digest": digest, "scopes": wanted }))
}

pub(super) fn webhook_secret() -> Ending {
    let secret = WebhookSecret::generate(&AwsLc);
    Ending::done(secret.to_string(), json!(*secret))
}

pub(super) fn openapi() -> Ending {
    let all =
        [IssuerService::described(), VerifierService::described(), IntegrationApi::described()];
    let document = document(&all);
    Ending::done(format!("{document:#}"), document)
}
