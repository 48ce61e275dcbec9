-- A session is one row: what leads to it and its trail are columns of it, so that a step writes one row.
--
-- `handles` holds 34 bytes for each: kind, whether a step used it up, SHA-256. `trail` holds a line of JSON
-- for each event, `events` counts them. A session is found by its name, which every code, token and path
-- carries hidden; those that were given out before carry none, so they lead nowhere any more. Sessions,
-- their states and their trails are kept.
-- Portable: `||` appends to TEXT in PostgreSQL too.

CREATE TABLE session_row (
    ordinal    INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    kind       TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    subject    BLOB    CHECK (subject IS NULL OR length(subject) = 32),
    handles    BLOB    NOT NULL CHECK (length(handles) % 34 = 0),
    events     INTEGER NOT NULL CHECK (events >= 0),
    trail      TEXT    NOT NULL,
    state      BLOB    NOT NULL,
    UNIQUE (tenant, id)
) STRICT;

INSERT INTO session_row
SELECT ordinal, tenant, id, kind, version, created_at, expires_at, subject, x'',
       (SELECT count(*) FROM event WHERE event.tenant = session.tenant AND event.session = session.id),
       (SELECT coalesce(group_concat(line, ''), '') FROM (
            SELECT json_array(at, step, outcome, reason, detail) || char(10) AS line FROM event
            WHERE event.tenant = session.tenant AND event.session = session.id ORDER BY seq)),
       state
FROM session;

DROP TABLE handle;
DROP TABLE event;
DROP TABLE session;
ALTER TABLE session_row RENAME TO session;
CREATE INDEX session_by_kind ON session (tenant, kind, id);
CREATE INDEX session_by_expiry ON session (expires_at);
CREATE INDEX session_by_subject ON session (tenant, subject) WHERE subject IS NOT NULL;
