-- Everything, as SQLite's migrations 1 to 6 leave it, and a second wall between tenants: row-level security.
--
-- A transaction says whose rows it is about (`lanyard.tenant`); one that says nothing sees none. `*`, which no
-- tenant is called, is housekeeping. FORCE: the wall stands before the owner of the tables too.
-- Texts that others choose are BYTEA: TEXT takes no NUL. Names compare byte by byte (COLLATE "C").

CREATE TABLE session (
    ordinal    BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant     TEXT COLLATE "C" NOT NULL,
    id         BYTEA  NOT NULL CHECK (length(id) = 16),
    kind       TEXT   NOT NULL,
    version    BIGINT NOT NULL CHECK (version >= 1),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    subject    BYTEA  CHECK (subject IS NULL OR length(subject) = 32),
    handles    BYTEA  NOT NULL CHECK (length(handles) % 34 = 0),
    events     BIGINT NOT NULL CHECK (events >= 0),
    trail      TEXT   NOT NULL,
    state      BYTEA  NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX session_by_kind ON session (tenant, kind, id);
CREATE INDEX session_by_expiry ON session (expires_at);
CREATE INDEX session_by_subject ON session (tenant, subject) WHERE subject IS NOT NULL;

CREATE TABLE secret (
    tenant     TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    version    BIGINT NOT NULL CHECK (version >= 1),
    sealed     BYTEA  NOT NULL,
    written_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE issued (
    tenant        TEXT COLLATE "C" NOT NULL,
    credential    BYTEA  NOT NULL CHECK (length(credential) = 16),
    configuration BYTEA  NOT NULL,
    issued_at     BIGINT NOT NULL,
    expires_at    BIGINT,
    session       BYTEA  NOT NULL CHECK (length(session) = 16),
    subject       BYTEA  CHECK (subject IS NULL OR length(subject) = 32),
    PRIMARY KEY (tenant, credential)
);
CREATE INDEX issued_by_session ON issued (tenant, session, credential);
CREATE INDEX issued_by_expiry ON issued (expires_at, credential) WHERE expires_at IS NOT NULL;
CREATE INDEX issued_by_subject ON issued (tenant, subject, credential) WHERE subject IS NOT NULL;
CREATE INDEX issued_by_configuration ON issued (tenant, configuration, credential);

CREATE TABLE status_counter (
    tenant   TEXT COLLATE "C" PRIMARY KEY,
    reserved BIGINT NOT NULL CHECK (reserved >= 0)
);

CREATE TABLE status (
    tenant     TEXT COLLATE "C" NOT NULL,
    credential BYTEA  NOT NULL CHECK (length(credential) = 16),
    list       BIGINT NOT NULL CHECK (list >= 0),
    place      BIGINT NOT NULL CHECK (place >= 0),
    value      BIGINT NOT NULL CHECK (value IN (0, 1, 2))
);
CREATE INDEX status_by_credential ON status (tenant, credential);

CREATE TABLE status_chunk (
    tenant  TEXT COLLATE "C" NOT NULL,
    list    BIGINT NOT NULL CHECK (list >= 0),
    chunk   BIGINT NOT NULL CHECK (chunk >= 0),
    version BIGINT NOT NULL CHECK (version > 0),
    bits    BYTEA  NOT NULL CHECK (length(bits) = 1024),
    PRIMARY KEY (tenant, list, chunk)
);
CREATE INDEX status_chunk_by_version ON status_chunk (tenant, list, version);

CREATE TABLE status_change (
    ordinal    BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant     TEXT COLLATE "C" NOT NULL,
    credential BYTEA  NOT NULL CHECK (length(credential) = 16),
    at         BIGINT NOT NULL,
    value      BIGINT NOT NULL CHECK (value IN (0, 1, 2)),
    reason     BYTEA
);
CREATE INDEX status_change_by_credential ON status_change (tenant, credential);

CREATE TABLE seen_once (
    tenant     TEXT COLLATE "C" NOT NULL,
    kind       TEXT   NOT NULL,
    digest     BYTEA  NOT NULL CHECK (length(digest) = 32),
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, digest)
);
CREATE INDEX seen_once_by_expiry ON seen_once (expires_at);

CREATE TABLE call (
    tenant      TEXT COLLATE "C" NOT NULL,
    key         BYTEA  NOT NULL CHECK (length(key) = 32),
    request     BYTEA  NOT NULL CHECK (length(request) = 32),
    answer      BYTEA,
    lease_until BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX call_by_expiry ON call (expires_at);

CREATE TABLE message (
    ordinal    BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant     TEXT COLLATE "C" NOT NULL,
    id         BYTEA  NOT NULL CHECK (length(id) = 16),
    webhook    TEXT   NOT NULL,
    errand     TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    session    BYTEA,
    payload    TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    attempts   BIGINT NOT NULL DEFAULT 0,
    due_at     BIGINT NOT NULL,
    outcome    TEXT,
    keep_until BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX message_due ON message (due_at) WHERE state = 'waiting';
CREATE INDEX message_by_age ON message (keep_until) WHERE state <> 'waiting';

-- One row that the readiness probe writes.
CREATE TABLE probe (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    counter BIGINT NOT NULL
);
INSERT INTO probe (id, counter) VALUES (1, 0);

DO $$
DECLARE
    walled TEXT;
BEGIN
    FOREACH walled IN ARRAY ARRAY['session', 'secret', 'issued', 'status_counter', 'status', 'status_chunk',
                                  'status_change', 'seen_once', 'call', 'message'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format(
            'CREATE POLICY by_tenant ON %I USING (current_setting(''lanyard.tenant'', true) IN (tenant, ''*''))',
            walled);
    END LOOP;
END
$$;
