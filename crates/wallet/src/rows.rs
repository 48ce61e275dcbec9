//! Claims as rows for a screen: nested objects opened, lists joined.

use lanyard_core::{Timestamp, claims::ClaimsPath};
use lanyard_oid4vp::dcql::{
    ClaimSetChoice, CredentialQueryId, OverAsked, OverAsking, QueryMatches,
};
use serde_json::{Map, Value};

use crate::{
    face::Face,
    status::StatusWord,
    storage::{Card, NewCard},
};

/// What the format itself says about an SD-JWT VC; no claim about the holder.
pub(crate) const ABOUT_THE_CREDENTIAL: [&str; 9] =
    ["iss", "iat", "nbf", "exp", "cnf", "vct", "status", "vct#integrity", "aka_vcts"];

/// One claim as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownClaim {
    /// What it is called.
    pub label: String,
    /// Its value in words; a picture as a `data:` URL.
    pub value: String,
}

/// One claim that a request asks for, as people read it before they consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedClaim {
    /// The claim.
    pub claim: ShownClaim,
    /// What makes it more than most purposes need, if anything does.
    pub over_asked: Option<OverAsking>,
}

/// Something that a request asks and that most purposes do not need, as people read it before they consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedTooMuch {
    /// The credential query that asks for it.
    pub query: CredentialQueryId,
    /// What it is.
    pub what: OverAsking,
    /// The claim, as the card calls it; none where it is about all of them together.
    pub label: Option<String>,
}

/// How a card stands, as far as the device can tell without asking anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Good to be shown.
    Valid,
    /// Good for less than two weeks.
    EndsSoon,
    /// Past its end: it answers no request.
    Expired,
    /// Its issuer has it suspended, by the last list that could be had: it answers no request until a newer list
    /// says otherwise.
    Suspended,
    /// Its issuer has taken it back for good, by the last list that could be had: it answers no request.
    Revoked,
}

impl AskedTooMuch {
    /// What a query asks too much, as a card calls it.
    pub fn of(query: CredentialQueryId, asked: OverAsked, card: &Card) -> Self {
        let label = asked.path.map(|path| card.content.face.label(&path));
        Self { query, what: asked.what, label }
    }

    /// The claim, or that it is about all of them, in English.
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or("many claims together")
    }
}

impl Standing {
    /// Whether a verifier could take it.
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Valid | Self::EndsSoon)
    }
}

const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

impl Card {
    /// How the card stands now.
    pub fn standing(&self, now: Timestamp) -> Standing {
        match (self.content.expires_at, self.status.map(|status| status.word)) {
            (Some(end), _) if end <= now => Standing::Expired,
            (_, Some(StatusWord::Revoked)) => Standing::Revoked,
            (_, Some(StatusWord::Suspended)) => Standing::Suspended,
            (Some(end), _) if end.duration_since(now) < SOON => Standing::EndsSoon,
            _ => Standing::Valid,
        }
    }
}

impl NewCard {
    /// Every claim, in the order of the issuer's display.
    pub fn rows(&self) -> Vec<ShownClaim> {
        let claims = self.shown_claims();
        let mut rows = Vec::new();
        for (name, value) in &claims {
            if !ABOUT_THE_CREDENTIAL.contains(&name.as_str()) {
                push(&ClaimsPath::key(name.as_str()), value, &self.face, &mut rows);
            }
        }
        let place = |row: &ShownClaim| {
            let mut labels = self.face.labels.iter();
            labels.position(|label| label.label == row.label).unwrap_or(usize::MAX)
        };
        rows.sort_by_key(place);
        rows
    }

    /// The claims at these paths, as they would be disclosed.
    pub fn rows_at(&self, paths: &[ClaimsPath]) -> Vec<ShownClaim> {
        let whole = Value::Object(self.claims.clone());
        let mut rows = Vec::new();
        for path in paths {
            for value in path.select(&whole).unwrap_or_default() {
                push(path, value, &self.face, &mut rows);
            }
        }
        rows.dedup();
        rows
    }

    /// The claims that one way to answer a query discloses, each with a flag where it is more than most purposes need.
    pub fn asked_rows(&self, matches: &QueryMatches, choice: &ClaimSetChoice) -> Vec<AskedClaim> {
        let flags = matches.over_asked(choice);
        let mut rows = Vec::new();
        for path in &choice.disclose {
            let about = |flag: &&OverAsked| flag.path.as_ref().is_some_and(|own| own.covers(path));
            let over_asked = flags.iter().find(about).map(|flag| flag.what);
            let shown = self.rows_at(std::slice::from_ref(path)).into_iter();
            rows.extend(shown.map(|claim| AskedClaim { claim, over_asked }));
        }
        rows.dedup();
        rows
    }
}

fn push(path: &ClaimsPath, value: &Value, face: &Face, rows: &mut Vec<ShownClaim>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            push(&path.clone().then_key(name.as_str()), member, face, rows);
        }),
        value => rows.push(ShownClaim { label: face.label(path), value: in_words(value) }),
    }
}

fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(elements) => elements.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Value::Object(members) => object_in_words(members),
        other => other.to_string(),
    }
}

fn object_in_words(members: &Map<String, Value>) -> String {
    members.values().map(in_words).collect::<Vec<_>>().join(" ")
}
