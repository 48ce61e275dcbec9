//! What a tenant asks as a verifier: saved requests, and the applications that people sign in to.

use std::path::Path;

use lanyard_core::{
    crypto::{AwsLc, CryptoProvider as _, HashAlgorithm},
    json,
};
use lanyard_oid4vp::dcql::DcqlQuery;
use lanyard_verifier::{Preset, RequestPolicy, SignInClient, SubjectClaim};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::path::PathBuf;

use super::fault::Faults;
use super::file::{SignInClientTable, TenantTable};
use super::{existing, private};

/// A saved request, as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedRequest {
    id: String,
    #[serde(default = "first")]
    version: u32,
    title: String,
    purpose: String,
    dcql_query: DcqlQuery,
    #[serde(default)]
    policy: RequestPolicy,
}

const fn first() -> u32 {
    1
}

/// The saved requests of a tenant.
pub(super) fn saved_requests(
    table: &TenantTable,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Vec<Preset> {
    let mut all: Vec<Preset> = Vec::new();
    for written in &table.saved_requests {
        let Some(request) = saved_request(written, folder, faults) else { continue };
        let same = |one: &Preset| (&one.id, one.version) == (&request.id, request.version);
        if all.iter().any(same) {
            let what = format!("{} version {} is there twice", request.id, request.version);
            faults.at(written.span(), what);
        } else {
            all.push(request);
        }
    }
    all
}

fn saved_request(
    written: &Spanned<PathBuf>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<Preset> {
    let path = existing(written, folder, faults)?;
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let read = match serde_json::from_str::<SavedRequest>(&text) {
        Ok(read) => read,
        Err(error) => {
            faults.elsewhere(&path, error.line(), error.to_string());
            return None;
        }
    };
    // serde_json takes members twice, the server's own reader does not
    if let Err(error) = json::parse(text.as_bytes()) {
        faults.elsewhere(&path, 1, error.to_string());
        return None;
    }
    if let Err(fault) = read.policy.fit(&read.dcql_query) {
        faults.elsewhere(&path, 1, format!("policy: {fault}"));
        return None;
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if read.id.is_empty() || !read.id.chars().all(is_plain) {
        faults.elsewhere(&path, 1, "an id is letters, digits, '_' and '-'".to_owned());
        return None;
    }
    Some(Preset {
        id: read.id,
        version: read.version,
        title: read.title,
        purpose: read.purpose,
        query: read.dcql_query,
        policy: read.policy,
    })
}

/// The applications of a tenant.
pub(super) fn sign_in_clients(
    table: &TenantTable,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Vec<SignInClient> {
    let clients = table.sign_in_clients.iter();
    clients.filter_map(|client| sign_in_client(client, folder, faults)).collect()
}

fn sign_in_client(
    written: &Spanned<SignInClientTable>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<SignInClient> {
    let table = written.get_ref();
    let secret_sha256 = match &table.secret_file {
        None => None,
        Some(file) => {
            let path = private(file, folder, faults)?;
            let secret = std::fs::read_to_string(&path).unwrap_or_default();
            if secret.trim().len() < 32 {
                faults.at(file.span(), "a client's secret has 32 characters or more; make one with openssl rand -hex 32");
                return None;
            }
            let digest = AwsLc.hash(HashAlgorithm::Sha256, secret.trim().as_bytes());
            digest.as_bytes().try_into().ok()
        }
    };
    let subject = match &table.subject {
        None => None,
        Some(subject) => {
            let value = serde_json::to_value(subject.get_ref()).unwrap_or_default();
            match serde_json::from_value::<SubjectClaim>(value) {
                Ok(subject) => Some(subject),
                Err(error) => {
                    faults.at(subject.span(), format!("subject: {error}; write for example {{ credential = \"badge\", path = [\"employee_id\"] }}"));
                    return None;
                }
            }
        }
    };
    if table.redirect_uris.is_empty() || table.requests.is_empty() {
        faults.at(written.span(), "a client needs redirect_uris = [\"https://…\"] and requests = [\"the id of a saved request\"]");
        return None;
    }
    Some(SignInClient {
        id: table.id.clone(),
        name: table.name.clone().unwrap_or_else(|| table.id.clone()),
        secret_sha256,
        redirect_uris: table.redirect_uris.clone(),
        presets: table.requests.clone(),
        subject,
    })
}
