//! What wallets were promised.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use jiff::SignedDuration;
use lanyard_core::Timestamp;
use lanyard_store::CredentialId;
use url::Url;

use super::{Deed, Fact, Line, Outcome, checks::Place};
use crate::{failure::Failure, integrator::Created};

/// How many of what was used, and of what was not, are tried again at most.
const SAMPLE: usize = 1_000;

/// A verifier's results are there for an hour: whatever is older is not asked for.
const RESULTS: SignedDuration = SignedDuration::from_mins(50);

/// What the wallets of one run were promised.
#[derive(Default)]
pub(crate) struct Facts {
    /// Codes that were good once: acknowledged, or perhaps.
    pub(crate) used_codes: Vec<String>,
    /// Offers that nobody took up.
    pub(crate) unused: Vec<Unused>,
    pub(crate) issued: Vec<Issued>,
    /// The credentials that are on record in the end, and whether each was acknowledged as revoked.
    pub(crate) on_record: Vec<(CredentialId, bool)>,
    /// Presentations that were taken.
    pub(crate) answered: Vec<Answered>,
    /// Answers that were lost with what they held: done, but nobody has it.
    pub(crate) lost_answers: u64,
    /// Promises that were broken.
    pub(crate) broken: BTreeSet<String>,
    /// How long each step took that was answered.
    pub(crate) latencies: Vec<Duration>,
    /// Why it is open what became of some.
    pub(crate) open: BTreeSet<String>,
}

impl Facts {
    /// What the lines of a ledger promise at this moment, and what they say was broken already.
    pub(crate) fn of(
        lines: impl Iterator<Item = Result<Line, Failure>>,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let mut reading = Reading::default();
        for line in lines {
            reading.take(line?);
        }
        Ok(reading.facts(now))
    }

    /// Every place of a list that somebody has, and whether it is revoked.
    pub(crate) fn places(&self) -> Vec<Place> {
        let place = |issued: &Issued| (issued.list.clone(), issued.index, issued.is_revoked);
        self.issued.iter().map(place).collect()
    }
}

/// An offer that nobody took up.
#[derive(Clone)]
pub(crate) struct Unused {
    pub(crate) leads: Leads,
    /// From then on it is worth nothing.
    pub(crate) until: Timestamp,
}

/// What is known of an offer.
#[derive(Clone)]
pub(crate) enum Leads {
    Code(String),
    /// Where it is: nobody has read it yet.
    Offer(Url),
}

impl Unused {
    pub(crate) fn new(created: &Created, code: String) -> Result<Self, Failure> {
        let until = created.expires_at.ok_or(Failure::Lacks("expires_at"))?;
        Ok(Self { leads: Leads::Code(code), until })
    }
}

/// A credential in somebody's hands.
pub(crate) struct Issued {
    /// The session of its offer; none where the holder logged in.
    pub(crate) offer: Option<String>,
    /// The credential; none where only its place was kept.
    pub(crate) text: Option<String>,
    pub(crate) list: Url,
    pub(crate) index: u64,
    pub(crate) is_revoked: bool,
    /// Whether its subject was erased, and the record with it.
    pub(crate) is_erased: bool,
}

/// A presentation that was taken.
pub(crate) struct Answered {
    pub(crate) request: String,
    pub(crate) place: Url,
    pub(crate) form: String,
}

/// Lines that are read one after the other.
#[derive(Default)]
struct Reading {
    /// By where each is: the session, until when it is good, and whether somebody began to take it up.
    offers: BTreeMap<String, (String, Timestamp, bool)>,
    /// Steps that are not at their end.
    open: HashMap<u64, Open>,
    codes: HashSet<String>,
    /// What an answer was lost of: what comes after it may be refused.
    lost: HashSet<String>,
    revoked: HashSet<String>,
    /// With what each credential is about.
    issued: Vec<(String, Issued)>,
    /// With when each was sent.
    answered: Vec<(Timestamp, Answered)>,
    facts: Facts,
}

/// A step between its intent and its end.
struct Open {
    deed: Deed,
    fact: Option<Fact>,
    /// Whether some try of it was perhaps done.
    was_sent: bool,
}

