//! Trust lists in files: JSON, or the same in TOML.

use std::path::{Path, PathBuf};

use lanyard_core::trust::{TrustList, TrustListFaults};

/// Why a file holds no trust list.
#[derive(Debug, thiserror::Error)]
pub enum TrustListFileError {
    /// The file cannot be read.
    #[error("{}: the trust list cannot be read ({error})", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: {what}", path.display())]
    Syntax {
        /// Which one.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// The list has faults; each names its place.
    #[error("{}: {faults}", path.display())]
    Faults {
        /// Which one.
        path: PathBuf,
        /// Every fault.
        faults: TrustListFaults,
    },
}

impl TrustListFileError {
    /// The line to look at, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        match self {
            Self::Syntax { line, .. } => *line,
            Self::File { .. } | Self::Faults { .. } => 1,
        }
    }
}

/// Reads a trust list; a name that ends in `.toml` is TOML, any other JSON.
///
/// # Errors
/// [`TrustListFileError`] with every fault and its place.
pub fn read(path: &Path) -> Result<TrustList, TrustListFileError> {
    let bytes = std::fs::read(path)
        .map_err(|error| TrustListFileError::File { path: path.to_owned(), error })?;
    let list = if path.extension().is_some_and(|extension| extension == "toml") {
        let text = String::from_utf8_lossy(&bytes);
        let value: toml::Table = toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            TrustListFileError::Syntax {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                what: error.message().replace('\n', " "),
            }
        })?;
        TrustList::from_value(&serde_json::to_value(value).unwrap_or_default())
    } else {
        TrustList::parse(&bytes)
    };
    list.map_err(|faults| TrustListFileError::Faults { path: path.to_owned(), faults })
}
