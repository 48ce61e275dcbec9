//! Fills a store with what a server would have written in years, straight into its tables.
//!
//! The rows are those that the product writes: credentials can be looked up and revoked through the API, and their
//! places are in the published lists. Only open sessions hold nothing that opens.

use crate::{configured, database::Database, failure::Failure, faults::Store, server::Server};

/// What SQLite's file is called in a data folder.
pub(crate) const FILE: &str = "lanyard.db";

/// The places of a list; so many are taken by what is filled in, and what is issued later goes into the next.
const LIST: u64 = 1 << 20;

/// One of so many credentials is revoked.
const REVOKED: u64 = 100;

/// How much there is in a store before anybody comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filling {
    pub(crate) credentials: u64,
    pub(crate) tenants: usize,
    /// Offers that wait.
    pub(crate) sessions: u64,
}

/// The name of a credential that was filled in, as the API has it.
pub(crate) fn credential(nth: u64) -> String {
    format!("{ISSUED_AT:012x}70008000{nth:012x}")
}

/// Milliseconds since 1970 at which everything was issued: long ago, and before it expires.
const ISSUED_AT: u64 = 1_780_000_000_000;

/// What differs between the two stores.
#[derive(Clone, Copy)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// What begins an `INSERT … SELECT` over numbers, and where they come from: by the first and the one after the
    /// last.
    pub(crate) fn numbers(self, first: u64, end: u64) -> (String, String) {
        match self {
            Self::Sqlite => {
                let with = format!(
                    "WITH RECURSIVE n (i) AS (SELECT {first} WHERE {first} < {end}
                     UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {end}) "
                );
                (with, "n".to_owned())
            }
            Self::Postgres => {
                let last = end.cast_signed() - 1;
                let numbers = format!("generate_series({first}::bigint, {last}::bigint) AS n (i)");
                (String::new(), numbers)
            }
        }
    }

    /// From hexadecimal digits to bytes.
    pub(crate) fn bytes(self, digits: &str) -> String {
        match self {
            Self::Sqlite => format!("unhex({digits})"),
            Self::Postgres => format!("decode({digits}, 'hex')"),
        }
    }

    /// A number as so many hexadecimal digits.
    pub(crate) fn digits(self, number: &str, count: usize) -> String {
        match self {
            Self::Sqlite => format!("printf('%0{count}x', {number})"),
            Self::Postgres => format!("lpad(to_hex({number}), {count}, '0')"),
        }
    }

    /// A number as four decimal digits, as in the names of tenants.
    fn decimal(self, number: &str) -> String {
        match self {
            Self::Sqlite => format!("printf('%04d', {number})"),
            Self::Postgres => format!("lpad(({number})::text, 4, '0')"),
        }
    }

    /// So many random bytes.
    pub(crate) fn random(self, count: usize) -> String {
        match self {
            Self::Sqlite => format!("randomblob({count})"),
            Self::Postgres => {
                let pieces = vec!["decode(md5(random()::text || i), 'hex')"; count.div_ceil(16)];
                format!("substring({} FROM 1 FOR {count})", pieces.join(" || "))
            }
        }
    }

    /// A text that others choose.
    pub(crate) fn chosen(self, text: &str) -> String {
        match self {
            Self::Sqlite => format!("'{text}'"),
            Self::Postgres => format!("'{text}'::bytea"),
        }
    }

    /// Texts of a group put together in an order.
    fn joined(self, text: &str, order: &str) -> String {
        match self {
            Self::Sqlite => format!("group_concat({text}, '' ORDER BY {order})"),
            Self::Postgres => format!("string_agg({text}, '' ORDER BY {order})"),
        }
    }

    pub(crate) const fn line_feed(self) -> &'static str {
        match self {
            Self::Sqlite => "char(10)",
            Self::Postgres => "chr(10)",
        }
    }
}

