//! Bounds on what a client may send, and how slowly (RFC 9110 sections 15.5.14 and 15.5.15, RFC 6585 section 5).

use std::time::Duration;

use cloakroom_testkit::raw_request;
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::world::World;

/// The time a client has for a request's head is ten seconds; this much later nothing else explains it.
const BOUND: Duration = Duration::from_secs(16);

/// Sends `first`, then one byte of `drip` a second; gives how long the server bore it.
async fn slow(port: u16, first: &'static [u8], drip: &'static [u8]) -> Option<Duration> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let begun = Instant::now();
    stream.write_all(first).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let writer = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        for byte in drip.iter().cycle() {
            every.tick().await;
            if drip.is_empty() || writing.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        // Half-closing would end the wait.
        std::future::pending::<()>().await;
    });
    let closed = timeout(BOUND, async {
        let mut buffer = [0; 1024];
        while let Ok(1..) = reading.read(&mut buffer).await {}
    });
    let bore = closed.await.ok().map(|()| begun.elapsed());
    writer.abort();
    bore
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_slow_with_its_head_is_hung_up_on() {
    let world = World::start().await;
    let mut clients = JoinSet::new();
    for (what, first, drip) in [
        (
            "half a head",
            &b"GET / HTTP/1.1\r\nHost: local"[..],
            &b""[..],
        ),
        ("a header a second", b"GET / HTTP/1.1\r\n", b"a: b\r\n"),
        ("a byte a second", b"G", b"E"),
        ("nothing at all", b"", b""),
        ("the beginning of HTTP/2", b"PRI * HTT", b""),
        (
            "nothing after a first request",
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
            b"",
        ),
    ] {
        let port = world.port;
        clients.spawn(async move { (what, slow(port, first, drip).await) });
    }
    let browser = world.browser();
    assert_eq!(
        browser.visit("/").await.status(),
        200,
        "everybody else is served"
    );
    for (what, bore) in clients.join_all().await {
        let bore = bore.unwrap_or_else(|| panic!("{what}: the connection is held for ever"));
        assert!(
            bore >= Duration::from_secs(8),
            "{what}: hung up on after {bore:?}, before anybody honest could be done"
        );
    }
    world.end().await;
}

fn status(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer.get(9..12).unwrap_or_default()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn oversize_heads_addresses_and_bodies_are_refused_by_their_status() {
    let world = World::start().await;
    let host = format!("Host: localhost:{}\r\nConnection: close\r\n", world.port);
    let at = ("127.0.0.1", world.port);
    let many = "x: y\r\n".repeat(200);
    for (what, request, expected) in [
        (
            "a header of 70 KiB",
            format!(
                "GET / HTTP/1.1\r\n{host}x: {}\r\n\r\n",
                "a".repeat(70 * 1024)
            ),
            "431",
        ),
        (
            "two hundred headers",
            format!("GET / HTTP/1.1\r\n{host}{many}\r\n"),
            "431",
        ),
        (
            "an address of 65,600 bytes",
            format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(65_600)),
            "414",
        ),
        (
            "no HTTP",
            "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "two lengths",
            format!(
                "POST /auth/logout HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"
            ),
            "400",
        ),
        (
            "a header with a space",
            format!("GET / HTTP/1.1\r\n{host}a b: c\r\n\r\n"),
            "400",
        ),
        (
            "a body announced too large",
            format!("POST /auth/logout HTTP/1.1\r\n{host}Content-Length: 1048577\r\n\r\n"),
            "413",
        ),
    ] {
        let answer = raw_request(at, request.as_bytes()).await.unwrap();
        // A long address may also be too long for the head.
        let long = expected == "414" && status(&answer) == "431";
        assert!(
            long || status(&answer) == expected,
            "{what}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_in_the_callers_own_form() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    // Announced, and never sent: nobody waits for it.
    let post = || {
        browser
            .request(Method::POST, "/auth/logout")
            .from_own_page()
            .header("content-length", "1048577")
    };
    let fetched = post().fetch().await;
    assert_eq!(
        (
            fetched.status(),
            fetched.header("content-type"),
            fetched.header("cloakroom-error")
        ),
        (
            413,
            Some("application/problem+json"),
            Some("body_too_large")
        ),
        "{}",
        fetched.text()
    );
    assert_eq!(fetched.json()["code"], "body_too_large");
    let page = post().navigate().await;
    assert_eq!(page.status(), 413);
    assert!(
        page.header("content-type")
            .unwrap_or_default()
            .starts_with("text/html")
            && page.text().contains("That is too much at once"),
        "{}",
        page.text()
    );
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_turns_out_too_large_is_not_read_to_its_end() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let head = format!(
        "POST /auth/logout HTTP/1.1\r\nHost: localhost:{}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        world.port
    );
    let mut request = head.into_bytes();
    for _ in 0..40 {
        request.extend_from_slice(b"10000\r\n");
        request.resize(request.len() + 0x10000, b'a');
        request.extend_from_slice(b"\r\n");
    }
    let answer = raw_request(("127.0.0.1", world.port), &request)
        .await
        .unwrap();
    assert!(
        ["413", "303"].contains(&&status(&answer)[..]),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    // In a form with a large body nothing is lost but the body.
    let fields = [("a", &*"a".repeat(900 * 1024))];
    let form = browser.post_form("/auth/session", &fields).await;
    assert_eq!(form.status(), 405);
    assert_eq!(
        browser
            .request(Method::POST, "/auth/logout")
            .body(vec![b'a'; 900 * 1024])
            .from_own_page()
            .fetch()
            .await
            .status(),
        204
    );
    world.assert_signed_out(&browser).await;
    world
        .until("the tokens are revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    world.end().await;
}
