//! The tables, and how an older file becomes a newer one. `PRAGMA user_version` counts the steps taken,
//! `PRAGMA application_id` says that the file is ours.

use std::path::Path;

use sqlx::{Connection as _, SqliteConnection};

use super::error::OpenSqliteError;

/// `Clkr`, as `file` shows it.
const APPLICATION_ID: i64 = 0x436c_6b72;

/// One step each; the first makes version 1. Steps that were released never change.
const STEPS: &[&str] = &[
    "CREATE TABLE records (
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
    PRAGMA user_version = 1;",
];

/// Brings the file to the newest schema, in one transaction: another process that opens it at the same time waits, then
/// finds nothing to do.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), OpenSqliteError> {
    let failed = |doing: &'static str| {
        move |source: sqlx::Error| OpenSqliteError::from_sqlx(path, doing, source)
    };
    let mut step = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(failed("lock it"))?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *step)
        .await
        .map_err(failed("read whose it is"))?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *step)
        .await
        .map_err(failed("read its tables"))?;
    let ours = application == APPLICATION_ID;
    let empty = application == 0 && tables == 0;
    if !ours && !empty {
        return Err(OpenSqliteError::NotAStore {
            path: path.to_owned(),
        });
    }
    let found: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *step)
        .await
        .map_err(failed("read its version"))?;
    let taken = usize::try_from(found).unwrap_or(usize::MAX);
    if taken > STEPS.len() {
        return Err(OpenSqliteError::NewerSchema {
            path: path.to_owned(),
            found,
            known: STEPS.len(),
        });
    }
    for sql in STEPS.iter().skip(taken) {
        sqlx::raw_sql(*sql)
            .execute(&mut *step)
            .await
            .map_err(failed("migrate it"))?;
    }
    step.commit().await.map_err(failed("migrate it"))
}
