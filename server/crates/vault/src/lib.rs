//! Sealed, versioned records that are found by a secret ticket: the key ring, the stores and their indexes.
//!
//! This crate knows no tokens, no HTTP and no cookies. It keeps bytes under a key that is a hash of a [`Ticket`], sealed
//! (AES-256-GCM, NIST SP 800-38D) under keys derived (HKDF, RFC 5869) from a [`KeyRing`] and that ticket, and it sees to
//! it that a late write never wins. Time is a parameter everywhere, in Unix seconds; random values are parameters too.
//!
//! - [`KeyRing`]: the keys; the first seals, all open.
//! - [`Ticket`]: the secret session id, and the [`StoreKey`] that is derived from it.
//! - [`Store`]: what a place to keep records must do; [`MemoryStore`] and [`SqliteStore`] do it.
//! - [`Vault`]: seals, opens and indexes records over any store. Applications use this.
//! - [`contract`]: the cases every store must pass, for authors of other stores.

#[cfg(target_arch = "wasm32")]
compile_error!("cloakroom-vault keeps secrets on the server: it must not be built for the browser");

pub mod contract;
mod encode;
mod index;
mod key_ring;
mod memory;
mod seal;
mod sqlite;
mod store;
mod ticket;
mod vault;

pub use index::{IndexKey, IndexTerm};
pub use key_ring::{KeyId, KeyIdError, KeyRing, KeyRingError, RingKey, encode_key};
pub use memory::MemoryStore;
pub use seal::{OpenError, SealHeader};
pub use sqlite::{OpenSqliteError, SqliteStore};
pub use store::{
    Change, Consumed, Created, Deadlines, DeletedAt, Limits, Listed, NewRecord, Store, StoreError,
    StoredRecord, Updated, Version,
};
pub use ticket::{StoreKey, Ticket, TicketError};
pub use vault::{CreateError, LoadError, Opened, UpdateError, Vault};

/// The bounds of a [`MemoryStore`].
pub type MemoryLimits = Limits;
