//! Requests whose end two servers could see at different places (RFC 9112 sections 6.3 and 11.2; standards B5.5). At
//! most one request arrives, with one framing, and whatever follows is not taken for another.

use crate::upstream::{Api, app_with};

/// A request within a request: what a smuggler wants to arrive by itself.
const INNER: &str = "GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn no_request_arrives_inside_another() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let length = INNER.len();
    let cases: &[(&str, String, &[u8])] = &[
        // Content-Length and Transfer-Encoding at odds, in both orders.
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            format!("0\r\n\r\n{INNER}"),
            b"",
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 500\r\n",
            format!("3\r\nabc\r\n0\r\n\r\n{INNER}"),
            b"abc",
        ),
        // A length that covers what looks like a request: it is a body.
        (
            &format!("Content-Length: {length}\r\n"),
            INNER.to_owned(),
            INNER.as_bytes(),
        ),
        // Chunks in odd forms.
        (
            "Transfer-Encoding: chunked\r\n",
            format!("3;ext=\"x\"\r\nabc\r\n0\r\n\r\n{INNER}"),
            b"abc",
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            format!("3\r\nabc\r\n0\r\nX-Late: 1\r\n\r\n{INNER}"),
            b"abc",
        ),
    ];
    for (headers, body, taken) in cases {
        let mut request = app.raw(&browser, "POST /api/orders/outer HTTP/1.1", headers);
        request.extend_from_slice(body.as_bytes());
        app.send(&request).await;
        let seen = api.only();
        assert_eq!((seen.target(), seen.body.as_slice()), ("/v1/outer", *taken));
        let framings = seen.all("content-length").len() + seen.all("transfer-encoding").len();
        assert_eq!(framings, 1, "{}", seen.head);
        assert_eq!(seen.header("x-late"), None);
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_framing_that_is_none_is_refused() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    for (line, headers, body) in [
        (
            "POST /api/orders/x HTTP/1.1",
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "ab",
        ),
        ("POST /api/orders/x HTTP/1.1", "Content-Length: +1\r\n", "a"),
        (
            "POST /api/orders/x HTTP/1.1",
            "Content-Length: 1, 1\r\n",
            "a",
        ),
        (
            "POST /api/orders/x HTTP/1.1",
            "Content-Length: 0x1\r\n",
            "a",
        ),
        ("POST /api/orders/x HTTP/1.1", "Content-Length: -1\r\n", ""),
        (
            "POST /api/orders/x HTTP/1.1",
            "Transfer-Encoding: xchunked\r\n",
            "0\r\n\r\n",
        ),
        (
            "POST /api/orders/x HTTP/1.1",
            "Transfer-Encoding: chunked, identity\r\n",
            "0\r\n\r\n",
        ),
        (
            "POST /api/orders/x HTTP/1.1",
            "Transfer-Encoding : chunked\r\n",
            "0\r\n\r\n",
        ),
        (
            "POST /api/orders/x HTTP/1.1",
            "Transfer-Encoding\t: chunked\r\n",
            "0\r\n\r\n",
        ),
        (
            "POST /api/orders/x HTTP/1.0",
            "Transfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
        ("POST /api/orders/x HTTP/1.1", "X-Folded: a\r\n b\r\n", ""),
        ("POST /api/orders/x HTTP/1.1", "X-Zero: a\0b\r\n", ""),
        (
            "POST /api/orders/x HTTP/1.1",
            "X-Return: a\rTransfer-Encoding: chunked\r\n",
            "",
        ),
        ("POST /api/orders/x  HTTP/1.1", "", ""),
        ("POST /api/orders/x y HTTP/1.1", "", ""),
        ("POST /api/orders/x HTTP/1.1 ", "", ""),
    ] {
        let mut request = app.raw(&browser, line, headers);
        request.extend_from_slice(body.as_bytes());
        let answer = app.send(&request).await;
        assert!(
            answer.is_empty()
                || answer.starts_with("HTTP/1.1 4")
                || answer.starts_with("HTTP/1.0 4"),
            "{headers}: {answer}"
        );
        assert!(api.seen().is_empty(), "{headers}: {:#?}", api.seen());
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_chunk_that_is_none_breaks_the_call_off() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    for body in [
        "zz\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
    ] {
        let mut request = app.raw(
            &browser,
            "POST /api/orders/x HTTP/1.1",
            "Transfer-Encoding: chunked\r\n",
        );
        request.extend_from_slice(body.as_bytes());
        let answer = app.send(&request).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{body}: {answer}");
        assert!(
            api.seen().is_empty(),
            "a broken body arrived as a whole one"
        );
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_old_client_gets_its_answer_and_no_connection_to_keep() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let request = app.raw(
        &browser,
        "GET /api/orders/x HTTP/1.0",
        "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\n",
    );
    let answer = app.send(&request).await;
    assert!(
        answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("{}"),
        "{answer}"
    );
    let seen = api.only();
    assert_eq!(seen.line(), "GET /v1/x HTTP/1.1");
    assert_eq!(
        (seen.header("connection"), seen.header("x-hop")),
        (None, None)
    );
    app.end(&[&browser]).await;
}
