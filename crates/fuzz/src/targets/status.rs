//! The parsers of status lists.

use lanyard_core::{
    json,
    status::{
        StatusReference,
        bitstring_status_list::{
            Bitstring, MEDIA_TYPE_VC, MEDIA_TYPE_VC_JWT, StatusEntry, StatusSize,
            UnverifiedListCredential,
        },
        token_status_list::{
            MEDIA_TYPE_AGGREGATION, MEDIA_TYPE_CWT, MEDIA_TYPE_JWT, StatusBits, StatusList,
            StatusListAggregation, UnverifiedStatusList,
        },
    },
};

use super::{
    Target,
    core::text,
    w3c::{jwt, jwt_of},
};

const STATUS_LIST: &str = r#"{"sub":"https://issuer.example/lists/1","iat":1686920170,"exp":2291720170,"ttl":43200,"iss":"https://issuer.example","status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ","aggregation_uri":"https://issuer.example/lists"}}"#;

const BITSTRING_CREDENTIAL: &str = r#"{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"https://issuer.example/lists/1","type":["VerifiableCredential","BitstringStatusListCredential"],"issuer":"did:web:issuer.example","validFrom":"2024-01-01T00:00:00Z","credentialSubject":{"id":"https://issuer.example/lists/1#list","type":"BitstringStatusList","statusPurpose":"revocation","encodedList":"uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"}}"#;

const ENTRY: &str = r#"{"id":"https://issuer.example/lists/1#7","type":"BitstringStatusListEntry","statusPurpose":"message","statusListIndex":"7","statusListCredential":"https://issuer.example/lists/1","statusSize":1,"statusMessage":[{"status":"0x0","message":"valid"},{"status":"0x1","message":"invalid"}],"statusReference":"https://issuer.example/reference"}"#;

/// The bytes of a list, compressed: the first byte says how many bits a status has.
pub(super) const COMPRESSED: Target = Target {
    name: "status-list-compressed",
    seeds: || {
        let compressed = |bits: StatusBits| {
            let list = StatusList::new(bits, 32).map(|list| list.compress()).unwrap_or_default();
            [vec![bits.number()], list].concat()
        };
        [StatusBits::One, StatusBits::Two, StatusBits::Eight].map(compressed).to_vec()
    },
    run: |bytes| {
        let Some((bits, compressed)) = bytes.split_first() else { return };
        let Some(bits) = StatusBits::from_number((*bits).into()) else { return };
        if let Ok(list) = StatusList::decompress(bits, compressed) {
            let _ = list.status(list.length());
            let again = StatusList::decompress(bits, &list.compress());
            assert!(again.is_ok_and(|again| again == list), "a list reads itself");
        }
    },
};

pub(super) const TOKEN: Target = Target {
    name: "status-list-token",
    seeds: || vec![jwt("statuslist+jwt", STATUS_LIST)],
    run: |bytes| {
        drop(UnverifiedStatusList::parse(MEDIA_TYPE_JWT, bytes));
        drop(UnverifiedStatusList::parse(MEDIA_TYPE_CWT, bytes));
    },
};

pub(super) const AGGREGATION: Target = Target {
    name: "status-list-aggregation",
    seeds: || {
        vec![br#"{"status_lists":["https://issuer.example/lists/1","https://issuer.example/lists/2"]}"#.to_vec()]
    },
    run: |bytes| {
        if let Ok(all) = StatusListAggregation::parse(MEDIA_TYPE_AGGREGATION, bytes) {
            let written = all.to_json();
            let again = StatusListAggregation::parse(MEDIA_TYPE_AGGREGATION, written.as_bytes());
            assert_eq!(again, Ok(all), "an aggregation reads itself");
        }
    },
};

pub(super) const BITSTRING: Target = Target {
    name: "bitstring",
    seeds: || {
        let bits = StatusSize::new(1).and_then(|size| Bitstring::new(131_072, size));
        vec![bits.map(|bits| bits.encode()).unwrap_or_default().into_bytes()]
    },
    run: |bytes| {
        text(bytes, |text| {
            if let Ok(bits) = Bitstring::decode(text) {
                let again = Bitstring::decode(&bits.encode());
                assert!(again.is_ok_and(|again| again == bits), "a bitstring reads itself");
            }
        });
    },
};

pub(super) const BITSTRING_LIST: Target = Target {
    name: "bitstring-status-list",
    seeds: || vec![BITSTRING_CREDENTIAL.as_bytes().to_vec(), jwt("vc+jwt", BITSTRING_CREDENTIAL)],
    run: |bytes| {
        drop(UnverifiedListCredential::parse(MEDIA_TYPE_VC, bytes));
        drop(UnverifiedListCredential::parse(MEDIA_TYPE_VC_JWT, bytes));
    },
};

pub(super) const BITSTRING_ENTRY: Target = Target {
    name: "bitstring-status-entry",
    seeds: || vec![ENTRY.as_bytes().to_vec()],
    run: |bytes| {
        let Ok(entry) = json::parse_object(bytes) else { return };
        if let Ok(read) = StatusEntry::read(&entry) {
            let again = StatusEntry::read(&read.to_object());
            assert_eq!(again, Ok(read), "an entry reads itself");
        }
        drop(StatusReference::of_entries([&entry].into_iter()));
    },
};

/// What stands in a JWT: each byte of the seed is plain, so that mutations reach the members.
pub(super) const TOKEN_CLAIMS: Target = Target {
    name: "status-list-token-claims",
    seeds: || vec![STATUS_LIST.as_bytes().to_vec()],
    run: |bytes| {
        let token = [&*jwt_of("statuslist+jwt", bytes), b".AA"].concat();
        drop(UnverifiedStatusList::parse(MEDIA_TYPE_JWT, &token));
    },
};
