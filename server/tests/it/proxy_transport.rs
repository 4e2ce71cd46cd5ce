//! The way to an API: connections that are used again, HTTP/2, and an API that is down, broken, slow or busy, which is
//! said as ours and never as the API's (RFC 9110 section 15.6, RFC 9112 section 9, RFC 9113 section 3.3).

use http::Method;

use crate::caller::{Caller, assert_passed, assert_refused, bytes, call, get};
use crate::program::free_port;
use crate::proxy_answers::signed_in;
use crate::start::Start;
use crate::upstream::{Answer, Http2Upstream, Upstream};

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_cannot_be_reached_is_a_502() {
    let gone = format!("http://127.0.0.1:{}/base", free_port());
    let world = Start::default().api_at("gone", &gone, "").go().await;
    let browser = signed_in(&world).await;
    for method in [Method::GET, Method::POST] {
        let answer = call(&browser, method, "/api/gone/x").body("hello").await;
        assert_refused(&answer, 502, "upstream_unreachable", "nobody listens");
        let text = answer.text();
        assert!(!text.contains("127.0.0.1"), "who it is, is ours: {text}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_http_is_a_502() {
    let upstream = Upstream::answering(|seen| {
        let raw: &[u8] = match seen.target().as_str() {
            "/base/hang-up" => return Answer::HangUp,
            "/base/nonsense" => b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
            "/base/half-head" => b"HTTP/1.1 200 OK\r\ncontent-le",
            "/base/status" => b"HTTP/1.1 OK\r\n\r\n",
            "/base/version" => b"HTTP/3.0 200 OK\r\n\r\n",
            "/base/name" => b"HTTP/1.1 200 OK\r\nbad name: x\r\ncontent-length: 0\r\n\r\n",
            "/base/lengths" => {
                b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"
            }
            "/base/length" => b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nhello",
            "/base/unasked" => {
                b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
            }
            _ => b"",
        };
        Answer::Raw(raw.to_vec())
    })
    .await;
    let world = Start::default().api("up", &upstream).go().await;
    let browser = signed_in(&world).await;
    for path in [
        "hang-up",
        "nonsense",
        "half-head",
        "status",
        "version",
        "name",
        "lengths",
        "length",
        "unasked",
        "nothing",
    ] {
        let answer = call(&browser, Method::POST, &format!("/api/up/{path}"))
            .body("hello")
            .await;
        let code = answer.header("cloakroom-error");
        assert!(
            matches!(code, Some("upstream_answer" | "upstream_unreachable")),
            "{path}: {code:?}"
        );
        assert_refused(&answer, 502, code.unwrap(), path);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_not_sent_twice_because_its_connection_died() {
    let upstream = Upstream::answering(|seen| {
        if seen.method() == "POST" {
            Answer::HangUp
        } else {
            Answer::text("hello")
        }
    })
    .await;
    let world = Start::default().api("up", &upstream).go().await;
    let browser = signed_in(&world).await;
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    let answer = call(&browser, Method::POST, "/api/up/x").body("once").await;
    assert_eq!(answer.status(), 502);
    let posts = upstream
        .seen()
        .iter()
        .filter(|seen| seen.method() == "POST")
        .count();
    assert_eq!(posts, 1, "nobody knows what became of it");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_takes_too_long_is_a_504() {
    let upstream = Upstream::answering(|_| Answer::Silence).await;
    let rules = "answer_timeout = \"1s\"";
    let world = Start::default()
        .api_with("slow", &upstream, rules)
        .go()
        .await;
    let browser = signed_in(&world).await;
    for method in [Method::GET, Method::POST] {
        let answer = call(&browser, method, "/api/slow/x").body("hello").await;
        assert_refused(&answer, 504, "upstream_too_slow", "silence");
    }
    world
        .until("the calls are given up", || {
            upstream.record().hang_ups() == 2
        })
        .await;
    assert_eq!(upstream.count(), 2, "each was sent once");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_too_many_is_a_503_and_holds_nobody_up() {
    let upstream = Upstream::answering(|seen| {
        let answer = Answer::text("hello");
        if seen.target() == "/base/held" {
            answer.held()
        } else {
            answer
        }
    })
    .await;
    let other = Upstream::start().await;
    let world = Start::default()
        .api_with("up", &upstream, "max_calls = 2")
        .api("other", &other)
        .go()
        .await;
    let browser = signed_in(&world).await;
    let held: Vec<_> = (0..2)
        .map(|_| {
            let browser = browser.clone();
            tokio::spawn(async move { get(&browser, "/api/up/held").await })
        })
        .collect();
    world
        .until("both are under way", || upstream.count() == 2)
        .await;
    let answer = get(&browser, "/api/up/x").await;
    assert_refused(&answer, 503, "upstream_busy", "a third one");
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_passed(&get(&browser, "/api/other/x").await, 200, "hello");
    upstream.release();
    for held in held {
        assert_passed(&held.await.unwrap(), 200, "hello");
    }
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    assert_eq!(upstream.count(), 3);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_an_api_are_used_again_and_not_between_apis() {
    let (one, other) = (Upstream::start().await, Upstream::start().await);
    let world = Start::default()
        .api("one", &one)
        .api("other", &other)
        .go()
        .await;
    let browser = signed_in(&world).await;
    for _ in 0..10 {
        assert_passed(&get(&browser, "/api/one/x").await, 200, "hello");
        assert_passed(&get(&browser, "/api/other/x").await, 200, "hello");
    }
    for upstream in [one, other] {
        assert_eq!(upstream.count(), 10);
        // A connection may not be back yet when the next call comes.
        let connections = upstream.record().connections();
        assert!(connections <= 3, "{connections}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_speaks_http2_is_spoken_to_in_it() {
    let upstream = Http2Upstream::start().await;
    let world = Start::default()
        .api_at("two", &upstream.base(), "protocol = \"http2\"")
        .go()
        .await;
    let browser = signed_in(&world).await;
    let token = world.provider.issued().access_tokens.pop().unwrap();
    for round in 0..5 {
        let path = format!("/api/two/orders?round={round}");
        let answer = call(&browser, Method::POST, &path)
            .header("connection", "x-own")
            .header("x-own", "dropped")
            .header("x-other", "kept")
            .body("a body")
            .await;
        assert_passed(&answer, 200, "hello over HTTP/2");
    }
    let asked = upstream.asked();
    assert_eq!(
        (asked.len(), upstream.connections()),
        (5, 1),
        "one connection"
    );
    for (round, asked) in asked.iter().enumerate() {
        assert_eq!(asked.version, http::Version::HTTP_2);
        assert_eq!(
            (asked.method.as_str(), &asked.body[..]),
            ("POST", &b"a body"[..])
        );
        let target = format!("/base/orders?round={round}");
        assert_eq!(asked.uri.path_and_query().unwrap().as_str(), target);
        assert_eq!(
            asked.uri.authority().unwrap().as_str(),
            upstream.authority()
        );
        let bearer = format!("Bearer {token}");
        let authorization: Vec<_> = asked.headers.get_all("authorization").iter().collect();
        assert_eq!(authorization, [bearer.as_str()]);
        assert_eq!(asked.headers["x-other"], "kept");
        for name in ["cookie", "x-own", "x-csrf", "connection", "host"] {
            assert!(!asked.headers.contains_key(name), "{name}");
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_the_api_and_the_path_and_no_query() {
    let upstream = Upstream::answering(|_| Answer::HangUp).await;
    let mut world = Start::default().api("up", &upstream).go().await;
    let browser = signed_in(&world).await;
    let path = "GET /api/up/orders?password=very-secret-thing";
    let request = bytes(
        &world,
        &browser,
        path,
        "x-own: header-value-of-a-person\r\n",
    );
    let answer = Caller::send(&world, &request).await.answer("GET").await;
    assert_eq!(answer.head.status(), 502);
    world
        .until_logged(|line| line.to_string().contains("/api/up/orders"))
        .await;
    let log = world.program().log();
    assert!(!log.contains("very-secret-thing") && !log.contains("header-value-of-a-person"));
    world.end().await;
}
