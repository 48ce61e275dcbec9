//! How the programs speak: a verb as the argument, one JSON object on stdin, one on stdout.

use std::{env, error::Error, io, process::ExitCode};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) type Answer = Result<Value, Box<dyn Error>>;

pub(crate) fn verb() -> String {
    env::args().nth(1).unwrap_or_default()
}

pub(crate) fn read<T: DeserializeOwned>() -> Result<T, serde_json::Error> {
    serde_json::from_reader(io::stdin())
}

pub(crate) fn write(answer: &Answer) -> ExitCode {
    match answer {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{}", json!({"error": error.to_string()}));
            ExitCode::FAILURE
        }
    }
}
