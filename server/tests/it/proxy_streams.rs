//! Event streams and WebSocket connections: they pass as they come, they end when the session ends, wherever it was
//! ended, and they keep nobody signed in (HTML section 9.2, RFC 6455; design, invariants 3 and 7; issue "end when the session ends").

use std::time::Duration;

use cloakroom_testkit::Browser;
use http::Method;
use tokio::time::{Instant, timeout};

use crate::caller::{Begun, Caller, assert_refused, get, without_header};
use crate::program::PATIENCE;
use crate::proxy_csrf::handshake;
use crate::start::Start;
use crate::upstream::{Answer, Frame, Piece, Seen, Upstream, accept_of};
use crate::world::World;

/// An API with both.
async fn streaming() -> Upstream {
    Upstream::answering(|seen| match seen.target().as_str() {
        "/base/socket" => Answer::WebSocket {
            protocol: Some("chat.v2"),
        },
        "/base/no-socket" => Answer::status(403, "no sockets here"),
        "/base/hello" => Answer::text("hello"),
        _ => Answer::Fed {
            content_type: "text/event-stream",
        },
    })
    .await
}

async fn usual(upstream: &Upstream) -> (World, Browser) {
    // Streams may pause for longer than anything else.
    let rules = "pause_timeout = \"1s\"\nanswer_timeout = \"2s\"";
    let world = Start::default()
        .api_with("up", upstream, rules)
        .api_with("public", upstream, "token = \"none\"")
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    (world, browser)
}

/// An event stream that has begun: one event has come.
async fn listening(world: &World, browser: &Browser, upstream: &Upstream) -> (Caller, Begun) {
    let more = "accept: text/event-stream\r\nsec-fetch-site: same-origin\r\n";
    let request = without_header(world, browser, "GET /api/up/events", more);
    let mut caller = Caller::send(world, &request).await;
    let mut begun = caller.answer("GET").await;
    assert_eq!(begun.head.status(), 200, "{}", begun.head.text());
    let content_type = begun.head.header("content-type").unwrap();
    assert!(content_type.starts_with("text/event-stream"));
    upstream.feed(Piece::Text("data: first\n\n".to_owned()));
    assert_eq!(caller.text(&mut begun, 13).await, "data: first\n\n");
    (caller, begun)
}

/// A WebSocket that is open: one message went there and back.
async fn connected(world: &World, browser: &Browser) -> Caller {
    let more = format!(
        "origin: {}\r\nsec-websocket-protocol: chat.v1, chat.v2\r\n",
        world.public_url
    );
    let request = handshake(world, browser, "/api/up/socket", &more);
    let mut caller = Caller::send(world, &request).await;
    let begun = caller.answer("GET").await;
    assert_eq!(begun.head.status(), 101, "{}", begun.head.text());
    let header = |name| begun.head.header(name);
    assert_eq!(
        header("sec-websocket-accept"),
        Some(accept_of("dGhlIHNhbXBsZSBub25jZQ=="))
    );
    assert_eq!(header("sec-websocket-protocol").as_deref(), Some("chat.v2"));
    assert_eq!(header("set-cookie"), None);
    say(&mut caller, "hello").await;
    caller
}

/// A message goes there and back.
async fn say(caller: &mut Caller, text: &str) {
    let frame = Frame::Text(text.to_owned());
    caller.write(&frame.masked()).await;
    let back = timeout(PATIENCE, Frame::read(&mut caller.wire)).await;
    assert_eq!(back.expect("it comes back").unwrap(), Some(frame));
}

