-- Where the status of each copy of an issued credential is kept, and what it is.
--
-- `reserved` only grows: a place that was reserved once is never given to anyone again. Places are
-- unpredictable by design, so no index is over them but the small one over what is not valid.

CREATE TABLE status_counter (
    ordinal  INTEGER PRIMARY KEY,
    tenant   TEXT    NOT NULL UNIQUE,
    reserved INTEGER NOT NULL CHECK (reserved >= 0)
) STRICT;

CREATE TABLE status (
    ordinal    INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    credential BLOB    NOT NULL CHECK (length(credential) = 16),
    list       INTEGER NOT NULL CHECK (list >= 0),
    place      INTEGER NOT NULL CHECK (place >= 0),
    value      INTEGER NOT NULL CHECK (value IN (0, 1, 2))
) STRICT;
CREATE INDEX status_by_credential ON status (tenant, credential);
CREATE INDEX status_not_valid ON status (tenant, list, place) WHERE value <> 0;
