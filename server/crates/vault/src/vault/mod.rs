//! The vault: seals, opens and indexes records over any [`Store`].
//!
//! A record is sealed under a key derived from the ring and from its ticket, with purpose, format, key id, store key and
//! version as additional data: a stolen store opens nothing, and a record that was copied to another place or put back
//! at another version is refused.

mod error;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

pub use self::error::{CreateError, LoadError, UpdateError};
use crate::encode;
use crate::index::{IndexKey, IndexTerm};
use crate::key_ring::{KeyId, KeyRing};
use crate::seal;
use crate::store::{
    Change, Consumed, Created, Deadlines, DeletedAt, Listed, NewRecord, Store, StoreError,
    StoredRecord, Updated, Version,
};
use crate::ticket::{Ticket, sha256};

const PURPOSE: &str = "cloakroom vault record";
const CONSUMED: &[u8] = b"cloakroom consumed id";

/// A record, opened.
pub struct Opened {
    /// What the application put in.
    pub content: Zeroizing<Vec<u8>>,
    /// How often it was written. An update names it.
    pub version: Version,
    /// Until when it lives.
    pub deadlines: Deadlines,
    /// When it was created, Unix seconds.
    pub created_at: u64,
    /// When it was last touched, Unix seconds; at first, when it was created.
    pub touched_at: u64,
    /// The key it is sealed under. Where that is not the ring's sealing key, an update moves it there.
    pub sealed_under: KeyId,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("bytes", &self.content.len())
            .field("version", &self.version)
            .field("deadlines", &self.deadlines)
            .field("created_at", &self.created_at)
            .field("touched_at", &self.touched_at)
            .field("sealed_under", &self.sealed_under)
            .finish()
    }
}

/// Records over a store, sealed under a ring. Cloning shares both.
#[derive(Debug, Clone)]
pub struct Vault {
    store: Arc<dyn Store>,
    ring: KeyRing,
}

impl Vault {
    /// A vault over this store and ring.
    pub fn new(store: Arc<dyn Store>, ring: KeyRing) -> Self {
        Self { store, ring }
    }

    /// The ring.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Creates the ticket's record, only if it has none and no remembered logout covers one of the terms.
    ///
    /// `seal_id` is 16 random bytes, new for every call. Times are Unix seconds.
    pub async fn create(
        &self,
        ticket: &Ticket,
        content: &[u8],
        indexes: &[IndexTerm],
        deadlines: Deadlines,
        now: u64,
        seal_id: [u8; 16],
    ) -> Result<(), CreateError> {
        let sealed = self.seal(ticket, Version::FIRST, &pack(indexes, content), seal_id);
        let record = NewRecord {
            key: ticket.store_key(),
            sealed: &sealed,
            indexes: &self.written_under(indexes),
            barred_by: &self.looked_up_under(indexes),
            deadlines,
            now,
        };
        match self.store.create(record).await? {
            Created::Created => Ok(()),
            Created::Exists => Err(CreateError::Exists),
            Created::LoggedOut => Err(CreateError::LoggedOut),
        }
    }

    /// Reads and opens the ticket's record; `None` where it has none that lives. A failure leaves it as it is.
    pub async fn load(&self, ticket: &Ticket, now: u64) -> Result<Option<Opened>, LoadError> {
        let Some(record) = self.store.load(&ticket.store_key(), now).await? else {
            return Ok(None);
        };
        let (sealed_under, plaintext) = self.open(ticket, &record)?;
        let (_, content) = unpack(&plaintext).ok_or(LoadError::Refused)?;
        Ok(Some(Opened {
            content: Zeroizing::new(content.to_vec()),
            version: record.version,
            deadlines: record.deadlines,
            created_at: record.created_at,
            touched_at: record.touched_at,
            sealed_under,
        }))
    }

    /// Writes a new content, only at the version that was read, sealed under the ring's first key. Deadlines and
    /// index terms stay; where the key changed, the terms are written again under the new one in the same step.
    pub async fn update(
        &self,
        ticket: &Ticket,
        at: Version,
        content: &[u8],
        now: u64,
        seal_id: [u8; 16],
    ) -> Result<Version, UpdateError> {
        let key = ticket.store_key();
        // The terms are known only to the record itself, so the new one takes them from the old one.
        let record = self.store.load(&key, now).await?.ok_or(UpdateError::Gone)?;
        if record.version != at {
            return Err(UpdateError::Conflict);
        }
        let (sealed_under, plaintext) = self.open(ticket, &record)?;
        let (terms, _) = unpack(&plaintext).ok_or(UpdateError::Refused)?;
        let moved =
            (sealed_under != self.ring.sealing_key().id()).then(|| self.written_under(&terms));
        let sealed = self.seal(ticket, at.next(), &pack(&terms, content), seal_id);
        let change = Change {
            key,
            at,
            sealed: &sealed,
            indexes: moved.as_deref(),
            now,
        };
        match self.store.update(change).await? {
            Updated::Updated(version) => Ok(version),
            Updated::Conflict => Err(UpdateError::Conflict),
            Updated::Gone => Err(UpdateError::Gone),
        }
    }

