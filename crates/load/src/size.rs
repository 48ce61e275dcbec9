//! How large a binary is, and what it needs of the system that it runs on.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, figures, machine};

/// The binary that is looked at.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The binary; without it the release build of this workspace
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Write what was found into this page, between its marks, and into the JSON file beside it
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Size {
    commit: String,
    bytes: u64,
    /// Without the names of its functions.
    stripped_bytes: u64,
    /// The libraries that it is linked to at start.
    libraries: Vec<String>,
}

/// Looks at the binary, and prints what it is.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let size = Size::of(&machine::binary(arguments.binary.as_deref())?)?;
    println!("{size}");
    match &arguments.report {
        Some(page) => figures::keep(page, |figures| figures.size = Some(size)),
        None => Ok(()),
    }
}

impl Size {
    fn of(binary: &Path) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let stripped = folder.path().join("stripped");
        said(Command::new("strip").arg("-o").arg(&stripped).arg(binary))?;
        let linked = said(Command::new("ldd").arg(binary))?;
        Ok(Self {
            commit: machine::commit(),
            bytes: fs::metadata(binary)?.len(),
            stripped_bytes: fs::metadata(&stripped)?.len(),
            libraries: libraries(&linked),
        })
    }
}

/// What a program says; it is none of ours.
fn said(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(Failure::Program(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

/// The names at the beginnings of the lines of `ldd`: not the kernel's own, nor the loader.
fn libraries(linked: &str) -> Vec<String> {
    let names = linked.lines().filter_map(|line| line.trim().split(" => ").next());
    let names = names.filter(|name| name.starts_with("lib"));
    names.filter_map(|name| name.split_whitespace().next()).map(str::to_owned).collect()
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        write!(
            f,
            "One file of {:.1} MiB, {:.1} MiB without the names of its functions, linked at start to {} and to nothing \
             else. Commit {}.{}",
            mebibytes(self.bytes),
            mebibytes(self.stripped_bytes),
            if self.libraries.is_empty() {
                "nothing".to_owned()
            } else {
                self.libraries.join(", ")
            },
            self.commit,
            machine::mark(&self.commit),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_brings_and_what_loads_is_no_library() {
        let linked = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\t/lib64/ld-linux.so.2 (0x3)\n";
        assert_eq!(libraries(linked), ["libc.so.6"]);
        assert!(libraries("\tstatically linked\n").is_empty());
    }
}
