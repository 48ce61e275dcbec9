//! How a tenant asks: by which names, and from which pages.

use std::path::Path;

use lanyard_core::did::DidUrl;
use lanyard_oid4vp::{ClientId, dc_api::Origin, request::Transport};
use lanyard_verifier::{OtherNames, Registered};
use serde_spanned::Spanned;
use url::Url;

use super::existing;
use super::fault::Faults;
use super::file::{AskingTable, File, Mode, TenantTable};

/// How a tenant asks.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    /// The origins whose pages and apps may ask through the browser.
    pub web_origins: Vec<Origin>,
    /// The origins to which a same-device browser may return.
    pub return_origins: Vec<Url>,
    /// The names it goes by beside that of its certificate.
    pub other_names: OtherNames,
}

pub(super) fn examine(
    file: &File,
    table: &TenantTable,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Asking {
    let Some(table) = &table.verifier else { return Asking::default() };
    let transport = match file.mode {
        Mode::Production => Transport::HttpsOnly,
        Mode::Development => Transport::LoopbackToo,
    };
    Asking {
        web_origins: table
            .web_origins
            .iter()
            .filter_map(|written| origin(written, transport, faults))
            .collect(),
        return_origins: table
            .return_origins
            .iter()
            .filter_map(|written| Url::parse(origin(written, transport, faults)?.as_str()).ok())
            .collect(),
        other_names: other_names(table, folder, faults),
    }
}

fn origin(
    written: &Spanned<String>,
    transport: Transport,
    faults: &mut Faults<'_>,
) -> Option<Origin> {
    let origin = Origin::parse(written.get_ref(), transport);
    if origin.is_err() {
        faults.at(
            written.span(),
            "an origin is scheme, host and port, as a browser writes it; write for example \"https://shop.example\"",
        );
    }
    origin.ok()
}

fn other_names(table: &AskingTable, folder: &Path, faults: &mut Faults<'_>) -> OtherNames {
    let did = table.did.as_ref().and_then(|written| {
        let did = DidUrl::parse(written.get_ref()).ok().filter(DidUrl::names_a_key);
        if did.is_none() {
            faults.at(
                written.span(),
                "the name of the signing key in a DID document; write for example \"did:web:acme.example#key-1\"",
            );
        }
        did
    });
    let attestation = table.attestation.as_ref().and_then(|written| {
        let path = existing(written, folder, faults)?;
        let text = std::fs::read_to_string(&path).ok();
        let text = text.map(|text| text.trim().to_owned());
        let attestation = text.filter(|text| text.split('.').count() == 3);
        if attestation.is_none() {
            faults.at(
                written.span(),
                format!("{} is no verifier attestation: a JWT, alone in its file", path.display()),
            );
        }
        attestation
    });
    let registered = table.registered.as_ref().and_then(|written| {
        let known = written.get_ref();
        if ClientId::pre_registered(&known.client_id).is_err() {
            faults.at(
                written.span(),
                "a registered client_id has no prefix, so no colon; write for example registered = { client_id = \"acme-shop\" }",
            );
            return None;
        }
        Some(Registered { client_id: known.client_id.clone(), key_id: known.key_id.clone() })
    });
    OtherNames { did, attestation, registered }
}
