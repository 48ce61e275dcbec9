//! The tenants of a configuration.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use lanyard_core::{credential::Format, did::DidUrl, verify::PolicySet};
use lanyard_service::{ApiKey, webhook::Webhook};
use serde_spanned::Spanned;

use super::asking::{self, Asking};
use super::fault::Faults;
use super::file::{
    DidSigningTable, EncryptionMode, File, Mode, SigningTable, TenantTable, UnreadableAttestations,
};
use super::integration;
use super::login::{self, Authorization};
use super::verifying;
use super::{existing, key_file, private};
use crate::credential_type::{CredentialType, CredentialTypeError};
use crate::keys::KeyFile;
use crate::trust_list;

/// One enterprise on this server.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its path segment.
    pub id: lanyard_store::TenantId,
    /// Its name for people.
    pub name: String,
    /// Files that hold one API key each, good for everything.
    pub api_key_files: Vec<PathBuf>,
    /// Further API keys, by their digests, each good for its scopes.
    pub api_keys: Vec<ApiKey>,
    /// Who is told of each step.
    pub webhooks: Vec<Webhook>,
    /// Files with the certificates of the authorities it trusts, PEM.
    pub trust_anchors: Vec<PathBuf>,
    /// The file with its trust list, JSON or TOML.
    pub trust_list: Option<PathBuf>,
    /// What it demands of presentations beyond what is always checked.
    pub policies: PolicySet,
    /// Questions ready to ask, beside those that its credential types answer.
    pub saved_requests: Vec<lanyard_verifier::Preset>,
    /// Applications that people sign in to with their wallets.
    pub sign_in_clients: Vec<lanyard_verifier::SignInClient>,
    /// What it issues.
    pub credential_types: Vec<CredentialType>,
    /// The files that say what it issues and who logs in, which are taken again when they change.
    pub living_files: Vec<PathBuf>,
    /// How long verifiers keep its status lists; none when what it issues has no status.
    pub status_ttl: Option<SignedDuration>,
    /// What it signs with; in development mode a test authority can stand in.
    pub signing: Option<SigningFiles>,
    /// What it demands of those who ask for tokens.
    pub authorization: Authorization,
    /// What it signs mdocs with: a document signer's certificate and key.
    pub document_signing: Option<SigningFiles>,
    /// What it signs W3C credentials with: a key of its DID.
    pub did_signing: Option<DidKeyFile>,
    /// Files with the certificates of authorities that are believed about the keys of wallets, PEM.
    pub key_attesters: Vec<PathBuf>,
    /// What is done with an attestation whose status cannot be read.
    pub unreadable_attestations: UnreadableAttestations,
    /// Whether credential requests and responses are encrypted.
    pub encryption: EncryptionMode,
    /// How it asks.
    pub asking: Asking,
}

/// A key of a DID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DidKeyFile {
    /// The name of the key, `did:web:example.com#key-1`.
    pub verification_method: DidUrl,
    /// The private key.
    pub key: KeyFile,
}

/// A certificate chain and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningFiles {
    /// The certificate chain, leaf first, anchor left out, PEM.
    pub certificates: PathBuf,
    /// The private key.
    pub key: KeyFile,
}

pub(super) fn examine_all(file: &File, folder: &Path, faults: &mut Faults<'_>) -> Vec<Tenant> {
    let mut tenants: Vec<Tenant> = Vec::new();
    for written in &file.tenants {
        let Some(tenant) = examine(file, written, folder, faults) else { continue };
        if tenants.iter().any(|other| other.id == tenant.id) {
            faults.at(
                written.get_ref().id.span(),
                format!("there is another tenant \"{}\"; give each its own id", tenant.id),
            );
            continue;
        }
        tenants.push(tenant);
    }
    tenants
}

