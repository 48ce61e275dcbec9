//! Recently used states, kept decrypted, so that neither the fetch nor the response reads the store's bytes again.
//!
//! The store is asked all the same: a state counts only while the session still has the version it was read with.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use lanyard_store::{Session, SessionId};

use crate::sessions::{Phase, State};

/// How many states are kept before the older half makes room.
const HALF: usize = 128;

/// States of requests that wait; none of them holds a claim.
#[derive(Default)]
pub(crate) struct AtHand(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    young: HashMap<SessionId, Kept>,
    old: HashMap<SessionId, Kept>,
}

struct Kept {
    version: u64,
    state: State,
}

impl AtHand {
    /// Gives away the state of a session, if it is here and the session is still as it was.
    pub(crate) fn take(&self, session: &Session) -> Option<State> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Shelf { young, old } = &mut *shelf;
        let kept = young.remove(&session.id).or_else(|| old.remove(&session.id))?;
        (kept.version == session.version).then_some(kept.state)
    }

    /// Keeps a state for the next message, unless claims came with the last one.
    pub(crate) fn keep(&self, id: SessionId, version: u64, state: State) {
        let is_clean = match &state.phase {
            Phase::Waiting(waiting) => waiting.last.is_none() && waiting.recording.is_none(),
            Phase::Ended(_) => false,
        };
        if !is_clean {
            return;
        }
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.young.len() == HALF {
            shelf.old = std::mem::take(&mut shelf.young);
        }
        shelf.young.insert(id, Kept { version, state });
    }
}

impl std::fmt::Debug for AtHand {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("AtHand")
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use lanyard_core::crypto::RustCrypto;
    use lanyard_oid4vp::{
        dcql::DcqlQuery,
        request::ResponseMode,
        verifier::{Ask, Requested},
    };
    use lanyard_store::{Handles, SessionKind};
    use serde_json::json;
    use url::Url;

    use super::*;
    use crate::sessions::{Question, Waiting};

    fn session(number: u16, version: u64) -> Session {
        let id = SessionId::from_bytes(u128::from(number).to_be_bytes());
        Session {
            tenant: "demo".parse().unwrap(),
            id,
            kind: SessionKind::Request,
            version,
            state: Vec::new(),
            handles: Handles::default(),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::MAX,
        }
    }

    fn waiting() -> State {
        let place: Url = "https://verifier.example/r".parse().unwrap();
        let query = json!({ "credentials": [{ "id": "a", "format": "mso_mdoc", "meta": { "doctype_value": "d" } }] });
        let ask = Ask {
            client_id: "redirect_uri:https://verifier.example/r".parse().unwrap(),
            response_uri: place.clone(),
            response_mode: ResponseMode::DirectPost,
            query: DcqlQuery::from_value(&query).unwrap(),
            expires_at: Timestamp::MAX,
            transactions: Vec::new(),
            verifier_info: Vec::new(),
        };
        let waiting = Waiting {
            requested: Requested::new(ask, &RustCrypto).unwrap(),
            link: place,
            rotation: None,
            dc_api: None,
            trust_anchors: Vec::new(),
            policy: None,
            record: false,
            recording: None,
            attempts: 0,
            last: None,
        };
        let question =
            Question { preset: None, title: None, purpose: None, expires_at: Timestamp::MAX };
        let phase = Phase::Waiting(Box::new(waiting));
        State { question, browser: None, return_to: None, sign_in: None, phase }
    }

    #[test]
    fn a_state_is_given_away_once() {
        let at_hand = AtHand::default();
        at_hand.keep(session(1, 1).id, 1, waiting());
        assert!(at_hand.take(&session(2, 1)).is_none());
        assert!(at_hand.take(&session(1, 1)).is_some());
        assert!(at_hand.take(&session(1, 1)).is_none());
    }

    #[test]
    fn a_session_that_changed_since_is_read_again() {
        let at_hand = AtHand::default();
        at_hand.keep(session(1, 1).id, 1, waiting());
        assert!(at_hand.take(&session(1, 2)).is_none());
    }

    #[test]
    fn the_older_half_makes_room() {
        let at_hand = AtHand::default();
        let most = u16::try_from(2 * HALF).unwrap();
        for number in 0..=most {
            at_hand.keep(session(number, 1).id, 1, waiting());
        }
        assert!(at_hand.take(&session(0, 1)).is_none());
        assert!(at_hand.take(&session(most, 1)).is_some());
        let shelf = at_hand.0.lock().unwrap();
        assert!(shelf.young.len() + shelf.old.len() <= 2 * HALF);
    }
}
