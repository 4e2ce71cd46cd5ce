//! What a handler gets of the token, and what it gets where there is none.

use axum::Router;
use axum::routing::get;
use cloakroom_resource::{Access, AccessTokenClaims, Requirement};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{World, challenge, get_with, log};

#[derive(Deserialize)]
struct Claims {
    uid: String,
    #[serde(default)]
    groups: Vec<String>,
}

fn bare() -> Router {
    let typed = |AccessTokenClaims(claims): AccessTokenClaims<Claims>| async move {
        format!("{} {}", claims.uid, claims.groups.join(" "))
    };
    let plain = |token: Access| async move { token.subject.clone() };
    Router::new()
        .route("/", get(typed))
        .route("/plain", get(plain))
}

async fn text(answer: axum::response::Response) -> String {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn claims_come_as_the_applications_type() {
    let world = World::new();
    let api = bare().layer(world.okta().layer());
    let answer = get_with(&api, &world.okta_token(json!({}))).await;
    assert_eq!(text(answer).await, "00u1 everyone");
}

#[tokio::test]
async fn claims_of_another_type_are_401_and_the_log_says_which_type() {
    let world = World::new();
    let api = bare().layer(world.okta().layer());
    for members in [
        json!({"uid": 7}),
        json!({"uid": null}),
        json!({"groups": "a private group"}),
        json!({"groups": ["a private group", 5]}),
    ] {
        let (log, guard) = log();
        let answer = get_with(&api, &world.okta_token(members)).await;
        drop(guard);
        assert_eq!(answer.status(), 401);
        assert_eq!(
            challenge(&answer),
            "Bearer error=\"invalid_token\", error_description=\"the access token's claims are not what this API expects\""
        );
        let said = text(answer).await;
        assert!(
            !said.contains("Claims") && !said.contains("private"),
            "{said}"
        );
        let log = log.text();
        assert!(
            log.contains("access::Claims") && !log.contains("private"),
            "{log}"
        );
    }
}

#[tokio::test]
async fn without_the_layer_nobody_gets_in() {
    let world = World::new();
    let (log, guard) = log();
    let answer = get_with(&bare(), &world.okta_token(json!({}))).await;
    drop(guard);
    assert_eq!(answer.status(), 500);
    assert!(!answer.headers().contains_key("www-authenticate"));
    let problem: Value = serde_json::from_str(&text(answer).await).unwrap();
    assert_eq!(problem["code"], "server_error");
    assert!(log.text().contains("put ResourceServer::layer over it"));
}

#[tokio::test]
async fn the_token_is_checked_once_under_several_layers() {
    let world = World::new();
    let server = world.okta();
    let api = bare()
        .layer(server.require(Requirement::new().scope("openid")))
        .layer(server.require(Requirement::new().scope("messages.read")))
        .layer(server.layer());
    let token = world.okta_token(json!({}));
    assert_eq!(get_with(&api, &token).await.status(), 200);
    let lacking = world.okta_token(json!({"scp": ["messages.read"]}));
    assert_eq!(get_with(&api, &lacking).await.status(), 403);
}

#[tokio::test]
async fn a_layer_of_another_server_checks_again() {
    let (world, other) = (World::new(), World::new());
    let strict = other
        .server(cloakroom_resource::TrustedIssuer::okta(other.op()).audiences(["api://strict"]));
    let api = bare().layer(strict.layer()).layer(world.okta().layer());
    let token = world.okta_token(json!({}));
    assert_eq!(get_with(&api, &token).await.status(), 401);
    let both = world.okta_token(json!({"aud": ["api://default", "api://strict"]}));
    assert_eq!(get_with(&api, &both).await.status(), 200);
    let only = world.okta_token(json!({"aud": "api://strict"}));
    assert_eq!(get_with(&api, &only).await.status(), 401);
}
