-- A store as schema 1 wrote it. Frozen: newer programs must open it.
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
    version INTEGER NOT NULL,
    idle_until INTEGER NOT NULL,
    absolute_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    CHECK (idle_until <= absolute_until)
) STRICT;
CREATE INDEX records_by_deadline ON records (idle_until);

CREATE TABLE terms (
    term BLOB NOT NULL CHECK (length(term) = 32),
    record INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    PRIMARY KEY (term, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX terms_by_record ON terms (record);

CREATE TABLE consumed (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 32),
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX consumed_by_time ON consumed (until);

CREATE TABLE remembered (
    term BLOB PRIMARY KEY NOT NULL CHECK (length(term) = 32),
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX remembered_by_time ON remembered (until);

-- How many rows each table has: count(*) would read a whole index at every sign-in.
CREATE TABLE tally (name TEXT PRIMARY KEY NOT NULL, rows INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO tally (name, rows) VALUES ('records', 0), ('consumed', 0), ('remembered', 0);
CREATE TRIGGER records_come AFTER INSERT ON records
    BEGIN UPDATE tally SET rows = rows + 1 WHERE name = 'records'; END;
CREATE TRIGGER records_go AFTER DELETE ON records
    BEGIN UPDATE tally SET rows = rows - 1 WHERE name = 'records'; END;
CREATE TRIGGER consumed_come AFTER INSERT ON consumed
    BEGIN UPDATE tally SET rows = rows + 1 WHERE name = 'consumed'; END;
CREATE TRIGGER consumed_go AFTER DELETE ON consumed
    BEGIN UPDATE tally SET rows = rows - 1 WHERE name = 'consumed'; END;
CREATE TRIGGER remembered_come AFTER INSERT ON remembered
    BEGIN UPDATE tally SET rows = rows + 1 WHERE name = 'remembered'; END;
CREATE TRIGGER remembered_go AFTER DELETE ON remembered
    BEGIN UPDATE tally SET rows = rows - 1 WHERE name = 'remembered'; END;

PRAGMA application_id = 1131178866;
PRAGMA user_version = 1;

INSERT INTO records (id, key, version, idle_until, absolute_until, created_at, touched_at, sealed) VALUES
    (1, x'14f1820431eaf6bd78f54f1fa15dcc393c1a5fdce86e01614fd4897474936259', 1, 1800001800, 1800036000, 1800000000, 1800000000, x'0154eb578ae4b6070707070707070707070707070707071eff468c62baee9467da5acbe9895f00c25ed07346f91a55a77b38e74be23f7e6a977f79b62e6c88a46522bb1e632156ef779f20a3c0bc99c185d3087e31475b5d0d801195fb6b1c4b7b7f9b91f9b6393b259e7dccb23375055472dbb8db8545c35bbc736635e7bae8dd8dd789bc9498d64a948a77');
INSERT INTO terms (term, record) VALUES (x'21a638ec0d4b552d6c815e42fd54e701ff7667b5d1d20aed829e8eb615761ef8', 1);