/// Waits until a WebSocket is over: a close frame, or the end of the connection.
async fn until_closed(caller: &mut Caller) {
    loop {
        let frame = timeout(PATIENCE, Frame::read(&mut caller.wire)).await;
        match frame.expect("it does not stay open") {
            Ok(Some(Frame::Close(_)) | None) | Err(_) => return,
            Ok(Some(_)) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_pass_as_they_come_and_may_pause() {
    let upstream = streaming().await;
    let (world, browser) = usual(&upstream).await;
    let (mut caller, mut begun) = listening(&world, &browser, &upstream).await;
    let seen = upstream.only();
    assert!(seen.bearer().is_some(), "with the user's token");
    assert_eq!(seen.header("accept").as_deref(), Some("text/event-stream"));
    for event in [
        "id: 2\ndata: two\n\n",
        ": a comment\n\n",
        "event: x\ndata: y\n\n",
    ] {
        upstream.feed(Piece::Text(event.to_owned()));
        assert_eq!(caller.text(&mut begun, event.len()).await, event);
    }
    // Longer than any other body may pause, and any other answer take.
    assert!(caller.is_quiet(&mut begun, Duration::from_secs(3)).await);
    upstream.feed(Piece::Text("data: later\n\n".to_owned()));
    assert_eq!(caller.text(&mut begun, 13).await, "data: later\n\n");
    upstream.feed(Piece::End);
    assert!(caller.ended(begun).await, "its end is an end");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn last_event_id_goes_along() {
    let upstream = streaming().await;
    let (world, browser) = usual(&upstream).await;
    let more = "accept: text/event-stream\r\nsec-fetch-site: same-origin\r\nlast-event-id: 17\r\n";
    let request = without_header(&world, &browser, "GET /api/up/events", more);
    let begun = Caller::send(&world, &request).await.answer("GET").await;
    assert_eq!(begun.head.status(), 200);
    let seen = upstream.only();
    assert_eq!(seen.header("last-event-id").as_deref(), Some("17"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_socket_passes_both_ways_and_may_pause() {
    let upstream = streaming().await;
    let (world, browser) = usual(&upstream).await;
    let mut caller = connected(&world, &browser).await;
    let seen = upstream.only();
    assert!(seen.bearer().is_some(), "with the user's token");
    assert_eq!(seen.header("cookie"), None);
    assert_eq!(
        seen.header("sec-websocket-key").as_deref(),
        Some("dGhlIHNhbXBsZSBub25jZQ==")
    );
    assert_eq!(seen.header("sec-websocket-version").as_deref(), Some("13"));
    seen.head.assert_well_formed();
    say(&mut caller, &"long ".repeat(10_000)).await;
    let ping = Frame::Other(9, b"ping".to_vec());
    caller.write(&ping.masked()).await;
    let back = Frame::read(&mut caller.wire).await.unwrap();
    assert_eq!(back, Some(ping), "frames are nobody's business here");
    let quiet = timeout(Duration::from_secs(3), Frame::read(&mut caller.wire)).await;
    assert!(quiet.is_err(), "{quiet:?}");
    say(&mut caller, "still there").await;
    caller.write(&Frame::Close(Some(1000)).masked()).await;
    let close = Frame::read(&mut caller.wire).await.unwrap();
    assert_eq!(close, Some(Frame::Close(Some(1000))));
    assert!(caller.closed().await);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_api_does_not_upgrade_is_no_tunnel() {
    let upstream = streaming().await;
    let (world, browser) = usual(&upstream).await;
    let own = format!("origin: {}\r\n", world.public_url);
    let mut request = handshake(&world, &browser, "/api/up/no-socket", &own);
    request.extend_from_slice(b"GET /base/behind HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut caller = Caller::send(&world, &request).await;
    let begun = caller.answer("GET").await;
    assert_eq!(begun.head.status(), 403);
    assert_eq!(begun.head.header("upgrade"), None);
    assert_eq!(begun.head.header("cloakroom-error"), None, "the API's own");
    assert_eq!(caller.body(begun).await.unwrap(), b"no sockets here");
    // What came behind it is a call to the program, and no such page is there.
    if let Some(next) = caller.head("GET").await {
        assert!(next.head.status() >= 300, "{}", next.head.text());
    }
    let targets: Vec<String> = upstream.seen().iter().map(Seen::target).collect();
    assert_eq!(targets, ["/base/no-socket"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_streams_of_this_session_and_no_others() {
    let upstream = streaming().await;
    let (world, browser) = usual(&upstream).await;
    let other = world.browser();
    world.sign_in(&other).await;
    let (mut events, begun) = listening(&world, &browser, &upstream).await;
    let (mut others, mut other_begun) = listening(&world, &other, &upstream).await;
    let mut socket = connected(&world, &browser).await;
    let mut other_socket = connected(&world, &other).await;
    let signed_out = Instant::now();
    let answer = browser.request(Method::POST, "/auth/logout").fetch().await;
    assert_eq!(answer.status(), 204);
    events.ended(begun).await;
    until_closed(&mut socket).await;
    let took = signed_out.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    world
        .until("the API is told too", || upstream.record().hang_ups() == 2)
        .await;
    upstream.feed(Piece::Text("data: for who is left\n\n".to_owned()));
    let text = others.text(&mut other_begun, 23).await;
    assert_eq!(text, "data: for who is left\n\n");
    say(&mut other_socket, "still here").await;
    drop((others, other_socket));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_ends_the_streams_of_the_session_before() {
    let upstream = streaming().await;
    let (world, browser) = usual(&upstream).await;
    let (mut events, begun) = listening(&world, &browser, &upstream).await;
    let mut socket = connected(&world, &browser).await;
    world.sign_in(&browser).await;
    events.ended(begun).await;
    until_closed(&mut socket).await;
    let answer = get(&browser, "/api/up/hello").await;
    assert_eq!(answer.status(), 200, "the new session is good");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_ended_elsewhere_ends_its_streams_here() {
    let upstream = streaming().await;
    let (world, browser) = usual(&upstream).await;
    let (mut events, begun) = listening(&world, &browser, &upstream).await;
    let mut socket = connected(&world, &browser).await;
    let deleted = Instant::now();
    sqlx::raw_sql("DELETE FROM records")
        .execute(&mut world.database().await)
        .await
        .unwrap();
    events.ended(begun).await;
    until_closed(&mut socket).await;
    let took = deleted.elapsed();
    // The store is looked at every five seconds.
    assert!(took < Duration::from_secs(12), "{took:?}");
    let answer = get(&browser, "/api/up/hello").await;
    assert_refused(&answer, 401, "signed_out", "nobody is signed in");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_keeps_nobody_signed_in_and_ends_with_the_session_at_its_deadline() {
    let upstream = streaming().await;
    let (world, browser) = usual(&upstream).await;
    let (mut events, mut begun) = listening(&world, &browser, &upstream).await;
    let mut socket = connected(&world, &browser).await;
    // So near, and touched so long ago, that whatever counts as activity would move it.
    let until = world.provider.now() + 7;
    sqlx::query("UPDATE records SET idle_until = ?, touched_at = touched_at - 3600")
        .bind(i64::try_from(until).unwrap())
        .execute(&mut world.database().await)
        .await
        .unwrap();
    while world.provider.now() < until - 1 {
        upstream.feed(Piece::Text("data: tick\n\n".to_owned()));
        assert_eq!(events.text(&mut begun, 12).await, "data: tick\n\n");
        say(&mut socket, "tock").await;
    }
    events.ended(begun).await;
    until_closed(&mut socket).await;
    let over = world.provider.now();
    assert!((until..until + 10).contains(&over), "{until}, {over}");
    world.assert_signed_out(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_program_does_not_wait_for_streams() {
    let upstream = streaming().await;
    let (mut world, browser) = usual(&upstream).await;
    let (mut events, begun) = listening(&world, &browser, &upstream).await;
    let mut socket = connected(&world, &browser).await;
    let told = Instant::now();
    let ended = world.stop().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    let took = told.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(
        !ended.log.contains("took too long and were cut off"),
        "{}",
        ended.log
    );
    events.ended(begun).await;
    until_closed(&mut socket).await;
    world
        .until("the API is told too", || upstream.record().hang_ups() == 2)
        .await;
    world.start_again(&[]).await;
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_an_api_for_everybody_does_not_end_with_a_session() {
    let upstream = streaming().await;
    let (world, browser) = usual(&upstream).await;
    let more = "accept: text/event-stream\r\nsec-fetch-site: same-origin\r\n";
    let request = without_header(&world, &browser, "GET /api/public/events", more);
    let mut caller = Caller::send(&world, &request).await;
    let mut begun = caller.answer("GET").await;
    browser.request(Method::POST, "/auth/logout").fetch().await;
    world.assert_signed_out(&browser).await;
    upstream.feed(Piece::Text("data: public\n\n".to_owned()));
    assert_eq!(caller.text(&mut begun, 14).await, "data: public\n\n");
    drop(caller);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_leaves_ends_its_streams_at_the_api() {
    let upstream = streaming().await;
    let (world, browser) = usual(&upstream).await;
    let (events, _begun) = listening(&world, &browser, &upstream).await;
    let socket = connected(&world, &browser).await;
    drop((events, socket));
    world
        .until("the API is told", || upstream.record().hang_ups() == 2)
        .await;
    world.end().await;
}
