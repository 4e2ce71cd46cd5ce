//! A late write never wins.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::{
    DEADLINES, NOW, Outcome, content, created, demand, found, key, lives, plain, said, term,
};
use crate::store::{Change, Store, Updated, Version};

/// Writers at once in the cases about concurrency.
const WRITERS: u8 = 16;

fn change(number: u8, at: Version, sealed: &[u8]) -> Change<'_> {
    Change {
        key: key(number),
        at,
        sealed,
        indexes: None,
        now: NOW,
    }
}

pub(super) async fn update_writes_only_the_version_that_was_read(store: Arc<dyn Store>) -> Outcome {
    created(&*store, plain(1, &[])).await?;
    let second = store
        .update(change(1, Version::FIRST, b"second"))
        .await
        .map_err(said)?;
    demand!(
        second == Updated::Updated(Version(2)),
        "an update at the version was answered with {second:?}"
    );
    let late = store
        .update(change(1, Version::FIRST, b"late"))
        .await
        .map_err(said)?;
    demand!(
        late == Updated::Conflict,
        "a late update was answered with {late:?}"
    );
    let early = store
        .update(change(1, Version(3), b"early"))
        .await
        .map_err(said)?;
    demand!(
        early == Updated::Conflict,
        "an update at a version to come was answered with {early:?}"
    );
    let now = content(&*store, 1, NOW).await?;
    demand!(
        now == Some((b"second".to_vec(), Version(2))),
        "the record is now {now:?}"
    );
    Ok(())
}

pub(super) async fn update_never_creates(store: Arc<dyn Store>) -> Outcome {
    let never = store
        .update(change(1, Version::FIRST, b"new"))
        .await
        .map_err(said)?;
    demand!(
        never == Updated::Gone,
        "where nothing was it answered {never:?}"
    );
    created(&*store, plain(2, &[])).await?;
    store.delete(&key(2)).await.map_err(said)?;
    let deleted = store
        .update(change(2, Version::FIRST, b"new"))
        .await
        .map_err(said)?;
    demand!(
        deleted == Updated::Gone,
        "after a delete it answered {deleted:?}"
    );
    created(&*store, plain(3, &[])).await?;
    let expired = Change {
        now: DEADLINES.idle_until,
        ..change(3, Version::FIRST, b"new")
    };
    let expired = store.update(expired).await.map_err(said)?;
    demand!(
        expired == Updated::Gone,
        "of an expired record it answered {expired:?}"
    );
    for number in 1..=2 {
        demand!(
            !lives(&*store, number, NOW).await?,
            "update created a record"
        );
    }
    Ok(())
}

pub(super) async fn update_moves_no_deadline(store: Arc<dyn Store>) -> Outcome {
    created(&*store, plain(1, &[])).await?;
    store
        .update(Change {
            now: NOW + 50,
            ..change(1, Version::FIRST, b"second")
        })
        .await
        .map_err(said)?;
    let read = store
        .load(&key(1), NOW + 51)
        .await
        .map_err(said)?
        .ok_or("it is not there")?;
    demand!(
        read.deadlines == DEADLINES,
        "its deadlines are {:?}",
        read.deadlines
    );
    demand!(
        read.created_at == NOW && read.touched_at == NOW,
        "its times are {read:?}"
    );
    Ok(())
}

