//! Clients that hang up in the middle of a sign-in, and clients that come in crowds: an exchange that is under way runs
//! to its end and is accounted for, whoever still waits for it (design, invariants 2 and 5).

use cloakroom_testkit::{Browser, Fault};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::raw;
use crate::start::Start;
use crate::world::World;

const LIMIT: usize = 3;
/// Exchanges of one address that may be under way at once.
const UNDER_WAY: usize = 100;

fn limited() -> Start {
    Start::default().set("CLOAKROOM_FAILED_EXCHANGES_A_MINUTE", LIMIT.to_string())
}

/// The cookie header that proves this browser's sign-ins to be its own.
fn binding(world: &World, browser: &Browser) -> String {
    let name = world.binding_cookie();
    let cookie = browser.cookie(&name).expect("a sign-in was begun");
    format!("{name}={}", cookie.value)
}

/// Sends a callback whose exchange hangs, and hangs up once the provider has it.
async fn hang_up(world: &World, path: &str, cookie: &str) {
    let before = world.provider.counts().token;
    let stream = raw::begin(world, path, cookie).await;
    world
        .until("the token request is under way", || {
            world.provider.counts().token > before
        })
        .await;
    drop(stream);
}

/// Waits until the program has noticed that so many clients are gone.
async fn until_noticed(world: &World, clients: usize) {
    world
        .until_logged_times(clients, |line| {
            line["message"] == "a connection ended early"
        })
        .await;
}

/// What an honest sign-in ends with while the provider is down, which costs nothing: `too_many_attempts` where the
/// budget of this address is spent.
async fn probe(world: &World) -> Option<String> {
    world.provider.set_fault(Fault::Token500);
    let answer = world.at_callback(&world.browser(), "/auth/login").await;
    world.provider.clear_fault();
    answer.location_param("code")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_pays_for_its_failed_exchange_all_the_same() {
    let world = limited().go().await;
    let browser = world.browser();
    world.provider.set_fault(Fault::TokenHang);
    for _ in 0..LIMIT {
        let state = world.fresh_state(&browser).await;
        let path = format!("/auth/callback?code=made-up&state={state}");
        hang_up(&world, &path, &binding(&world, &browser)).await;
    }
    until_noticed(&world, LIMIT).await;
    world.provider.release();
    let mut code = probe(&world).await;
    for _ in 0..100 {
        if code.as_deref() != Some("provider_down") {
            break;
        }
        tokio::time::sleep(crate::program::LOOK_AGAIN).await;
        code = probe(&world).await;
    }
    assert_eq!(
        code.as_deref(),
        Some("too_many_attempts"),
        "three failures were charged, though nobody waited for the answers"
    );
    // The provider objects to made-up codes, as it should.
    world.provider.clear_protocol_errors();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_failing_callbacks_reaches_the_provider_a_hundred_at_once_and_then_no_more() {
    const CROWD: usize = UNDER_WAY + 30;
    let world = limited().go().await;
    let browser = world.browser();
    let mut addresses = Vec::new();
    for _ in 0..CROWD {
        let state = world.fresh_state(&browser).await;
        addresses.push(format!("/auth/callback?code=made-up&state={state}"));
    }
    world.provider.set_fault(Fault::TokenHang);
    let mut sent = JoinSet::new();
    for address in addresses {
        let browser = browser.clone();
        sent.spawn(async move { browser.get(address).navigate().await.location_param("code") });
    }
    for _ in 0..CROWD - UNDER_WAY - LIMIT {
        let code = sent.join_next().await.expect("there are more").unwrap();
        assert_eq!(
            code.as_deref(),
            Some("too_many_attempts"),
            "whoever is answered while the provider is silent was not let through"
        );
    }
    assert!(
        world.provider.counts().token <= UNDER_WAY + LIMIT,
        "{:?}",
        world.provider.counts()
    );
    world.provider.release();
    let refused = sent
        .join_all()
        .await
        .into_iter()
        .filter(|code| code.as_deref() == Some("code_refused"))
        .count();
    assert!(refused >= LIMIT, "those that were let through have failed");
    let reached = world.provider.counts().token;
    assert!(reached <= UNDER_WAY + LIMIT, "{reached}");
    world.provider.clear_protocol_errors();
    assert_eq!(probe(&world).await.as_deref(), Some("too_many_attempts"));
    assert_eq!(world.provider.counts().token, reached, "none goes through");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_people_of_one_office_who_sign_in_at_once_all_arrive() {
    let world = limited().go().await;
    world.provider.set_fault(Fault::TokenHang);
    let mut sent = JoinSet::new();
    for _ in 0..10 {
        let browser = world.browser();
        let answered = world.at_provider(&browser, "/auth/login").await;
        sent.spawn(async move { browser.follow(answered, 1).await });
    }
    world
        .until("all of them are under way", || {
            world.provider.counts().token == 10
        })
        .await;
    world.provider.release();
    for answer in sent.join_all().await {
        assert_eq!(answer.header("location"), Some("/"), "{}", answer.text());
    }
    world.end().await;
}

/// An honest sign-in whose browser is gone while the provider works on the exchange.
async fn gone(world: &World) -> (Browser, TcpStream) {
    let browser = world.browser();
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let location = answered.location().expect("the provider leads back");
    world.provider.set_fault(Fault::TokenHang);
    let cookie = binding(world, &browser);
    let path = &location[url::Position::BeforePath..];
    let stream = raw::begin(world, path, &cookie).await;
    world
        .until("the token request is under way", || {
            world.provider.counts().token == 1
        })
        .await;
    (browser, stream)
}

/// Both tokens that were issued are revoked, and the store holds nobody's session.
async fn assert_nothing_is_alive(world: &World) {
    let issued = world.provider.issued();
    assert_eq!(
        (issued.refresh_tokens.len(), issued.access_tokens.len()),
        (1, 1),
        "the exchange ran to its end"
    );
    let revoked = world.provider.received().revoked;
    for token in [&issued.refresh_tokens[0], &issued.access_tokens[0]] {
        assert!(revoked.contains(token), "a token is still alive");
    }
    assert_eq!(world.sessions().await, 0, "a session was made for nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_whose_browser_is_gone_leaves_neither_session_nor_token_alive() {
    let world = World::start().await;
    let (browser, stream) = gone(&world).await;
    drop(stream);
    until_noticed(&world, 1).await;
    world.provider.release();
    world
        .until("its tokens are revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    assert_nothing_is_alive(&world).await;
    world.assert_signed_out(&browser).await;
    world.sign_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_program_waits_for_the_exchange_of_a_browser_that_is_gone() {
    let mut world = World::start().await;
    let (browser, stream) = gone(&world).await;
    drop(stream);
    until_noticed(&world, 1).await;
    world.program().terminate();
    world
        .until_logged(|line| line["message"] == "ending: requests under way may finish")
        .await;
    assert!(!world.program().has_ended(), "it waits for the provider");
    world.provider.release();
    let ended = world.ended_by_itself().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    assert_nothing_is_alive(&world).await;
    world.start_again(&[]).await;
    world.assert_signed_out(&browser).await;
    world.end().await;
}
