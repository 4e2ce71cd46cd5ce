//! Refreshes that go wrong: what ends a session and what does not, and nobody is asked in a crowd
//! (RFC 6749 section 5.2, OpenID Connect Core 1.0 section 12.2; design, invariant 5;
//! oidcc-client-test-refresh-token, -invalid-issuer, -invalid-sub).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom_testkit::Browser;
use http::Method;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::caller::{assert_passed, assert_refused, get};
use crate::program::{LOOK_AGAIN, PATIENCE};
use crate::refresh::{
    SHORT, bearers, first_refresh_token, lasting, until_expired, with_an_expired_token,
};
use crate::stand_in::{StandIn, access, bare, error, lost, refresh, tokens};
use crate::start::Start;
use crate::upstream::{Answer, Upstream};

/// Calls until it is answered by the API.
async fn until_called(browser: &Browser) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = get(browser, "/api/up/x").await;
        if answer.status() == 200 {
            return;
        }
        assert_refused(&answer, 503, "provider_down", "until it is back");
        assert!(Instant::now() < deadline, "it never recovers");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_refresh_token_the_session_goes_on_and_says_so() {
    let upstream = Upstream::start().await;
    let world = lasting(6, &upstream)
        .set("CLOAKROOM_SCOPES", "openid profile")
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let session = world.session(&browser).await;
    assert_eq!(session["sign_in_again"], false, "{session}");
    assert!(
        session["api_expires_in"]
            .as_u64()
            .is_some_and(|left| left <= 6),
        "{session}"
    );
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    until_expired(&world, 6).await;
    for _ in 0..3 {
        let answer = get(&browser, "/api/up/x").await;
        assert_refused(&answer, 401, "sign_in_again", "nothing renews it");
        assert_eq!(answer.header_all("set-cookie"), [""; 0]);
    }
    let session = world.session(&browser).await;
    assert_eq!(
        (&session["signed_in"], &session["sign_in_again"]),
        (&json!(true), &json!(true)),
        "{session}"
    );
    assert_eq!(session["user"]["sub"], "00u1test");
    assert_eq!(browser.visit("/profile").await.status(), 200);
    assert_eq!((upstream.count(), world.provider.counts().token), (1, 1));
    world.sign_in(&browser).await;
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    assert_eq!(world.session(&browser).await["sign_in_again"], false);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_grant_ends_the_session_once_and_removes_the_cookie() {
    let upstream = Upstream::start().await;
    let mut world = lasting(SHORT, &upstream).go().await;
    let mut people = Vec::new();
    for status in [400, 401, 403] {
        let browser = world.browser();
        world.sign_in(&browser).await;
        people.push((status, browser));
    }
    until_expired(&world, SHORT).await;
    let stand_in = StandIn::takes_over(&mut world, |number| {
        error([400, 401, 403][(number - 1) % 3], "invalid_grant")
    })
    .await;
    for (at, (status, browser)) in people.iter().enumerate() {
        let thief = browser.copy();
        world.watch(&thief);
        let answer = get(browser, "/api/up/x").await;
        assert_refused(&answer, 401, "session_ended", &status.to_string());
        let removed = answer.set_cookies();
        assert!(
            removed
                .iter()
                .any(|cookie| cookie.name == world.session_cookie() && cookie.is_removal()),
            "{status}: {removed:?}"
        );
        assert_eq!(world.ticket(browser), None);
        for browser in [browser, &thief] {
            let answer = get(browser, "/api/up/x").await;
            assert_refused(&answer, 401, "signed_out", "from then on");
            world.assert_signed_out(browser).await;
        }
        assert_eq!(stand_in.count(), at + 1, "{status}: it is final");
    }
    assert_eq!((upstream.count(), world.sessions().await), (0, 0));
    stand_in.leave(&world).await;
    world.sign_in(&people[0].1).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_provider_has_ended_ends_here() {
    let upstream = Upstream::start().await;
    let world = lasting(SHORT, &upstream).go().await;
    let browser = with_an_expired_token(&world).await;
    world.provider.revoke_refresh_tokens();
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        let browser = browser.copy();
        world.watch(&browser);
        calls.spawn(async move { get(&browser, "/api/up/x").await });
    }
    let mut ended = 0;
    for answer in calls.join_all().await {
        let code = answer.header("cloakroom-error").unwrap().to_owned();
        assert!(matches!(code.as_str(), "session_ended" | "signed_out"));
        assert_refused(&answer, 401, &code, "twenty at once");
        ended += usize::from(code == "session_ended");
    }
    assert!(ended > 0, "somebody is told why");
    assert_eq!(world.provider.counts().token, 2, "one refresh for all");
    assert_eq!(world.sessions().await, 0);
    // The provider objects to what it revoked, as it should.
    world.provider.clear_protocol_errors();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_passes_signs_nobody_out_and_is_tried_again_later() {
    let upstream = Upstream::start().await;
    let mut world = lasting(SHORT, &upstream).go().await;
    let browser = with_an_expired_token(&world).await;
    let faults: Vec<(&str, Answer)> = vec![
        ("429 invalid_grant", error(429, "invalid_grant")),
        ("500", Answer::status(500, "no")),
        ("500 invalid_grant", error(500, "invalid_grant")),
        (
            "503 temporarily_unavailable",
            error(503, "temporarily_unavailable"),
        ),
        ("a dropped connection", Answer::HangUp),
        ("an answer that is lost", lost()),
    ];
    let wrong: Arc<Mutex<Option<Answer>>> = Arc::default();
    let given = Arc::new(AtomicUsize::new(0));
    let stand_in = StandIn::takes_over(&mut world, {
        let (wrong, given) = (Arc::clone(&wrong), Arc::clone(&given));
        move |_| {
            let fault = wrong.lock().unwrap().clone();
            fault.unwrap_or_else(|| tokens(given.fetch_add(1, Ordering::Relaxed) + 1, 1))
        }
    })
    .await;
    for (at, (name, fault)) in faults.into_iter().enumerate() {
        println!("{name}");
        *wrong.lock().unwrap() = Some(fault);
        let before = (stand_in.count(), upstream.count());
        let answer = get(&browser, "/api/up/x").await;
        assert_refused(&answer, 503, "provider_down", name);
        assert!(answer.header("retry-after").is_some(), "{name}");
        assert_eq!(answer.header_all("set-cookie"), [""; 0], "{name}");
        let tried = stand_in.count() - before.0;
        assert!((1..=2).contains(&tried), "{name}: {tried} requests");
        // A crowd does not become one at a provider that has trouble.
        for _ in 0..20 {
            let answer = get(&browser, "/api/up/x").await;
            assert_refused(&answer, 503, "provider_down", name);
        }
        let tried = stand_in.count() - before.0;
        assert!(tried < 12, "{name}: {tried} requests");
        world.assert_signed_in(&browser).await;
        assert_eq!(
            upstream.count(),
            before.1,
            "{name}: nobody calls without a token"
        );
        *wrong.lock().unwrap() = None;
        until_called(&browser).await;
        assert_eq!(bearers(&upstream).pop(), Some(access(at + 1)), "{name}");
        until_expired(&world, 1).await;
    }
    stand_in.leave(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_never_answers_is_given_up_and_the_session_lives() {
    let upstream = Upstream::start().await;
    let mut world = lasting(SHORT, &upstream).go().await;
    let browser = world.browser().timeout(Duration::from_mins(1));
    world.sign_in(&browser).await;
    until_expired(&world, SHORT).await;
    let hangs = Arc::new(Mutex::new(true));
    let stand_in = StandIn::takes_over(&mut world, {
        let hangs = Arc::clone(&hangs);
        move |number| {
            if *hangs.lock().unwrap() {
                Answer::Silence
            } else {
                tokens(number, 3600)
            }
        }
    })
    .await;
    let begun = Instant::now();
    let answer = get(&browser, "/api/up/x").await;
    assert_refused(&answer, 503, "provider_down", "silence");
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert!((1..=2).contains(&stand_in.count()));
    world.assert_signed_in(&browser).await;
    *hangs.lock().unwrap() = false;
    until_called(&browser).await;
    stand_in.leave(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_is_not_a_session_that_is_over() {
    let upstream = Upstream::start().await;
    let world = Start::default()
        .provider(|provider| {
            provider
                .access_token_lifetime(SHORT)
                .static_refresh_tokens()
        })
        .api("up", &upstream)
        .go()
        .await;
    let browser = with_an_expired_token(&world).await;
    world.provider.stop().await;
    let answer = get(&browser, "/api/up/x").await;
    assert_refused(&answer, 503, "provider_down", "nobody listens");
    world.assert_signed_in(&browser).await;
    world.provider.resume().await;
    until_called(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_asked_for_once_more_with_the_old_token() {
    for first in [lost(), Answer::HangUp] {
        let upstream = Upstream::start().await;
        let mut world = lasting(SHORT, &upstream).go().await;
        let browser = with_an_expired_token(&world).await;
        let old = first_refresh_token(&world);
        let stand_in = StandIn::takes_over(&mut world, move |number| {
            if number == 1 {
                first.clone()
            } else {
                tokens(number, 3600)
            }
        })
        .await;
        assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
        assert_eq!(
            bearers(&upstream),
            [access(2)],
            "the one who asked hears nothing of it"
        );
        assert_eq!(stand_in.count(), 2);
        let last = stand_in.asked().pop().unwrap();
        assert_eq!(last["refresh_token"], old);
        stand_in.leave(&world).await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_scopes_than_before_are_what_there_is() {
    let upstream = Upstream::start().await;
    let mut world = Start::default()
        .provider(|provider| provider.access_token_lifetime(SHORT))
        .api("up", &upstream)
        .api_with("groups", &upstream, "scopes = [\"groups\"]")
        .go()
        .await;
    let browser = with_an_expired_token(&world).await;
    let stand_in = StandIn::takes_over(&mut world, |number| {
        let mut body = bare(number, 1);
        body["scope"] = json!(if number == 2 {
            "openid profile"
        } else {
            "openid profile groups"
        });
        body["refresh_token"] = json!(refresh(number));
        Answer::json(&body)
    })
    .await;
    assert_passed(&get(&browser, "/api/groups/x").await, 200, "hello");
    until_expired(&world, 1).await;
    let answer = get(&browser, "/api/groups/x").await;
    assert_refused(&answer, 403, "scope_not_granted", "no longer granted");
    assert_passed(&get(&browser, "/api/up/x").await, 200, "hello");
    world.assert_signed_in(&browser).await;
    until_expired(&world, 1).await;
    assert_passed(&get(&browser, "/api/groups/x").await, 200, "hello");
    stand_in.leave(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_during_a_refresh_is_final_and_revokes_what_comes_of_it() {
    let upstream = Upstream::start().await;
    let mut world = lasting(SHORT, &upstream).go().await;
    let browser = with_an_expired_token(&world).await;
    let stand_in = StandIn::takes_over(&mut world, |number| tokens(number, 3600).held()).await;
    let thief = browser.copy();
    world.watch(&thief);
    let waiting = tokio::spawn({
        let browser = browser.copy();
        world.watch(&browser);
        async move { get(&browser, "/api/up/x").await }
    });
    world
        .until("the refresh is under way", || stand_in.count() == 1)
        .await;
    let answer = browser.request(Method::POST, "/auth/logout").fetch().await;
    assert_eq!(answer.status(), 204);
    stand_in.release();
    let answer = waiting.await.unwrap();
    assert_eq!(answer.status(), 401, "{}", answer.text());
    assert_eq!(upstream.count(), 0);
    world.assert_signed_out(&thief).await;
    world
        .until("the new refresh token is revoked", || {
            stand_in.revoked().contains(&refresh(1))
        })
        .await;
    assert_eq!(world.sessions().await, 0, "it did not come back");
    stand_in.leave(&world).await;
    world.end().await;
}
