//! The parsers of CBOR, COSE and mdoc.

use lanyard_core::{
    cbor::{Item, Value},
    cose::{self, UnverifiedMac0, UnverifiedSign1},
    crypto::RustCrypto,
    json,
    mdoc::{SessionTranscript, UnverifiedDeviceResponse, UnverifiedMdoc},
};

use super::Target;

/// mdoc presentations that verify, as published.
const SUITE: &str = include_str!("../../../../spec-vectors/refusals/mdoc.json");

pub(super) const CBOR: Target = Target {
    name: "cbor",
    seeds: || {
        let mut seeds = responses();
        // {1: [-2, 1.5, h'00', "a", null, true], "b": 1004("2026-01-15")}
        seeds.push(
            b"\xa2\x01\x86\x21\xf9\x3e\x00\x41\x00\x61a\xf6\xf5\x61b\xd9\x03\xec\x6a2026-01-15"
                .to_vec(),
        );
        seeds
    },
    run: |bytes| {
        let Ok(item) = Item::parse(bytes) else { return };
        assert_eq!(item.encoded(), bytes, "an item keeps its bytes");
        drop(item.to_json());
        let written = Value::from(&item).encode();
        let again = Item::parse(&written).map(|item| Value::from(&item).encode());
        assert_eq!(again.ok(), Some(written), "what was written is read and written alike");
    },
};

pub(super) const COSE_SIGN1: Target = Target {
    name: "cose-sign1",
    seeds: || member(&["issuerSigned", "issuerAuth"]),
    run: |bytes| {
        if let Ok(sign1) = UnverifiedSign1::parse(bytes) {
            drop((sign1.headers().x5chain(), sign1.headers().algorithm()));
        }
    },
};

pub(super) const COSE_MAC0: Target = Target {
    name: "cose-mac0",
    seeds: || vec![cose::mac0(cose::Payload::Attached(b"payload"), b"key", b"", &RustCrypto)],
    run: |bytes| {
        if let Ok(mac0) = UnverifiedMac0::parse(bytes) {
            assert!(mac0.verify(b"another key", b"", &RustCrypto).is_err(), "nobody has this key");
        }
    },
};

pub(super) const COSE_KEY: Target = Target {
    name: "cose-key",
    seeds: || vec![[b"\xa4\x01\x02\x20\x01\x21\x58\x20", &[7; 32][..], b"\x22\xf5"].concat()],
    run: |bytes| {
        let Ok(item) = Item::parse(bytes) else { return };
        if let Ok(key) = cose::public_key(&item, &RustCrypto) {
            let written = cose::public_key_value(&key).encode();
            let again = Item::parse(&written).ok();
            let again = again.and_then(|item| cose::public_key(&item, &RustCrypto).ok());
            assert_eq!(again, Some(key), "a key that was read is written and read again");
        }
    },
};

pub(super) const DEVICE_RESPONSE: Target = Target {
    name: "device-response",
    seeds: responses,
    run: |bytes| {
        if let Ok(response) = UnverifiedDeviceResponse::parse(bytes) {
            for document in response.into_documents() {
                // past the signature: what an issuer signed may be as bad as anything else
                drop(document.danger_hold_unverified(&RustCrypto));
            }
        }
    },
};

pub(super) const ISSUER_SIGNED: Target = Target {
    name: "issuer-signed",
    seeds: || member(&["issuerSigned"]),
    run: |bytes| {
        let mdoc = UnverifiedMdoc::parse(bytes);
        let Ok(held) = mdoc.and_then(|mdoc| mdoc.danger_hold_unverified(&RustCrypto)) else {
            return;
        };
        let kept = held.to_bytes();
        let again = UnverifiedMdoc::parse(&kept);
        let again = again.and_then(|mdoc| mdoc.danger_hold_unverified(&RustCrypto));
        assert!(
            again.is_ok_and(|again| again.claims() == held.claims()),
            "what is kept is the same"
        );
    },
};

pub(super) const SESSION_TRANSCRIPT: Target = Target {
    name: "session-transcript",
    seeds: || vec![b"\x83\xf6\xf6\x82\x71OpenID4VPHandover\x43\x01\x02\x03".to_vec()],
    run: |bytes| drop(SessionTranscript::from_encoded(bytes)),
};

/// What the published suite of mdoc accepts.
fn responses() -> Vec<Vec<u8>> {
    let suite: serde_json::Value = serde_json::from_str(SUITE).unwrap_or_default();
    let accepted = suite["accepted"].as_array().cloned().unwrap_or_default();
    let input = |one: &serde_json::Value| json::base64url_decode(one["input"].as_str()?).ok();
    accepted.iter().filter_map(input).collect()
}

/// A part of the first document of each response.
fn member(path: &[&str]) -> Vec<Vec<u8>> {
    let responses = responses();
    let of = |response: &Vec<u8>| {
        let item = Item::parse(response).ok()?;
        let document = item.get("documents")?.as_array()?.first()?;
        let found = path.iter().try_fold(document, |item, name| item.get(*name));
        Some(found?.encoded().to_vec())
    };
    responses.iter().filter_map(of).collect()
}
