//! Metadata and keys: fetched when needed, kept while good, kept longer while the provider is down.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom_oidc::client::{HttpClient, HttpLimits, Provider, ProviderError};
use cloakroom_oidc::{Issuer, MetadataError};
use serde_json::json;

use super::server::{Reply, Server};
use crate::keys::{other_rsa, rsa};
use crate::support::document;

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A provider whose answers and clock the test sets.
struct World {
    provider: Arc<Provider>,
    server: Server,
    now: Arc<AtomicU64>,
    metadata: Arc<Mutex<Reply>>,
    keys: Arc<Mutex<Reply>>,
}

impl World {
    async fn new() -> Self {
        let metadata = Arc::new(Mutex::new(Reply::HangUp));
        let keys = Arc::new(Mutex::new(Reply::json(&key_set("k1"))));
        let (for_metadata, for_keys) = (Arc::clone(&metadata), Arc::clone(&keys));
        let server = Server::start(move |line| {
            if line.starts_with("GET /.well-known/") {
                for_metadata.lock().unwrap().clone()
            } else {
                for_keys.lock().unwrap().clone()
            }
        })
        .await;
        let limits = HttpLimits {
            total: Duration::from_secs(2),
            ..HttpLimits::default()
        };
        let now = Arc::new(AtomicU64::new(1_800_000_000));
        let clock = Arc::clone(&now);
        let provider = Provider::new(
            Issuer::parse(&server.url("")).unwrap(),
            HttpClient::new(limits).unwrap(),
            Arc::new(move || clock.load(Ordering::SeqCst)),
        );
        let world = Self {
            provider: Arc::new(provider),
            server,
            now,
            metadata,
            keys,
        };
        world.set_metadata(world.metadata_reply(""));
        world
    }

    fn metadata_reply(&self, headers: &str) -> Reply {
        let mut document = document();
        document["issuer"] = json!(self.server.url(""));
        document["jwks_uri"] = json!(self.server.url("/keys"));
        Reply::with(
            "200 OK",
            &format!("content-type: application/json\r\n{headers}"),
            &document.to_string(),
        )
    }

    fn set_metadata(&self, reply: Reply) {
        *self.metadata.lock().unwrap() = reply;
    }

    fn set_keys(&self, reply: Reply) {
        *self.keys.lock().unwrap() = reply;
    }

