//! Access tokens that expire while people work: renewed once for everybody, ahead of time where that is possible, and
//! never lost once the provider has given them (RFC 6749 section 6; design, invariant 5).

use cloakroom_testkit::{Browser, Fault};
use tokio::task::JoinSet;

use crate::caller::{Caller, assert_passed, bytes, get};
use crate::stand_in::{StandIn, access, bare, refresh, tokens};
use crate::start::Start;
use crate::upstream::{Answer, Seen, Upstream};
use crate::world::World;

/// How long the access tokens of a sign-in are good in most of these tests, in seconds.
pub(crate) const SHORT: u64 = 2;

/// A program in front of this API, with access tokens that are good for so many seconds.
pub(crate) fn lasting(seconds: u64, upstream: &Upstream) -> Start {
    Start::default()
        .provider(|provider| provider.access_token_lifetime(seconds))
        .api("up", upstream)
}

/// Signs in, and waits until the access token has expired.
pub(crate) async fn with_an_expired_token(world: &World) -> Browser {
    let browser = world.browser();
    world.sign_in(&browser).await;
    until_expired(world, SHORT).await;
    browser
}

/// Waits until whatever was given by now, for so many seconds, has expired.
pub(crate) async fn until_expired(world: &World, seconds: u64) {
    let until = world.provider.now() + seconds;
    world
        .until("the token has expired", || world.provider.now() > until)
        .await;
}

/// The tokens that an API saw, in order.
#[track_caller]
pub(crate) fn bearers(upstream: &Upstream) -> Vec<String> {
    let seen = upstream.seen();
    seen.iter().filter_map(Seen::bearer).collect()
}

