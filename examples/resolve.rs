//! Resolves a DID to a key: `cargo run -p lanyard-examples --bin resolve did:web:example.com#key-1`.
//!
//! did:key and did:jwk carry their key in themselves; did:web is fetched, under the rules of the outbound
//! fetcher: https only, no private addresses, no redirects, bounded in time and size.

use std::{error::Error, sync::Arc};

use lanyard_core::{
    crypto::{PublicKey, RustCrypto},
    did::{DidMethods, DidResolver as _, DidUrl},
    jose::Jwk,
};
use lanyard_fetch::{DidWebFetcher, SafeFetcher};

/// A key from the did:key specification's own examples.
const EXAMPLE: &str = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169\
                       #zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let did_url = std::env::args().nth(1).unwrap_or_else(|| EXAMPLE.to_owned());
    println!("{}", Jwk::new(issuer_key(&did_url).await?).to_value());
    Ok(())
}

/// The key that an issuer may sign credentials with.
async fn issuer_key(did_url: &str) -> Result<PublicKey, Box<dyn Error>> {
    let did_url = DidUrl::parse(did_url)?;
    let web = DidWebFetcher::new(Arc::new(SafeFetcher::new()));
    let methods = DidMethods::new(Arc::new(RustCrypto)).with_web(Arc::new(web));
    // `assertion_method`: a key that the DID's owner keeps for something else does not count
    Ok(*methods.resolve(did_url.did()).await?.assertion_method(&did_url)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn finds_the_key_in_a_did_key() {
        let key = Jwk::new(issuer_key(EXAMPLE).await.unwrap()).to_value();
        assert_eq!(key["crv"], "P-256");
    }

    #[tokio::test]
    async fn an_address_is_no_name_for_did_web() {
        let refused = issuer_key("did:web:127.0.0.1#key-1").await.unwrap_err();
        assert_eq!(refused.to_string(), "not a valid DID");
    }
}