impl Reading {
    fn take(&mut self, line: Line) {
        let Line { step, deed, about, outcome, fact } = line;
        match outcome {
            Outcome::Intended => {
                if deed == Deed::Token
                    && let Some((.., is_taken)) = self.offers.get_mut(&about)
                {
                    *is_taken = true;
                }
                let was_sent = self.open.get(&step).is_some_and(|open| open.was_sent);
                self.open.insert(step, Open { deed, fact, was_sent });
            }
            Outcome::Unasked => {}
            Outcome::Unknown => {
                self.open.get_mut(&step).into_iter().for_each(|open| open.was_sent = true);
            }
            Outcome::Ok => {
                let open = self.open.remove(&step);
                self.promise(deed, about, (open.and_then(|open| open.fact), fact));
            }
            Outcome::Refused => {
                let Some(Open { fact, was_sent, .. }) = self.open.remove(&step) else { return };
                if was_sent {
                    // it was done, and what it was answered with is gone
                    self.facts.lost_answers += 1;
                    self.lost.insert(about.clone());
                    self.promise(deed, about, (fact, None));
                } else if !self.lost.contains(&about) {
                    let what = match deed {
                        Deed::Token => "I1: a fresh code is refused".to_owned(),
                        Deed::Credential => "I1: a fresh token is refused".to_owned(),
                        Deed::Response => "I4: an answer to a fresh request is refused".to_owned(),
                        deed => format!("{deed:?} is refused"),
                    };
                    self.facts.broken.insert(what);
                }
            }
        }
    }

    /// What was asked for with one fact is done, and answered with the other.
    fn promise(&mut self, deed: Deed, about: String, facts: (Option<Fact>, Option<Fact>)) {
        match facts {
            (Some(Fact::Code(code)), _) => {
                let is_first = self.codes.insert(code);
                if !is_first {
                    self.facts.broken.insert("I1: one code gave two tokens".to_owned());
                }
            }
            (Some(Fact::Answer { session, at, sent: Some((place, form)) }), _) => {
                self.answered.push((at, Answered { request: session, place, form }));
            }
            (_, Some(Fact::Offered { offer, session, until })) => {
                self.offers.insert(offer, (session, until, false));
            }
            (_, Some(Fact::Received { places, credentials })) => {
                let mut credentials = credentials.into_iter();
                for (list, index) in places {
                    let (text, offer) = (credentials.next(), None);
                    let issued =
                        Issued { offer, text, list, index, is_revoked: false, is_erased: false };
                    self.issued.push((about.clone(), issued));
                }
            }
            _ if deed == Deed::Revocation => {
                self.revoked.insert(about);
            }
            _ => {}
        }
    }

    fn facts(self, now: Timestamp) -> Facts {
        let Self { offers, open, codes, revoked, issued, answered, mut facts, .. } = self;
        for Open { deed, .. } in open.values() {
            facts.broken.insert(format!("I7: nobody knows what came of a step: {deed:?}"));
        }
        for (about, mut issued) in issued {
            issued.offer = offers.get(&about).map(|(session, ..)| session.clone());
            issued.is_revoked = revoked.contains(&about);
            facts.issued.push(issued);
        }
        let unused = offers.into_iter().filter_map(|(offer, (_, until, is_taken))| {
            let offer = offer.parse().ok().filter(|_| !is_taken && until > now)?;
            Some(Unused { leads: Leads::Offer(offer), until })
        });
        facts.unused = some(unused.collect());
        facts.used_codes = some(codes.into_iter().collect());
        let answered = answered.into_iter().filter(|(at, _)| now.duration_since(*at) < RESULTS);
        facts.answered = some(answered.map(|(_, answered)| answered).collect());
        facts
    }
}

