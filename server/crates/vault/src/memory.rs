//! A store in memory, bounded: a full one refuses new records and never drops a living one. Everything in it ends with
//! the process.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::index::IndexKey;
use crate::store::{
    Change, Consumed, Created, Deadlines, DeletedAt, Limits, Listed, NewRecord, Store, StoreError,
    StoredRecord, Updated, Version,
};
use crate::ticket::StoreKey;

/// How many expired records or ids an insert into a full store clears away: enough to make room, too few to be felt.
const MAKE_ROOM: u64 = 64;

/// A store in memory. See [`Store`].
#[derive(Debug)]
pub struct MemoryStore {
    limits: Limits,
    // Held for a few map operations at a time, never across an await.
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store with these bounds.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: Mutex::new(State::default()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock; were it to, each step would still have left the maps readable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct State {
    records: HashMap<StoreKey, Held>,
    /// When each record expires, the earliest first.
    expiry: BTreeSet<(u64, StoreKey)>,
    /// Which records each term leads to. One ordered set needs no allocation an entry, unlike a map of lists.
    terms: BTreeSet<(IndexKey, StoreKey)>,
    consumed: Timed,
    remembered: Timed,
}

#[derive(Debug)]
struct Held {
    sealed: Box<[u8]>,
    indexes: Box<[IndexKey]>,
    version: Version,
    deadlines: Deadlines,
    created_at: u64,
    touched_at: u64,
}

impl Held {
    fn lives(&self, now: u64) -> bool {
        now < self.deadlines.expires_at()
    }
}

impl State {
    fn living(&mut self, key: &StoreKey, now: u64) -> Option<&mut Held> {
        self.records.get_mut(key).filter(|held| held.lives(now))
    }

    fn remove(&mut self, key: &StoreKey) -> Option<Held> {
        let held = self.records.remove(key)?;
        self.expiry.remove(&(held.deadlines.expires_at(), *key));
        for term in &held.indexes {
            self.terms.remove(&(*term, *key));
        }
        Some(held)
    }

    fn found_by(&self, indexes: &[IndexKey]) -> BTreeSet<StoreKey> {
        let first = StoreKey::from_bytes([0; 32]);
        let last = StoreKey::from_bytes([0xff; 32]);
        let range = |term: &IndexKey| self.terms.range((*term, first)..=(*term, last));
        indexes
            .iter()
            .flat_map(range)
            .map(|(_, key)| *key)
            .collect()
    }

    fn sweep_records(&mut self, now: u64, limit: u64) -> u64 {
        let mut swept = 0;
        while swept < limit {
            let Some(&(at, key)) = self.expiry.first() else {
                break;
            };
            if now < at {
                break;
            }
            self.remove(&key);
            swept += 1;
        }
        swept
    }
}

/// Ids that are kept for a time.
#[derive(Debug, Default)]
struct Timed {
    until: HashMap<[u8; 32], u64>,
    order: BTreeSet<(u64, [u8; 32])>,
}

impl Timed {
    fn holds(&self, id: &[u8; 32], now: u64) -> bool {
        self.until.get(id).is_some_and(|until| now < *until)
    }

    /// Whether one more id fits, or this one is there already. Clears away what is over.
    fn fits(&mut self, id: &[u8; 32], now: u64, limit: u64) -> bool {
        let full = |set: &Self| set.until.len() as u64 >= limit;
        if full(self) {
            self.sweep(now, MAKE_ROOM);
        }
        !full(self) || self.until.contains_key(id)
    }

    /// Keeps the id until then, or for as long as it is kept already.
    fn keep(&mut self, id: [u8; 32], until: u64) {
        let kept = self.until.get(&id).copied();
        if kept.is_some_and(|kept| until <= kept) {
            return;
        }
        if let Some(kept) = kept {
            self.order.remove(&(kept, id));
        }
        self.until.insert(id, until);
        self.order.insert((until, id));
    }

    fn sweep(&mut self, now: u64, limit: u64) -> u64 {
        let mut swept = 0;
        while swept < limit {
            let Some(&(until, id)) = self.order.first() else {
                break;
            };
            if now < until {
                break;
            }
            self.order.pop_first();
            self.until.remove(&id);
            swept += 1;
        }
        swept
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn create(&self, record: NewRecord<'_>) -> Result<Created, StoreError> {
        let mut state = self.state();
        let mut covered = record.indexes.iter().chain(record.barred_by);
        if covered.any(|term| state.remembered.holds(term.as_bytes(), record.now)) {
            return Ok(Created::LoggedOut);
        }
        if state.records.contains_key(&record.key) {
            return Ok(Created::Exists);
        }
        if state.records.len() as u64 >= self.limits.records {
            state.sweep_records(record.now, MAKE_ROOM);
        }
        if state.records.len() as u64 >= self.limits.records {
            return Err(StoreError::Full {
                what: "records",
                limit: self.limits.records,
            });
        }
        let deadlines = Deadlines {
            idle_until: record.deadlines.expires_at(),
            ..record.deadlines
        };
        state.expiry.insert((deadlines.expires_at(), record.key));
        state
            .terms
            .extend(record.indexes.iter().map(|term| (*term, record.key)));
        let held = Held {
            sealed: record.sealed.into(),
            indexes: record.indexes.into(),
            version: Version::FIRST,
            deadlines,
            created_at: record.now,
            touched_at: record.now,
        };
        state.records.insert(record.key, held);
        Ok(Created::Created)
    }

    async fn load(&self, key: &StoreKey, now: u64) -> Result<Option<StoredRecord>, StoreError> {
        Ok(self.state().living(key, now).map(|held| StoredRecord {
            sealed: held.sealed.to_vec(),
            version: held.version,
            deadlines: held.deadlines,
            created_at: held.created_at,
            touched_at: held.touched_at,
        }))
    }

    async fn update(&self, change: Change<'_>) -> Result<Updated, StoreError> {
        let mut state = self.state();
        let Some(held) = state.living(&change.key, change.now) else {
            return Ok(Updated::Gone);
        };
        if held.version != change.at {
            return Ok(Updated::Conflict);
        }
        held.sealed = change.sealed.into();
        held.version = change.at.next();
        if let Some(indexes) = change.indexes {
            let before = std::mem::replace(&mut held.indexes, indexes.into());
            for term in before {
                state.terms.remove(&(term, change.key));
            }
            state
                .terms
                .extend(indexes.iter().map(|term| (*term, change.key)));
        }
        Ok(Updated::Updated(change.at.next()))
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        Ok(self.state().remove(key).is_some())
    }

    async fn delete_at(&self, key: &StoreKey, at: Version) -> Result<DeletedAt, StoreError> {
        let mut state = self.state();
        Ok(match state.records.get(key) {
            None => DeletedAt::Gone,
            Some(held) if held.version != at => DeletedAt::Conflict,
            Some(_) => {
                state.remove(key);
                DeletedAt::Deleted
            }
        })
    }

    async fn touch(&self, key: &StoreKey, idle_until: u64, now: u64) -> Result<bool, StoreError> {
        let mut state = self.state();
        let Some(held) = state.living(key, now) else {
            return Ok(false);
        };
        held.touched_at = held.touched_at.max(now);
        let before = held.deadlines.expires_at();
        let later = idle_until.min(held.deadlines.absolute_until).max(before);
        if later != before {
            held.deadlines.idle_until = later;
            state.expiry.remove(&(before, *key));
            state.expiry.insert((later, *key));
        }
        Ok(true)
    }

    async fn delete_by_index(
        &self,
        indexes: &[IndexKey],
        now: u64,
        remember_until: Option<u64>,
    ) -> Result<u64, StoreError> {
        let mut state = self.state();
        let mut ended = 0;
        for key in state.found_by(indexes) {
            if state.remove(&key).is_some_and(|held| held.lives(now)) {
                ended += 1;
            }
        }
        for term in indexes {
            if let Some(until) = remember_until {
                if !state
                    .remembered
                    .fits(term.as_bytes(), now, self.limits.consumed)
                {
                    return Err(StoreError::Full {
                        what: "remembered logouts",
                        limit: self.limits.consumed,
                    });
                }
                state.remembered.keep(*term.as_bytes(), until);
            }
        }
        Ok(ended)
    }

    async fn list_by_index(
        &self,
        indexes: &[IndexKey],
        now: u64,
    ) -> Result<Vec<Listed>, StoreError> {
        let state = self.state();
        let mut listed: Vec<Listed> = state
            .found_by(indexes)
            .into_iter()
            .filter_map(|key| state.records.get(&key).map(|held| (key, held)))
            .filter(|(_, held)| held.lives(now))
            .map(|(key, held)| Listed {
                key,
                version: held.version,
                deadlines: held.deadlines,
                created_at: held.created_at,
                touched_at: held.touched_at,
            })
            .collect();
        listed.sort_by_key(|one| (one.created_at, one.key));
        Ok(listed)
    }

    async fn consume_once(
        &self,
        id: &[u8; 32],
        until: u64,
        now: u64,
    ) -> Result<Consumed, StoreError> {
        let mut state = self.state();
        if state.consumed.holds(id, now) {
            return Ok(Consumed::Again);
        }
        if !state.consumed.fits(id, now, self.limits.consumed) {
            return Ok(Consumed::Full);
        }
        state.consumed.keep(*id, until.max(now.saturating_add(1)));
        Ok(Consumed::First)
    }

    async fn sweep(&self, now: u64, limit: u32) -> Result<u64, StoreError> {
        let limit = u64::from(limit);
        let mut state = self.state();
        let mut swept = state.sweep_records(now, limit);
        swept += state.consumed.sweep(now, limit - swept);
        swept += state.remembered.sweep(now, limit - swept);
        Ok(swept)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
