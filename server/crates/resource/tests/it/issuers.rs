//! Several issuers in one server: nobody's word counts for another's tokens (GHSA-4mq7 of Oathkeeper).

use axum::Router;
use axum::routing::get;
use cloakroom_oidc::Issuer;
use cloakroom_oidc::client::{HttpClient, Provider as Op};
use cloakroom_resource::{BuildError, ResourceServer, TrustedIssuer};
use cloakroom_testkit::ManualClock;
use serde_json::json;

use crate::scripted::{Scripted, server};
use crate::support::{World, jwt, send};

const A: &str = "https://a.example.com";
const B: &str = "https://b.example.com";

#[tokio::test]
async fn an_opaque_token_that_one_issuer_knows_is_nothing_to_another() {
    let (clock, a, b) = (ManualClock::new(1_000), Scripted::new(A), Scripted::new(B));
    let server = server(&clock, &[&a, &b]);
    let (at_a, at_b) = (server.only(A).unwrap(), server.only(B).unwrap());
    b.says(&json!({"active": false}));
    assert_eq!(at_a.verify("opaque").await.unwrap().issuer, A);
    let denied = at_b.verify("opaque").await.unwrap_err();
    assert_eq!((denied.code(), b.asked()), ("token_inactive", 1));
    assert!(at_a.verify("opaque").await.is_ok());
    assert_eq!(a.asked(), 1);
}

#[tokio::test]
async fn both_may_know_the_same_opaque_token_and_mean_different_people() {
    let (clock, a, b) = (ManualClock::new(1_000), Scripted::new(A), Scripted::new(B));
    let server = server(&clock, &[&a, &b]);
    b.says(&b.active(json!({"sub": "bob"})));
    for _ in 0..2 {
        let (at_a, at_b) = (server.only(A).unwrap(), server.only(B).unwrap());
        assert_eq!(at_a.verify("opaque").await.unwrap().subject, "ada");
        assert_eq!(at_b.verify("opaque").await.unwrap().subject, "bob");
    }
    assert_eq!((a.asked(), b.asked()), (1, 1));
}

#[tokio::test]
async fn an_answer_that_names_another_issuer_counts_for_nobody() {
    let (clock, a, b) = (ManualClock::new(1_000), Scripted::new(A), Scripted::new(B));
    b.says(&a.active(json!({})));
    let denied = server(&clock, &[&b]).verify("opaque").await.unwrap_err();
    assert_eq!(denied.code(), "token_issuer_mismatch");
}

#[tokio::test]
async fn an_opaque_token_is_shown_to_nobody_on_suspicion() {
    let (clock, a, b) = (ManualClock::new(1_000), Scripted::new(A), Scripted::new(B));
    let denied = server(&clock, &[&a, &b])
        .verify("opaque")
        .await
        .unwrap_err();
    assert_eq!(
        (denied.code(), a.asked(), b.asked()),
        ("token_opaque", 0, 0)
    );
}

#[tokio::test]
async fn a_jwt_goes_to_the_issuer_that_it_names_and_to_no_other() {
    let (clock, a, b) = (ManualClock::new(1_000), Scripted::new(A), Scripted::new(B));
    let server = server(&clock, &[&a, &b]);
    let token = |issuer: &str| {
        jwt(
            &json!({"alg": "RS256"}),
            &json!({"iss": issuer}).to_string(),
        )
    };
    assert_eq!(server.verify(&token(B)).await.unwrap().issuer, B);
    assert_eq!((a.asked(), b.asked()), (0, 1));
    let stranger = server
        .verify(&token("https://c.example.com"))
        .await
        .unwrap_err();
    assert_eq!(
        (stranger.code(), a.asked(), b.asked()),
        ("token_unknown_issuer", 0, 1)
    );
    let elsewhere = server.only(A).unwrap().verify(&token(B)).await.unwrap_err();
    assert_eq!(
        (elsewhere.code(), a.asked(), b.asked()),
        ("token_unknown_issuer", 0, 1)
    );
}

