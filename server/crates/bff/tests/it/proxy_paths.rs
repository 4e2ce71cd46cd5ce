//! What of a request target is sent, and what is refused (invariant 7; RFC 3986, RFC 9112 section 3.2): each trick by
//! which a check and a server have been made to read a path differently, and nothing of it arrives.

use cloakroom_bff::UpstreamRoute;
use http::Method;

use crate::upstream::{Api, app_of, app_with, assert_refused, upstream};

/// Targets that mean the same to everybody, and the one that is sent for each.
const PLAIN: &[(&str, &str)] = &[
    ("/api/orders", "/v1"),
    ("/api/orders/", "/v1/"),
    ("/api/orders/orders/7", "/v1/orders/7"),
    ("/api/orders/orders/7/", "/v1/orders/7/"),
    (
        "/api/orders/a.b/.hidden/x..y/~me",
        "/v1/a.b/.hidden/x..y/~me",
    ),
    ("/api/orders/a:b,c=d!$&'()*+e", "/v1/a:b,c=d!$&'()*+e"),
    (
        "/api/orders/caf%C3%A9/a%20b/C%23",
        "/v1/caf%C3%A9/a%20b/C%23",
    ),
    (
        "/api/orders/100%25/%40me/wait%E2%80%A6",
        "/v1/100%25/%40me/wait%E2%80%A6",
    ),
    (
        "/api/orders/x?a=b&a=%2F..%2f%252e&c=[1]'/../@:8080;\\|",
        "/v1/x?a=b&a=%2F..%2f%252e&c=[1]'/../@:8080;\\|",
    ),
    ("/api/orders/x?", "/v1/x?"),
    ("/api/orders?/../x", "/v1?/../x"),
    // What a fragment would hide is not sent: hyper drops it before anybody sees it.
    ("/api/orders/x#/../../admin", "/v1/x"),
];

/// Targets that two servers could read differently.
const TRICKS: &[&str] = &[
    // Dot segments, in every spelling.
    "/api/orders/..",
    "/api/orders/../x",
    "/api/orders/.",
    "/api/orders/./x",
    "/api/orders/a/../../x",
    "/api/orders/...",
    "/api/orders/%2e%2e/x",
    "/api/orders/%2E%2E/x",
    "/api/orders/.%2e/x",
    "/api/orders/.%2E/x",
    "/api/orders/%2e./x",
    "/api/orders/%2e",
    "/api/orders/..%2fx",
    "/api/orders/..%5cx",
    "/api/orders/..%3Bx/y",
    "/api/orders/..%3Fx",
    "/api/orders/..%23x",
    "/api/orders/..:x",
    "/api/orders/..%20/x",
    "/api/orders/.%20./x",
    "/api/orders/..%00/x",
    // Full-width dots, dots that are one character, and blanks of no width between dots.
    "/api/orders/%EF%BC%8E%EF%BC%8E/x",
    "/api/orders/%E2%80%A5/x",
    "/api/orders/.%E2%80%8B./x",
    "/api/orders/%C0%AE%C0%AE/x",
    // Slashes and backslashes.
    "/api/orders/a%2Fb",
    "/api/orders/a%2fb",
    "/api/orders/a%5Cb",
    "/api/orders/a%5cb",
    "/api/orders/a\\b",
    "/api/orders\\..\\x",
    "/api/orders/a%EF%BC%8Fb",
    "/api/orders/a%E2%88%95b",
    "/api/orders/a%C0%AFb",
    "/api/orders//x",
    "/api/orders/a//b",
    "/api/orders//evil.example/x",
    "/api/orders/x//",
    "/api//orders/x",
    "//api/orders/x",
    // Encoded twice.
    "/api/orders/%252e%252e/x",
    "/api/orders/a%252Fb",
    "/api/orders/a%25252Fb",
    "/api/orders/a%25u002fb",
    "/api/orders/a%255",
    // Escapes that are none, in lower case, or of what needs none.
    "/api/orders/caf%c3%a9",
    "/api/orders/%61",
    "/api/orders/%7Eme",
    "/api/orders/a%2Db",
    "/api/orders/a%",
    "/api/orders/a%4",
    "/api/orders/a%zz",
    "/api/orders/a%u002e",
    "/api/orders/a%FF",
    // Control characters, also in two bytes.
    "/api/orders/a%00",
    "/api/orders/a%0Ab",
    "/api/orders/a%0D%0AX-Evil:%201",
    "/api/orders/a%7F",
    "/api/orders/a%C2%85b",
    // Parameters, user names, and characters that stand in no path.
    "/api/orders/a;b=c/d",
    "/api/orders;x/y",
    "/api/orders/;/x",
    "/api/orders/@evil.example",
    "/api/orders@evil.example/x",
    "/api/orders/a\"b",
    "/api/orders/a[b]",
    "/api/orders/a|b",
    "/api/orders/a^b",
    "/api/orders/a{b}",
    "/api/orders/a`b",
    // Names.
    "/api",
    "/api/",
    "/api/unknown/x",
    "/api/Orders/x",
    "/api/orders.",
    "/api/%6Frders/x",
    "/api/orders:80/x",
    "/api/../api/orders/x",
    "/api/.orders/x",
    "/api/http://evil.example/",
];

