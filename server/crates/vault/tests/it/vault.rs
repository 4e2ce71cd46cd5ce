//! The vault over every store: what is put in comes out, and a late write never wins (design, invariants 2 to 4).

use std::sync::Arc;

use cloakroom_vault::{
    Change, Consumed, CreateError, Deadlines, DeletedAt, Limits, LoadError, MemoryStore, Store,
    StoreError, UpdateError, Updated, Vault, Version,
};
use proptest::prelude::*;
use tokio::task::JoinSet;

use crate::support::{
    DEADLINES, NOW, content, create, on_every_store, ring, seal_id, subject, ticket,
};

#[tokio::test]
async fn a_record_is_opened_with_its_ticket_alone() {
    on_every_store(async |store| {
        let vault = Vault::new(store, ring(&[1]));
        create(&vault, 1, b"content", "alice").await;
        let opened = vault.load(&ticket(1), NOW + 1).await.unwrap().unwrap();
        assert_eq!(*opened.content, b"content");
        assert_eq!(
            (opened.version, opened.deadlines),
            (Version::FIRST, DEADLINES)
        );
        assert_eq!((opened.created_at, opened.touched_at), (NOW, NOW));
        assert_eq!(opened.sealed_under, vault.ring().sealing_key().id());
        assert!(
            !format!("{opened:?}").contains("99, 111"),
            "the content is printed"
        );
        assert!(vault.load(&ticket(2), NOW).await.unwrap().is_none());
        assert!(
            vault
                .load(&ticket(1), DEADLINES.idle_until)
                .await
                .unwrap()
                .is_none()
        );
    })
    .await;
}

#[tokio::test]
async fn create_says_why_not() {
    on_every_store(async |store| {
        let vault = Vault::new(store, ring(&[1]));
        create(&vault, 1, b"first", "alice").await;
        let again = vault
            .create(&ticket(1), b"second", &[], DEADLINES, NOW, seal_id())
            .await
            .unwrap_err();
        assert!(matches!(again, CreateError::Exists));
        assert_eq!(content(&vault, 1).await.unwrap(), b"first");
        vault
            .delete_by_index(&subject("bob"), NOW, Some(NOW + 600))
            .await
            .unwrap();
        let terms = [subject("carol"), subject("bob")];
        let late = vault
            .create(&ticket(2), b"late", &terms, DEADLINES, NOW + 599, seal_id())
            .await;
        assert!(matches!(late.unwrap_err(), CreateError::LoggedOut));
        vault
            .create(
                &ticket(2),
                b"new",
                &[subject("bob")],
                DEADLINES,
                NOW + 600,
                seal_id(),
            )
            .await
            .unwrap();
    })
    .await;
    let vault = Vault::new(
        Arc::new(MemoryStore::new(Limits {
            records: 1,
            consumed: 1,
        })),
        ring(&[1]),
    );
    create(&vault, 1, b"first", "alice").await;
    let full = vault
        .create(&ticket(2), b"second", &[], DEADLINES, NOW, seal_id())
        .await
        .unwrap_err();
    assert!(matches!(full, CreateError::Full));
    assert_eq!(full.code(), "record_store_full");
}

