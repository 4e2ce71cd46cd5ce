//! Deadlines: two of them, both kept by the store, and sweeping.

use std::sync::Arc;

use super::{
    DEADLINES, NOW, Outcome, content, created, demand, found, key, lives, plain, said, term,
};
use crate::store::{Consumed, Created, Deadlines, NewRecord, Store, Version};

pub(super) async fn an_expired_record_is_not_read(store: Arc<dyn Store>) -> Outcome {
    created(&*store, plain(1, &[term(1)])).await?;
    demand!(
        lives(&*store, 1, DEADLINES.idle_until - 1).await?,
        "it is gone before its idle deadline"
    );
    demand!(
        !lives(&*store, 1, DEADLINES.idle_until).await?,
        "it is read at its idle deadline"
    );
    demand!(
        found(&*store, &[term(1)], DEADLINES.idle_until)
            .await?
            .is_empty(),
        "it is listed at its idle deadline"
    );
    store.touch(&key(1), u64::MAX, NOW).await.map_err(said)?;
    demand!(
        lives(&*store, 1, DEADLINES.absolute_until - 1).await?,
        "it is gone before its absolute deadline"
    );
    demand!(
        !lives(&*store, 1, DEADLINES.absolute_until).await?,
        "it is read at its absolute deadline"
    );
    Ok(())
}

pub(super) async fn the_idle_deadline_is_never_past_the_absolute_one(
    store: Arc<dyn Store>,
) -> Outcome {
    let deadlines = Deadlines {
        idle_until: NOW + 100,
        absolute_until: NOW + 10,
    };
    created(
        &*store,
        NewRecord {
            deadlines,
            ..plain(1, &[])
        },
    )
    .await?;
    let read = store
        .load(&key(1), NOW)
        .await
        .map_err(said)?
        .ok_or("it is not there")?;
    let limited = Deadlines {
        idle_until: NOW + 10,
        absolute_until: NOW + 10,
    };
    demand!(
        read.deadlines == limited,
        "its deadlines are {:?}",
        read.deadlines
    );
    demand!(
        !lives(&*store, 1, NOW + 10).await?,
        "it is read after its absolute deadline"
    );
    Ok(())
}

pub(super) async fn touch_moves_only_later_and_never_past_the_absolute_deadline(
    store: Arc<dyn Store>,
) -> Outcome {
    created(&*store, plain(1, &[])).await?;
    // The idle deadline that is asked for, and the one that is to be there afterwards.
    let steps = [
        (NOW + 300, NOW + 300),
        (NOW + 200, NOW + 300),
        (0, NOW + 300),
        (NOW + 5_000, DEADLINES.absolute_until),
        (u64::MAX, DEADLINES.absolute_until),
    ];
    for (asked, there) in steps {
        demand!(
            store.touch(&key(1), asked, NOW + 1).await.map_err(said)?,
            "touch did not see the record"
        );
        let read = store
            .load(&key(1), NOW + 1)
            .await
            .map_err(said)?
            .ok_or("it is not there")?;
        let right = Deadlines {
            idle_until: there,
            ..DEADLINES
        };
        demand!(
            read.deadlines == right,
            "touched with {asked}, its deadlines are {:?}",
            read.deadlines
        );
    }
    Ok(())
}

pub(super) async fn touch_writes_neither_bytes_nor_version(store: Arc<dyn Store>) -> Outcome {
    created(&*store, plain(1, &[term(1)])).await?;
    store
        .touch(&key(1), NOW + 300, NOW + 7)
        .await
        .map_err(said)?;
    let now = content(&*store, 1, NOW).await?;
    demand!(
        now == Some((b"first".to_vec(), Version::FIRST)),
        "the record is now {now:?}"
    );
    demand!(
        found(&*store, &[term(1)], NOW).await? == [key(1)],
        "its index is lost"
    );
    store
        .touch(&key(1), NOW + 300, NOW + 3)
        .await
        .map_err(said)?;
    let read = store
        .load(&key(1), NOW + 7)
        .await
        .map_err(said)?
        .ok_or("it is not there")?;
    demand!(
        read.created_at == NOW,
        "it was created at {}",
        read.created_at
    );
    demand!(
        read.touched_at == NOW + 7,
        "touched at {}, then at {}, it says {}",
        NOW + 7,
        NOW + 3,
        read.touched_at
    );
    Ok(())
}

