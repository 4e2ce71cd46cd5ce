//! What may not stand in the address of a call: whatever two servers could read differently is refused, and reaches
//! nobody (design, invariant 7; draft-ietf-oauth-browser-based-apps section 6.1.3.3; GHSA-p224).

use cloakroom_testkit::Browser;

use crate::caller::{Caller, assert_passed, bytes, get};
use crate::start::Start;
use crate::upstream::Upstream;
use crate::world::World;

/// A call of this target, byte for byte.
pub(crate) fn asking(world: &World, browser: &Browser, method: &str, target: &[u8]) -> Vec<u8> {
    let mark = "/the-target";
    let whole = bytes(
        world,
        browser,
        &format!("{method} {mark}"),
        "connection: close\r\n",
    );
    let at = method.len() + 1;
    [&whole[..at], target, &whole[at + mark.len()..]].concat()
}

/// Refused with one of these statuses, and nothing arrives.
pub(crate) async fn assert_goes_nowhere(
    world: &World,
    browser: &Browser,
    upstream: &Upstream,
    targets: &[&[u8]],
    statuses: &[u16],
) {
    for target in targets {
        let shown = String::from_utf8_lossy(&target[..target.len().min(120)]).into_owned();
        println!("{shown:?}");
        let request = asking(world, browser, "GET", target);
        let answer = Caller::send(world, &request).await.answer("GET").await;
        let status = answer.head.status();
        assert!(statuses.contains(&status), "{shown:?}: {status}");
        if status == 403 {
            let code = answer.head.header("cloakroom-error");
            assert_eq!(code.as_deref(), Some("route_not_allowed"), "{shown:?}");
        }
        assert_eq!(
            upstream.count(),
            0,
            "{shown:?} arrived: {:?}",
            upstream.seen()
        );
    }
}

pub(crate) async fn usual(upstream: &Upstream) -> (World, Browser) {
    let world = Start::default().api("up", upstream).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    (world, browser)
}

/// The API is there: one honest call arrives, so that nothing arriving means something.
async fn assert_reachable(browser: &Browser, upstream: &Upstream) {
    assert_passed(&get(browser, "/api/up/here").await, 200, "hello");
    assert_eq!(upstream.only().target(), "/base/here");
}

const DOTS: &[&[u8]] = &[
    b"/api/up/.",
    b"/api/up/..",
    b"/api/up/./x",
    b"/api/up/../x",
    b"/api/up/a/../b",
    b"/api/up/a/..",
    b"/api/up/a/.",
    b"/api/up/../../etc/passwd",
    b"/api/up/...",
    b"/api/up/a/.../b",
    b"/api/up/%2e",
    b"/api/up/%2E",
    b"/api/up/%2e%2e/x",
    b"/api/up/%2E%2E/x",
    b"/api/up/.%2e/x",
    b"/api/up/.%2E/x",
    b"/api/up/%2e./x",
    b"/api/up/a/%2e%2e%2fb",
    b"/api/up/a/%2E%2E%2Fb",
    b"/api/up/..%2f",
    b"/api/up/..%5c",
    b"/api/up/..;/x",
    b"/api/up/..;a=b/x",
    b"/api/up/.;/x",
    b"/api/up/..%3B/x",
    b"/api/up/..%00/x",
    b"/api/up/..%20/x",
    b"/api/up/..%09/x",
    b"/api/up/%20../x",
    b"/api/up/..%3F/x",
    b"/api/up/..%23/x",
    // Full-width stops, a one dot leader, a two dot leader: dots once somebody normalises them (NFKC).
    b"/api/up/%EF%BC%8E%EF%BC%8E/x",
    b"/api/up/%E2%80%A4%E2%80%A4/x",
    b"/api/up/%E2%80%A5/x",
];

