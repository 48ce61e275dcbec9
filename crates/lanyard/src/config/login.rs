//! How the holders of a tenant log in, and which wallets may ask for that.

use std::path::Path;

use lanyard_core::{jose::Jwk, trust::x509::TrustAnchors};
use lanyard_issuer::Consent;
use lanyard_oid4vci::{
    client_authentication::{ClientId, ClientMethod, RedirectUri, RegisteredClient},
    issuer::{AuthorizationRules, HolderId, Profile},
};
use serde_spanned::Spanned;

use super::existing;
use super::fault::Faults;
use super::file::{ClientTable, LoginTable, TenantTable};
use crate::directory::Directory;

/// What a tenant demands of those who ask for tokens.
#[derive(Debug, Clone, Default)]
pub struct Authorization {
    /// The rules.
    pub rules: AuthorizationRules,
    /// How its holders log in, if they can.
    pub login: Option<HolderLogin>,
}

/// How the holders of a tenant log in.
#[derive(Debug, Clone)]
pub struct HolderLogin {
    /// Who they are.
    pub directory: Directory,
    /// Whether they are asked.
    pub consent: Consent,
}

pub(super) fn examine(
    table: &TenantTable,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Authorization {
    let profile = match table.profile.as_ref().map(|word| (word.get_ref().as_str(), word.span())) {
        None | Some(("openid4vci", _)) => Profile::Plain,
        Some(("haip", _)) => Profile::Haip,
        Some((_, span)) => {
            faults.at(span, "there is no such profile; write profile = \"haip\", or leave it out");
            Profile::Plain
        }
    };
    let clients: Vec<_> =
        table.clients.iter().filter_map(|client| self::client(client, folder, faults)).collect();
    let mut rules = AuthorizationRules::new(profile).with_clients(clients);
    let attesters = attesters(table, folder, faults);
    if profile == Profile::Haip && attesters.is_none() {
        let span = table.profile.as_ref().map_or(0..0, Spanned::span);
        faults.at(
            span,
            "wallets of this profile are attested; write wallet_attesters = [\"trust/wallets.pem\"]",
        );
    }
    if let Some(attesters) = attesters {
        rules = rules.with_attesters(attesters);
    }
    let login = table.login.as_ref().and_then(|login| self::login(login, folder, faults));
    if login.is_some() {
        rules = rules.with_code_flow();
        if table.clients.is_empty() {
            let span = table.login.as_ref().map_or(0..0, Spanned::span);
            faults.at(
                span,
                "nobody can log in without a wallet; add [[tenants.clients]] with id and redirect_uris",
            );
        }
    }
    Authorization { rules, login }
}

fn login(
    written: &Spanned<LoginTable>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<HolderLogin> {
    let table = written.get_ref();
    let consent = match &table.danger_consent {
        None => Consent::Ask,
        Some(word) => match word.get_ref().split_once(':') {
            Some(("always", holder)) if !holder.is_empty() => {
                Consent::DangerAlways(HolderId::new(holder))
            }
            None if word.get_ref() == "never" => Consent::DangerNever,
            _ => {
                faults.at(
                    word.span(),
                    "danger_consent is for tests: \"always:NAME\" or \"never\"; leave it out to ask",
                );
                return None;
            }
        },
    };
    let path = existing(&table.holders, folder, faults)?;
    match Directory::read(&path) {
        Ok(directory) => Some(HolderLogin { directory, consent }),
        Err(error) => {
            faults.elsewhere(&path, 1, error.to_string());
            None
        }
    }
}

fn client(
    written: &Spanned<ClientTable>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<RegisteredClient> {
    let table = written.get_ref();
    let mut redirect_uris = Vec::new();
    for place in &table.redirect_uris {
        match RedirectUri::parse(place.get_ref()) {
            Ok(place) => redirect_uris.push(place),
            Err(error) => faults.at(place.span(), error.to_string()),
        }
    }
    let method = match table.authentication.as_ref().map(|word| (word.get_ref().as_str(), word)) {
        None | Some(("none", _)) => ClientMethod::Public,
        Some(("attestation", _)) => ClientMethod::Attested,
        Some(("private_key_jwt", word)) => {
            let Some(keys) = &table.keys else {
                faults.at(word.span(), "private_key_jwt needs keys = \"clients/bank.jwks\"");
                return None;
            };
            ClientMethod::PrivateKey(self::keys(keys, folder, faults)?)
        }
        Some((_, word)) => {
            faults.at(
                word.span(),
                "a client authenticates by \"none\", \"private_key_jwt\" or \"attestation\"",
            );
            return None;
        }
    };
    Some(RegisteredClient { id: ClientId::new(table.id.clone()), redirect_uris, method })
}

/// The public keys of a JWK set.
fn keys(
    written: &Spanned<std::path::PathBuf>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<Vec<Jwk>> {
    let path = existing(written, folder, faults)?;
    let keys = std::fs::read(&path).ok().and_then(|text| {
        let value = lanyard_core::json::parse(&text).ok()?;
        let keys = value.get("keys")?.as_array()?.clone();
        keys.iter().map(|key| Jwk::from_value(key).ok()).collect::<Option<Vec<_>>>()
    });
    match keys {
        Some(keys) if !keys.is_empty() => Some(keys),
        _ => {
            faults.elsewhere(&path, 1, "this is no JWK set with public keys");
            None
        }
    }
}

fn attesters(table: &TenantTable, folder: &Path, faults: &mut Faults<'_>) -> Option<TrustAnchors> {
    let mut all = TrustAnchors::default();
    for written in &table.wallet_attesters {
        let Some(path) = existing(written, folder, faults) else { continue };
        let read = std::fs::read_to_string(&path).ok();
        match read.and_then(|pem| TrustAnchors::from_pem(&pem).ok()) {
            Some(anchors) => all = all.and(anchors),
            None => faults.elsewhere(&path, 1, "these are no certificates of authorities, PEM"),
        }
    }
    (!all.is_empty()).then_some(all)
}
