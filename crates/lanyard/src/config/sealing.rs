//! Where the key-encryption keys are: in a file, with the service manager, or in a service that wraps.

use std::path::{Path, PathBuf};

use lanyard_fetch::SafeFetcher;
use serde_spanned::Spanned;
use url::Url;

use super::fault::Faults;
use super::file::{File, KeyEncryptionTable, Mode, TransitTable};
use super::{existing, is_loopback, on_token, private};
use crate::keys::{KeyError, KeyPlace, KeyService, Sealing, SealingKeys, TransitOptions};

/// The key-encryption keys; nothing where something is wrong with what is written about them.
///
/// Replicas have one key: without a file or a service it comes from the service manager or the environment.
pub(super) fn examine(file: &File, folder: &Path, faults: &mut Faults<'_>) -> Option<Sealing> {
    let service = match &file.key_encryption {
        None => None,
        Some(written) => Some(service(file, written, folder, faults)?),
    };
    let of_store = file.store.as_ref().and_then(|table| table.get_ref().sealing_key_file.as_ref());
    if let (Some(_), Some(second)) = (of_store, &file.sealing_key_file) {
        faults.at(second.span(), "sealing_key_file is named in [store] too; one is enough");
        return None;
    }
    let file = match (of_store.or(file.sealing_key_file.as_ref()), &file.store) {
        (Some(written), _) => Some(sealing_key_in(written, folder, faults)?),
        (None, Some(table)) if service.is_none() && KeyPlace::find(None).is_none() => {
            faults.at(table.span(), KeyError::SealingKeyNowhere.to_string());
            return None;
        }
        (None, _) => None,
    };
    Some(Sealing { file, service })
}

fn sealing_key_in(
    written: &Spanned<PathBuf>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<PathBuf> {
    let path = private(written, folder, faults)?;
    if std::fs::read(&path).ok().and_then(|bytes| SealingKeys::parse(&bytes)).is_none() {
        faults.at(
            written.span(),
            "a sealing key has 32 bytes; make one with (umask 077; openssl rand 32 > sealing-key), and give every replica the same",
        );
        return None;
    }
    Some(path)
}

fn service(
    file: &File,
    written: &Spanned<KeyEncryptionTable>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<KeyService> {
    let table = written.get_ref();
    match (&table.transit, table.pkcs11.as_slice()) {
        (Some(transit), []) => transit_engine(file, transit, folder, faults),
        (None, [_, ..]) => {
            let mut keys = Vec::new();
            for key in &table.pkcs11 {
                keys.push(on_token(key.get_ref(), key.span(), folder, faults)?);
            }
            Some(KeyService::Pkcs11(keys))
        }
        _ => {
            faults.at(
                written.span(),
                "one of the two: pkcs11 = [\"pkcs11:token=…\"] or transit = { url = \"https://…\", key = \"lanyard\", token_file = \"keys/token\" }",
            );
            None
        }
    }
}

fn transit_engine(
    file: &File,
    written: &Spanned<TransitTable>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<KeyService> {
    let table = written.get_ref();
    let url = Url::parse(table.url.get_ref()).ok().filter(|url| {
        let is_near = file.mode == Mode::Development && url.scheme() == "http" && is_loopback(url);
        let is_plain = url.username().is_empty() && url.query().is_none();
        is_plain && (url.scheme() == "https" || is_near)
    });
    if url.is_none() {
        faults.at(
            table.url.span(),
            "the address of a transit engine; write for example \"https://bao.example.com:8200/v1/transit\"",
        );
    }
    let rest = table.key.get_ref().replace("{tenant}", "");
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if table.key.get_ref().is_empty() || !rest.bytes().all(is_key) {
        faults.at(
            table.key.span(),
            "the name of a key of the engine; write for example \"lanyard\" or \"lanyard-{tenant}\"",
        );
        return None;
    }
    let authorities = match &table.authorities {
        None => None,
        Some(written) => {
            let pem = std::fs::read(existing(written, folder, faults)?).unwrap_or_default();
            if SafeFetcher::builder().trust_roots(&pem).is_err() {
                faults.at(written.span(), "the file holds no certificate (PEM)");
                return None;
            }
            Some(pem)
        }
    };
    let token_file = private(&table.token_file, folder, faults)?;
    let key = table.key.get_ref().clone();
    Some(KeyService::Transit(TransitOptions { url: url?, key, token_file, authorities }))
}
