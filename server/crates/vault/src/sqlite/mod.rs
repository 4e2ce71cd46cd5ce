//! A store in one SQLite file: write-ahead log, one connection that writes, a few that read.
//!
//! Commits are synced to the disk (`synchronous = FULL`). In a write-ahead log `NORMAL` would survive the end of the
//! process, but a power cut could take back the last commits: a session that was signed out would be back, a sign-in
//! that was spent could be spent again, and a rotated refresh token would be lost with its session. Writes are rare
//! (sign-in, refresh, at most one touch a minute), so each can afford its sync.

mod bounds;
mod error;
mod schema;
mod statements;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};

pub use self::error::OpenSqliteError;
use crate::store::Limits;

/// How long a statement waits for another process's lock, and a request for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts to take a lock that SQLite does not wait for.
const PAUSE: Duration = Duration::from_millis(20);
/// Connections that only read. Reads do not wait for the writer, nor it for them.
const READERS: u32 = 4;
/// After a checkpoint the log's file is cut to this many bytes.
const LOG_BYTES: &str = "16777216";

/// A store in one SQLite file. See [`crate::Store`].
pub struct SqliteStore {
    path: PathBuf,
    limits: Limits,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, makes it (mode 0600) and its folder (0700) where they are missing, and brings its schema up to
    /// date.
    pub async fn open(path: impl AsRef<Path>, limits: Limits) -> Result<Self, OpenSqliteError> {
        // Absolute, so that a later change of the working directory does not matter and no name is read as a URI.
        let path = std::path::absolute(path.as_ref()).map_err(|source| OpenSqliteError::File {
            path: path.as_ref().to_owned(),
            source,
        })?;
        files::prepare(&path)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(PATIENCE)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();

        let failed = |doing| {
            let path = path.clone();
            move |source| OpenSqliteError::from_sqlx(&path, doing, source)
        };
        // The schema comes first, on a connection that changes nothing by connecting: the file may be someone else's.
        let mut connection = options.connect().await.map_err(failed("open it"))?;
        schema::migrate(&mut connection, &path).await?;
        keep_a_log(&mut connection, &path).await?;

        // What was deleted is overwritten: an ended session leaves nothing in the file.
        let writing = options
            .clone()
            .pragma("secure_delete", "ON")
            .pragma("journal_size_limit", LOG_BYTES);
        let writer = pool(1)
            .connect_with(writing)
            .await
            .map_err(failed("open it for writing"))?;
        let reading = options.pragma("query_only", "ON");
        let readers = pool(READERS)
            .connect_with(reading)
            .await
            .map_err(failed("open it for reading"))?;
        // Closed last: the last connection to go would take the log away.
        connection.close().await.map_err(failed("close it"))?;
        Ok(Self {
            path,
            limits,
            writer,
            readers,
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the log back into the file and closes it. Without this nothing is lost; the next start does it.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Switches the file to a write-ahead log, which it then keeps. SQLite does not wait for the lock that this takes while
/// another process does the same, so we do.
async fn keep_a_log(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenSqliteError> {
    let mut waited = Duration::ZERO;
    loop {
        let answer: Result<String, _> = sqlx::query_scalar("PRAGMA journal_mode = WAL")
            .fetch_one(&mut *connection)
            .await;
        match answer {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                return Err(OpenSqliteError::NoLog {
                    path: path.to_owned(),
                });
            }
            Err(error) if error::is_busy(&error) && waited < PATIENCE => {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
            Err(error) => {
                return Err(OpenSqliteError::from_sqlx(
                    path,
                    "switch it to a write-ahead log",
                    error,
                ));
            }
        }
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    // A file's connection does not go stale: no age, no test before each use.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

mod files {
    use std::fs::{DirBuilder, OpenOptions};
    use std::io::ErrorKind;
    use std::path::Path;

    use super::OpenSqliteError;

    /// Makes the file and its folder for this user alone, before SQLite would make them for everyone. SQLite gives the
    /// log beside the file the file's own mode.
    pub(super) fn prepare(path: &Path) -> Result<(), OpenSqliteError> {
        if let Some(folder) = path.parent() {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder
                .create(folder)
                .map_err(|source| OpenSqliteError::Folder {
                    path: folder.to_owned(),
                    source,
                })?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => existing(path),
            Err(source) => Err(OpenSqliteError::File {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn existing(path: &Path) -> Result<(), OpenSqliteError> {
        let failed = |source| OpenSqliteError::File {
            path: path.to_owned(),
            source,
        };
        // Opened once here, so that a missing right is told as such and not as SQLite's "unable to open".
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(failed)?;
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata().map_err(failed)?);
            if mode & 0o077 != 0 {
                tracing::warn!(
                    path = %path.display(),
                    "other users of this machine may open the session store: set its mode to 0600"
                );
            }
        }
        drop(file);
        Ok(())
    }
}
