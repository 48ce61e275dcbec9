//! Files that hold secrets: made for their owner alone, refused when others can read them. And files that others
//! read, whole at any moment.

use std::env;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

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
    open_beside(path, credentials().as_deref())
}

/// Where systemd puts what `LoadCredential=` names, for this service alone, if it started us.
pub fn credentials() -> Option<PathBuf> {
    env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

fn open_beside(path: &Path, credentials: Option<&Path>) -> Option<u32> {
    let mode = std::fs::metadata(path).ok()?.mode() & 0o777;
    // systemd 254 and later let the user of a service read a credential by an ACL, whose mask is what stat shows
    // as the right of the group, which has none
    let others = if credentials.is_some_and(|folder| is_in(path, folder)) { 0o037 } else { 0o077 };
    (mode & others != 0).then_some(mode)
}

/// Whether a file lies in a folder, wherever links and dots lead.
fn is_in(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, "secret").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn the_group_of_a_credential_of_systemd_is_not_asked_for_and_everybody_else_is() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, open) in [(0o400, None), (0o440, None), (0o460, Some(0o460))] {
            let path = file(folder.path(), "key", mode);
            assert_eq!(open_beside(&path, Some(folder.path())), open, "{mode:o}");
            std::fs::remove_file(path).unwrap();
        }
        let path = file(folder.path(), "key", 0o444);
        assert_eq!(open_beside(&path, Some(folder.path())), Some(0o444));
    }

    #[test]
    fn a_group_that_can_read_a_file_elsewhere_is_others() {
        let (credentials, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = file(elsewhere.path(), "key", 0o440);
        assert_eq!(open_beside(&path, None), Some(0o440));
        assert_eq!(open_beside(&path, Some(credentials.path())), Some(0o440));
        let linked = credentials.path().join("key");
        std::os::unix::fs::symlink(&path, &linked).unwrap();
        assert_eq!(open_beside(&linked, Some(credentials.path())), Some(0o440));
    }
}
