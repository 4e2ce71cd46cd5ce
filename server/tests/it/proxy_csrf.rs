//! That a call comes from a page of ours: the header, what stands in for it, and that no other origin gets a word that
//! would let it read or write (design, invariants 7 and 9; draft-ietf-oauth-browser-based-apps section 6.1.3.3.2;
//! RFC 6455 section 10.2).

use cloakroom_testkit::browser::RequestBuilder;
use cloakroom_testkit::{Browser, Response};
use http::Method;

use crate::caller::{Caller, assert_passed, assert_refused, call, without_header};
use crate::raw::FETCH;
use crate::start::Start;
use crate::upstream::{Answer, Piece, Upstream};
use crate::world::World;

const METHODS: [&str; 8] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "HEAD",
];

async fn usual(upstream: &Upstream) -> (World, Browser) {
    let world = Start::default().api("up", upstream).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    (world, browser)
}

fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap()
}

/// A `fetch()` of a page of ours, without the header.
fn bare(browser: &Browser, name: &str, path: &str) -> RequestBuilder {
    browser.request(method(name), path).fetch()
}

#[track_caller]
fn assert_header_missing(answer: &Response, what: &str) {
    // What answers HEAD has no body to read a code from.
    if answer.body().is_empty() {
        assert_eq!(
            (answer.status(), answer.header("cloakroom-error")),
            (403, Some("csrf_header_missing")),
            "{what}"
        );
    } else {
        assert_refused(answer, 403, "csrf_header_missing", what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_header_nothing_is_considered() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    let nobody = world.browser();
    for name in METHODS {
        for path in [
            "/api/up/x",
            "/api/up",
            "/api/nobody-has-this-name/x",
            "/api/",
            "/api",
            "/api/up/a%2fb",
        ] {
            for (who, browser) in [("signed in", &browser), ("signed out", &nobody)] {
                let what = format!("{name} {path}, {who}");
                let answer = bare(browser, name, path).await;
                assert_header_missing(&answer, &what);
            }
        }
    }
    assert_eq!(upstream.count(), 0);
    assert_passed(
        &bare(&browser, "GET", "/api/up/x")
            .header("x-csrf", "1")
            .await,
        200,
        "hello",
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_navigation_cannot_call_an_api_and_gets_no_page_of_it() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    for answer in [
        browser.get("/api/up/x").navigate().await,
        browser.get("/api/up/x").subresource("image").await,
        browser.get("/api/up/x").subresource("script").await,
        browser.get("/api/up/x").frame().await,
        browser.get("/api/up/x").bare().await,
        browser
            .post_form("/api/up/x", &[("a", "b")])
            .navigate()
            .await,
    ] {
        assert_eq!(
            (answer.status(), answer.header("cloakroom-error")),
            (403, Some("csrf_header_missing"))
        );
        assert_eq!(answer.location(), None);
    }
    assert_eq!(upstream.count(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_comes_once_and_says_1() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    for lines in [
        "x-csrf: 0\r\n",
        "x-csrf:\r\n",
        "x-csrf: 11\r\n",
        "x-csrf: 1, 1\r\n",
        "x-csrf: \"1\"\r\n",
        "x-csrf: true\r\n",
        "x-csrf: 1\r\nx-csrf: 1\r\n",
        "x-csrf: 1\r\nX-CSRF: 0\r\n",
        "x_csrf: 1\r\n",
        "x-csrf-token: 1\r\n",
        "x-requested-with: XMLHttpRequest\r\n",
    ] {
        let more = format!("{FETCH}{lines}");
        let request = without_header(&world, &browser, "GET /api/up/x", &more);
        let answer = Caller::send(&world, &request).await.answer("GET").await;
        assert_eq!(answer.head.status(), 403, "{lines:?}");
        let code = answer.head.header("cloakroom-error");
        assert_eq!(code.as_deref(), Some("csrf_header_missing"), "{lines:?}");
    }
    assert_eq!(upstream.count(), 0);
    for spelling in ["x-csrf: 1\r\n", "X-CSRF: 1\r\n", "X-Csrf:1\r\n"] {
        let more = format!("{FETCH}{spelling}");
        let request = without_header(&world, &browser, "GET /api/up/x", &more);
        let answer = Caller::send(&world, &request).await.answer("GET").await;
        assert_eq!(answer.head.status(), 200, "{spelling:?}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_writes_nothing_even_with_the_header() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    let own = world.public_url.clone();
    for (site, origin) in [
        (Some("cross-site"), Some("https://evil.example".to_owned())),
        (Some("cross-site"), None),
        (Some("same-site"), Some("http://localhost:1".to_owned())),
        (Some("cross-site"), Some(own.clone())),
        (None, Some("https://evil.example".to_owned())),
        (None, Some("null".to_owned())),
        (None, Some(format!("{own}.evil.example"))),
    ] {
        for name in ["POST", "PUT", "PATCH", "DELETE"] {
            let site = site.map_or(String::new(), |site| format!("sec-fetch-site: {site}\r\n"));
            let from = origin
                .as_ref()
                .map_or(String::new(), |origin| format!("origin: {origin}\r\n"));
            let more = format!("x-csrf: 1\r\n{site}{from}content-length: 0\r\n");
            let line = format!("{name} /api/up/x");
            let request = without_header(&world, &browser, &line, &more);
            let answer = Caller::send(&world, &request).await.answer(name).await;
            let code = answer.head.header("cloakroom-error");
            assert_eq!(
                (answer.head.status(), code.as_deref()),
                (403, Some("cross_site")),
                "{line} {more:?}"
            );
        }
    }
    assert_eq!(upstream.count(), 0);
    let answer = call(&browser, Method::POST, "/api/up/x").await;
    assert_passed(&answer, 200, "hello");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_simple_requests_reach_nobody() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    let evil = "https://evil.example/page";
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let answer = browser
            .request(Method::POST, "/api/up/x")
            .from_page(evil)
            .fetch()
            .header("content-type", content_type)
            .body("{\"a\":1}")
            .await;
        assert_eq!(answer.status(), 403, "{content_type}");
        assert!(matches!(
            answer.header("cloakroom-error"),
            Some("csrf_header_missing" | "cross_site")
        ));
    }
    for answer in [
        browser.get("/api/up/x").from_page(evil).fetch().await,
        browser
            .get("/api/up/x")
            .from_page(evil)
            .subresource("script")
            .await,
        browser.get("/api/up/x").from_page(evil).navigate().await,
        browser
            .post_form("/api/up/x", &[])
            .from_page(evil)
            .navigate()
            .await,
    ] {
        assert_eq!(answer.status(), 403);
    }
    assert_eq!(upstream.count(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_gets_no_leave() {
    let upstream = Upstream::answering(|_| {
        Answer::status(204, "")
            .header("access-control-allow-origin", "https://evil.example")
            .header("access-control-allow-credentials", "true")
            .header("access-control-allow-headers", "x-csrf")
    })
    .await;
    let (world, browser) = usual(&upstream).await;
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        for asked in ["GET", "POST", "DELETE"] {
            let answer = browser
                .request(Method::OPTIONS, "/api/up/x")
                .from_page("https://evil.example/")
                .fetch()
                .header("origin", origin)
                .header("access-control-request-method", asked)
                .header("access-control-request-headers", "x-csrf")
                .await;
            assert_eq!(answer.status(), 403, "{origin} {asked}");
            assert_no_leave(&answer);
        }
    }
    assert_eq!(upstream.count(), 0);
    // Nor does an answer to a page of ours, or a refusal, hold any.
    let answer = call(&browser, Method::GET, "/api/up/x")
        .header("origin", "https://evil.example")
        .await;
    assert_no_leave(&answer);
    let refused = browser
        .get("/api/up/x")
        .from_page("https://evil.example/")
        .fetch()
        .await;
    assert_no_leave(&refused);
    world.end().await;
}

#[track_caller]
fn assert_no_leave(answer: &Response) {
    for name in answer.headers().keys() {
        assert!(!name.as_str().starts_with("access-control-"), "{name}");
    }
}

/// The handshake of a WebSocket, with these lines of `Origin`.
pub(crate) fn handshake(world: &World, browser: &Browser, path: &str, more: &str) -> Vec<u8> {
    let handshake = format!(
        "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}"
    );
    without_header(world, browser, &format!("GET {path}"), &handshake)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_socket_is_opened_by_a_page_of_ours_alone() {
    let upstream = Upstream::answering(|_| Answer::WebSocket { protocol: None }).await;
    let (world, browser) = usual(&upstream).await;
    let own = &world.public_url;
    let port = world.port;
    for origins in [
        String::new(),
        "origin: https://evil.example\r\n".to_owned(),
        "origin: null\r\n".to_owned(),
        "origin:\r\n".to_owned(),
        format!("origin: {own}\r\norigin: {own}\r\n"),
        format!("origin: {own}\r\norigin: https://evil.example\r\n"),
        format!("origin: https://evil.example\r\norigin: {own}\r\n"),
        format!("origin: {own}, https://evil.example\r\n"),
        format!("origin: {own} https://evil.example\r\n"),
        format!("origin: {own}.evil.example\r\n"),
        format!("origin: {own}/\r\n"),
        format!("origin: https://localhost:{port}\r\n"),
        "origin: http://localhost\r\n".to_owned(),
        format!("origin: http://127.0.0.1:{port}\r\n"),
        format!("origin: http://evil.localhost:{port}\r\n"),
        format!("x-origin: {own}\r\n"),
        format!("referer: {own}/\r\n"),
        "sec-fetch-site: same-origin\r\n".to_owned(),
    ] {
        let request = handshake(&world, &browser, "/api/up/socket", &origins);
        let answer = Caller::send(&world, &request).await.answer("GET").await;
        let code = answer.head.header("cloakroom-error");
        assert_eq!(
            (answer.head.status(), code.as_deref()),
            (403, Some("csrf_header_missing")),
            "{origins:?}"
        );
    }
    assert_eq!(upstream.count(), 0);
    let own = format!("origin: {own}\r\n");
    let request = handshake(&world, &browser, "/api/up/socket", &own);
    let answer = Caller::send(&world, &request).await.answer("GET").await;
    assert_eq!(answer.head.status(), 101, "{}", answer.head.text());
    // Our own origin stands in for the header at a handshake, and at nothing else.
    for lines in [
        "connection: Upgrade\r\nupgrade: h2c\r\n",
        "connection: close\r\nupgrade: websocket\r\n",
        "connection: Upgrade\r\n",
        "",
    ] {
        let more = format!("{own}{lines}");
        let request = without_header(&world, &browser, "GET /api/up/x", &more);
        let answer = Caller::send(&world, &request).await.answer("GET").await;
        assert_eq!(answer.head.status(), 403, "{lines:?}");
    }
    let posted = String::from_utf8(handshake(&world, &browser, "/api/up/x", &own)).unwrap();
    let posted = posted.replacen("GET ", "POST ", 1);
    let answer = Caller::send(&world, posted.as_bytes())
        .await
        .answer("POST")
        .await;
    assert_eq!(answer.head.status(), 403, "a handshake is a GET");
    assert_eq!(upstream.count(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_is_opened_by_a_page_of_ours_alone() {
    let upstream = Upstream::answering(|_| Answer::Fed {
        content_type: "text/event-stream",
    })
    .await;
    let (world, browser) = usual(&upstream).await;
    let accept = "accept: text/event-stream\r\n";
    let same = "sec-fetch-site: same-origin\r\n";
    for (line, more) in [
        ("GET", accept.to_owned()),
        ("GET", format!("{accept}sec-fetch-site: cross-site\r\n")),
        ("GET", format!("{accept}sec-fetch-site: same-site\r\n")),
        ("GET", format!("{accept}sec-fetch-site: none\r\n")),
        ("GET", format!("{accept}sec-fetch-site: Same-Origin\r\n")),
        ("GET", format!("{accept}{same}{same}")),
        (
            "GET",
            format!("{accept}{same}sec-fetch-site: cross-site\r\n"),
        ),
        ("GET", format!("accept: */*\r\n{same}")),
        ("GET", format!("accept: text/event-stream, */*\r\n{same}")),
        (
            "GET",
            format!("accept: text/html, text/event-stream\r\n{same}"),
        ),
        ("GET", format!("{accept}accept: */*\r\n{same}")),
        ("GET", same.to_owned()),
        ("GET", format!("{accept}{same}x-csrf: 0\r\n")),
        ("POST", format!("{accept}{same}content-length: 0\r\n")),
        ("DELETE", format!("{accept}{same}")),
    ] {
        let line = format!("{line} /api/up/events");
        let request = without_header(&world, &browser, &line, &more);
        let answer = Caller::send(&world, &request).await.answer("GET").await;
        assert_eq!(answer.head.status(), 403, "{line} {more:?}");
    }
    assert_eq!(upstream.count(), 0);
    let more = format!("{accept}{same}");
    let request = without_header(&world, &browser, "GET /api/up/events", &more);
    let mut caller = Caller::send(&world, &request).await;
    let mut stream = caller.answer("GET").await;
    assert_eq!(stream.head.status(), 200);
    upstream.feed(Piece::Text("data: 1\n\n".to_owned()));
    assert_eq!(caller.text(&mut stream, 9).await, "data: 1\n\n");
    upstream.feed(Piece::End);
    assert!(caller.ended(stream).await);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_as_an_event_stream_is_one_or_is_not_read() {
    let upstream = Upstream::answering(|seen| match seen.target().as_str() {
        "/base/json" => Answer::json(&serde_json::json!({ "balance": "12345" })),
        "/base/type" => {
            Answer::status(200, "balance 12345").header("content-type", "text/event-stream-not")
        }
        "/base/none" => Answer::status(200, "balance 12345"),
        _ => Answer::status(500, "balance 12345").header("content-type", "text/plain"),
    })
    .await;
    let (mut world, browser) = usual(&upstream).await;
    world.expect_failing_apis();
    for path in ["json", "type", "none", "error"] {
        let line = format!("GET /api/up/{path}");
        let more =
            "accept: text/event-stream\r\nsec-fetch-site: same-origin\r\nconnection: close\r\n";
        let request = without_header(&world, &browser, &line, more);
        let mut caller = Caller::send(&world, &request).await;
        let answer = caller.answer("GET").await;
        assert!(
            answer.head.status() >= 400,
            "{path}: {}",
            answer.head.text()
        );
        let body = caller.body(answer).await.unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(!body.contains("12345"), "{path}: {body}");
    }
    world.end().await;
}
