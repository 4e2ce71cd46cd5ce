//! Every store of this crate passes every case of the contract, and every case finds out a store that is broken on
//! purpose.

use std::collections::BTreeSet;
use std::sync::Arc;

use cloakroom_vault::contract::{CASES, LIMITS, check};
use cloakroom_vault::{MemoryStore, SqliteStore, Store};
use tempfile::TempDir;

use crate::broken::{Broken, Fault};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_memory_store_passes() {
    let failures = check(async || Arc::new(MemoryStore::new(LIMITS)) as Arc<dyn Store>).await;
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_sqlite_store_passes() {
    let folder = TempDir::new().unwrap();
    let next = std::sync::atomic::AtomicU32::new(0);
    let failures = check(async || {
        let name = next
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            .to_string();
        Arc::new(
            SqliteStore::open(folder.path().join(name), LIMITS)
                .await
                .unwrap(),
        ) as Arc<dyn Store>
    })
    .await;
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wrapper_without_a_fault_passes() {
    let failures = check(async || Arc::new(Broken::new(None)) as Arc<dyn Store>).await;
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_is_found_by_the_case_that_is_about_it_and_every_case_finds_one() {
    for (fault, name) in Fault::ALL {
        let case = CASES.iter().find(|case| case.name == *name).unwrap();
        let answer = case.run(Arc::new(Broken::new(Some(*fault)))).await;
        assert!(answer.is_err(), "{fault:?} was to be found by {name}");
    }
    let used: BTreeSet<&str> = Fault::ALL.iter().map(|(_, name)| *name).collect();
    let idle: Vec<&str> = CASES
        .iter()
        .map(|case| case.name)
        .filter(|name| !used.contains(name))
        .collect();
    assert!(
        idle.is_empty(),
        "no fault is known that these cases find: {idle:?}"
    );
}
