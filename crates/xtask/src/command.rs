//! Running other programs.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A program with its arguments, started in a folder of the repository.
pub(crate) fn program(name: &str, arguments: &[&str], folder: &str) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(root().join(folder));
    command
}

/// Whether a program is on this machine's path.
pub(crate) fn exists(name: &str) -> bool {
    let mut command = Command::new(name);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs a program to its end.
pub(crate) fn run(mut command: Command) -> Result<(), String> {
    println!("$ {}", shown(&command));
    let status = command.status().map_err(|cause| format!("{}: {cause}", shown(&command)))?;
    if status.success() { Ok(()) } else { Err(format!("failed: {}", shown(&command))) }
}

/// Runs a program to its end and shows every line to the reader as it comes; true when it succeeded.
pub(crate) fn run_read(mut command: Command, mut read: impl FnMut(&str)) -> Result<bool, String> {
    println!("$ {}", shown(&command));
    command.stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|cause| format!("{}: {cause}", shown(&command)))?;
    let output = child.stdout.take().expect("standard output was piped");
    for line in BufReader::new(output).lines() {
        let line = line.map_err(|cause| cause.to_string())?;
        println!("{line}");
        read(&line);
    }
    Ok(child.wait().map_err(|cause| cause.to_string())?.success())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
