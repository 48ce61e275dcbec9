//! How the holders of a tenant log in, and which wallets may ask for that.

use std::{path::Path, time::Duration};

use lanyard_core::{jose::Jwk, json::Object, trust::x509::TrustAnchors};
use lanyard_issuer::{Consent, MappedClaim};
use lanyard_oid4vci::{
    CredentialConfigurationId,
    client_authentication::{ClientId, ClientMethod, RedirectUri, RegisteredClient},
    issuer::{AuthorizationRules, HolderId, Profile},
};
use secrecy::SecretString;
use serde_spanned::Spanned;
use url::Url;

use super::fault::Faults;
use super::file::{
    ClaimsTable, ClientTable, LoginProviderTable, LoginTable, OtherServerTable, TenantTable,
};
use super::sources;
use super::{existing, private};
use crate::credential_type::CredentialType;
use crate::directory::Directory;

/// The claim that names holders, unless it is said.
pub(super) const HOLDER: &str = "sub";

/// What a login provider is asked for beside `openid`, unless it is said.
pub(super) const SCOPES: [&str; 2] = ["profile", "email"];

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
    /// Where they do.
    pub place: LoginPlace,
    /// Where the claims of a credential type come from, beside the file of holders.
    pub sources: Vec<(CredentialConfigurationId, ClaimsSource)>,
    /// Whether they are asked.
    pub consent: Consent,
}

/// Where holders log in.
#[derive(Debug, Clone)]
pub enum LoginPlace {
    /// Here.
    Here(Directory),
    /// At a login provider.
    Provider(LoginProvider),
    /// As they like.
    Either(Directory, LoginProvider),
    /// At an authorization server of somebody else, which gives out the access tokens too.
    Elsewhere(OtherServer),
}

impl LoginPlace {
    /// The file of holders.
    #[must_use]
    pub const fn directory(&self) -> Option<&Directory> {
        match self {
            Self::Here(directory) | Self::Either(directory, _) => Some(directory),
            Self::Provider(_) | Self::Elsewhere(_) => None,
        }
    }

    /// The authorization server of somebody else.
    #[must_use]
    pub const fn elsewhere(&self) -> Option<&OtherServer> {
        match self {
            Self::Elsewhere(server) => Some(server),
            _ => None,
        }
    }

    /// The login provider.
    #[must_use]
    pub const fn provider(&self) -> Option<&LoginProvider> {
        match self {
            Self::Provider(provider) | Self::Either(_, provider) => Some(provider),
            Self::Here(_) | Self::Elsewhere(_) => None,
        }
    }
}

/// An authorization server of somebody else.
#[derive(Debug, Clone)]
pub struct OtherServer {
    /// Its issuer identifier.
    pub issuer: Url,
    /// The same, as it is written.
    pub identifier: String,
    /// The claim of its access tokens that names holders.
    pub holder: String,
    /// What the tenant is called there and proves that with, if the server is asked about its tokens.
    pub client: Option<(String, SecretString)>,
}

/// An OpenID Connect provider, and what this tenant is there.
#[derive(Debug, Clone)]
pub struct LoginProvider {
    /// Its issuer identifier.
    pub issuer: Url,
    /// The same, as it is written.
    pub identifier: String,
    /// What people call it.
    pub name: String,
    /// What the tenant is called there.
    pub client_id: String,
    /// What it proves that with.
    pub client_secret: Option<SecretString>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim that names holders.
    pub holder: String,
}

/// One source of the claims of a credential type.
#[derive(Debug, Clone)]
pub enum ClaimsSource {
    /// The same for everybody.
    Fixed(Object),
    /// What the login provider tells.
    Login(Vec<MappedClaim>),
    /// A system of the enterprise, and how long its answer is waited for.
    Ask(Url, Duration),
    /// The file of holders.
    Holders,
}

