//! Bodies in both directions: of any size in constant memory, no faster than the slower side takes them, and no larger
//! than the configuration says (RFC 9112 section 6.3, RFC 9110 section 15.5.14).

use std::time::Duration;

use cloakroom_testkit::Browser;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::caller::{Caller, bytes};
use crate::framing::chunk;
use crate::pattern::{Pattern, Sum};
use crate::start::Start;
use crate::upstream::{Answer, Upstream};
use crate::world::World;

const MIB: u64 = 1024 * 1024;
/// What a body may add to the program's memory, in KiB, whatever its size.
const GROWTH: u64 = 40 * 1024;

pub(crate) async fn with(rules: &str, upstream: &Upstream) -> (World, Browser) {
    let world = Start::default().api_with("up", upstream, rules).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    (world, browser)
}

/// Watches the program's memory while something goes on; the most it grew, in KiB.
async fn growth<T>(world: &mut World, what: impl Future<Output = T>) -> (u64, T) {
    let before = world.program().resident();
    let mut most = before;
    let mut what = std::pin::pin!(what);
    loop {
        match timeout(Duration::from_millis(20), &mut what).await {
            Ok(done) => return (most.max(world.program().resident()) - before, done),
            Err(_) => most = most.max(world.program().resident()),
        }
    }
}

/// Sends a body of the pattern; what the API says of it.
async fn send_up(mut caller: Caller, size: u64, chunked: bool) -> String {
    let mut pattern = Pattern::new(size);
    while let Some(piece) = pattern.piece() {
        if chunked {
            caller.write(&chunk(piece)).await;
        } else {
            caller.write(piece).await;
        }
    }
    if chunked {
        caller.write(b"0\r\n\r\n").await;
    }
    let answer = caller.answer("POST").await;
    assert_eq!(answer.head.status(), 200, "{}", answer.head.text());
    String::from_utf8(caller.body(answer).await.unwrap()).unwrap()
}

/// Reads a body; what it was.
async fn read_down(mut caller: Caller) -> String {
    let mut answer = caller.answer("GET").await;
    assert_eq!(answer.head.status(), 200, "{}", answer.head.text());
    let mut sum = Sum::default();
    while let Some(piece) = caller.piece(&mut answer).await.unwrap() {
        sum.add(&piece);
    }
    sum.finish()
}