/// Fills the store of a server that has stopped.
pub(crate) fn fill(
    folder: &std::path::Path,
    store: &Store,
    database: Option<&Database>,
    filling: Filling,
) -> Result<(), Failure> {
    if filling.credentials == 0 {
        return Ok(());
    }
    match (store, database) {
        (Store::Postgres { address }, Some(database)) => {
            for statement in statements(Dialect::Postgres, filling) {
                database.run(address, &statement);
            }
            // what a database does by itself after such a change, it has done when the clock starts
            database.run(address, "VACUUM ANALYZE");
            database.run(address, "CHECKPOINT");
        }
        _ => {
            let file = folder.join(FILE);
            let mut db = rusqlite::Connection::open(file)?;
            db.execute_batch("PRAGMA cache_size = -262144; PRAGMA synchronous = OFF")?;
            let written = db.transaction()?;
            for statement in statements(Dialect::Sqlite, filling) {
                written.execute_batch(&statement)?;
            }
            written.commit()?;
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
    }
    Ok(())
}

/// The statements, one after the other.
fn statements(of: Dialect, filling: Filling) -> Vec<String> {
    let Filling { credentials, tenants, sessions } = filling;
    let (issued, year) = (ISSUED_AT * 1000, 365 * 24 * 3600 * 1_000_000_u64);
    // what expires while somebody looks is purged
    let expires = issued + 3 * year;
    let tenant = match tenants {
        1 => format!("'{}'", configured::ONE),
        _ => format!("'t' || {}", of.decimal(&format!("i % {tenants}"))),
    };
    let place = format!("(i / {tenants})");
    let name = |number: &str| {
        let digits = of.digits(number, 12);
        of.bytes(&format!("'{ISSUED_AT:012x}70008000' || {digits}"))
    };
    let (id, random, kind) = (name("i"), of.random(32), of.chosen("verified_identity"));
    let value = format!("CASE WHEN {place} % {REVOKED} = 0 THEN 1 ELSE 0 END");
    let into = |table: &str, columns: &str, first: u64, end: u64, selected: &str, rest: &str| {
        let (with, numbers) = of.numbers(first, end);
        format!("{with}INSERT INTO {table} ({columns}) SELECT {selected} FROM {numbers} {rest}")
    };
    let mut all = vec![
        into(
            "issued",
            "tenant, credential, configuration, issued_at, expires_at, session, subject",
            0,
            credentials,
            &format!("{tenant}, {id}, {kind}, {issued}, {expires}, {id}, {random}"),
            "WHERE true",
        ),
        into(
            "status",
            "tenant, credential, list, place, value",
            0,
            credentials,
            &format!("{tenant}, {id}, 0, {place}, {value}"),
            "WHERE true",
        ),
        into(
            "status_change",
            "tenant, credential, at, value",
            0,
            credentials,
            &format!("{tenant}, {id}, {issued}, 1"),
            &format!("WHERE {place} % {REVOKED} = 0"),
        ),
        into(
            "status_counter",
            "tenant, reserved",
            0,
            tenants as u64,
            &format!("{tenant}, {LIST}"),
            "WHERE true ON CONFLICT (tenant) DO UPDATE SET reserved = excluded.reserved",
        ),
    ];
    all.push(chunks(of, filling, &tenant));
    all.push(into(
        "session",
        "tenant, id, kind, version, created_at, expires_at, handles, events, trail, state",
        0,
        sessions,
        &format!(
            "{tenant}, {}, 'offer', 1, {issued}, {expires}, {}, 1,
             '[{issued},\"offer_created\",\"done\",null,null]' || {}, {}",
            name("i"),
            of.random(34),
            of.line_feed(),
            of.random(1500),
        ),
        "WHERE true",
    ));
    all
}

/// What is revoked, as it goes into the lists: two bits each, from the least significant of a byte.
fn chunks(of: Dialect, filling: Filling, tenant: &str) -> String {
    let tenants = filling.tenants as u64;
    let each = filling.credentials.div_ceil(tenants);
    let runs = each.div_ceil(4096);
    // one row for each byte of a run of 1024; its tenant is found by number again
    let (with, numbers) = of.numbers(0, tenants * runs * 1024);
    let owner = format!("(i / {})", runs * 1024);
    let run = format!("(i / 1024 % {runs})");
    let four: Vec<_> = (0..4)
        .map(|nth| {
            let place = format!("({run} * 4096 + i % 1024 * 4 + {nth})");
            let bit = 1 << (2 * nth);
            format!("CASE WHEN {place} % {REVOKED} = 0 AND {place} < {each} THEN {bit} ELSE 0 END")
        })
        .collect();
    let digits = of.digits(&format!("({})", four.join(" + ")), 2);
    let bits = of.bytes(&of.joined("digits", "nth"));
    let tenant = tenant.replace("i %", "owner %");
    format!(
        "{with}INSERT INTO status_chunk (tenant, list, chunk, version, bits)
         SELECT {tenant}, 0, run, run + 1, {bits} FROM (
             SELECT {owner} AS owner, {run} AS run, i AS nth, {digits} AS digits FROM {numbers}
         ) AS bytes GROUP BY owner, run"
    )
}

/// Where the list is published that the credentials of a tenant are in.
pub(crate) fn list_of(server: &Server, tenant: &str) -> Result<url::Url, Failure> {
    Ok(server.base().join(&format!("{tenant}/status-lists/0"))?)
}
