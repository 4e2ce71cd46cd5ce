//! Tokens that the issuer is asked about: RFC 7662.

use std::sync::Arc;

use bytes::Bytes;
use cloakroom_oidc::{ClientAuth, ClientSecret, RelyingParty};
use cloakroom_resource::{Denied, ResourceServer, TrustedIssuer};
use cloakroom_testkit::{ManualClock, Provider};
use serde_json::json;

use crate::scripted::{Scripted, server};
use crate::support::World;

const ISSUER: &str = "https://id.example.com";

fn started() -> (ManualClock, Scripted, ResourceServer) {
    let (clock, op) = (ManualClock::new(1_000), Scripted::new(ISSUER));
    let server = server(&clock, &[&op]);
    (clock, op, server)
}

#[tokio::test]
async fn an_answer_is_kept_and_never_past_the_tokens_end() {
    let (clock, op, server) = started();
    op.says(&op.active(json!({"exp": 1_030})));
    for _ in 0..3 {
        assert_eq!(server.verify("opaque").await.unwrap().scopes, ["a", "b"]);
    }
    assert_eq!(op.asked(), 1);
    server.verify("another").await.unwrap();
    assert_eq!(op.asked(), 2);
    clock.advance(30);
    let denied = server.verify("opaque").await.unwrap_err();
    assert_eq!((denied.code(), op.asked()), ("token_expired", 3));
}

