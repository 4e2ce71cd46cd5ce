//! The transport: bounded in time and size, and it never follows.

use std::time::Duration;

use bytes::Bytes;
use cloakroom_oidc::client::{HttpClient, HttpLimits, TransportError};
use http::{Request, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::server::{Reply, Server};

mod over;

fn client() -> HttpClient {
    HttpClient::new(HttpLimits::default()).unwrap()
}

/// Waits half a second in all.
fn hasty() -> HttpClient {
    HttpClient::new(HttpLimits {
        total: Duration::from_millis(500),
        ..HttpLimits::default()
    })
    .unwrap()
}

async fn get(url: &str) -> Result<Response<Bytes>, TransportError> {
    client()
        .send(Request::get(url).body(Bytes::new()).unwrap())
        .await
}

fn host() -> String {
    "127.0.0.1".to_owned()
}

#[tokio::test]
async fn a_request_is_sent_once_and_its_answer_read_whatever_the_status() {
    let server = Server::always(Reply::with(
        "400 Bad Request",
        "x-a: b\r\n",
        "{\"error\":\"x\"}",
    ))
    .await;
    let request = Request::post(server.url("/token?a=b"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", "Basic eA==")
        .header("cookie", "session=hush")
        .header("origin", "https://app.example.com")
        .header("referer", "https://app.example.com/x")
        .body(Bytes::from_static(b"grant_type=x"))
        .unwrap();
    let answer = client().send(request).await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["x-a"], "b");
    assert_eq!(answer.body().as_ref(), b"{\"error\":\"x\"}");
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let sent = requests[0].to_ascii_lowercase();
    assert!(sent.starts_with("post /token?a=b http/1.1\r\n"), "{sent}");
    assert!(sent.ends_with("\r\n\r\ngrant_type=x"), "{sent}");
    assert!(sent.contains("\r\nauthorization: basic ea==\r\n"));
    assert!(sent.contains("\r\nuser-agent: cloakroom/"));
    for absent in ["cookie:", "origin:", "referer:", "accept-encoding:"] {
        assert!(!sent.contains(absent), "{absent} in {sent}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = Server::always(Reply::json("{}")).await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = format!("location: {}\r\n", target.url("/stolen"));
        let server = Server::always(Reply::with(status, &location, "")).await;
        let answer = get(&server.url("/")).await.unwrap();
        assert_eq!(answer.status().as_str(), &status[..3]);
    }
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn a_slow_answer_is_given_up_body_included() {
    for reply in [Reply::Silence, Reply::Drip] {
        let server = Server::always(reply).await;
        let request = Request::get(server.url("/x?secret=hush"))
            .body(Bytes::new())
            .unwrap();
        let error = hasty().send(request).await.unwrap_err();
        assert_eq!(error, TransportError::Timeout { host: host() });
        assert!(!error.nothing_was_sent());
    }
}

#[tokio::test]
async fn a_large_answer_is_cut_off() {
    let declared = Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 10485760\r\n\r\n".to_vec());
    for reply in [
        declared,
        Reply::Endless,
        Reply::json(&"x".repeat(10 * 1024 * 1024)),
    ] {
        let server = Server::always(reply).await;
        let error = get(&server.url("/")).await.unwrap_err();
        assert_eq!(
            error,
            TransportError::BodyTooLarge {
                host: host(),
                limit: 1024 * 1024
            }
        );
    }
    let server = Server::always(Reply::json(&"x".repeat(1024 * 1024))).await;
    assert_eq!(
        get(&server.url("/")).await.unwrap().body().len(),
        1024 * 1024
    );
}

#[tokio::test]
async fn a_compressed_answer_is_refused() {
    let server = Server::always(Reply::with("200 OK", "content-encoding: gzip\r\n", "x")).await;
    assert_eq!(
        get(&server.url("/")).await.unwrap_err(),
        TransportError::Compressed { host: host() }
    );
}

#[tokio::test]
async fn plain_http_goes_to_loopback_only() {
    for url in [
        "http://id.example.com/",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
    ] {
        let error = get(url).await.unwrap_err();
        assert_eq!(error, TransportError::Insecure, "{url}");
        assert!(error.nothing_was_sent());
    }
    let relative = Request::get("/path").body(Bytes::new()).unwrap();
    assert_eq!(
        client().send(relative).await.unwrap_err(),
        TransportError::InvalidRequest
    );
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_told_from_one_that_broke_off() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = get(&format!("http://127.0.0.1:{free}/path?code=hush"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, TransportError::Connect { .. }) && error.nothing_was_sent(),
        "{error:?}"
    );
    assert!(!format!("{error} {error:?}").contains("hush"));

    let server = Server::always(Reply::HangUp).await;
    let error = get(&server.url("/path?code=hush")).await.unwrap_err();
    assert!(
        matches!(error, TransportError::Interrupted { .. }) && !error.nothing_was_sent(),
        "{error:?}"
    );
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("hush") && !shown.contains("/path"),
        "{shown}"
    );
    assert_eq!(
        server.requests().len(),
        1,
        "never sent a second time unasked"
    );
}

#[tokio::test]
async fn https_is_not_plain_http() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut first = [0; 1];
        stream.read_exact(&mut first).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            .await
            .unwrap();
        first[0]
    });
    let error = get(&format!("https://127.0.0.1:{port}/"))
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::Connect { .. }), "{error:?}");
    assert_eq!(
        server.await.unwrap(),
        22,
        "a TLS handshake record, and no request in the clear"
    );
}

#[test]
fn the_limits_are_those_of_the_design() {
    let limits = HttpLimits::default();
    assert_eq!(
        (
            limits.connect.as_secs(),
            limits.total.as_secs(),
            limits.max_body
        ),
        (5, 10, 1024 * 1024)
    );
    assert_eq!(HttpClient::new(limits).unwrap().limits(), limits);
}
