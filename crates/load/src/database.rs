//! The PostgreSQL of a run, and what it did for a flow.

use std::time::Duration;

use lanyard_testkit::PostgresServer;

use crate::{failure::Failure, machine};

/// Counts statements; enough memory that what is asked for often stays in it.
const SETTINGS: &str = "shared_preload_libraries = 'pg_stat_statements'\n\
                        shared_buffers = 128MB\nmax_wal_size = 2GB\n";

/// What PostgreSQL counts of its work; every line of it is about the whole server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Calls of the store: each is a transaction.
    pub(crate) transactions: u64,
    /// What was sent and waited for: a transaction begins in one round trip, and ends in one.
    pub(crate) round_trips: u64,
}

/// A PostgreSQL that ends with this process.
pub(crate) struct Database(PostgresServer);

impl Database {
    /// Starts one.
    pub(crate) fn start() -> Result<Self, Failure> {
        let server = PostgresServer::start_with(SETTINGS).ok_or(Failure::NoPostgres)?;
        server.sql("CREATE EXTENSION pg_stat_statements");
        Ok(Self(server))
    }

    /// The address of a new database.
    pub(crate) fn fresh(&self) -> String {
        self.0.database()
    }

    /// Runs statements in a database, whoever's its rows are.
    pub(crate) fn run(&self, address: &str, sql: &str) -> String {
        self.0.sql_in(address, sql)
    }

    /// The processor time that all its processes have used so far.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        machine::family_cpu(self.0.process())
    }

    /// What it has counted so far.
    ///
    /// `BEGIN` and the line that says whose rows it is about are one round trip: the latter is not counted.
    pub(crate) fn counts(&self) -> Result<Counts, Failure> {
        let said = self.0.sql(
            "SELECT coalesce(sum(calls) FILTER (WHERE query LIKE 'COMMIT%'), 0), coalesce(sum(calls), 0)
             FROM pg_stat_statements
             WHERE userid = 'lanyard'::regrole AND query NOT LIKE 'SET LOCAL%'",
        );
        let mut numbers = said.split('|').filter_map(|number| number.parse().ok());
        let (transactions, round_trips) = (numbers.next(), numbers.next());
        Ok(Counts {
            transactions: transactions.ok_or(Failure::Lacks("count of transactions"))?,
            round_trips: round_trips.ok_or(Failure::Lacks("count of round trips"))?,
        })
    }
}

impl Counts {
    /// What came since.
    pub(crate) const fn since(self, before: Self) -> Self {
        Self {
            transactions: self.transactions.saturating_sub(before.transactions),
            round_trips: self.round_trips.saturating_sub(before.round_trips),
        }
    }
}
