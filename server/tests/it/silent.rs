//! Silent sign-in, `prompt=none` in the whole window: what the provider says to it is an answer, not a failure
//! (OpenID Connect Core sections 3.1.2.1 and 3.1.2.6).

use cloakroom_testkit::{Fault, User};
use serde_json::json;

use crate::start::Start;
use crate::world::{World, new_session};

const SILENTLY: &str = "/auth/login?prompt=none&return_to=/profile";
/// A page that anybody may see: the answer is on the next page too.
const SILENTLY_HOME: &str = "/auth/login?prompt=none";
const NOTICE: &str = "The sign-in service needs to ask you something first.";

const NO: [&str; 4] = [
    "login_required",
    "consent_required",
    "interaction_required",
    "account_selection_required",
];

/// From now on the provider says this to `prompt=none`.
fn say(world: &World, error: &str) {
    if error == "login_required" {
        world.provider.sign_out_user();
    } else {
        world.provider.set_user(User::default());
        world.provider.set_silent_error(Some(error));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_at_the_provider_is_signed_in_here_without_a_question() {
    let world = World::start().await;
    let browser = world.browser();
    let answer = world.at_callback(&browser, SILENTLY).await;
    assert_eq!(answer.header("location"), Some("/profile"));
    world.assert_signed_in(&browser).await;
    assert_eq!(world.session(&browser).await.get("silent_sign_in"), None);
    assert_eq!(
        world.provider.received().authorize_requests[0]["prompt"],
        "none"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_four_refusals_is_an_answer_that_is_said_once() {
    for mode in ["query", "form_post"] {
        let world = Start::default()
            .provider(|provider| provider.announce_iss(true))
            .set("CLOAKROOM_RESPONSE_MODE", mode)
            .go()
            .await;
        for error in NO {
            say(&world, error);
            let browser = world.browser();
            let answered = world.at_provider(&browser, SILENTLY_HOME).await;
            let answer = if mode == "query" {
                browser.follow(answered, 1).await
            } else {
                browser.submit_form(&answered).await
            };
            assert_eq!(
                (answer.status(), answer.header("location")),
                (303, Some("/")),
                "{mode}, {error}: {}",
                answer.text()
            );
            assert_eq!(new_session(&answer, &world.session_cookie()), None);
            assert_eq!(
                world.session(&browser).await,
                json!({ "signed_in": false, "silent_sign_in": error }),
                "{mode}"
            );
            world.assert_signed_out(&browser).await;
            let page = browser.follow(answer, 1).await;
            assert!(
                page.text().contains(NOTICE),
                "{mode}, {error}: {}",
                page.text()
            );
            assert!(!browser.visit("/").await.text().contains(NOTICE), "once");
        }
        assert_eq!(world.provider.counts().token, 0);
        world.provider.set_silent_error(None);
        let browser = world.browser();
        let answered = world.at_provider(&browser, SILENTLY).await;
        let answer = if mode == "query" {
            answered
        } else {
            browser.submit_form(&answered).await
        };
        assert_eq!(
            browser.follow(answer, 1).await.header("location"),
            Some("/profile"),
            "nothing of it stays in the way"
        );
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_that_is_there_stays_whatever_the_provider_says() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let ticket = world.ticket(&browser);
    for error in NO {
        say(&world, error);
        let answer = world.at_callback(&browser, SILENTLY).await;
        assert_eq!(answer.header("location"), Some("/profile"), "{error}");
        let session = world.session(&browser).await;
        assert_eq!(
            (&session["signed_in"], &session["silent_sign_in"]),
            (&json!(true), &json!(error))
        );
        assert_eq!(
            world.session(&browser).await.get("silent_sign_in"),
            None,
            "once"
        );
        assert_eq!(world.ticket(&browser), ticket);
    }
    assert_eq!(world.provider.counts().revoke, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authentication_that_is_too_old_is_an_answer_too() {
    let world = World::start().await;
    let browser = world.browser();
    world.provider.set_authentication_age(600);
    let answer = world
        .at_callback(&browser, "/auth/login?prompt=none&max_age=300")
        .await;
    assert_eq!(answer.header("location"), Some("/"));
    assert_eq!(
        world.session(&browser).await["silent_sign_in"],
        "login_required"
    );
    let answer = world
        .at_callback(&browser, "/auth/login?prompt=none&max_age=900")
        .await;
    assert_eq!(answer.header("location"), Some("/"));
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_error_is_a_failure_here_too() {
    let world = World::start().await;
    for (error, code, status, title) in [
        (
            "access_denied",
            "access_denied",
            403,
            "Sign-in was not allowed",
        ),
        (
            "server_error",
            "provider_down",
            503,
            "The sign-in service does not answer",
        ),
        (
            "invalid_request",
            "provider_error",
            502,
            "The sign-in service reports an error",
        ),
        (
            "Login_Required",
            "provider_error",
            502,
            "The sign-in service reports an error",
        ),
        (
            "login_required_",
            "provider_error",
            502,
            "The sign-in service reports an error",
        ),
    ] {
        let browser = world.browser();
        world
            .provider
            .set_fault(Fault::AuthorizationError(error.to_owned()));
        let answer = world.at_callback(&browser, SILENTLY).await;
        world
            .assert_failed(&browser, &answer, code, status, title)
            .await;
        world.assert_signed_out(&browser).await;
    }
    world.provider.clear_fault();
    assert_eq!(world.provider.counts().token, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_sign_in_that_may_ask_the_same_words_are_a_failure() {
    let world = World::start().await;
    for error in NO {
        world
            .provider
            .set_fault(Fault::AuthorizationError(error.to_owned()));
        for link in [
            "/auth/login",
            "/auth/login?prompt=login",
            "/auth/login?prompt=select_account%20consent",
        ] {
            let browser = world.browser();
            let answer = world.at_callback(&browser, link).await;
            let title = "You need to sign in";
            world
                .assert_failed(&browser, &answer, "interaction_required", 401, title)
                .await;
            world.assert_signed_out(&browser).await;
        }
    }
    world.provider.clear_fault();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_give_the_answer() {
    let world = Start::default()
        .provider(|provider| provider.announce_iss(true))
        .go()
        .await;
    say(&world, "login_required");
    let (browser, stranger) = (world.browser(), world.browser());
    let answered = world.at_provider(&browser, SILENTLY).await;
    let title = "Sign-in did not complete";
    let answer = stranger.follow(answered.clone(), 1).await;
    world
        .assert_failed(&stranger, &answer, "state_foreign", 400, title)
        .await;
    let state = answered.location_param("state").unwrap();
    // With another issuer, without one, and with a state of nobody's.
    let iss = "&iss=https%3A%2F%2Fevil.example";
    let wrong = browser
        .get(format!(
            "/auth/callback?error=login_required&state={state}{iss}"
        ))
        .navigate()
        .await;
    world
        .assert_failed(&browser, &wrong, "issuer_mismatch", 400, title)
        .await;
    let made_up = browser
        .get("/auth/callback?error=login_required&state=made-up")
        .navigate()
        .await;
    world
        .assert_failed(&browser, &made_up, "state_refused", 400, title)
        .await;
    for nobody in [&browser, &stranger] {
        world.assert_signed_out(nobody).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_a_prefetch_an_image_and_another_sites_script_get_nothing() {
    let world = World::start().await;
    let browser = world.browser();
    let elsewhere = "https://evil.example/";
    for request in [
        browser.get(SILENTLY).frame(),
        browser.get(SILENTLY).frame().from_own_page(),
        browser.get(SILENTLY).frame().from_page(elsewhere),
        browser.get(SILENTLY).prefetch(),
        browser
            .get(SILENTLY)
            .subresource("image")
            .from_page(elsewhere),
        browser.get(SILENTLY).fetch().from_page(elsewhere),
    ] {
        let answer = request.await;
        assert_eq!(answer.status(), 403, "{}", answer.text());
        assert_eq!(answer.set_cookies(), []);
        assert_eq!(answer.location(), None);
    }
    // And what comes back into a frame completes nothing.
    let answered = world.at_provider(&browser, SILENTLY).await;
    let framed = browser.get(answered.location().unwrap()).frame().await;
    assert_eq!(
        (framed.status(), framed.header("cloakroom-error")),
        (403, Some("not_a_navigation"))
    );
    assert_eq!(world.provider.counts().token, 0);
    world.assert_signed_out(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn none_stands_alone() {
    let world = World::start().await;
    let browser = world.browser();
    for prompt in [
        "none%20login",
        "login%20none",
        "none%20none",
        "NONE",
        "none+",
    ] {
        let answer = browser
            .get(format!("/auth/login?prompt={prompt}"))
            .navigate()
            .await;
        world
            .assert_failed(
                &browser,
                &answer,
                "parameter_malformed",
                400,
                "This address is not right",
            )
            .await;
    }
    assert_eq!(world.provider.counts().authorize, 0);
    world.end().await;
}
