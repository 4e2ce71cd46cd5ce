//! What of an API's answer reaches a page: nothing by which an API could speak for this origin (design, invariant 7;
//! RFC 6265, Fetch, W3C Clear Site Data, Service Workers).

use cloakroom_testkit::Browser;

use crate::caller::{Caller, assert_passed, bytes, get};
use crate::start::Start;
use crate::upstream::{Answer, Upstream};
use crate::world::World;

async fn usual(upstream: &Upstream) -> (World, Browser) {
    let world = Start::default().api("up", upstream).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    (world, browser)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_cannot_speak_for_this_origin() {
    let upstream = Upstream::answering(|_| {
        [
            ("set-cookie", "planted=1; Path=/"),
            ("set-cookie", "cloakroom-session-3000=forged; Path=/"),
            ("set-cookie2", "planted=1"),
            ("clear-site-data", "\"cookies\", \"storage\""),
            ("access-control-allow-origin", "*"),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-headers", "x-csrf"),
            ("access-control-expose-headers", "*"),
            ("access-control-max-age", "86400"),
            ("service-worker-allowed", "/"),
            ("cloakroom-error", "signed_out"),
            ("cloakroom-anything", "forged"),
            ("strict-transport-security", "max-age=31536000"),
            ("alt-svc", "h3=\":443\""),
            ("refresh", "0; url=https://evil.example/"),
            ("nel", "{\"report_to\":\"evil\"}"),
            ("report-to", "{\"group\":\"evil\"}"),
            ("reporting-endpoints", "evil=\"https://evil.example/\""),
            ("connection", "x-hop, keep-alive"),
            ("keep-alive", "timeout=77"),
            ("x-hop", "1"),
            ("proxy-authenticate", "Basic realm=\"x\""),
            ("x-own", "of the API"),
            ("etag", "\"abc\""),
            ("content-language", "de"),
        ]
        .into_iter()
        .fold(Answer::text("hello"), |answer, (name, value)| {
            answer.header(name, value)
        })
    })
    .await;
    let (world, browser) = usual(&upstream).await;
    let cookies = browser.cookies().len();
    let answer = get(&browser, "/api/up/x").await;
    assert_passed(&answer, 200, "hello");
    for name in [
        "set-cookie",
        "set-cookie2",
        "clear-site-data",
        "service-worker-allowed",
        "cloakroom-error",
        "cloakroom-anything",
        "alt-svc",
        "refresh",
        "nel",
        "report-to",
        "reporting-endpoints",
        "x-hop",
        "proxy-authenticate",
    ] {
        assert_eq!(answer.header_all(name), [""; 0], "{name}");
    }
    for name in answer.headers().keys() {
        let name = name.as_str();
        assert!(!name.starts_with("access-control-"), "{name}");
    }
    assert_ne!(
        answer.header("strict-transport-security"),
        Some("max-age=31536000")
    );
    assert_ne!(answer.header("keep-alive"), Some("timeout=77"));
    assert_eq!(answer.header("x-own"), Some("of the API"));
    assert_eq!(answer.header("etag"), Some("\"abc\""));
    assert_eq!(answer.header("content-language"), Some("de"));
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(browser.cookies().len(), cookies, "none was planted");
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_for_one_person_is_kept_by_nobody() {
    let upstream = Upstream::answering(|_| {
        Answer::text("hello")
            .header("cache-control", "public, max-age=3600, s-maxage=3600")
            .header("expires", "Fri, 31 Dec 2100 00:00:00 GMT")
    })
    .await;
    let (world, browser) = usual(&upstream).await;
    let answer = get(&browser, "/api/up/x").await;
    assert_passed(&answer, 200, "hello");
    assert_eq!(answer.header_all("cache-control"), ["no-store"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_and_leads_no_page_away() {
    let other = Upstream::start().await;
    let steal = format!("http://{}/steal", other.authority());
    let upstream = Upstream::answering({
        let steal = steal.clone();
        move |seen| {
            let status = seen
                .target()
                .rsplit('/')
                .next()
                .and_then(|last| last.parse().ok());
            Answer::status(status.unwrap_or(404), "elsewhere").header("location", steal.clone())
        }
    })
    .await;
    let world = Start::default()
        .api("up", &upstream)
        .behind(&other)
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    for status in [300, 301, 302, 303, 307, 308] {
        let answer = get(&browser, &format!("/api/up/{status}")).await;
        assert!(
            answer.status() == status || answer.status() == 502,
            "{status}: {}",
            answer.status()
        );
        assert_eq!(answer.header_all("location"), [""; 0], "{status}");
    }
    // Also where something is made: the address of it is another server's.
    let made = get(&browser, "/api/up/201").await;
    assert_eq!(made.status(), 201);
    assert_ne!(made.header("location"), Some(steal.as_str()));
    assert_eq!(upstream.count(), 7, "each was asked once");
    assert_eq!(other.count(), 0, "the token went nowhere else");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_within_the_api_is_not_followed_either() {
    let upstream = Upstream::answering(|seen| match seen.target().as_str() {
        "/base/old" => Answer::status(302, "").header("location", "/base/new"),
        "/base/up" => Answer::status(302, "").header("location", "//evil.example/base/new"),
        "/base/out" => Answer::status(302, "").header("location", "/base/../../auth/logout"),
        "/base/back" => Answer::status(302, "").header("location", "/\\evil.example"),
        _ => Answer::text("hello"),
    })
    .await;
    let (world, browser) = usual(&upstream).await;
    for (path, may_lead_to) in [
        ("old", Some("/api/up/new")),
        ("up", None),
        ("out", None),
        ("back", None),
    ] {
        let before = upstream.count();
        let answer = get(&browser, &format!("/api/up/{path}")).await;
        assert!(matches!(answer.status(), 302 | 502), "{path}");
        let location = answer.header("location");
        assert!(
            location.is_none() || location == may_lead_to,
            "{path}: {location:?}"
        );
        assert_eq!(upstream.count(), before + 1, "{path}: asked once");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_an_api_runs_nothing_on_this_origin() {
    let upstream = Upstream::answering(|seen| {
        let content_type = match seen.target().as_str() {
            "/base/html" => "text/html; charset=utf-8",
            "/base/xhtml" => "application/xhtml+xml",
            "/base/svg" => "image/svg+xml",
            "/base/xml" => "text/xml",
            "/base/case" => "TEXT/HTML",
            _ => "application/json",
        };
        Answer::status(200, "<script>alert(1)</script>")
            .header("content-type", content_type)
            .header("content-security-policy", "script-src * 'unsafe-inline'")
            .header("x-content-type-options", "off")
    })
    .await;
    let (world, browser) = usual(&upstream).await;
    for path in ["html", "xhtml", "svg", "xml", "case", "json"] {
        let answer = get(&browser, &format!("/api/up/{path}")).await;
        assert_passed(&answer, 200, "<script>alert(1)</script>");
        assert_eq!(
            answer.header_all("x-content-type-options"),
            ["nosniff"],
            "{path}"
        );
        let policies = answer.header_all("content-security-policy");
        if path != "json" {
            assert!(
                policies.iter().any(|policy| policy.contains("sandbox")),
                "{path}: {policies:?}"
            );
        }
        assert!(
            policies
                .iter()
                .all(|policy| !policy.contains("script-src *")),
            "{path}: {policies:?}"
        );
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_type_is_not_guessed_at() {
    let upstream = Upstream::answering(|_| Answer::status(200, "<script>alert(1)</script>")).await;
    let (world, browser) = usual(&upstream).await;
    let answer = get(&browser, "/api/up/x").await;
    assert_passed(&answer, 200, "<script>alert(1)</script>");
    assert_eq!(answer.header_all("x-content-type-options"), ["nosniff"]);
    assert!(
        answer
            .header("content-type")
            .is_none_or(|known| !known.contains("html"))
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_never_has_the_browser_ask_for_a_password() {
    let upstream = Upstream::answering(|seen| {
        let answer = Answer::status(401, "no");
        match seen.target().as_str() {
            "/base/basic" => answer.header("www-authenticate", "Basic realm=\"api\""),
            "/base/negotiate" => answer.header("www-authenticate", "Negotiate"),
            "/base/digest" => answer.header("www-authenticate", "Digest realm=\"x\", nonce=\"y\""),
            "/base/both" => answer.header(
                "www-authenticate",
                "bAsIc realm=\"x, Bearer y\", Bearer error=\"insufficient_scope\", scope=\"a b\"",
            ),
            "/base/two" => answer
                .header("www-authenticate", "Basic realm=\"api\"")
                .header("www-authenticate", "Bearer error=\"insufficient_scope\""),
            _ => answer.header(
                "www-authenticate",
                "Bearer error=\"insufficient_user_authentication\", acr_values=\"urn:a urn:b\", max_age=\"300\"",
            ),
        }
    })
    .await;
    let (world, browser) = usual(&upstream).await;
    for (path, keeps) in [
        ("basic", None),
        ("negotiate", None),
        ("digest", None),
        ("both", Some("insufficient_scope")),
        ("two", Some("insufficient_scope")),
        ("step-up", Some("insufficient_user_authentication")),
    ] {
        let answer = get(&browser, &format!("/api/up/{path}")).await;
        assert_passed(&answer, 401, "no");
        let challenges = answer.header_all("www-authenticate").join(", ");
        for scheme in ["basic ", "negotiate", "digest "] {
            let found = challenges.to_lowercase().starts_with(scheme);
            assert!(!found, "{path}: {challenges}");
        }
        assert_eq!(
            keeps.map(|keeps| challenges.contains(keeps)),
            keeps.map(|_| true),
            "{path}: {challenges}"
        );
        assert_eq!(challenges.is_empty(), keeps.is_none(), "{path}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interim_answer_is_not_mistaken_for_the_answer() {
    let upstream = Upstream::answering(|_| {
        Answer::Raw(
            b"HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\nset-cookie: planted=1\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
                .to_vec(),
        )
    })
    .await;
    let (world, browser) = usual(&upstream).await;
    let answer = get(&browser, "/api/up/x").await;
    assert_passed(&answer, 200, "hello");
    assert!(browser.cookie("planted").is_none());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_204_and_304_have_no_body_and_leave_the_connection_in_order() {
    let upstream = Upstream::answering(|seen| match seen.target().as_str() {
        "/base/204" => Answer::status(204, ""),
        "/base/304" => Answer::status(304, "").header("etag", "\"abc\""),
        _ => Answer::text("hello"),
    })
    .await;
    let (world, browser) = usual(&upstream).await;
    let mut caller = Caller::connect(&world).await;
    for (method, path, status, body) in [
        ("HEAD", "x", 200, ""),
        ("GET", "204", 204, ""),
        ("GET", "304", 304, ""),
        ("GET", "x", 200, "hello"),
    ] {
        let line = format!("{method} /api/up/{path}");
        caller.write(&bytes(&world, &browser, &line, "")).await;
        let answer = caller.answer(method).await;
        assert_eq!(answer.head.status(), status, "{line}");
        let received = caller.body(answer).await.unwrap();
        assert_eq!(String::from_utf8(received).unwrap(), body, "{line}");
    }
    world.end().await;
}