const ENCODED_TWICE: &[&[u8]] = &[
    b"/api/up/%252e%252e/x",
    b"/api/up/%252E%252E/x",
    b"/api/up/%25252e/x",
    b"/api/up/a%252fb",
    b"/api/up/a%252Fb",
    b"/api/up/a%255cb",
    b"/api/up/%25%32%65",
    b"/api/up/%25%32%65%25%32%65/x",
    b"/api/up/%u002e%u002e/x",
    b"/api/up/%25u002e/x",
    b"/api/up/%2500",
];

const SLASHES: &[&[u8]] = &[
    b"/api/up//",
    b"/api/up//x",
    b"/api/up///x",
    b"/api/up/a//b",
    b"/api/up/a//",
    b"/api//up/x",
    b"/api/up/a%2fb",
    b"/api/up/a%2Fb",
    b"/api/up/%2f",
    b"/api/up/%2F/x",
    b"/api/up/a%5cb",
    b"/api/up/a%5Cb",
    b"/api/up/a\\b",
    b"/api/up\\x",
    b"/api/up/\\",
    b"/api/up/\\..\\x",
    b"/api/up/..\\x",
    b"/api/up/a\\..\\..\\b",
    // Full-width slash and backslash, fraction slash, division slash.
    b"/api/up/a%EF%BC%8Fb",
    b"/api/up/a%EF%BC%BCb",
    b"/api/up/a%E2%81%84b",
    b"/api/up/a%E2%88%95b",
];

const CHARACTERS: &[&[u8]] = &[
    b"/api/up/a;b",
    b"/api/up/a;jsessionid=1/x",
    b"/api/up/;/x",
    b"/api/up;/x",
    b"/api/up/@evil.example",
    b"/api/up/a@b",
    b"/api/up@evil.example/x",
    b"/api/@evil.example/x",
    b"/api/user:pass@evil.example/x",
    b"/api/up/a|b",
    b"/api/up/a^b",
    b"/api/up/a[b]",
    b"/api/up/{a}",
    b"/api/up/`a`",
    b"/api/up/<a>",
    b"/api/up/\"a\"",
];

const CONTROLS: &[&[u8]] = &[
    b"/api/up/a%00b",
    b"/api/up/%00",
    b"/api/up/a%0d%0ab",
    b"/api/up/a%0D%0AX-Injected:%201",
    b"/api/up/a%0Ab",
    b"/api/up/a%09b",
    b"/api/up/a%1Fb",
    b"/api/up/a%7Fb",
    b"/api/up/a%C2%85b",
    b"/api/up/a\x00b",
    b"/api/up/a\x01b",
    b"/api/up/a\x0bb",
    b"/api/up/a\x7fb",
    b"/api/up/a\tb",
];

const NOT_NORMAL: &[&[u8]] = &[
    b"/api/up/%",
    b"/api/up/%2",
    b"/api/up/a%",
    b"/api/up/%zz",
    b"/api/up/%G0",
    b"/api/up/%-1",
    // Lower case; characters that need no escape.
    b"/api/up/caf%c3%a9",
    b"/api/up/%61",
    b"/api/up/%41%42",
    b"/api/up/a%2Db",
    b"/api/up/a%7Eb",
    b"/api/up/%39",
];

const NOT_UTF8: &[&[u8]] = &[
    "/api/up/café".as_bytes(),
    "/api/up/．．/x".as_bytes(),
    b"/api/up/\xff",
    b"/api/up/\xc0\xae\xc0\xae/x",
    // A slash and a dot, written longer than they may be (RFC 3629 section 3).
    b"/api/up/%C0%AF",
    b"/api/up/%C0%AE%C0%AE/x",
    b"/api/up/%E0%80%AF",
    b"/api/up/%F0%80%80%AF",
    // Half of a character, and a surrogate.
    b"/api/up/%C3",
    b"/api/up/%ED%A0%80",
    b"/api/up/%FF%FE",
];

