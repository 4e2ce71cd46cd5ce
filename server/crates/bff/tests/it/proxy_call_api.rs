//! `Visit::call_api`: the server's own code calls APIs by the same rules as pages do (invariant 7).

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use bytes::Bytes;
use cloakroom_bff::{Bff, Upstream, UpstreamRoute, Visit, WhoseToken};
use cloakroom_testkit::{Browser, Provider, Response as Answer};
use http::{HeaderMap, Method, Request};

use crate::app::App;
use crate::upstream::{Api, FINE, upstream};

/// Calls what the header `x-call` says (`NAME METHOD PATH`), with the body and the headers that came; passes the answer
/// on, or says what the error is.
async fn relay(visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    let text = headers["x-call"].to_str().unwrap().to_owned();
    let (name, rest) = text.split_once(' ').unwrap();
    let (method, path) = rest.split_once(' ').unwrap();
    let mut request = Request::new(body);
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = path.parse().unwrap();
    *request.headers_mut() = headers.clone();
    match visit.call_api(name, request).await {
        Ok(answer) => answer.map(Body::from),
        Err(error) => (
            error.code().status(),
            [("x-code", error.code().as_str())],
            error.to_string(),
        )
            .into_response(),
    }
}

fn router(bff: &Bff) -> Router {
    let routes = Router::new().route("/relay", any(relay));
    bff.install(routes.merge(bff.router()).merge(bff.sign_in_router()))
}

async fn app_with(api: &Api, change: impl FnOnce(&mut Upstream)) -> (App, Browser) {
    let mut orders = upstream("orders", &format!("{}/v1", api.base()));
    change(&mut orders);
    let provider = Provider::start().await;
    let counter = |settings, clock| crate::plain_axum::builder(settings, clock).build();
    let settings = |settings: &mut cloakroom_bff::Settings| settings.upstreams = vec![orders];
    let app = App::serving(provider, settings, counter, router).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    (app, browser)
}

async fn call(browser: &Browser, what: &str) -> Answer {
    browser.get("/relay").fetch().header("x-call", what).await
}

#[track_caller]
fn assert_error(answer: &Answer, code: &str) {
    assert_eq!(
        answer.header("x-code"),
        Some(code),
        "{} {}",
        answer.status(),
        answer.text()
    );
}

#[tokio::test]
async fn a_call_carries_the_token_and_no_cookie() {
    let api = Api::answering(|_| {
        "HTTP/1.1 201 Created\r\nLocation: /v1/orders/7\r\nSet-Cookie: a=b\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\nhi"
    })
    .await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let answer = browser
        .post_form("/relay", &[("a", "b")])
        .fetch()
        .header("x-call", "orders POST /orders?x=1")
        .header("x-forwarded-for", "192.0.2.1")
        .header("authorization", "Bearer forged")
        .await;
    assert_eq!((answer.status(), answer.text()), (201, "hi".to_owned()));
    assert_eq!(answer.header("location"), Some("/api/orders/orders/7"));
    assert_eq!(
        (answer.header("set-cookie"), answer.header("x-own")),
        (None, Some("1"))
    );
    let seen = api.only();
    assert_eq!(seen.line(), "POST /v1/orders?x=1 HTTP/1.1");
    assert_eq!(
        (seen.body.as_slice(), seen.header("content-length")),
        (&b"a=b"[..], Some("3"))
    );
    assert_eq!(
        seen.all("authorization"),
        [format!("Bearer {}", app.access_token())]
    );
    for gone in ["cookie", "x-forwarded-for", "sec-fetch-site", "origin"] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn what_an_api_says_is_an_answer_whatever_its_status() {
    for status in [204, 302, 400, 401, 404, 500, 503] {
        let api = Api::answering(move |_| {
            format!(
                "HTTP/1.1 {status} Said\r\nContent-Length: 0\r\nCloakroom-Error: forged\r\n\r\n"
            )
        })
        .await;
        let (app, browser) = app_with(&api, |_| {}).await;
        let answer = call(&browser, "orders GET /x").await;
        assert_eq!(answer.status(), status);
        assert_eq!(
            (answer.header("x-code"), answer.header("cloakroom-error")),
            (None, None)
        );
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn the_rules_of_pages_hold_for_the_server_too() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |upstream| {
        upstream.routes = vec![UpstreamRoute::new(vec![Method::GET], "/orders").unwrap()];
        upstream.max_body = Some(3);
    })
    .await;
    for refused in [
        "unknown GET /orders",
        "orders GET /other",
        "orders POST /orders",
        "orders GET /orders/../other",
        "orders GET /orders/%2E%2E/other",
        "orders GET //orders",
        "orders GET /orders;x",
        "orders GET *",
        "orders GET http://evil.example/orders",
    ] {
        assert_error(&call(&browser, refused).await, "route_not_allowed");
    }
    let large = browser
        .get("/relay")
        .fetch()
        .header("x-call", "orders GET /orders");
    assert_error(&large.body("abcd").await, "body_too_large");
    let stranger = app.browser();
    assert_error(&call(&stranger, "orders GET /orders").await, "signed_out");
    assert!(api.seen().is_empty());
    assert_eq!(call(&browser, "orders GET /orders").await.status(), 200);
    assert_eq!(api.only().target(), "/v1/orders");
    app.end(&[&browser, &stranger]).await;
}

#[tokio::test]
async fn an_answer_is_whole_and_not_endless() {
    let most = 4 * 1024 * 1024;
    for (bytes, chunked, fits) in [
        (most, false, true),
        (most + 1, false, false),
        (most, true, true),
        (most + 1, true, false),
    ] {
        let api = Api::answering(move |_| {
            let body = "x".repeat(bytes);
            if chunked {
                format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{bytes:X}\r\n{body}\r\n0\r\n\r\n")
            } else {
                format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n{body}")
            }
        })
        .await;
        let (app, browser) = app_with(&api, |_| {}).await;
        let answer = call(&browser, "orders GET /x").await;
        if fits {
            assert_eq!((answer.status(), answer.body().len()), (200, bytes));
        } else {
            assert_error(&answer, "upstream_answer");
        }
        app.end(&[&browser]).await;
    }
    let api =
        Api::answering(|_| "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhalf")
            .await;
    let (app, browser) = app_with(&api, |_| {}).await;
    assert_error(&call(&browser, "orders GET /x").await, "upstream_answer");
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_call_keeps_the_session_alive_and_needs_none_where_the_api_does_not() {
    let api = Api::answering(|_| FINE).await;
    let (app, browser) =
        app_with(&api, |upstream| upstream.token = WhoseToken::UserIfSignedIn).await;
    let left = app.look(&browser).await["expires_in"].as_u64().unwrap();
    app.advance(3600);
    assert_eq!(call(&browser, "orders GET /x").await.status(), 200);
    assert_eq!(app.look(&browser).await["expires_in"].as_u64(), Some(left));
    let stranger = app.browser();
    assert_eq!(call(&stranger, "orders GET /x").await.status(), 200);
    assert_eq!(api.take()[1].header("authorization"), None);
    app.end(&[&browser, &stranger]).await;
}
