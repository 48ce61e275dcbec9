//! What an operator watches of a store.

/// How far behind a store is and how full, as far as it can be told at little cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Messages to webhooks that wait, among the [`StoreFigures::MOST`] errands that are due first.
    pub waiting_messages: u64,
    /// What was noted for the audit chains and is not linked yet, counted up to [`StoreFigures::MOST`].
    pub unlinked_notes: u64,
    /// The bytes of SQLite's write-ahead log.
    pub log_bytes: u64,
    /// Connections to PostgreSQL that are in use.
    pub connections: u64,
    /// How many connections to PostgreSQL there may be.
    pub most_connections: u64,
}

impl StoreFigures {
    /// How many rows are counted at most: where there are more, a number more exact helps nobody.
    pub const MOST: u32 = 10_000;
}

/// Counts the messages that wait and the notes that are not linked, in both dialects.
pub(crate) const COUNT: &str = "SELECT
    (SELECT count(*) FROM (
        SELECT errand FROM message WHERE state = 'waiting' ORDER BY due_at LIMIT 10000
    ) AS due WHERE errand = 'deliver'),
    (SELECT count(*) FROM (SELECT 1 FROM audit_note LIMIT 10000) AS notes)";
