-- Sessions, what leads to them, their trails; sealed tenant material; the record of issuance.
--
-- Every key begins with the tenant. Identifiers are time-ordered, so new rows go to the end of
-- every index but the one over digests. Moments are microseconds since 1970.
-- Portable: INTEGER is BIGINT, BLOB is BYTEA in PostgreSQL; `ordinal` becomes an identity column.

CREATE TABLE session (
    ordinal    INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    kind       TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    state      BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (tenant, id)
) STRICT;
CREATE INDEX session_by_kind ON session (tenant, kind, id);
CREATE INDEX session_by_expiry ON session (expires_at);

-- A retired handle stays until its session goes: it tells reuse from a guess.
CREATE TABLE handle (
    ordinal    INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    session    BLOB    NOT NULL,
    retired_at INTEGER,
    UNIQUE (tenant, kind, digest),
    FOREIGN KEY (tenant, session) REFERENCES session (tenant, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX handle_by_session ON handle (tenant, session);

CREATE TABLE event (
    ordinal    INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    session    BLOB    NOT NULL,
    seq        INTEGER NOT NULL CHECK (seq >= 1),
    at         INTEGER NOT NULL,
    step       TEXT    NOT NULL,
    outcome    TEXT    NOT NULL,
    reason     TEXT,
    detail     TEXT,
    UNIQUE (tenant, session, seq),
    FOREIGN KEY (tenant, session) REFERENCES session (tenant, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE secret (
    ordinal    INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    sealed     BLOB    NOT NULL,
    written_at INTEGER NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

-- No foreign key to the session: the record outlives it.
CREATE TABLE issued (
    ordinal       INTEGER PRIMARY KEY,
    tenant        TEXT    NOT NULL,
    credential    BLOB    NOT NULL CHECK (length(credential) = 16),
    configuration TEXT    NOT NULL,
    issued_at     INTEGER NOT NULL,
    expires_at    INTEGER,
    session       BLOB    NOT NULL CHECK (length(session) = 16),
    UNIQUE (tenant, credential)
) STRICT;
CREATE INDEX issued_by_session ON issued (tenant, session, credential);
CREATE INDEX issued_by_expiry ON issued (expires_at, credential) WHERE expires_at IS NOT NULL;

-- One row that the readiness probe writes.
CREATE TABLE probe (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    counter INTEGER NOT NULL
) STRICT;
INSERT INTO probe (id, counter) VALUES (1, 0);
