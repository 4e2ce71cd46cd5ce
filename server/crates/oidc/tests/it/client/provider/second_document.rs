//! The metadata document of RFC 8414, where that of OpenID Connect Discovery is absent or lacks an endpoint.

use std::sync::Arc;

use cloakroom_oidc::client::ProviderError;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::world::{APPENDED, INSERTED, KEYS, OPENID, Reply, World, openid};
use crate::support::{ISSUER, document};

const NO_PAR: &str = "pushed_authorization_request_endpoint";

fn par() -> Reply {
    Reply::json(&json!({"issuer": ISSUER, NO_PAR: format!("{ISSUER}/v1/par")}))
}

fn without(name: &str) -> Reply {
    openid(json!({ name: Value::Null }))
}

#[tokio::test]
async fn it_is_not_asked_for_where_the_first_one_is_complete() {
    let world = World::new();
    world.set(INSERTED, par());
    world.metadata().await;
    assert_eq!((world.count(INSERTED), world.count(APPENDED)), (0, 0));
}

#[tokio::test]
async fn it_fills_in_an_endpoint() {
    let world = World::new();
    world.set(OPENID, without(NO_PAR));
    world.set(INSERTED, par());
    let metadata = world.metadata().await;
    assert!(metadata.pushed_authorization_request_endpoint.is_some());
    assert_eq!((world.count(INSERTED), world.count(APPENDED)), (1, 0));
    world.kids().await;
}

#[tokio::test]
async fn it_fills_in_what_every_client_needs() {
    for name in ["jwks_uri", "token_endpoint", "authorization_endpoint"] {
        let world = World::new();
        world.set(OPENID, without(name));
        let error = world.provider.metadata().await.unwrap_err();
        assert_eq!(error.code(), "metadata_missing_member", "{name}");
        world.set(APPENDED, Reply::json(&document()));
        world.advance(1);
        world.metadata().await;
        assert_eq!((world.count(INSERTED), world.count(APPENDED)), (1, 1));
    }
}

#[tokio::test]
async fn it_stands_in_for_a_first_one_that_is_not_there() {
    for status in [404, 410] {
        let world = World::new();
        world.set(OPENID, Reply::status(status));
        world.set(INSERTED, Reply::json(&document()));
        world.kids().await;
        world.advance(3600);
        world.metadata().await;
        assert_eq!((world.count(INSERTED), world.count(APPENDED)), (2, 0));
        assert!(!world.provider.is_degraded());
    }
}

#[tokio::test]
async fn it_does_not_replace_a_first_one_that_was_there() {
    let world = World::new();
    world.metadata().await;
    let mut lesser = document();
    lesser["userinfo_endpoint"] = Value::Null;
    world.set(INSERTED, Reply::json(&lesser));
    world.set(OPENID, Reply::status(404));
    world.advance(3600);
    assert!(world.metadata().await.userinfo_endpoint.is_some());
    assert!(world.provider.is_degraded());
    world.set(OPENID, openid(json!({})));
    world.advance(1);
    world.metadata().await;
    assert!(!world.provider.is_degraded());
    assert_eq!(world.count(INSERTED), 0);
}

#[tokio::test]
async fn the_older_address_is_the_next_one_asked() {
    let world = World::new();
    world.set(OPENID, Reply::status(404));
    world.set(APPENDED, Reply::json(&document()));
    let error = world.provider.metadata().await.unwrap_err();
    assert!(
        matches!(error, ProviderError::Status { status: 404, .. }),
        "of the first document: {error:?}"
    );
    assert_eq!(
        (world.count(INSERTED), world.count(APPENDED)),
        (1, 0),
        "one more request a refresh and no more"
    );
    world.advance(1);
    world.metadata().await;
    assert_eq!((world.count(INSERTED), world.count(APPENDED)), (1, 1));
    world.advance(3600);
    world.metadata().await;
    assert_eq!(
        (world.count(INSERTED), world.count(APPENDED)),
        (1, 2),
        "and remembered"
    );
}

#[tokio::test]
async fn another_status_of_the_first_is_no_absence() {
    for status in [500, 503, 403, 429, 302] {
        let world = World::new();
        world.set(OPENID, Reply::status(status));
        world.set(INSERTED, Reply::json(&document()));
        assert!(world.provider.metadata().await.is_err());
        assert_eq!(world.count(INSERTED), 0, "{status}");
    }
}

#[tokio::test]
async fn its_issuer_is_identical_too() {
    let evil = json!({"issuer": "https://evil.example", NO_PAR: "https://evil.example/par"});
    let world = World::new();
    world.set(OPENID, without(NO_PAR));
    world.set(INSERTED, Reply::json(&evil));
    let metadata = world.metadata().await;
    assert!(metadata.pushed_authorization_request_endpoint.is_none());
    assert!(!world.provider.is_degraded(), "the first one is good");
    // Where it is all there is, it is refused.
    let world = World::new();
    world.set(OPENID, Reply::status(404));
    let mut other = document();
    other["issuer"] = json!(format!("{ISSUER}/"));
    world.set(INSERTED, Reply::json(&other));
    assert_eq!(
        world.provider.metadata().await.unwrap_err().code(),
        "metadata_issuer_mismatch"
    );
}

