//! Publishes a status list, revokes, and looks: `cargo run -p lanyard-examples --bin status_list`.
//!
//! An issuer sets a status at a place of a list and signs the list anew; what did not change is not
//! compressed again. A verifier fetches the list once for as long as it says, and never believes it beyond
//! its expiry.

use std::{
    error::Error,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider as _, Curve, RustCrypto, SoftwareSigner},
    jose::Jwk,
    sd_jwt_vc::Vct,
    status::{
        Pieces, PublishedStatusList, Status, StatusCheck as _, StatusChecker, StatusListSource,
        StatusListUnavailable, StatusListUri, StatusMechanism, StatusQuestion, StatusReference,
        token_status_list::{
            MEDIA_TYPE_JWT, StatusBits, StatusList, StatusListAggregation, StatusListDraft,
        },
    },
    trust::{IssuerIdentifier, IssuerIdentity, IssuerKeySource, IssuerKeys, IssuerTrust},
};

const ISSUER: &str = "https://hr.example";
const LIST: &str = "https://hr.example/status-lists/0";
/// The place of one badge; draw it at random, and never give it twice.
const PLACE: u64 = 412_007;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [before, after] = revoke_and_look().await?;
    println!("before: {before:?}, after: {after:?}");
    Ok(())
}

async fn revoke_and_look() -> Result<[Status; 2], Box<dyn Error>> {
    // the issuer: a million badges of two bits each, and what was compressed of them
    let key = RustCrypto.generate_key(Curve::P256)?;
    let signer = SoftwareSigner::new(&RustCrypto, &key)?;
    let uri = StatusListUri::parse(LIST)?;
    let mut list = StatusList::new(StatusBits::Two, 1_000_000)?;
    let mut pieces = Pieces::new();
    let host = Arc::new(Host::default());
    let now = Timestamp::now();

    // the verifier: whoever is trusted for the badge is trusted for its list
    let issuer = IssuerIdentifier::parse(ISSUER)?;
    let keys = vec![Jwk::new(*key.public())];
    let trust = IssuerTrust::new().with(IssuerKeySource::Keys { issuer: issuer.clone(), keys });
    let checker = StatusChecker::new(IssuerKeys::new(trust, Arc::new(RustCrypto)), host.clone());
    let reference = StatusReference::TokenStatusList { index: PLACE, uri: uri.clone() };
    let identity = IssuerIdentity::Identifier(issuer);
    let types = [Vct::parse("urn:example:badge:1")?.into()];

    let mut seen = [Status::Valid; 2];
    for (minutes, seen) in [0, 10].into_iter().zip(&mut seen) {
        let now = now + SignedDuration::from_mins(minutes);
        let compressed = list.compress_again(&mut pieces);
        let draft = StatusListDraft::of_compressed(&uri, list.bits(), compressed, now)
            .with_ttl(SignedDuration::from_mins(5))
            .with_expiry(now + SignedDuration::from_hours(24));
        host.publish(draft.sign_jwt(&signer).await?);
        let question = StatusQuestion {
            reference: &reference,
            issuer: &identity,
            types: &types,
            now,
            not_before: None,
        };
        *seen = checker.status(&question).await?.status;
        // the badge is lost; whoever looks once the list is five minutes old sees it
        list.set(PLACE, Status::Invalid)?;
    }
    Ok(seen)
}

/// Where the list is published; over the network it is `lanyard_fetch::StatusListFetcher`.
#[derive(Default)]
struct Host(Mutex<String>);

impl Host {
    fn publish(&self, token: String) {
        *self.0.lock().expect("nobody panics while it is held") = token;
    }
}

#[async_trait]
impl StatusListSource for Host {
    async fn list(
        &self,
        _: &StatusListUri,
        _: StatusMechanism,
    ) -> Result<PublishedStatusList, StatusListUnavailable> {
        let token = self.0.lock().map_err(|_| StatusListUnavailable)?.clone();
        Ok(PublishedStatusList { media_type: MEDIA_TYPE_JWT.to_owned(), bytes: token.into() })
    }

    /// Where an issuer has one list, there is nothing else to fetch ahead.
    async fn aggregation(
        &self,
        uri: &StatusListUri,
    ) -> Result<StatusListAggregation, StatusListUnavailable> {
        Ok(StatusListAggregation { lists: vec![uri.clone()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_revoked_badge_is_seen_to_be_revoked() {
        assert_eq!(revoke_and_look().await.unwrap(), [Status::Valid, Status::Invalid]);
    }
}
