//! A session store that counts how often it is read, and is down when it is told to be.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
}

impl Default for WatchedStore {
    fn default() -> Self {
        Self {
            inner: MemoryStore::new(Limits::default()),
            loads: AtomicUsize::new(0),
            down: AtomicBool::new(false),
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

    fn up(&self) -> Result<&MemoryStore, StoreError> {
        if self.down.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable {
                doing: "be there",
                source: "it is down".into(),
            });
        }
        Ok(&self.inner)
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
        self.up()?.update(change).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        self.up()?.delete(key).await
    }

    async fn delete_at(&self, key: &StoreKey, at: Version) -> Result<DeletedAt, StoreError> {
        self.up()?.delete_at(key, at).await
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
