-- What was told of a session is forgotten with it, without a look at what was told of any other.

CREATE INDEX message_by_session ON message (session, tenant) WHERE session IS NOT NULL;
