//! Creating, reading and deleting.

use std::sync::Arc;

use super::{
    DEADLINES, LIMITS, NOW, Outcome, content, created, demand, found, key, lives, numbered, plain,
    said, term,
};
use crate::store::{Created, Deadlines, DeletedAt, NewRecord, Store, StoreError, Version};

pub(super) async fn a_created_record_is_read_back_whole(store: Arc<dyn Store>) -> Outcome {
    let sealed: Vec<u8> = (0..=u8::MAX).cycle().take(10_000).collect();
    created(
        &*store,
        NewRecord {
            sealed: &sealed,
            ..plain(1, &[term(1)])
        },
    )
    .await?;
    let read = store
        .load(&key(1), NOW + 1)
        .await
        .map_err(said)?
        .ok_or("it is not there")?;
    demand!(
        read.sealed == sealed,
        "its bytes are not those that were given"
    );
    demand!(
        read.version == Version::FIRST,
        "its version is {:?}",
        read.version
    );
    demand!(
        read.deadlines == DEADLINES,
        "its deadlines are {:?}",
        read.deadlines
    );
    demand!(
        read.created_at == NOW && read.touched_at == NOW,
        "its times are {read:?}"
    );
    demand!(!lives(&*store, 2, NOW).await?, "another key leads to it");
    Ok(())
}

pub(super) async fn create_never_overwrites(store: Arc<dyn Store>) -> Outcome {
    created(&*store, plain(1, &[])).await?;
    let again = store
        .create(NewRecord {
            sealed: b"other",
            ..plain(1, &[])
        })
        .await
        .map_err(said)?;
    demand!(
        again == Created::Exists,
        "a second create was answered with {again:?}"
    );
    let now = content(&*store, 1, NOW).await?;
    demand!(
        now == Some((b"first".to_vec(), Version::FIRST)),
        "the record is now {now:?}"
    );
    let expired = NewRecord {
        now: DEADLINES.idle_until,
        ..plain(1, &[])
    };
    let again = store.create(expired).await.map_err(said)?;
    demand!(
        again == Created::Exists,
        "over an expired record create was answered with {again:?}"
    );
    Ok(())
}

pub(super) async fn a_refused_create_leaves_no_index(store: Arc<dyn Store>) -> Outcome {
    created(&*store, plain(1, &[term(1)])).await?;
    store.create(plain(1, &[term(2)])).await.map_err(said)?;
    demand!(
        found(&*store, &[term(2)], NOW).await?.is_empty(),
        "the refused create left its index"
    );
    demand!(
        found(&*store, &[term(1)], NOW).await? == [key(1)],
        "the refused create took the index that was there"
    );
    Ok(())
}

pub(super) async fn delete_says_whether_it_was_there_and_it_stays_away(
    store: Arc<dyn Store>,
) -> Outcome {
    created(&*store, plain(1, &[])).await?;
    created(&*store, plain(2, &[])).await?;
    demand!(
        store.delete(&key(1)).await.map_err(said)?,
        "delete did not see the record"
    );
    demand!(!lives(&*store, 1, NOW).await?, "the deleted record is read");
    demand!(
        !store.delete(&key(1)).await.map_err(said)?,
        "a second delete saw the record"
    );
    demand!(lives(&*store, 2, NOW).await?, "another record went with it");
    Ok(())
}

pub(super) async fn delete_at_deletes_only_the_version_that_was_read(
    store: Arc<dyn Store>,
) -> Outcome {
    created(&*store, plain(1, &[])).await?;
    let late = store.delete_at(&key(1), Version(2)).await.map_err(said)?;
    demand!(
        late == DeletedAt::Conflict,
        "at another version it answered {late:?}"
    );
    demand!(
        lives(&*store, 1, NOW).await?,
        "at another version it deleted all the same"
    );
    let right = store
        .delete_at(&key(1), Version::FIRST)
        .await
        .map_err(said)?;
    demand!(
        right == DeletedAt::Deleted,
        "at the right version it answered {right:?}"
    );
    demand!(!lives(&*store, 1, NOW).await?, "the deleted record is read");
    let gone = store
        .delete_at(&key(1), Version::FIRST)
        .await
        .map_err(said)?;
    demand!(
        gone == DeletedAt::Gone,
        "where nothing is it answered {gone:?}"
    );
    Ok(())
}

pub(super) async fn a_full_store_refuses_and_keeps_everyone(store: Arc<dyn Store>) -> Outcome {
    for number in numbered(LIMITS.records) {
        created(&*store, plain(number, &[])).await?;
    }
    let one_more = store.create(plain(200, &[term(1)])).await;
    demand!(
        matches!(one_more, Err(StoreError::Full { .. })),
        "one too many was answered with {one_more:?}"
    );
    demand!(!lives(&*store, 200, NOW).await?, "one too many was kept");
    demand!(
        found(&*store, &[term(1)], NOW).await?.is_empty(),
        "one too many left its index"
    );
    for number in numbered(LIMITS.records) {
        demand!(
            lives(&*store, number, NOW).await?,
            "a living record was dropped to make room"
        );
    }
    demand!(
        store.delete(&key(1)).await.map_err(said)?,
        "delete did not see the record"
    );
    created(&*store, plain(200, &[])).await
}

pub(super) async fn expired_records_make_room(store: Arc<dyn Store>) -> Outcome {
    let short = Deadlines {
        idle_until: NOW + 10,
        ..DEADLINES
    };
    for number in numbered(LIMITS.records) {
        let deadlines = if number == 5 { short } else { DEADLINES };
        created(
            &*store,
            NewRecord {
                deadlines,
                ..plain(number, &[])
            },
        )
        .await?;
    }
    created(
        &*store,
        NewRecord {
            now: NOW + 10,
            ..plain(200, &[])
        },
    )
    .await?;
    for number in numbered(LIMITS.records) {
        demand!(
            lives(&*store, number, NOW + 10).await? == (number != 5),
            "record {number} was dropped to make room"
        );
    }
    Ok(())
}

pub(super) async fn it_says_that_it_is_ready(store: Arc<dyn Store>) -> Outcome {
    store.ready().await.map_err(said)
}
