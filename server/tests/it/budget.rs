//! A budget of failed code exchanges for each client address: made-up codes do not reach the provider for ever.

use cloakroom_testkit::{Browser, Fault, Response};

use crate::start::Start;
use crate::world::World;

const LIMIT: usize = 3;

fn limited() -> Start {
    Start::default().set("CLOAKROOM_FAILED_EXCHANGES_A_MINUTE", LIMIT.to_string())
}

/// A sign-in whose code is made up, from this address as a proxy tells it.
async fn made_up(world: &World, browser: &Browser, address: &str) -> Response {
    let begun = browser
        .get("/auth/login")
        .navigate()
        .header("x-forwarded-for", address)
        .await;
    let state = begun.location_param("state").unwrap();
    let answer = browser
        .get(format!("/auth/callback?code=made-up&state={state}"))
        .navigate()
        .header("x-forwarded-for", address)
        .await;
    // The provider objects to made-up codes, as it should.
    world.provider.clear_protocol_errors();
    answer
}

fn code(answer: &Response) -> Option<String> {
    answer.location_param("code")
}

#[tokio::test(flavor = "multi_thread")]
async fn after_so_many_failed_exchanges_an_address_does_not_reach_the_provider_for_a_minute() {
    let world = limited().go().await;
    let browser = world.browser();
    for _ in 0..LIMIT {
        assert_eq!(
            code(&made_up(&world, &browser, "203.0.113.1").await).as_deref(),
            Some("code_refused")
        );
    }
    assert_eq!(world.provider.counts().token, LIMIT);
    let answer = made_up(&world, &browser, "203.0.113.1").await;
    world
        .assert_failed(
            &browser,
            &answer,
            "too_many_attempts",
            429,
            "Too many attempts",
        )
        .await;
    // A new browser, or what somebody writes into a header, is not a new address.
    for address in ["203.0.113.2", "198.51.100.1"] {
        let answer = made_up(&world, &world.browser(), address).await;
        assert_eq!(
            code(&answer).as_deref(),
            Some("too_many_attempts"),
            "no proxy is trusted, so {address} is not believed"
        );
    }
    assert_eq!(
        world.provider.counts().token,
        LIMIT,
        "nothing more was sent"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_client_has_a_budget_of_its_own() {
    let world = limited()
        .set("CLOAKROOM_TRUSTED_PROXIES", "127.0.0.1")
        .go()
        .await;
    let browser = world.browser();
    for _ in 0..LIMIT {
        made_up(&world, &browser, "203.0.113.1").await;
    }
    let spoofed = made_up(&world, &browser, "198.51.100.9, 203.0.113.1").await;
    assert_eq!(
        code(&spoofed).as_deref(),
        Some("too_many_attempts"),
        "what the client itself wrote does not count"
    );
    assert_eq!(
        code(&made_up(&world, &browser, "203.0.113.2").await).as_deref(),
        Some("code_refused"),
        "somebody else's does"
    );
    let subscriber = "2001:db8:1:2";
    for host in 0..LIMIT {
        made_up(&world, &browser, &format!("{subscriber}::{host}")).await;
    }
    let answer = made_up(&world, &browser, &format!("{subscriber}:a:b:c:d")).await;
    assert_eq!(
        code(&answer).as_deref(),
        Some("too_many_attempts"),
        "an IPv6 subscriber has a whole /64"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_success_nor_a_providers_own_trouble_costs_anything() {
    let world = limited().go().await;
    for _ in 0..=LIMIT {
        world.sign_in(&world.browser()).await;
    }
    for fault in [
        Fault::Token500,
        Fault::OktaJsonError,
        Fault::TokenAnswerLost,
        Fault::Token429InvalidGrant,
        Fault::Userinfo500,
    ] {
        println!("{fault:?}");
        world.provider.set_fault(fault);
        world.at_callback(&world.browser(), "/auth/login").await;
    }
    // What never gets as far as an exchange costs nothing either.
    for _ in 0..=LIMIT {
        world
            .browser()
            .get("/auth/callback?code=made-up&state=made-up")
            .navigate()
            .await;
    }
    world.provider.clear_fault();
    world.sign_in(&world.browser()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_sign_ins_one_after_another_cost_nothing() {
    let world = limited().go().await;
    let browser = world.browser();
    for _ in 0..10 {
        world.sign_in(&browser).await;
    }
    world
        .until("what the sessions before held is revoked", || {
            world.provider.counts().revoke == 18
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancels_goes_back_and_signs_in_after_all_arrives() {
    let world = World::start().await;
    let browser = world.browser();
    let begun = browser
        .get("/auth/login?return_to=/profile")
        .navigate()
        .await;
    world.provider.set_fault(Fault::AccessDenied {
        description: "The person pressed Cancel.".to_owned(),
    });
    let cancelled = browser.follow(begun.clone(), 2).await;
    world
        .assert_failed(
            &browser,
            &cancelled,
            "access_denied",
            403,
            "Sign-in was not allowed",
        )
        .await;
    assert_eq!(world.provider.counts().token, 0);
    // Back at the provider's page: the same authorization request, so the same state, and a code this time.
    world.provider.clear_fault();
    let answered = browser.follow(begun, 1).await;
    let requests = world.provider.received().authorize_requests;
    assert_eq!(requests[0]["state"], requests[1]["state"]);
    let answer = browser.follow(answered.clone(), 1).await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/profile")),
        "{}",
        answer.text()
    );
    world.assert_signed_in(&browser).await;
    // An answer with a code, on the other hand, is good once.
    browser.remove_cookie(&world.session_cookie());
    let again = browser.follow(answered, 1).await;
    world
        .assert_failed(
            &browser,
            &again,
            "state_spent",
            400,
            "This sign-in was already used",
        )
        .await;
    assert_eq!(world.provider.counts().token, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ten_times_locks_nobody_out() {
    let world = limited().go().await;
    let browser = world.browser();
    world.provider.set_fault(Fault::AccessDenied {
        description: "The person pressed Cancel.".to_owned(),
    });
    for _ in 0..10 {
        let answer = world.at_callback(&browser, "/auth/login").await;
        assert_eq!(code(&answer).as_deref(), Some("access_denied"));
    }
    world.provider.clear_fault();
    world.sign_in(&browser).await;
    world.sign_in(&world.browser()).await;
    assert_eq!(world.provider.counts().token, 2);
    world.end().await;
}
