//! The API keys and the webhooks of a configuration.

use std::path::Path;

use lanyard_service::{
    ApiKey, ApiKeyDigest, Scope, Scopes,
    webhook::{Webhook, WebhookSecret},
};
use serde_spanned::Spanned;
use url::Url;

use super::fault::Faults;
use super::file::{ApiKeyTable, File, Mode, TenantTable, WebhookTable};
use super::{is_loopback, private};

pub(super) fn api_keys(table: &TenantTable, faults: &mut Faults<'_>) -> Vec<ApiKey> {
    table.api_keys.iter().filter_map(|key| api_key(key.get_ref(), faults)).collect()
}

fn api_key(key: &ApiKeyTable, faults: &mut Faults<'_>) -> Option<ApiKey> {
    let digest = ApiKeyDigest::from_text(key.digest.get_ref());
    if digest.is_none() {
        faults.at(
            key.digest.span(),
            format!(
                "the digest of the API key \"{}\" is sha256: and 64 hexadecimal digits; `lanyard api-key create` prints it",
                key.name
            ),
        );
    }
    let mut scopes = Vec::new();
    for scope in &key.scopes {
        match scope.get_ref().parse::<Scope>() {
            Ok(scope) => scopes.push(scope),
            Err(_) => {
                faults.at(scope.span(), format!("there is no such scope; known are {}", known()))
            }
        }
    }
    if key.scopes.is_empty() {
        faults.at(
            key.digest.span(),
            format!(
                "an API key is good for something; write scopes = [\"offers:write\"], of {}",
                known()
            ),
        );
    }
    Some(ApiKey::new(digest?, scopes.into_iter().collect::<Scopes>()))
}

fn known() -> String {
    Scope::ALL.map(Scope::as_str).join(", ")
}

pub(super) fn webhooks(
    file: &File,
    table: &TenantTable,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Vec<Webhook> {
    let mut webhooks: Vec<Webhook> = Vec::new();
    for written in &table.webhooks {
        let Some(webhook) = webhook(file.mode, written, folder, faults) else { continue };
        if webhooks.iter().any(|other| other.name == webhook.name) {
            faults.at(
                written.get_ref().name.span(),
                format!("there is another webhook \"{}\"; give each its own name", webhook.name),
            );
            continue;
        }
        webhooks.push(webhook);
    }
    webhooks
}

fn webhook(
    mode: Mode,
    written: &Spanned<WebhookTable>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<Webhook> {
    let table = written.get_ref();
    let url = Url::parse(table.url.get_ref()).ok().filter(|url| match url.scheme() {
        // the address policy of everything that this server sends lets no other port through
        "https" => url.port().is_none(),
        "http" => mode == Mode::Development && is_loopback(url),
        _ => false,
    });
    if url.is_none() {
        faults.at(
            table.url.span(),
            "a webhook is an https URL without a port; plain http is for loopback in development mode",
        );
    }
    let secret = private(&table.secret_file, folder, faults).and_then(|path| {
        let read = std::fs::read_to_string(&path).ok();
        let secret = read.and_then(|text| WebhookSecret::parse(&text).ok());
        if secret.is_none() {
            faults.at(
                table.secret_file.span(),
                "the file holds no webhook secret; `lanyard webhook-secret` makes one",
            );
        }
        secret
    });
    Some(Webhook {
        name: table.name.get_ref().clone(),
        url: url?,
        secret: secret?,
        events: table.events.iter().map(|event| event.get_ref().clone()).collect(),
    })
}
