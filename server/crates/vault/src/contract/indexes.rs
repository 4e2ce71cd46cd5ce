//! Ending sessions from elsewhere, and remembering it.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::{
    DEADLINES, LIMITS, NOW, Outcome, created, demand, found, key, lives, numbered, plain, said,
    term,
};
use crate::index::IndexKey;
use crate::store::{Change, Created, Deadlines, NewRecord, Store, StoreError, Version};

pub(super) async fn delete_by_index_ends_all_it_leads_to_and_no_other(
    store: Arc<dyn Store>,
) -> Outcome {
    created(&*store, plain(1, &[term(1), term(10)])).await?;
    created(&*store, plain(2, &[term(2), term(10)])).await?;
    created(&*store, plain(3, &[term(3), term(11)])).await?;
    let short = Deadlines {
        idle_until: NOW + 1,
        ..DEADLINES
    };
    created(
        &*store,
        NewRecord {
            deadlines: short,
            ..plain(4, &[term(10)])
        },
    )
    .await?;
    let none = store
        .delete_by_index(&[term(99)], NOW, None)
        .await
        .map_err(said)?;
    demand!(none == 0, "an unknown index ended {none}");
    // Both terms lead to the second record: it counts once. The fourth has expired: it does not count.
    let ended = store
        .delete_by_index(&[term(10), term(2)], NOW + 1, None)
        .await
        .map_err(said)?;
    demand!(
        ended == 2,
        "two living records were there, and {ended} were counted"
    );
    for (number, left) in [(1, false), (2, false), (3, true), (4, false)] {
        demand!(
            lives(&*store, number, NOW).await? == left,
            "record {number}: left there {left} was to be"
        );
    }
    demand!(
        found(&*store, &[term(1), term(2), term(10)], NOW)
            .await?
            .is_empty(),
        "an index is left"
    );
    Ok(())
}

pub(super) async fn deleted_records_leave_no_index(store: Arc<dyn Store>) -> Outcome {
    for number in 1..=3 {
        created(&*store, plain(number, &[term(1)])).await?;
    }
    store.delete(&key(1)).await.map_err(said)?;
    store
        .delete_at(&key(2), Version::FIRST)
        .await
        .map_err(said)?;
    demand!(
        found(&*store, &[term(1)], NOW).await? == [key(3)],
        "the index does not lead to what is left alone"
    );
    // A new record at the old place has the indexes it was given, not those of the one before.
    created(&*store, plain(1, &[term(2)])).await?;
    demand!(
        found(&*store, &[term(1)], NOW).await? == [key(3)],
        "the index of a deleted record came back"
    );
    Ok(())
}

pub(super) async fn a_list_has_each_living_record_once(store: Arc<dyn Store>) -> Outcome {
    created(
        &*store,
        NewRecord {
            now: NOW + 2,
            ..plain(1, &[term(1), term(2)])
        },
    )
    .await?;
    created(&*store, plain(2, &[term(1)])).await?;
    created(&*store, plain(3, &[term(3)])).await?;
    store
        .touch(&key(2), NOW + 300, NOW + 9)
        .await
        .map_err(said)?;
    let change = Change {
        key: key(2),
        at: Version::FIRST,
        sealed: b"second",
        indexes: None,
        now: NOW,
    };
    store.update(change).await.map_err(said)?;
    let listed = store
        .list_by_index(&[term(1), term(2)], NOW + 9)
        .await
        .map_err(said)?;
    let keys: Vec<_> = listed.iter().map(|one| one.key).collect();
    demand!(
        keys == [key(2), key(1)],
        "{} were listed; two, the oldest first, were to be",
        keys.len()
    );
    let Some(oldest) = listed.first() else {
        return Err("nothing was listed".to_owned());
    };
    let right = Deadlines {
        idle_until: NOW + 300,
        ..DEADLINES
    };
    demand!(
        oldest.version == Version(2) && oldest.deadlines == right && oldest.created_at == NOW,
        "the oldest is listed as {oldest:?}"
    );
    demand!(
        oldest.touched_at == NOW + 9,
        "the oldest is listed as touched at {}",
        oldest.touched_at
    );
    demand!(
        found(&*store, &[term(1)], DEADLINES.idle_until).await? == [key(2)],
        "an expired record is listed"
    );
    Ok(())
}