pub(super) fn examine(
    table: &TenantTable,
    kinds: &[CredentialType],
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
    let login = table.login.as_ref();
    let login = login.and_then(|login| self::login(login, (&table.claims, kinds), folder, faults));
    if let (None, Some(source)) = (&table.login, table.claims.first()) {
        faults.at(
            source.span(),
            "claims are looked up for whoever logs in; write login = { holders = \"holders.json\" }, or give them with the offer",
        );
    }
    if login.as_ref().is_some_and(|login| login.place.elsewhere().is_none()) {
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
    (claims, kinds): (&[Spanned<ClaimsTable>], &[CredentialType]),
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
    let directory = match &table.holders {
        None => None,
        Some(file) => {
            let path = existing(file, folder, faults)?;
            let read = Directory::read(&path);
            Some(read.map_err(|error| faults.elsewhere(&path, 1, error.to_string())).ok()?)
        }
    };
    let provider = match &table.provider {
        None => None,
        Some(provider) => Some(self::provider(provider, folder, faults)?),
    };
    let elsewhere = match &table.server {
        None => None,
        Some(server) => Some(elsewhere(server, folder, faults)?),
    };
    if let Some(server) = elsewhere {
        if directory.is_some() || provider.is_some() || table.danger_consent.is_some() {
            faults.at(
                written.span(),
                "another authorization server logs holders in by itself; leave out holders, provider and danger_consent",
            );
            return None;
        }
        let place = LoginPlace::Elsewhere(server);
        let sources =
            claims.iter().flat_map(|table| sources::examine(table, kinds, &place, faults));
        let sources = sources.collect();
        return Some(HolderLogin { place, sources, consent: Consent::Ask });
    }
    let place = match (directory, provider) {
        (Some(directory), None) => LoginPlace::Here(directory),
        (None, Some(provider)) => LoginPlace::Provider(provider),
        (Some(directory), Some(provider)) => LoginPlace::Either(directory, provider),
        (None, None) => {
            faults.at(
                written.span(),
                "nobody can log in; write holders = \"holders.json\", provider = { issuer, name, client_id } or server = { issuer }",
            );
            return None;
        }
    };
    let sources = claims.iter().flat_map(|table| sources::examine(table, kinds, &place, faults));
    let sources = sources.collect();
    Some(HolderLogin { place, sources, consent })
}

fn elsewhere(
    written: &Spanned<OtherServerTable>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<OtherServer> {
    let table = written.get_ref();
    let client = match (&table.client_id, &table.client_secret) {
        (None, None) => None,
        (Some(id), Some(file)) => {
            Some((id.get_ref().clone(), client_secret(file, folder, faults)?))
        }
        (Some(alone), None) => {
            faults.at(alone.span(), "client_id needs client_secret beside it (RFC 7662 §2.1)");
            return None;
        }
        (None, Some(alone)) => {
            faults.at(alone.span(), "client_secret needs client_id beside it");
            return None;
        }
    };
    Some(OtherServer {
        issuer: sources::address(&table.issuer, faults)?,
        identifier: table.issuer.get_ref().clone(),
        holder: table.holder.clone().unwrap_or_else(|| HOLDER.to_owned()),
        client,
    })
}

/// Reads the secret that a server gave to this tenant, from a file that nobody else reads.
fn client_secret(
    file: &Spanned<std::path::PathBuf>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<SecretString> {
    let path = private(file, folder, faults)?;
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    if text.trim().is_empty() {
        faults.at(file.span(), format!("{} holds no secret", path.display()));
        return None;
    }
    Some(SecretString::from(text.trim().to_owned()))
}

fn provider(
    written: &Spanned<LoginProviderTable>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<LoginProvider> {
    let table = written.get_ref();
    let issuer = sources::address(&table.issuer, faults)?;
    if table.name.get_ref().trim().is_empty() {
        faults.at(
            table.name.span(),
            "a login provider needs a name; write for example \"Acme account\"",
        );
        return None;
    }
    let client_secret = match &table.client_secret {
        None => None,
        Some(file) => Some(self::client_secret(file, folder, faults)?),
    };
    let scopes = table.scopes.clone();
    Some(LoginProvider {
        issuer,
        identifier: table.issuer.get_ref().clone(),
        name: table.name.get_ref().clone(),
        client_id: table.client_id.clone(),
        client_secret,
        scopes: scopes.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec()),
        holder: table.holder.clone().unwrap_or_else(|| HOLDER.to_owned()),
    })
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
