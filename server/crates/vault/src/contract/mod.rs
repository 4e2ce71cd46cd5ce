//! The cases every [`Store`] must pass, to be run by its author.
//!
//! [`check`] makes a fresh store for each of [`CASES`] and returns what failed. A case returns its failure instead of
//! panicking, so that a store which is broken on purpose can be shown to be found out.

mod indexes;
mod lifetimes;
mod once;
mod records;
mod writes;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::index::IndexKey;
use crate::store::{Created, Deadlines, Limits, NewRecord, Store, StoreError, Version};
use crate::ticket::StoreKey;

/// The bounds that a case's store must have: low, because some cases fill it.
pub const LIMITS: Limits = Limits {
    records: 24,
    consumed: 24,
};

/// One case.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// What it demands.
    pub name: &'static str,
    run: fn(Arc<dyn Store>) -> Run,
}

type Run = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type Outcome = Result<(), String>;

impl Case {
    /// Runs it on an empty store with [`LIMITS`]. Times in it are small numbers, not today's.
    pub async fn run(&self, store: Arc<dyn Store>) -> Result<(), Failure> {
        (self.run)(store).await.map_err(|said| Failure {
            case: self.name,
            said,
        })
    }
}

/// A case that a store did not pass.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The case's name.
    pub case: &'static str,
    /// What was seen.
    pub said: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.said)
    }
}

/// Runs every case, each on a store of its own, and returns those that failed.
///
/// `fresh` makes an empty store with [`LIMITS`]. Cases spawn tasks: call this within a Tokio runtime, best one with
/// several threads.
pub async fn check(fresh: impl AsyncFn() -> Arc<dyn Store>) -> Vec<Failure> {
    let mut failures = Vec::new();
    for case in CASES {
        if let Err(failure) = case.run(fresh().await).await {
            failures.push(failure);
        }
    }
    failures
}

macro_rules! cases {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {
        /// Every case.
        pub const CASES: &[Case] = &[
            $($(Case { name: stringify!($name), run: |store| Box::pin($module::$name(store)) },)+)+
        ];
    };
}

cases! {
    records:
        a_created_record_is_read_back_whole,
        create_never_overwrites,
        a_refused_create_leaves_no_index,
        delete_says_whether_it_was_there_and_it_stays_away,
        delete_at_deletes_only_the_version_that_was_read,
        a_full_store_refuses_and_keeps_everyone,
        expired_records_make_room,
        it_says_that_it_is_ready;
    writes:
        update_writes_only_the_version_that_was_read,
        update_never_creates,
        update_moves_no_deadline,
        update_replaces_the_indexes_or_leaves_them,
        of_concurrent_updates_one_wins,
        a_late_write_after_a_delete_stays_lost;
    lifetimes:
        an_expired_record_is_not_read,
        the_idle_deadline_is_never_past_the_absolute_one,
        touch_moves_only_later_and_never_past_the_absolute_deadline,
        touch_writes_neither_bytes_nor_version,
        touch_never_brings_back,
        sweep_removes_what_is_over_and_nothing_else,
        sweep_stays_within_its_limit,
        the_last_of_times_is_a_time;
    indexes:
        delete_by_index_ends_all_it_leads_to_and_no_other,
        deleted_records_leave_no_index,
        a_list_has_each_living_record_once,
        a_remembered_logout_forbids_create_until_its_time,
        a_logout_that_is_not_remembered_forbids_nothing,
        a_create_cannot_slip_past_a_logout,
        a_full_memory_of_logouts_still_deletes;
    once:
        an_id_is_consumed_once,
        of_concurrent_consumers_one_is_first,
        a_consumed_id_is_kept_until_its_time,
        a_full_set_refuses_and_forgets_nobody,
        expired_ids_make_room;
}

// What the cases share.

/// When the cases begin, Unix seconds.
const NOW: u64 = 1_000;
/// Deadlines that no case reaches unless it means to.
const DEADLINES: Deadlines = Deadlines {
    idle_until: NOW + 100,
    absolute_until: NOW + 1_000,
};

/// Ends the case where something is not as it must be.
macro_rules! demand {
    ($holds:expr, $($said:tt)+) => {
        if !$holds {
            return Err(format!($($said)+));
        }
    };
}
use demand;

fn key(number: u8) -> StoreKey {
    StoreKey::from_bytes([number; 32])
}

fn term(number: u8) -> IndexKey {
    IndexKey::from_bytes([number; 32])
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err takes"
)]
fn said(error: StoreError) -> String {
    let cause = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    format!("the store failed: {error} {cause}")
}

/// A record that is created now, with nothing special about it.
fn plain(number: u8, indexes: &[IndexKey]) -> NewRecord<'_> {
    NewRecord {
        key: key(number),
        sealed: b"first",
        indexes,
        barred_by: &[],
        deadlines: DEADLINES,
        now: NOW,
    }
}

async fn created(store: &dyn Store, record: NewRecord<'_>) -> Outcome {
    match store.create(record).await.map_err(said)? {
        Created::Created => Ok(()),
        other => Err(format!("a new record was answered with {other:?}")),
    }
}

/// The sealed bytes and the version of a living record.
async fn content(
    store: &dyn Store,
    number: u8,
    now: u64,
) -> Result<Option<(Vec<u8>, Version)>, String> {
    let record = store.load(&key(number), now).await.map_err(said)?;
    Ok(record.map(|record| (record.sealed, record.version)))
}

async fn lives(store: &dyn Store, number: u8, now: u64) -> Result<bool, String> {
    Ok(content(store, number, now).await?.is_some())
}

/// What the index leads to.
async fn found(store: &dyn Store, terms: &[IndexKey], now: u64) -> Result<Vec<StoreKey>, String> {
    Ok(store
        .list_by_index(terms, now)
        .await
        .map_err(said)?
        .into_iter()
        .map(|one| one.key)
        .collect())
}

/// The number of a record among many.
fn numbered(count: u64) -> impl Iterator<Item = u8> {
    (1..=u8::MAX).take(usize::try_from(count).unwrap_or(usize::MAX))
}
