//! How calls end: refusals of ours are problem documents with a code, and an API's answers pass as they are, errors
//! included; nobody mistakes one for the other (RFC 9457, RFC 9110 section 15; the contract of `/api/{name}/`).

use cloakroom_testkit::Browser;
use http::Method;

use crate::caller::{assert_passed, assert_refused, call, get};
use crate::start::Start;
use crate::store::{give_back, take_away};
use crate::upstream::{Answer, Upstream};
use crate::world::World;

pub(crate) async fn signed_in(world: &World) -> Browser {
    let browser = world.browser();
    world.sign_in(&browser).await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_out_is_told_so_and_nothing_is_sent() {
    let upstream = Upstream::start().await;
    let world = Start::default().api("up", &upstream).go().await;
    let browser = world.browser();
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let answer = call(&browser, method.clone(), "/api/up/x").await;
        assert_refused(&answer, 401, "signed_out", method.as_str());
        assert_eq!(
            answer.header("www-authenticate"),
            None,
            "no browser is to ask for a password"
        );
        assert!(
            answer.json().to_string().contains("/auth/login"),
            "it says where to sign in: {}",
            answer.text()
        );
    }
    assert_eq!(upstream.count(), 0);
    world.sign_in(&browser).await;
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    let thief = browser.copy();
    world.watch(&thief);
    browser.request(Method::POST, "/auth/logout").fetch().await;
    world
        .until("the tokens are revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    for browser in [&browser, &thief] {
        let answer = get(browser, "/api/up/x").await;
        assert_refused(&answer, 401, "signed_out", "after signing out");
    }
    assert_eq!(upstream.count(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_ticket_is_no_session() {
    let upstream = Upstream::start().await;
    let world = Start::default().api("up", &upstream).go().await;
    let browser = signed_in(&world).await;
    let stranger = world.browser();
    for value in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "../../etc", "a\tb"] {
        let cookie = format!("{}={value}", world.session_cookie());
        let answer = get(&stranger, "/api/up/x").header("cookie", &cookie).await;
        assert_refused(&answer, 401, "signed_out", value);
    }
    let ticket = world.ticket(&browser).unwrap();
    let twice = format!("{0}={ticket}; {0}=x", world.session_cookie());
    let answer = get(&stranger, "/api/up/x").header("cookie", &twice).await;
    assert_refused(&answer, 401, "signed_out", "a ticket comes once");
    assert_eq!(upstream.count(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_is_not_allowed_whoever_asks() {
    let upstream = Upstream::start().await;
    let world = Start::default().api("up", &upstream).go().await;
    let browser = signed_in(&world).await;
    let nobody = world.browser();
    for path in ["/api/other/x", "/api/other", "/api/", "/api", "/api/auth/x"] {
        for browser in [&browser, &nobody] {
            let answer = get(browser, path).await;
            assert_refused(&answer, 403, "route_not_allowed", path);
        }
    }
    assert_eq!(upstream.count(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_api_configured_there_is_none() {
    let world = World::start().await;
    let browser = signed_in(&world).await;
    let answer = get(&browser, "/api/up/x").await;
    assert_refused(&answer, 403, "route_not_allowed", "no API");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apis_errors_pass_untouched() {
    let upstream = Upstream::answering(|seen| {
        let status = seen.target().rsplit('/').next().unwrap().parse().unwrap();
        Answer::status(status, "{\"error\":\"of the API\"}")
            .header("content-type", "application/vnd.api+json")
            .header("retry-after", "120")
    })
    .await;
    let mut world = Start::default().api("up", &upstream).go().await;
    world.expect_failing_apis();
    let browser = signed_in(&world).await;
    for status in [
        400, 401, 402, 403, 404, 405, 409, 410, 412, 413, 415, 418, 422, 428, 429, 451, 500, 501,
        502, 503, 504, 599,
    ] {
        let answer = get(&browser, &format!("/api/up/{status}")).await;
        assert_passed(&answer, status, "{\"error\":\"of the API\"}");
        assert_eq!(
            (answer.header("content-type"), answer.header("retry-after")),
            (Some("application/vnd.api+json"), Some("120")),
            "{status}"
        );
    }
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_token_goes_along_is_the_configurations_choice() {
    let upstream = Upstream::start().await;
    let world = Start::default()
        .api_with("mine", &upstream, "token = \"user\"")
        .api_with("maybe", &upstream, "token = \"user-if-signed-in\"")
        .api_with("public", &upstream, "token = \"none\"")
        .go()
        .await;
    let browser = signed_in(&world).await;
    let token = world.provider.issued().access_tokens.pop();
    let nobody = world.browser();
    for (name, browser, bearer) in [
        ("mine", &browser, token.clone()),
        ("maybe", &browser, token.clone()),
        ("public", &browser, None),
        ("maybe", &nobody, None),
        ("public", &nobody, None),
    ] {
        let answer = get(browser, &format!("/api/{name}/x"))
            .header("authorization", "Bearer of-the-browsers-own")
            .await;
        assert_passed(&answer, 200, "hello");
        let seen = upstream.seen().pop().unwrap();
        assert_eq!(seen.bearer(), bearer, "{name}");
        assert_eq!(seen.header("cookie"), None, "{name}");
    }
    let answer = get(&nobody, "/api/mine/x").await;
    assert_refused(&answer, 401, "signed_out", "mine");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_another_persons_token() {
    let upstream = Upstream::start().await;
    let world = Start::default().api("up", &upstream).go().await;
    let mut people = Vec::new();
    for _ in 0..4 {
        let browser = signed_in(&world).await;
        let token = world.provider.issued().access_tokens.pop().unwrap();
        people.push((browser, token));
    }
    let mut calls = tokio::task::JoinSet::new();
    for round in 0..10 {
        for (at, (browser, _)) in people.iter().enumerate() {
            let browser = browser.clone();
            calls.spawn(async move {
                let path = format!("/api/up/{at}/{round}");
                assert_passed(&get(&browser, &path).await, 200, "hello");
            });
        }
    }
    calls.join_all().await;
    let seen = upstream.seen();
    assert_eq!(seen.len(), 40);
    for seen in &seen {
        let target = seen.target();
        let at: usize = target.split('/').nth(2).unwrap().parse().unwrap();
        assert_eq!(seen.bearer().as_ref(), Some(&people[at].1), "{target}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_granted_is_not_tried() {
    let upstream = Upstream::start().await;
    let world = Start::default()
        .provider(|provider| {
            provider.scopes([
                "openid",
                "profile",
                "email",
                "offline_access",
                "orders:read",
                "orders:write",
            ])
        })
        .api_with("read", &upstream, "scopes = [\"orders:read\"]")
        .api_with(
            "write",
            &upstream,
            "scopes = [\"orders:read\", \"orders:write\"]",
        )
        .go()
        .await;
    world
        .provider
        .set_granted_scopes(Some(&["openid", "profile", "orders:read"]));
    let browser = signed_in(&world).await;
    let asked = world.provider.received().authorize_requests.pop().unwrap();
    let scope: Vec<&str> = asked["scope"].split(' ').collect();
    for name in ["openid", "orders:read", "orders:write"] {
        assert_eq!(
            scope.iter().filter(|known| **known == name).count(),
            1,
            "it is asked for at sign-in, once: {scope:?}"
        );
    }
    assert_passed(&get(&browser, "/api/read/x").await, 200, "hello");
    let answer = get(&browser, "/api/write/x").await;
    assert_refused(&answer, 403, "scope_not_granted", "orders:write");
    assert_eq!(upstream.count(), 1);
    let nobody = world.browser();
    let answer = get(&nobody, "/api/write/x").await;
    assert_refused(&answer, 401, "signed_out", "who is asked before what");
    // Granted at the next sign-in, it works.
    world.provider.set_granted_scopes(None);
    world.sign_in(&browser).await;
    assert_passed(&get(&browser, "/api/write/x").await, 200, "hello");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_lets_no_call_through_and_signs_nobody_out() {
    let upstream = Upstream::start().await;
    let world = Start::default()
        .api("up", &upstream)
        .api_with("maybe", &upstream, "token = \"user-if-signed-in\"")
        .go()
        .await;
    let browser = signed_in(&world).await;
    take_away(&world).await;
    for path in ["/api/up/x", "/api/maybe/x"] {
        let answer = get(&browser, path).await;
        assert_refused(&answer, 503, "store_down", path);
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert_eq!(answer.header_all("set-cookie"), [""; 0]);
    }
    assert_eq!(upstream.count(), 0);
    give_back(&world).await;
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    world.end().await;
}