/// Some of them, from everywhere among them.
fn some<T>(all: Vec<T>) -> Vec<T> {
    let every = all.len().div_ceil(SAMPLE).max(1);
    all.into_iter().step_by(every).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "https://issuer.example/offers/1";

    fn now() -> Timestamp {
        "2026-11-30T12:00:00Z".parse().unwrap()
    }

    fn line(step: u64, deed: Deed, outcome: Outcome, fact: Option<Fact>) -> Line {
        Line { step, deed, about: OFFER.to_owned(), outcome, fact }
    }

    fn offered() -> Line {
        let (offer, session) = (OFFER.to_owned(), "session".to_owned());
        let until = "2026-11-30T12:10:00Z".parse().unwrap();
        line(0, Deed::Offer, Outcome::Ok, Some(Fact::Offered { offer, session, until }))
    }

    fn code() -> Option<Fact> {
        Some(Fact::Code("once".to_owned()))
    }

    fn received(index: u64) -> Option<Fact> {
        let list = Url::parse("https://issuer.example/status-lists/0").unwrap();
        Some(Fact::Received { places: vec![(list, index)], credentials: vec!["e30".to_owned()] })
    }

    fn of(lines: &[Line]) -> Facts {
        Facts::of(lines.iter().cloned().map(Ok), now()).unwrap()
    }

    fn broken(lines: &[Line]) -> Vec<String> {
        of(lines).broken.into_iter().collect()
    }

    /// An offer that was taken up, and its credential revoked.
    fn whole() -> Vec<Line> {
        use Deed::{Credential, Revocation, Token};
        use Outcome::{Intended, Ok};
        vec![
            offered(),
            line(1, Token, Intended, code()),
            line(1, Token, Ok, None),
            line(2, Credential, Intended, None),
            line(2, Credential, Ok, received(7)),
            line(3, Revocation, Intended, None),
            line(3, Revocation, Ok, None),
        ]
    }

    #[test]
    fn what_is_acknowledged_is_promised_as_the_lines_say() {
        let facts = of(&whole());
        assert!(facts.broken.is_empty(), "{:?}", facts.broken);
        assert_eq!(facts.used_codes, ["once"]);
        assert!(facts.unused.is_empty());
        let issued = &facts.issued[0];
        assert_eq!((issued.offer.as_deref(), issued.index), (Some("session"), 7));
        assert!(issued.is_revoked && issued.text.is_some());
        // and without its last two lines it is not revoked
        assert!(!of(&whole()[..5]).issued[0].is_revoked);
        // an offer that nobody took up is to be good, until it expires
        assert_eq!(of(&whole()[..1]).unused.len(), 1);
        let late = now() + SignedDuration::from_hours(1);
        let expired = Facts::of(whole()[..1].iter().cloned().map(Ok), late).unwrap();
        assert!(expired.unused.is_empty());
    }

    #[test]
    fn a_code_that_gave_two_tokens_is_a_broken_promise() {
        let mut lines = whole();
        lines.push(line(4, Deed::Token, Outcome::Intended, code()));
        lines.push(line(4, Deed::Token, Outcome::Ok, None));
        assert_eq!(broken(&lines), ["I1: one code gave two tokens"]);
    }

    #[test]
    fn a_fresh_code_that_is_refused_is_a_broken_promise_and_one_whose_answer_was_lost_is_used() {
        let mut lines = whole()[..2].to_vec();
        lines.push(line(1, Deed::Token, Outcome::Refused, None));
        assert_eq!(broken(&lines), ["I1: a fresh code is refused"]);

        lines.insert(2, line(1, Deed::Token, Outcome::Unknown, None));
        lines.insert(3, line(1, Deed::Token, Outcome::Intended, code()));
        let facts = of(&lines);
        assert!(facts.broken.is_empty(), "{:?}", facts.broken);
        assert_eq!((facts.lost_answers, &facts.used_codes[..]), (1, &["once".to_owned()][..]));
    }

    #[test]
    fn a_step_of_which_nobody_knows_what_came_is_a_broken_promise() {
        let open = "I7: nobody knows what came of a step: Token";
        for last in [Outcome::Intended, Outcome::Unknown, Outcome::Unasked] {
            let mut lines = whole()[..2].to_vec();
            lines.push(line(1, Deed::Token, last, None));
            assert_eq!(broken(&lines), [open], "{last:?}");
        }
        // tried again, it comes to an end
        let mut lines = whole()[..2].to_vec();
        lines.push(line(1, Deed::Token, Outcome::Unknown, None));
        lines.extend(whole()[1..3].to_vec());
        assert_eq!(broken(&lines), [""; 0]);
    }

    #[test]
    fn a_result_that_may_be_gone_is_not_asked_for() {
        let place = Url::parse("https://verifier.example/response").unwrap();
        let answer = |at: &str| Fact::Answer {
            session: "session".to_owned(),
            at: at.parse().unwrap(),
            sent: Some((place.clone(), "response=e30".to_owned())),
        };
        let lines = |at| {
            [
                line(1, Deed::Response, Outcome::Intended, Some(answer(at))),
                line(1, Deed::Response, Outcome::Ok, None),
            ]
        };
        assert_eq!(of(&lines("2026-11-30T11:30:00Z")).answered.len(), 1);
        assert_eq!(of(&lines("2026-11-30T11:00:00Z")).answered.len(), 0);
    }

    #[test]
    fn a_sample_is_from_everywhere_and_is_everything_where_that_is_little() {
        assert_eq!(some((0..1_000).collect::<Vec<_>>()).len(), 1_000);
        let many = some((0..250_000).collect::<Vec<_>>());
        assert_eq!((many.len(), many[0], many[999]), (1_000, 0, 249_750));
    }
}
