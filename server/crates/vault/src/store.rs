//! What a place to keep records must do. A late write never wins, and a record and its indexes change together or not
//! at all; [`crate::contract`] holds every store to it.
//!
//! Times are Unix seconds and come from the caller. A record whose idle or absolute deadline is not after `now` has
//! expired: it is as if it were not there, until [`Store::sweep`] takes it away.

use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

use crate::index::IndexKey;
use crate::ticket::StoreKey;

/// How many times a record was written: 1 when it is created, one more at each update. A write names the version it
/// read, and fails where the record has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// The version of a record that was just created.
    pub const FIRST: Self = Self(1);

    /// The version after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Until when a record lives, in Unix seconds. The earlier one decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// It expires here unless it is used. Moves later by [`Store::touch`], never past the absolute one.
    pub idle_until: u64,
    /// It expires here in any case. Never moves.
    pub absolute_until: u64,
}

impl Deadlines {
    /// When the record expires: the earlier of the two.
    pub fn expires_at(&self) -> u64 {
        self.idle_until.min(self.absolute_until)
    }
}

/// Bounds of a store. A full store refuses; it never drops what is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Records alive at once.
    pub records: u64,
    /// Consumed ids kept at once. Remembered logouts have the same bound, counted apart.
    pub consumed: u64,
}

impl Default for Limits {
    /// A million each: records of ordinary size take about 4 GB by then.
    fn default() -> Self {
        Self {
            records: 1_000_000,
            consumed: 1_000_000,
        }
    }
}

/// A record to create.
#[derive(Clone, Copy)]
pub struct NewRecord<'a> {
    /// Where.
    pub key: StoreKey,
    /// Its sealed bytes, at [`Version::FIRST`].
    pub sealed: &'a [u8],
    /// What it can be found by.
    pub indexes: &'a [IndexKey],
    /// A remembered logout of any of these, or of `indexes`, forbids the record: the same terms under the other keys.
    pub barred_by: &'a [IndexKey],
    /// Until when it lives. An idle deadline past the absolute one is stored as the absolute one.
    pub deadlines: Deadlines,
    /// Unix seconds.
    pub now: u64,
}

/// A new content for a record.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// Where.
    pub key: StoreKey,
    /// The version that was read; `sealed` is the content at the next one.
    pub at: Version,
    /// The new sealed bytes.
    pub sealed: &'a [u8],
    /// What it can be found by from now on; `None` leaves that as it is.
    pub indexes: Option<&'a [IndexKey]>,
    /// Unix seconds.
    pub now: u64,
}

/// A record as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its sealed bytes.
    pub sealed: Vec<u8>,
    /// How often it was written.
    pub version: Version,
    /// Until when it lives.
    pub deadlines: Deadlines,
    /// When it was created, Unix seconds.
    pub created_at: u64,
    /// When it was last touched, Unix seconds; at first, when it was created.
    pub touched_at: u64,
}

// Sealed bytes say nothing and fill a log.
impl fmt::Debug for NewRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRecord")
            .field("bytes", &self.sealed.len())
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("bytes", &self.sealed.len())
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StoredRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredRecord")
            .field("bytes", &self.sealed.len())
            .field("version", &self.version)
            .field("deadlines", &self.deadlines)
            .field("created_at", &self.created_at)
            .field("touched_at", &self.touched_at)
            .finish()
    }
}

/// One of the records that an index leads to, unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Where it is.
    pub key: StoreKey,
    /// How often it was written.
    pub version: Version,
    /// Until when it lives.
    pub deadlines: Deadlines,
    /// When it was created, Unix seconds.
    pub created_at: u64,
    /// When it was last touched, Unix seconds.
    pub touched_at: u64,
}

/// What became of [`Store::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is there, at [`Version::FIRST`].
    Created,
    /// Something is there already; nothing was written.
    Exists,
    /// A remembered logout covers one of its indexes; nothing was written.
    LoggedOut,
}

/// What became of [`Store::update`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    /// Written; this is its version now.
    Updated(Version),
    /// The record has another version; nothing was written.
    Conflict,
    /// There is no such record (any more); nothing was written.
    Gone,
}

