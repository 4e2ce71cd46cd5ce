//! Stores that are broken on purpose, each in one way that real stores were seen to be broken in.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_vault::contract::LIMITS;
use cloakroom_vault::{
    Change, Consumed, Created, Deadlines, DeletedAt, IndexKey, Limits, Listed, MemoryStore,
    NewRecord, Store, StoreError, StoreKey, StoredRecord, Updated, Version,
};

/// How long a race stays open in the stores that have one: long enough to be met on a busy machine.
const WINDOW: Duration = Duration::from_millis(80);

/// In which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    LoadCutsBytes,
    CreateOverwrites,
    RefusedCreateWritesIndexes,
    DeleteOnlyPretends,
    DeleteIgnoresVersion,
    FullStoreEvicts,
    ExpiredRecordsKeepTheirPlace,
    NeverReady,
    UpdateIgnoresVersion,
    UpdateIsUpsert,
    UpdateExtends,
    UpdateKeepsOldIndexes,
    UpdateChecksThenWrites,
    LateWriteReturns,
    LoadIgnoresDeadlines,
    IdleMayPassAbsolute,
    TouchMovesBack,
    TouchBumpsVersion,
    TouchRevives,
    SweepTakesTheLiving,
    SweepIgnoresLimit,
    TimesWrap,
    IndexEndsOnlyOne,
    DeleteLeavesIndexes,
    ListRepeats,
    LogoutIsForgotten,
    LogoutIsAlwaysRemembered,
    CreateChecksTooEarly,
    FullMemorySkipsDelete,
    ConsumeForgets,
    ConsumeChecksThenInserts,
    ConsumeForgetsEarly,
    FullSetEvicts,
    ExpiredIdsKeepTheirPlace,
}

impl Fault {
    /// Each fault, and the case that must find it.
    pub(crate) const ALL: &[(Self, &str)] = &[
        (Self::LoadCutsBytes, "a_created_record_is_read_back_whole"),
        (Self::CreateOverwrites, "create_never_overwrites"),
        (
            Self::RefusedCreateWritesIndexes,
            "a_refused_create_leaves_no_index",
        ),
        (
            Self::DeleteOnlyPretends,
            "delete_says_whether_it_was_there_and_it_stays_away",
        ),
        (
            Self::DeleteIgnoresVersion,
            "delete_at_deletes_only_the_version_that_was_read",
        ),
        (
            Self::FullStoreEvicts,
            "a_full_store_refuses_and_keeps_everyone",
        ),
        (
            Self::ExpiredRecordsKeepTheirPlace,
            "expired_records_make_room",
        ),
        (Self::NeverReady, "it_says_that_it_is_ready"),
        (
            Self::UpdateIgnoresVersion,
            "update_writes_only_the_version_that_was_read",
        ),
        (Self::UpdateIsUpsert, "update_never_creates"),
        (Self::UpdateExtends, "update_moves_no_deadline"),
        (
            Self::UpdateKeepsOldIndexes,
            "update_replaces_the_indexes_or_leaves_them",
        ),
        (
            Self::UpdateChecksThenWrites,
            "of_concurrent_updates_one_wins",
        ),
        (
            Self::UpdateIsUpsert,
            "a_late_write_after_a_delete_stays_lost",
        ),
        (
            Self::LateWriteReturns,
            "a_late_write_after_a_delete_stays_lost",
        ),
        (Self::LoadIgnoresDeadlines, "an_expired_record_is_not_read"),
        (
            Self::IdleMayPassAbsolute,
            "the_idle_deadline_is_never_past_the_absolute_one",
        ),
        (
            Self::TouchMovesBack,
            "touch_moves_only_later_and_never_past_the_absolute_deadline",
        ),
        (
            Self::TouchBumpsVersion,
            "touch_writes_neither_bytes_nor_version",
        ),
        (Self::TouchRevives, "touch_never_brings_back"),
        (
            Self::SweepTakesTheLiving,
            "sweep_removes_what_is_over_and_nothing_else",
        ),
        (Self::SweepIgnoresLimit, "sweep_stays_within_its_limit"),
        (Self::TimesWrap, "the_last_of_times_is_a_time"),
        (
            Self::IndexEndsOnlyOne,
            "delete_by_index_ends_all_it_leads_to_and_no_other",
        ),
        (Self::DeleteLeavesIndexes, "deleted_records_leave_no_index"),
        (Self::ListRepeats, "a_list_has_each_living_record_once"),
        (
            Self::LogoutIsForgotten,
            "a_remembered_logout_forbids_create_until_its_time",
        ),
        (
            Self::LogoutIsAlwaysRemembered,
            "a_logout_that_is_not_remembered_forbids_nothing",
        ),
        (
            Self::CreateChecksTooEarly,
            "a_create_cannot_slip_past_a_logout",
        ),
        (
            Self::FullMemorySkipsDelete,
            "a_full_memory_of_logouts_still_deletes",
        ),
        (Self::ConsumeForgets, "an_id_is_consumed_once"),
        (
            Self::ConsumeChecksThenInserts,
            "of_concurrent_consumers_one_is_first",
        ),
        (
            Self::ConsumeForgetsEarly,
            "a_consumed_id_is_kept_until_its_time",
        ),
        (Self::FullSetEvicts, "a_full_set_refuses_and_forgets_nobody"),
        (Self::ExpiredIdsKeepTheirPlace, "expired_ids_make_room"),
    ];
}