    fn advance(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    fn discoveries(&self) -> usize {
        self.server.count(DISCOVERY)
    }

    fn key_fetches(&self) -> usize {
        self.server.count("/keys")
    }

    async fn kids(&self) -> Vec<String> {
        kids(&self.provider.keys().await.unwrap())
    }
}

fn kids(set: &cloakroom_oidc::KeySet) -> Vec<String> {
    set.key_ids()
        .map(|kid| kid.unwrap_or_default().to_owned())
        .collect()
}

fn key_set(kid: &str) -> String {
    let key = if kid == "k1" { rsa() } else { other_rsa() };
    json!({"keys": [key.jwk(json!({"kid": kid}))]}).to_string()
}

fn down() -> Reply {
    Reply::with("503 Service Unavailable", "", "")
}

#[tokio::test]
async fn metadata_and_keys_are_fetched_once_and_kept_for_an_hour() {
    let world = World::new().await;
    assert_eq!(
        world.discoveries(),
        0,
        "nothing is fetched before it is needed"
    );
    for _ in 0..3 {
        world.provider.metadata().await.unwrap();
        assert_eq!(world.kids().await, ["k1"]);
    }
    assert_eq!((world.discoveries(), world.key_fetches()), (1, 1));
    world.advance(3599);
    world.provider.metadata().await.unwrap();
    assert_eq!(world.discoveries(), 1);
    world.advance(1);
    world.provider.metadata().await.unwrap();
    assert_eq!(world.discoveries(), 2);
    assert!(!world.provider.is_degraded() && world.provider.last_error().is_none());
}

#[tokio::test]
async fn cache_control_is_honoured_between_five_minutes_and_a_day() {
    for (headers, lifetime) in [
        ("cache-control: max-age=7200\r\n", 7200),
        (
            "cache-control: public, Max-Age=7200, must-revalidate\r\nage: 200\r\n",
            7000,
        ),
        ("cache-control: max-age=1\r\n", 300),
        ("cache-control: no-store\r\n", 300),
        (
            "cache-control: max-age=7200\r\ncache-control: no-cache\r\n",
            300,
        ),
        ("cache-control: max-age=99999999\r\n", 86_400),
        ("cache-control: max-age=soon\r\n", 3600),
        ("cache-control: max-age=600\r\nage: 9999\r\n", 300),
    ] {
        let world = World::new().await;
        world.set_metadata(world.metadata_reply(headers));
        world.provider.metadata().await.unwrap();
        world.advance(lifetime - 1);
        world.provider.metadata().await.unwrap();
        assert_eq!(world.discoveries(), 1, "{headers}");
        world.advance(1);
        world.provider.metadata().await.unwrap();
        assert_eq!(world.discoveries(), 2, "{headers}");
    }
}

#[tokio::test]
async fn many_callers_make_one_request() {
    let world = World::new().await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let provider = Arc::clone(&world.provider);
            tokio::spawn(async move { provider.keys().await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((world.discoveries(), world.key_fetches()), (1, 1));
}

#[tokio::test]
async fn a_provider_that_is_down_at_start_is_asked_again_with_back_off() {
    let world = World::new().await;
    world.set_metadata(down());
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
        assert_eq!(world.discoveries(), failures);
        world.advance(1);
        assert_eq!(
            world.provider.metadata().await.unwrap_err().code(),
            "provider_status"
        );
        assert_eq!(world.discoveries(), failures + 1);
    }
    world.set_metadata(world.metadata_reply(""));
    world.advance(60);
    world.provider.metadata().await.unwrap();
    assert!(!world.provider.is_degraded());
}

#[tokio::test]
async fn an_old_copy_stands_in_while_the_provider_is_down() {
    let world = World::new().await;
    world.kids().await;
    world.set_keys(down());
    world.set_metadata(Reply::HangUp);
    world.advance(3600);
    assert_eq!(world.kids().await, ["k1"]);
    assert!(world.provider.is_degraded());
    let asked = (world.discoveries(), world.key_fetches());
    for _ in 0..5 {
        assert_eq!(world.kids().await, ["k1"]);
    }
    assert_eq!(
        (world.discoveries(), world.key_fetches()),
        asked,
        "not hammered"
    );
    world.set_keys(Reply::json(&key_set("k2")));
    world.set_metadata(world.metadata_reply(""));
    world.advance(60);
    world.provider.metadata().await.unwrap();
    assert_eq!(world.kids().await, ["k2"]);
    assert!(!world.provider.is_degraded());
}

#[tokio::test]
async fn callers_that_waited_for_a_failure_do_not_each_try_again() {
    let world = World::new().await;
    world.set_metadata(Reply::Silence);
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let provider = Arc::clone(&world.provider);
            tokio::spawn(async move { provider.metadata().await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap_err();
    }
    assert_eq!(world.discoveries(), 1);
}

#[tokio::test]
async fn nobody_queues_while_there_is_an_old_copy() {
    let world = World::new().await;
    world.provider.metadata().await.unwrap();
    world.set_metadata(Reply::Silence);
    world.advance(3600);
    let provider = Arc::clone(&world.provider);
    let slow = tokio::spawn(async move { provider.metadata().await.map(|_| ()) });
    while world.discoveries() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.provider.metadata().await.unwrap();
    assert!(!slow.is_finished(), "the one that asks is still waiting");
    slow.await.unwrap().unwrap();
}

#[tokio::test]
async fn oidcc_client_test_signing_key_rotation_just_before_signing() {
    let world = World::new().await;
    assert_eq!(world.kids().await, ["k1"]);
    world.set_keys(Reply::json(&key_set("k2")));
    let refetched = world.provider.keys_after_unknown_kid().await.unwrap();
    assert_eq!(kids(&refetched), ["k2"], "at once, however new the copy is");
    assert_eq!(world.kids().await, ["k2"]);
}

#[tokio::test]
async fn unknown_kids_cannot_make_the_provider_be_asked_more_than_once_in_ten_seconds() {
    let world = World::new().await;
    world.kids().await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let provider = Arc::clone(&world.provider);
            tokio::spawn(async move { kids(&provider.keys_after_unknown_kid().await.unwrap()) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), ["k1"]);
    }
    assert_eq!(world.key_fetches(), 2);
    world.advance(9);
    world.provider.keys_after_unknown_kid().await.unwrap();
    assert_eq!(world.key_fetches(), 2);
    world.advance(1);
    world.provider.keys_after_unknown_kid().await.unwrap();
    assert_eq!(world.key_fetches(), 3);
}

#[tokio::test]
async fn a_refetch_that_fails_leaves_the_set_as_it_was() {
    let world = World::new().await;
    world.kids().await;
    for broken in [
        down(),
        Reply::HangUp,
        Reply::json("{\"keys\":1}"),
        Reply::json("<html>"),
    ] {
        world.set_keys(broken);
        world.advance(100);
        let set = world.provider.keys_after_unknown_kid().await.unwrap();
        assert_eq!(kids(&set), ["k1"]);
        assert!(world.provider.is_degraded());
    }
}

#[tokio::test]
async fn keys_that_moved_are_found_again() {
    let world = World::new().await;
    world.kids().await;
    world.set_keys(Reply::with("404 Not Found", "", ""));
    world.provider.keys_after_unknown_kid().await.unwrap();
    assert_eq!(world.discoveries(), 1);
    world.set_keys(Reply::json(&key_set("k2")));
    world.advance(10);
    let set = world.provider.keys_after_unknown_kid().await.unwrap();
    assert_eq!(kids(&set), ["k2"]);
    assert_eq!(world.discoveries(), 2);
}

#[tokio::test]
async fn a_document_that_is_not_acceptable_is_not_kept() {
    let world = World::new().await;
    let mut other = document();
    other["issuer"] = json!("https://evil.example");
    world.set_metadata(Reply::json(&other.to_string()));
    let error = world.provider.metadata().await.unwrap_err();
    assert!(
        matches!(
            error,
            ProviderError::Metadata(MetadataError::IssuerMismatch { .. })
        ),
        "{error:?}"
    );
    assert_eq!(error.code(), "metadata_issuer_mismatch");
    let location = format!("location: {}\r\n", world.server.url("/elsewhere"));
    world.set_metadata(Reply::with("302 Found", &location, ""));
    world.advance(10);
    assert_eq!(
        world.provider.metadata().await.unwrap_err().code(),
        "provider_status"
    );
    assert_eq!(world.server.count("/elsewhere"), 0);
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_a_copy_old() {
    let world = World::new().await;
    world.provider.metadata().await.unwrap();
    world.now.fetch_sub(1000, Ordering::SeqCst);
    world.provider.metadata().await.unwrap();
    assert_eq!(world.discoveries(), 2);
}
