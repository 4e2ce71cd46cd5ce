//! Versions, methods and mechanisms of HTTP that mean something between two machines only: each is made ours or refused
//! on this side, and never passed on (RFC 9110 sections 7.8, 9.3 and 10.1.1; RFC 9112 section 2.3).

use crate::caller::{Caller, bytes};
use crate::proxy_smuggling::{assert_one_or_none, exchange, framed, status, usual};
use crate::upstream::Upstream;

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_of_http_are_refused_or_made_new() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    for request in [
        "GET /api/up/x\r\n".to_owned(),
        "GET /api/up/x\r\n\r\n".to_owned(),
        "GET /api/up/x HTTP/0.9\r\n\r\n".to_owned(),
        "GET /api/up/x HTTP/1.2\r\n\r\n".to_owned(),
        "GET /api/up/x HTTP/2.0\r\n\r\n".to_owned(),
        "GET  /api/up/x HTTP/1.1\r\n\r\n".to_owned(),
        "GET /api/up/x /api/up/y HTTP/1.1\r\n\r\n".to_owned(),
        "GET /api/up/x HTTP/1.1 x\r\n\r\n".to_owned(),
        "GET\t/api/up/x\tHTTP/1.1\r\n\r\n".to_owned(),
        " GET /api/up/x HTTP/1.1\r\n\r\n".to_owned(),
    ] {
        // Each with everything else that an honest request has.
        let honest = String::from_utf8(bytes(&world, &browser, "GET /", "")).unwrap();
        let (_, headers) = honest.split_once("\r\n").unwrap();
        let line = request.trim_end_matches("\r\n");
        let whole = format!("{line}\r\n{headers}");
        for request in [request.as_bytes(), whole.as_bytes()] {
            let mut caller = Caller::connect(&world).await;
            caller.write(request).await;
            // A request that never ends is given up by its sender.
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut caller.writing).await;
            let answer = caller.wire.head().await.ok().flatten();
            let status = answer.map_or(0, |head| head.status());
            assert_ne!(status, 200, "{line:?}");
            assert_eq!(upstream.count(), 0, "{line:?}");
        }
    }
    // HTTP/1.0 is a version like another, to the browser; the API is asked in ours.
    let old = String::from_utf8(bytes(&world, &browser, "GET /api/up/x", "")).unwrap();
    let old = old.replacen("HTTP/1.1", "HTTP/1.0", 1);
    let answer = exchange(&world, old.as_bytes()).await;
    assert_eq!(status(&answer), "200", "{answer}");
    assert!(
        !answer.to_lowercase().contains("transfer-encoding"),
        "{answer}"
    );
    assert!(answer.ends_with("hello"), "{answer}");
    assert_one_or_none(&upstream, 0, "HTTP/1.0").expect("it arrives");
    let old = framed(
        &world,
        &browser,
        "transfer-encoding: chunked\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
    );
    let old = String::from_utf8(old)
        .unwrap()
        .replacen("HTTP/1.1", "HTTP/1.0", 1);
    let answer = exchange(&world, old.as_bytes()).await;
    assert_eq!(status(&answer), "400", "HTTP/1.0 has no chunks: {answer}");
    assert_eq!(upstream.count(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_100_continue_gets_it_from_us() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    let more = "expect: 100-continue\r\ncontent-length: 5\r\n";
    let request = bytes(&world, &browser, "POST /api/up/x", more);
    let mut caller = Caller::send(&world, &request).await;
    let interim = caller.answer("POST").await;
    assert_eq!(interim.head.status(), 100, "{}", interim.head.text());
    caller.write(b"hello").await;
    let answer = caller.answer("POST").await;
    assert_eq!(answer.head.status(), 200);
    let seen = upstream.only();
    assert_eq!(
        (seen.header("expect"), seen.text().as_str()),
        (None, "hello")
    );
    seen.head.assert_well_formed();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_with_a_body_is_one_request() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    for method in ["GET", "DELETE", "HEAD", "OPTIONS"] {
        for (framing, body) in [
            ("content-length: 5\r\n", "hello"),
            ("transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ] {
            let before = upstream.count();
            let line = format!("{method} /api/up/x");
            let mut request = bytes(&world, &browser, &line, framing);
            request.extend_from_slice(body.as_bytes());
            let answer = exchange(&world, &request).await;
            assert_eq!(status(&answer), "200", "{line}: {answer}");
            let seen = assert_one_or_none(&upstream, before, &line).expect("it arrives");
            assert!(matches!(seen.text().as_str(), "" | "hello"), "{line}");
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_to_http2_is_not_passed_on() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    for more in [
        "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        "connection: Upgrade\r\nupgrade: h2c, websocket\r\n",
        "connection: Upgrade\r\nupgrade: TLS/1.0\r\n",
        "connection: Upgrade\r\nupgrade: websocket\r\nupgrade: h2c\r\n",
        "connection: HTTP2-Settings\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        "upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
    ] {
        let before = upstream.count();
        let request = bytes(&world, &browser, "GET /api/up/x", more);
        let answer = exchange(&world, &request).await;
        assert!(
            matches!(status(&answer), "200" | "400"),
            "{more:?}: {answer}"
        );
        if let Some(seen) = assert_one_or_none(&upstream, before, more) {
            assert_eq!(seen.header("upgrade"), None, "{more:?}");
            assert_eq!(seen.header("http2-settings"), None, "{more:?}");
            for connection in seen.head.header_all("connection") {
                assert!(!connection.to_lowercase().contains("upgrade"), "{more:?}");
            }
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_and_trace_reach_nobody() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    for (line, followed_by) in [
        ("TRACE /api/up/x".to_owned(), ""),
        ("CONNECT /api/up/x".to_owned(), "x"),
        (format!("CONNECT {}", upstream.authority()), "x"),
        (format!("CONNECT localhost:{}", world.port), "x"),
        ("TRACK /api/up/x\r\nx".to_owned(), ""),
        (
            "CONNECT /api/up/x".to_owned(),
            "GET /base/x HTTP/1.1\r\nhost: x\r\n\r\n",
        ),
    ] {
        let mut request = bytes(&world, &browser, &line, "");
        request.extend_from_slice(followed_by.as_bytes());
        let answer = exchange(&world, &request).await;
        let status: u16 = status(&answer).parse().unwrap_or(400);
        assert!((400..500).contains(&status), "{line}: {answer}");
        assert_eq!(upstream.count(), 0, "{line}");
    }
    world.end().await;
}
