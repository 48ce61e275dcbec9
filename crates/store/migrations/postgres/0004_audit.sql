-- What happened, in a chain for each tenant, as SQLite's migration 10. What is about nobody in particular is
-- written for every tenant that has a chain.

CREATE TABLE audit_note (
    ordinal BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant  TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL,
    line    TEXT   NOT NULL
);

CREATE TABLE audit_block (
    tenant   TEXT COLLATE "C" NOT NULL,
    number   BIGINT NOT NULL CHECK (number >= 1),
    entries  BIGINT NOT NULL CHECK (entries >= 1),
    at       BIGINT NOT NULL,
    previous BYTEA  NOT NULL CHECK (length(previous) = 32),
    digest   BYTEA  NOT NULL CHECK (length(digest) = 32),
    hash     BYTEA  NOT NULL CHECK (length(hash) = 32),
    text     TEXT,
    PRIMARY KEY (tenant, number)
);
CREATE INDEX audit_block_by_age ON audit_block (at) WHERE text IS NOT NULL;

CREATE TABLE audit_head (
    tenant  TEXT COLLATE "C" PRIMARY KEY,
    number  BIGINT NOT NULL CHECK (number >= 1),
    entries BIGINT NOT NULL CHECK (entries >= 1),
    hash    BYTEA  NOT NULL CHECK (length(hash) = 32)
);

DO $$
DECLARE
    walled TEXT;
BEGIN
    FOREACH walled IN ARRAY ARRAY['audit_note', 'audit_block', 'audit_head'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format(
            'CREATE POLICY by_tenant ON %I USING (current_setting(''lanyard.tenant'', true) IN (tenant, ''*''))',
            walled);
    END LOOP;
END
$$;
