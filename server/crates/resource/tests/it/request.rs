//! Where the token may be, and what a refused caller is told: RFC 6750 and RFC 9728 section 5.1.

use cloakroom_resource::{AccessTokenClaims, ProtectedResource, Requirement, TrustedIssuer};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::json;

use crate::support::{World, api, challenge, get_with, send};

#[tokio::test]
async fn a_good_token_passes_whatever_the_case_of_the_scheme() {
    let world = World::new();
    let api = api(&world.okta(), Requirement::new());
    let token = world.okta_token(json!({}));
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = send(&api, "/", &[&format!("{scheme} {token}")]).await;
        assert_eq!(answer.status(), 200, "{scheme}");
    }
}

#[tokio::test]
async fn every_refusal_has_its_status_and_challenge() {
    let world = World::new();
    let api = api(&world.okta(), Requirement::new());
    let token = world.okta_token(json!({}));
    let good = format!("Bearer {token}");
    let query = format!("/?access_token={token}");
    let encoded = format!("/?a=b&access%5Ftoken={token}");
    let invalid_request = "Bearer error=\"invalid_request\"";
    for (uri, headers, status, expected) in [
        ("/", vec![], 401, "Bearer"),
        ("/", vec!["Basic YTpi"], 401, "Bearer"),
        (&query, vec![], 400, invalid_request),
        (&encoded, vec![], 400, invalid_request),
        (&query, vec![&good], 400, invalid_request),
        ("/", vec![&good, &good], 400, invalid_request),
        ("/", vec!["Bearer"], 400, invalid_request),
        ("/", vec!["Bearer a b"], 400, invalid_request),
        (
            "/",
            vec!["Bearer no-jwt"],
            401,
            "Bearer error=\"invalid_token\"",
        ),
    ] {
        let answer = send(&api, uri, &headers).await;
        assert_eq!(
            (answer.status().as_u16(), challenge(&answer)),
            (status, expected)
        );
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains(&token));
    }
}

#[tokio::test]
async fn challenges_name_the_metadata() {
    let world = World::new();
    let resource = ProtectedResource::new("https://api.example.com/v1").unwrap();
    let builder = world.builder().issuer(TrustedIssuer::okta(world.op()));
    let server = builder.metadata(resource).build().unwrap();
    let api = api(&server, Requirement::new());
    assert_eq!(
        challenge(&send(&api, "/", &[]).await),
        "Bearer resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource/v1\""
    );
}

#[tokio::test]
async fn a_provider_that_is_down_is_503_with_retry_after() {
    let world = World::new();
    let api = api(&world.okta(), Requirement::new());
    world.set_down(true);
    let answer = get_with(&api, &world.okta_token(json!({}))).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "10");
    assert!(!answer.headers().contains_key("www-authenticate"));
}

#[derive(Deserialize)]
struct Claims {
    uid: String,
}

#[tokio::test]
async fn claims_come_as_the_applications_type_and_never_without_the_layer() {
    let world = World::new();
    let handler = |AccessTokenClaims(claims): AccessTokenClaims<Claims>| async move { claims.uid };
    let bare = axum::Router::new().route("/", axum::routing::get(handler));
    let layered = bare.clone().layer(world.okta().layer());
    let token = world.okta_token(json!({}));
    assert_eq!(get_with(&layered, &token).await.status(), 200);
    assert_eq!(get_with(&bare, &token).await.status(), 500);
    let other = world.okta_token(json!({"uid": 7}));
    assert_eq!(get_with(&layered, &other).await.status(), 401);
}
