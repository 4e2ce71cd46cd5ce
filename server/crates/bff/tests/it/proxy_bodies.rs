//! Bodies both ways: as they come, no faster than they are taken, within their bounds, and never whole where they are
//! not (RFC 9110 sections 15.5.9, 15.5.14, 15.6.3 and 15.6.5; RFC 9112 section 8).

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::upstream::{Api, Seen, app_of, app_with, assert_refused, read_head, upstream};

const MIB: usize = 1024 * 1024;
/// More than every buffer on the way holds together.
const MUCH: usize = 192 * MIB;
/// How long nothing must move for a writer to count as held.
const HELD: Duration = Duration::from_millis(400);

/// An API that a test plays by hand.
async fn by_hand() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

/// Writes until nobody takes more, or `most` bytes are gone; how many went.
async fn write_until_held(stream: &mut TcpStream, most: usize) -> usize {
    let (block, mut gone) = (vec![b'x'; 64 * 1024], 0);
    while gone < most {
        match tokio::time::timeout(HELD, stream.write(&block[..block.len().min(most - gone)])).await
        {
            Ok(written) => gone += written.unwrap(),
            Err(_) => break,
        }
    }
    gone
}

async fn write_all(stream: &mut TcpStream, mut left: usize) {
    let block = vec![b'x'; 64 * 1024];
    while left > 0 {
        let now = left.min(block.len());
        stream.write_all(&block[..now]).await.unwrap();
        left -= now;
    }
}

/// Reads that many bytes, or to the end; how many came.
async fn read_all(stream: &mut TcpStream, most: usize) -> usize {
    let (mut block, mut came) = (vec![0; 64 * 1024], 0);
    while came < most {
        match stream.read(&mut block).await {
            Ok(0) | Err(_) => break,
            Ok(read) => came += read,
        }
    }
    came
}

