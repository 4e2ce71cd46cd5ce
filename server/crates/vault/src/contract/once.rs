//! What is good once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{LIMITS, NOW, Outcome, demand, numbered, said};
use crate::store::{Consumed, Store};

async fn consume(store: &dyn Store, number: u8, until: u64, now: u64) -> Result<Consumed, String> {
    store
        .consume_once(&[number; 32], until, now)
        .await
        .map_err(said)
}

pub(super) async fn an_id_is_consumed_once(store: Arc<dyn Store>) -> Outcome {
    for number in 1..=3 {
        let first = consume(&*store, number, NOW + 60, NOW).await?;
        demand!(
            first == Consumed::First,
            "a new id was answered with {first:?}"
        );
    }
    for number in 1..=3 {
        let again = consume(&*store, number, NOW + 60, NOW).await?;
        demand!(
            again == Consumed::Again,
            "a spent id was answered with {again:?}"
        );
    }
    // An id that is late when it comes is still good for one caller only.
    let late = consume(&*store, 4, NOW - 1, NOW).await?;
    let again = consume(&*store, 4, NOW - 1, NOW).await?;
    demand!(
        (late, again) == (Consumed::First, Consumed::Again),
        "a late id was answered with {late:?}, {again:?}"
    );
    Ok(())
}

pub(super) async fn of_concurrent_consumers_one_is_first(store: Arc<dyn Store>) -> Outcome {
    for number in 1..=4 {
        let mut consumers = JoinSet::new();
        for _ in 0..16 {
            let store = Arc::clone(&store);
            consumers.spawn(async move { consume(&*store, number, NOW + 60, NOW).await });
        }
        let mut first = 0;
        while let Some(joined) = consumers.join_next().await {
            match joined.map_err(|error| error.to_string())?? {
                Consumed::First => first += 1,
                Consumed::Again => {}
                Consumed::Full => return Err("a set with room said that it is full".to_owned()),
            }
        }
        demand!(first == 1, "{first} of 16 were told that they are first");
    }
    Ok(())
}

pub(super) async fn a_consumed_id_is_kept_until_its_time(store: Arc<dyn Store>) -> Outcome {
    consume(&*store, 1, NOW + 60, NOW).await?;
    // A second attempt does not move the time.
    consume(&*store, 1, NOW + 600, NOW + 30).await?;
    let kept = consume(&*store, 1, NOW + 60, NOW + 59).await?;
    demand!(
        kept == Consumed::Again,
        "before its time it was answered with {kept:?}"
    );
    let over = consume(&*store, 1, NOW + 120, NOW + 60).await?;
    demand!(
        over == Consumed::First,
        "after its time it was answered with {over:?}"
    );
    let again = consume(&*store, 1, NOW + 120, NOW + 119).await?;
    demand!(
        again == Consumed::Again,
        "the second time round it was answered with {again:?}"
    );
    Ok(())
}

pub(super) async fn a_full_set_refuses_and_forgets_nobody(store: Arc<dyn Store>) -> Outcome {
    for number in numbered(LIMITS.consumed) {
        let first = consume(&*store, number, NOW + 60, NOW).await?;
        demand!(
            first == Consumed::First,
            "a new id was answered with {first:?}"
        );
    }
    let full = consume(&*store, 200, NOW + 60, NOW).await?;
    demand!(
        full == Consumed::Full,
        "one too many was answered with {full:?}"
    );
    for number in numbered(LIMITS.consumed) {
        let again = consume(&*store, number, NOW + 60, NOW + 59).await?;
        demand!(
            again == Consumed::Again,
            "a spent id was then answered with {again:?}"
        );
    }
    let full = consume(&*store, 200, NOW + 60, NOW + 59).await?;
    demand!(
        full == Consumed::Full,
        "one too many was then answered with {full:?}"
    );
    Ok(())
}

pub(super) async fn expired_ids_make_room(store: Arc<dyn Store>) -> Outcome {
    for number in numbered(LIMITS.consumed) {
        let until = if number == 5 { NOW + 10 } else { NOW + 60 };
        consume(&*store, number, until, NOW).await?;
    }
    let room = consume(&*store, 200, NOW + 60, NOW + 10).await?;
    demand!(
        room == Consumed::First,
        "with room for one it was answered with {room:?}"
    );
    let full = consume(&*store, 201, NOW + 60, NOW + 10).await?;
    demand!(
        full == Consumed::Full,
        "with no more room it was answered with {full:?}"
    );
    for number in numbered(LIMITS.consumed).filter(|number| *number != 5) {
        let again = consume(&*store, number, NOW + 60, NOW + 10).await?;
        demand!(
            again == Consumed::Again,
            "a spent id was forgotten to make room"
        );
    }
    Ok(())
}
