//! A sign-in under way is good for thirty minutes (design, invariant 2; RFC 9700 section 4.7).

use cloakroom_testkit::Fault;

use crate::app::App;

const THIRTY_MINUTES: u64 = 30 * 60;

#[tokio::test]
async fn a_sign_in_is_good_until_thirty_minutes_have_passed() {
    let app = App::start().await;
    let browser = app.browser();
    let begun = browser
        .get("/auth/login?return_to=/private")
        .navigate()
        .await;
    // Twenty-nine minutes on the provider's page, and fifty-nine seconds.
    app.advance(THIRTY_MINUTES - 1);
    let answered = browser.follow(begun, 1).await;
    let answer = browser.follow(answered, 1).await;
    assert_eq!(
        answer.header("location"),
        Some("/private"),
        "{}",
        answer.text()
    );
    assert_eq!(app.look(&browser).await["signed_in"], true);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_state_that_is_too_old_is_refused_without_a_token_request_and_keeps_the_way_back() {
    let app = App::start().await;
    let browser = app.browser();
    let answered = app
        .at_provider(&browser, "/auth/login?return_to=/private")
        .await;
    app.advance(THIRTY_MINUTES);
    let answer = browser.follow(answered, 1).await;
    let page = app
        .assert_failed(&browser, &answer, "state_expired", 400)
        .await;
    assert!(
        page.text().contains("Sign-in took too long")
            && page.text().contains("return_to=%2Fprivate"),
        "{}",
        page.text()
    );
    assert_eq!(app.look(&browser).await["signed_in"], false);
    assert_eq!(
        (app.provider.counts().token, app.provider.counts().userinfo),
        (0, 0)
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_state_that_is_too_old_in_a_browser_that_is_signed_in_goes_to_its_return_path() {
    let app = App::start().await;
    let browser = app.browser();
    let answered = app
        .at_provider(&browser, "/auth/login?return_to=/private")
        .await;
    app.sign_in(&browser).await;
    app.advance(THIRTY_MINUTES);
    let answer = browser.follow(answered, 1).await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/private"))
    );
    assert_eq!(app.provider.counts().token, 1);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_session_that_does_not_satisfy_what_was_asked_does_not_go_on() {
    let app = App::start().await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    for link in [
        "/auth/login?return_to=/private&max_age=60",
        "/auth/login?return_to=/private&acr_values=phr",
    ] {
        let answered = app.at_provider(&browser, link).await;
        app.advance(THIRTY_MINUTES);
        let answer = browser.follow(answered, 1).await;
        app.assert_failed(&browser, &answer, "state_expired", 400)
            .await;
        assert_eq!(
            app.look(&browser).await["signed_in"],
            true,
            "and the session is what it was"
        );
    }
    let strong = app
        .at_callback(&browser, "/auth/login?acr_values=phr&max_age=7200")
        .await;
    assert_eq!(strong.header("location"), Some("/"));
    let answered = app
        .at_provider(
            &browser,
            "/auth/login?return_to=/private&acr_values=other%20phr&max_age=7200",
        )
        .await;
    app.advance(THIRTY_MINUTES);
    let answer = browser.follow(answered, 1).await;
    assert_eq!(
        answer.header("location"),
        Some("/private"),
        "one that does satisfy it goes on"
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_spent_state_stays_spent_until_it_is_late() {
    let app = App::start().await;
    let browser = app.browser();
    let answered = app.at_provider(&browser, "/auth/login").await;
    assert_eq!(
        browser.follow(answered.clone(), 1).await.header("location"),
        Some("/")
    );
    let thief = browser.copy();
    thief.remove_cookie(&format!("cloakroom-session-{}", url_port(&app.public_url)));
    for (after, code) in [
        (0, "state_spent"),
        (THIRTY_MINUTES - 1, "state_spent"),
        (1, "state_expired"),
        (24 * 3600, "state_expired"),
    ] {
        app.advance(after);
        let again = thief.follow(answered.clone(), 1).await;
        app.assert_failed(&thief, &again, code, 400).await;
    }
    assert_eq!(app.provider.counts().token, 1);
    app.end(&[&browser, &thief]).await;
}

fn url_port(url: &str) -> &str {
    url.rsplit(':').next().unwrap()
}

#[tokio::test]
async fn a_state_from_the_future_is_refused_beyond_what_clocks_differ_by() {
    let app = App::start().await;
    let browser = app.browser();
    let one = app.at_provider(&browser, "/auth/login").await;
    let other = app.at_provider(&browser, "/auth/login").await;
    app.clock.set(app.clock.now() - 61);
    let answer = browser.follow(one, 1).await;
    app.assert_failed(&browser, &answer, "state_expired", 400)
        .await;
    assert_eq!(app.provider.counts().token, 0);
    app.advance(1);
    let answer = browser.follow(other, 1).await;
    assert_eq!(
        answer.header("location"),
        Some("/"),
        "another instance's clock may be a minute ahead"
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_id_token_is_judged_by_this_clock_with_a_minutes_leeway() {
    for (ahead, good) in [(3600 + 45, true), (3600 + 120, false)] {
        let app = App::start().await;
        let browser = app.browser();
        app.sign_in(&browser).await;
        // The provider's clock stays behind: its token of an hour ends earlier by ours.
        app.clock.advance(ahead);
        let answered = app
            .at_provider(&browser, "/auth/login?return_to=/private")
            .await;
        let answer = browser.follow(answered, 1).await;
        let expected = if good { Some("/private") } else { None };
        assert_eq!(
            answer.header("location").filter(|to| !to.contains("error")),
            expected,
            "{ahead}"
        );
        if !good {
            app.assert_failed(&browser, &answer, "id_token_refused", 502)
                .await;
        }
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn a_fault_after_a_long_wait_is_still_a_fault() {
    let app = App::start().await;
    let browser = app.browser();
    let begun = browser.get("/auth/login").navigate().await;
    app.advance(THIRTY_MINUTES - 1);
    app.provider.set_fault(Fault::WrongNonce);
    let answered = browser.follow(begun, 1).await;
    let answer = browser.follow(answered, 1).await;
    app.assert_failed(&browser, &answer, "id_token_refused", 502)
        .await;
    assert_eq!(app.provider.counts().userinfo, 0);
    app.end(&[&browser]).await;
}
