//! Event streams and WebSockets: they pass as they come, live as long as their session, and keep none alive
//! (standards B5.12; RFC 6455; WHATWG HTML section 9.2; invariant 7).

use std::time::Duration;

use cloakroom_testkit::Browser;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::app::App;
use crate::upstream::{Api, Seen, app_of, app_with, assert_refused, read_head, upstream};

const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
/// Code 1008 in a close frame, unmasked (RFC 6455 sections 5.5.1 and 7.4.1).
const POLICY: &[u8] = &[0x88, 2, 3, 0xF0];
const GOING_AWAY: &[u8] = &[0x88, 2, 3, 0xE9];

/// An application, an API that the test plays by hand, and a browser that is signed in.
struct Scene {
    app: App,
    browser: Browser,
    listener: TcpListener,
}

impl Scene {
    async fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut live = upstream("live", &base);
        // Neither counts for a stream.
        live.timeouts.answer = Duration::from_secs(30);
        live.timeouts.pause = Duration::from_secs(2);
        let (app, browser) = app_of(vec![live], |settings| settings.idle_seconds = 1000).await;
        Self {
            app,
            browser,
            listener,
        }
    }

    /// What `EventSource` sends, and the API's end of it.
    async fn event_source(&self) -> (TcpStream, TcpStream) {
        let mut page = self.app.open().await;
        let cookie = self.browser.cookie_header("/").unwrap();
        let request = format!(
            "GET /api/live/events HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nAccept: text/event-stream\r\n\
             Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nLast-Event-ID: 7\r\n\r\n",
            self.app.address()
        );
        page.write_all(request.as_bytes()).await.unwrap();
        let (mut api, _) = self.listener.accept().await.unwrap();
        let seen = Seen::of(&read_head(&mut api).await);
        assert_eq!(seen.header("last-event-id"), Some("7"));
        assert!(seen.header("authorization").is_some());
        (page, api)
    }

    /// A stream that has begun and said something.
    async fn stream(&self) -> (TcpStream, TcpStream) {
        let (mut page, mut api) = self.event_source().await;
        api.write_all(EVENTS.as_bytes()).await.unwrap();
        let head = read_head(&mut page).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        say(&mut api, "data: 1\n\n").await;
        hear(&mut page, "data: 1\n\n").await;
        (page, api)
    }

    /// The bytes of a handshake, from a page of this origin.
    fn handshake(&self, origins: &[&str]) -> String {
        let cookie = self.browser.cookie_header("/").unwrap();
        let origins = origins.iter().map(|origin| format!("Origin: {origin}\r\n"));
        let origins = origins.collect::<Vec<_>>().concat();
        format!(
            "GET /api/live/socket?room=1 HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n{origins}\
             Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
             Sec-Fetch-Site: same-origin\r\n\r\n",
            self.app.address()
        )
    }

    /// A WebSocket that both sides have agreed on.
    async fn socket(&self) -> (TcpStream, TcpStream) {
        let mut page = self.app.open().await;
        page.write_all(self.handshake(&[&self.app.public_url]).as_bytes())
            .await
            .unwrap();
        let (mut api, _) = self.listener.accept().await.unwrap();
        let seen = Seen::of(&read_head(&mut api).await);
        assert_eq!(seen.line(), "GET /socket?room=1 HTTP/1.1");
        for (name, value) in [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "chat, superchat"),
        ] {
            assert_eq!(seen.all(name), [value]);
        }
        assert_eq!(
            seen.header("authorization"),
            Some(format!("Bearer {}", self.app.access_token()).as_str())
        );
        for gone in ["cookie", "origin", "sec-fetch-site"] {
            assert_eq!(seen.header(gone), None);
        }
        api.write_all(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\
              Set-Cookie: a=b\r\n\r\n",
        )
        .await
        .unwrap();
        let answer = Seen::of(&read_head(&mut page).await);
        assert_eq!(answer.line(), "HTTP/1.1 101 Switching Protocols");
        for (name, value) in [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("sec-websocket-protocol", "chat"),
        ] {
            assert_eq!(answer.all(name), [value]);
        }
        assert_eq!(answer.header("set-cookie"), None);
        (page, api)
    }

    async fn sign_out(&self) {
        let left = self.browser.post_form("/auth/logout", &[]).fetch().await;
        assert_eq!(left.status(), 204);
    }

    async fn end(self) {
        self.app.end(&[&self.browser]).await;
    }
}

/// A chunk of the API's.
async fn say(api: &mut TcpStream, text: &str) {
    let chunk = format!("{:X}\r\n{text}\r\n", text.len());
    api.write_all(chunk.as_bytes()).await.unwrap();
}

