-- What is found by a name that begins with a moment is found by that name first, and then by its tenant: the
-- rows of a moment are neighbours in an index, whoever's they are. By the tenant first, each tenant had an end of
-- its own in each index, and what many of them wrote at once shared no page.
--
-- One index over what was issued goes on beginning with the tenant, as pages of a list are read from it.

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
    UNIQUE (id, tenant)
) STRICT;
INSERT INTO session_row
SELECT ordinal, tenant, id, kind, version, created_at, expires_at, subject, handles, events, trail,
       state
FROM session;
DROP TABLE session;
ALTER TABLE session_row RENAME TO session;
CREATE INDEX session_by_kind ON session (tenant, kind, id);
CREATE INDEX session_by_expiry ON session (expires_at);
CREATE INDEX session_by_subject ON session (tenant, subject) WHERE subject IS NOT NULL;

CREATE TABLE issued_row (
    ordinal       INTEGER PRIMARY KEY,
    tenant        TEXT    NOT NULL,
    credential    BLOB    NOT NULL CHECK (length(credential) = 16),
    configuration TEXT    NOT NULL,
    issued_at     INTEGER NOT NULL,
    expires_at    INTEGER,
    session       BLOB    NOT NULL CHECK (length(session) = 16),
    subject       BLOB    CHECK (subject IS NULL OR length(subject) = 32),
    UNIQUE (credential, tenant)
) STRICT;
INSERT INTO issued_row
SELECT ordinal, tenant, credential, configuration, issued_at, expires_at, session, subject
FROM issued;
DROP TABLE issued;
ALTER TABLE issued_row RENAME TO issued;
CREATE INDEX issued_by_session ON issued (session, tenant, credential);
CREATE INDEX issued_by_expiry ON issued (expires_at, credential) WHERE expires_at IS NOT NULL;
CREATE INDEX issued_by_subject ON issued (tenant, subject, credential) WHERE subject IS NOT NULL;
CREATE INDEX issued_by_configuration ON issued (tenant, configuration, credential);

DROP INDEX status_by_credential;
CREATE INDEX status_by_credential ON status (credential, tenant);
DROP INDEX status_change_by_credential;
CREATE INDEX status_change_by_credential ON status_change (credential, tenant);
