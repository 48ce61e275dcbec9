//! The wallet's bindings for Kotlin, Swift and Python: generated, and held to what is checked in.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::command;

/// Each language with where its files are checked in.
const LANGUAGES: &[(&str, &str)] = &[
    ("kotlin", "mobile/android/bindings/src/main/kotlin"),
    ("swift", "mobile/ios/LanyardKit/Generated"),
    ("python", "mobile/python"),
];

/// The library that the tests of the bindings load; Linux and macOS name it differently.
pub(crate) fn library() -> PathBuf {
    let name = if cfg!(target_os = "macos") {
        "liblanyard_wallet_ffi.dylib"
    } else {
        "liblanyard_wallet_ffi.so"
    };
    target().join("debug").join(name)
}

/// The server that those tests talk to.
pub(crate) fn server() -> PathBuf {
    target().join("debug").join("lanyard")
}

/// The program that runs another beside a PostgreSQL server.
pub(crate) fn with_postgres() -> PathBuf {
    target().join("debug").join("with-postgres")
}

/// A folder with the Python bindings and the library beside them, as they look for it.
pub(crate) fn python() -> Result<PathBuf, String> {
    let folder = target().join("bindings").join("loaded");
    fs::create_dir_all(&folder).map_err(|cause| cause.to_string())?;
    let (module, library) = ("lanyard_wallet_ffi.py", library());
    let copy = |from: &Path| {
        let name = from.file_name().unwrap_or_default();
        fs::copy(from, folder.join(name)).map_err(|cause| format!("{}: {cause}", from.display()))
    };
    copy(&command::root().join("mobile/python").join(module))?;
    copy(&library)?;
    Ok(folder)
}

/// Generates all bindings into the repository.
pub(crate) fn write() -> Result<(), String> {
    build()?;
    for (language, folder) in LANGUAGES {
        let folder = command::root().join(folder);
        fs::create_dir_all(&folder).map_err(|cause| cause.to_string())?;
        generate(language, &folder)?;
    }
    Ok(())
}

/// Whether what is checked in is what would be generated now.
pub(crate) fn check() -> Result<(), String> {
    build()?;
    for (language, folder) in LANGUAGES {
        let fresh = target().join("bindings").join(language);
        let _ = fs::remove_dir_all(&fresh);
        fs::create_dir_all(&fresh).map_err(|cause| cause.to_string())?;
        generate(language, &fresh)?;
        let kept = files(&command::root().join(folder))?;
        let stale = files(&fresh)?.into_iter().find(|(name, text)| kept.get(name) != Some(text));
        if let Some((name, _)) = stale {
            return Err(format!("{folder}/{name} is stale: run cargo xtask bindings"));
        }
    }
    println!("bindings: what is checked in is what is generated");
    Ok(())
}

/// The programs and the library, as the Rust tests have them: without `--tests` the features of dependencies
/// that only tests use would be left out, and half of the workspace be compiled once more.
pub(crate) fn build() -> Result<(), String> {
    let of_the_tests = ["build", "--workspace", "--all-features", "--lib", "--bins", "--tests"];
    command::run(command::program("cargo", &of_the_tests, "."))
}

fn generate(language: &str, into: &Path) -> Result<(), String> {
    let generator = target().join("debug").join("uniffi-bindgen");
    let (library, into) = (library(), into.to_string_lossy().into_owned());
    let (generator, library) = (generator.to_string_lossy(), library.to_string_lossy());
    let arguments = ["generate", "--no-format", "--library", &library];
    let arguments = [&arguments[..], &["--language", language, "--out-dir", &into]].concat();
    command::run(command::program(&generator, &arguments, "."))
}

/// Absolute, since the tests run in folders of their own.
fn target() -> PathBuf {
    let root = command::root();
    let root = root.canonicalize().unwrap_or(root);
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |set| root.join(set))
}

/// Every file under a folder by its path in it.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).map_err(|cause| format!("{}: {cause}", next.display()))? {
            let path = entry.map_err(|cause| cause.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).map_err(|cause| cause.to_string())?;
            let text = fs::read(&path).map_err(|cause| cause.to_string())?;
            found.insert(name.to_string_lossy().into_owned(), text);
        }
    }
    Ok(found)
}
