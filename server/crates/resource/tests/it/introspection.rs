//! Tokens that the issuer is asked about: RFC 7662.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use cloakroom_oidc::client::{HttpClient, Provider as Op};
use cloakroom_oidc::{ClientAuth, ClientSecret, Issuer, RelyingParty};
use cloakroom_resource::{ResourceServer, TrustedIssuer};
use cloakroom_testkit::{ManualClock, Provider};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::support::World;

fn client(secret: &str) -> RelyingParty {
    let auth = ClientAuth::SecretBasic(ClientSecret::new(secret));
    RelyingParty::new(Provider::CLIENT_ID, auth, "")
}

/// A server over an issuer that gives this introspection answer, and how often it was asked.
fn answering(clock: &ManualClock, status: u16, body: &Value) -> (ResourceServer, Arc<AtomicUsize>) {
    let issuer = "https://id.example.com";
    let metadata = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/a"), "token_endpoint": format!("{issuer}/t"),
        "jwks_uri": format!("{issuer}/k"), "introspection_endpoint": format!("{issuer}/i"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, body) = (Arc::clone(&asked), body.to_string());
    let http = HttpClient::over(move |request: Request<Bytes>| {
        let introspection = request.uri().path() == "/i";
        count.fetch_add(usize::from(introspection), Ordering::SeqCst);
        let text = if introspection {
            body.clone()
        } else {
            metadata.to_string()
        };
        let mut answer = Response::new(Bytes::from(text));
        answer
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        if introspection {
            *answer.status_mut() = status.try_into().unwrap();
            answer
                .headers_mut()
                .insert("retry-after", "33".parse().unwrap());
        }
        async move { Ok(answer) }
    });
    let provider = Op::new(Issuer::parse(issuer).unwrap(), http, clock.as_fn());
    let trusted = TrustedIssuer::introspected(provider, client("secret"), Arc::new(|| [7; 16]));
    let builder = ResourceServer::builder(["api"], clock.as_fn()).issuer(trusted);
    (builder.build().unwrap(), asked)
}

fn active(members: Value) -> Value {
    let mut answer = json!({
        "active": true, "iss": "https://id.example.com", "aud": "api", "exp": 1_030, "client_id": "c",
        "scope": "a b", "sub": "ada", "token_type": "Bearer",
    });
    let (Value::Object(answer_members), Value::Object(members)) = (&mut answer, members) else {
        panic!("objects");
    };
    answer_members.extend(members);
    answer_members.retain(|_, value| !value.is_null());
    answer
}

#[tokio::test]
async fn an_answer_is_kept_and_never_past_the_tokens_end() {
    let clock = ManualClock::new(1_000);
    let (server, asked) = answering(&clock, 200, &active(json!({})));
    for _ in 0..3 {
        assert_eq!(server.verify("opaque").await.unwrap().scopes, ["a", "b"]);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    server.verify("another").await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    clock.advance(30);
    assert_eq!(
        server.verify("opaque").await.unwrap_err().code(),
        "token_expired"
    );
}

#[tokio::test]
async fn an_answer_is_kept_for_a_minute_at_most() {
    let clock = ManualClock::new(1_000);
    let (server, asked) = answering(&clock, 200, &active(json!({"exp": 9_000})));
    for (step, count) in [(0, 1), (59, 1), (1, 2)] {
        clock.advance(step);
        server.verify("opaque").await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), count);
    }
}

#[tokio::test]
async fn what_the_answer_says_is_checked() {
    let clock = ManualClock::new(1_000);
    for (members, code) in [
        (json!({"active": false}), "token_inactive"),
        (json!({"iss": null}), "token_claim"),
        (
            json!({"iss": "https://other.example.com"}),
            "token_issuer_mismatch",
        ),
        (json!({"aud": null}), "token_claim"),
        (json!({"aud": "other"}), "token_audience_mismatch"),
        (json!({"exp": null}), "token_claim"),
        (json!({"exp": 1_000}), "token_expired"),
        (json!({"nbf": 1_001}), "token_not_yet_valid"),
        (
            json!({"token_type": "refresh_token"}),
            "token_not_an_access_token",
        ),
        (json!({"token_type": "DPoP"}), "token_sender_constrained"),
        (json!({"cnf": {"jkt": "x"}}), "token_sender_constrained"),
    ] {
        let (server, _) = answering(&clock, 200, &active(members.clone()));
        let denied = server.verify("opaque").await.unwrap_err();
        assert_eq!(
            (denied.code(), denied.status().as_u16()),
            (code, 401),
            "{members}"
        );
    }
}

#[tokio::test]
async fn whatever_is_no_answer_fails_closed() {
    let clock = ManualClock::new(1_000);
    for (status, body, code) in [
        (401, active(json!({})), "introspection_unauthorized"),
        (403, active(json!({})), "introspection_unauthorized"),
        (302, active(json!({})), "introspection_status"),
        (429, active(json!({})), "introspection_status"),
        (500, active(json!({})), "introspection_status"),
        (
            200,
            active(json!({"active": null})),
            "introspection_no_active",
        ),
        (
            200,
            active(json!({"active": "true"})),
            "introspection_no_active",
        ),
    ] {
        let (server, _) = answering(&clock, status, &body);
        let denied = server.verify("opaque").await.unwrap_err();
        assert_eq!(
            (denied.code(), denied.status().as_u16()),
            (code, 503),
            "{status}"
        );
        if status == 429 {
            assert_eq!(
                denied.response::<Bytes>(None).headers()["retry-after"],
                "33"
            );
        }
    }
}

#[tokio::test]
async fn the_provider_is_asked_as_this_client_and_knows_what_it_did_not_issue() {
    let world = World::new();
    let random = || Arc::new(|| [1; 16]);
    let right = TrustedIssuer::introspected(world.op(), client(Provider::CLIENT_SECRET), random());
    let denied = world.server(right).verify("opaque").await.unwrap_err();
    assert_eq!(denied.code(), "token_inactive");
    world.provider.assert_clean();
    let wrong = TrustedIssuer::introspected(world.op(), client("wrong"), random());
    let denied = world.server(wrong).verify("opaque").await.unwrap_err();
    assert_eq!(denied.code(), "introspection_unauthorized");
}
