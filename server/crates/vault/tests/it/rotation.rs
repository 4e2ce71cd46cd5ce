//! Key rotation: a new key joins last and moves first; nobody is signed out, and everybody can be.

use std::sync::Arc;

use cloakroom_vault::{Consumed, CreateError, LoadError, Store, UpdateError, Vault, Version};

use crate::support::{
    DEADLINES, NOW, content, create, on_every_store, ring, seal_id, subject, ticket,
};

#[tokio::test]
async fn an_old_record_opens_and_an_update_moves_it_to_the_new_key() {
    on_every_store(async |store| {
        let old = Vault::new(Arc::clone(&store), ring(&[1]));
        create(&old, 1, b"content", "alice").await;
        let rotated = Vault::new(Arc::clone(&store), ring(&[2, 1]));
        let opened = rotated.load(&ticket(1), NOW).await.unwrap().unwrap();
        assert_eq!(opened.sealed_under, old.ring().sealing_key().id());
        rotated
            .update(&ticket(1), opened.version, b"moved", NOW, seal_id())
            .await
            .unwrap();

        // The old key goes: the record opens, and is still found.
        let new = Vault::new(store, ring(&[2]));
        let opened = new.load(&ticket(1), NOW).await.unwrap().unwrap();
        assert_eq!(
            (opened.content.as_slice(), opened.sealed_under),
            (b"moved".as_slice(), new.ring().sealing_key().id())
        );
        assert_eq!(
            new.list_by_index(&subject("alice"), NOW)
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            new.delete_by_index(&subject("alice"), NOW, None)
                .await
                .unwrap(),
            1
        );
        assert!(content(&new, 1).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_record_under_an_unknown_key_is_named_and_kept() {
    on_every_store(async |store| {
        let old = Vault::new(Arc::clone(&store), ring(&[1]));
        create(&old, 1, b"content", "alice").await;
        let missing = old.ring().sealing_key().id();
        let other = Vault::new(store, ring(&[2]));
        let loaded = other.load(&ticket(1), NOW).await.unwrap_err();
        assert!(
            matches!(loaded, LoadError::UnknownKey { key } if key == missing),
            "{loaded:?}"
        );
        assert_eq!(loaded.code(), "record_unknown_key");
        let updated = other
            .update(&ticket(1), Version::FIRST, b"new", NOW, seal_id())
            .await
            .unwrap_err();
        assert!(
            matches!(updated, UpdateError::UnknownKey { key } if key == missing),
            "{updated:?}"
        );
        // Its user may still sign out, and using it keeps it alive.
        assert!(other.touch(&ticket(1), NOW + 3_600, NOW).await.unwrap());
        assert_eq!(content(&old, 1).await.unwrap(), b"content");
        assert!(other.delete(&ticket(1)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_record_without_index_changes_keeps_its_indexes_through_updates_under_both_keys() {
    on_every_store(async |store| {
        let first = Vault::new(Arc::clone(&store), ring(&[1, 2]));
        let second = Vault::new(store, ring(&[2, 1]));
        create(&first, 1, b"0", "alice").await;
        // Two instances that begin with different keys take turns.
        for version in 1..=6 {
            let vault = if version % 2 == 0 { &first } else { &second };
            vault
                .update(&ticket(1), Version(version), b"n", NOW, seal_id())
                .await
                .unwrap();
            for vault in [&first, &second] {
                assert_eq!(
                    vault
                        .list_by_index(&subject("alice"), NOW)
                        .await
                        .unwrap()
                        .len(),
                    1
                );
            }
        }
        assert_eq!(
            first
                .delete_by_index(&subject("alice"), NOW, None)
                .await
                .unwrap(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_logout_reaches_records_and_sign_ins_under_every_key() {
    on_every_store(async |store| {
        // The instance that hears the logout, and one that already seals with the other key.
        let hears = Vault::new(Arc::clone(&store), ring(&[1, 2]));
        let other = Vault::new(store, ring(&[2, 1]));
        create(&hears, 1, b"content", "alice").await;
        create(&other, 2, b"content", "alice").await;
        assert_eq!(
            hears
                .delete_by_index(&subject("alice"), NOW, Some(NOW + 600))
                .await
                .unwrap(),
            2
        );
        for vault in [&hears, &other] {
            let late = vault
                .create(
                    &ticket(3),
                    b"late",
                    &[subject("alice")],
                    DEADLINES,
                    NOW,
                    seal_id(),
                )
                .await;
            assert!(matches!(late.unwrap_err(), CreateError::LoggedOut));
        }
    })
    .await;
}

#[tokio::test]
async fn a_logout_that_was_remembered_before_a_key_joined_still_holds() {
    on_every_store(async |store| {
        let before = Vault::new(Arc::clone(&store), ring(&[1]));
        before
            .delete_by_index(&subject("alice"), NOW, Some(NOW + 600))
            .await
            .unwrap();
        let after = Vault::new(store, ring(&[2, 1]));
        let late = after
            .create(
                &ticket(1),
                b"late",
                &[subject("alice")],
                DEADLINES,
                NOW,
                seal_id(),
            )
            .await;
        assert!(matches!(late.unwrap_err(), CreateError::LoggedOut));
    })
    .await;
}

#[tokio::test]
async fn an_id_is_spent_for_instances_with_any_ring() {
    on_every_store(async |store: Arc<dyn Store>| {
        let one = Vault::new(Arc::clone(&store), ring(&[1, 2]));
        let two = Vault::new(store, ring(&[2, 1]));
        assert_eq!(
            one.consume_once("transaction", b"id", NOW + 60, NOW)
                .await
                .unwrap(),
            Consumed::First
        );
        assert_eq!(
            two.consume_once("transaction", b"id", NOW + 60, NOW)
                .await
                .unwrap(),
            Consumed::Again
        );
    })
    .await;
}
