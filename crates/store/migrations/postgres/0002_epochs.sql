-- Epochs, as SQLite's migration 7 makes them; backups are PostgreSQL's own, so there is no table for them.

CREATE TABLE epoch (
    number   BIGINT PRIMARY KEY CHECK (number >= 0),
    began_at BIGINT
);
INSERT INTO epoch (number, began_at) VALUES (0, NULL);

CREATE TABLE status_epoch (
    tenant   TEXT COLLATE "C" NOT NULL,
    epoch    BIGINT NOT NULL REFERENCES epoch (number),
    reserved BIGINT NOT NULL CHECK (reserved >= 0),
    PRIMARY KEY (tenant, epoch)
);
ALTER TABLE status_epoch ENABLE ROW LEVEL SECURITY;
ALTER TABLE status_epoch FORCE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON status_epoch USING (current_setting('lanyard.tenant', true) IN (tenant, '*'));
