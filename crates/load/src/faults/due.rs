//! What housekeeping is to find: in every table that it looks through rows that are due, and rows that are not yet.
//!
//! They are written straight into the tables. Nobody asks for them, and what they hold opens nothing.

use std::ops::RangeInclusive;

use jiff::Timestamp;

use crate::{attester::TENANT, fill::Dialect};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;

/// For so long everything that is due has been due, or is not due for longer: more than a run lasts.
const MARGIN: i64 = 2 * HOUR;

/// What is kept in one table, and for how long.
pub(super) struct Shelf {
    pub(super) name: &'static str,
    table: &'static str,
    /// The column that says until when.
    until: &'static str,
    /// For how long it is kept beyond that moment.
    beyond: i64,
    /// The other columns, and what they hold.
    columns: &'static str,
    values: fn(Dialect) -> String,
    /// Which rows are as they were.
    is_there: &'static str,
    /// How many rows housekeeping says that one of them is.
    rows: u64,
}

/// How a session is that housekeeping finds.
const SESSION: &str = "tenant, id, kind, version, created_at, handles, events, trail, state";

fn session(of: Dialect, (kind, group): (&str, u8)) -> String {
    format!(
        "'{TENANT}', {}, '{kind}', 1, 0, {}, 1, '[0,\"offer_created\",\"done\",null,null]' || {}, {}",
        name(of, group),
        of.random(34),
        of.line_feed(),
        of.random(1500),
    )
}

/// The name of a row, another one in each group of them.
fn name(of: Dialect, group: u8) -> String {
    of.bytes(&format!("'{group:020x}' || {}", of.digits("i", 12)))
}

/// Everything that housekeeping looks through; statuses have the names of the records that they go with.
pub(super) const SHELVES: [Shelf; 9] = [
    Shelf {
        name: "presentation requests",
        table: "session",
        until: "expires_at",
        beyond: 0,
        columns: SESSION,
        values: |of| session(of, ("request", 1)),
        is_there: "kind = 'request'",
        rows: 1,
    },
    Shelf {
        name: "offers",
        table: "session",
        until: "expires_at",
        beyond: 23 * HOUR,
        columns: SESSION,
        values: |of| session(of, ("offer", 2)),
        is_there: "kind = 'offer'",
        rows: 1,
    },
    Shelf {
        name: "proofs that were shown",
        table: "seen_once",
        until: "expires_at",
        beyond: 15 * 60 * SECOND,
        columns: "tenant, kind, digest",
        values: |of| format!("'{TENANT}', 'dpop', {}", of.random(32)),
        is_there: "true",
        rows: 1,
    },
    Shelf {
        name: "calls",
        table: "call",
        until: "expires_at",
        beyond: 0,
        columns: "tenant, key, request, answer, lease_until",
        values: |of| {
            format!("'{TENANT}', {}, {}, {}, 0", of.random(32), of.random(32), of.random(600))
        },
        is_there: "true",
        rows: 1,
    },
    Shelf {
        name: "messages",
        table: "message",
        until: "keep_until",
        beyond: 0,
        columns: "tenant, id, webhook, errand, kind, session, payload, state, due_at",
        values: |of| {
            let name = name(of, 0);
            format!(
                "'{TENANT}', {name}, 'nobody', 'deliver', 'credential.issued', {name},
                 '{{\"id\": 1}}', 'delivered', 0"
            )
        },
        is_there: "state = 'delivered'",
        rows: 1,
    },
    Shelf {
        name: "records of credentials",
        table: "issued",
        until: "expires_at",
        beyond: 30 * 24 * HOUR,
        columns: "tenant, credential, configuration, issued_at, session, subject",
        values: |of| {
            let (name, configuration) = (name(of, 0), of.chosen("verified_identity"));
            format!("'{TENANT}', {name}, {configuration}, 0, {name}, {}", of.random(32))
        },
        is_there: "true",
        rows: 1,
    },
    Shelf {
        name: "statuses",
        table: "status",
        // which place it is tells nobody anything here: so it tells which record it belongs to
        until: "place",
        beyond: 30 * 24 * HOUR,
        columns: "tenant, credential, list, value",
        values: |of| format!("'{TENANT}', {}, 9, 0", name(of, 0)),
        is_there: "true",
        rows: 0,
    },
    Shelf {
        name: "changes of statuses",
        table: "status_change",
        until: "at",
        beyond: 30 * 24 * HOUR,
        columns: "tenant, credential, value",
        values: |of| format!("'{TENANT}', {}, 1", name(of, 0)),
        is_there: "true",
        rows: 0,
    },
    Shelf {
        name: "audit entries",
        table: "audit_block",
        until: "at",
        beyond: 365 * 24 * HOUR,
        columns: "tenant, number, entries, previous, digest, hash, text",
        values: |of| {
            let hash = of.random(32);
            format!("'elsewhere', i + 1, 1, {hash}, {hash}, {hash}, '[0,\"issued\",null,null]'")
        },
        // the chain stays whole
        is_there: "text IS NOT NULL",
        rows: 1,
    },
];

/// How much there is on each shelf, written at which moment.
#[derive(Clone, Copy)]
pub(super) struct Stock {
    pub(super) at: Timestamp,
    pub(super) due: u64,
    pub(super) not_yet: u64,
}

impl Stock {
    /// The statements that fill a shelf.
    pub(super) fn filling(&self, shelf: &Shelf, of: Dialect) -> Vec<String> {
        let Shelf { table, until, columns, values, .. } = shelf;
        let values = values(of);
        let (due, not_yet) = (self.due_moments(shelf), self.moments_to_come(shelf));
        let fill = |first: u64, count: u64, moments: RangeInclusive<i64>| {
            let (with, numbers) = of.numbers(first, first + count);
            let moment = format!("{} + i - {first}", moments.start());
            format!(
                "{with}INSERT INTO {table} ({columns}, {until})
                 SELECT {values}, {moment} FROM {numbers} WHERE true"
            )
        };
        vec![fill(0, self.due, due), fill(self.due, self.not_yet, not_yet)]
    }

    /// What counts the rows of a shelf that are due and there, and what counts those that are not yet due.
    pub(super) fn counting(&self, shelf: &Shelf) -> [String; 2] {
        let Shelf { table, until, is_there, .. } = shelf;
        [self.due_moments(shelf), self.moments_to_come(shelf)].map(|moments| {
            let (first, last) = (moments.start(), moments.end());
            format!(
                "SELECT count(*) FROM {table}
                 WHERE {until} BETWEEN {first} AND {last} AND {is_there}"
            )
        })
    }

    /// How many rows housekeeping says that it deletes in all.
    pub(super) fn rows(&self) -> u64 {
        SHELVES.iter().map(|shelf| shelf.rows * self.due).sum()
    }

    fn due_moments(&self, shelf: &Shelf) -> RangeInclusive<i64> {
        let last = self.at.as_microsecond() - shelf.beyond - MARGIN;
        last - self.due.cast_signed() + 1..=last
    }

    fn moments_to_come(&self, shelf: &Shelf) -> RangeInclusive<i64> {
        let first = self.at.as_microsecond() - shelf.beyond + MARGIN;
        first..=first + self.not_yet.cast_signed() - 1
    }
}
