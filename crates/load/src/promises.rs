//! What a server was asked for while the clocks ran is looked at once they have stopped: I1, I2, I4 and I6 of
//! docs/reliability.md, as far as they can be broken where nothing happens to a server.
//!
//! What is looked at is in the memory of this process, which nobody kills: lines that are synced take the disk from the
//! server whose syncs are measured. Where that is not the question a [`crate::ledger`] is kept, and this is not looked at.

use std::collections::BTreeSet;

use url::Url;

use crate::{
    client::Connection,
    crowd::Flow as _,
    failure::Failure,
    issuance::{Issuance, Offered, place_of},
    presentation::{Asked, Card, Presentation},
    proofs::fresh_key,
};

/// How many of what was used, and of what was not, are tried again.
const SAMPLE: usize = 100;

/// What was tried, and what was broken.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    pub(crate) tried: u64,
    pub(crate) broken: BTreeSet<String>,
    places: BTreeSet<(Url, u64)>,
}

impl Promises {
    /// I2: no two credentials have one place of a status list.
    pub(crate) fn places<'c>(
        &mut self,
        credentials: impl Iterator<Item = &'c str>,
    ) -> Result<(), Failure> {
        for credential in credentials {
            let (list, index) = place_of(credential)?;
            if !self.places.insert((list.clone(), index)) {
                self.broken.insert(format!("I2: place {index} of {list} is given twice"));
            }
        }
        Ok(())
    }

    /// I1, I6: an offer that was taken up gives nothing more, and one that was not is good.
    pub(crate) async fn offers(
        &mut self,
        base: &Url,
        (taken, left): (&[Url], &[Url]),
    ) -> Result<(), Failure> {
        let mut connection = Connection::open(base).await?;
        for (offers, is_good) in [(taken, false), (left, true)] {
            for offer in offers.iter().take(SAMPLE) {
                let (keys, bound_to) = (vec![fresh_key()?], None);
                let job = Offered { offer: offer.clone(), keys, bound_to };
                let took = Issuance.play(&mut connection, job).await;
                self.is_as(took.map(drop), is_good, "an offer")?;
            }
        }
        Ok(())
    }

    /// I4, I6: a request that was answered is answered no more.
    pub(crate) async fn presentations(
        &mut self,
        base: &Url,
        answered: &[Url],
        card: &std::sync::Arc<Card>,
    ) -> Result<(), Failure> {
        let mut connection = Connection::open(base).await?;
        for request in answered.iter().take(SAMPLE) {
            let (request, session, card) = (request.clone(), base.clone(), card.clone());
            let took = Presentation.play(&mut connection, Asked { request, session, card }).await;
            self.is_as(took.map(drop), false, "a request")?;
        }
        Ok(())
    }

    fn is_as(
        &mut self,
        took: Result<(), Failure>,
        is_good: bool,
        what: &str,
    ) -> Result<(), Failure> {
        self.tried += 1;
        match took {
            Ok(()) if is_good => {}
            Ok(()) => {
                self.broken.insert(format!("I6: {what} that was used is good again"));
            }
            Err(Failure::Refused { status: 400..500, .. }) if !is_good => {}
            Err(Failure::Refused { status, .. }) => {
                self.broken.insert(format!("I1: {what} is refused with {status}"));
            }
            Err(failure) => return Err(failure),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

    fn credential(index: u64) -> String {
        let list = json!({ "uri": "https://issuer.example/status-lists/0", "idx": index });
        let payload = json!({ "status": { "status_list": list } }).to_string();
        format!("e30.{}.AA~", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn a_place_that_is_given_twice_is_a_broken_promise() {
        let mut promises = Promises::default();
        let of = |places: &[u64]| places.iter().map(|place| credential(*place)).collect::<Vec<_>>();
        promises.places(of(&[1, 2]).iter().map(String::as_str)).unwrap();
        assert!(promises.broken.is_empty());
        promises.places(of(&[2]).iter().map(String::as_str)).unwrap();
        let broken = "I2: place 2 of https://issuer.example/status-lists/0 is given twice";
        assert!(promises.broken.contains(broken), "{promises:?}");
    }

    fn refused(status: u16) -> Failure {
        Failure::Refused {
            status,
            path: "/token".to_owned(),
            asks_again: false,
            said: String::new(),
        }
    }

    #[test]
    fn what_was_used_is_refused_and_what_was_not_is_good_or_a_promise_is_broken() {
        let broken = |took: Result<(), Failure>, is_good| {
            let mut promises = Promises::default();
            promises.is_as(took, is_good, "an offer").unwrap();
            promises.broken.first().cloned()
        };
        assert_eq!(broken(Ok(()), true), None);
        assert_eq!(broken(Err(refused(400)), false), None);
        let again = broken(Ok(()), false);
        assert_eq!(again.as_deref(), Some("I6: an offer that was used is good again"));
        let gone = broken(Err(refused(400)), true);
        assert_eq!(gone.as_deref(), Some("I1: an offer is refused with 400"));
        let fails = broken(Err(refused(500)), false);
        assert_eq!(fails.as_deref(), Some("I1: an offer is refused with 500"));
    }
}
