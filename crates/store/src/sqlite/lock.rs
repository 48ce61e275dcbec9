//! One process per data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::Path;

use super::OpenError;

const FILE_NAME: &str = "lanyard.lock";

/// Held as long as the store is open; the operating system frees it when the process dies.
pub(super) struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    pub(super) fn acquire(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(FILE_NAME);
        let mut file = private(OpenOptions::new().read(true).write(true).create(true))
            .open(&path)
            .map_err(|source| OpenError::Io { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse {
                    directory: directory.to_owned(),
                    process: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(OpenError::Io { path, source }),
        }
        // For the message of whoever comes second; the lock itself does not depend on it.
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .map_err(|source| OpenError::Io { path, source })?;
        Ok(Self { file })
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing is not enough while another thread starts a child process: between fork and exec
        // the child has a copy of the descriptor, and the lock lives as long as the last copy.
        self.file.unlock().ok();
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

/// Lets the owner alone read and write a file that is about to be created.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