#[tokio::test]
async fn a_browser_that_does_not_read_holds_the_api() {
    let (listener, base) = by_hand().await;
    let (app, browser) = app_of(vec![upstream("orders", &base)], |_| {}).await;
    let mut page = app.open().await;
    page.write_all(&app.raw(&browser, "GET /api/orders/large HTTP/1.1", ""))
        .await
        .unwrap();
    let (mut api, _) = listener.accept().await.unwrap();
    read_head(&mut api).await;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {MUCH}\r\n\r\n");
    api.write_all(head.as_bytes()).await.unwrap();
    let gone = write_until_held(&mut api, MUCH).await;
    assert!(gone < MUCH / 2, "{gone} bytes were taken for nobody");
    let head = read_head(&mut page).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let (came, ()) = tokio::join!(read_all(&mut page, MUCH), write_all(&mut api, MUCH - gone));
    assert_eq!(came, MUCH);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_api_that_does_not_read_holds_the_browser() {
    let (listener, base) = by_hand().await;
    let mut orders = upstream("orders", &base);
    orders.max_body = None;
    let (app, browser) = app_of(vec![orders], |_| {}).await;
    let mut page = app.open().await;
    let length = format!("Content-Length: {MUCH}\r\n");
    page.write_all(&app.raw(&browser, "PUT /api/orders/large HTTP/1.1", &length))
        .await
        .unwrap();
    let (mut api, _) = listener.accept().await.unwrap();
    let seen = Seen::of(&read_head(&mut api).await);
    assert_eq!(seen.all("content-length"), [MUCH.to_string()]);
    assert_eq!(seen.header("transfer-encoding"), None);
    let gone = write_until_held(&mut page, MUCH).await;
    assert!(gone < MUCH / 2, "{gone} bytes were taken for nobody");
    let (came, ()) = tokio::join!(read_all(&mut api, MUCH), write_all(&mut page, MUCH - gone));
    assert_eq!(came, MUCH);
    api.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .await
        .unwrap();
    assert!(read_head(&mut page).await.starts_with("HTTP/1.1 204 "));
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_body_arrives_as_it_is_sent_and_answered_before_its_end() {
    let (listener, base) = by_hand().await;
    let (app, browser) = app_of(vec![upstream("orders", &base)], |_| {}).await;
    let mut page = app.open().await;
    page.write_all(&app.raw(
        &browser,
        "POST /api/orders/talk HTTP/1.1",
        "Transfer-Encoding: chunked\r\n",
    ))
    .await
    .unwrap();
    page.write_all(b"5\r\nfirst\r\n").await.unwrap();
    let (mut api, _) = listener.accept().await.unwrap();
    let mut head = read_head(&mut api).await;
    while !head.contains("first\r\n") {
        head.push_str(&read_some(&mut api).await);
    }
    assert_eq!(Seen::of(&head).header("transfer-encoding"), Some("chunked"));
    api.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        .await
        .unwrap();
    let mut answer = read_head(&mut page).await;
    while !answer.contains("one\r\n") {
        answer.push_str(&read_some(&mut page).await);
    }
    page.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    let mut rest = String::new();
    while !rest.contains("0\r\n\r\n") {
        rest.push_str(&read_some(&mut api).await);
    }
    assert!(rest.contains("last"), "{rest}");
    api.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    while !answer.ends_with("0\r\n\r\n") {
        answer.push_str(&read_some(&mut page).await);
    }
    assert!(answer.contains("two\r\n"), "{answer}");
    app.end(&[&browser]).await;
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "it ended");
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn lengths_are_kept_where_they_were() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    for (line, headers, body, length, encoding) in [
        ("GET", "", "", None, None),
        ("POST", "Content-Length: 3\r\n", "abc", Some("3"), None),
        ("POST", "Content-Length: 0\r\n", "", Some("0"), None),
        ("POST", "", "", Some("0"), None),
        ("DELETE", "", "", None, None),
        ("GET", "Content-Length: 3\r\n", "abc", Some("3"), None),
        (
            "POST",
            "Transfer-Encoding: chunked\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            None,
            Some("chunked"),
        ),
        (
            "GET",
            "Transfer-Encoding: chunked\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            None,
            Some("chunked"),
        ),
        (
            "DELETE",
            "Transfer-Encoding: chunked\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            None,
            Some("chunked"),
        ),
    ] {
        let mut request = app.raw(&browser, &format!("{line} /api/orders/x HTTP/1.1"), headers);
        request.extend_from_slice(body.as_bytes());
        let answer = app.send(&request).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 "),
            "{line} {headers}: {answer}"
        );
        let seen = api.only();
        assert_eq!(seen.body, if body.is_empty() { &b""[..] } else { b"abc" });
        assert_eq!(
            seen.header("transfer-encoding"),
            encoding,
            "{line} {headers}"
        );
        let lengths: Vec<_> = length.into_iter().collect();
        assert_eq!(seen.all("content-length"), lengths, "{line} {headers}");
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whatever_its_framing() {
    let (listener, base) = by_hand().await;
    let mut orders = upstream("orders", &base);
    orders.max_body = Some(1000);
    let (app, browser) = app_of(vec![orders], |_| {}).await;
    // Known beforehand: nobody is even connected to.
    let announced = browser
        .request(http::Method::POST, "/api/orders/x")
        .fetch()
        .header("x-csrf", "1")
        .body(vec![b'x'; 1001]);
    assert_refused(&announced.await, 413, "body_too_large");
    // In pieces: the upstream's request breaks off.
    let mut page = app.open().await;
    page.write_all(&app.raw(
        &browser,
        "POST /api/orders/x HTTP/1.1",
        "Transfer-Encoding: chunked\r\n",
    ))
    .await
    .unwrap();
    page.write_all(format!("1F4\r\n{}\r\n", "x".repeat(500)).as_bytes())
        .await
        .unwrap();
    let (mut api, _) = listener.accept().await.unwrap();
    read_head(&mut api).await;
    page.write_all(format!("1F5\r\n{}\r\n", "x".repeat(501)).as_bytes())
        .await
        .unwrap();
    let mut came = Vec::new();
    api.read_to_end(&mut came).await.unwrap_or_default();
    assert!(!came.ends_with(b"0\r\n\r\n"), "it came as if it were whole");
    let head = read_head(&mut page).await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn exactly_as_much_as_may_be_passes() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |upstream| upstream.max_body = Some(1000)).await;
    let whole = browser
        .request(http::Method::POST, "/api/orders/x")
        .fetch()
        .header("x-csrf", "1")
        .body(vec![b'x'; 1000]);
    assert_eq!(whole.await.status(), 200);
    assert_eq!(api.only().body.len(), 1000);
    let mut pieces = app.raw(
        &browser,
        "POST /api/orders/x HTTP/1.1",
        "Transfer-Encoding: chunked\r\n",
    );
    pieces.extend_from_slice(format!("3E8\r\n{}\r\n0\r\n\r\n", "x".repeat(1000)).as_bytes());
    let answer = app.send(&pieces).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(api.only().body.len(), 1000);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_api_that_breaks_off_is_not_taken_for_one_that_ended() {
    for half in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    ] {
        let api = Api::answering(move |_| half).await;
        let (app, browser) = app_with(&api, |_| {}).await;
        let request = app.raw(&browser, "GET /api/orders/x HTTP/1.1", "");
        let answer = app.send(&request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let whole = answer.ends_with("0\r\n\r\n")
            || answer.to_lowercase().contains("content-length: 4\r\n");
        assert!(!whole, "{answer}");
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn a_browser_that_hangs_up_ends_the_call() {
    let (listener, base) = by_hand().await;
    let (app, browser) = app_of(vec![upstream("orders", &base)], |_| {}).await;
    for begun in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"] {
        let mut page = app.open().await;
        page.write_all(&app.raw(&browser, "GET /api/orders/x HTTP/1.1", ""))
            .await
            .unwrap();
        let (mut api, _) = listener.accept().await.unwrap();
        read_head(&mut api).await;
        api.write_all(begun.as_bytes()).await.unwrap();
        if !begun.is_empty() {
            read_head(&mut page).await;
        }
        drop(page);
        let mut end = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), api.read_to_end(&mut end)).await;
        assert!(ended.is_ok(), "the call goes on for nobody");
    }
    app.end(&[&browser]).await;
}

/// The upstream with time-outs that a test can wait for.
fn hasty(base: &str) -> cloakroom_bff::Upstream {
    let mut hasty = upstream("orders", base);
    hasty.timeouts.answer = Duration::from_millis(400);
    hasty.timeouts.pause = Duration::from_millis(400);
    hasty.max_body = None;
    hasty
}

#[tokio::test]
async fn an_api_that_does_not_answer_in_time_is_too_slow() {
    let (_listener, base) = by_hand().await;
    let (app, browser) = app_of(vec![hasty(&base)], |_| {}).await;
    let answer = app.call(&browser, "/api/orders/x").await;
    assert_refused(&answer, 504, "upstream_too_slow");
    let posted = browser
        .request(http::Method::POST, "/api/orders/x")
        .fetch()
        .header("x-csrf", "1")
        .body("abc");
    assert_refused(&posted.await, 504, "upstream_too_slow");
    // One that does not even read: the body is larger than what the system's buffers take.
    let stuffed = browser
        .request(http::Method::POST, "/api/orders/x")
        .fetch()
        .header("x-csrf", "1")
        .body(vec![b'x'; 64 * MIB]);
    assert_refused(&stuffed.await, 504, "upstream_too_slow");
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_api_that_pauses_in_its_answer_breaks_off() {
    let (listener, base) = by_hand().await;
    let (app, browser) = app_of(vec![hasty(&base)], |_| {}).await;
    let mut page = app.open().await;
    page.write_all(&app.raw(&browser, "GET /api/orders/x HTTP/1.1", ""))
        .await
        .unwrap();
    let (mut api, _) = listener.accept().await.unwrap();
    read_head(&mut api).await;
    api.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    page.read_to_end(&mut answer).await.unwrap_or_default();
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.contains("half") && !answer.ends_with("0\r\n\r\n"),
        "{answer}"
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_browser_that_pauses_in_its_body_is_told_so() {
    let (listener, base) = by_hand().await;
    let (app, browser) = app_of(vec![hasty(&base)], |_| {}).await;
    let mut page = app.open().await;
    page.write_all(&app.raw(
        &browser,
        "POST /api/orders/x HTTP/1.1",
        "Content-Length: 10\r\n",
    ))
    .await
    .unwrap();
    page.write_all(b"half").await.unwrap();
    let (mut api, _) = listener.accept().await.unwrap();
    read_head(&mut api).await;
    let head = read_head(&mut page).await;
    assert!(
        head.starts_with("HTTP/1.1 408 ") && head.contains("cloakroom-error: request_too_slow"),
        "{head}"
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_slow_upload_does_not_count_against_the_api() {
    let (listener, base) = by_hand().await;
    let (app, browser) = app_of(vec![hasty(&base)], |_| {}).await;
    let mut page = app.open().await;
    page.write_all(&app.raw(
        &browser,
        "POST /api/orders/x HTTP/1.1",
        "Content-Length: 5\r\n",
    ))
    .await
    .unwrap();
    let (mut api, _) = listener.accept().await.unwrap();
    read_head(&mut api).await;
    // Longer than the answer may take, with no pause that is longer than it may be.
    for _ in 0..5 {
        page.write_all(b"x").await.unwrap();
        let mut one = [0];
        api.read_exact(&mut one).await.unwrap();
        let pause = tokio::time::timeout(Duration::from_millis(100), api.read_exact(&mut one));
        pause.await.unwrap_err();
    }
    api.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .await
        .unwrap();
    let head = read_head(&mut page).await;
    assert!(head.starts_with("HTTP/1.1 204 "), "{head}");
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn calls_under_way_are_bounded_and_end_with_their_answers() {
    let (listener, base) = by_hand().await;
    let mut orders = upstream("orders", &base);
    orders.max_calls = 1;
    let (app, browser) = app_of(vec![orders], |_| {}).await;
    let mut page = app.open().await;
    page.write_all(&app.raw(&browser, "GET /api/orders/x HTTP/1.1", ""))
        .await
        .unwrap();
    let (mut api, _) = listener.accept().await.unwrap();
    read_head(&mut api).await;
    let busy = app.call(&browser, "/api/orders/y").await;
    assert_refused(&busy, 503, "upstream_busy");
    assert_eq!(busy.header("retry-after"), Some("5"));
    // Its head alone does not end a call.
    api.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        .await
        .unwrap();
    read_head(&mut page).await;
    assert_refused(
        &app.call(&browser, "/api/orders/y").await,
        503,
        "upstream_busy",
    );
    api.write_all(b"half").await.unwrap();
    page.read_to_end(&mut Vec::new()).await.unwrap();
    let (call, ()) = tokio::join!(app.call(&browser, "/api/orders/y"), async {
        read_head(&mut api).await;
        api.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
    });
    assert_eq!(call.status(), 204);
    app.end(&[&browser]).await;
}
