//! How large the wallet's library is when it is shipped: built as apps ship it, stripped, for this machine.

use std::fs;

use crate::command::{self, program};

/// The most that it may take, in bytes; for all four formats but not for BBS.
const MOST: u64 = 8_000_000;

/// Builds the library, and tells what it takes.
pub(crate) fn run() -> Result<(), String> {
    let name = if cfg!(target_os = "macos") {
        "liblanyard_wallet_ffi.dylib"
    } else {
        "liblanyard_wallet_ffi.so"
    };
    let folder = command::root().join("target/size");
    // as the scripts in mobile/ do
    let shipped = ["rustc", "--config", "mobile/shipped.toml", "--profile", "shipped"];
    let mut build = program("cargo", &shipped, ".");
    build
        .args(["--locked", "--package", "lanyard-wallet-ffi", "--lib", "--crate-type", "cdylib"])
        .arg("--target-dir")
        .arg(&folder);
    command::run(build)?;
    // what cargo leaves in it besides is of no use to an app, and Gradle strips it too
    let library = folder.join(name);
    let mut strip = program("strip", &[], ".");
    strip.args(if cfg!(target_os = "macos") { &["-x", "-o"][..] } else { &["-o"][..] });
    strip.arg(&library).arg(folder.join("shipped").join(name));
    command::run(strip)?;
    let size = fs::metadata(&library).map_err(|cause| format!("{}: {cause}", library.display()))?;
    held(size.len())?;
    println!("size: {} bytes of at most {MOST}: {}", size.len(), library.display());
    Ok(())
}

/// Whether the library may be so large.
fn held(size: u64) -> Result<(), String> {
    if size > MOST {
        return Err(format!("the wallet's library has grown to {size} bytes, {MOST} are the most"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_of_more_than_eight_million_bytes_fails() {
        assert_eq!(held(MOST), Ok(()));
        let grown = "the wallet's library has grown to 8000001 bytes, 8000000 are the most";
        assert_eq!(held(MOST + 1), Err(grown.to_owned()));
    }
}
