//! Tables whose rows are counted and have a time at which they are over: a full one refuses, and only what is over makes
//! room.

use sqlx::SqliteConnection;

use super::SqliteStore;
use crate::index::IndexKey;

/// How many expired rows an insert into a full table clears away: enough to make room, too few to be felt.
const MAKE_ROOM: u64 = 64;

/// SQLite's integers are signed. A time past the year 292 billion is as good as the last one.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The tables whose rows are bounded and have a time at which they are over.
#[derive(Clone, Copy)]
pub(super) enum Bounded {
    Records,
    Consumed,
    Remembered,
}

impl Bounded {
    fn count(self) -> &'static str {
        match self {
            Self::Records => "SELECT rows FROM tally WHERE name = 'records'",
            Self::Consumed => "SELECT rows FROM tally WHERE name = 'consumed'",
            Self::Remembered => "SELECT rows FROM tally WHERE name = 'remembered'",
        }
    }

    fn sweep(self) -> &'static str {
        match self {
            Self::Records => {
                "DELETE FROM records WHERE id IN
                 (SELECT id FROM records WHERE idle_until <= ?1 ORDER BY idle_until LIMIT ?2)"
            }
            Self::Consumed => {
                "DELETE FROM consumed WHERE id IN
                 (SELECT id FROM consumed WHERE until <= ?1 ORDER BY until LIMIT ?2)"
            }
            Self::Remembered => {
                "DELETE FROM remembered WHERE term IN
                 (SELECT term FROM remembered WHERE until <= ?1 ORDER BY until LIMIT ?2)"
            }
        }
    }
}

pub(super) async fn sweep_rows(
    connection: &mut SqliteConnection,
    table: Bounded,
    now: u64,
    limit: u64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(table.sweep())
        .bind(signed(now))
        .bind(signed(limit))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// Whether one more row fits. Clears away what is over.
pub(super) async fn fits(
    connection: &mut SqliteConnection,
    table: Bounded,
    now: u64,
    limit: u64,
) -> Result<bool, sqlx::Error> {
    let rows: i64 = sqlx::query_scalar(table.count())
        .fetch_one(&mut *connection)
        .await?;
    if rows < signed(limit) {
        return Ok(true);
    }
    let swept = sweep_rows(connection, table, now, MAKE_ROOM).await?;
    Ok(rows.saturating_sub(signed(swept)) < signed(limit))
}

impl SqliteStore {
    /// Remembers a logout until then, or for as long as it is remembered already. Says whether there was room.
    pub(super) async fn remember(
        &self,
        connection: &mut SqliteConnection,
        term: &IndexKey,
        until: u64,
        now: u64,
    ) -> Result<bool, sqlx::Error> {
        let later = sqlx::query("UPDATE remembered SET until = max(until, ?2) WHERE term = ?1")
            .bind(term.as_bytes().as_slice())
            .bind(signed(until))
            .execute(&mut *connection)
            .await?;
        if later.rows_affected() > 0 {
            return Ok(true);
        }
        if !fits(connection, Bounded::Remembered, now, self.limits.consumed).await? {
            return Ok(false);
        }
        sqlx::query("INSERT INTO remembered (term, until) VALUES (?1, ?2)")
            .bind(term.as_bytes().as_slice())
            .bind(signed(until))
            .execute(&mut *connection)
            .await?;
        Ok(true)
    }
}