    /// Deletes the ticket's record, unread, and says whether there was one.
    pub async fn delete(&self, ticket: &Ticket) -> Result<bool, StoreError> {
        self.store.delete(&ticket.store_key()).await
    }

    /// Deletes the ticket's record, unread, only at the version that was read.
    pub async fn delete_at(&self, ticket: &Ticket, at: Version) -> Result<DeletedAt, StoreError> {
        self.store.delete_at(&ticket.store_key(), at).await
    }

    /// Notes that the ticket's record was used: its idle deadline moves to `idle_until`, only later and never past the
    /// absolute one. Says whether the record lives.
    pub async fn touch(
        &self,
        ticket: &Ticket,
        idle_until: u64,
        now: u64,
    ) -> Result<bool, StoreError> {
        self.store.touch(&ticket.store_key(), idle_until, now).await
    }

    /// Consumes an id of this kind: the first caller is told so, every later one is refused until `until`.
    ///
    /// The store gets a hash of it and no HMAC: instances whose ring begins with different keys, as in a rotation, must
    /// meet at one row.
    pub async fn consume_once(
        &self,
        kind: &'static str,
        id: &[u8],
        until: u64,
        now: u64,
    ) -> Result<Consumed, StoreError> {
        self.store
            .consume_once(&sha256(&[CONSUMED, kind.as_bytes(), id]), until, now)
            .await
    }

    /// Deletes, unread, every record that was created with this term, and says how many of them were alive. With
    /// `remember_until`, records with the term cannot be created until then. On [`StoreError::Full`] the records are
    /// deleted but the logout is not remembered: ask again.
    pub async fn delete_by_index(
        &self,
        term: &IndexTerm,
        now: u64,
        remember_until: Option<u64>,
    ) -> Result<u64, StoreError> {
        self.store
            .delete_by_index(&term.keys_under(&self.ring), now, remember_until)
            .await
    }

    /// The living records that were created with this term, unread, the oldest first.
    pub async fn list_by_index(
        &self,
        term: &IndexTerm,
        now: u64,
    ) -> Result<Vec<Listed>, StoreError> {
        self.store
            .list_by_index(&term.keys_under(&self.ring), now)
            .await
    }

    /// Removes at most `limit` things whose time is over, and says how many there were. Short: call it again, a moment
    /// later, until the answer is less than `limit`.
    pub async fn sweep(&self, now: u64, limit: u32) -> Result<u64, StoreError> {
        self.store.sweep(now, limit).await
    }

    /// Whether records can be read and written now.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await
    }

    fn seal(
        &self,
        ticket: &Ticket,
        version: Version,
        plaintext: &[u8],
        seal_id: [u8; 16],
    ) -> Vec<u8> {
        let key = ticket.store_key();
        let aad: [&[u8]; 2] = [key.as_bytes(), &version.0.to_be_bytes()];
        self.ring
            .seal(PURPOSE, ticket.bytes(), &aad, plaintext, seal_id)
    }

    fn open(
        &self,
        ticket: &Ticket,
        record: &StoredRecord,
    ) -> Result<(KeyId, Zeroizing<Vec<u8>>), LoadError> {
        let key = ticket.store_key();
        let aad: [&[u8]; 2] = [key.as_bytes(), &record.version.0.to_be_bytes()];
        let plaintext = self
            .ring
            .open(PURPOSE, ticket.bytes(), &aad, &record.sealed)?;
        Ok((seal::key_id(&record.sealed)?, plaintext))
    }

    fn written_under(&self, terms: &[IndexTerm]) -> Vec<IndexKey> {
        terms
            .iter()
            .map(|term| term.key_under(self.ring.sealing_key()))
            .collect()
    }

    fn looked_up_under(&self, terms: &[IndexTerm]) -> Vec<IndexKey> {
        terms
            .iter()
            .flat_map(|term| term.keys_under(&self.ring))
            .collect()
    }
}

/// The plaintext of a record: how many terms, each term, the content. The terms are in it so that they can be written
/// again under a new key; outside it only their HMACs exist.
fn pack(terms: &[IndexTerm], content: &[u8]) -> Zeroizing<Vec<u8>> {
    let count = (terms.len() as u64).to_be_bytes();
    let size = terms
        .iter()
        .map(|term| encode::put_size(term.encoded().len()))
        .sum::<usize>();
    let mut out = Zeroizing::new(Vec::with_capacity(count.len() + size + content.len()));
    out.extend_from_slice(&count);
    for term in terms {
        encode::put(&mut out, term.encoded());
    }
    out.extend_from_slice(content);
    out
}

fn unpack(mut plaintext: &[u8]) -> Option<(Vec<IndexTerm>, &[u8])> {
    let count = encode::take_number(&mut plaintext)?;
    let mut terms = Vec::new();
    for _ in 0..count {
        terms.push(IndexTerm::from_encoded(encode::take(&mut plaintext)?));
    }
    Some((terms, plaintext))
}
