//! Metadata and keys: fetched when needed, kept while good, kept longer while the provider is down.

mod background;
mod conditional;
mod second_document;
mod unknown_kid;
mod world;

use std::sync::Arc;

use cloakroom_oidc::MetadataError;
use cloakroom_oidc::client::ProviderError;
use serde_json::json;
use tokio::sync::Semaphore;

use self::world::{KEYS, OPENID, Reply, World, key_set, openid};

#[tokio::test]
async fn metadata_and_keys_are_fetched_once_and_kept_for_an_hour() {
    let world = World::new();
    assert_eq!(
        world.count(OPENID),
        0,
        "nothing is fetched before it is needed"
    );
    for _ in 0..3 {
        world.metadata().await;
        assert_eq!(world.kids().await, ["k1"]);
    }
    assert_eq!((world.count(OPENID), world.count(KEYS)), (1, 1));
    world.advance(3600);
    world.metadata().await;
    assert_eq!(world.count(OPENID), 2);
    assert!(!world.provider.is_degraded() && world.provider.last_error().is_none());
}

/// The copy is used as it is for four fifths of its lifetime, and then a newer one is fetched.
async fn assert_lifetime(
    path: &'static str,
    headers: &[(&'static str, &'static str)],
    lifetime: u64,
) {
    let world = World::new();
    let mut reply = if path == KEYS {
        Reply::json(&key_set("k1"))
    } else {
        openid(json!({}))
    };
    for (name, value) in headers {
        reply = reply.with(name, value);
    }
    world.set(path, reply);
    let ask = async || {
        if path == KEYS {
            world.kids().await;
        } else {
            world.metadata().await;
        }
        world.settle().await;
        world.count(path)
    };
    assert_eq!(ask().await, 1);
    world.advance(lifetime / 5 * 4 - 1);
    assert_eq!(ask().await, 1, "{path} {headers:?}");
    world.advance(1);
    assert_eq!(ask().await, 2, "{path} {headers:?}");
}

#[tokio::test]
async fn cache_control_is_honoured_within_bounds() {
    let cache_control = |value: &'static str| vec![("cache-control", value)];
    for (headers, metadata, keys) in [
        (vec![], 3600, 3600),
        (cache_control("max-age=7200"), 7200, 7200),
        (
            vec![
                ("cache-control", "public, Max-Age=7200, must-revalidate"),
                ("age", "200"),
            ],
            7000,
            7000,
        ),
        // What Okta does when it is about to change its keys.
        (cache_control("max-age=60, must-revalidate"), 300, 60),
        (cache_control("max-age=1"), 300, 10),
        (cache_control("no-store"), 300, 10),
        (
            vec![
                ("cache-control", "max-age=7200"),
                ("cache-control", "no-cache"),
            ],
            300,
            10,
        ),
        (cache_control("max-age=99999999"), 86_400, 86_400),
        (cache_control("max-age=soon"), 3600, 3600),
        (cache_control("max-age=\"7200\""), 7200, 7200),
        (
            vec![("cache-control", "max-age=600"), ("age", "9999")],
            300,
            10,
        ),
    ] {
        assert_lifetime(OPENID, &headers, metadata).await;
        assert_lifetime(KEYS, &headers, keys).await;
    }
}

#[tokio::test]
async fn many_callers_make_one_request() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    world.set(OPENID, openid(json!({})).when(&gate));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let provider = world.provider.clone();
            tokio::spawn(async move { provider.keys().await.map(|_| ()) })
        })
        .collect();
    world.settle().await;
    gate.add_permits(1);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((world.count(OPENID), world.count(KEYS)), (1, 1));
}

#[tokio::test]
async fn a_provider_that_is_down_at_start_is_asked_again_with_back_off() {
    let world = World::new();
    world.set(OPENID, Reply::status(503));
    let first = world.provider.metadata().await.unwrap_err();
    assert_eq!(first.code(), "provider_status");
    assert!(world.provider.is_degraded());
    assert!(world.provider.last_error().unwrap().contains("503"));
    // After failure n the provider is left alone for so many seconds.
    for (failures, wait) in [
        (1, 1),
        (2, 2),
        (3, 4),
        (4, 8),
        (5, 16),
        (6, 32),
        (7, 60),
        (8, 60),
    ] {
        world.advance(wait - 1);
        let error = world.provider.metadata().await.unwrap_err();
        assert!(
            matches!(&error, ProviderError::BackingOff { last } if last.contains("503")),
            "{error:?}"
        );
        assert_eq!(world.count(OPENID), failures);
        world.advance(1);
        assert_eq!(
            world.provider.metadata().await.unwrap_err().code(),
            "provider_status"
        );
        assert_eq!(world.count(OPENID), failures + 1);
    }
    world.set(OPENID, openid(json!({})));
    world.advance(60);
    world.metadata().await;
    assert!(!world.provider.is_degraded());
}

