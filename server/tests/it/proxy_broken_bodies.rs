//! Bodies that break off, dawdle, or end before their time, on either side: neither side takes them for whole, and the
//! other side's connection does not outlive them (RFC 9112 sections 8 and 9.6; slow-loris).

use tokio::time::Instant;

use crate::caller::{Caller, assert_passed, bytes, get};
use crate::pattern::Pattern;
use crate::program::PATIENCE;
use crate::proxy_bodies::with;
use crate::upstream::{Answer, Piece, Upstream};

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_hangs_up_takes_its_call_with_it() {
    let upstream = Upstream::answering(|seen| match seen.target().as_str() {
        "/base/silent" => Answer::Silence,
        "/base/fed" => Answer::Fed {
            content_type: "text/plain",
        },
        _ => Answer::Summed,
    })
    .await;
    let (world, browser) = with("", &upstream).await;
    let hang_ups = || upstream.record().hang_ups();
    // Before the answer.
    let caller = Caller::send(&world, &bytes(&world, &browser, "GET /api/up/silent", "")).await;
    world
        .until("the call is under way", || upstream.count() == 1)
        .await;
    drop(caller);
    world.until("it is broken off", || hang_ups() == 1).await;
    // In the middle of it.
    let mut caller = Caller::send(&world, &bytes(&world, &browser, "GET /api/up/fed", "")).await;
    let mut answer = caller.answer("GET").await;
    upstream.feed(Piece::Text("hello".to_owned()));
    assert_eq!(caller.text(&mut answer, 5).await, "hello");
    drop(caller);
    world.until("it is broken off", || hang_ups() == 2).await;
    // In the middle of the request, which the API never takes for whole.
    for framing in ["content-length: 100\r\n", "transfer-encoding: chunked\r\n"] {
        let before = (upstream.count(), hang_ups());
        let request = bytes(&world, &browser, "POST /api/up/sum", framing);
        let mut caller = Caller::send(&world, &request).await;
        caller.write(b"5\r\nhello\r\n").await;
        world
            .until("the call is under way", || upstream.count() > before.0)
            .await;
        drop(caller);
        world
            .until("it is broken off", || hang_ups() > before.1)
            .await;
    }
    assert_passed(&get(&browser, "/api/up/sum").await, 200, &Pattern::sum(0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_not_taken_for_whole() {
    let upstream = Upstream::answering(|seen| {
        let raw: &[u8] = match seen.target().as_str() {
            "/base/length" => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello",
            "/base/chunks" => {
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"
            }
            "/base/in-a-chunk" => {
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhello"
            }
            "/base/no-chunk" => {
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense"
            }
            _ => {
                return Answer::Fed {
                    content_type: "text/plain",
                };
            }
        };
        Answer::Raw(raw.to_vec())
    })
    .await;
    let (world, browser) = with("", &upstream).await;
    for path in ["length", "chunks", "in-a-chunk", "no-chunk", "fed"] {
        let request = bytes(&world, &browser, &format!("GET /api/up/{path}"), "");
        let mut caller = Caller::send(&world, &request).await;
        let mut answer = caller.answer("GET").await;
        if path == "fed" {
            upstream.feed(Piece::Text("hello".to_owned()));
            assert_eq!(caller.text(&mut answer, 5).await, "hello");
            upstream.feed(Piece::Break);
        }
        // Where nothing of it had gone out yet, an error of ours is as good.
        if answer.head.status() != 502 {
            let whole = caller.ended(answer).await;
            assert!(!whole, "{path}: the browser takes it for whole");
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_until_the_end_of_the_connection_passes() {
    let upstream = Upstream::answering(|_| {
        Answer::Raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nhello".to_vec())
    })
    .await;
    let (world, browser) = with("", &upstream).await;
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_a_byte_now_and_then_is_given_up() {
    let upstream = Upstream::answering(|_| Answer::Summed).await;
    let (world, browser) = with("pause_timeout = \"1s\"", &upstream).await;
    for framing in ["content-length: 100\r\n", "transfer-encoding: chunked\r\n"] {
        let before = upstream.record().hang_ups();
        let request = bytes(&world, &browser, "POST /api/up/x", framing);
        let mut caller = Caller::send(&world, &request).await;
        caller.write(b"5\r\nhello\r\n").await;
        let begun = Instant::now();
        // An answer that says so, or the end of the connection.
        match caller.head("POST").await {
            Some(answer) => assert_eq!(answer.head.status(), 408, "{}", answer.head.text()),
            None => assert!(begun.elapsed() < PATIENCE),
        }
        assert!(caller.closed().await, "the connection is given up");
        world
            .until("the API's call is broken off", || {
                upstream.record().hang_ups() > before
            })
            .await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_sends_a_byte_now_and_then_is_given_up() {
    let upstream = Upstream::answering(|_| Answer::Fed {
        content_type: "text/plain",
    })
    .await;
    let (world, browser) = with("pause_timeout = \"1s\"", &upstream).await;
    let request = bytes(&world, &browser, "GET /api/up/x", "");
    let mut caller = Caller::send(&world, &request).await;
    let mut answer = caller.answer("GET").await;
    upstream.feed(Piece::Text("hello".to_owned()));
    assert_eq!(caller.text(&mut answer, 5).await, "hello");
    assert!(!caller.ended(answer).await, "it is not taken for whole");
    world
        .until("the API's call is broken off", || {
            upstream.record().hang_ups() == 1
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_before_the_request_is_whole_passes() {
    let upstream = Upstream::answering(|_| {
        Answer::Early(
            b"HTTP/1.1 413 Too Large\r\ncontent-length: 7\r\nconnection: close\r\n\r\ntoo big"
                .to_vec(),
        )
    })
    .await;
    let (world, browser) = with("max_body = \"unlimited\"", &upstream).await;
    let request = bytes(
        &world,
        &browser,
        "POST /api/up/x",
        "content-length: 1000000\r\n",
    );
    let mut caller = Caller::send(&world, &request).await;
    caller.write(b"the beginning of it").await;
    let answer = caller.answer("POST").await;
    assert_eq!(answer.head.status(), 413);
    assert_eq!(answer.head.header("cloakroom-error"), None, "the API's own");
    assert_eq!(caller.body(answer).await.unwrap(), b"too big");
    world.end().await;
}
