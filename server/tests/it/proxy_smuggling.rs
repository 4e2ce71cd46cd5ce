//! Requests that two servers in a row could take for different ones: an API sees one well-formed request or none, and
//! never one that nobody was asked about (RFC 9112 sections 5, 6, 7 and 11.2; design, invariant 7).

use std::time::Duration;

use cloakroom_testkit::Browser;
use tokio::time::timeout;

use crate::caller::{Caller, bytes, without_header};
use crate::program::PATIENCE;
use crate::raw::FETCH;
use crate::start::Start;
use crate::upstream::{Answer, Seen, Upstream};
use crate::world::World;

pub(crate) async fn usual(upstream: &Upstream) -> (World, Browser) {
    let world = Start::default().api("up", upstream).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    (world, browser)
}

/// An API for everybody: what is smuggled needs no cookie to be taken, and may stand in a body that the API sees.
async fn open(upstream: &Upstream) -> (World, Browser) {
    let world = Start::default()
        .api_with("up", upstream, "token = \"none\"")
        .go()
        .await;
    let browser = world.browser();
    (world, browser)
}

/// A request in which `framing` is header lines and `body` what follows the head.
pub(crate) fn framed(world: &World, browser: &Browser, framing: &str, body: &str) -> Vec<u8> {
    let mut request = bytes(world, browser, "POST /api/up/x", framing);
    request.extend_from_slice(body.as_bytes());
    request
}

/// A whole second request that would be taken, were it one.
fn smuggled(world: &World, browser: &Browser) -> String {
    let request = bytes(world, browser, "GET /api/up/smuggled", "");
    String::from_utf8(request).unwrap()
}

