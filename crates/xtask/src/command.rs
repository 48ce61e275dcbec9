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

/// Whether a program is on this machine's path and says its version.
///
/// A place holder that only tells where to get the program, as some systems have, counts as missing.
pub(crate) fn exists(name: &str) -> bool {
    // Go knows the word alone
    ["--version", "version"].into_iter().any(|question| {
        let mut command = Command::new(name);
        command.arg(question).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_here_when_it_says_its_version_in_either_way() -> std::io::Result<()> {
        let folder = std::env::temp_dir().join(format!("lanyard-xtask-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        for (name, script, here) in [
            ("flag", "[ \"$1\" = --version ]", true),
            ("word", "[ \"$1\" = version ]", true),
            ("place-holder", "exit 1", false),
        ] {
            let program = folder.join(name);
            let program = program.display().to_string();
            // by another process: a program that this one still writes cannot be started
            let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod +x "$1""#;
            Command::new("sh").args(["-c", write, "sh", &program, script]).status()?;
            assert_eq!(exists(&program), here, "{name}");
        }
        assert!(!exists(&folder.join("nothing").display().to_string()));
        std::fs::remove_dir_all(&folder)
    }
}
