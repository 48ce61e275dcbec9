//! The official vectors, read from where they are kept and never copied.
//!
//! They are looked for in `LANYARD_VECTORS`, else in `../shared/vectors` beside the repository. When the
//! variable is set, or `CI` is, a missing file fails the test; elsewhere [`available`] is false and the
//! test says so, and `cargo xtask test` counts it in its closing lines.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::Value;

/// Whether the vectors are here; prints one line per suite that cannot be exercised when they are not.
///
/// # Panics
/// When they are missing although `LANYARD_VECTORS` or `CI` is set.
pub fn available(suite: &str) -> bool {
    if folder().join(suite).exists() {
        return true;
    }
    let demanded = env::var_os("LANYARD_VECTORS").is_some() || env::var_os("CI").is_some();
    assert!(!demanded, "official vectors are missing: {}", folder().join(suite).display());
    // not println!: a test's captured output would hide the line
    let line = format!("\nvectors-missing: {suite}\n");
    std::io::stdout().write_all(line.as_bytes()).expect("standard output is open");
    false
}

/// The bytes of a vector file, `folder/file.ext`.
///
/// # Panics
/// When the file is missing; ask [`available`] first.
pub fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    let file = folder().join(path.as_ref());
    fs::read(&file).unwrap_or_else(|cause| fail(&file, &cause))
}

/// The text of a vector file, without trailing white space.
///
/// # Panics
/// When the file is missing or not UTF-8.
pub fn text(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    let text = String::from_utf8(bytes(path)).unwrap_or_else(|cause| fail(path, &cause));
    text.trim_end().to_owned()
}

/// The JSON of a vector file.
///
/// # Panics
/// When the file is missing or not JSON.
pub fn json(path: impl AsRef<Path>) -> Value {
    let path = path.as_ref();
    serde_json::from_slice(&bytes(path)).unwrap_or_else(|cause| fail(path, &cause))
}

/// The files in a folder of vectors with this extension, in order.
///
/// # Panics
/// When the folder is missing.
pub fn files(suite: &str, extension: &str) -> Vec<PathBuf> {
    let folder = folder().join(suite);
    let entries = fs::read_dir(&folder).unwrap_or_else(|cause| fail(&folder, &cause));
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap_or_else(|cause| fail(&folder, &cause)).path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// The folder that holds the vectors.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        match env::var_os("LANYARD_VECTORS") {
            Some(folder) => workspace.join(folder),
            None => workspace.join("../shared/vectors"),
        }
    })
}

fn fail(file: &Path, cause: &dyn std::error::Error) -> ! {
    #[expect(clippy::panic, reason = "a missing or broken vector fails the run")]
    {
        panic!("vector {}: {cause}", file.display())
    }
}
