//! A session store that counts how often it is read, is down when it is told to be, and plays tricks on who writes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use cloakroom_vault::{
    Change, Consumed, Created, DeletedAt, IndexKey, Limits, Listed, MemoryStore, NewRecord, Store,
    StoreError, StoreKey, StoredRecord, Updated, Version,
};

/// Keeps records in memory.
#[derive(Debug)]
pub(crate) struct WatchedStore {
    inner: MemoryStore,
    loads: AtomicUsize,
    down: AtomicBool,
    tricks: Mutex<VecDeque<Trick>>,
}

/// What happens to the next `update` or `delete_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trick {
    /// Somebody else has just written: nothing is done.
    Conflict,
    /// It is done, and answered as if somebody else had come first.
    ConflictAfterWriting,
    /// The session ends just before.
    DeleteFirst,
    /// The store does not answer.
    Down,
}

impl Default for WatchedStore {
    fn default() -> Self {
        Self {
            inner: MemoryStore::new(Limits::default()),
            loads: AtomicUsize::new(0),
            down: AtomicBool::new(false),
            tricks: Mutex::default(),
        }
    }
}

impl WatchedStore {
    /// Reads since this was last asked.
    pub(crate) fn loads(&self) -> usize {
        self.loads.swap(0, Ordering::Relaxed)
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    /// Plays these, one at each write.
    pub(crate) fn play(&self, tricks: &[Trick]) {
        *self.tricks() = tricks.iter().copied().collect();
    }

    pub(crate) fn all_played(&self) -> bool {
        self.tricks().is_empty()
    }

    fn tricks(&self) -> std::sync::MutexGuard<'_, VecDeque<Trick>> {
        self.tricks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trick(&self) -> Option<Trick> {
        self.tricks().pop_front()
    }

    fn up(&self) -> Result<&MemoryStore, StoreError> {
        if self.down.load(Ordering::Relaxed) {
            return Err(unavailable());
        }
        Ok(&self.inner)
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable {
        doing: "be there",
        source: "it is down".into(),
    }
}

#[async_trait]
impl Store for WatchedStore {
    async fn create(&self, record: NewRecord<'_>) -> Result<Created, StoreError> {
        self.up()?.create(record).await
    }

    async fn load(&self, key: &StoreKey, now: u64) -> Result<Option<StoredRecord>, StoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.up()?.load(key, now).await
    }

    async fn update(&self, change: Change<'_>) -> Result<Updated, StoreError> {
        let trick = self.trick();
        let store = self.up()?;
        match trick {
            None => store.update(change).await,
            Some(Trick::Conflict) => Ok(Updated::Conflict),
            Some(Trick::ConflictAfterWriting) => {
                store.update(change).await.map(|_| Updated::Conflict)
            }
            Some(Trick::DeleteFirst) => {
                store.delete(&change.key).await?;
                store.update(change).await
            }
            Some(Trick::Down) => Err(unavailable()),
        }
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        self.up()?.delete(key).await
    }

    async fn delete_at(&self, key: &StoreKey, at: Version) -> Result<DeletedAt, StoreError> {
        match self.trick() {
            Some(Trick::Conflict) => Ok(DeletedAt::Conflict),
            _ => self.up()?.delete_at(key, at).await,
        }
    }

    async fn touch(&self, key: &StoreKey, idle_until: u64, now: u64) -> Result<bool, StoreError> {
        self.up()?.touch(key, idle_until, now).await
    }

    async fn delete_by_index(
        &self,
        indexes: &[IndexKey],
        now: u64,
        remember_until: Option<u64>,
    ) -> Result<u64, StoreError> {
        self.up()?
            .delete_by_index(indexes, now, remember_until)
            .await
    }

    async fn list_by_index(
        &self,
        indexes: &[IndexKey],
        now: u64,
    ) -> Result<Vec<Listed>, StoreError> {
        self.up()?.list_by_index(indexes, now).await
    }

    async fn consume_once(
        &self,
        id: &[u8; 32],
        until: u64,
        now: u64,
    ) -> Result<Consumed, StoreError> {
        self.up()?.consume_once(id, until, now).await
    }

    async fn sweep(&self, now: u64, limit: u32) -> Result<u64, StoreError> {
        self.up()?.sweep(now, limit).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.up()?.ready().await
    }
}
