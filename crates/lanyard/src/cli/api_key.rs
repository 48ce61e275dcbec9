//! `lanyard api-key create`, `lanyard webhook-secret` and `lanyard openapi`: what an integrator is given.

use clap::{Args, Subcommand};
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

use super::{Ending, ExitCode};

/// `lanyard api-key`
#[derive(Debug, Args)]
pub struct ApiKeyArgs {
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: ApiKeyCommand,
}

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Make one; the configuration gets its digest
    Create {
        /// The tenant
        #[arg(long, env = "LANYARD_TENANT")]
        tenant: String,
        /// What it is called in the configuration
        #[arg(long, default_value = "integrator")]
        name: String,
        /// What it may be used for, such as offers:write; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
    },
}

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
