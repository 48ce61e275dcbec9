-- What was told of a session is found by it, as SQLite's migration 11.

CREATE INDEX message_by_session ON message (session, tenant) WHERE session IS NOT NULL;