/// A memory store that does one thing wrong, or none.
#[derive(Debug)]
pub(crate) struct Broken {
    fault: Option<Fault>,
    right: MemoryStore,
    notes: Mutex<Notes>,
}

/// What a fault needs to remember.
#[derive(Debug, Default)]
struct Notes {
    /// Records as they were created: bytes, indexes, deadlines.
    made: HashMap<StoreKey, (Vec<u8>, Vec<IndexKey>, Deadlines)>,
    /// Keys that were written, in the order they came.
    order: Vec<StoreKey>,
    deleted: HashSet<StoreKey>,
    consumed: HashMap<[u8; 32], u64>,
    remembered: HashMap<IndexKey, u64>,
    /// Index entries that should not be there any more.
    left: HashSet<(IndexKey, StoreKey)>,
}

impl Broken {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        // Some faults are in the counting of what the wrapped store would count right: it gets no bound then.
        let unbounded = Limits {
            records: u64::MAX,
            consumed: u64::MAX,
        };
        let limits = match fault {
            Some(
                Fault::FullStoreEvicts
                | Fault::ExpiredRecordsKeepTheirPlace
                | Fault::ExpiredIdsKeepTheirPlace,
            ) => unbounded,
            _ => LIMITS,
        };
        Self {
            fault,
            right: MemoryStore::new(limits),
            notes: Mutex::default(),
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    fn note(&self, record: &NewRecord<'_>) {
        let mut notes = self.notes();
        notes.order.push(record.key);
        notes.deleted.remove(&record.key);
        notes.made.insert(
            record.key,
            (
                record.sealed.to_vec(),
                record.indexes.to_vec(),
                record.deadlines,
            ),
        );
    }

    /// Writes a record again, as it was created.
    async fn bring_back(&self, key: &StoreKey, sealed: &[u8], now: u64) -> Result<(), StoreError> {
        let made = self.notes().made.get(key).cloned();
        if let Some((_, indexes, deadlines)) = made {
            self.right.delete(key).await?;
            let record = NewRecord {
                key: *key,
                sealed,
                indexes: &indexes,
                barred_by: &[],
                deadlines,
                now,
            };
            self.right.create(record).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Broken {
    async fn create(&self, mut record: NewRecord<'_>) -> Result<Created, StoreError> {
        match self.fault {
            Some(Fault::CreateOverwrites) => {
                self.right.delete(&record.key).await?;
            }
            Some(Fault::RefusedCreateWritesIndexes) => {
                let left = record.indexes.iter().map(|term| (*term, record.key));
                self.notes().left.extend(left);
            }
            Some(Fault::FullStoreEvicts) => {
                let oldest = {
                    let mut notes = self.notes();
                    let full = notes.order.len() as u64 >= LIMITS.records;
                    full.then(|| notes.order.remove(0))
                };
                if let Some(oldest) = oldest {
                    self.right.delete(&oldest).await?;
                }
            }
            Some(Fault::ExpiredRecordsKeepTheirPlace)
                if self.notes().order.len() as u64 >= LIMITS.records =>
            {
                return Err(StoreError::Full {
                    what: "records",
                    limit: LIMITS.records,
                });
            }
            Some(Fault::IdleMayPassAbsolute) => record.deadlines.absolute_until = u64::MAX,
            Some(Fault::TimesWrap) => {
                let wrap = |time: u64| if time > u64::MAX / 2 { 0 } else { time };
                record.deadlines = Deadlines {
                    idle_until: wrap(record.deadlines.idle_until),
                    absolute_until: wrap(record.deadlines.absolute_until),
                };
            }
            Some(Fault::CreateChecksTooEarly) => {
                let covered = {
                    let notes = self.notes();
                    let mut terms = record.indexes.iter().chain(record.barred_by);
                    terms.any(|term| {
                        notes
                            .remembered
                            .get(term)
                            .is_some_and(|until| record.now < *until)
                    })
                };
                if covered {
                    return Ok(Created::LoggedOut);
                }
                // Between the check and the write there is time for a logout.
                tokio::time::sleep(WINDOW).await;
            }
            _ => {}
        }
        let done = self.right.create(record).await?;
        if done == Created::Created {
            self.note(&record);
        }
        Ok(done)
    }

    async fn load(&self, key: &StoreKey, now: u64) -> Result<Option<StoredRecord>, StoreError> {
        let now = if self.is(Fault::LoadIgnoresDeadlines) {
            0
        } else {
            now
        };
        let mut read = self.right.load(key, now).await?;
        if let (true, Some(read)) = (self.is(Fault::LoadCutsBytes), &mut read) {
            read.sealed.truncate(4_096);
        }
        if self.is(Fault::DeleteOnlyPretends)
            && read.is_none()
            && self.notes().deleted.contains(key)
        {
            let (sealed, _, deadlines) = self.notes().made.get(key).cloned().unwrap();
            read = Some(StoredRecord {
                sealed,
                version: Version::FIRST,
                deadlines,
                created_at: now,
                touched_at: now,
            });
        }
        Ok(read)
    }

    async fn update(&self, mut change: Change<'_>) -> Result<Updated, StoreError> {
        match self.fault {
            Some(Fault::UpdateIgnoresVersion) => {
                if let Some(read) = self.right.load(&change.key, change.now).await? {
                    change.at = read.version;
                }
            }
            Some(Fault::UpdateChecksThenWrites) => {
                let read = self.right.load(&change.key, change.now).await?;
                let Some(read) = read else {
                    return Ok(Updated::Gone);
                };
                if read.version != change.at {
                    return Ok(Updated::Conflict);
                }
                tokio::time::sleep(WINDOW).await;
                self.right.update(change).await?;
                return Ok(Updated::Updated(change.at.next()));
            }
            Some(Fault::UpdateExtends) => {
                self.right.touch(&change.key, u64::MAX, change.now).await?;
            }
            Some(Fault::UpdateKeepsOldIndexes) => change.indexes = None,
            _ => {}
        }
        let done = self.right.update(change).await?;
        if self.is(Fault::UpdateIsUpsert) && done == Updated::Gone {
            let deadlines = Deadlines {
                idle_until: u64::MAX,
                absolute_until: u64::MAX,
            };
            let indexes = self
                .notes()
                .made
                .get(&change.key)
                .map(|(_, indexes, _)| indexes.clone())
                .unwrap_or_default();
            let record = NewRecord {
                key: change.key,
                sealed: change.sealed,
                indexes: &indexes,
                barred_by: &[],
                deadlines,
                now: change.now,
            };
            self.right.create(record).await?;
            return Ok(Updated::Updated(change.at.next()));
        }
        Ok(done)
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        let done = self.right.delete(key).await?;
        let mut notes = self.notes();
        notes.order.retain(|other| other != key);
        if done {
            notes.deleted.insert(*key);
            if self.is(Fault::DeleteLeavesIndexes) {
                let indexes = notes
                    .made
                    .get(key)
                    .map(|(_, indexes, _)| indexes.clone())
                    .unwrap_or_default();
                notes
                    .left
                    .extend(indexes.into_iter().map(|term| (term, *key)));
            }
        }
        Ok(done)
    }

    async fn delete_at(&self, key: &StoreKey, at: Version) -> Result<DeletedAt, StoreError> {
        if self.is(Fault::DeleteIgnoresVersion) {
            let done = self.right.delete(key).await?;
            return Ok(if done {
                DeletedAt::Deleted
            } else {
                DeletedAt::Gone
            });
        }
        self.right.delete_at(key, at).await
    }

    async fn touch(&self, key: &StoreKey, idle_until: u64, now: u64) -> Result<bool, StoreError> {
        match self.fault {
            Some(Fault::TouchRevives) => {
                let sealed = self
                    .notes()
                    .made
                    .get(key)
                    .map(|(sealed, _, _)| sealed.clone());
                let lives = self.right.load(key, now).await?.is_some();
                if let (Some(sealed), false) = (sealed, lives) {
                    self.right.delete(key).await?;
                    let deadlines = Deadlines {
                        idle_until,
                        absolute_until: u64::MAX,
                    };
                    let record = NewRecord {
                        key: *key,
                        sealed: &sealed,
                        indexes: &[],
                        barred_by: &[],
                        deadlines,
                        now,
                    };
                    self.right.create(record).await?;
                    return Ok(true);
                }
            }
            Some(Fault::TouchMovesBack) => {
                if let Some(read) = self.right.load(key, now).await? {
                    let (_, indexes, _) = self.notes().made.get(key).cloned().unwrap();
                    self.right.delete(key).await?;
                    let deadlines = Deadlines {
                        idle_until,
                        ..read.deadlines
                    };
                    let sealed = &read.sealed;
                    let record = NewRecord {
                        key: *key,
                        sealed,
                        indexes: &indexes,
                        barred_by: &[],
                        deadlines,
                        now,
                    };
                    self.right.create(record).await?;
                    return Ok(true);
                }
            }
            Some(Fault::TouchBumpsVersion) => {
                if let Some(read) = self.right.load(key, now).await? {
                    let change = Change {
                        key: *key,
                        at: read.version,
                        sealed: &read.sealed,
                        indexes: None,
                        now,
                    };
                    self.right.update(change).await?;
                }
            }
            Some(Fault::LateWriteReturns) => {
                // Reads, waits, and saves the whole of what it read: the request that outlives a logout.
                if let Some(read) = self.right.load(key, now).await? {
                    tokio::time::sleep(WINDOW).await;
                    self.bring_back(key, &read.sealed, now).await?;
                    return Ok(true);
                }
            }
            _ => {}
        }
        self.right.touch(key, idle_until, now).await
    }

    async fn delete_by_index(
        &self,
        indexes: &[IndexKey],
        now: u64,
        mut remember_until: Option<u64>,
    ) -> Result<u64, StoreError> {
        match self.fault {
            Some(Fault::IndexEndsOnlyOne) => {
                let listed = self.right.list_by_index(indexes, now).await?;
                let Some(first) = listed.first() else {
                    return Ok(0);
                };
                return Ok(u64::from(self.right.delete(&first.key).await?));
            }
            Some(Fault::LogoutIsForgotten) => remember_until = None,
            Some(Fault::LogoutIsAlwaysRemembered) => remember_until = Some(u64::MAX),
            Some(Fault::CreateChecksTooEarly) => {
                if let Some(until) = remember_until.take() {
                    self.notes()
                        .remembered
                        .extend(indexes.iter().map(|term| (*term, until)));
                }
            }
            Some(Fault::FullMemorySkipsDelete) => {
                let full = {
                    let mut notes = self.notes();
                    notes.remembered.retain(|_, until| now < *until);
                    notes.remembered.len() as u64 >= LIMITS.consumed
                };
                if full && remember_until.is_some() {
                    return Err(StoreError::Full {
                        what: "remembered logouts",
                        limit: LIMITS.consumed,
                    });
                }
                if let Some(until) = remember_until {
                    self.notes()
                        .remembered
                        .extend(indexes.iter().map(|term| (*term, until)));
                }
            }
            _ => {}
        }
        self.right
            .delete_by_index(indexes, now, remember_until)
            .await
    }

    async fn list_by_index(
        &self,
        indexes: &[IndexKey],
        now: u64,
    ) -> Result<Vec<Listed>, StoreError> {
        if self.is(Fault::ListRepeats) {
            let mut listed = Vec::new();
            for term in indexes {
                listed.extend(self.right.list_by_index(&[*term], now).await?);
            }
            return Ok(listed);
        }
        let mut listed = self.right.list_by_index(indexes, now).await?;
        for (term, key) in &self.notes().left {
            if indexes.contains(term) && !listed.iter().any(|one| one.key == *key) {
                let deadlines = Deadlines {
                    idle_until: u64::MAX,
                    absolute_until: u64::MAX,
                };
                listed.push(Listed {
                    key: *key,
                    version: Version::FIRST,
                    deadlines,
                    created_at: 0,
                    touched_at: 0,
                });
            }
        }
        Ok(listed)
    }

    async fn consume_once(
        &self,
        id: &[u8; 32],
        until: u64,
        now: u64,
    ) -> Result<Consumed, StoreError> {
        match self.fault {
            Some(Fault::ConsumeForgets) => return Ok(Consumed::First),
            Some(Fault::ConsumeForgetsEarly) => {
                return self.right.consume_once(id, now + 10, now).await;
            }
            Some(Fault::TimesWrap) if until > u64::MAX / 2 => return Ok(Consumed::First),
            Some(Fault::ConsumeChecksThenInserts) => {
                let spent = self
                    .notes()
                    .consumed
                    .get(id)
                    .is_some_and(|until| now < *until);
                tokio::time::sleep(WINDOW).await;
                self.notes().consumed.insert(*id, until);
                return Ok(if spent {
                    Consumed::Again
                } else {
                    Consumed::First
                });
            }
            Some(Fault::FullSetEvicts) => {
                let mut notes = self.notes();
                if notes.consumed.contains_key(id) {
                    return Ok(Consumed::Again);
                }
                if notes.consumed.len() as u64 >= LIMITS.consumed {
                    let any = *notes.consumed.keys().next().unwrap();
                    notes.consumed.remove(&any);
                }
                notes.consumed.insert(*id, until);
                return Ok(Consumed::First);
            }
            Some(Fault::ExpiredIdsKeepTheirPlace) => {
                let full = self.notes().consumed.len() as u64 >= LIMITS.consumed;
                let done = self.right.consume_once(id, until, now).await?;
                if done == Consumed::First && full {
                    return Ok(Consumed::Full);
                }
                self.notes().consumed.insert(*id, until);
                return Ok(done);
            }
            _ => {}
        }
        self.right.consume_once(id, until, now).await
    }

    async fn sweep(&self, now: u64, limit: u32) -> Result<u64, StoreError> {
        match self.fault {
            Some(Fault::SweepTakesTheLiving) => self.right.sweep(now + 400, limit).await,
            Some(Fault::SweepIgnoresLimit) => self.right.sweep(now, u32::MAX).await,
            _ => self.right.sweep(now, limit).await,
        }
    }

    async fn ready(&self) -> Result<(), StoreError> {
        if self.is(Fault::NeverReady) {
            return Err(StoreError::Unavailable {
                doing: "say that it is ready",
                source: "broken on purpose".into(),
            });
        }
        self.right.ready().await
    }
}