#[tokio::test]
async fn what_is_plain_is_sent_as_it_came() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    for (target, sent) in PLAIN {
        let request = app.raw(&browser, &format!("GET {target} HTTP/1.1"), "");
        let answer = app.send(&request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{target}: {answer}");
        assert_eq!(
            api.only().line(),
            format!("GET {sent} HTTP/1.1"),
            "{target}"
        );
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn nothing_arrives_of_what_could_be_read_two_ways() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    for target in TRICKS {
        let request = app.raw(&browser, &format!("GET {target} HTTP/1.1"), "");
        let answer = app.send(&request).await;
        let refused = match answer.split(' ').nth(1) {
            Some("403") => answer.contains("\"route_not_allowed\""),
            // hyper's own: no such character stands in a target (RFC 9112 section 3.2).
            Some("400") => target.contains(['"', '`']),
            Some("404") => !target.starts_with("/api"),
            _ => false,
        };
        assert!(refused, "{target}: {answer}");
        assert!(api.seen().is_empty(), "{target}: {:#?}", api.seen());
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn bytes_that_are_no_text_do_not_pass_either() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    for piece in [
        &b"\xE2\x80\xA5"[..],
        b"\xC3\xA9",
        b"\xFF",
        b"\x01",
        b"\x7F",
        b"a\tb",
    ] {
        for place in ["GET /api/orders/a", "GET /api/orders/a?b="] {
            let mut request = place.as_bytes().to_vec();
            request.extend_from_slice(piece);
            request.extend_from_slice(&app.raw(&browser, " HTTP/1.1", ""));
            let answer = app.send(&request).await;
            assert!(
                answer.starts_with("HTTP/1.1 403 ") || answer.starts_with("HTTP/1.1 400 "),
                "{piece:?}: {answer}"
            );
            assert!(api.seen().is_empty(), "{piece:?}: {:#?}", api.seen());
        }
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_target_that_is_no_path_is_refused() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let own = app.address();
    for (line, host) in [
        (
            format!("GET http://{own}/api/orders/x HTTP/1.1"),
            own.clone(),
        ),
        (
            "GET http://evil.example/api/orders/x HTTP/1.1".to_owned(),
            own.clone(),
        ),
        (
            format!("GET http://{own}/api/orders/x HTTP/1.1"),
            "evil.example".to_owned(),
        ),
        (format!("CONNECT {own} HTTP/1.1"), own.clone()),
        ("OPTIONS * HTTP/1.1".to_owned(), own.clone()),
        ("GET api/orders/x HTTP/1.1".to_owned(), own.clone()),
        (
            "GET /api/orders/x HTTP/1.1".to_owned(),
            "evil.example".to_owned(),
        ),
    ] {
        let request = String::from_utf8(app.raw(&browser, &line, "")).unwrap();
        let request = request.replace(&format!("Host: {own}"), &format!("Host: {host}"));
        let answer = app.send(request.as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(
            ["400", "403", "404", "405", "421"].contains(&status),
            "{line}: {answer}"
        );
        assert!(api.seen().is_empty(), "{line}: {:#?}", api.seen());
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_address_may_be_long_but_not_endless() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let path = |bytes: usize| format!("/api/orders/{}", "a".repeat(bytes - 1));
    let query = |bytes: usize| format!("/api/orders/x?{}", "a".repeat(bytes));
    for fits in [path(4096), query(8192)] {
        assert_eq!(app.call(&browser, &fits).await.status(), 200);
        api.only();
    }
    for too_long in [path(4097), query(8193)] {
        assert_refused(
            &app.call(&browser, &too_long).await,
            403,
            "route_not_allowed",
        );
    }
    assert!(api.seen().is_empty());
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn routes_are_methods_and_whole_segments() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |upstream| {
        upstream.routes = vec![
            UpstreamRoute::new(vec![Method::GET], "/orders").unwrap(),
            UpstreamRoute::new(vec![Method::POST], "/orders/new/").unwrap(),
            UpstreamRoute::new(Vec::new(), "/any").unwrap(),
        ];
    })
    .await;
    for (method, path, allowed) in [
        ("GET", "/orders", true),
        ("GET", "/orders/", true),
        ("GET", "/orders/7/items", true),
        ("GET", "/orders?x=/any", true),
        ("GET", "/orders-old", false),
        ("GET", "/ordersx", false),
        ("GET", "/Orders", false),
        ("GET", "/order", false),
        ("GET", "", false),
        ("GET", "/", false),
        ("GET", "/x/orders", false),
        ("GET", "/x?/orders", false),
        ("GET", "/orders%20", false),
        ("HEAD", "/orders", false),
        ("POST", "/orders", false),
        ("DELETE", "/orders", false),
        ("get", "/orders", false),
        ("POST", "/orders/new", false),
        ("POST", "/orders/new/", true),
        ("POST", "/orders/new/7", true),
        ("POST", "/orders/newer/7", false),
        ("DELETE", "/any/x", true),
        ("PROPFIND", "/any", true),
        ("OPTIONS", "/any", true),
        ("TRACE", "/any", false),
        ("CONNECT", "/any", false),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = browser.request(method.clone(), format!("/api/orders{path}"));
        let answer = request.fetch().header("x-csrf", "1").await;
        if allowed {
            assert_eq!(answer.status(), 200, "{method} {path}");
            assert_eq!(api.only().line(), format!("{method} /v1{path} HTTP/1.1"));
        } else {
            assert!(
                [403, 400].contains(&answer.status()),
                "{method} {path}: {}",
                answer.text()
            );
            assert!(api.seen().is_empty(), "{method} {path}");
        }
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn each_name_has_its_own_upstream() {
    let (first, second) = (Api::start().await, Api::start().await);
    let upstreams = vec![
        upstream("a", &first.base()),
        upstream("a-b", &format!("{}/deep/path/", second.base())),
    ];
    let (app, browser) = app_of(upstreams, |_| {}).await;
    app.call(&browser, "/api/a/b").await;
    assert_eq!(first.only().target(), "/b");
    app.call(&browser, "/api/a").await;
    assert_eq!(first.only().target(), "/");
    app.call(&browser, "/api/a-b").await;
    assert_eq!(second.only().target(), "/deep/path/");
    app.call(&browser, "/api/a-b/x?y").await;
    assert_eq!(second.only().target(), "/deep/path/x?y");
    assert!(first.seen().is_empty());
    app.end(&[&browser]).await;
}
