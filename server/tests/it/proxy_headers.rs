//! Which headers go to an API and which come back (design, invariant 7; RFC 9110 sections 5.3 and 7.6.1;
//! CVE-2025-64484, CVE-2026-40575).

use cloakroom_testkit::{Browser, leaks};

use crate::caller::{Caller, assert_passed, bytes, get};
use crate::start::Start;
use crate::upstream::{Answer, Seen, Upstream};
use crate::world::World;

async fn usual(upstream: &Upstream) -> (World, Browser) {
    let world = Start::default().api("up", upstream).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    (world, browser)
}

/// What arrives of a call with these header lines.
async fn arrives(world: &World, browser: &Browser, upstream: &Upstream, more: &str) -> Seen {
    let before = upstream.count();
    let request = bytes(world, browser, "GET /api/up/x", more);
    let answer = Caller::send(world, &request).await.answer("GET").await;
    assert_eq!(answer.head.status(), 200, "{more}: {}", answer.head.text());
    let seen = upstream.seen();
    assert_eq!(seen.len(), before + 1, "{more}");
    let last = seen.last().unwrap().clone();
    last.head.assert_well_formed();
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_goes_along_and_the_cookie_does_not() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    let seen = upstream.only();
    seen.head.assert_well_formed();
    assert_eq!(
        seen.bearer().as_deref(),
        world
            .provider
            .issued()
            .access_tokens
            .last()
            .map(String::as_str)
    );
    assert_eq!(seen.header("host"), Some(upstream.authority()));
    assert_eq!(seen.header("cookie"), None);
    assert_eq!(seen.header("x-csrf"), None);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_is_about_goes_along() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    for (name, value) in [
        ("accept", "application/json;q=0.9, */*"),
        ("accept-language", "de-AT, en;q=0.5"),
        ("accept-encoding", "br, gzip"),
        ("user-agent", "Mozilla/5.0 (a browser)"),
        ("if-none-match", "\"abc\", W/\"def\""),
        ("if-modified-since", "Tue, 02 Jan 2024 00:00:00 GMT"),
        ("range", "bytes=0-99"),
        ("prefer", "return=minimal"),
        ("idempotency-key", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("x-own", "of the application; with=\"things\""),
    ] {
        let seen = arrives(&world, &browser, &upstream, &format!("{name}: {value}\r\n")).await;
        assert_eq!(seen.header(name).as_deref(), Some(value), "{name}");
    }
    let twice = arrives(&world, &browser, &upstream, "x-own: a\r\nx-own: b\r\n").await;
    assert_eq!(twice.head.header_all("x-own").join(", "), "a, b");
    world.end().await;
}

/// Headers by which an API behind a gateway learns who calls and what was asked for, and which anybody can write.
const FORGED: &[(&str, &str)] = &[
    ("authorization", "Bearer a-token-of-an-attacker"),
    ("authorization", "Basic YXR0YWNrZXI6cHc="),
    ("cookie", "admin=1"),
    ("proxy-authorization", "Basic YXR0YWNrZXI6cHc="),
    ("proxy-connection", "keep-alive"),
    ("proxy", "http://evil.example"),
    ("forwarded", "for=10.0.0.1;host=evil.example;proto=https"),
    ("x-forwarded-for", "10.0.0.1"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-port", "443"),
    ("x-forwarded-prefix", "/admin"),
    ("x-forwarded-uri", "/admin"),
    ("x-forwarded-method", "DELETE"),
    ("x-forwarded-server", "evil.example"),
    ("x-forwarded-user", "admin"),
    ("x-forwarded-email", "admin@example.com"),
    ("x-forwarded-access-token", "forged-forged-forged"),
    ("x-forwarded-client-cert", "Subject=\"CN=admin\""),
    ("x-real-ip", "10.0.0.1"),
    ("x-client-ip", "10.0.0.1"),
    ("true-client-ip", "10.0.0.1"),
    ("cf-connecting-ip", "10.0.0.1"),
    ("x-original-url", "/admin"),
    ("x-original-uri", "/admin"),
    ("x-original-host", "evil.example"),
    ("x-rewrite-url", "/admin"),
    ("x-http-method-override", "DELETE"),
    ("x-http-method", "DELETE"),
    ("x-method-override", "DELETE"),
    ("x-remote-user", "admin"),
    ("remote-user", "admin"),
    ("via", "1.1 evil.example"),
    ("max-forwards", "0"),
    ("cloakroom-error", "signed_out"),
    ("origin", "https://evil.example"),
    ("referer", "https://evil.example/"),
    ("sec-fetch-site", "none"),
    ("keep-alive", "timeout=5"),
    ("trailer", "x-own"),
    ("upgrade", "h2c"),
    ("http2-settings", "AAMAAABkAAQAAP__"),
    ("dpop", "forged"),
    // CGI and its heirs read these as if they had hyphens.
    ("x_forwarded_for", "10.0.0.1"),
    ("x_forwarded_user", "admin"),
    ("x-forwarded_user", "admin"),
    ("remote_user", "admin"),
    ("x_own", "1"),
    // Characters that a name may have and no honest one has.
    ("x.forwarded.for", "10.0.0.1"),
    ("x~own", "1"),
    ("x'own", "1"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_would_speak_for_somebody_else_is_dropped() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    let token = world.provider.issued().access_tokens.pop();
    let honest = arrives(&world, &browser, &upstream, "").await;
    for (name, value) in FORGED {
        println!("{name}: {value}");
        for name in [(*name).to_owned(), name.to_uppercase()] {
            let line = format!("{name}: {value}\r\n");
            let seen = arrives(&world, &browser, &upstream, &line).await;
            assert_eq!(seen.bearer(), token, "{name}");
            assert_eq!(
                seen.head.headers(),
                honest.head.headers(),
                "{name}: nothing is there that an honest call has not"
            );
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_connection_names_is_dropped_and_what_is_ours_is_not() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    let token = world.provider.issued().access_tokens.pop();
    let seen = arrives(
        &world,
        &browser,
        &upstream,
        "connection: keep-alive, X-Own ,authorization,host, cookie\r\nconnection: x-other, x-csrf, content-length\r\nx-own: 1\r\nx-other: 2\r\nx-third: 3\r\nte: trailers, deflate\r\n",
    )
    .await;
    assert_eq!(seen.header("x-own"), None);
    assert_eq!(seen.header("x-other"), None);
    assert_eq!(seen.header("x-third").as_deref(), Some("3"));
    assert_eq!(seen.bearer(), token, "nobody can have it taken off");
    assert_eq!(seen.header("host"), Some(upstream.authority()));
    assert!(matches!(
        seen.header("te").as_deref(),
        None | Some("trailers")
    ));
    for connection in seen.head.header_all("connection") {
        assert!(!connection.to_lowercase().contains("x-"), "{connection}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_may_come_once_and_comes_twice_is_refused() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    let host = format!("localhost:{}", world.port);
    for twice in [
        "content-type: text/plain\r\ncontent-type: application/json\r\n".to_owned(),
        "Content-Type: text/plain\r\nCONTENT-TYPE: text/plain\r\n".to_owned(),
        format!("host: {host}\r\n"),
        "host: evil.example\r\n".to_owned(),
        "content-encoding: gzip\r\ncontent-encoding: identity\r\n".to_owned(),
    ] {
        let request = bytes(&world, &browser, "GET /api/up/x", &twice);
        let answer = Caller::send(&world, &request).await.answer("GET").await;
        let status = answer.head.status();
        assert!(matches!(status, 400 | 421), "{twice:?}: {status}");
        assert_eq!(upstream.count(), 0, "{twice:?}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_is_answered_by_nobody() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    for host in [
        "evil.example",
        &upstream.authority(),
        "localhost",
        "localhost:1",
        &format!("localhost:{}.evil.example", world.port),
        &format!("evil.example@localhost:{}", world.port),
        "",
    ] {
        let answer = get(&browser, "/api/up/x").header("host", host).await;
        assert!(
            matches!(answer.status(), 400 | 421),
            "{host}: {}",
            answer.status()
        );
        assert_eq!(upstream.count(), 0, "{host}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_is_said_only_where_the_configuration_says_so() {
    let upstream = Upstream::start().await;
    let world = Start::default()
        .api("silent", &upstream)
        .api_with(
            "telling",
            &upstream,
            "forward_address = true\nforward_user = \"X-User-Id\"",
        )
        .api_with(
            "maybe",
            &upstream,
            "token = \"user-if-signed-in\"\nforward_user = \"X-User-Id\"",
        )
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let forged = |path: &str, browser: &Browser| {
        get(browser, path)
            .header("x-user-id", "admin")
            .header("x-forwarded-for", "10.0.0.1")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "https")
    };
    let forwarded = |seen: &Seen| {
        ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].map(|name| seen.header(name))
    };
    assert_passed(&forged("/api/silent/x", &browser).await, 200, "hello");
    let silent = upstream.seen().pop().unwrap();
    assert_eq!(forwarded(&silent), [None, None, None]);
    assert_eq!(
        silent.header("x-user-id").as_deref(),
        Some("admin"),
        "a header like any other, where nobody gave it a meaning"
    );
    assert_passed(&forged("/api/telling/x", &browser).await, 200, "hello");
    let telling = upstream.seen().pop().unwrap();
    assert_eq!(telling.header("x-user-id").as_deref(), Some("00u1test"));
    let host = format!("localhost:{}", world.port);
    assert_eq!(
        forwarded(&telling),
        [
            Some("127.0.0.1".to_owned()),
            Some("http".to_owned()),
            Some(host)
        ]
    );
    assert_passed(&forged("/api/maybe/x", &browser).await, 200, "hello");
    let maybe = upstream.seen().pop().unwrap();
    assert_eq!(maybe.header("x-user-id").as_deref(), Some("00u1test"));
    let nobody = world.browser();
    assert_passed(&forged("/api/maybe/x", &nobody).await, 200, "hello");
    let anonymous = upstream.seen().pop().unwrap();
    assert_eq!(
        (anonymous.header("x-user-id"), anonymous.bearer()),
        (None, None),
        "nobody is nobody, whatever they say"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_headers_are_the_configurations_and_secret() {
    const KEY: &str = "upstream-key-5f1c9a0b7e3d";
    let upstream =
        Upstream::answering(|_| Answer::text("hello").header("x-api-key", KEY.replace('-', ".")))
            .await;
    let rules = format!("headers = {{ X-Api-Key = \"{KEY}\", X-Tenant = \"coats\" }}");
    let mut world = Start::default()
        .api_with("up", &upstream, &rules)
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let seen = arrives(
        &world,
        &browser,
        &upstream,
        "x-api-key: of-the-browser\r\nX-API-KEY: of-the-browser\r\nx-tenant: others\r\nx_tenant: others\r\n",
    )
    .await;
    assert_eq!(seen.header("x-api-key").as_deref(), Some(KEY));
    assert_eq!(seen.header("x-tenant").as_deref(), Some("coats"));
    let secret = [KEY.to_owned()];
    assert_eq!(leaks(&browser.transcript(), &secret), [""; 0]);
    assert_eq!(leaks(world.program().log().as_bytes(), &secret), [""; 0]);
    world.end().await;
}
