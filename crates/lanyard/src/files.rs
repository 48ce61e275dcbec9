//! Files that hold secrets: made for their owner alone, refused when others can read them. And files that others
//! read, whole at any moment.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;

/// Makes a folder that its owner alone can enter, and closes an existing one to others.
///
/// # Errors
/// What the file system answers.
pub fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    if open_to_others(path).is_some() {
        std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Writes a new file that its owner alone can read, whole or not at all.
///
/// # Errors
/// What the file system answers; a file that exists is never overwritten.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::hard_link(&unfinished, path).inspect_err(|_| {
        let _ = std::fs::remove_file(&unfinished);
    })?;
    std::fs::remove_file(&unfinished)
}

/// Puts a file that anybody may read in the place of the one that is there: whoever reads it finds a whole one.
///
/// # Errors
/// What the file system answers.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, content)?;
    std::fs::rename(unfinished, path)
}

/// The permissions of a file that others than its owner can use, if they can.
#[must_use]
pub fn open_to_others(path: &Path) -> Option<u32> {
    let mode = std::fs::metadata(path).ok()?.mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}
