//! The wallet for both phones, without C: static libraries for Android and iOS, built here and run nowhere.
//!
//! Where rustup has the targets, it brings them. Elsewhere Debian's `rustc-web` and the source of the standard library
//! do, unpacked under `target/phones` and installed nowhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::command::{self, exists, program};

const TARGETS: [&str; 2] = ["aarch64-linux-android", "aarch64-apple-ios"];

/// What compiles C, or is C.
const C: &[&str] =
    &["cc", "cmake", "bindgen", "aws-lc-sys", "libsqlite3-sys", "ring", "blst", "openssl-sys"];

/// What only a server has.
const OF_THE_SERVER: &[&str] = &[
    "axum",
    "askama",
    "cel",
    "lanyard-issuer",
    "lanyard-service",
    "lanyard-store",
    "lanyard-verifier",
    "tokio-postgres",
];

/// What brings a compiler for the targets.
const HOW: &str = "rustup target add aarch64-linux-android aarch64-apple-ios, \
                   or Debian's packages rustc-web and rust-web-src";

/// Holds the library to what may be in it, and builds it for both targets.
pub(crate) fn run() -> Result<(), String> {
    dependencies()?;
    let compiler = if rustup_has_targets() {
        None
    } else {
        let none = || format!("no compiler for phones: {HOW}");
        Some(debian()?.ok_or_else(none)?)
    };
    for target in TARGETS {
        let mut build = program("cargo", &["rustc"], ".");
        if let Some(tools) = &compiler {
            build
                .arg("-Zbuild-std=std,panic_unwind")
                .env("RUSTC", tools.join("usr/bin/rustc"))
                .env("RUSTC_BOOTSTRAP", "1")
                .env("LD_LIBRARY_PATH", tools.join("usr/lib/x86_64-linux-gnu"));
        }
        build
            .args(["--locked", "--profile", "phones", "--no-default-features", "--lib"])
            .args(["--package", "lanyard-wallet-ffi", "--crate-type", "staticlib"])
            .args(["--target", target, "--target-dir"])
            .arg(folder()?.join("build"));
        command::run(build)?;
        let library = folder()?.join("build").join(target).join("phones/liblanyard_wallet_ffi.a");
        fs::metadata(&library).map_err(|cause| format!("{}: {cause}", library.display()))?;
        println!("phones: built for {target}, without C");
    }
    Ok(())
}

/// Nothing of the server is in the library, and in the one for phones nothing in C.
fn dependencies() -> Result<(), String> {
    let all = tree(&[])?;
    let found: Vec<_> = OF_THE_SERVER.iter().filter(|name| all.contains(**name)).collect();
    if !found.is_empty() {
        return Err(format!("lanyard-wallet-ffi: of the server, and in the library: {found:?}"));
    }
    for target in TARGETS {
        let all = tree(&["--no-default-features", "--target", target])?;
        let found: Vec<_> = C.iter().filter(|name| all.contains(**name)).collect();
        if !found.is_empty() {
            return Err(format!("lanyard-wallet-ffi on {target}: needs a C compiler: {found:?}"));
        }
    }
    println!("phones: nothing of the server in the library, nothing in C in the one for phones");
    Ok(())
}

/// The names of everything that the library is made of.
fn tree(options: &[&str]) -> Result<BTreeSet<String>, String> {
    let asked = ["tree", "--locked", "--package", "lanyard-wallet-ffi", "--edges", "normal,build"];
    let mut tree = program("cargo", &asked, ".");
    let output = tree.args(["--prefix", "none", "--format", "{p}"]).args(options).output();
    let output = output.map_err(|cause| format!("cargo tree: {cause}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

/// Whether rustup has the standard library of both targets, or can get it.
fn rustup_has_targets() -> bool {
    let mut add = Command::new("rustup");
    add.args(["target", "add"]).args(TARGETS).stdout(Stdio::null()).stderr(Stdio::null());
    add.status().is_ok_and(|status| status.success())
}

/// Debian's compiler with the source of its standard library; none where there is no Debian.
fn debian() -> Result<Option<PathBuf>, String> {
    let tools = folder()?.join("toolchain");
    if tools.join("whole").exists() {
        return Ok(Some(tools));
    }
    if !exists("apt-get") || !exists("dpkg-deb") || std::env::consts::ARCH != "x86_64" {
        return Ok(None);
    }
    let Some(packages) = packages()? else { return Ok(None) };
    let debs = folder()?.join("debs");
    for folder in [&debs, &tools] {
        // of an interrupted start nothing is left
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).map_err(|cause| format!("{}: {cause}", folder.display()))?;
    }
    let mut download = Command::new("apt-get");
    download.arg("download").args(&packages).current_dir(&debs);
    command::run(download)?;
    for deb in fs::read_dir(&debs).map_err(|cause| cause.to_string())? {
        let deb = deb.map_err(|cause| cause.to_string())?.path();
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(deb).arg(&tools);
        command::run(unpack)?;
    }
    fs::write(tools.join("whole"), "").map_err(|cause| cause.to_string())?;
    Ok(Some(tools))
}

/// The compiler's packages, of the versions that it depends on; none where it is too old.
fn packages() -> Result<Option<Vec<String>>, String> {
    let asked = ["depends", "--recurse", "--important", "rustc-web"];
    let output = Command::new("apt-cache").args(asked).output();
    let output = output.map_err(|cause| format!("apt-cache: {cause}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut packages = wanted(&text);
    if packages.len() < 2 {
        return Ok(None);
    }
    packages.extend(["rustc-web", "rust-web-src"].map(str::to_owned));
    Ok(Some(packages))
}

/// The compiler's own library and its LLVM, from what it depends on.
fn wanted(depends: &str) -> Vec<String> {
    let names = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    let own = |name: &&str| name.starts_with("libstd-rust-web-") || name.starts_with("libllvm");
    let mut wanted: Vec<_> = names.filter(own).map(str::to_owned).collect();
    wanted.sort();
    wanted.dedup();
    wanted
}

fn folder() -> Result<PathBuf, String> {
    let folder = command::root().join("target/phones");
    fs::create_dir_all(&folder).map_err(|cause| cause.to_string())?;
    Path::canonicalize(&folder).map_err(|cause| cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_compilers_own_library_and_its_llvm() {
        let depends = "rustc-web\n  Depends: libc6\n  Depends: libllvm22\n    libgcc-s1\n  \
                       Depends: libstd-rust-web-dev\n  Depends: libstd-rust-web-1.96\n";
        let wanted = wanted(depends);
        assert_eq!(wanted, ["libllvm22", "libstd-rust-web-1.96", "libstd-rust-web-dev"]);
    }

    #[test]
    fn nothing_of_the_server_and_no_c_is_in_the_wallet_for_phones() {
        dependencies().expect("the library is made of what it may be made of");
    }
}