#[tokio::test]
async fn a_jwt_that_cannot_be_read_is_shown_to_nobody() {
    let (clock, a) = (ManualClock::new(1_000), Scripted::new(A));
    let server = server(&clock, &[&a]);
    let twice = jwt(
        &json!({"alg": "RS256"}),
        &format!(r#"{{"iss":"{B}","iss":"{A}"}}"#),
    );
    assert_eq!(
        server.verify(&twice).await.unwrap_err().code(),
        "json_duplicate_member"
    );
    assert_eq!(a.asked(), 0);
    // Three parts are no JWT yet: a token of any form may be opaque to us.
    assert!(server.verify("a.b.c").await.is_ok());
    assert_eq!(a.asked(), 1);
}

#[tokio::test]
async fn jwts_and_opaque_tokens_live_side_by_side() {
    let (world, a) = (World::new(), Scripted::new(A));
    let builder = world.builder().issuer(TrustedIssuer::okta(world.op()));
    let opaque = a.trusted(world.clock.as_fn()).audiences(["api"]);
    let server = builder.issuer(opaque).build().unwrap();
    a.says(&a.active(json!({"exp": world.clock.now() + 60})));
    assert_eq!(
        server
            .verify(&world.okta_token(json!({})))
            .await
            .unwrap()
            .issuer,
        world.provider.issuer()
    );
    assert_eq!(server.verify("opaque").await.unwrap().issuer, A);
    assert_eq!(a.asked(), 1);
}

#[tokio::test]
async fn each_issuer_may_have_its_own_name_for_this_api() {
    let (clock, a, b) = (ManualClock::new(1_000), Scripted::new(A), Scripted::new(B));
    let own = b.trusted(clock.as_fn()).audiences(["other name"]);
    let builder = ResourceServer::builder(["api"], clock.as_fn());
    let builder = builder.issuer(a.trusted(clock.as_fn())).issuer(own);
    let server = builder.build().unwrap();
    let (at_a, at_b) = (server.only(A).unwrap(), server.only(B).unwrap());
    assert!(at_a.verify("opaque").await.is_ok());
    assert_eq!(
        at_b.verify("opaque").await.unwrap_err().code(),
        "token_audience_mismatch"
    );
    b.says(&b.active(json!({"aud": ["other name"]})));
    assert!(at_b.verify("second").await.is_ok());
    a.says(&a.active(json!({"aud": ["other name"]})));
    assert_eq!(
        at_a.verify("second").await.unwrap_err().code(),
        "token_audience_mismatch"
    );
}

#[tokio::test]
async fn a_token_of_oktas_org_server_is_refused_with_an_explanation() {
    let world = World::new();
    let at = |issuer: &str| {
        let http = HttpClient::over(|_| async { panic!("nothing is fetched") });
        let op = Op::new(Issuer::parse(issuer).unwrap(), http, world.clock.as_fn());
        world.server(TrustedIssuer::okta(op))
    };
    let server = at("https://dev-1.okta.com/oauth2/default");
    for (issuer, code) in [
        ("https://dev-1.okta.com", "token_okta_org"),
        ("https://dev-1.okta.com/", "token_okta_org"),
        ("https://dev-2.okta.com", "token_unknown_issuer"),
        ("https://dev-1.okta.co", "token_unknown_issuer"),
        ("https://dev-1.okta.com/oauth2", "token_unknown_issuer"),
        (
            "https://dev-1.okta.com/oauth2/other",
            "token_unknown_issuer",
        ),
        ("", "token_unknown_issuer"),
    ] {
        let token = jwt(
            &json!({"alg": "RS256"}),
            &json!({"iss": issuer}).to_string(),
        );
        assert_eq!(
            server.verify(&token).await.unwrap_err().code(),
            code,
            "{issuer}"
        );
    }
}

#[tokio::test]
async fn a_route_for_one_issuer_stays_so_under_a_layer_for_all() {
    let (world, a) = (World::new(), Scripted::new(A));
    let builder = world.builder().issuer(TrustedIssuer::okta(world.op()));
    let opaque = a.trusted(world.clock.as_fn()).audiences(["api"]);
    let server = builder.issuer(opaque).build().unwrap();
    let route = |issuer: &str| get(|| async {}).layer(server.only(issuer).unwrap().layer());
    let api = Router::new()
        .route("/okta", route(&world.provider.issuer()))
        .route("/a", route(A))
        .layer(server.layer());
    let bearer = format!("Bearer {}", world.okta_token(json!({})));
    assert_eq!(send(&api, "/okta", &[&bearer]).await.status(), 200);
    assert_eq!(send(&api, "/a", &[&bearer]).await.status(), 401);
}

#[test]
fn only_one_of_its_own_can_be_asked_for() {
    let (clock, a) = (ManualClock::new(1_000), Scripted::new(A));
    let server = server(&clock, &[&a]);
    let unknown = server.only("https://a.example.com/").map(|_| ());
    assert_eq!(
        unknown,
        Err(BuildError::UnknownIssuer(
            "https://a.example.com/".to_owned()
        ))
    );
}
