//! Each step of a [`Store`] as SQL: one statement, or one transaction that takes the write lock at its beginning.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, SqliteConnection, Transaction};

use super::SqliteStore;
use super::bounds::{Bounded, fits, signed, sweep_rows};
use super::error::failed;
use crate::index::IndexKey;
use crate::store::{
    Change, Consumed, Created, Deadlines, DeletedAt, Listed, NewRecord, Store, StoreError,
    StoredRecord, Updated, Version,
};
use crate::ticket::StoreKey;

fn unsigned(number: i64, what: &'static str) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Corrupt {
        what: format!("{what} is negative"),
    })
}

fn column(row: &SqliteRow, name: &'static str) -> Result<u64, StoreError> {
    unsigned(row.try_get(name).map_err(failed("read a record"))?, name)
}

fn deadlines(row: &SqliteRow) -> Result<Deadlines, StoreError> {
    Ok(Deadlines {
        idle_until: column(row, "idle_until")?,
        absolute_until: column(row, "absolute_until")?,
    })
}

async fn put_terms(
    connection: &mut SqliteConnection,
    record: i64,
    terms: &[IndexKey],
) -> Result<(), sqlx::Error> {
    for term in terms {
        sqlx::query("INSERT OR IGNORE INTO terms (term, record) VALUES (?1, ?2)")
            .bind(term.as_bytes().as_slice())
            .bind(record)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

impl SqliteStore {
    /// Takes the write lock at once: a lock taken half-way through could not be waited for.
    async fn write(&self, doing: &'static str) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed(doing))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn create(&self, record: NewRecord<'_>) -> Result<Created, StoreError> {
        const DOING: &str = "create a record";
        let mut step = self.write(DOING).await?;
        for term in record.indexes.iter().chain(record.barred_by) {
            let covered = sqlx::query("SELECT 1 FROM remembered WHERE term = ?1 AND until > ?2")
                .bind(term.as_bytes().as_slice())
                .bind(signed(record.now))
                .fetch_optional(&mut *step)
                .await
                .map_err(failed(DOING))?;
            if covered.is_some() {
                return Ok(Created::LoggedOut);
            }
        }
        let there = sqlx::query("SELECT 1 FROM records WHERE key = ?1")
            .bind(record.key.as_bytes().as_slice())
            .fetch_optional(&mut *step)
            .await
            .map_err(failed(DOING))?;
        if there.is_some() {
            return Ok(Created::Exists);
        }
        if !fits(&mut step, Bounded::Records, record.now, self.limits.records)
            .await
            .map_err(failed(DOING))?
        {
            return Err(StoreError::Full {
                what: "records",
                limit: self.limits.records,
            });
        }
        let inserted = sqlx::query(
            "INSERT INTO records (key, version, idle_until, absolute_until, created_at, touched_at, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
        )
        .bind(record.key.as_bytes().as_slice())
        .bind(signed(Version::FIRST.0))
        .bind(signed(record.deadlines.expires_at()))
        .bind(signed(record.deadlines.absolute_until))
        .bind(signed(record.now))
        .bind(record.sealed)
        .execute(&mut *step)
        .await
        .map_err(failed(DOING))?;
        put_terms(&mut step, inserted.last_insert_rowid(), record.indexes)
            .await
            .map_err(failed(DOING))?;
        step.commit().await.map_err(failed(DOING))?;
        Ok(Created::Created)
    }

    async fn load(&self, key: &StoreKey, now: u64) -> Result<Option<StoredRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT version, idle_until, absolute_until, created_at, touched_at, sealed
             FROM records WHERE key = ?1 AND idle_until > ?2",
        )
        .bind(key.as_bytes().as_slice())
        .bind(signed(now))
        .fetch_optional(&self.readers)
        .await
        .map_err(failed("read a record"))?;
        row.map(|row| {
            Ok(StoredRecord {
                sealed: row.try_get("sealed").map_err(failed("read a record"))?,
                version: Version(column(&row, "version")?),
                deadlines: deadlines(&row)?,
                created_at: column(&row, "created_at")?,
                touched_at: column(&row, "touched_at")?,
            })
        })
        .transpose()
    }

    async fn update(&self, change: Change<'_>) -> Result<Updated, StoreError> {
        const DOING: &str = "write a record";
        let mut step = self.write(DOING).await?;
        let found =
            sqlx::query("SELECT id, version FROM records WHERE key = ?1 AND idle_until > ?2")
                .bind(change.key.as_bytes().as_slice())
                .bind(signed(change.now))
                .fetch_optional(&mut *step)
                .await
                .map_err(failed(DOING))?;
        let Some(found) = found else {
            return Ok(Updated::Gone);
        };
        if column(&found, "version")? != change.at.0 {
            return Ok(Updated::Conflict);
        }
        let id: i64 = found.try_get("id").map_err(failed(DOING))?;
        sqlx::query("UPDATE records SET sealed = ?1, version = ?2 WHERE id = ?3")
            .bind(change.sealed)
            .bind(signed(change.at.next().0))
            .bind(id)
            .execute(&mut *step)
            .await
            .map_err(failed(DOING))?;
        if let Some(indexes) = change.indexes {
            sqlx::query("DELETE FROM terms WHERE record = ?1")
                .bind(id)
                .execute(&mut *step)
                .await
                .map_err(failed(DOING))?;
            put_terms(&mut step, id, indexes)
                .await
                .map_err(failed(DOING))?;
        }
        step.commit().await.map_err(failed(DOING))?;
        Ok(Updated::Updated(change.at.next()))
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM records WHERE key = ?1")
            .bind(key.as_bytes().as_slice())
            .execute(&self.writer)
            .await
            .map_err(failed("delete a record"))?;
        Ok(done.rows_affected() > 0)
    }

    async fn delete_at(&self, key: &StoreKey, at: Version) -> Result<DeletedAt, StoreError> {
        const DOING: &str = "delete a record";
        let mut step = self.write(DOING).await?;
        let done = sqlx::query("DELETE FROM records WHERE key = ?1 AND version = ?2")
            .bind(key.as_bytes().as_slice())
            .bind(signed(at.0))
            .execute(&mut *step)
            .await
            .map_err(failed(DOING))?;
        if done.rows_affected() > 0 {
            step.commit().await.map_err(failed(DOING))?;
            return Ok(DeletedAt::Deleted);
        }
        let other = sqlx::query("SELECT 1 FROM records WHERE key = ?1")
            .bind(key.as_bytes().as_slice())
            .fetch_optional(&mut *step)
            .await
            .map_err(failed(DOING))?;
        Ok(if other.is_some() {
            DeletedAt::Conflict
        } else {
            DeletedAt::Gone
        })
    }

    async fn touch(&self, key: &StoreKey, idle_until: u64, now: u64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE records
             SET idle_until = max(idle_until, min(?1, absolute_until)), touched_at = max(touched_at, ?2)
             WHERE key = ?3 AND idle_until > ?2",
        )
        .bind(signed(idle_until))
        .bind(signed(now))
        .bind(key.as_bytes().as_slice())
        .execute(&self.writer)
        .await
        .map_err(failed("touch a record"))?;
        Ok(done.rows_affected() > 0)
    }

    async fn delete_by_index(
        &self,
        indexes: &[IndexKey],
        now: u64,
        remember_until: Option<u64>,
    ) -> Result<u64, StoreError> {
        const DOING: &str = "end sessions by index";
        let mut step = self.write(DOING).await?;
        let mut ended = 0;
        for term in indexes {
            let until: Vec<i64> = sqlx::query_scalar(
                "DELETE FROM records WHERE id IN (SELECT record FROM terms WHERE term = ?1) RETURNING idle_until",
            )
            .bind(term.as_bytes().as_slice())
            .fetch_all(&mut *step)
            .await
            .map_err(failed(DOING))?;
            ended += until
                .into_iter()
                .filter(|until| *until > signed(now))
                .count() as u64;
        }
        let mut full = false;
        if let Some(until) = remember_until {
            for term in indexes {
                full = full
                    || !self
                        .remember(&mut step, term, until, now)
                        .await
                        .map_err(failed(DOING))?;
            }
        }
        step.commit().await.map_err(failed(DOING))?;
        if full {
            return Err(StoreError::Full {
                what: "remembered logouts",
                limit: self.limits.consumed,
            });
        }
        Ok(ended)
    }

    async fn list_by_index(
        &self,
        indexes: &[IndexKey],
        now: u64,
    ) -> Result<Vec<Listed>, StoreError> {
        const DOING: &str = "list records by index";
        let mut listed: Vec<Listed> = Vec::new();
        for term in indexes {
            let rows = sqlx::query(
                "SELECT key, version, idle_until, absolute_until, created_at, touched_at
                 FROM records JOIN terms ON terms.record = records.id
                 WHERE terms.term = ?1 AND records.idle_until > ?2",
            )
            .bind(term.as_bytes().as_slice())
            .bind(signed(now))
            .fetch_all(&self.readers)
            .await
            .map_err(failed(DOING))?;
            for row in &rows {
                let key: Vec<u8> = row.try_get("key").map_err(failed(DOING))?;
                let key = <[u8; 32]>::try_from(key).map_err(|_| StoreError::Corrupt {
                    what: "a record's key is not 32 bytes long".to_owned(),
                })?;
                let one = Listed {
                    key: StoreKey::from_bytes(key),
                    version: Version(column(row, "version")?),
                    deadlines: deadlines(row)?,
                    created_at: column(row, "created_at")?,
                    touched_at: column(row, "touched_at")?,
                };
                if !listed.iter().any(|other| other.key == one.key) {
                    listed.push(one);
                }
            }
        }
        listed.sort_by_key(|one| (one.created_at, one.key));
        Ok(listed)
    }

    async fn consume_once(
        &self,
        id: &[u8; 32],
        until: u64,
        now: u64,
    ) -> Result<Consumed, StoreError> {
        const DOING: &str = "consume an id";
        let mut step = self.write(DOING).await?;
        let kept: Option<i64> = sqlx::query_scalar("SELECT until FROM consumed WHERE id = ?1")
            .bind(id.as_slice())
            .fetch_optional(&mut *step)
            .await
            .map_err(failed(DOING))?;
        if kept.is_some_and(|kept| kept > signed(now)) {
            return Ok(Consumed::Again);
        }
        if kept.is_none()
            && !fits(&mut step, Bounded::Consumed, now, self.limits.consumed)
                .await
                .map_err(failed(DOING))?
        {
            return Ok(Consumed::Full);
        }
        sqlx::query("INSERT INTO consumed (id, until) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET until = excluded.until")
            .bind(id.as_slice())
            .bind(signed(until.max(now.saturating_add(1))))
            .execute(&mut *step)
            .await
            .map_err(failed(DOING))?;
        step.commit().await.map_err(failed(DOING))?;
        Ok(Consumed::First)
    }

    async fn sweep(&self, now: u64, limit: u32) -> Result<u64, StoreError> {
        const DOING: &str = "sweep";
        let limit = u64::from(limit);
        let mut swept = 0;
        // A statement each, so that a request never waits for all three.
        for table in [Bounded::Records, Bounded::Consumed, Bounded::Remembered] {
            if swept < limit {
                let mut writer = self.writer.acquire().await.map_err(failed(DOING))?;
                swept += sweep_rows(&mut writer, table, now, limit - swept)
                    .await
                    .map_err(failed(DOING))?;
            }
        }
        Ok(swept)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        const DOING: &str = "say that it is ready";
        // SQLite goes on writing into a file that was deleted; what it holds would be gone at the next start.
        std::fs::metadata(self.path()).map_err(|source| StoreError::Unavailable {
            doing: DOING,
            source: Box::new(source),
        })?;
        sqlx::query("SELECT rows FROM tally")
            .fetch_all(&self.readers)
            .await
            .map_err(failed(DOING))?;
        // Takes the write lock, which a disk that became read-only refuses, and writes nothing.
        self.write(DOING)
            .await?
            .rollback()
            .await
            .map_err(failed(DOING))
    }
}
