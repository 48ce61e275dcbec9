-- What must not be seen twice before a moment: the `jti` of proofs that a step took.
--
-- Written in the transaction of the step, so that a replay and its effect come to nothing together.

CREATE TABLE seen_once (
    ordinal    INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    expires_at INTEGER NOT NULL,
    UNIQUE (tenant, kind, digest)
) STRICT;
CREATE INDEX seen_once_by_expiry ON seen_once (expires_at);
