//! A newer copy is fetched before the old one runs out, and nobody waits for it.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Semaphore;

use super::world::{KEYS, OPENID, Reply, World, key_set, openid};

#[tokio::test]
async fn past_four_fifths_of_its_life_a_copy_is_answered_at_once_and_refreshed() {
    let world = World::new();
    world.kids().await;
    world.set(KEYS, Reply::json(&key_set("k2")));
    world.advance(2880);
    assert_eq!(world.kids().await, ["k1"], "at once");
    world.settle().await;
    assert_eq!(world.count(KEYS), 2);
    assert_eq!(world.kids().await, ["k2"]);
    assert_eq!(world.count(KEYS), 2);
}

#[tokio::test]
async fn there_is_one_refresh_at_a_time_and_nobody_waits_for_it() {
    let world = World::new();
    world.kids().await;
    let gate = Arc::new(Semaphore::new(0));
    world.set(KEYS, Reply::json(&key_set("k2")).when(&gate));
    world.advance(2880);
    for _ in 0..20 {
        assert_eq!(world.kids().await, ["k1"]);
        world.settle().await;
    }
    assert_eq!(world.count(KEYS), 2, "never in parallel");
    // Past its end the copy still stands in for as long as somebody is asking.
    world.advance(3600);
    assert_eq!(world.kids().await, ["k1"]);
    assert_eq!(world.count(KEYS), 2);
    gate.add_permits(1);
    world.settle().await;
    assert_eq!(world.kids().await, ["k2"]);
}

#[tokio::test]
async fn a_refresh_goes_on_when_its_caller_is_gone() {
    let world = World::new();
    world.kids().await;
    world.set(KEYS, Reply::json(&key_set("k2")));
    world.advance(2880);
    let provider = world.provider.clone();
    tokio::spawn(async move { provider.keys().await.map(|_| ()) })
        .await
        .unwrap()
        .unwrap();
    world.settle().await;
    assert_eq!(world.kids().await, ["k2"]);
}

#[tokio::test]
async fn so_does_the_first_fetch() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    world.set(OPENID, openid(json!({})).when(&gate));
    let provider = world.provider.clone();
    let gone = tokio::spawn(async move { provider.metadata().await.map(|_| ()) });
    world.settle().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    world.metadata().await;
    assert_eq!(world.count(OPENID), 1);
}

#[tokio::test]
async fn a_failed_refresh_is_repeated_with_back_off_and_still_nobody_waits() {
    let world = World::new();
    world.metadata().await;
    world.set(OPENID, Reply::HangUp);
    world.advance(2880);
    for (asked, wait) in [(2, 1), (3, 2), (4, 4), (5, 8)] {
        world.metadata().await;
        world.settle().await;
        assert_eq!(world.count(OPENID), asked);
        assert!(world.provider.is_degraded());
        world.advance(wait - 1);
        world.metadata().await;
        world.settle().await;
        assert_eq!(world.count(OPENID), asked, "not before {wait} s");
        world.advance(1);
    }
    world.set(OPENID, openid(json!({})));
    world.metadata().await;
    world.settle().await;
    assert!(!world.provider.is_degraded());
}

#[test]
fn without_a_runtime_a_copy_is_used_to_its_end() {
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(world.metadata());
    drop(runtime);
    world.advance(3599);
    // Ready at the first poll: there is nothing to wait for.
    let provider = world.provider.clone();
    let mut asking = Box::pin(async move { provider.metadata().await.map(|_| ()) });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(matches!(
        asking.as_mut().poll(&mut context),
        std::task::Poll::Ready(Ok(()))
    ));
    assert_eq!(world.count(OPENID), 1);
}
