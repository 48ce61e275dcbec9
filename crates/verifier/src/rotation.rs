//! A link that changes while it is shown (OID4VP 1.0 §13.3): whoever photographs a code has it for less
//! than a minute, while the page that shows it always has a good one.

use jiff::Timestamp;
use lanyard_core::{crypto::CryptoProvider, json};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::sessions::Waiting;

/// After how many seconds the link changes.
const STEP: i64 = 20;
/// For how many seconds after its change a link is good: a wallet may be slow, a bystander must be late.
const GOOD_FOR: i64 = 50;
/// What parts the path of a request from the stamp of the moment.
const MARK: char = '~';

/// What a link changes by; its key is in no link.
#[derive(Serialize, Deserialize)]
pub(crate) struct Rotation {
    path: String,
    key: String,
}

impl Rotation {
    pub(crate) const fn new(path: String, key: String) -> Self {
        Self { path, key }
    }

    /// The path of this moment, and until when it is good.
    fn path(&self, now: Timestamp, provider: &dyn CryptoProvider) -> (String, Timestamp) {
        let turn = now.as_second().div_euclid(STEP);
        let stamp = self.stamp(turn, provider);
        let until = turn.saturating_mul(STEP).saturating_add(GOOD_FOR);
        let until = Timestamp::from_second(until).unwrap_or(now);
        (format!("{}{MARK}{stamp}", self.path), until)
    }

    fn stamp(&self, turn: i64, provider: &dyn CryptoProvider) -> String {
        let code = provider.hmac_sha256(self.key.as_bytes(), &turn.to_be_bytes());
        json::base64url(&code[..16])
    }

    fn admits(&self, stamp: &str, now: Timestamp, provider: &dyn CryptoProvider) -> bool {
        let turn = now.as_second().div_euclid(STEP);
        let good = |turn: &i64| now.as_second() < turn * STEP + GOOD_FOR;
        let oldest = turn - GOOD_FOR / STEP;
        (oldest..=turn)
            .filter(good)
            .any(|turn| bool::from(self.stamp(turn, provider).as_bytes().ct_eq(stamp.as_bytes())))
    }
}

impl Waiting {
    /// The link for the wallet at this moment, and until when it is good where it changes.
    pub(crate) fn current_link(
        &self,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> (Url, Option<Timestamp>) {
        let Some(rotation) = &self.rotation else { return (self.link.clone(), None) };
        let (path, until) = rotation.path(now, provider);
        let of_now = |name: &str, value: &str| match name {
            "request_uri" => value.replace(&rotation.path, &path),
            _ => value.to_owned(),
        };
        let pairs = self.link.query_pairs();
        let pairs: Vec<_> =
            pairs.map(|(name, value)| (name.to_string(), of_now(&name, &value))).collect();
        let mut link = self.link.clone();
        link.query_pairs_mut().clear().extend_pairs(pairs);
        (link, Some(until))
    }
}

/// A path as it came in: what leads to the request, and the stamp of a link that rotates.
pub(crate) fn split(path: &str) -> (&str, Option<&str>) {
    match path.split_once(MARK) {
        Some((path, stamp)) => (path, Some(stamp)),
        None => (path, None),
    }
}

/// Whether a path with this stamp is good now; one that does not rotate has none.
pub(crate) fn admits(
    rotation: Option<&Rotation>,
    stamp: Option<&str>,
    now: Timestamp,
    provider: &dyn CryptoProvider,
) -> bool {
    match (rotation, stamp) {
        (None, None) => true,
        (Some(rotation), Some(stamp)) => rotation.admits(stamp, now, provider),
        (None, Some(_)) | (Some(_), None) => false,
    }
}
