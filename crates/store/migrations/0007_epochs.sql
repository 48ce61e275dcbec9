-- A restored store begins an epoch: what was good in an earlier one is good for nothing, and status places go
-- on where no earlier one can have been.
--
-- `backup` has a row in backups only: when they were taken.

CREATE TABLE epoch (
    number   INTEGER PRIMARY KEY CHECK (number >= 0),
    began_at INTEGER
) STRICT;
INSERT INTO epoch (number, began_at) VALUES (0, NULL);

-- how far a tenant's places went in an epoch that ended, as far as the backup knew
CREATE TABLE status_epoch (
    ordinal  INTEGER PRIMARY KEY,
    tenant   TEXT    NOT NULL,
    epoch    INTEGER NOT NULL REFERENCES epoch (number),
    reserved INTEGER NOT NULL CHECK (reserved >= 0),
    UNIQUE (tenant, epoch)
) STRICT;

CREATE TABLE backup (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    taken_at INTEGER NOT NULL
) STRICT;