/// The refresh token of the last sign-in.
pub(crate) fn first_refresh_token(world: &World) -> String {
    let issued = world.provider.issued();
    issued.refresh_tokens.last().expect("it was given").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_calls_at_the_moment_of_expiry_are_one_refresh() {
    const LIFETIME: u64 = 10;
    let upstream = Upstream::start().await;
    let world = lasting(LIFETIME, &upstream).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    until_expired(&world, LIFETIME).await;
    assert_eq!(world.provider.counts().token, 1);
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let browser = browser.clone();
        calls.spawn(async move { get(&browser, "/api/up/x").await });
    }
    for answer in calls.join_all().await {
        assert_passed(&answer, 200, "hello");
    }
    assert_eq!(world.provider.counts().token, 2, "one sign-in, one refresh");
    let issued = world.provider.issued();
    assert_eq!(issued.access_tokens.len(), 2);
    assert_eq!(
        bearers(&upstream),
        vec![issued.access_tokens[1].clone(); 100],
        "all of them go with the new token"
    );
    // A provider with reuse detection would have ended it, had the old one been sent twice (RFC 9700 section 4.14).
    world.provider.assert_clean();
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_come_while_a_refresh_is_under_way_wait_for_that_one() {
    let upstream = Upstream::start().await;
    let mut world = lasting(SHORT, &upstream).go().await;
    let browser = with_an_expired_token(&world).await;
    let old = first_refresh_token(&world);
    let stand_in = StandIn::takes_over(&mut world, |number| tokens(number, 3600).held()).await;
    let mut calls = JoinSet::new();
    let more = |calls: &mut JoinSet<_>| {
        for _ in 0..50 {
            let browser = browser.clone();
            calls.spawn(async move { get(&browser, "/api/up/x").await });
        }
    };
    more(&mut calls);
    world
        .until("the refresh is under way", || stand_in.count() == 1)
        .await;
    more(&mut calls);
    world.assert_signed_in(&browser).await;
    assert_eq!(
        upstream.count(),
        0,
        "nobody calls with a token that has expired"
    );
    stand_in.release();
    for answer in calls.join_all().await {
        assert_passed(&answer, 200, "hello");
    }
    assert_eq!(bearers(&upstream), vec![access(1); 100]);
    assert_eq!(stand_in.sent(), [old]);
    stand_in.leave(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ahead_of_expiry_a_token_is_renewed_and_nobody_waits() {
    const LIFETIME: u64 = 15;
    let upstream = Upstream::start().await;
    let world = lasting(LIFETIME, &upstream).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let signed_in = world.provider.now();
    world.provider.set_fault(Fault::TokenHang);
    let old = world.provider.issued().access_tokens[0].clone();
    let mut calls = 0;
    while world.provider.counts().token == 1 {
        let answer = get(&browser, "/api/up/x").await;
        assert_passed(&answer, 200, "hello");
        calls += 1;
        let now = world.provider.now();
        assert!(
            now < signed_in + LIFETIME,
            "it has expired, and nobody asked for another"
        );
        tokio::time::sleep(crate::program::LOOK_AGAIN).await;
    }
    let begun = world.provider.now();
    assert!(
        begun >= signed_in + LIFETIME / 2,
        "a token that is good for long is not renewed at each call"
    );
    // The refresh hangs, and the token is still good.
    let answer = get(&browser, "/api/up/x").await;
    assert_passed(&answer, 200, "hello");
    assert_eq!(bearers(&upstream), vec![old; calls + 1]);
    world.provider.release();
    let new = || world.provider.issued().access_tokens.get(1).cloned();
    world.until("it is renewed", || new().is_some()).await;
    let deadline = signed_in + LIFETIME;
    loop {
        assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
        if bearers(&upstream).pop() == new() {
            break;
        }
        assert!(
            world.provider.now() <= deadline,
            "the new one is never used"
        );
    }
    assert_eq!(world.provider.counts().token, 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_during_the_refresh_does_not_lose_the_new_token() {
    let upstream = Upstream::start().await;
    let mut world = lasting(SHORT, &upstream).go().await;
    let browser = with_an_expired_token(&world).await;
    let stand_in = StandIn::takes_over(&mut world, |number| tokens(number, 3600).held()).await;
    let caller = Caller::send(&world, &bytes(&world, &browser, "GET /api/up/gone", "")).await;
    world
        .until("the refresh is under way", || stand_in.count() == 1)
        .await;
    drop(caller);
    world
        .until_logged(|line| line["message"] == "a connection ended early")
        .await;
    stand_in.release();
    assert_passed(&get(&browser, "/api/up/next").await, 200, "hello");
    let seen = upstream.only();
    assert_eq!(
        (seen.target().as_str(), seen.bearer()),
        ("/base/next", Some(access(1)))
    );
    assert_eq!(stand_in.count(), 1, "it was kept, and is used");
    stand_in.leave(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_comes_replaces_the_old_one_and_one_that_does_not_leaves_it() {
    let upstream = Upstream::start().await;
    let mut world = lasting(SHORT, &upstream).go().await;
    let browser = with_an_expired_token(&world).await;
    let old = first_refresh_token(&world);
    let stand_in = StandIn::takes_over(&mut world, |number| match number {
        1 => tokens(1, 1),
        2 => Answer::json(&bare(2, 1)),
        _ => tokens(number, 3600),
    })
    .await;
    for number in 1..=3 {
        assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
        assert_eq!(bearers(&upstream).pop(), Some(access(number)));
        until_expired(&world, 1).await;
    }
    assert_eq!(stand_in.sent(), [old, refresh(1), refresh(1)]);
    for asked in stand_in.asked() {
        assert!(
            !asked.contains_key("scope"),
            "what was granted is granted on (RFC 6749 section 6)"
        );
    }
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    assert_eq!(stand_in.count(), 3, "the last one is good for an hour");
    stand_in.leave(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_a_lifetime_is_good_until_somebody_refuses_it() {
    let upstream = Upstream::start().await;
    let world = lasting(SHORT, &upstream).go().await;
    world.provider.set_fault(Fault::NoExpiresIn);
    let browser = with_an_expired_token(&world).await;
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    assert_eq!(world.provider.counts().token, 1);
    world.provider.clear_fault();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_persons_refresh_that_hangs_holds_nobody_else_up() {
    let upstream = Upstream::start().await;
    let mut world = lasting(SHORT, &upstream).go().await;
    let other = world.browser();
    world.sign_in(&other).await;
    let browser = with_an_expired_token(&world).await;
    let stand_in = StandIn::takes_over(&mut world, |number| match number {
        1 => tokens(1, 3600).held(),
        _ => tokens(number, 3600),
    })
    .await;
    let waiting = tokio::spawn({
        let browser = browser.clone();
        async move { get(&browser, "/api/up/x").await }
    });
    world
        .until("the refresh is under way", || stand_in.count() == 1)
        .await;
    assert_passed(&get(&other, "/api/up/x").await, 200, "hello");
    assert_eq!(bearers(&upstream), [access(2)]);
    stand_in.release();
    assert_passed(&waiting.await.unwrap(), 200, "hello");
    assert_eq!(bearers(&upstream), [access(2), access(1)], "each their own");
    stand_in.leave(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_says_anew_about_the_person_is_what_pages_see() {
    let upstream = Upstream::start().await;
    let world = lasting(SHORT, &upstream).go().await;
    let browser = with_an_expired_token(&world).await;
    let before = world.session(&browser).await;
    assert_eq!(before["user"]["name"], "Test User");
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    let after = world.session(&browser).await;
    assert_eq!(after["user"]["sub"], before["user"]["sub"]);
    assert_eq!(after["user"]["name"], before["user"]["name"]);
    for name in ["nonce", "at_hash", "sid", "iat", "exp"] {
        assert!(after["user"].get(name).is_none(), "{name}: {after}");
    }
    let left = |session: &serde_json::Value| session["expires_in"].as_u64().unwrap();
    assert!(
        left(&after) <= left(&before) + 1,
        "a refresh is no sign-in: the session's own end stays where it was"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_program_waits_for_a_refresh_and_its_tokens_are_kept() {
    for hangs_up in [false, true] {
        let upstream = Upstream::start().await;
        let mut world = lasting(SHORT, &upstream).go().await;
        let browser = with_an_expired_token(&world).await;
        let stand_in = StandIn::takes_over(&mut world, |number| tokens(number, 3600).held()).await;
        let request = bytes(&world, &browser, "GET /api/up/x", "");
        let mut caller = Some(Caller::send(&world, &request).await);
        world
            .until("the refresh is under way", || stand_in.count() == 1)
            .await;
        if hangs_up {
            caller = None;
            world
                .until_logged(|line| line["message"] == "a connection ended early")
                .await;
        }
        world.program().terminate();
        world
            .until_logged(|line| line["message"] == "ending: requests under way may finish")
            .await;
        assert!(!world.program().has_ended(), "it waits for the provider");
        stand_in.release();
        if let Some(mut caller) = caller {
            let answer = caller.answer("GET").await;
            assert_eq!(answer.head.status(), 200, "{}", answer.head.text());
        }
        let ended = world.ended_by_itself().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
        assert_eq!(stand_in.count(), 1);
        stand_in.leave(&world).await;
        let asked = world.provider.counts().token;
        world.start_again(&[]).await;
        assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
        assert_eq!(bearers(&upstream).pop(), Some(access(1)));
        assert_eq!(world.provider.counts().token, asked, "it was stored");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_right_after_a_refresh_loses_nothing() {
    let upstream = Upstream::start().await;
    let mut world = lasting(SHORT, &upstream).go().await;
    let browser = with_an_expired_token(&world).await;
    let stand_in = StandIn::takes_over(&mut world, |number| match number {
        1 => tokens(1, 1),
        _ => tokens(number, 3600),
    })
    .await;
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    world.cut_power().await;
    world.start_again(&[]).await;
    until_expired(&world, 1).await;
    // Without metadata there is no token endpoint to ask: the provider is back for them, and then gone again.
    stand_in.leave(&world).await;
    world.sign_in(&world.browser()).await;
    let stand_in = StandIn::takes_over(&mut world, |_| tokens(2, 3600)).await;
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    assert_eq!(
        stand_in.sent(),
        [refresh(1)],
        "the rotated one was stored, and not the one before"
    );
    world.cut_power().await;
    world.start_again(&[]).await;
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    assert_eq!(bearers(&upstream), [access(1), access(2), access(2)]);
    assert_eq!(stand_in.count(), 1);
    stand_in.leave(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_with_a_resource_of_its_own_gets_a_token_of_its_own() {
    const ORDERS: &str = "https://orders.example.com";
    const BILLS: &str = "https://bills.example.com/v2";
    let upstream = Upstream::start().await;
    let world = Start::default()
        .api_with("orders", &upstream, &format!("resource = \"{ORDERS}\""))
        .api_with("bills", &upstream, &format!("resource = \"{BILLS}\""))
        .api_with("plain", &upstream, "")
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let mut used = Vec::new();
    for name in ["orders", "orders", "bills", "plain", "orders", "bills"] {
        assert_passed(
            &get(&browser, &format!("/api/{name}/x")).await,
            200,
            "hello",
        );
        used.push(bearers(&upstream).pop().unwrap());
    }
    assert_eq!(
        (&used[0], &used[0]),
        (&used[1], &used[4]),
        "kept for its API"
    );
    assert_eq!(used[2], used[5]);
    assert_ne!(used[0], used[2]);
    assert_eq!(used[3], world.provider.issued().access_tokens[0]);
    assert!(used[3] != used[0] && used[3] != used[2]);
    let requests = world.provider.received().token_requests;
    let asked: Vec<_> = requests
        .iter()
        .skip(1)
        .map(|request| {
            let parameter = |name: &str| request.get(name).map(String::as_str);
            (parameter("grant_type"), parameter("resource"))
        })
        .collect();
    assert_eq!(
        asked,
        [
            (Some("refresh_token"), Some(ORDERS)),
            (Some("refresh_token"), Some(BILLS))
        ],
        "each is asked for once"
    );
    world.end().await;
}
