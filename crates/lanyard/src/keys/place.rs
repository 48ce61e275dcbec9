//! Where the sealing keys come from: a file, a credential of systemd, the environment.

use std::path::{Path, PathBuf};
use std::{env, io};

use super::{KeyError, SEALING_KEY, SealingKeys};
use crate::files;

/// The keys in base64url, the newest first, with spaces between.
const VARIABLE: &str = "LANYARD_SEALING_KEY";

/// Where the sealing keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// A file that the server may have made itself.
    File(PathBuf),
    /// A file that a service manager put there.
    Credential(PathBuf),
    /// The environment.
    Environment,
}

impl KeyPlace {
    /// What the configuration names, or else a credential, or else the environment.
    #[must_use]
    pub fn find(configured: Option<&Path>) -> Option<Self> {
        if let Some(file) = configured {
            return Some(Self::File(file.to_owned()));
        }
        let credential = files::credentials().map(|folder| folder.join(SEALING_KEY));
        if let Some(file) = credential.filter(|file| file.exists()) {
            return Some(Self::Credential(file));
        }
        env::var_os(VARIABLE).map(|_| Self::Environment)
    }

    /// The same, or else the file in a data folder.
    #[must_use]
    pub fn of_folder(configured: Option<&Path>, data: &Path) -> Self {
        Self::find(configured).unwrap_or_else(|| Self::File(data.join(SEALING_KEY)))
    }

    /// Whether there are keys.
    #[must_use]
    pub fn is_there(&self) -> bool {
        match self {
            Self::File(file) | Self::Credential(file) => file.exists(),
            Self::Environment => true,
        }
    }

    /// The keys.
    ///
    /// # Errors
    /// When they cannot be read, are damaged or open to others.
    pub fn read(&self) -> Result<SealingKeys, KeyError> {
        match self {
            Self::File(file) | Self::Credential(file) => SealingKeys::read(file),
            Self::Environment => {
                let text = zeroize::Zeroizing::new(env::var(VARIABLE).unwrap_or_default());
                let damaged = || KeyError::SealingKeyDamaged { file: VARIABLE.to_owned() };
                SealingKeys::parse(text.as_bytes()).ok_or_else(damaged)
            }
        }
    }

    /// Puts other keys in place of those in a file, at once or not at all.
    ///
    /// # Errors
    /// [`KeyError::SealingKeyElsewhere`] where the keys are in no file of ours.
    pub fn write(&self, keys: &SealingKeys) -> Result<(), KeyError> {
        let Self::File(file) = self else {
            return Err(KeyError::SealingKeyElsewhere { place: self.shown() });
        };
        Ok(replace_private(file, &keys.to_bytes())?)
    }

    /// What people know it by.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::File(file) | Self::Credential(file) => file.display().to_string(),
            Self::Environment => VARIABLE.to_owned(),
        }
    }
}

fn replace_private(file: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = file.with_extension("fresh");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    files::write_private(&fresh, content)?;
    std::fs::rename(&fresh, file)?;
    match file.parent() {
        Some(folder) if folder != Path::new("") => std::fs::File::open(folder)?.sync_all(),
        _ => std::fs::File::open(".")?.sync_all(),
    }
}