pub(super) async fn update_replaces_the_indexes_or_leaves_them(store: Arc<dyn Store>) -> Outcome {
    created(&*store, plain(1, &[term(1), term(2)])).await?;
    store
        .update(change(1, Version::FIRST, b"second"))
        .await
        .map_err(said)?;
    demand!(
        found(&*store, &[term(1)], NOW).await? == [key(1)],
        "an update without indexes lost one"
    );
    let replaced = Change {
        indexes: Some(&[term(2), term(3)]),
        ..change(1, Version(2), b"third")
    };
    store.update(replaced).await.map_err(said)?;
    demand!(
        found(&*store, &[term(1)], NOW).await?.is_empty(),
        "an index that was replaced still leads there"
    );
    demand!(
        found(&*store, &[term(2)], NOW).await? == [key(1)],
        "an index that was kept is lost"
    );
    demand!(
        found(&*store, &[term(3)], NOW).await? == [key(1)],
        "a new index leads nowhere"
    );
    let late = Change {
        indexes: Some(&[term(4)]),
        ..change(1, Version(2), b"late")
    };
    store.update(late).await.map_err(said)?;
    demand!(
        found(&*store, &[term(4)], NOW).await?.is_empty(),
        "a refused update wrote its indexes"
    );
    demand!(
        found(&*store, &[term(3)], NOW).await? == [key(1)],
        "a refused update took the indexes that were there"
    );
    Ok(())
}

pub(super) async fn of_concurrent_updates_one_wins(store: Arc<dyn Store>) -> Outcome {
    created(&*store, plain(1, &[])).await?;
    for round in 1..=4 {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let store = Arc::clone(&store);
            writers.spawn(async move {
                let mine = [writer];
                store
                    .update(change(1, Version(round), &mine))
                    .await
                    .map_err(said)
                    .map(|done| (writer, done))
            });
        }
        let mut winners = Vec::new();
        while let Some(joined) = writers.join_next().await {
            let (writer, done) = joined.map_err(|error| error.to_string())??;
            match done {
                Updated::Updated(_) => winners.push(writer),
                Updated::Conflict => {}
                Updated::Gone => return Err("a writer was told that the record is gone".to_owned()),
            }
        }
        let now = content(&*store, 1, NOW).await?;
        demand!(
            winners.len() == 1,
            "{} writers were told that they had written",
            winners.len()
        );
        demand!(
            now == Some((winners, Version(round + 1))),
            "the record is now {now:?}, not what the winner wrote"
        );
    }
    Ok(())
}

pub(super) async fn a_late_write_after_a_delete_stays_lost(store: Arc<dyn Store>) -> Outcome {
    for round in 1..=4 {
        created(&*store, plain(round, &[term(1)])).await?;
        let begun = Arc::new(Notify::new());
        let (deleted, is_deleted) = watch::channel(false);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let store = Arc::clone(&store);
            let begun = Arc::clone(&begun);
            let mut is_deleted = is_deleted.clone();
            writers.spawn(async move {
                begun.notify_one();
                // While the delete is under way.
                for _ in 0..4 {
                    write_or_touch(&*store, round, writer).await?;
                }
                // And once more after it.
                is_deleted
                    .wait_for(|done| *done)
                    .await
                    .map_err(|error| error.to_string())?;
                write_or_touch(&*store, round, writer).await
            });
        }
        begun.notified().await;
        demand!(
            store.delete(&key(round)).await.map_err(said)?,
            "delete did not see the record"
        );
        deleted.send_replace(true);
        while let Some(joined) = writers.join_next().await {
            joined.map_err(|error| error.to_string())??;
        }
        demand!(
            !lives(&*store, round, NOW).await?,
            "a write that was under way brought the record back"
        );
        demand!(
            found(&*store, &[term(1)], NOW).await?.is_empty(),
            "a write that was under way brought the index back"
        );
    }
    Ok(())
}

/// What a request does: every other one touches, the rest read, think and write.
async fn write_or_touch(store: &dyn Store, number: u8, writer: u8) -> Outcome {
    if writer.is_multiple_of(2) {
        store
            .touch(&key(number), NOW + 200, NOW)
            .await
            .map_err(said)?;
    } else {
        let read = store.load(&key(number), NOW).await.map_err(said)?;
        tokio::task::yield_now().await;
        let at = read.map_or(Version::FIRST, |read| read.version);
        store
            .update(change(number, at, b"late"))
            .await
            .map_err(said)?;
    }
    Ok(())
}
