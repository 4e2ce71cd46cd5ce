//! A token with a key that is not known: the keys are fetched again, under a throttle that fails closed.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Semaphore;

use super::world::{KEYS, Reply, World, key_set, kids};

async fn force(world: &World) -> Vec<String> {
    kids(&world.provider.keys_after_unknown_kid().await.unwrap())
}

#[tokio::test]
async fn oidcc_client_test_signing_key_rotation_just_before_signing() {
    let world = World::new();
    world.set(
        KEYS,
        Reply::json(&key_set("k1")).with("cache-control", "max-age=86400"),
    );
    assert_eq!(world.kids().await, ["k1"]);
    world.set(KEYS, Reply::json(&key_set("k2")));
    assert_eq!(
        force(&world).await,
        ["k2"],
        "at once, however new the copy is"
    );
    assert_eq!(world.kids().await, ["k2"]);
    let asked = world.requests(KEYS);
    assert!(!asked[0].contains_key("cache-control"));
    assert_eq!(
        asked[1]["cache-control"], "no-cache",
        "a cache on the way would answer what is known to be too old"
    );
}

#[tokio::test]
async fn unknown_kids_cannot_make_the_provider_be_asked_more_than_once_in_ten_seconds() {
    let world = World::new();
    world.kids().await;
    let gate = Arc::new(Semaphore::new(0));
    world.set(KEYS, Reply::json(&key_set("k1")).when(&gate));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let provider = world.provider.clone();
            tokio::spawn(async move { kids(&provider.keys_after_unknown_kid().await.unwrap()) })
        })
        .collect();
    world.settle().await;
    gate.add_permits(1);
    for call in calls {
        assert_eq!(call.await.unwrap(), ["k1"]);
    }
    assert_eq!(world.count(KEYS), 2);
    // The same set came back; that does not open the throttle.
    world.advance(9);
    force(&world).await;
    assert_eq!(world.count(KEYS), 2);
    world.advance(1);
    force(&world).await;
    assert_eq!(world.count(KEYS), 3);
}

#[tokio::test]
async fn what_is_unchanged_does_not_open_the_throttle_either() {
    let world = World::new();
    world.set(KEYS, Reply::json(&key_set("k1")).tagged("\"v1\""));
    world.kids().await;
    for _ in 0..5 {
        assert_eq!(force(&world).await, ["k1"]);
    }
    assert_eq!(world.count(KEYS), 2);
    assert_eq!(world.requests(KEYS)[1]["if-none-match"], "\"v1\"");
}

#[tokio::test]
async fn a_clock_that_is_set_back_opens_the_throttle_once() {
    let world = World::new();
    world.kids().await;
    force(&world).await;
    world.set_back(3600);
    for _ in 0..5 {
        force(&world).await;
    }
    assert_eq!(world.count(KEYS), 3);
    world.advance(9);
    force(&world).await;
    assert_eq!(world.count(KEYS), 3, "and it holds from there");
}

#[tokio::test]
async fn a_refresh_that_began_before_is_not_taken_for_an_answer() {
    let world = World::new();
    world.kids().await;
    // A refresh in the background, which a cache on the way answers with what it has.
    let gate = Arc::new(Semaphore::new(0));
    world.set(KEYS, Reply::json(&key_set("k1")).when(&gate));
    world.advance(2880);
    world.kids().await;
    world.settle().await;
    // The provider changes its key and signs with it.
    world.set(KEYS, Reply::json(&key_set("k2")));
    let provider = world.provider.clone();
    let waiting =
        tokio::spawn(async move { kids(&provider.keys_after_unknown_kid().await.unwrap()) });
    world.settle().await;
    assert_eq!(world.count(KEYS), 2, "one request at a time");
    gate.add_permits(1);
    assert_eq!(waiting.await.unwrap(), ["k2"]);
    assert_eq!(world.requests(KEYS)[2]["cache-control"], "no-cache");
}

#[tokio::test]
async fn who_hangs_up_does_not_use_up_the_throttle() {
    let world = World::new();
    world.kids().await;
    let gate = Arc::new(Semaphore::new(0));
    world.set(KEYS, Reply::json(&key_set("k2")).when(&gate));
    let provider = world.provider.clone();
    let gone = tokio::spawn(async move { provider.keys_after_unknown_kid().await.map(|_| ()) });
    world.settle().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    world.settle().await;
    assert_eq!(force(&world).await, ["k2"]);
    assert_eq!(world.count(KEYS), 2);
}

#[tokio::test]
async fn a_refetch_that_fails_leaves_the_set_as_it_was() {
    let world = World::new();
    world.kids().await;
    for broken in [
        Reply::status(503),
        Reply::HangUp,
        Reply::json(&json!({"keys": 1})),
        Reply::Answer(200, Vec::new(), "<html>".to_owned()),
    ] {
        world.set(KEYS, broken);
        world.advance(100);
        assert_eq!(force(&world).await, ["k1"]);
        assert!(world.provider.is_degraded());
        assert_eq!(world.kids().await, ["k1"]);
    }
}

#[tokio::test]
async fn nothing_is_fetched_while_the_provider_is_down() {
    let world = World::new();
    world.kids().await;
    world.set(KEYS, Reply::HangUp);
    force(&world).await;
    let asked = world.count(KEYS);
    for _ in 0..5 {
        force(&world).await;
        world.kids().await;
    }
    world.settle().await;
    assert_eq!(world.count(KEYS), asked);
}