#[tokio::test]
async fn an_update_is_at_the_version_that_was_read() {
    on_every_store(async |store| {
        let vault = Vault::new(store, ring(&[1]));
        create(&vault, 1, b"first", "alice").await;
        let second = vault
            .update(&ticket(1), Version::FIRST, b"second", NOW, seal_id())
            .await
            .unwrap();
        assert_eq!(second, Version(2));
        let late = vault
            .update(&ticket(1), Version::FIRST, b"late", NOW, seal_id())
            .await
            .unwrap_err();
        assert!(matches!(late, UpdateError::Conflict));
        let opened = vault.load(&ticket(1), NOW).await.unwrap().unwrap();
        assert_eq!(
            (opened.content.as_slice(), opened.version),
            (b"second".as_slice(), second)
        );
        assert_eq!(
            vault
                .list_by_index(&subject("alice"), NOW)
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            vault.delete_at(&ticket(1), Version::FIRST).await.unwrap(),
            DeletedAt::Conflict
        );
        assert_eq!(
            vault.delete_at(&ticket(1), second).await.unwrap(),
            DeletedAt::Deleted
        );
        let gone = vault
            .update(&ticket(1), second, b"late", NOW, seal_id())
            .await
            .unwrap_err();
        assert!(matches!(gone, UpdateError::Gone));
        assert!(content(&vault, 1).await.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_who_update_what_they_read_nobody_is_lost() {
    on_every_store(async |store| {
        let vault = Vault::new(store, ring(&[1]));
        create(&vault, 1, b"0", "alice").await;
        let mut counters = JoinSet::new();
        for _ in 0..8 {
            let vault = vault.clone();
            counters.spawn(async move {
                loop {
                    let opened = vault.load(&ticket(1), NOW).await.unwrap().unwrap();
                    let count: u32 = std::str::from_utf8(&opened.content)
                        .unwrap()
                        .parse()
                        .unwrap();
                    let next = (count + 1).to_string();
                    match vault
                        .update(&ticket(1), opened.version, next.as_bytes(), NOW, seal_id())
                        .await
                    {
                        Ok(_) => break,
                        Err(UpdateError::Conflict) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            });
        }
        counters.join_all().await;
        assert_eq!(content(&vault, 1).await.unwrap(), b"8");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_is_under_way_a_deleted_record_stays_deleted() {
    on_every_store(async |store| {
        let vault = Vault::new(store, ring(&[1]));
        for round in 1..=8 {
            create(&vault, round, b"content", "alice").await;
            let mut requests = JoinSet::new();
            for _ in 0..8 {
                let vault = vault.clone();
                requests.spawn(async move {
                    for _ in 0..4 {
                        vault.touch(&ticket(round), NOW + 3_600, NOW).await.unwrap();
                        if let Some(opened) = vault.load(&ticket(round), NOW).await.unwrap() {
                            tokio::task::yield_now().await;
                            let _ = vault
                                .update(&ticket(round), opened.version, b"late", NOW, seal_id())
                                .await;
                        }
                    }
                });
            }
            tokio::task::yield_now().await;
            if round % 2 == 0 {
                assert!(vault.delete(&ticket(round)).await.unwrap());
            } else {
                assert_eq!(
                    vault
                        .delete_by_index(&subject("alice"), NOW, None)
                        .await
                        .unwrap(),
                    1
                );
            }
            requests.join_all().await;
            assert!(content(&vault, round).await.is_none());
        }
        assert!(
            vault
                .list_by_index(&subject("alice"), NOW)
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn touch_moves_the_idle_deadline_alone() {
    on_every_store(async |store| {
        let vault = Vault::new(store, ring(&[1]));
        create(&vault, 1, b"content", "alice").await;
        assert!(
            vault
                .touch(&ticket(1), NOW + 9_000, NOW + 60)
                .await
                .unwrap()
        );
        let opened = vault.load(&ticket(1), NOW + 60).await.unwrap().unwrap();
        assert_eq!(
            opened.deadlines,
            Deadlines {
                idle_until: NOW + 9_000,
                ..DEADLINES
            }
        );
        assert_eq!(
            (opened.version, opened.touched_at),
            (Version::FIRST, NOW + 60)
        );
        // A request that read before the touch may still write: touching is not writing.
        vault
            .update(&ticket(1), Version::FIRST, b"second", NOW + 61, seal_id())
            .await
            .unwrap();
        assert!(!vault.touch(&ticket(2), NOW + 9_000, NOW).await.unwrap());
        assert!(vault.load(&ticket(2), NOW).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn an_id_is_consumed_once_of_its_kind() {
    on_every_store(async |store| {
        let vault = Vault::new(store, ring(&[1]));
        let until = NOW + 1_800;
        assert_eq!(
            vault
                .consume_once("transaction", b"id", until, NOW)
                .await
                .unwrap(),
            Consumed::First
        );
        assert_eq!(
            vault
                .consume_once("transaction", b"id", until, NOW + 1_799)
                .await
                .unwrap(),
            Consumed::Again
        );
        assert_eq!(
            vault.consume_once("jti", b"id", until, NOW).await.unwrap(),
            Consumed::First
        );
        assert_eq!(
            vault
                .consume_once("transaction", b"other", until, NOW)
                .await
                .unwrap(),
            Consumed::First
        );
        assert_eq!(vault.sweep(until, 10).await.unwrap(), 3);
    })
    .await;
}

#[tokio::test]
async fn sessions_are_ended_and_listed_by_what_they_are_found_by() {
    on_every_store(async |store| {
        let vault = Vault::new(store, ring(&[1]));
        create(&vault, 1, b"laptop", "alice").await;
        create(&vault, 2, b"phone", "alice").await;
        create(&vault, 3, b"laptop", "bob").await;
        let listed = vault.list_by_index(&subject("alice"), NOW).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(listed.iter().any(|one| one.key == ticket(1).store_key()));
        assert_eq!(
            vault
                .delete_by_index(&subject("alice"), NOW, None)
                .await
                .unwrap(),
            2
        );
        assert!(content(&vault, 1).await.is_none() && content(&vault, 2).await.is_none());
        assert_eq!(content(&vault, 3).await.unwrap(), b"laptop");
        vault.ready().await.unwrap();
    })
    .await;
}

/// Puts bytes of the test's choice where a record is, as someone who can write the store would.
async fn plant(store: &dyn Store, number: u8, sealed: &[u8]) {
    let key = ticket(number).store_key();
    let at = store.load(&key, NOW).await.unwrap().unwrap().version;
    let change = Change {
        key,
        at,
        sealed,
        indexes: None,
        now: NOW,
    };
    assert!(matches!(
        store.update(change).await.unwrap(),
        Updated::Updated(_)
    ));
}

async fn stored(store: &dyn Store, number: u8) -> Vec<u8> {
    store
        .load(&ticket(number).store_key(), NOW)
        .await
        .unwrap()
        .unwrap()
        .sealed
}

#[tokio::test]
async fn a_record_from_another_place_or_time_is_refused_and_left_there() {
    on_every_store(async |store| {
        let vault = Vault::new(Arc::clone(&store), ring(&[1]));
        create(&vault, 1, b"mine", "alice").await;
        create(&vault, 2, b"yours", "bob").await;
        vault
            .update(&ticket(2), Version::FIRST, b"yours", NOW, seal_id())
            .await
            .unwrap();

        // Another's record, at the version it has there.
        plant(&*store, 1, &stored(&*store, 2).await).await;
        let refused = vault.load(&ticket(1), NOW).await.unwrap_err();
        assert!(matches!(refused, LoadError::Refused));
        let refused = vault
            .update(&ticket(1), Version(2), b"mine", NOW, seal_id())
            .await
            .unwrap_err();
        assert!(matches!(refused, UpdateError::Refused));

        // The same record, as it was before.
        let before = stored(&*store, 2).await;
        vault
            .update(&ticket(2), Version(2), b"newer", NOW, seal_id())
            .await
            .unwrap();
        plant(&*store, 2, &before).await;
        assert!(matches!(
            vault.load(&ticket(2), NOW).await.unwrap_err(),
            LoadError::Refused
        ));

        for number in 1..=2 {
            assert!(
                store
                    .load(&ticket(number).store_key(), NOW)
                    .await
                    .unwrap()
                    .is_some(),
                "it was deleted"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_record_that_is_cut_off_is_refused() {
    on_every_store(async |store| {
        let vault = Vault::new(Arc::clone(&store), ring(&[1]));
        for cut in [b"".as_slice(), &[1], &[1; 30]] {
            let number = u8::try_from(cut.len()).unwrap();
            create(&vault, number, b"content", "alice").await;
            plant(&*store, number, cut).await;
            let answer = vault.load(&ticket(number), NOW).await.unwrap_err();
            assert!(matches!(answer, LoadError::Refused), "{answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_down_is_not_a_session_that_has_ended() {
    let folder = tempfile::TempDir::new().unwrap();
    let store =
        cloakroom_vault::SqliteStore::open(folder.path().join("store"), crate::support::LIMITS)
            .await
            .unwrap();
    let store = Arc::new(store);
    let vault = Vault::new(Arc::clone(&store) as Arc<dyn Store>, ring(&[1]));
    create(&vault, 1, b"content", "alice").await;
    store.close().await;
    let loaded = vault.load(&ticket(1), NOW).await.unwrap_err();
    assert!(
        matches!(loaded, LoadError::Store(StoreError::Unavailable { .. })),
        "{loaded:?}"
    );
    assert_eq!(loaded.code(), "store_unavailable");
    assert!(vault.ready().await.is_err());
    let updated = vault
        .update(&ticket(1), Version::FIRST, b"x", NOW, seal_id())
        .await
        .unwrap_err();
    assert!(matches!(
        updated,
        UpdateError::Store(StoreError::Unavailable { .. })
    ));
    assert!(vault.touch(&ticket(1), NOW + 10, NOW).await.is_err());
    assert!(vault.delete(&ticket(1)).await.is_err());
    assert!(
        vault
            .consume_once("kind", b"id", NOW + 10, NOW)
            .await
            .is_err()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_flipped_bit_of_a_record_is_refused(content: Vec<u8>, at: prop::sample::Index, bit in 0..8u8) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new(crate::support::LIMITS));
            let vault = Vault::new(Arc::clone(&store), ring(&[1]));
            create(&vault, 1, &content, "alice").await;
            let mut sealed = stored(&*store, 1).await;
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            // Planted by itself, at the version it was sealed for.
            store.delete(&ticket(1).store_key()).await.unwrap();
            let record = cloakroom_vault::NewRecord {
                key: ticket(1).store_key(), sealed: &sealed, indexes: &[], barred_by: &[], deadlines: DEADLINES, now: NOW,
            };
            store.create(record).await.unwrap();
            let answer = vault.load(&ticket(1), NOW).await;
            // A flipped bit of the key's id names a key that is not there.
            let unknown = matches!(answer, Err(LoadError::UnknownKey { .. })) && (1..7).contains(&at);
            assert!(unknown || matches!(answer, Err(LoadError::Refused)), "{answer:?}");
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_is_dropped_half_way_leaves_all_or_nothing_and_holds_up_nobody() {
    on_every_store(async |store| {
        let vault = Vault::new(store, ring(&[1]));
        for number in 1..=60 {
            let dropped = {
                let vault = vault.clone();
                tokio::spawn(async move {
                    create(&vault, number, b"first", "alice").await;
                    let _ = vault
                        .update(&ticket(number), Version::FIRST, b"second", NOW, seal_id())
                        .await;
                })
            };
            tokio::time::sleep(std::time::Duration::from_micros(u64::from(number) * 40)).await;
            dropped.abort();
            let _ = dropped.await;
            // The next one is not kept waiting by a lock that nobody holds any more.
            vault.ready().await.unwrap();
        }
        let listed = vault.list_by_index(&subject("alice"), NOW).await.unwrap();
        let mut there = 0;
        for number in 1..=60 {
            if let Some(opened) = vault.load(&ticket(number), NOW).await.unwrap() {
                let expected: &[u8] = if opened.version == Version::FIRST {
                    b"first"
                } else {
                    b"second"
                };
                assert_eq!(*opened.content, expected);
                assert!(
                    listed
                        .iter()
                        .any(|one| one.key == ticket(number).store_key()),
                    "its index is missing"
                );
                there += 1;
            }
        }
        assert_eq!(listed.len(), there, "an index leads to nothing");
    })
    .await;
}
