//! How long a session lasts: idle and absolute (OWASP session management; design, invariant 4), and how long the
//! provider's metadata do (invariant 11).

use crate::app::App;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

#[tokio::test]
async fn a_session_ends_after_twelve_hours_without_a_request() {
    let app = App::start().await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    app.advance(12 * HOUR - 1);
    assert_eq!(app.look(&browser).await["expires_in"], 1);
    app.advance(1);
    let answer = browser.get("/auth/session").fetch().await;
    assert_eq!(answer.json()["signed_in"], false);
    assert!(
        answer
            .set_cookies()
            .iter()
            .any(|cookie| cookie.name.contains("session") && cookie.is_removal())
    );
    assert!(
        browser
            .cookies()
            .iter()
            .all(|cookie| !cookie.name.contains("session"))
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_request_extends_it_and_looking_does_not() {
    let app = App::start().await;
    let (active, idle) = (app.browser(), app.browser());
    app.sign_in(&active).await;
    app.sign_in(&idle).await;
    for _ in 0..3 {
        app.advance(6 * HOUR);
        assert_eq!(app.touch(&active).await["expires_in"], 12 * HOUR);
        let left = app.look(&idle).await;
        assert!(
            left["signed_in"] == false || left["expires_in"].as_u64().unwrap() <= 6 * HOUR,
            "{left}"
        );
    }
    assert_eq!(app.look(&idle).await["signed_in"], false);
    assert_eq!(active.get("/private").navigate().await.status(), 200);
    app.end(&[&active, &idle]).await;
}

#[tokio::test]
async fn whatever_happens_it_ends_seven_days_after_signing_in() {
    let app = App::start().await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    for hours in (0..7 * 24).step_by(8) {
        let session = app.touch(&browser).await;
        assert_eq!(session["signed_in"], true, "after {hours} hours");
        assert_eq!(
            session["session_expires_in"].as_u64().unwrap(),
            7 * DAY - hours * HOUR
        );
        app.advance(8 * HOUR);
    }
    assert_eq!(app.touch(&browser).await["signed_in"], false);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn the_idle_deadline_never_reaches_past_the_absolute_one() {
    let app = App::with(
        |settings| {
            settings.idle_seconds = 2 * HOUR;
            settings.absolute_seconds = 3 * HOUR;
        },
        |builder| builder,
    )
    .await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    app.advance(2 * HOUR - 60);
    assert_eq!(app.touch(&browser).await["expires_in"], HOUR + 60);
    app.advance(HOUR + 60);
    assert_eq!(app.touch(&browser).await["signed_in"], false);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_session_with_a_short_idle_time_lives_as_long_as_it_is_used() {
    let app = App::with(|settings| settings.idle_seconds = 60, |builder| builder).await;
    let (used, unused) = (app.browser(), app.browser());
    app.sign_in(&used).await;
    app.sign_in(&unused).await;
    for seconds in (10..=6 * 60).step_by(10) {
        app.advance(10);
        let session = app.touch(&used).await;
        assert_eq!(
            session["signed_in"], true,
            "after {seconds} seconds, ten after it was used"
        );
    }
    assert_eq!(app.look(&unused).await["signed_in"], false);
    app.advance(30);
    assert_eq!(app.look(&used).await["signed_in"], true);
    app.advance(31);
    assert_eq!(app.touch(&used).await["signed_in"], false);
    app.end(&[&used, &unused]).await;
}

#[tokio::test]
async fn metadata_that_are_old_serve_while_the_provider_is_down() {
    let app = App::start().await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    app.provider.stop().await;
    app.advance(2 * DAY);
    let begun = browser.get("/auth/login").navigate().await;
    assert_eq!(begun.status(), 303);
    assert!(
        begun
            .header("location")
            .unwrap()
            .starts_with(&app.provider.issuer()),
        "{:?}",
        begun.location()
    );
    let ready = browser.get("/readyz").bare().await;
    assert_eq!(
        (ready.status(), ready.json()["status"].as_str()),
        (200, Some("degraded"))
    );
    app.provider.resume().await;
    app.advance(61);
    app.sign_in(&browser).await;
    assert_eq!(browser.get("/readyz").bare().await.json()["status"], "ok");
    app.end(&[&browser]).await;
}
