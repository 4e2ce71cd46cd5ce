//! Why a record was not created, opened or written.

use thiserror::Error;

use crate::key_ring::KeyId;
use crate::seal::OpenError;
use crate::store::StoreError;

/// Why a record was not created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// A record of this ticket exists. Tickets are random: the caller used one twice.
    #[error("a record with this ticket exists: make a new ticket")]
    Exists,
    /// A remembered logout covers it (OpenID Connect Back-Channel Logout 1.0 section 2.7): the sign-in came too late.
    #[error("a logout that was just received covers this record: sign in again")]
    LoggedOut,
    /// The store is full of living records.
    #[error("the store is full: raise its limit, or shorten how long sessions live")]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl CreateError {
    /// A stable name for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists => "record_exists",
            Self::LoggedOut => "record_logged_out",
            Self::Full => "record_store_full",
            Self::Store(error) => error.code(),
        }
    }
}

impl From<StoreError> for CreateError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full { .. } => Self::Full,
            other => Self::Store(other),
        }
    }
}

/// Why a record was not opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Sealed under a key that this ring does not have. The record is still there, and opens once the key is back.
    #[error(
        "the record is sealed under key {key}, which is not in the ring: put that key back into the ring, after the first"
    )]
    UnknownKey {
        /// The key it is sealed under.
        key: KeyId,
    },
    /// Altered in the store, or copied there from another place. The record is still there.
    #[error(
        "the record was altered in the store: find out who writes there; its user has to sign in again"
    )]
    Refused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LoadError {
    /// A stable name for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownKey { .. } => "record_unknown_key",
            Self::Refused => "record_refused",
            Self::Store(error) => error.code(),
        }
    }
}

impl From<OpenError> for LoadError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::UnknownKey { key } => Self::UnknownKey { key },
            OpenError::Malformed | OpenError::Refused => Self::Refused,
        }
    }
}

/// Why a record was not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// It was written since it was read: read it again.
    #[error("the record was written since it was read: read it again, and decide anew")]
    Conflict,
    /// It has ended. It stays ended.
    #[error("the record has ended")]
    Gone,
    /// What is there is sealed under a key that this ring does not have. It was left as it is.
    #[error(
        "the record is sealed under key {key}, which is not in the ring: put that key back into the ring, after the first"
    )]
    UnknownKey {
        /// The key it is sealed under.
        key: KeyId,
    },
    /// What is there was altered in the store. It was left as it is.
    #[error(
        "the record was altered in the store: find out who writes there; its user has to sign in again"
    )]
    Refused,
    /// The store failed. Whether it wrote is not known: read the record again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UpdateError {
    /// A stable name for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Conflict => "record_conflict",
            Self::Gone => "record_gone",
            Self::UnknownKey { .. } => "record_unknown_key",
            Self::Refused => "record_refused",
            Self::Store(error) => error.code(),
        }
    }
}

impl From<LoadError> for UpdateError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::UnknownKey { key } => Self::UnknownKey { key },
            LoadError::Refused => Self::Refused,
            LoadError::Store(error) => Self::Store(error),
        }
    }
}
