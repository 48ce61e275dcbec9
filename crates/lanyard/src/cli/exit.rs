//! How a command ends: one number for scripts, one sentence for people.

use std::io::Write as _;

use serde_json::{Value, json};

/// The exit codes, as `lanyard --help` documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// It was done.
    Done = 0,
    /// It failed on this side.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// The other side refused, or a check did.
    Refused = 3,
    /// Nothing in the wallet matches.
    NothingMatches = 4,
    /// The other side cannot be reached.
    Network = 5,
    /// Not decided yet.
    Undecided = 6,
}

/// The end of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// The number.
    pub code: ExitCode,
    /// The sentence, for standard output if done and for standard error if not.
    pub text: String,
    /// The same for programs.
    pub json: Value,
}

impl Ending {
    /// It was done.
    pub fn done(text: impl Into<String>, json: Value) -> Self {
        Self { code: ExitCode::Done, text: text.into(), json }
    }

    /// It was not, for a reason with a stable code.
    pub fn not_done(code: ExitCode, reason: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        let json = json!({ "error": reason, "message": text });
        Self { code, text, json }
    }

    /// Prints it and gives the number to leave with.
    #[must_use]
    pub fn print(&self, as_json: bool) -> std::process::ExitCode {
        let mut out = std::io::stdout();
        // whoever reads may have read enough, as `head` has
        let _ = if as_json {
            writeln!(out, "{:#}", self.json)
        } else if self.code == ExitCode::Done {
            writeln!(out, "{}", self.text)
        } else {
            writeln!(std::io::stderr(), "{}", self.text)
        };
        std::process::ExitCode::from(self.code as u8)
    }
}
