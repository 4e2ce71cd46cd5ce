//! The resource server's scenarios of `okta-oidc-tck`, by their names there, in each way that a token may be checked.

use axum::Router;
use axum::routing::get;
use cloakroom_resource::{Access, Requirement};
use serde_json::json;

use crate::support::{World, challenge, get_with, send};

/// The test program's three routes.
fn api(world: &World) -> Router {
    let server = world.okta();
    let whoami = || get(|token: Access| async move { token.subject.clone() });
    let of = |group: &str| server.require(Requirement::new().group(group));
    let scope = server.require(Requirement::new().scope("messages.read"));
    Router::new()
        .route("/", whoami().layer(scope))
        .route("/everyone", whoami().layer(of("everyone")))
        .route("/invalidGroup", whoami().layer(of("invalidGroup")))
}

async fn status(api: &Router, path: &str, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    send(api, path, &[&bearer]).await.status().as_u16()
}

#[tokio::test]
async fn no_token_is_401_and_says_how_to_send_one() {
    let answer = send(&api(&World::new()), "/", &[]).await;
    assert_eq!(
        (answer.status().as_u16(), challenge(&answer)),
        (401, "Bearer")
    );
}

#[tokio::test]
async fn scope_and_group_decide_between_200_and_403() {
    let world = World::new();
    let (api, token) = (api(&world), world.okta_token(json!({})));
    assert_eq!(status(&api, "/", &token).await, 200);
    assert_eq!(status(&api, "/everyone", &token).await, 200);
    assert_eq!(status(&api, "/invalidGroup", &token).await, 403);
    let wrong_scope = world.okta_token(json!({"scp": ["profile"]}));
    assert_eq!(status(&api, "/", &wrong_scope).await, 403);
    let without_groups = world.okta_token(json!({"groups": null}));
    assert_eq!(status(&api, "/everyone", &without_groups).await, 403);
}

#[tokio::test]
async fn tokens_that_are_not_good_are_401() {
    let world = World::new();
    let (api, now) = (api(&world), world.clock.now());
    let untrusted = World::new();
    untrusted.provider.rotate_key();
    for (scenario, token) in [
        ("non-JWT access token", "not-a-jwt".to_owned()),
        ("untrusted key", untrusted.okta_token(json!({}))),
        (
            "wrong key id",
            world.okta_token_with(json!({"kid": "wrong"}), json!({})),
        ),
        (
            "wrong audience",
            world.okta_token(json!({"aud": "api://wrong"})),
        ),
        (
            "invalid issuer",
            world.okta_token(json!({"iss": "https://wrong.example.com"})),
        ),
        (
            "issued in the future",
            world.okta_token(json!({"iat": now + 3_600})),
        ),
        (
            "not before, in the future",
            world.okta_token(json!({"nbf": now + 3_600})),
        ),
        ("expired", world.okta_token(json!({"exp": now - 1_800}))),
        (
            "unsigned",
            world.okta_token_with(json!({"alg": "none"}), json!({})),
        ),
    ] {
        let answer = get_with(&api, &token).await;
        assert_eq!(answer.status(), 401, "{scenario}");
        assert!(
            challenge(&answer).starts_with("Bearer error=\"invalid_token\""),
            "{scenario}"
        );
    }
}
