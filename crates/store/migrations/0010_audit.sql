-- What happened, in a chain for each tenant: `audit_note` holds what is not linked yet, in the order of the
-- transactions that wrote it, `audit_block` the chain, `audit_head` where each chain ends.
--
-- An entry is a line of JSON: microseconds since 1970, action, digest of what it is about, detail. `text` has a
-- line for each entry of a block, and is NULL once they are shredded; `digest` stays.

CREATE TABLE audit_note (
    ordinal INTEGER PRIMARY KEY,
    tenant  TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    line    TEXT    NOT NULL
) STRICT;

CREATE TABLE audit_block (
    ordinal  INTEGER PRIMARY KEY,
    tenant   TEXT    NOT NULL,
    number   INTEGER NOT NULL CHECK (number >= 1),
    entries  INTEGER NOT NULL CHECK (entries >= 1),
    at       INTEGER NOT NULL,
    previous BLOB    NOT NULL CHECK (length(previous) = 32),
    digest   BLOB    NOT NULL CHECK (length(digest) = 32),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),
    text     TEXT,
    UNIQUE (tenant, number)
) STRICT;
CREATE INDEX audit_block_by_age ON audit_block (at) WHERE text IS NOT NULL;

CREATE TABLE audit_head (
    ordinal INTEGER PRIMARY KEY,
    tenant  TEXT    NOT NULL UNIQUE,
    number  INTEGER NOT NULL CHECK (number >= 1),
    entries INTEGER NOT NULL CHECK (entries >= 1),
    hash    BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
