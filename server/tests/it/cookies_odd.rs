//! Cookies of other sites beside ours, with bytes that are no ASCII, and our own sent twice: neither hides a session nor
//! keeps it from being ended (RFC 6265 sections 4.2.2 and 5.4).

use cloakroom_testkit::Browser;

use crate::raw::{self, FETCH, NAVIGATION, RawAnswer};
use crate::world::World;

/// What another site of the same host may have put there.
const ODD: &[(&str, &[u8])] = &[
    ("UTF-8", "name=José".as_bytes()),
    ("Latin-1", b"name=Jos\xe9"),
    ("UTF-8 in the name", "größe=7".as_bytes()),
    ("no bytes of any text", b"\xff\xfe=\x80\x81"),
];

/// `Cookie` lines in which `ours` stands beside `odd`: after it, before it, and on a line of its own.
fn beside(odd: &[u8], ours: &str) -> [Vec<Vec<u8>>; 3] {
    let ours = ours.as_bytes();
    [
        vec![[odd, b"; ", ours].concat()],
        vec![[ours, b"; ", odd].concat()],
        vec![odd.to_vec(), ours.to_vec()],
    ]
}

async fn session(world: &World, cookies: &[Vec<u8>]) -> RawAnswer {
    let lines: Vec<&[u8]> = cookies.iter().map(Vec::as_slice).collect();
    raw::send(world, "GET /auth/session", FETCH, &lines).await
}

