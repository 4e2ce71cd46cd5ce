//! Refetching by condition: what has not changed is not sent again (RFC 9110 section 13, RFC 9111 section 4.3).

use serde_json::json;

use super::world::{KEYS, OPENID, Reply, World, key_set, openid};

#[tokio::test]
async fn a_304_keeps_the_copy_and_renews_its_life() {
    let world = World::new();
    let reply = || Reply::json(&key_set("k1")).tagged("\"v1\"");
    world.set(KEYS, reply().with("cache-control", "max-age=600"));
    let first = world.provider.keys().await.unwrap();
    assert!(!world.requests(KEYS)[0].contains_key("if-none-match"));
    // The 304 says for how long from now on.
    world.set(KEYS, reply().with("cache-control", "max-age=60"));
    world.advance(600);
    let second = world.provider.keys().await.unwrap();
    assert_eq!(world.requests(KEYS)[1]["if-none-match"], "\"v1\"");
    assert!(
        std::sync::Arc::ptr_eq(&first, &second),
        "the very same copy"
    );
    world.advance(47);
    world.kids().await;
    world.settle().await;
    assert_eq!(world.count(KEYS), 2, "good for another minute");
    world.advance(1);
    world.kids().await;
    world.settle().await;
    assert_eq!(world.count(KEYS), 3);
    assert_eq!(
        world.requests(KEYS)[2]["if-none-match"],
        "\"v1\"",
        "and asked about again"
    );
    assert!(!world.provider.is_degraded());
}

#[tokio::test]
async fn a_304_that_says_nothing_of_time_means_as_long_as_before() {
    let world = World::new();
    let long = Reply::json(&key_set("k1")).with("cache-control", "max-age=7200");
    world.set(KEYS, long.tagged("\"v1\""));
    world.kids().await;
    world.set(KEYS, Reply::json(&key_set("k1")).tagged("\"v1\""));
    world.advance(7200);
    world.kids().await;
    assert_eq!(world.count(KEYS), 2);
    world.advance(5759);
    world.kids().await;
    world.settle().await;
    assert_eq!(world.count(KEYS), 2);
}

#[tokio::test]
async fn a_changed_document_comes_whole() {
    let world = World::new();
    world.set(KEYS, Reply::json(&key_set("k1")).tagged("\"v1\""));
    world.kids().await;
    world.set(KEYS, Reply::json(&key_set("k2")).tagged("\"v2\""));
    world.advance(3600);
    assert_eq!(world.kids().await, ["k2"]);
    world.advance(3600);
    world.kids().await;
    assert_eq!(world.requests(KEYS)[2]["if-none-match"], "\"v2\"");
}

#[tokio::test]
async fn a_date_serves_where_there_is_no_tag() {
    let date = "Tue, 15 Nov 1994 12:45:26 GMT";
    let world = World::new();
    world.set(OPENID, openid(json!({})).with("last-modified", date));
    world.metadata().await;
    world.advance(3600);
    world.set(OPENID, Reply::status(304));
    world.metadata().await;
    assert_eq!(world.requests(OPENID)[1]["if-modified-since"], date);
    assert!(!world.provider.is_degraded());
}

#[tokio::test]
async fn a_304_that_nobody_asked_for_is_no_answer() {
    let world = World::new();
    world.set(OPENID, Reply::status(304));
    let error = world.provider.metadata().await.unwrap_err();
    assert_eq!(error.code(), "provider_status");
    assert!(error.to_string().contains("304"), "{error}");
    // Nor is it where the copy has neither tag nor date.
    world.set(OPENID, openid(json!({})));
    world.advance(1);
    world.metadata().await;
    world.set(OPENID, Reply::status(304));
    world.advance(3600);
    world.metadata().await;
    assert!(world.provider.is_degraded());
}

#[tokio::test]
async fn a_tag_is_good_at_the_address_that_it_came_from_only() {
    let world = World::new();
    world.set(KEYS, Reply::json(&key_set("k1")).tagged("\"v1\""));
    world.kids().await;
    world.set(
        OPENID,
        openid(json!({"jwks_uri": "https://keys.example.net/jwks"})),
    );
    world.set("/jwks", Reply::json(&key_set("k2")).tagged("\"v1\""));
    world.advance(3600);
    assert_eq!(world.kids().await, ["k2"]);
    assert!(!world.requests("/jwks")[0].contains_key("if-none-match"));
}