const NAMES: &[&[u8]] = &[
    b"/api",
    b"/api/",
    b"/api//x",
    b"/api/UP/x",
    b"/api/Up/x",
    b"/api/uP/x",
    b"/api/up./x",
    b"/api/.up/x",
    b"/api/up%20/x",
    b"/api/up%00/x",
    b"/api/%75p/x",
    b"/api/u%70/x",
    b"/api/up%2Fx",
    b"/api/up%2f..%2fx",
    b"/api/other/../up/x",
    b"/api/up-/x",
    b"/api/up_/x",
    b"/api/ups/x",
    b"/api/u/x",
    b"/api/..",
    b"/api/./up/x",
    b"/api/../api/up/x",
    b"/api/127.0.0.1/x",
    b"/api/http://127.0.0.1/x",
    b"/api/localhost:80/x",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_could_lead_elsewhere_reaches_nobody() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    for targets in [
        DOTS,
        ENCODED_TWICE,
        SLASHES,
        CHARACTERS,
        CONTROLS,
        NOT_NORMAL,
        NOT_UTF8,
    ] {
        assert_goes_nowhere(&world, &browser, &upstream, targets, &[403, 400]).await;
    }
    assert_reachable(&browser, &upstream).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_is_found_by_its_name_to_the_letter() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    assert_goes_nowhere(&world, &browser, &upstream, NAMES, &[403, 400]).await;
    let elsewhere: &[&[u8]] = &[
        b"//api/up/x",
        b"/API/up/x",
        b"/Api/up/x",
        b"/%61pi/up/x",
        b"/./api/up/x",
        b"/x/../api/up/x",
        b"/api;/up/x",
        b"/api%2Fup/x",
        b"/apis/up/x",
    ];
    assert_goes_nowhere(&world, &browser, &upstream, elsewhere, &[403, 400, 404]).await;
    assert_reachable(&browser, &upstream).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_no_path_reaches_nobody() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    let port = world.port;
    let refused = [403, 400, 404, 421];
    for target in [
        // RFC 9112, section 3.2.2.
        format!("http://localhost:{port}/api/up/x"),
        format!("http://{}/api/up/x", upstream.authority()),
        format!("http://{}/base/x", upstream.authority()),
        "http://evil.example/api/up/x".to_owned(),
        format!("https://localhost:{port}/api/up/x"),
        format!("http://localhost:{port}@{}/api/up/x", upstream.authority()),
        "file:///api/up/x".to_owned(),
        "javascript:/api/up/x".to_owned(),
        // Sections 3.2.3 and 3.2.4.
        format!("localhost:{port}"),
        upstream.authority(),
        "*".to_owned(),
        "?".to_owned(),
        "api/up/x".to_owned(),
    ] {
        assert_goes_nowhere(&world, &browser, &upstream, &[target.as_bytes()], &refused).await;
    }
    for (method, target) in [("OPTIONS", "*"), ("CONNECT", "localhost:1")] {
        let request = asking(&world, &browser, method, target.as_bytes());
        let answer = Caller::send(&world, &request).await.answer(method).await;
        assert!(
            (400..500).contains(&answer.head.status()),
            "{method}: {}",
            answer.head.text()
        );
        assert_eq!(upstream.count(), 0, "{method}");
    }
    assert_reachable(&browser, &upstream).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_end_reaches_nobody() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    let long = |start: &str, piece: &str, times: usize| format!("{start}{}", piece.repeat(times));
    for target in [
        long("/api/up/", "a", 9_000),
        long("/api/up", "/a", 5_000),
        long("/api/up/", "%20", 9_000),
        long("/api/up/x?", "q", 20_000),
        long("/api/up/", "a", 200_000),
        long("/api/", "a", 33),
        long("/api/", "a", 9_000),
    ] {
        let statuses = [403, 400, 414, 431];
        assert_goes_nowhere(&world, &browser, &upstream, &[target.as_bytes()], &statuses).await;
    }
    assert_reachable(&browser, &upstream).await;
    world.end().await;
}
