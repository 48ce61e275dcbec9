-- Whether whoever reads a copy learns of a suspension, as SQLite's migration 9.

ALTER TABLE status ADD COLUMN suspendable BOOLEAN NOT NULL DEFAULT true;
