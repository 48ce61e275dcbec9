//! What is wrong with a configuration: where, and what to write instead.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Everything that is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The faults, in the order of the file.
    pub faults: Vec<Fault>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to write instead.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

/// Collects faults while a file is read.
pub(super) struct Faults<'file> {
    path: &'file Path,
    text: &'file str,
    found: Vec<Fault>,
}

impl<'file> Faults<'file> {
    pub(super) const fn new(path: &'file Path, text: &'file str) -> Self {
        Self { path, text, found: Vec::new() }
    }

    /// Records a fault at the place of a value.
    pub(super) fn at(&mut self, span: Range<usize>, what: impl Into<String>) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        self.found.push(Fault { file: self.path.to_owned(), line, what: what.into() });
    }

    /// Records a fault in another file that this one names.
    pub(super) fn elsewhere(&mut self, file: &Path, line: usize, what: impl Into<String>) {
        self.found.push(Fault { file: file.to_owned(), line, what: what.into() });
    }

    /// `value` if nothing was wrong.
    pub(super) fn conclude<T>(mut self, value: Option<T>) -> Result<T, ConfigError> {
        self.found.sort_by_key(|fault| fault.line);
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(ConfigError { faults: self.found }),
        }
    }
}
