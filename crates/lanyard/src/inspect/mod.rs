//! `lanyard inspect`: what is this, what does it say, and what is wrong with it.
//!
//! Nothing that is shown here is verified unless a finding says so.

mod credential;
mod document;
mod link;
mod sd_jwt;
mod token;

use std::fmt;

use jiff::Timestamp;
use lanyard_core::credential::Format;
use serde::Serialize;
use serde_json::Value;

use crate::offline::recognise;

/// What was found out about a thing.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What it is, in words.
    pub kind: &'static str,
    /// What it says.
    pub parts: Vec<Part>,
    /// What is right, doubtful and wrong with it.
    pub findings: Vec<Finding>,
    /// Where more of it is to be fetched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leads_to: Vec<String>,
}

/// One part of a thing, decoded.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// Its name.
    pub title: String,
    /// Its content.
    pub content: Value,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub weight: Weight,
    /// In plain words.
    pub what: String,
    /// The section that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Nobody may accept it.
    Wrong,
    /// It may be fine, but it deserves a look.
    Doubtful,
    /// It was looked at and holds.
    Fine,
}

impl Report {
    pub(crate) const fn new(kind: &'static str) -> Self {
        Self { kind, parts: Vec::new(), findings: Vec::new(), leads_to: Vec::new() }
    }

    fn part(&mut self, title: impl Into<String>, content: impl Into<Value>) {
        self.parts.push(Part { title: title.into(), content: content.into() });
    }

    fn wrong(&mut self, what: impl Into<String>, rule: impl Into<Option<&'static str>>) {
        self.findings.push(Finding { weight: Weight::Wrong, what: what.into(), rule: rule.into() });
    }

    fn doubtful(&mut self, what: impl Into<String>, rule: impl Into<Option<&'static str>>) {
        self.findings.push(Finding {
            weight: Weight::Doubtful,
            what: what.into(),
            rule: rule.into(),
        });
    }

    fn fine(&mut self, what: impl Into<String>, rule: impl Into<Option<&'static str>>) {
        self.findings.push(Finding { weight: Weight::Fine, what: what.into(), rule: rule.into() });
    }

    /// Adds what was found at a place that this thing leads to.
    pub(crate) fn absorb(&mut self, place: &str, further: Self) {
        self.part("Read there", format!("{place} is {}", further.kind));
        self.parts.extend(further.parts);
        self.findings.extend(further.findings);
        self.leads_to.extend(further.leads_to);
    }

    /// Whether anything is wrong with it.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.findings.iter().any(|finding| finding.weight == Weight::Wrong)
    }
}

/// Finds out what `text` is and says what is wrong with it at the moment `now`.
#[must_use]
pub fn inspect(text: &str, now: Timestamp) -> Report {
    let text = text.trim();
    // an SD-JWT VC has a report of its own, disclosure by disclosure
    if let Some(recognised) = recognise(text)
        && recognised.format != Format::SdJwtVc
    {
        return credential::inspect(text, recognised, now);
    }
    if text.starts_with(['{', '[']) {
        return document::inspect(text, now);
    }
    if text.contains("://") {
        return link::inspect(text, now);
    }
    if text.contains('~') {
        return sd_jwt::inspect(text, now);
    }
    match text.matches('.').count() {
        2 => token::inspect(text, now),
        4 => token::inspect_jwe(text),
        _ => unknown(text),
    }
}

fn unknown(text: &str) -> Report {
    let mut report = Report::new("nothing this program knows");
    let what = if text.is_empty() {
        "it is empty"
    } else {
        "an SD-JWT has '~' in it, a JWT two dots, a JWE four, a link '://', an mdoc is base64url, and a query, metadata or a W3C credential begins with '{'; check that it was copied whole"
    };
    report.wrong(what, None);
    report
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "This is {}.", self.kind)?;
        for part in &self.parts {
            match &part.content {
                Value::String(text) => writeln!(f, "\n{}: {}", part.title, printable(text))?,
                other => writeln!(f, "\n{}:\n{other:#}", part.title)?,
            }
        }
        if !self.findings.is_empty() {
            writeln!(f)?;
        }
        for finding in &self.findings {
            let mark = match finding.weight {
                Weight::Wrong => "WRONG",
                Weight::Doubtful => "doubt",
                Weight::Fine => "ok   ",
            };
            let rule = finding.rule.map(|rule| format!("  [{rule}]")).unwrap_or_default();
            writeln!(f, "  {mark}  {}{rule}", printable(&finding.what))?;
        }
        for lead in &self.leads_to {
            writeln!(f, "\nMore of it is at {}; add --fetch to read that too.", printable(lead))?;
        }
        let verdict = if self.is_wrong() {
            "Something is wrong with it."
        } else {
            "Nothing is wrong with it as far as it can be seen from here."
        };
        write!(f, "\n{verdict}")
    }
}

/// What a terminal may be sent: control characters of a peer become visible.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_unicode())
        } else {
            shown.push(character)
        }
    }
    shown
}