fn is_signed_in(answer: &RawAnswer) -> bool {
    assert_eq!(answer.status, "200", "{answer:?}");
    answer.body.contains("\"signed_in\":true")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbours_cookie_of_odd_bytes_does_not_hide_the_session() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let ours = format!(
        "{}={}",
        world.session_cookie(),
        world.ticket(&browser).unwrap()
    );
    for (what, odd) in ODD {
        for cookies in beside(odd, &ours) {
            let answer = session(&world, &cookies).await;
            assert!(is_signed_in(&answer), "{what}: {answer:?}");
            assert_eq!(
                answer.header_all("set-cookie"),
                [""; 0],
                "{what}: and it is not removed"
            );
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbours_cookie_of_odd_bytes_does_not_keep_a_sign_in_from_completing() {
    let world = World::start().await;
    for (what, odd) in ODD {
        let browser = world.browser();
        world.sign_in(&browser).await;
        let before = browser.copy();
        world.watch(&before);
        let answered = world
            .at_provider(&browser, "/auth/login?return_to=/profile")
            .await;
        let location = answered.location().unwrap();
        let mut cookies = [odd.to_vec()];
        for cookie in browser.cookies() {
            cookies[0].extend_from_slice(format!("; {}={}", cookie.name, cookie.value).as_bytes());
        }
        let lines: Vec<&[u8]> = cookies.iter().map(Vec::as_slice).collect();
        let path = &location[url::Position::BeforePath..];
        let answer = raw::send(&world, &format!("GET {path}"), NAVIGATION, &lines).await;
        assert_eq!(
            (&answer.status[..], answer.header("location")),
            ("303", Some("/profile")),
            "{what}: {answer:?}"
        );
        let ticket = answer.new_cookie(&world.session_cookie()).unwrap();
        let ours = format!("{}={ticket}", world.session_cookie());
        for cookies in beside(odd, &ours) {
            assert!(is_signed_in(&session(&world, &cookies).await), "{what}");
        }
        // The session that the browser came with has ended in the same step.
        world.assert_signed_out(&before).await;
    }
    world
        .until("what those sessions held is revoked", || {
            world.provider.counts().revoke == 2 * ODD.len()
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbours_cookie_of_odd_bytes_does_not_keep_a_session_from_being_ended() {
    let world = World::start().await;
    let mut ended = 0;
    for (what, odd) in ODD {
        for place in 0..3 {
            let browser = world.browser();
            world.sign_in(&browser).await;
            let ticket = world.ticket(&browser).unwrap();
            let ours = format!("{}={ticket}", world.session_cookie());
            let cookies = &beside(odd, &ours)[place];
            let answer = log_out(&world, cookies).await;
            assert_eq!(answer.status, "204", "{what}: {answer:?}");
            ended += 1;
            assert_eq!(world.sessions().await, 0, "{what}: it is really gone");
            world.assert_signed_out(&browser).await;
        }
    }
    world
        .until("their tokens are revoked", || {
            world.provider.counts().revoke == 2 * ended
        })
        .await;
    world.end().await;
}

async fn log_out(world: &World, cookies: &[Vec<u8>]) -> RawAnswer {
    let lines: Vec<&[u8]> = cookies.iter().map(Vec::as_slice).collect();
    let origin = format!(
        "origin: {}\r\ncontent-length: 0\r\n{FETCH}",
        world.public_url
    );
    raw::send(world, "POST /auth/logout", &origin, &lines).await
}

/// Two sessions, and the values of their cookies.
async fn two(world: &World) -> [(Browser, String); 2] {
    let [one, other] = [world.browser(), world.browser()];
    world.sign_in(&one).await;
    world.sign_in(&other).await;
    [one, other].map(|browser| {
        let ticket = world.ticket(&browser).unwrap();
        (browser, ticket)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cookie_sent_twice_is_not_believed_and_signing_out_ends_both() {
    let world = World::start().await;
    let name = world.session_cookie();
    let mut revoked = 0;
    for on_one_line in [true, false] {
        let [(one, a), (other, b)] = two(&world).await;
        let cookies: Vec<Vec<u8>> = if on_one_line {
            vec![format!("{name}={a}; {name}={b}").into_bytes()]
        } else {
            [&a, &b]
                .map(|value| format!("{name}={value}").into())
                .into()
        };
        assert!(!is_signed_in(&session(&world, &cookies).await));
        world.assert_signed_in(&one).await;
        world.assert_signed_in(&other).await;
        let answer = log_out(&world, &cookies).await;
        assert_eq!(answer.status, "204", "{answer:?}");
        assert_eq!(world.sessions().await, 0, "both are gone from the store");
        world.assert_signed_out(&one).await;
        world.assert_signed_out(&other).await;
        revoked += 4;
        world
            .until("the tokens of both are revoked", || {
                world.provider.counts().revoke == revoked
            })
            .await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_second_cookie_does_not_keep_a_person_from_signing_out() {
    let world = World::start().await;
    let name = world.session_cookie();
    for planted in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "../../etc"] {
        let browser = world.browser();
        world.sign_in(&browser).await;
        let ticket = world.ticket(&browser).unwrap();
        for cookie in [
            format!("{name}={planted}; {name}={ticket}"),
            format!("{name}={ticket}; {name}={planted}"),
        ] {
            let answer = log_out(&world, &[cookie.into_bytes()]).await;
            assert_eq!(answer.status, "204", "{planted:?}: {answer:?}");
            assert_eq!(world.sessions().await, 0, "{planted:?}: it is really gone");
        }
        world.assert_signed_out(&browser).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_comes_with_two_session_cookies_ends_both() {
    let world = World::start().await;
    let [(one, a), (other, b)] = two(&world).await;
    let browser = world.browser();
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let location = answered.location().unwrap();
    let (name, binding) = (world.session_cookie(), world.binding_cookie());
    let bound = browser.cookie(&binding).unwrap().value;
    let cookie = format!("{name}={a}; {binding}={bound}; {name}={b}");
    let path = &location[url::Position::BeforePath..];
    let line = format!("GET {path}");
    let answer = raw::send(&world, &line, NAVIGATION, &[cookie.as_bytes()]).await;
    assert_eq!(
        (&answer.status[..], answer.header("location")),
        ("303", Some("/profile")),
        "{answer:?}"
    );
    let fresh = answer.new_cookie(&name).unwrap();
    let cookies = [format!("{name}={fresh}").into_bytes()];
    assert!(is_signed_in(&session(&world, &cookies).await));
    world.assert_signed_out(&one).await;
    world.assert_signed_out(&other).await;
    assert_eq!(world.sessions().await, 1, "only the new one is there");
    world
        .until("what both held is revoked", || {
            world.provider.counts().revoke == 4
        })
        .await;
    world.end().await;
}