fn examine(
    file: &File,
    written: &Spanned<TenantTable>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<Tenant> {
    let table = written.get_ref();
    let id = table.id.get_ref().parse().ok();
    if id.is_none() {
        faults.at(
            table.id.span(),
            "a tenant's id is 1 to 63 characters of a-z, 0-9 and '-'; write for example \"acme\"",
        );
    }
    if table.name.get_ref().trim().is_empty() {
        faults.at(
            table.name.span(),
            "a tenant needs a name that people recognise; write for example \"Acme\"",
        );
    }
    if table.api_key_files.is_empty() && table.api_keys.is_empty() {
        faults.at(written.span(), "no API key; run `lanyard api-key create`, or write api_key_files = [\"keys/acme.api-key\"], one random key of 32 characters or more in each file");
    }
    if file.issuer.is_some() && table.credential_types.is_empty() {
        faults.at(
            written.span(),
            "an issuer needs something to issue; write credential_types = [\"types/badge.json\"]",
        );
    }
    let nobody = table.trust_anchors.is_empty() && table.trust_list.is_none();
    if file.verifier.is_some() && file.mode == Mode::Production && nobody {
        faults.at(
            written.span(),
            "a verifier needs someone to trust; write trust_anchors = [\"trust/issuers.pem\"] or trust_list = \"trust/issuers.json\"",
        );
    }
    let credential_types: Vec<CredentialType> =
        collect(&table.credential_types, |path| credential_type(path, folder, faults));
    let in_format = |formats: &[Format]| {
        let production = file.mode == Mode::Production && file.issuer.is_some();
        production && credential_types.iter().any(|kind| formats.contains(&kind.format))
    };
    if table.document_signing.is_none() && in_format(&[Format::MsoMdoc]) {
        faults.at(written.span(), "an mdoc needs a document signer; write document_signing = { certificates = \"keys/acme-ds.pem\", key = \"keys/acme-ds.key\" }");
    }
    if table.did_signing.is_none() && in_format(&[Format::JwtVcJson, Format::LdpVc]) {
        faults.at(written.span(), "a W3C credential needs an issuer that is a DID; write did_signing = { verification_method = \"did:web:acme.example#key-1\", key = \"keys/acme-did.key\" }");
    }
    let attested = credential_types.iter().any(|kind| kind.needs_attesters());
    if file.issuer.is_some() && attested && table.key_attesters.is_empty() {
        faults.at(written.span(), "attested keys need somebody who is believed about them; write key_attesters = [\"trust/wallet-providers.pem\"]");
    }
    let authorization = login::examine(table, &credential_types, folder, faults);
    Some(Tenant {
        document_signing: table
            .document_signing
            .as_ref()
            .and_then(|table| signing_files(table, folder, faults)),
        key_attesters: collect(&table.key_attesters, |path| existing(path, folder, faults)),
        unreadable_attestations: table.unreadable_attestations,
        encryption: table.encryption,
        did_signing: table.did_signing.as_ref().and_then(|table| did_key(table, folder, faults)),
        api_keys: integration::api_keys(table, faults),
        webhooks: integration::webhooks(file, table, folder, faults),
        api_key_files: collect(&table.api_key_files, |path| private(path, folder, faults)),
        trust_anchors: collect(&table.trust_anchors, |path| existing(path, folder, faults)),
        trust_list: table.trust_list.as_ref().and_then(|path| trust_list(path, folder, faults)),
        policies: policies(table.policies.as_ref(), faults),
        saved_requests: verifying::saved_requests(table, folder, faults),
        sign_in_clients: verifying::sign_in_clients(table, folder, faults),
        living_files: living_files(table, folder),
        credential_types,
        status_ttl: status_ttl(table, faults),
        signing: signing(file, written, folder, faults),
        authorization,
        asking: asking::examine(file, table, folder, faults),
        name: table.name.get_ref().clone(),
        id: id?,
    })
}

fn living_files(table: &TenantTable, folder: &Path) -> Vec<PathBuf> {
    let holders = table.login.as_ref().and_then(|login| login.get_ref().holders.as_ref());
    let written = table.credential_types.iter().chain(holders);
    written.map(|path| folder.join(path.get_ref())).collect()
}

/// One second to one day: later than that, a revocation is useless.
fn status_ttl(table: &TenantTable, faults: &mut Faults<'_>) -> Option<SignedDuration> {
    let ttl = &table.status_lists.as_ref()?.ttl_seconds;
    if !(1..=86_400).contains(ttl.get_ref()) {
        faults.at(
            ttl.span(),
            "verifiers keep a status list for 1 to 86400 seconds; write for example 300",
        );
    }
    Some(SignedDuration::from_secs((*ttl.get_ref()).into()))
}

fn collect<T>(
    written: &[Spanned<PathBuf>],
    read: impl FnMut(&Spanned<PathBuf>) -> Option<T>,
) -> Vec<T> {
    written.iter().filter_map(read).collect()
}

fn trust_list(
    written: &Spanned<PathBuf>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<PathBuf> {
    let path = existing(written, folder, faults)?;
    match trust_list::read(&path) {
        Ok(_) => Some(path),
        Err(error) => {
            faults.elsewhere(&path, error.line(), error.to_string());
            None
        }
    }
}

fn policies(written: Option<&Spanned<toml::Value>>, faults: &mut Faults<'_>) -> PolicySet {
    let Some(written) = written else { return PolicySet::new() };
    let value = serde_json::to_value(written.get_ref()).unwrap_or_default();
    PolicySet::from_value(&value).unwrap_or_else(|found| {
        for fault in found.0 {
            faults.at(written.span(), format!("policies{fault}"));
        }
        PolicySet::new()
    })
}

fn credential_type(
    written: &Spanned<PathBuf>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<CredentialType> {
    let path = existing(written, folder, faults)?;
    let Ok(text) = std::fs::read_to_string(&path) else {
        faults.at(
            written.span(),
            format!("{} is not text; a credential type is a JSON file", path.display()),
        );
        return None;
    };
    match CredentialType::parse(&text, path.parent().unwrap_or(folder)) {
        Ok(kind) => Some(kind),
        Err(CredentialTypeError::Shape { line, what }) => {
            faults.elsewhere(&path, line, what);
            None
        }
        Err(error) => {
            faults.elsewhere(&path, 1, error.to_string());
            None
        }
    }
}

fn signing(
    file: &File,
    written: &Spanned<TenantTable>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<SigningFiles> {
    let Some(table) = &written.get_ref().signing else {
        if file.mode == Mode::Production {
            faults.at(written.span(), "no signing key; write signing = { certificates = \"keys/acme.pem\", key = \"keys/acme.key\" }");
        }
        return None;
    };
    signing_files(table, folder, faults)
}

fn signing_files(
    table: &SigningTable,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<SigningFiles> {
    let certificates = existing(&table.certificates, folder, faults);
    let key = key_file(&table.key, folder, faults);
    Some(SigningFiles { certificates: certificates?, key: key? })
}

fn did_key(table: &DidSigningTable, folder: &Path, faults: &mut Faults<'_>) -> Option<DidKeyFile> {
    let method = DidUrl::parse(table.verification_method.get_ref()).ok();
    let method = method.filter(DidUrl::names_a_key);
    if method.is_none() {
        faults.at(
            table.verification_method.span(),
            "a verification method is a DID URL with a fragment; write for example \"did:web:acme.example#key-1\"",
        );
    }
    let key = key_file(&table.key, folder, faults);
    Some(DidKeyFile { verification_method: method?, key: key? })
}