#[tokio::test]
async fn an_answer_is_kept_for_a_minute_at_most() {
    let (clock, op, server) = started();
    for (step, count) in [(0, 1), (59, 1), (1, 2)] {
        clock.advance(step);
        server.verify("opaque").await.unwrap();
        assert_eq!(op.asked(), count);
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused_once_the_answer_has_gone() {
    let (clock, op, server) = started();
    server.verify("opaque").await.unwrap();
    op.says(&json!({"active": false}));
    clock.advance(59);
    assert!(server.verify("opaque").await.is_ok());
    clock.advance(1);
    let denied = server.verify("opaque").await.unwrap_err();
    assert_eq!(
        (denied.code(), denied.status().as_u16()),
        ("token_inactive", 401)
    );
}

#[tokio::test]
async fn how_long_an_answer_is_kept_is_the_applications_choice() {
    for (seconds, counts) in [(0, [1, 2, 3]), (10, [1, 1, 2])] {
        let (clock, op) = (ManualClock::new(1_000), Scripted::new(ISSUER));
        let trusted = op.trusted(clock.as_fn()).keep_answers_for(seconds);
        let builder = ResourceServer::builder(["api"], clock.as_fn()).issuer(trusted);
        let server = builder.build().unwrap();
        for (step, count) in [0, 9, 1].into_iter().zip(counts) {
            clock.advance(step);
            server.verify("opaque").await.unwrap();
            assert_eq!(op.asked(), count, "{seconds}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_active_stays_so_for_five_seconds() {
    let (clock, op, server) = started();
    op.says(&json!({"active": false}));
    assert!(server.verify("opaque").await.is_err());
    op.says(&op.active(json!({})));
    clock.advance(4);
    assert_eq!(
        server.verify("opaque").await.unwrap_err().code(),
        "token_inactive"
    );
    assert_eq!(op.asked(), 1);
    clock.advance(1);
    assert!(server.verify("opaque").await.is_ok());
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_answer_last_longer() {
    let (clock, op, server) = started();
    server.verify("opaque").await.unwrap();
    clock.set(500);
    server.verify("opaque").await.unwrap();
    assert_eq!(op.asked(), 2);
}

#[tokio::test]
async fn what_the_answer_says_is_checked() {
    let (_, op, _) = started();
    for (members, code) in [
        (json!({"active": false}), "token_inactive"),
        (json!({"iss": null}), "token_claim"),
        (
            json!({"iss": "https://other.example.com"}),
            "token_issuer_mismatch",
        ),
        (json!({"aud": null}), "token_claim"),
        (json!({"aud": "other"}), "token_audience_mismatch"),
        (json!({"aud": "c"}), "token_not_an_access_token"),
        (json!({"client_id": null}), "token_claim"),
        (json!({"exp": null}), "token_claim"),
        (json!({"exp": 1_000}), "token_expired"),
        (json!({"nbf": 1_061}), "token_not_yet_valid"),
        (json!({"iat": 1_061}), "token_not_yet_valid"),
        (json!({"scope": ["a"]}), "token_claim"),
        (
            json!({"token_type": "refresh_token"}),
            "token_not_an_access_token",
        ),
        (json!({"token_type": "DPoP"}), "token_sender_constrained"),
        (json!({"cnf": {"jkt": "x"}}), "token_sender_constrained"),
        (
            json!({"cnf": {"x5t#S256": "x"}}),
            "token_sender_constrained",
        ),
    ] {
        op.says(&op.active(members.clone()));
        let server = server(&ManualClock::new(1_000), &[&op]);
        // The second time out of what was kept.
        for _ in 0..2 {
            let denied = server.verify("opaque").await.unwrap_err();
            assert_eq!(
                (denied.code(), denied.status().as_u16()),
                (code, 401),
                "{members}"
            );
        }
    }
    op.says(&op.active(json!({"nbf": 1_060, "iat": 1_060, "scope": null, "token_type": null})));
    let token = server(&ManualClock::new(1_000), &[&op])
        .verify("opaque")
        .await
        .unwrap();
    assert!(token.scopes.is_empty());
}

#[tokio::test]
async fn whatever_is_no_answer_fails_closed_and_is_not_kept() {
    let (_, op, _) = started();
    let good = op.active(json!({})).to_string();
    let twice = good.replacen('{', "{\"active\":true,", 1);
    for (status, body, code) in [
        (401, good.as_str(), "introspection_unauthorized"),
        (403, &good, "introspection_unauthorized"),
        (204, "", "introspection_status"),
        (302, &good, "introspection_status"),
        (400, &good, "introspection_status"),
        (429, &good, "introspection_status"),
        (500, &good, "introspection_status"),
        (200, "{}", "introspection_no_active"),
        (200, r#"{"active":"true"}"#, "introspection_no_active"),
        (200, r#"{"active":1}"#, "introspection_no_active"),
        (200, "active", "json_syntax"),
        (200, "[]", "json_not_an_object"),
        (200, &twice, "json_duplicate_member"),
    ] {
        let clock = ManualClock::new(1_000);
        let server = server(&clock, &[&op]);
        op.answers(status, body, None);
        let denied = server.verify("opaque").await.unwrap_err();
        assert_eq!(
            (denied.code(), denied.status().as_u16()),
            (code, 503),
            "{status} {body}"
        );
        let answer = denied.response::<Bytes>(None);
        assert_eq!(answer.headers()["retry-after"], "10");
        assert!(!answer.headers().contains_key("www-authenticate"));
        op.answers(200, &good, None);
        clock.advance(10);
        assert!(server.verify("opaque").await.is_ok(), "{status} {body}");
    }
}

fn wait(denied: &Denied) -> String {
    let answer = denied.response::<Bytes>(None);
    answer.headers()["retry-after"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_provider_that_asks_for_time_gets_it_and_answers_that_are_kept_count_meanwhile() {
    for status in [429, 503] {
        let (clock, op, server) = started();
        server.verify("kept").await.unwrap();
        op.answers(status, "", Some("33"));
        assert_eq!(wait(&server.verify("new").await.unwrap_err()), "33");
        op.says(&op.active(json!({})));
        clock.advance(30);
        assert_eq!(wait(&server.verify("newer").await.unwrap_err()), "3");
        assert!(server.verify("kept").await.is_ok());
        assert_eq!(op.asked(), 2);
        clock.advance(3);
        assert!(server.verify("newer").await.is_ok());
    }
}

#[tokio::test]
async fn no_provider_gets_more_time_than_a_minute() {
    let (clock, op, server) = started();
    op.answers(503, "", Some("86400"));
    assert_eq!(wait(&server.verify("opaque").await.unwrap_err()), "60");
    op.says(&op.active(json!({})));
    clock.advance(60);
    assert!(server.verify("opaque").await.is_ok());
}

#[tokio::test]
async fn a_provider_that_refuses_this_api_is_left_alone_for_ten_seconds() {
    let (clock, op, server) = started();
    op.answers(401, r#"{"error":"invalid_client"}"#, None);
    for token in ["one", "two", "three"] {
        let denied = server.verify(token).await.unwrap_err();
        assert_eq!(denied.code(), "introspection_unauthorized");
    }
    assert_eq!(op.asked(), 1);
    op.says(&op.active(json!({})));
    clock.advance(10);
    assert!(server.verify("one").await.is_ok());
}

#[tokio::test]
async fn one_token_that_a_provider_chokes_on_locks_nobody_out() {
    let (_, op, server) = started();
    op.answers(500, "", Some("60"));
    assert_eq!(server.verify("odd").await.unwrap_err().status(), 503);
    op.says(&op.active(json!({})));
    assert!(server.verify("good").await.is_ok());
}

#[tokio::test]
async fn the_provider_is_asked_as_this_client_and_knows_what_it_did_not_issue() {
    let world = World::new();
    let trusted = |secret: &str| {
        let auth = ClientAuth::SecretBasic(ClientSecret::new(secret));
        let client = RelyingParty::new(Provider::CLIENT_ID, auth, "");
        TrustedIssuer::introspected(world.op(), client, Arc::new(|| [1; 16]))
    };
    let right = world.server(trusted(Provider::CLIENT_SECRET));
    assert_eq!(
        right.verify("opaque").await.unwrap_err().code(),
        "token_inactive"
    );
    world.provider.assert_clean();
    let wrong = world.server(trusted("wrong"));
    let denied = wrong.verify("opaque").await.unwrap_err();
    assert_eq!(denied.code(), "introspection_unauthorized");
}

#[tokio::test]
async fn a_provider_without_the_endpoint_is_no_fault_of_the_token() {
    let world = World::of(
        Provider::builder()
            .openid_metadata_without(["introspection_endpoint"])
            .offline(),
    );
    let auth = ClientAuth::SecretBasic(ClientSecret::new(Provider::CLIENT_SECRET));
    let client = RelyingParty::new(Provider::CLIENT_ID, auth, "");
    let trusted = TrustedIssuer::introspected(world.op(), client, Arc::new(|| [1; 16]));
    let server = world.server(trusted);
    let denied = server.verify("opaque").await.unwrap_err();
    assert_eq!(
        (denied.code(), denied.status().as_u16()),
        ("introspection_no_endpoint", 503)
    );
}
