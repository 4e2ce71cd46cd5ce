//! The provider down, at the start and in the middle of things: start-up does not need it, sessions do not need it, and
//! a sign-in says what is the matter (OpenID Connect Discovery 1.0 section 4).

use crate::program::{LOOK_AGAIN, PATIENCE};
use crate::start::Start;
use crate::world::World;

const DOWN: &str = "The sign-in service does not answer";

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_at_the_start_delays_sign_in_and_nothing_else() {
    let world = Start::default().provider_down().go().await;
    let browser = world.browser();
    world
        .until_logged(|line| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.contains("sign-in will work once it can"))
        })
        .await;
    let ready = browser.get("/readyz").bare().await;
    assert_eq!(
        (
            ready.status(),
            ready.json()["status"].as_str(),
            ready.json()["provider"].as_str()
        ),
        (200, Some("degraded"), Some("down"))
    );
    let page = browser.visit("/").await;
    assert_eq!(page.status(), 200);
    let answer = browser
        .get("/auth/login?return_to=/profile")
        .navigate()
        .await;
    let page = world
        .assert_failed(&browser, &answer, "provider_down", 503, DOWN)
        .await;
    assert!(page.text().contains("return_to=%2Fprofile"));
    let fetched = browser.get("/auth/login").fetch().await;
    assert_eq!(
        (fetched.status(), fetched.json()["code"].as_str()),
        (503, Some("provider_down"))
    );
    assert_eq!(fetched.header("retry-after"), Some("5"));
    assert_eq!(browser.cookies(), []);
    world.provider.resume().await;
    until_sign_in_begins(&world).await;
    world.sign_in(&browser).await;
    let ready = browser.get("/readyz").bare().await;
    assert_eq!(
        (ready.status(), ready.json()["status"].as_str()),
        (200, Some("ok"))
    );
    world.end().await;
}

/// The program asks again after a back-off that it keeps by its own clock.
async fn until_sign_in_begins(world: &World) {
    let browser = world.browser();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = browser.get("/auth/login").navigate().await;
        if answer
            .location()
            .is_some_and(|to| to.as_str().starts_with(&world.provider.issuer()))
        {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "it never finds the provider again"
        );
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_goes_down_during_a_sign_in_ends_it_on_a_page_and_nobody_elses_session() {
    let world = World::start().await;
    let (browser, other) = (world.browser(), world.browser());
    world.sign_in(&other).await;
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    world.provider.stop().await;
    let answer = browser.follow(answered, 1).await;
    let page = world
        .assert_failed(&browser, &answer, "provider_down", 503, DOWN)
        .await;
    assert!(page.text().contains("return_to=%2Fprofile"));
    world.assert_signed_out(&browser).await;
    world.assert_signed_in(&other).await;
    assert_eq!(other.visit("/profile").await.status(), 200);
    let begun = browser.get("/auth/login").navigate().await;
    assert_eq!(
        begun.status(),
        303,
        "the metadata are known: the browser is sent on"
    );
    world.provider.resume().await;
    world.sign_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_action_of_the_pages_policy_names_the_provider_also_while_it_is_down() {
    let world = Start::default().provider_down().go().await;
    let page = world.browser().visit("/").await;
    let policy = page.header("content-security-policy").unwrap().to_owned();
    assert!(
        policy.contains(&format!("form-action 'self' {}", world.provider.origin())),
        "{policy}"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_page_about_something_that_passes_says_when_to_ask_again() {
    let world = World::start().await;
    let browser = world.browser();
    for (code, status, seconds) in [
        ("provider_down", 503, "5"),
        ("store_down", 503, "5"),
        // The budget is by the minute.
        ("too_many_attempts", 429, "60"),
        ("sign_out_incomplete", 503, "5"),
    ] {
        let page = browser
            .get(format!("/auth/error?code={code}"))
            .navigate()
            .await;
        assert_eq!(
            (page.status(), page.header("retry-after")),
            (status, Some(seconds)),
            "{code}"
        );
    }
    let page = browser
        .get("/auth/error?code=access_denied")
        .navigate()
        .await;
    assert_eq!((page.status(), page.header("retry-after")), (403, None));
    world.end().await;
}
