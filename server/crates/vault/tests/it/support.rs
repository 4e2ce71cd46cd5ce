//! What the tests share: rings, tickets, and each of them on every store.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_vault::{
    Deadlines, IndexTerm, KeyRing, Limits, MemoryStore, SqliteStore, Store, Ticket, Vault,
};
use tempfile::TempDir;

/// When the tests take place, Unix seconds.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const DEADLINES: Deadlines = Deadlines {
    idle_until: NOW + 1_800,
    absolute_until: NOW + 36_000,
};
pub(crate) const LIMITS: Limits = Limits {
    records: 1_000,
    consumed: 1_000,
};

pub(crate) fn ring(keys: &[u8]) -> KeyRing {
    KeyRing::from_keys(keys.iter().map(|byte| [*byte; 32]).collect()).unwrap()
}

pub(crate) fn ticket(number: u8) -> Ticket {
    Ticket::from_bytes([number; 16])
}

/// A seal id that no other call gets.
pub(crate) fn seal_id() -> [u8; 16] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
}

pub(crate) fn subject(name: &str) -> IndexTerm {
    IndexTerm::new("subject", &["https://issuer.example", name])
}

/// Runs a test on each store, empty, in turn.
pub(crate) async fn on_every_store<F: Future<Output = ()>>(test: impl Fn(Arc<dyn Store>) -> F) {
    test(Arc::new(MemoryStore::new(LIMITS))).await;
    let folder = TempDir::new().unwrap();
    test(Arc::new(
        SqliteStore::open(folder.path().join("store"), LIMITS)
            .await
            .unwrap(),
    ))
    .await;
}

/// Creates a record that is found by the subject.
pub(crate) async fn create(vault: &Vault, number: u8, content: &[u8], name: &str) {
    vault
        .create(
            &ticket(number),
            content,
            &[subject(name)],
            DEADLINES,
            NOW,
            seal_id(),
        )
        .await
        .unwrap();
}

/// The content of a living record.
pub(crate) async fn content(vault: &Vault, number: u8) -> Option<Vec<u8>> {
    vault
        .load(&ticket(number), NOW)
        .await
        .unwrap()
        .map(|opened| opened.content.to_vec())
}

/// Whether `needle` stands anywhere in `hay`.
pub(crate) fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}
