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
    let mut build = program("cargo", &["rustc", "--locked", "--release", "--lib"], ".");
    build
        .args(["--package", "lanyard-wallet-ffi", "--crate-type", "cdylib", "--target-dir"])
        .arg(&folder)
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    command::run(build)?;
    let library = folder.join("release").join(name);
    let size = fs::metadata(&library).map_err(|cause| format!("{}: {cause}", library.display()))?;
    let size = size.len();
    println!("size: {size} bytes of at most {MOST}: {}", library.display());
    if size > MOST {
        return Err(format!("the wallet's library has grown to {size} bytes"));
    }
    Ok(())
}
