//! What can go wrong with the file, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::store::StoreError;

/// Why a SQLite store could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenSqliteError {
    /// Its folder is missing and could not be made.
    #[error("the folder of the session store, {}, could not be made: make it, or choose another place", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file could not be made or opened.
    #[error("the session store {} could not be opened: see that this user may read and write it and its folder", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not a session store: choose another path; nothing in the file was changed", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this program wrote it.
    #[error(
        "the session store {} has schema {found}, and this program knows none newer than {known}: run the newer program, \
         or choose another path",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest this program knows.
        known: usize,
    },
    /// Its file system has no shared memory, as some network file systems.
    #[error(
        "the session store {} cannot keep a write-ahead log, so it would not survive a crash: put it on a local disk",
        path.display()
    )]
    NoLog {
        /// The file.
        path: PathBuf,
    },
    /// SQLite could not do it.
    #[error(
        "the session store {} could not be used when trying to {doing}: see that no other program holds it, that the \
         disk has space and that this user may write the file and its folder",
        path.display()
    )]
    Database {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
}

impl OpenSqliteError {
    /// A stable name for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "sqlite_folder",
            Self::File { .. } => "sqlite_file",
            Self::NotAStore { .. } => "sqlite_not_a_store",
            Self::NewerSchema { .. } => "sqlite_newer_schema",
            Self::NoLog { .. } => "sqlite_no_log",
            Self::Database { .. } => "sqlite_database",
        }
    }

    pub(super) fn from_sqlx(path: &Path, doing: &'static str, source: sqlx::Error) -> Self {
        let path = path.to_owned();
        if primary_code(&source) == Some(NOT_A_DATABASE) {
            return Self::NotAStore { path };
        }
        Self::Database {
            path,
            doing,
            source,
        }
    }
}

// Primary result codes, https://www.sqlite.org/rescode.html
const BUSY: u32 = 5;
const CORRUPT: u32 = 11;
const NOT_A_DATABASE: u32 = 26;

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let extended: u32 = error.as_database_error()?.code()?.parse().ok()?;
    // The low byte of an extended code is the primary one.
    Some(extended & 0xff)
}

/// Whether someone else holds the lock.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(BUSY)
}

/// Turns SQLite's errors into the store's.
pub(super) fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| match (primary_code(&source), &source) {
        (Some(CORRUPT | NOT_A_DATABASE), _)
        | (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => StoreError::Corrupt {
            what: source.to_string(),
        },
        _ => StoreError::Unavailable {
            doing,
            source: Box::new(source),
        },
    }
}
