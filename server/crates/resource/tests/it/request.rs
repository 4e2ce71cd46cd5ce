//! Where the token may be, and what a refused caller is told: RFC 6750 and RFC 9728 section 5.1.

use axum::Router;
use axum::routing::get;
use cloakroom_resource::{ProtectedResource, Requirement, TrustedIssuer};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{World, api, challenge, get_with, log, send};

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
async fn a_token_is_in_one_header_or_it_is_refused() {
    let world = World::new();
    let api = api(&world.okta(), Requirement::new());
    let token = world.okta_token(json!({}));
    let good = format!("Bearer {token}");
    let dpop = format!("DPoP {token}");
    let query = format!("/?access_token={token}");
    let encoded = format!("/?a=b&access%5Ftoken={token}");
    let (none, invalid_request) = ("Bearer", "Bearer error=\"invalid_request\"");
    for (uri, headers, status, expected) in [
        ("/", vec![], 401, none),
        ("/", vec![""], 401, none),
        ("/", vec!["Basic YTpi"], 401, none),
        ("/", vec![dpop.as_str()], 401, none),
        ("/", vec!["Bearerx y"], 401, none),
        (&query, vec![], 400, invalid_request),
        (&encoded, vec![], 400, invalid_request),
        ("/?access_token", vec![], 400, invalid_request),
        (&query, vec![&good], 400, invalid_request),
        ("/", vec![&good, &good], 400, invalid_request),
        ("/", vec![&good, "Basic YTpi"], 400, invalid_request),
        ("/", vec!["Bearer"], 400, invalid_request),
        ("/", vec!["Bearer a b"], 400, invalid_request),
        ("/", vec!["Bearer a, Bearer b"], 400, invalid_request),
        ("/", vec!["Bearer \"a\""], 400, invalid_request),
        ("/", vec!["Bearer ="], 400, invalid_request),
        ("/", vec!["Bearer a=b"], 400, invalid_request),
        ("/", vec!["Bearer t\u{f6}ken"], 400, invalid_request),
        (
            "/",
            vec!["Bearer no-jwt"],
            401,
            "Bearer error=\"invalid_token\"",
        ),
        (
            "/",
            vec!["Bearer aZ09-._~+/=="],
            401,
            "Bearer error=\"invalid_token\"",
        ),
    ] {
        let answer = send(&api, uri, &headers).await;
        let said = challenge(&answer);
        assert_eq!(answer.status(), status, "{uri} {headers:?}");
        if expected == none {
            assert_eq!(said, none);
        } else {
            assert!(
                said.starts_with(&format!("{expected}, error_description=\"")),
                "{said}"
            );
        }
        assert!(!said.contains(&token));
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains(&token));
    }
}

#[tokio::test]
async fn other_parameters_and_spaces_are_nobodys_business() {
    let world = World::new();
    let api = api(&world.okta(), Requirement::new());
    let token = world.okta_token(json!({}));
    for (uri, header) in [
        ("/?token=x&access_tokens=y", format!("Bearer {token}")),
        ("/?x=access_token", format!("Bearer   {token}  ")),
    ] {
        assert_eq!(send(&api, uri, &[&header]).await.status(), 200, "{uri}");
    }
}

#[tokio::test]
async fn refusals_are_problems_that_say_what_to_do() {
    let world = World::new();
    let api = api(&world.okta(), Requirement::new());
    let answer = send(&api, "/", &["Bearer opaque"]).await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (
            &problem["type"],
            &problem["status"],
            &problem["title"],
            &problem["code"]
        ),
        (
            &json!("about:blank"),
            &json!(401),
            &json!("Unauthorized"),
            &json!("invalid_token")
        )
    );
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("use a custom one, such as /oauth2/default")
    );
}

#[tokio::test]
async fn the_log_says_why_and_never_which_token() {
    let world = World::new();
    let api = api(&world.okta(), Requirement::new());
    let expired = world.okta_token(json!({"exp": 9}));
    for (token, level, code) in [
        ("made-up-opaque-token", " INFO ", "token_opaque"),
        (expired.as_str(), "DEBUG ", "token_expired"),
    ] {
        let (log, guard) = log();
        assert_eq!(get_with(&api, token).await.status(), 401);
        drop(guard);
        let log = log.text();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("denied")).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains(level) && lines[0].contains(code), "{log}");
        assert!(
            !log.contains(token) && !log.contains("ada@example.com"),
            "{log}"
        );
    }
}

#[tokio::test]
async fn answers_are_for_nobody_else_unless_the_application_says_so() {
    let world = World::new();
    let cached = || async { ([("cache-control", "private, max-age=60")], "cached") };
    let api = Router::new()
        .route("/", get(|| async { "plain" }))
        .route("/cached", get(cached))
        .layer(world.okta().layer());
    let bearer = format!("Bearer {}", world.okta_token(json!({})));
    let plain = send(&api, "/", &[&bearer]).await;
    assert_eq!(plain.headers()["cache-control"], "no-store");
    let cached = send(&api, "/cached", &[&bearer]).await;
    assert_eq!(cached.headers()["cache-control"], "private, max-age=60");
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
