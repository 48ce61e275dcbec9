//! Status lists by Lanyard's core, for `interop-tests`: one JSON object on stdin, one on stdout. `set` says
//! which entries are not zero, and what they are instead.
//!
//! ```text
//! token-make     { uri, bits, entries, set, private_jwk }   -> { token }
//! token-read     { uri, token, jwk }                        -> { bits, entries, set }
//! bitstring-make { list, issuer, set }                      -> { credential }
//! bitstring-read { list, issuer, credential, entries }      -> { set }
//! ```

use std::{collections::BTreeMap, process::ExitCode};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{RustCrypto, SoftwareSigner},
    jose::{Jwk, PrivateJwk},
    json::Object,
    status::{
        Status, StatusListUri,
        bitstring_status_list::{
            Bitstring, BitstringStatusList, MIN_ENTRIES, StatusEntry, StatusPurpose, StatusSize,
        },
        token_status_list::{StatusBits, StatusList, StatusListDraft, UnverifiedStatusList},
    },
    trust::IssuerIdentifier,
    w3c::{Credential, CredentialDraft, Uri},
};
use serde::Deserialize;
use serde_json::{Value, json};

use exchange::{Answer, read};

mod exchange;

/// Entries that are not zero.
type Set = BTreeMap<u64, u8>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let answer = match exchange::verb().as_str() {
        "token-make" => token_make().await,
        "token-read" => token_read(),
        "bitstring-make" => bitstring_make(),
        "bitstring-read" => bitstring_read(),
        _ => Err("say one of: token-make, token-read, bitstring-make, bitstring-read".into()),
    };
    exchange::write(&answer)
}

#[derive(Deserialize)]
struct TokenMake {
    uri: String,
    bits: u64,
    entries: u64,
    set: Set,
    private_jwk: Value,
}

async fn token_make() -> Answer {
    let TokenMake { uri, bits, entries, set, private_jwk } = read()?;
    let bits = StatusBits::from_number(bits).ok_or("bits is none of 1, 2, 4 and 8")?;
    let mut list = StatusList::new(bits, entries)?;
    for (index, value) in set {
        list.set(index, Status::from_value(value))?;
    }
    let key = PrivateJwk::from_value(&private_jwk)?.key;
    let signer = SoftwareSigner::new(&RustCrypto, &key)?;
    let now = Timestamp::now();
    let token = StatusListDraft::new(&StatusListUri::parse(uri)?, &list, now)
        .with_expiry(now + SignedDuration::from_hours(1))
        .with_ttl(SignedDuration::from_mins(5))
        .sign_jwt(&signer)
        .await?;
    Ok(json!({"token": token}))
}

#[derive(Deserialize)]
struct TokenRead {
    uri: String,
    token: String,
    jwk: Value,
}

fn token_read() -> Answer {
    let TokenRead { uri, token, jwk } = read()?;
    let (uri, key) = (StatusListUri::parse(uri)?, Jwk::from_value(&jwk)?.key);
    let list = UnverifiedStatusList::parse_jwt(&token)?;
    let list = list.verify(&key, &uri, Timestamp::now(), &RustCrypto)?;
    let list = list.list();
    let mut set = Set::new();
    for index in 0..list.length() {
        match list.status(index)?.value() {
            0 => {}
            value => _ = set.insert(index, value),
        }
    }
    Ok(json!({"bits": list.bits().number(), "entries": list.length(), "set": set}))
}

#[derive(Deserialize)]
struct BitstringMake {
    list: String,
    issuer: String,
    set: Set,
}

fn bitstring_make() -> Answer {
    let BitstringMake { list: uri, issuer, set } = read()?;
    let mut bits = Bitstring::new(MIN_ENTRIES, StatusSize::ONE)?;
    for (index, value) in set {
        bits.set(index, StatusSize::ONE, value)?;
    }
    let (issuer, now) = (IssuerIdentifier::parse(issuer)?, Timestamp::now());
    let subject = format!("{uri}#list");
    let credential = CredentialDraft::new(&issuer)
        .with_id(&Uri::parse(&uri)?)
        .of_type("BitstringStatusListCredential")
        .about(BitstringStatusList::subject(Some(&subject), StatusPurpose::Revocation, &bits))
        .valid_from(now)
        .valid_until(now + SignedDuration::from_hours(1))
        .finish()?;
    Ok(json!({"credential": credential.into_document()}))
}

#[derive(Deserialize)]
struct BitstringRead {
    list: String,
    issuer: String,
    credential: Object,
    entries: u64,
}

fn bitstring_read() -> Answer {
    let BitstringRead { list: uri, issuer, credential, entries } = read()?;
    let (credential, uri) = (Credential::parse(credential)?, StatusListUri::parse(uri)?);
    if credential.issuer().as_str() != issuer {
        return Err("the list is by another issuer".into());
    }
    let list = BitstringStatusList::of_verified(&credential, &uri, Timestamp::now())?;
    let mut set = Set::new();
    for index in 0..entries {
        let entry = StatusEntry::new(StatusPurpose::Revocation, index, uri.clone());
        match list.look_up(&entry)?.value() {
            0 => {}
            value => _ = set.insert(index, value),
        }
    }
    Ok(json!({"set": set}))
}
