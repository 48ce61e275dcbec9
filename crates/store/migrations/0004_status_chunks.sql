-- The statuses of a list side by side, as they go into the list: runs of 4096, two bits each from the
-- least significant of each byte, so that one revocation writes one run and a list is read in 256.
--
-- `version` grows with every change of a list: whoever holds an older copy of it asks for what is newer.
-- A bit stays as it is when its credential has expired and is forgotten.

CREATE TABLE status_chunk (
    ordinal INTEGER PRIMARY KEY,
    tenant  TEXT    NOT NULL,
    list    INTEGER NOT NULL CHECK (list >= 0),
    chunk   INTEGER NOT NULL CHECK (chunk >= 0),
    version INTEGER NOT NULL CHECK (version > 0),
    bits    BLOB    NOT NULL CHECK (length(bits) = 1024),
    UNIQUE (tenant, list, chunk)
) STRICT;
CREATE INDEX status_chunk_by_version ON status_chunk (tenant, list, version);

-- what was revoked or suspended before there were runs
WITH RECURSIVE
    byte (nth) AS (SELECT 0 UNION ALL SELECT nth + 1 FROM byte WHERE nth < 1023),
    run (tenant, list, chunk) AS (
        SELECT DISTINCT tenant, list, place / 4096 FROM status WHERE value <> 0
    ),
    packed (tenant, list, chunk, nth, value) AS (
        SELECT tenant, list, place / 4096, place % 4096 / 4, sum(value << (2 * (place % 4)))
        FROM status WHERE value <> 0 GROUP BY 1, 2, 3, 4
    )
INSERT INTO status_chunk (tenant, list, chunk, version, bits)
SELECT run.tenant, run.list, run.chunk, 1,
       unhex((
           SELECT group_concat(digits, '') FROM (
               SELECT printf('%02x', coalesce(packed.value, 0)) AS digits
               FROM byte LEFT JOIN packed
                   ON packed.tenant = run.tenant AND packed.list = run.list
                   AND packed.chunk = run.chunk AND packed.nth = byte.nth
               ORDER BY byte.nth
           )
       ))
FROM run;

DROP INDEX status_not_valid;