/// A body of this size up, and one down, each both ways that HTTP has.
async fn both_ways(size: u64) {
    let upstream = Upstream::answering(move |seen| match seen.target().as_str() {
        "/base/up" => Answer::Summed,
        "/base/down" => Answer::Generated {
            bytes: size,
            chunked: false,
        },
        _ => Answer::Generated {
            bytes: size,
            chunked: true,
        },
    })
    .await;
    let (mut world, browser) = with("max_body = \"unlimited\"", &upstream).await;
    // What the program needs once and keeps is not a body's.
    read_down(Caller::send(&world, &bytes(&world, &browser, "GET /api/up/down", "")).await).await;
    let expected = Pattern::sum(size);
    for chunked in [false, true] {
        let framing = if chunked {
            "transfer-encoding: chunked\r\n".to_owned()
        } else {
            format!("content-length: {size}\r\n")
        };
        let request = bytes(&world, &browser, "POST /api/up/up", &framing);
        let caller = Caller::send(&world, &request).await;
        let (grew, sum) = growth(&mut world, send_up(caller, size, chunked)).await;
        assert_eq!(sum, expected, "up, chunked: {chunked}");
        assert!(grew < GROWTH, "up, chunked: {chunked}: {grew} KiB");
        let seen = upstream.seen().pop().unwrap();
        seen.head.assert_well_formed();
        if !chunked {
            let length = seen.header("content-length");
            assert_eq!(length, Some(size.to_string()), "known stays known");
        }
    }
    for path in ["down", "down-chunked"] {
        let request = bytes(&world, &browser, &format!("GET /api/up/{path}"), "");
        let caller = Caller::send(&world, &request).await;
        let (grew, sum) = growth(&mut world, read_down(caller)).await;
        assert_eq!(sum, expected, "{path}");
        assert!(grew < GROWTH, "{path}: {grew} KiB");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_mebibytes_go_up_and_down_whole_and_are_never_held() {
    both_ways(64 * MIB).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; run it by name, or all such ones with --run-ignored"]
async fn a_gibibyte_goes_up_and_down_whole_and_is_never_held() {
    both_ways(1024 * MIB).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_was_said_is_said_on() {
    let upstream = Upstream::answering(|_| Answer::Generated {
        bytes: 100_000,
        chunked: false,
    })
    .await;
    let (world, browser) = with("", &upstream).await;
    let request = bytes(&world, &browser, "GET /api/up/x", "");
    let answer = Caller::send(&world, &request).await.answer("GET").await;
    let length = answer.head.header("content-length");
    assert_eq!(length.as_deref(), Some("100000"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_does_not_read_makes_the_sender_wait() {
    let size = 256 * MIB;
    let upstream = Upstream::answering(|_| Answer::Summed.held()).await;
    let rules = "max_body = \"unlimited\"\nanswer_timeout = \"60s\"\npause_timeout = \"60s\"";
    let (mut world, browser) = with(rules, &upstream).await;
    let framing = format!("content-length: {size}\r\n");
    let request = bytes(&world, &browser, "POST /api/up/x", &framing);
    let mut caller = Caller::send(&world, &request).await;
    world
        .until("the call is under way", || upstream.count() == 1)
        .await;
    let mut pattern = Pattern::new(size);
    let mut sent = 0_u64;
    let mut rest = Vec::new();
    // Until nothing more is taken for a whole second.
    let (grew, ()) = growth(&mut world, async {
        'full: while let Some(piece) = pattern.piece() {
            let mut left = piece;
            while !left.is_empty() {
                let taken = timeout(Duration::from_secs(1), caller.writing.write(left)).await;
                let Ok(written) = taken else {
                    rest = left.to_vec();
                    break 'full;
                };
                let written = written.expect("it is taken");
                sent += written as u64;
                left = &left[written..];
            }
        }
    })
    .await;
    assert!(sent < size / 2, "{sent} bytes were taken by nobody");
    assert!(grew < GROWTH, "{grew} KiB are held");
    // Let go, all of it arrives.
    upstream.release();
    caller.write(&rest).await;
    while let Some(piece) = pattern.piece() {
        caller.write(piece).await;
    }
    let answer = caller.answer("POST").await;
    let sum = String::from_utf8(caller.body(answer).await.unwrap()).unwrap();
    assert_eq!(sum, Pattern::sum(size));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_does_not_read_makes_the_api_wait() {
    let size = 256 * MIB;
    let upstream = Upstream::answering(move |_| Answer::Generated {
        bytes: size,
        chunked: true,
    })
    .await;
    let (mut world, browser) = with("pause_timeout = \"60s\"", &upstream).await;
    let request = bytes(&world, &browser, "GET /api/up/x", "");
    let mut caller = Caller::send(&world, &request).await;
    let answer = caller.answer("GET").await;
    // The generator gives what is taken; what nobody takes would be held by the program.
    let (grew, ()) = growth(&mut world, tokio::time::sleep(Duration::from_secs(2))).await;
    assert!(grew < GROWTH, "{grew} KiB are held");
    let (grew, whole) = growth(&mut world, async {
        let (mut sum, mut answer) = (Sum::default(), answer);
        while let Some(piece) = caller.piece(&mut answer).await.unwrap() {
            sum.add(&piece);
        }
        sum.finish()
    })
    .await;
    assert_eq!(whole, Pattern::sum(size));
    assert!(grew < GROWTH, "{grew} KiB");
    world.end().await;
}

/// What a caller hears of a body that is too large; where it still sends, it is heard to the end.
async fn told(mut caller: Caller) -> (u16, Option<String>) {
    let answer = caller.answer("POST").await;
    (answer.head.status(), answer.head.header("cloakroom-error"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_a_413_declared_or_not() {
    let upstream = Upstream::answering(|_| Answer::Summed).await;
    let (world, browser) = with("max_body = \"1MiB\"", &upstream).await;
    let too_large = (413, Some("body_too_large".to_owned()));
    // Declared: nothing of it is asked for, and nothing is sent.
    let framing = format!("content-length: {}\r\n", MIB + 1);
    let request = bytes(&world, &browser, "POST /api/up/x", &framing);
    let caller = Caller::send(&world, &request).await;
    assert_eq!(told(caller).await, too_large);
    let framing = format!("{framing}expect: 100-continue\r\n");
    let request = bytes(&world, &browser, "POST /api/up/x", &framing);
    let caller = Caller::send(&world, &request).await;
    assert_eq!(told(caller).await, too_large, "before the body is sent");
    assert_eq!(upstream.count(), 0);
    // In chunks: found out on the way, and the API never takes it for whole.
    let request = bytes(
        &world,
        &browser,
        "POST /api/up/x",
        "transfer-encoding: chunked\r\n",
    );
    let mut caller = Caller::send(&world, &request).await;
    let (writing, wire) = (&mut caller.writing, &mut caller.wire);
    // Heard while it is still being sent: nobody has to read what is too much.
    let (_, answer) = tokio::join!(
        async {
            let mut pattern = Pattern::new(2 * MIB);
            while let Some(piece) = pattern.piece() {
                writing.write_all(&chunk(piece)).await?;
            }
            std::io::Result::Ok(())
        },
        wire.head()
    );
    let answer = answer.unwrap().expect("an answer");
    let code = answer.header("cloakroom-error");
    assert_eq!((answer.status(), code), too_large);
    world
        .until("the API's call is broken off", || {
            upstream.record().hang_ups() == upstream.count()
        })
        .await;
    // To the byte, it passes.
    for framing in [
        format!("content-length: {MIB}\r\n"),
        "transfer-encoding: chunked\r\n".to_owned(),
    ] {
        let chunked = framing.starts_with("transfer");
        let request = bytes(&world, &browser, "POST /api/up/x", &framing);
        let caller = Caller::send(&world, &request).await;
        assert_eq!(send_up(caller, MIB, chunked).await, Pattern::sum(MIB));
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_calls_have_limits_of_their_own() {
    // The program's own endpoints take a mebibyte; an API takes sixteen where nothing is said.
    let upstream = Upstream::answering(|_| Answer::Summed).await;
    let (world, browser) = with("", &upstream).await;
    let size = 16 * MIB;
    let framing = format!("content-length: {size}\r\n");
    let request = bytes(&world, &browser, "POST /api/up/x", &framing);
    let caller = Caller::send(&world, &request).await;
    assert_eq!(send_up(caller, size, false).await, Pattern::sum(size));
    let framing = format!("content-length: {}\r\n", size + 1);
    let request = bytes(&world, &browser, "POST /api/up/x", &framing);
    let caller = Caller::send(&world, &request).await;
    assert_eq!(told(caller).await.0, 413);
    world.end().await;
}