#[tokio::test]
async fn an_old_copy_stands_in_while_the_provider_is_down() {
    let world = World::new();
    world.kids().await;
    world.set(KEYS, Reply::status(503));
    world.set(OPENID, Reply::HangUp);
    world.advance(3600);
    assert_eq!(world.kids().await, ["k1"]);
    assert!(world.provider.is_degraded());
    let asked = (world.count(OPENID), world.count(KEYS));
    for _ in 0..5 {
        assert_eq!(world.kids().await, ["k1"]);
    }
    assert_eq!(
        (world.count(OPENID), world.count(KEYS)),
        asked,
        "not hammered"
    );
    world.set(KEYS, Reply::json(&key_set("k2")));
    world.set(OPENID, openid(json!({})));
    world.advance(60);
    world.metadata().await;
    assert_eq!(world.kids().await, ["k2"]);
    assert!(!world.provider.is_degraded());
}

#[tokio::test]
async fn callers_that_waited_for_a_failure_do_not_each_try_again() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    world.set(OPENID, Reply::HangUp.when(&gate));
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let provider = world.provider.clone();
            tokio::spawn(async move { provider.metadata().await.map(|_| ()) })
        })
        .collect();
    world.settle().await;
    gate.add_permits(1);
    for call in calls {
        call.await.unwrap().unwrap_err();
    }
    assert_eq!(world.count(OPENID), 1);
}

#[tokio::test]
async fn nobody_queues_while_there_is_an_old_copy() {
    let world = World::new();
    world.metadata().await;
    let gate = Arc::new(Semaphore::new(0));
    world.set(OPENID, Reply::HangUp.when(&gate));
    world.advance(3600);
    let provider = world.provider.clone();
    let slow = tokio::spawn(async move { provider.metadata().await.map(|_| ()) });
    world.settle().await;
    assert_eq!(world.count(OPENID), 2);
    world.metadata().await;
    assert!(!slow.is_finished(), "the one that asks is still waiting");
    gate.add_permits(1);
    slow.await.unwrap().unwrap();
}

#[tokio::test]
async fn keys_that_moved_are_found_again() {
    let world = World::new();
    world.kids().await;
    world.set(KEYS, Reply::status(404));
    world.provider.keys_after_unknown_kid().await.unwrap();
    assert_eq!(world.count(OPENID), 1);
    world.set(KEYS, Reply::json(&key_set("k2")));
    world.advance(10);
    let set = world.provider.keys_after_unknown_kid().await.unwrap();
    assert_eq!(world::kids(&set), ["k2"]);
    assert_eq!(world.count(OPENID), 2);
}

#[tokio::test]
async fn oidcc_client_test_discovery_issuer_mismatch() {
    let world = World::new();
    world.set(OPENID, openid(json!({"issuer": "https://evil.example"})));
    let error = world.provider.metadata().await.unwrap_err();
    assert!(
        matches!(
            error,
            ProviderError::Metadata(MetadataError::IssuerMismatch { .. })
        ),
        "{error:?}"
    );
    assert_eq!(error.code(), "metadata_issuer_mismatch");
    assert!(world.provider.known_metadata().is_none());
    assert_eq!(
        world.count(world::INSERTED),
        0,
        "another document could not mend that"
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let world = World::new();
    world.set(
        OPENID,
        Reply::status(302).with("location", "https://id.example.com/elsewhere"),
    );
    assert_eq!(
        world.provider.metadata().await.unwrap_err().code(),
        "provider_status"
    );
    assert_eq!(world.count("/elsewhere"), 0);
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_a_copy_old() {
    let world = World::new();
    world.metadata().await;
    world.set_back(1000);
    world.metadata().await;
    assert_eq!(world.count(OPENID), 2);
}

#[tokio::test]
async fn a_page_is_neither_metadata_nor_keys_whatever_stands_in_it() {
    let world = World::new();
    for (stated, good) in [
        ("application/json; charset=utf-8", true),
        ("application/jwk-set+json", true),
        ("text/html", false),
        ("text/plain", false),
    ] {
        let world = World::new();
        world.set(
            KEYS,
            Reply::json(&key_set("k1")).with("content-type", stated),
        );
        assert_eq!(world.provider.keys().await.is_ok(), good, "{stated}");
    }
    world.set(OPENID, openid(json!({})).with("content-type", "text/html"));
    assert_eq!(
        world.provider.metadata().await.unwrap_err().code(),
        "provider_content_type"
    );
}
