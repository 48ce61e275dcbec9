//! The parsers of DIDs that carry or chain their documents.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    crypto::RustCrypto,
    did::{
        Did, DidDocument, DidMethods, DidResolver as _, DidUrl, ResolutionOptions,
        webvh::{UnverifiedLog, WebvhDid},
    },
};

use super::{Target, core::ready};

/// A log of two entries before one witness, and its approvals, as didwebvh-ts 2.8.0 writes them.
const LOG: &[u8] = include_bytes!("did-webvh.jsonl");
const WITNESS_PROOFS: &[u8] = include_bytes!("did-witness.json");

pub(super) const DID_PEER: Target = Target {
    name: "did-peer",
    seeds: || {
        [
            "did:peer:0z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH",
            "did:peer:2.Vz6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc.Ez6LSg8zQom395jKLrGiBNruB9MM6V8PWuf2FpEy4uRFiqQBR.SeyJ0IjoiZG0iLCJzIjoiaHR0cHM6Ly9hLmV4YW1wbGUifQ",
            "did:peer:4zQmd8CpeFPci817KDsbSAKWcXAE2mjvCQSasRewvbSF54Bd:z2M1k7h4psgp4CmJcnQn2Ljp7Pz7ktsd7oBhMU3dWY5s4fhFNj17qcRTQ427C7QHNT6cQ7T3XfRh35Q2GhaNFZmWHVFq4vL7F8nm36PA9Y96DvdrUiRUaiCuXnBFrn1o7mxFZAx14JL4t8vUWpuDPw",
        ]
        .map(|did| did.as_bytes().to_vec())
        .to_vec()
    },
    run: |bytes| {
        let Ok(did) =
            str::from_utf8(bytes).map_err(drop).and_then(|did| Did::parse(did).map_err(drop))
        else {
            return;
        };
        let methods = DidMethods::new(Arc::new(RustCrypto)).with_known_peer(did.clone());
        if let Some(Ok(document)) = ready(methods.resolve(&did)) {
            assert_eq!(document.id(), &did, "a document is about its DID");
        }
    },
};

pub(super) const DEREFERENCE: Target = Target {
    name: "did-url-dereferencing",
    seeds: || vec![b"did:web:a.example?service=files&relativeRef=b%2Fc.pdf%3Fd#e".to_vec()],
    run: |bytes| {
        let Ok(url) =
            str::from_utf8(bytes).map_err(drop).and_then(|url| DidUrl::parse(url).map_err(drop))
        else {
            return;
        };
        let document = format!(
            r##"{{"id":"{}","service":[{{"id":"#files","type":"Files","serviceEndpoint":"https://files.example/staff/"}}]}}"##,
            url.did()
        );
        let Ok(document) = DidDocument::parse(url.did(), document.as_bytes(), &RustCrypto) else {
            return;
        };
        drop(ResolutionOptions::of(&url));
        if let Ok(found) = document.dereference(&url) {
            let text = found.to_json().to_string();
            let stays = !text.contains("uri-list") || text.contains("https://files.example/staff/");
            assert!(stays, "a reference leads out of its service's place");
        }
    },
};

pub(super) const WEBVH_DID: Target = Target {
    name: "did-webvh",
    seeds: || {
        vec![
            b"did:webvh:QmfGEUAcMpzo25kF2Rhn8L6FAXysfGnkzjwdKoNPi615XQ:a.example%3A8443:b:%C3%A9"
                .to_vec(),
        ]
    },
    run: |bytes| {
        let Ok(did) =
            str::from_utf8(bytes).map_err(drop).and_then(|did| Did::parse(did).map_err(drop))
        else {
            return;
        };
        if let Ok(place) = WebvhDid::parse(&did) {
            let url = place.log_url();
            assert!(url.scheme() == "https" && url.domain().is_some(), "{url} is a name's place");
            assert!(url.path().ends_with("/did.jsonl"), "{url} ends with the log");
        }
    },
};

pub(super) const WEBVH_LOG: Target = Target {
    name: "did-webvh-log",
    seeds: || vec![LOG.to_vec()],
    run: |bytes| {
        let _outcome = verify(bytes, WITNESS_PROOFS);
    },
};

pub(super) const WEBVH_WITNESS_PROOFS: Target = Target {
    name: "did-webvh-witness-proofs",
    seeds: || vec![WITNESS_PROOFS.to_vec()],
    run: |bytes| {
        let _outcome = verify(LOG, bytes);
    },
};

fn verify(log: &[u8], witnesses: &[u8]) -> Option<()> {
    let log = UnverifiedLog::parse(log).ok()?;
    let did = WebvhDid::parse(&log.claimed_did()?).ok()?;
    log.verify(&did, Some(witnesses), Timestamp::MAX, &RustCrypto).ok().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_of_a_log_verifies() {
        assert_eq!(verify(LOG, WITNESS_PROOFS), Some(()));
    }
}
