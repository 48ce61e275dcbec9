//! `lanyard hash-password`

use std::io::BufRead as _;

use super::{Ending, ExitCode};
use crate::directory;

/// Reads one line from standard input: a password among the arguments would end up in the shell's history.
pub(super) fn run() -> Ending {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    let password = line.trim_end_matches(['\r', '\n']);
    if read.is_err() || password.is_empty() {
        return Ending::not_done(
            ExitCode::Usage,
            "password",
            "There is no password on standard input; write one line, as in: lanyard hash-password < password.txt",
        );
    }
    match directory::hash_password(password) {
        Some(hash) => Ending::done(hash.clone(), serde_json::Value::String(hash)),
        None => Ending::not_done(ExitCode::Failed, "password", "The password cannot be hashed."),
    }
}