#[tokio::test]
async fn its_failure_does_not_spoil_the_first() {
    for failure in [
        Reply::HangUp,
        Reply::status(500),
        Reply::status(404),
        Reply::status(302),
        Reply::json(&json!({"issuer": ISSUER, NO_PAR: "http://id.example.com/par"})),
        Reply::json(&json!({"issuer": ISSUER, "jwks_uri": 7, NO_PAR: 7})),
        Reply::Answer(200, Vec::new(), "<html>".to_owned()),
    ] {
        let world = World::new();
        world.set(OPENID, without(NO_PAR));
        world.set(INSERTED, failure);
        world.metadata().await;
        world.kids().await;
        assert!(!world.provider.is_degraded());
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_not_waited_for_long() {
    let world = World::new();
    world.set(OPENID, without(NO_PAR));
    world.set(INSERTED, par().when(&Arc::new(Semaphore::new(0))));
    let before = tokio::time::Instant::now();
    world.metadata().await;
    assert_eq!(before.elapsed().as_secs(), 3);
    assert!(!world.provider.is_degraded());
}

#[tokio::test]
async fn most_providers_have_none_and_are_left_alone_for_a_day() {
    let world = World::new();
    world.set(OPENID, without(NO_PAR).tagged("\"v1\""));
    for _ in 0..23 {
        world.metadata().await;
        world.advance(3600);
    }
    assert_eq!(
        (world.count(INSERTED), world.count(APPENDED)),
        (1, 1),
        "each address once"
    );
    assert_eq!(world.count(OPENID), 23);
    assert_eq!(
        world.requests(OPENID)[22]["if-none-match"],
        "\"v1\"",
        "by condition, now that there is only one document"
    );
    // It changed, after more than a day: worth another look.
    world.set(OPENID, without(NO_PAR).tagged("\"v2\""));
    world.advance(24 * 3600);
    world.metadata().await;
    assert_eq!((world.count(INSERTED), world.count(APPENDED)), (2, 1));
}

#[tokio::test]
async fn an_issuer_without_a_path_has_one_address() {
    let world = World::of("https://id.example.com");
    let mut first = document();
    first["issuer"] = json!("https://id.example.com");
    world.set("/.well-known/openid-configuration", Reply::json(&first));
    for _ in 0..5 {
        world.metadata().await;
        world.advance(3600);
    }
    assert_eq!(world.count("/.well-known/oauth-authorization-server"), 1);
}

#[tokio::test]
async fn what_it_said_is_kept_while_its_server_is_down() {
    let world = World::new();
    world.set(OPENID, without(NO_PAR));
    world.set(INSERTED, par());
    world.metadata().await;
    for failure in [Reply::HangUp, Reply::status(503), Reply::status(429)] {
        world.set(INSERTED, failure);
        world.advance(3600);
        let metadata = world.metadata().await;
        assert!(metadata.pushed_authorization_request_endpoint.is_some());
    }
    // Gone is gone, once it was said twice.
    world.set(INSERTED, Reply::status(404));
    for there in [true, false] {
        world.advance(3600);
        let metadata = world.metadata().await;
        let endpoint = &metadata.pushed_authorization_request_endpoint;
        assert_eq!(endpoint.is_some(), there);
    }
    assert_eq!(world.count(KEYS), 0);
}

#[tokio::test]
async fn it_is_not_lost_for_one_bad_answer() {
    for bad in [
        Reply::status(404),
        Reply::status(403),
        Reply::json(&json!({"issuer": "https://id.example.com"})),
        Reply::json(&json!({"maintenance": true})),
    ] {
        let world = World::new();
        world.set(OPENID, without(NO_PAR).tagged("\"v1\""));
        world.set(INSERTED, par());
        world.metadata().await;
        world.set(INSERTED, bad);
        world.advance(3600);
        let metadata = world.metadata().await;
        assert!(metadata.pushed_authorization_request_endpoint.is_some());
        world.set(INSERTED, par());
        for _ in 0..3 {
            world.advance(3600);
            let metadata = world.metadata().await;
            assert!(metadata.pushed_authorization_request_endpoint.is_some());
        }
        assert_eq!(world.count(APPENDED), 0);
    }
}

#[tokio::test]
async fn it_is_looked_for_after_a_day_though_the_first_one_is_unchanged() {
    let world = World::new();
    world.set(OPENID, without(NO_PAR).tagged("\"v1\""));
    world.metadata().await;
    world.advance(3600);
    world.metadata().await;
    world.set(INSERTED, par());
    world.advance(23 * 3600);
    let metadata = world.metadata().await;
    assert!(metadata.pushed_authorization_request_endpoint.is_none());
    assert_eq!(world.requests(OPENID)[2]["if-none-match"], "\"v1\"");
    world.advance(3600);
    let metadata = world.metadata().await;
    assert!(metadata.pushed_authorization_request_endpoint.is_some());
    assert!(
        !world.requests(OPENID)[3].contains_key("if-none-match"),
        "whole, to be completed"
    );
}

#[tokio::test]
async fn of_two_documents_the_shorter_life_counts_and_both_are_asked_for_whole() {
    let world = World::new();
    world.set(
        OPENID,
        without(NO_PAR)
            .with("cache-control", "max-age=7200")
            .tagged("\"v1\""),
    );
    world.set(INSERTED, par().with("cache-control", "max-age=600"));
    world.metadata().await;
    world.advance(600);
    world.metadata().await;
    assert_eq!((world.count(OPENID), world.count(INSERTED)), (2, 2));
    assert!(!world.requests(OPENID)[1].contains_key("if-none-match"));
}
