//! Runs a command beside a PostgreSQL server of its own, for `interop-tests`: `with-postgres npm run flows`.
//!
//! The command is told by `LANYARD_TEST_STORE` that servers keep what they keep in databases of it, and by
//! `LANYARD_TEST_POSTGRES` how a superuser reaches it, who makes these.

use std::{
    env,
    error::Error,
    process::{Command, ExitCode},
};

use lanyard_testkit::PostgresServer;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = env::args_os().skip(1);
    let program = words.next().ok_or("with-postgres COMMAND [ARGUMENT]…")?;
    let server = PostgresServer::start().ok_or("PostgreSQL is not installed")?;
    let mut command = Command::new(program);
    command.args(words).env("LANYARD_TEST_STORE", "postgres");
    command.env("LANYARD_TEST_POSTGRES", server.superuser());
    let done = command.status()?;
    Ok(if done.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
