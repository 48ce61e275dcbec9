-- The first schema; migrate.rs brings it up to today's.
-- Every record is sealed; AUTOINCREMENT so that a row number, which the seal binds, is never used again.
CREATE TABLE key_check (sealed BLOB NOT NULL);
CREATE TABLE holder_key (id INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL);
CREATE TABLE card (id INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL);
CREATE TABLE copy (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    card INTEGER NOT NULL REFERENCES card (id) ON DELETE CASCADE,
    uses INTEGER NOT NULL DEFAULT 0,
    sealed BLOB NOT NULL
);
CREATE INDEX copy_by_card ON copy (card, uses, id);
CREATE TABLE history (id INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL);
