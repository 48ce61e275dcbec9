//! R16: a store of the release before is taken over, and one that this release does not know is left as it is.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use lanyard_core::crypto::Random as _;
use lanyard_testkit::{PostgresServer, SeededRandom};
use rusqlite::Connection;

use super::{
    scene::Store,
    store_of,
    trials::{Extent, Line, Trial},
};
use crate::failure::Failure;

/// A start is over by then, mostly: the process ends in the middle of what it does to the store before.
const LONGEST_MOMENT: u64 = 60;

/// The last step of each schema, which is undone here: a later one takes its place when it is written.
struct LastStep {
    version: u64,
    undone: &'static str,
}

const OF_SQLITE: LastStep = LastStep {
    version: 11,
    undone: "DROP INDEX message_by_session;
             DELETE FROM migration WHERE version = 11; PRAGMA user_version = 10",
};
const OF_POSTGRES: LastStep = LastStep {
    version: 5,
    undone: "DROP INDEX message_by_session; DELETE FROM schema_version WHERE version = 5",
};

/// The store of a server that has ended.
enum Kept<'k> {
    File(PathBuf),
    Database { server: &'k PostgresServer, address: String },
}

/// The store is brought back to the schema of the release before, and taken over, again and again; every other time
/// the process ends meanwhile.
pub(crate) async fn upgraded(
    place: (&Path, &Path),
    server: Option<&PostgresServer>,
    (extent, seed): (Extent, u64),
) -> Result<Line, Failure> {
    let store = store_of(server);
    let mut trial = Trial::set("upgrade", place, &store).await?;
    let kept = match (server, store) {
        (Some(server), Store::Postgres { address }) => Kept::Database { server, address },
        _ => Kept::File(trial.scene.file("data/lanyard.db")),
    };
    let random = SeededRandom::new(seed);
    trial
        .while_playing(async |trial| {
            for round in 0..extent.upgrades {
                tokio::time::sleep(extent.spell / 4).await;
                trial.scene.terminate().await?;
                for strange in kept.strange() {
                    trial.leaves_alone(&kept, &strange).await?;
                }
                kept.bring_back()?;
                if round % 2 == 1 {
                    let mut byte = [0; 1];
                    random.fill(&mut byte);
                    let moment = Duration::from_millis(u64::from(byte[0]) % LONGEST_MOMENT);
                    // whether it was ready by then is not the question
                    tokio::time::timeout(moment, trial.scene.comes()).await.ok();
                    trial.scene.kill().await?;
                }
                trial.start().await?;
                kept.is_the_newest()?;
                trial.times += 1;
            }
            Ok(())
        })
        .await?;
    trial.ended().await
}

/// Something about a store that this release does not know.
struct Strange {
    what: &'static str,
    made: String,
    undone: String,
    /// What the server says of it.
    said: &'static str,
}

impl Kept<'_> {
    /// What a start has to refuse.
    fn strange(&self) -> Vec<Strange> {
        let LastStep { version, .. } = self.last_step();
        let next = version + 1;
        match self {
            Self::File(_) => vec![
                Strange {
                    what: "a newer schema",
                    made: format!("PRAGMA user_version = {next}"),
                    undone: format!("PRAGMA user_version = {version}"),
                    said: "start the newer Lanyard",
                },
                Strange {
                    what: "another text of a step",
                    made: "UPDATE migration SET sql = sql || ' ' WHERE version = 1".to_owned(),
                    undone: "UPDATE migration SET sql = substr(sql, 1, length(sql) - 1) WHERE version = 1"
                        .to_owned(),
                    said: "released migrations never change",
                },
            ],
            Self::Database { .. } => vec![Strange {
                what: "a newer schema",
                made: format!("INSERT INTO schema_version VALUES ({next})"),
                undone: format!("DELETE FROM schema_version WHERE version = {next}"),
                said: "newer Lanyard",
            }],
        }
    }

    const fn last_step(&self) -> LastStep {
        match self {
            Self::File(_) => OF_SQLITE,
            Self::Database { .. } => OF_POSTGRES,
        }
    }

    /// Undoes the last step of the schema.
    fn bring_back(&self) -> Result<(), Failure> {
        self.is_the_newest()?;
        self.run(self.last_step().undone)
    }

    /// Whether the schema is the one that this tool knows.
    fn is_the_newest(&self) -> Result<(), Failure> {
        let found = match self {
            Self::File(file) => {
                let file = Connection::open(file)?;
                file.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?
                    .to_string()
            }
            Self::Database { server, address } => {
                server.sql_in(address, "SELECT max(version) FROM schema_version")
            }
        };
        match found == self.last_step().version.to_string() {
            true => Ok(()),
            false => Err(Failure::Lacks("schema whose last step is undone here")),
        }
    }

    fn run(&self, sql: &str) -> Result<(), Failure> {
        match self {
            Self::File(file) => Ok(Connection::open(file)?.execute_batch(sql)?),
            Self::Database { server, address } => {
                server.sql_in(address, sql);
                Ok(())
            }
        }
    }

    /// All that is kept, to be held against what is kept later.
    fn content(&self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::File(file) => Ok(fs::read(file)?),
            Self::Database { server, address } => {
                let digest = |table: &str| {
                    format!(
                        "(SELECT md5(string_agg(kept::text, '' ORDER BY kept::text)) FROM {table} kept)"
                    )
                };
                let tables = ["session", "issued", "status", "schema_version"].map(digest);
                Ok(server.sql_in(address, &format!("SELECT {}", tables.join(", "))).into_bytes())
            }
        }
    }
}

impl Trial {
    /// A start is refused with the reason, and nothing of the store is touched.
    async fn leaves_alone(&self, kept: &Kept<'_>, strange: &Strange) -> Result<(), Failure> {
        let Strange { what, made, undone, said } = strange;
        kept.run(made)?;
        let before = kept.content()?;
        let heard = fs::metadata(self.scene.file("log"))?.len();
        if self.scene.comes().await?.is_some() {
            self.broken(format!("R16: {what} is taken"));
            self.scene.terminate().await?;
        } else {
            let log = fs::read(self.scene.file("log"))?;
            let log = String::from_utf8_lossy(&log[usize::try_from(heard).unwrap_or_default()..])
                .into_owned();
            if !log.contains(said) {
                self.broken(format!("R16: of {what} nothing is said: {log}"));
            }
        }
        if kept.content()? != before {
            self.broken(format!("R16: a store with {what} is touched"));
        }
        kept.run(undone)
    }
}