/// Reads until this came.
async fn hear(stream: &mut TcpStream, text: &str) {
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(text) {
        let read = stream.read_buf(&mut heard).await.unwrap();
        assert_ne!(
            read,
            0,
            "it ended after {}",
            String::from_utf8_lossy(&heard)
        );
    }
}

async fn to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap_or_default();
    rest
}

/// Time that nobody waits for: seconds of the timers, while nothing else happens.
async fn seconds_pass(seconds: u64) {
    tokio::time::pause();
    for _ in 0..seconds {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    tokio::time::resume();
}

#[tokio::test]
async fn events_come_as_they_are_sent_and_end_with_the_session() {
    let scene = Scene::new().await;
    let (mut page, mut api) = scene.stream().await;
    say(&mut api, "data: 2\n\n").await;
    hear(&mut page, "data: 2\n\n").await;
    scene.sign_out().await;
    let rest = to_end_of_chunks(&mut page).await;
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    assert_eq!(
        to_end(&mut api).await,
        b"",
        "the API is told that nobody listens"
    );
    // The next one is answered with why.
    let again = scene
        .browser
        .get("/api/live/events")
        .fetch()
        .header("accept", "text/event-stream")
        .await;
    assert_refused(&again, 401, "signed_out");
    scene.end().await;
}

async fn to_end_of_chunks(page: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(b"0\r\n\r\n") {
        if page.read_buf(&mut heard).await.unwrap() == 0 {
            break;
        }
    }
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn a_stream_may_be_silent_and_begin_late() {
    let scene = Scene::new().await;
    let (mut page, mut api) = scene.event_source().await;
    // Some servers send the head with the first event.
    seconds_pass(120).await;
    api.write_all(EVENTS.as_bytes()).await.unwrap();
    let head = read_head(&mut page).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    seconds_pass(120).await;
    say(&mut api, "data: late\n\n").await;
    hear(&mut page, "data: late\n\n").await;
    scene.end().await;
}

#[tokio::test]
async fn a_stream_keeps_no_session_alive_and_ends_where_one_ended_by_itself() {
    let scene = Scene::new().await;
    let (mut page, mut api) = scene.stream().await;
    scene.app.clock.advance(999);
    seconds_pass(6).await;
    say(&mut api, "data: 2\n\n").await;
    hear(&mut page, "data: 2\n\n").await;
    scene.app.clock.advance(2);
    seconds_pass(6).await;
    let rest = to_end_of_chunks(&mut page).await;
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    scene.end().await;
}

#[tokio::test]
async fn a_stream_that_has_not_begun_ends_with_the_session_too() {
    let scene = Scene::new().await;
    let (mut page, mut api) = scene.event_source().await;
    scene.sign_out().await;
    let head = read_head(&mut page).await;
    assert!(
        head.starts_with("HTTP/1.1 401 ") && head.contains("cloakroom-error: signed_out"),
        "{head}"
    );
    assert_eq!(to_end(&mut api).await, b"");
    scene.end().await;
}

#[tokio::test]
async fn a_chatty_stream_ends_as_well() {
    let scene = Scene::new().await;
    let (mut page, mut api) = scene.stream().await;
    let talk = tokio::spawn(async move {
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        while api.write_all(chunk.as_bytes()).await.is_ok() {}
    });
    let mut begun = vec![0; 1 << 20];
    page.read_exact(&mut begun).await.unwrap();
    scene.sign_out().await;
    // However much it still has to say.
    let rest = to_end_of_chunks(&mut page).await;
    assert!(rest.ends_with("0\r\n\r\n"), "it broke off");
    talk.await.unwrap();
    scene.end().await;
}

#[tokio::test]
async fn streams_end_when_the_program_does() {
    let scene = Scene::new().await;
    let (mut page, _api) = scene.stream().await;
    let (mut socket, mut far) = scene.socket().await;
    scene.app.bff.begin_shutdown();
    assert!(to_end_of_chunks(&mut page).await.ends_with("0\r\n\r\n"));
    assert_eq!(to_end(&mut socket).await, GOING_AWAY);
    assert_eq!(to_end(&mut far).await, b"");
    // Nothing is left for the program to wait for.
    scene.app.bff.finish_background_work().await;
    scene.end().await;
}

#[tokio::test]
async fn what_was_believed_for_an_event_stream_is_one() {
    for (answer, status, code) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"a\":\"b\"}",
            502,
            Some("upstream_answer"),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\":\"b\"}",
            502,
            Some("upstream_answer"),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\nContent-Length: 0\r\n\r\n",
            502,
            Some("upstream_answer"),
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nsecret",
            403,
            None,
        ),
        (
            "HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecret\r\n0\r\n\r\n",
            503,
            None,
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, None),
    ] {
        let api = Api::answering(move |_| answer).await;
        let (app, browser) = app_with(&api, |_| {}).await;
        let asked = browser
            .get("/api/orders/x")
            .fetch()
            .header("accept", "text/event-stream");
        let came = asked.clone().await;
        assert_eq!(
            (came.status(), came.header("cloakroom-error")),
            (status, code),
            "{answer}"
        );
        assert!(
            !came.text().contains("secret") && !came.text().contains("{\"a\""),
            "{}",
            came.text()
        );
        // With the header it is a call like every other.
        let called = asked.header("x-csrf", "1").await;
        assert_eq!(called.header("cloakroom-error"), None, "{answer}");
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn a_web_socket_carries_bytes_both_ways() {
    let scene = Scene::new().await;
    let (mut page, mut api) = scene.socket().await;
    let masked: &[u8] = &[0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2];
    page.write_all(masked).await.unwrap();
    let mut came = vec![0; masked.len()];
    api.read_exact(&mut came).await.unwrap();
    assert_eq!(came, masked);
    // As long as it likes.
    seconds_pass(120).await;
    let mut large = vec![0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 0];
    large.extend_from_slice(&vec![7; 1 << 20]);
    let mut came = vec![0; large.len()];
    let (sent, read) = tokio::join!(api.write_all(&large), page.read_exact(&mut came));
    sent.unwrap();
    read.unwrap();
    assert_eq!(came, large);
    // The API closes; so does the browser's side.
    api.write_all(&[0x88, 0]).await.unwrap();
    drop(api);
    assert_eq!(to_end(&mut page).await, [0x88, 0]);
    drop(page);
    scene.end().await;
}

#[tokio::test]
async fn a_browser_that_leaves_its_web_socket_ends_the_apis() {
    let scene = Scene::new().await;
    let (page, mut api) = scene.socket().await;
    drop(page);
    assert_eq!(to_end(&mut api).await, b"");
    scene.end().await;
}

#[tokio::test]
async fn signing_out_closes_the_web_sockets_of_the_session_and_no_others() {
    let mut scene = Scene::new().await;
    let first = scene.browser.clone();
    let mut theirs = [scene.socket().await, scene.socket().await];
    scene.browser = scene.app.browser();
    scene.app.sign_in(&scene.browser).await;
    let (mut kept, mut far) = scene.socket().await;
    first.post_form("/auth/logout", &[]).fetch().await;
    for (page, api) in &mut theirs {
        assert_eq!(to_end(page).await, POLICY);
        assert_eq!(to_end(api).await, b"");
    }
    far.write_all(&[0x81, 1, b'x']).await.unwrap();
    let mut frame = [0; 3];
    kept.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame, [0x81, 1, b'x'], "another session's goes on");
    scene.end().await;
}

#[tokio::test]
async fn in_the_middle_of_a_frame_nothing_is_put_into_it() {
    let scene = Scene::new().await;
    let (mut page, mut api) = scene.socket().await;
    api.write_all(&[0x82, 10, 1, 2, 3]).await.unwrap();
    let mut begun = [0; 5];
    page.read_exact(&mut begun).await.unwrap();
    scene.sign_out().await;
    assert_eq!(to_end(&mut page).await, b"");
    scene.end().await;
}

#[tokio::test]
async fn other_sites_open_no_web_socket() {
    let scene = Scene::new().await;
    let own = scene.app.public_url.clone();
    for origins in [
        &[][..],
        &["https://evil.example"],
        &["null"],
        &[&own, "https://evil.example"],
        &[&own, &own],
        &[&format!("{own}1")],
        &[&own.replace("localhost", "127.0.0.1")],
    ] {
        let mut page = scene.app.open().await;
        page.write_all(scene.handshake(origins).as_bytes())
            .await
            .unwrap();
        let head = read_head(&mut page).await;
        assert!(
            head.starts_with("HTTP/1.1 403 ")
                && head.contains("cloakroom-error: csrf_header_missing"),
            "{origins:?}: {head}"
        );
    }
    let accepted = tokio::time::timeout(Duration::from_millis(50), scene.listener.accept()).await;
    assert!(accepted.is_err(), "something arrived");
    scene.end().await;
}

#[tokio::test]
async fn an_api_may_refuse_a_web_socket_in_its_own_words() {
    let scene = Scene::new().await;
    let mut page = scene.app.open().await;
    page.write_all(scene.handshake(&[&scene.app.public_url]).as_bytes())
        .await
        .unwrap();
    let (mut api, _) = scene.listener.accept().await.unwrap();
    read_head(&mut api).await;
    api.write_all(b"HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nfull")
        .await
        .unwrap();
    let head = read_head(&mut page).await;
    assert!(head.starts_with("HTTP/1.1 409 "), "{head}");
    hear(&mut page, "full").await;
    drop((page, api));
    scene.end().await;
}