/// What became of [`Store::delete_at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletedAt {
    /// Deleted.
    Deleted,
    /// The record has another version, and is still there.
    Conflict,
    /// There was no such record.
    Gone,
}

/// What became of [`Store::consume_once`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumed {
    /// Nobody had consumed it: go on.
    First,
    /// It was consumed before: refuse.
    Again,
    /// The set is full of ids that are still good: refuse, and try later.
    Full,
}

/// Why a store could not do what it was asked. None of these says that a session has ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It did not answer, or answered that it cannot. Trying again later may help.
    #[error(
        "the session store did not answer when asked to {doing}: see that it runs, can be reached and has space, then try again"
    )]
    Unavailable {
        /// What it was asked to do.
        doing: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// It answered with something that cannot be.
    #[error(
        "the session store is damaged ({what}): stop the program and restore the store, or begin with an empty one"
    )]
    Corrupt {
        /// What was found.
        what: String,
    },
    /// Its bound is reached, and everything in it is alive.
    #[error(
        "the session store is full: it holds {limit} {what}; raise the limit, or shorten how long they live"
    )]
    Full {
        /// What there are too many of.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
}

impl StoreError {
    /// A stable name for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "store_unavailable",
            Self::Corrupt { .. } => "store_corrupt",
            Self::Full { .. } => "store_full",
        }
    }
}

/// A place that keeps records. Each method is one atomic step, whatever happens at the same time and wherever it is
/// interrupted; what it acknowledged survives the end of the process, if anything does.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Creates a record, only if nothing is at its key (expired or not) and no remembered logout covers it, which is
    /// checked in the same step. Fails with [`StoreError::Full`] where the bound is reached by living records.
    async fn create(&self, record: NewRecord<'_>) -> Result<Created, StoreError>;

    /// Reads a living record.
    async fn load(&self, key: &StoreKey, now: u64) -> Result<Option<StoredRecord>, StoreError>;

    /// Writes a living record, only at the version that was read. Deadlines stay as they are.
    async fn update(&self, change: Change<'_>) -> Result<Updated, StoreError>;

    /// Deletes a record and says whether it was there.
    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError>;

    /// Deletes a record, only at the version that was read.
    async fn delete_at(&self, key: &StoreKey, at: Version) -> Result<DeletedAt, StoreError>;

    /// Notes that a living record was used: its idle deadline moves to `idle_until`, only later and never past the
    /// absolute one. Neither its version nor its bytes change. Says whether the record lives.
    async fn touch(&self, key: &StoreKey, idle_until: u64, now: u64) -> Result<bool, StoreError>;

    /// Deletes, unread, every record that any of these leads to, and says how many of them were alive. With
    /// `remember_until`, [`Self::create`] refuses what any of these covers until then, from the same step on. Where
    /// no more logouts can be remembered the records are deleted all the same, and the answer is
    /// [`StoreError::Full`]: who asked is to ask again.
    async fn delete_by_index(
        &self,
        indexes: &[IndexKey],
        now: u64,
        remember_until: Option<u64>,
    ) -> Result<u64, StoreError>;

    /// The living records that any of these leads to, each once, the oldest first.
    async fn list_by_index(
        &self,
        indexes: &[IndexKey],
        now: u64,
    ) -> Result<Vec<Listed>, StoreError>;

    /// Consumes an id: one atomic insert. It is kept until `until`, at least for the second it is given in. A full set
    /// refuses with [`Consumed::Full`]; only ids whose time is over make room.
    async fn consume_once(
        &self,
        id: &[u8; 32],
        until: u64,
        now: u64,
    ) -> Result<Consumed, StoreError>;

    /// Removes at most `limit` things whose time is over (records, consumed ids, remembered logouts) and says how many
    /// there were. Short: call it again, a moment later, until the answer is less than `limit`.
    async fn sweep(&self, now: u64, limit: u32) -> Result<u64, StoreError>;

    /// Whether records can be read and written now.
    async fn ready(&self) -> Result<(), StoreError>;
}
