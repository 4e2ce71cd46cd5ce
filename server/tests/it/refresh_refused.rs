//! What an API's refusal of a token leads to: one renewal and one repetition where the call can be repeated, and else the
//! API's own answer (RFC 6750 section 3.1, RFC 9470 section 3; design, invariant 5).

use std::sync::{Arc, Mutex};

use cloakroom_testkit::{Browser, Response};
use http::Method;
use tokio::task::JoinSet;

use crate::caller::{assert_passed, call, get};
use crate::refresh::bearers;
use crate::start::Start;
use crate::upstream::{Answer, Upstream};
use crate::world::World;

/// An API that does not take tokens that are in the list, and says back what it was sent.
async fn picky() -> (Upstream, Arc<Mutex<Vec<String>>>) {
    let refused: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = Arc::clone(&refused);
    let upstream = Upstream::answering(move |seen| {
        let token = seen.bearer().unwrap_or_default();
        if list.lock().unwrap().contains(&token) {
            Answer::invalid_token()
        } else {
            Answer::text("hello")
        }
    })
    .await;
    (upstream, refused)
}

/// Somebody whose token no API takes.
async fn with_a_refused_token(world: &World, refused: &Mutex<Vec<String>>) -> Browser {
    let browser = world.browser();
    world.sign_in(&browser).await;
    let token = world.provider.issued().access_tokens.pop().unwrap();
    refused.lock().unwrap().push(token);
    browser
}

/// An API's own 401, as it came.
#[track_caller]
fn assert_the_apis_own(answer: &Response) {
    assert_passed(answer, 401, "the token is not good");
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.contains("invalid_token"), "{challenge}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_an_api_refuses_is_renewed_once_and_the_call_repeated_once() {
    let (upstream, refused) = picky().await;
    let world = Start::default().api("up", &upstream).go().await;
    let browser = with_a_refused_token(&world, &refused).await;
    assert_passed(&get(&browser, "/api/up/x?a=b").await, 200, "hello");
    let issued = world.provider.issued().access_tokens;
    assert_eq!(bearers(&upstream), issued, "the old one, then the new one");
    assert_eq!(world.provider.counts().token, 2);
    let seen = upstream.seen();
    assert_eq!(seen[0].target(), seen[1].target());
    // From then on the new one is the token.
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    assert_eq!(upstream.count(), 3);
    // Those who are refused at once are renewed at once, and once.
    let browser = with_a_refused_token(&world, &refused).await;
    let before = world.provider.counts().token;
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let browser = browser.clone();
        calls.spawn(async move { get(&browser, "/api/up/x").await });
    }
    for answer in calls.join_all().await {
        assert_passed(&answer, 200, "hello");
    }
    assert_eq!(world.provider.counts().token, before + 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_repeated_to_the_byte_where_it_is_small() {
    const KEPT: usize = 64 * 1024;
    let (upstream, refused) = picky().await;
    let world = Start::default().api("up", &upstream).go().await;
    for size in [0, 1, 5_000, KEPT] {
        let browser = with_a_refused_token(&world, &refused).await;
        let before = upstream.count();
        let body: Vec<u8> = (0..=250).cycle().take(size).collect();
        let answer = call(&browser, Method::POST, "/api/up/x")
            .header("content-type", "application/octet-stream")
            .body(body.clone())
            .await;
        assert_passed(&answer, 200, "hello");
        let seen = upstream.seen();
        let both = &seen[before..];
        assert_eq!(both.len(), 2, "{size}");
        for seen in both {
            assert!(seen.body == body, "{size}: the body is another");
            assert_eq!(seen.method(), "POST");
            let content_type = seen.header("content-type");
            assert_eq!(content_type.as_deref(), Some("application/octet-stream"));
            seen.head.assert_well_formed();
        }
    }
    let browser = with_a_refused_token(&world, &refused).await;
    let before = upstream.count();
    let answer = call(&browser, Method::POST, "/api/up/x")
        .body(vec![7; KEPT + 1])
        .await;
    assert_the_apis_own(&answer);
    assert_eq!(upstream.count(), before + 1, "too large to be kept");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_refuses_every_token_makes_no_storm() {
    let upstream = Upstream::answering(|_| Answer::invalid_token()).await;
    let world = Start::default().api("up", &upstream).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    for _ in 0..10 {
        assert_the_apis_own(&get(&browser, "/api/up/x").await);
    }
    assert_eq!(world.provider.counts().token, 2, "ten calls, one refresh");
    assert!(upstream.count() <= 12, "{}", upstream.count());
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_refusals_of_an_api_are_the_apis_own() {
    let upstream = Upstream::answering(|seen| {
        let challenge = match seen.target().as_str() {
            "/base/step-up" => {
                "Bearer error=\"insufficient_user_authentication\", acr_values=\"urn:mfa\", max_age=\"5\""
            }
            "/base/scope" => "Bearer error=\"insufficient_scope\", scope=\"invalid_token\"",
            "/base/bare" => "Bearer",
            "/base/realm" => "Bearer realm=\"error=\\\"invalid_token\\\"\"",
            _ => "Bearer error=\"invalid_request\", error_description=\"invalid_token\"",
        };
        Answer::status(401, "no").header("www-authenticate", challenge)
    })
    .await;
    let world = Start::default().api("up", &upstream).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    for (at, path) in ["step-up", "scope", "bare", "realm", "request"]
        .iter()
        .enumerate()
    {
        let answer = get(&browser, &format!("/api/up/{path}")).await;
        assert_passed(&answer, 401, "no");
        assert!(answer.header("www-authenticate").is_some(), "{path}");
        assert_eq!(upstream.count(), at + 1, "{path}: asked once");
    }
    assert_eq!(
        world.provider.counts().token,
        1,
        "no token is renewed for it"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_that_nothing_renews_is_the_apis_own_answer() {
    let (upstream, refused) = picky().await;
    let world = Start::default()
        .set("CLOAKROOM_SCOPES", "openid profile")
        .api("up", &upstream)
        .api_with("public", &upstream, "token = \"none\"")
        .go()
        .await;
    let browser = with_a_refused_token(&world, &refused).await;
    assert_the_apis_own(&get(&browser, "/api/up/x").await);
    assert_eq!((upstream.count(), world.provider.counts().token), (1, 1));
    world.assert_signed_in(&browser).await;
    refused.lock().unwrap().push(String::new());
    assert_the_apis_own(&get(&browser, "/api/public/x").await);
    assert_eq!((upstream.count(), world.provider.counts().token), (2, 1));
    world.end().await;
}
