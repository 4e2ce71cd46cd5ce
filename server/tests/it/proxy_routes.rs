//! What may be called, and that it is what is sent: accepted addresses arrive byte for byte, and routes cover whole
//! segments and their own methods (design, invariant 7; CVE-2025-54576, CVE-2026-41059).

use http::Method;

use crate::caller::{Caller, assert_passed, assert_refused, call};
use crate::proxy_paths::{asking, assert_goes_nowhere, usual};
use crate::start::Start;
use crate::upstream::Upstream;

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_widens_nothing() {
    let upstream = Upstream::start().await;
    let rules = "routes = [{ prefix = \"/open\" }]";
    let world = Start::default().api_with("up", &upstream, rules).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let targets: &[&[u8]] = &[
        b"/api/up/closed#/open",
        b"/api/up/closed#/../open",
        b"/api/up/closed?#/open",
        b"/api/up#/open",
        b"/api/up/closed%23/open",
        b"/api/up/closed?/open",
        b"/api/up/closed?x=/open",
        b"/api/closed#/api/up/open",
    ];
    assert_goes_nowhere(&world, &browser, &upstream, targets, &[403, 400]).await;
    // A server's parser may have dropped it before anybody looks (RFC 9110 section 4.2.5): then what is left decides,
    // and nothing else is sent.
    let request = asking(&world, &browser, "GET", b"/api/up/open#/../closed");
    let answer = Caller::send(&world, &request).await.answer("GET").await;
    match upstream.seen().as_slice() {
        [] => assert!(matches!(answer.head.status(), 400 | 403)),
        [seen] => assert_eq!(seen.target(), "/base/open"),
        more => panic!("{more:?}"),
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_arrives_byte_for_byte() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    for (target, arrives) in [
        ("/api/up", "/base"),
        ("/api/up/", "/base/"),
        ("/api/up/a", "/base/a"),
        ("/api/up/a/", "/base/a/"),
        ("/api/up/a/b.json", "/base/a/b.json"),
        ("/api/up/.well-known/x", "/base/.well-known/x"),
        ("/api/up/a..b/..c/d..", "/base/a..b/..c/d.."),
        ("/api/up/A-Z_0~9.x", "/base/A-Z_0~9.x"),
        ("/api/up/$&'()*+,=:!", "/base/$&'()*+,=:!"),
        ("/api/up/a%20b", "/base/a%20b"),
        ("/api/up/caf%C3%A9", "/base/caf%C3%A9"),
        ("/api/up/%F0%9F%A7%A5", "/base/%F0%9F%A7%A5"),
        ("/api/up/100%25", "/base/100%25"),
        ("/api/up/a?", "/base/a?"),
        ("/api/up?a=b", "/base?a=b"),
        ("/api/up/a?b=c&b=d&&=", "/base/a?b=c&b=d&&="),
        (
            "/api/up/a?q=../..//@evil:80\\;%2e%2F%00%zz+%",
            "/base/a?q=../..//@evil:80\\;%2e%2F%00%zz+%",
        ),
        ("/api/up/a??b?c", "/base/a??b?c"),
        ("/api/up/a?x=%C3%A9&y=%c3%a9", "/base/a?x=%C3%A9&y=%c3%a9"),
    ] {
        let before = upstream.count();
        let request = asking(&world, &browser, "GET", target.as_bytes());
        let mut caller = Caller::send(&world, &request).await;
        let answer = caller.answer("GET").await;
        assert_eq!(answer.head.status(), 200, "{target}");
        assert_eq!(caller.body(answer).await.unwrap(), b"hello");
        let seen = upstream.seen();
        assert_eq!(seen.len(), before + 1, "{target}");
        let last = seen.last().unwrap();
        assert_eq!(last.target(), arrives, "{target}");
        last.head.assert_well_formed();
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_cover_whole_segments_and_their_methods_and_nothing_else() {
    let upstream = Upstream::start().await;
    let rules = "routes = [
        { prefix = \"/orders\", methods = [\"GET\", \"POST\"] },
        { prefix = \"/files/public\" },
        { prefix = \"/orders/drafts\", methods = [\"DELETE\"] },
    ]";
    let world = Start::default()
        .api_with("shop", &upstream, rules)
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    for (method, path) in [
        (Method::GET, "/orders-old"),
        (Method::GET, "/ordersx"),
        (Method::GET, "/order"),
        (Method::GET, "/Orders"),
        (Method::GET, "/"),
        (Method::GET, ""),
        (Method::GET, "/files"),
        (Method::GET, "/files/private"),
        (Method::GET, "/files/publicity"),
        (Method::GET, "/x/orders"),
        (Method::PUT, "/orders"),
        (Method::PATCH, "/orders/7"),
        (Method::DELETE, "/orders/7"),
        (Method::DELETE, "/orders"),
        (Method::OPTIONS, "/orders"),
        (Method::from_bytes(b"PROPFIND").unwrap(), "/orders"),
        (Method::from_bytes(b"get").unwrap(), "/orders"),
    ] {
        let what = format!("{method} {path}");
        let answer = call(&browser, method, &format!("/api/shop{path}")).await;
        assert_refused(&answer, 403, "route_not_allowed", &what);
        assert_eq!(upstream.count(), 0, "{what}");
    }
    for (method, path) in [
        (Method::GET, "/orders"),
        (Method::GET, "/orders/"),
        (Method::GET, "/orders/7/lines?sort=name"),
        (Method::POST, "/orders"),
        (Method::GET, "/orders/drafts"),
        (Method::DELETE, "/orders/drafts/7"),
        (Method::PUT, "/files/public"),
        (Method::from_bytes(b"PROPFIND").unwrap(), "/files/public/x"),
    ] {
        let before = upstream.count();
        let answer = call(&browser, method.clone(), &format!("/api/shop{path}")).await;
        assert_passed(&answer, 200, "hello");
        let seen = upstream.seen();
        assert_eq!(seen.len(), before + 1);
        let last = seen.last().unwrap();
        assert_eq!(
            (last.method(), last.target()),
            (method.to_string(), format!("/base{path}"))
        );
    }
    world.end().await;
}
