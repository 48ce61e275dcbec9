-- What integrators are promised: subjects to look up by, why a status changed, calls that are not done
-- twice, and messages that leave with the step they tell of.
--
-- A subject is an HMAC of the integrator's own reference; nothing here says whose. A message holds no
-- claim, and its row is written in the transaction of the step.

ALTER TABLE session ADD COLUMN subject BLOB CHECK (subject IS NULL OR length(subject) = 32);
CREATE INDEX session_by_subject ON session (tenant, subject) WHERE subject IS NOT NULL;

ALTER TABLE issued ADD COLUMN subject BLOB CHECK (subject IS NULL OR length(subject) = 32);
CREATE INDEX issued_by_subject ON issued (tenant, subject, credential) WHERE subject IS NOT NULL;
CREATE INDEX issued_by_configuration ON issued (tenant, configuration, credential);

CREATE TABLE status_change (
    ordinal    INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    credential BLOB    NOT NULL CHECK (length(credential) = 16),
    at         INTEGER NOT NULL,
    value      INTEGER NOT NULL CHECK (value IN (0, 1, 2)),
    reason     TEXT
) STRICT;
CREATE INDEX status_change_by_credential ON status_change (tenant, credential);

CREATE TABLE call (
    ordinal     INTEGER PRIMARY KEY,
    tenant      TEXT    NOT NULL,
    key         BLOB    NOT NULL CHECK (length(key) = 32),
    request     BLOB    NOT NULL CHECK (length(request) = 32),
    answer      BLOB,
    lease_until INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    UNIQUE (tenant, key)
) STRICT;
CREATE INDEX call_by_expiry ON call (expires_at);

CREATE TABLE message (
    ordinal    INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    webhook    TEXT    NOT NULL,
    errand     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    session    BLOB,
    payload    TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    due_at     INTEGER NOT NULL,
    outcome    TEXT,
    keep_until INTEGER NOT NULL,
    UNIQUE (tenant, id)
) STRICT;
CREATE INDEX message_due ON message (due_at) WHERE state = 'waiting';
CREATE INDEX message_by_age ON message (keep_until) WHERE state <> 'waiting';
