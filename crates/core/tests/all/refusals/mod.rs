//! Refusal vectors: every rule of every format broken alone, published in `spec-vectors/refusals`.
//!
//! A suite is built here, deterministically, and must be what is published; each case of it is then read
//! from the published file and must be refused for its reason. `cargo xtask refusals` publishes.

mod codes;
mod data_integrity;
mod did;
pub(crate) mod keys;
mod mdoc;
mod policy;
mod sd_jwt_vc;
mod status;
mod type_metadata;
mod w3c_jwt;

use std::{collections::HashMap, env, fs, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything that one verification surface must refuse, and a few things it must not.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Suite {
    /// What is verified.
    pub(crate) subject: String,
    /// The texts whose rules are broken.
    pub(crate) specifications: Vec<String>,
    /// How the verifier is set: whom it trusts, what it asked for, what time it is.
    pub(crate) setting: Value,
    /// What must be accepted under that setting, so that a refusal means something.
    pub(crate) accepted: Vec<Accepted>,
    /// What must be refused.
    pub(crate) refused: Vec<Case>,
}

/// One input that breaks no rule.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) id: String,
    /// What kind of input it is, in a suite that has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
    pub(crate) input: String,
}

/// One input that breaks one rule.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    /// What kind of input it is, in a suite that has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
    /// The section that is broken.
    pub(crate) rule: String,
    /// Lanyard's stable reason code.
    pub(crate) reason: String,
    pub(crate) input: String,
}

impl Suite {
    /// An input that must be accepted.
    pub(crate) fn accept(&mut self, format: &str, id: impl Into<String>, input: String) {
        let format = Some(format.to_owned());
        self.accepted.push(Accepted { id: id.into(), format, input });
    }

    /// A case; its name must be new.
    pub(crate) fn refuse(&mut self, id: impl Into<String>, rule: Rule, input: String) {
        self.push(id.into(), None, rule, input);
    }

    /// A case of one of the suite's kinds of input; its name must be new.
    pub(crate) fn refuse_as(
        &mut self,
        format: &str,
        id: impl Into<String>,
        rule: Rule,
        input: String,
    ) {
        self.push(id.into(), Some(format.to_owned()), rule, input);
    }

    fn push(&mut self, id: String, format: Option<String>, (rule, reason): Rule, input: String) {
        assert!(self.refused.iter().all(|case| case.id != id), "two cases are called {id}");
        let (rule, reason) = (rule.into(), reason.into());
        self.refused.push(Case { id, format, rule, reason, input });
    }

    /// Holds the suite to what is published, or publishes it; gives back what is published.
    pub(crate) fn published(self, name: &str) -> Self {
        let file = folder().join(name).with_extension("json");
        if env::var_os("LANYARD_PUBLISH_REFUSALS").is_some() {
            let mut text = serde_json::to_string_pretty(&self).expect("a suite is JSON");
            text.push('\n');
            fs::write(&file, text).expect("the folder is there");
        }
        let text = fs::read(&file).expect("the suite is published: run `cargo xtask refusals`");
        let published: Self = serde_json::from_slice(&text).expect("what is published is a suite");
        assert!(published == self, "{name} changed: run `cargo xtask refusals` and read the diff");
        published
    }

    /// Verifies every input: those accepted have no reason, those refused have their own.
    pub(crate) fn run(&self, verify: impl Fn(&str) -> Result<(), String>) {
        self.run_each(|_, input| verify(input));
    }

    /// As [`Suite::run`], with the kind of each input.
    pub(crate) fn run_each(&self, verify: impl Fn(&str, &str) -> Result<(), String>) {
        let verify = |format: &Option<String>, input: &str| {
            verify(format.as_deref().unwrap_or_default(), input)
        };
        let mut wrong = Vec::new();
        for accepted in &self.accepted {
            if let Err(reason) = verify(&accepted.format, &accepted.input) {
                wrong.push(format!("{} is refused: {reason}", accepted.id));
            }
        }
        for case in &self.refused {
            match verify(&case.format, &case.input) {
                Err(reason) if reason == case.reason => {}
                Err(reason) => wrong.push(format!("{}: {reason}, not {}", case.id, case.reason)),
                Ok(()) => wrong.push(format!("{} is accepted, not {}", case.id, case.reason)),
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        let mut inputs = HashMap::new();
        for case in &self.refused {
            let same = inputs.insert((&case.format, &case.input), &case.id);
            assert!(same.is_none(), "{same:?} and {} have the same input", case.id);
        }
    }
}

/// The section that is broken, and the reason code.
pub(crate) type Rule = (&'static str, &'static str);

/// Where the suites are published.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../spec-vectors/refusals")
}