pub(super) async fn a_remembered_logout_forbids_create_until_its_time(
    store: Arc<dyn Store>,
) -> Outcome {
    store
        .delete_by_index(&[term(1)], NOW, Some(NOW + 60))
        .await
        .map_err(said)?;
    // A second logout with a shorter memory does not take the first one back.
    store
        .delete_by_index(&[term(1)], NOW, Some(NOW + 30))
        .await
        .map_err(said)?;
    let with_it = [term(5), term(1)];
    let answer = store
        .create(NewRecord {
            now: NOW + 59,
            ..plain(1, &with_it)
        })
        .await
        .map_err(said)?;
    demand!(
        answer == Created::LoggedOut,
        "a record with the index was answered with {answer:?}"
    );
    let without = [term(5)];
    let barred = NewRecord {
        now: NOW + 59,
        barred_by: &[term(2), term(1)],
        ..plain(2, &without)
    };
    let answer = store.create(barred).await.map_err(said)?;
    demand!(
        answer == Created::LoggedOut,
        "a record barred by the index was answered with {answer:?}"
    );
    demand!(
        found(&*store, &[term(5)], NOW + 59).await?.is_empty(),
        "a refused record left its index"
    );
    created(
        &*store,
        NewRecord {
            now: NOW + 59,
            ..plain(3, &[term(5)])
        },
    )
    .await?;
    created(
        &*store,
        NewRecord {
            now: NOW + 60,
            ..plain(4, &[term(1)])
        },
    )
    .await
}

pub(super) async fn a_logout_that_is_not_remembered_forbids_nothing(
    store: Arc<dyn Store>,
) -> Outcome {
    created(&*store, plain(1, &[term(1)])).await?;
    store
        .delete_by_index(&[term(1)], NOW, None)
        .await
        .map_err(said)?;
    created(&*store, plain(2, &[term(1)])).await
}

pub(super) async fn a_create_cannot_slip_past_a_logout(store: Arc<dyn Store>) -> Outcome {
    for round in 1..=4 {
        let begun = Arc::new(Notify::new());
        let mut signing_in = JoinSet::new();
        for number in 1..=16 {
            let store = Arc::clone(&store);
            let begun = Arc::clone(&begun);
            signing_in.spawn(async move {
                begun.notify_one();
                store
                    .create(plain(number, &[term(round)]))
                    .await
                    .map_err(said)
            });
        }
        begun.notified().await;
        tokio::task::yield_now().await;
        store
            .delete_by_index(&[term(round)], NOW, Some(NOW + 60))
            .await
            .map_err(said)?;
        while let Some(joined) = signing_in.join_next().await {
            joined.map_err(|error| error.to_string())??;
        }
        let left = found(&*store, &[term(round)], NOW).await?;
        demand!(
            left.is_empty(),
            "{} of 16 sign-ins outlived the logout that came between them",
            left.len()
        );
        let late = store
            .create(plain(17, &[term(round)]))
            .await
            .map_err(said)?;
        demand!(
            late == Created::LoggedOut,
            "a late sign-in was answered with {late:?}"
        );
    }
    Ok(())
}

pub(super) async fn a_full_memory_of_logouts_still_deletes(store: Arc<dyn Store>) -> Outcome {
    for number in numbered(LIMITS.consumed) {
        store
            .delete_by_index(&[term(number)], NOW, Some(NOW + 60))
            .await
            .map_err(said)?;
    }
    let one_more: [IndexKey; 1] = [term(200)];
    created(&*store, plain(1, &one_more)).await?;
    let answer = store.delete_by_index(&one_more, NOW, Some(NOW + 60)).await;
    demand!(
        matches!(answer, Err(StoreError::Full { .. })),
        "one too many was answered with {answer:?}"
    );
    demand!(!lives(&*store, 1, NOW).await?, "its record is still there");
    for number in numbered(LIMITS.consumed) {
        let known = store
            .create(plain(1, &[term(number)]))
            .await
            .map_err(said)?;
        demand!(
            known == Created::LoggedOut,
            "a logout was forgotten to make room"
        );
    }
    // Those whose time is over make room.
    store
        .delete_by_index(&one_more, NOW + 60, Some(NOW + 120))
        .await
        .map_err(said)?;
    let covered = store
        .create(NewRecord {
            now: NOW + 60,
            ..plain(1, &one_more)
        })
        .await
        .map_err(said)?;
    demand!(
        covered == Created::LoggedOut,
        "after that it was answered with {covered:?}"
    );
    Ok(())
}