pub(super) async fn touch_never_brings_back(store: Arc<dyn Store>) -> Outcome {
    demand!(
        !store.touch(&key(1), NOW + 300, NOW).await.map_err(said)?,
        "touch saw a record that never was"
    );
    created(&*store, plain(2, &[])).await?;
    store.delete(&key(2)).await.map_err(said)?;
    demand!(
        !store.touch(&key(2), NOW + 300, NOW).await.map_err(said)?,
        "touch saw a deleted record"
    );
    created(&*store, plain(3, &[])).await?;
    let late = DEADLINES.idle_until;
    demand!(
        !store.touch(&key(3), late + 100, late).await.map_err(said)?,
        "touch saw an expired record"
    );
    for number in 1..=3 {
        demand!(
            !lives(&*store, number, late).await?,
            "touch brought a record back"
        );
    }
    Ok(())
}

pub(super) async fn sweep_removes_what_is_over_and_nothing_else(store: Arc<dyn Store>) -> Outcome {
    let long = Deadlines {
        idle_until: NOW + 500,
        ..DEADLINES
    };
    created(&*store, plain(1, &[term(1)])).await?;
    created(
        &*store,
        NewRecord {
            deadlines: long,
            ..plain(2, &[term(1)])
        },
    )
    .await?;
    created(&*store, plain(3, &[])).await?;
    store.touch(&key(3), NOW + 600, NOW).await.map_err(said)?;
    store
        .consume_once(&[1; 32], NOW + 50, NOW)
        .await
        .map_err(said)?;
    store
        .consume_once(&[2; 32], NOW + 500, NOW)
        .await
        .map_err(said)?;
    store
        .delete_by_index(&[term(8)], NOW, Some(NOW + 50))
        .await
        .map_err(said)?;
    store
        .delete_by_index(&[term(9)], NOW, Some(NOW + 500))
        .await
        .map_err(said)?;

    let early = store.sweep(NOW, 100).await.map_err(said)?;
    demand!(early == 0, "{early} were swept before anything was over");
    let later = DEADLINES.idle_until;
    let swept = store.sweep(later, 100).await.map_err(said)?;
    demand!(
        swept == 3,
        "{swept} were swept: a record, an id and a logout were over"
    );
    let again = store.sweep(later, 100).await.map_err(said)?;
    demand!(again == 0, "{again} more were swept");

    demand!(
        lives(&*store, 2, later).await? && lives(&*store, 3, later).await?,
        "a living record was swept"
    );
    demand!(
        found(&*store, &[term(1)], later).await? == [key(2)],
        "the index does not lead to what is left"
    );
    let known = store
        .consume_once(&[2; 32], NOW + 500, later)
        .await
        .map_err(said)?;
    demand!(
        known == Consumed::Again,
        "an id that is still good was swept"
    );
    let covered = store
        .create(NewRecord {
            now: later,
            ..plain(4, &[term(9)])
        })
        .await
        .map_err(said)?;
    demand!(
        covered == Created::LoggedOut,
        "a logout that is still remembered was swept"
    );
    // Only what was really removed leaves its place.
    created(
        &*store,
        NewRecord {
            now: later,
            ..plain(1, &[])
        },
    )
    .await
}

pub(super) async fn sweep_stays_within_its_limit(store: Arc<dyn Store>) -> Outcome {
    for number in 1..=3 {
        created(&*store, plain(number, &[])).await?;
        store
            .consume_once(&[number; 32], NOW + 50, NOW)
            .await
            .map_err(said)?;
        store
            .delete_by_index(&[term(number)], NOW, Some(NOW + 50))
            .await
            .map_err(said)?;
    }
    let mut swept = Vec::new();
    for _ in 0..4 {
        swept.push(store.sweep(NOW + 200, 4).await.map_err(said)?);
    }
    demand!(
        swept == [4, 4, 1, 0],
        "of nine, in fours, {swept:?} were swept"
    );
    Ok(())
}

pub(super) async fn the_last_of_times_is_a_time(store: Arc<dyn Store>) -> Outcome {
    let forever = Deadlines {
        idle_until: u64::MAX,
        absolute_until: u64::MAX,
    };
    created(
        &*store,
        NewRecord {
            deadlines: forever,
            ..plain(1, &[])
        },
    )
    .await?;
    demand!(
        lives(&*store, 1, NOW).await?,
        "a record without end has ended"
    );
    demand!(
        store.touch(&key(1), u64::MAX, NOW).await.map_err(said)?,
        "touch did not see it"
    );
    store
        .consume_once(&[1; 32], u64::MAX, NOW)
        .await
        .map_err(said)?;
    let again = store
        .consume_once(&[1; 32], u64::MAX, NOW)
        .await
        .map_err(said)?;
    demand!(
        again == Consumed::Again,
        "an id that is kept without end was forgotten"
    );
    demand!(
        store.sweep(NOW, 10).await.map_err(said)? == 0,
        "what has no end was swept"
    );
    Ok(())
}