/// Sends all of it and reads whatever comes until the connection ends or is quiet.
pub(crate) async fn exchange(world: &World, request: &[u8]) -> String {
    let mut caller = Caller::send(world, request).await;
    let mut answer = Vec::new();
    loop {
        // After the first answer the program may wait for another request, for as long as it likes.
        let patience = if answer.is_empty() {
            PATIENCE
        } else {
            Duration::from_millis(300)
        };
        match timeout(patience, caller.wire.bytes()).await {
            Ok(Ok(piece)) if !piece.is_empty() => answer.extend(piece),
            _ => break,
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

/// What reached the API is at most one well-formed request, and the one that was asked for.
#[track_caller]
pub(crate) fn assert_one_or_none(upstream: &Upstream, before: usize, what: &str) -> Option<Seen> {
    let seen = upstream.seen();
    let new = &seen[before..];
    assert!(new.len() <= 1, "{what}: {new:?}");
    let seen = new.first()?;
    assert_eq!(seen.target(), "/base/x", "{what}");
    seen.head.assert_well_formed();
    Some(seen.clone())
}

/// Header lines that leave it open where the body ends, and what follows the head: this request among it.
#[expect(clippy::too_many_lines, reason = "a table")]
fn doubtful(hidden: &str) -> Vec<(String, String)> {
    let whole = hidden.len();
    vec![
        // Both, in either order.
        (
            format!(
                "content-length: {}\r\ntransfer-encoding: chunked\r\n",
                5 + whole
            ),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            format!(
                "transfer-encoding: chunked\r\ncontent-length: {}\r\n",
                5 + whole
            ),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "content-length: 4\r\ntransfer-encoding: chunked\r\n".to_owned(),
            format!("{whole:x}\r\n{hidden}\r\n0\r\n\r\n"),
        ),
        // Two lengths.
        (
            format!("content-length: 0\r\ncontent-length: {whole}\r\n"),
            hidden.to_owned(),
        ),
        (
            format!("content-length: {whole}\r\ncontent-length: 0\r\n"),
            hidden.to_owned(),
        ),
        (format!("content-length: 0, {whole}\r\n"), hidden.to_owned()),
        // A length that is none (RFC 9110 section 8.6: digits alone).
        ("content-length: +0\r\n".to_owned(), hidden.to_owned()),
        ("content-length: -1\r\n".to_owned(), hidden.to_owned()),
        ("content-length: 0x0\r\n".to_owned(), hidden.to_owned()),
        ("content-length: 0 0\r\n".to_owned(), hidden.to_owned()),
        ("content-length: 0_0\r\n".to_owned(), hidden.to_owned()),
        ("content-length: 0.0\r\n".to_owned(), hidden.to_owned()),
        ("content-length:\r\n".to_owned(), hidden.to_owned()),
        ("content-length: \"0\"\r\n".to_owned(), hidden.to_owned()),
        (
            "content-length: 18446744073709551616\r\n".to_owned(),
            hidden.to_owned(),
        ),
        // A name that is none.
        ("content-length : 0\r\n".to_owned(), hidden.to_owned()),
        (
            format!("content-length: {whole}\r\ntransfer-encoding : chunked\r\n"),
            hidden.to_owned(),
        ),
        (
            format!("content-length: {whole}\r\ntransfer-encoding\t: chunked\r\n"),
            hidden.to_owned(),
        ),
        (
            format!("content-length: {whole}\r\n transfer-encoding: chunked\r\n"),
            hidden.to_owned(),
        ),
        // A coding that some take for chunked and some do not.
        (
            "transfer-encoding: xchunked\r\n".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "transfer-encoding: chunked, identity\r\n".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "transfer-encoding: identity\r\n".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "transfer-encoding: \"chunked\"\r\n".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "transfer-encoding: chunked;x=y\r\n".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "transfer-encoding: \x0bchunked\r\n".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: x\r\n".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            format!("transfer_encoding: chunked\r\ncontent-length: {whole}\r\n"),
            hidden.to_owned(),
        ),
        (
            format!("transfer-encoding:\r\n chunked\r\ncontent-length: {whole}\r\n"),
            hidden.to_owned(),
        ),
        // A line that goes on, and lines with ends of their own.
        (
            format!("x-own: a\r\n content-length: {whole}\r\n"),
            hidden.to_owned(),
        ),
        (
            format!("x-own: a\ncontent-length: {whole}\r\n"),
            String::new(),
        ),
        (
            "x-own: a\rtransfer-encoding: chunked\r\n".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        ("x-own: a\0b\r\n".to_owned(), hidden.to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_whose_end_is_in_doubt_hides_no_second_request() {
    let upstream = Upstream::start().await;
    let (world, browser) = open(&upstream).await;
    let hidden = smuggled(&world, &browser);
    for (framing, body) in doubtful(&hidden) {
        println!("{framing:?}");
        let before = upstream.count();
        let request = framed(&world, &browser, &framing, &body);
        let answer = exchange(&world, &request).await;
        // Either of them is right; that the second one is run is not.
        assert!(
            matches!(status(&answer), "200" | "400" | "501" | "408" | "none"),
            "{framing:?}: {answer}"
        );
        assert_one_or_none(&upstream, before, &framing);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_a_coding_that_nobody_undoes_is_not_passed_on_as_if_it_were_in_none() {
    let upstream = Upstream::start().await;
    let (world, browser) = open(&upstream).await;
    for framing in [
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: x\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: identity, chunked\r\n",
    ] {
        let request = framed(&world, &browser, framing, "5\r\nhello\r\n0\r\n\r\n");
        let answer = exchange(&world, &request).await;
        // RFC 9112, section 6.1.
        assert!(
            matches!(status(&answer), "400" | "501"),
            "{framing:?}: {answer}"
        );
        assert_eq!(upstream.count(), 0, "{framing:?}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_are_none_end_the_call_and_hide_nothing() {
    let upstream = Upstream::start().await;
    let (world, browser) = open(&upstream).await;
    let hidden = smuggled(&world, &browser);
    for body in [
        "g\r\nhello\r\n0\r\n\r\n".to_owned(),
        "-1\r\nhello\r\n0\r\n\r\n".to_owned(),
        "+5\r\nhello\r\n0\r\n\r\n".to_owned(),
        "0x5\r\nhello\r\n0\r\n\r\n".to_owned(),
        " 5\r\nhello\r\n0\r\n\r\n".to_owned(),
        "5\nhello\n0\n\n".to_owned(),
        "5\r\nhello0\r\n\r\n".to_owned(),
        "4\r\nhello\r\n0\r\n\r\n".to_owned(),
        format!("10000000000000005\r\nhello\r\n0\r\n\r\n{hidden}"),
        format!("fffffffffffffff6\r\n{hidden}"),
        format!("5;\nx\r\nhello\r\n0\r\n\r\n{hidden}"),
        format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(100_000)),
    ] {
        let what = format!("{:?}", &body[..body.len().min(60)]);
        println!("{what}");
        let before = upstream.count();
        let request = framed(&world, &browser, "transfer-encoding: chunked\r\n", &body);
        let answer = exchange(&world, &request).await;
        assert_ne!(status(&answer), "200", "{what}: {answer}");
        if let Some(seen) = assert_one_or_none(&upstream, before, &what) {
            assert_eq!(seen.text(), "", "{what}: no such body is whole");
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_and_trailers_stay_on_this_side() {
    let upstream = Upstream::start().await;
    let (world, browser) = usual(&upstream).await;
    let token = world.provider.issued().access_tokens.pop();
    let body = "5;evil=\"a;b\"\r\nhello\r\n6 ;evil\r\n again\r\n0;evil=1\r\nauthorization: Bearer of-an-attacker\r\nx-forwarded-for: 10.0.0.1\r\nhost: evil.example\r\ncontent-length: 77\r\ncookie: evil=1\r\nx-user-id: admin\r\n\r\n";
    let framing =
        "transfer-encoding: chunked\r\ntrailer: authorization, x-user-id\r\nte: trailers\r\n";
    let request = framed(&world, &browser, framing, body);
    let answer = exchange(&world, &request).await;
    match upstream.seen().as_slice() {
        // httparse takes no blank before the semicolon: that is a refusal, and right.
        [] => assert_eq!(status(&answer), "400", "{answer}"),
        [seen] => {
            seen.head.assert_well_formed();
            assert_eq!(seen.bearer(), token);
            let trailers = seen.trailers.to_lowercase();
            for name in [
                "authorization",
                "forwarded",
                "host",
                "content-length",
                "cookie",
            ] {
                assert!(!trailers.contains(name), "{trailers}");
            }
        }
        more => panic!("{more:?}"),
    }
    let honest = "5;ext=1\r\nhello\r\n0\r\nauthorization: Bearer of-an-attacker\r\n\r\n";
    let before = upstream.count();
    let request = framed(&world, &browser, "transfer-encoding: chunked\r\n", honest);
    let answer = exchange(&world, &request).await;
    assert_eq!(status(&answer), "200", "{answer}");
    let seen = assert_one_or_none(&upstream, before, honest).expect("it arrives");
    assert_eq!((seen.text().as_str(), seen.bearer()), ("hello", token));
    assert!(!seen.trailers.to_lowercase().contains("authorization"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_a_row_on_one_connection_are_each_their_own() {
    let upstream = Upstream::answering(|seen| Answer::text(&seen.target())).await;
    let (world, browser) = usual(&upstream).await;
    let nobody = world.browser();
    let mut pipeline = Vec::new();
    let mut first = bytes(&world, &browser, "POST /api/up/1", "content-length: 5\r\n");
    first.extend_from_slice(b"hello");
    pipeline.extend(first);
    pipeline.extend(bytes(&world, &nobody, "GET /api/up/2", ""));
    pipeline.extend(without_header(&world, &browser, "GET /api/up/3", FETCH));
    pipeline.extend(bytes(&world, &browser, "GET /api/up/4", ""));
    let mut caller = Caller::send(&world, &pipeline).await;
    for (expected, body) in [
        (200, Some("/base/1")),
        (401, None),
        (403, None),
        (200, Some("/base/4")),
    ] {
        let answer = caller.answer("GET").await;
        assert_eq!(answer.head.status(), expected);
        let received = String::from_utf8(caller.body(answer).await.unwrap()).unwrap();
        if let Some(body) = body {
            assert_eq!(received, body, "each gets its own answer");
        }
    }
    let seen = upstream.seen();
    let targets: Vec<String> = seen.iter().map(Seen::target).collect();
    assert_eq!(targets, ["/base/1", "/base/4"]);
    assert_eq!(seen[0].text(), "hello");
    for seen in seen {
        seen.head.assert_well_formed();
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_api_sends_too_much_of_answers_nobody_else() {
    // A second answer behind the first one, on a connection that stays (RFC 9112 section 11.1).
    let upstream = Upstream::answering(|seen| {
        if seen.target() == "/base/first" {
            Answer::Raw(
                b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"
                    .to_vec(),
            )
        } else {
            Answer::text("honest")
        }
    })
    .await;
    let (world, browser) = usual(&upstream).await;
    for _ in 0..5 {
        let first = crate::caller::get(&browser, "/api/up/first").await;
        assert_eq!((first.status(), first.text().as_str()), (200, "hello"));
        let next = crate::caller::get(&browser, "/api/up/next").await;
        assert_eq!((next.status(), next.text().as_str()), (200, "honest"));
    }
    world.end().await;
}
