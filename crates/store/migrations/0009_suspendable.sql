-- Whether whoever reads a copy learns of a suspension: a W3C credential can say where it is revoked alone.

ALTER TABLE status ADD COLUMN suspendable INTEGER NOT NULL DEFAULT 1 CHECK (suspendable IN (0, 1));
