//! Silent sign-in, `prompt=none` in the whole window: what the provider answers is an answer (OpenID Connect Core
//! section 3.1.2.6).

use cloakroom_bff::ResponseMode;
use cloakroom_testkit::{Fault, Provider, User};

use crate::app::App;

const SILENTLY: &str = "/auth/login?prompt=none&return_to=/private";

fn somebody_at(provider: &Provider) {
    provider.set_user(User::default());
}

#[tokio::test]
async fn who_is_signed_in_at_the_provider_is_signed_in_without_a_question() {
    let app = App::start().await;
    let browser = app.browser();
    let answer = app.at_callback(&browser, SILENTLY).await;
    assert_eq!(answer.header("location"), Some("/private"));
    let session = app.look(&browser).await;
    assert_eq!(session["signed_in"], true);
    assert_eq!(session.get("silent_sign_in"), None);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn login_required_is_an_answer_and_is_said_once() {
    let app = App::start().await;
    app.provider.sign_out_user();
    let browser = app.browser();
    let answer = app.at_callback(&browser, SILENTLY).await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/private"))
    );
    assert_eq!(
        app.look(&browser).await,
        serde_json::json!({ "signed_in": false, "silent_sign_in": "login_required" })
    );
    assert_eq!(
        app.look(&browser).await,
        serde_json::json!({ "signed_in": false })
    );
    assert_eq!(app.provider.counts().token, 0);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn it_waits_two_minutes_to_be_heard_and_a_sign_in_takes_it_back() {
    let app = App::start().await;
    app.provider.sign_out_user();
    let (late, signed_in) = (app.browser(), app.browser());
    app.at_callback(&late, SILENTLY).await;
    late.advance(121);
    assert_eq!(app.look(&late).await.get("silent_sign_in"), None);
    app.at_callback(&signed_in, SILENTLY).await;
    somebody_at(&app.provider);
    app.sign_in(&signed_in).await;
    assert_eq!(app.look(&signed_in).await.get("silent_sign_in"), None);
    app.end(&[&late, &signed_in]).await;
}

#[tokio::test]
async fn the_session_that_is_there_stays() {
    let app = App::start().await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    app.provider.sign_out_user();
    let answer = app.at_callback(&browser, SILENTLY).await;
    assert_eq!(answer.header("location"), Some("/private"));
    let session = app.touch(&browser).await;
    assert_eq!(
        (&session["signed_in"], &session["silent_sign_in"]),
        (&true.into(), &"login_required".into())
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn every_wish_to_ask_is_an_answer_and_nothing_is_spent_for_it() {
    let app = App::start().await;
    let browser = app.browser();
    let answered = app.at_provider(&browser, SILENTLY).await;
    let state = answered.location_param("state").unwrap();
    for error in [
        "login_required",
        "consent_required",
        "interaction_required",
        "account_selection_required",
    ] {
        let answer = browser
            .get(format!("/auth/callback?error={error}&state={state}"))
            .navigate()
            .await;
        assert_eq!(answer.header("location"), Some("/private"), "{error}");
        assert_eq!(app.look(&browser).await["silent_sign_in"], error);
    }
    let answer = browser.follow(answered, 1).await;
    assert_eq!(answer.header("location"), Some("/private"));
    assert_eq!(
        app.look(&browser).await["signed_in"],
        true,
        "the same state is still good for a code"
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn any_other_error_is_a_failure_and_so_is_a_question_after_an_ordinary_sign_in() {
    let app = App::start().await;
    let browser = app.browser();
    app.provider.set_fault(Fault::AccessDenied {
        description: "no".to_owned(),
    });
    let answer = app.at_callback(&browser, SILENTLY).await;
    app.assert_failed(&browser, &answer, "access_denied", 403)
        .await;
    for link in [
        "/auth/login?return_to=/private",
        "/auth/login?prompt=login&return_to=/private",
    ] {
        let begun = browser.get(link).navigate().await;
        let state = begun.location_param("state").unwrap();
        let answer = browser
            .get(format!("/auth/callback?error=login_required&state={state}"))
            .navigate()
            .await;
        app.assert_failed(&browser, &answer, "interaction_required", 401)
            .await;
    }
    assert_eq!(app.look(&browser).await.get("silent_sign_in"), None);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn another_browser_s_or_another_provider_s_answer_is_none() {
    let app = App::start().await;
    app.provider.sign_out_user();
    let (browser, stranger) = (app.browser(), app.browser());
    let answered = app.at_provider(&browser, SILENTLY).await;
    let answer = stranger.follow(answered.clone(), 1).await;
    app.assert_failed(&stranger, &answer, "state_foreign", 400)
        .await;
    let state = answered.location_param("state").unwrap();
    let mixed_up = browser
        .get(format!(
            "/auth/callback?error=login_required&iss=https%3A%2F%2Fevil.example&state={state}"
        ))
        .navigate()
        .await;
    app.assert_failed(&browser, &mixed_up, "issuer_mismatch", 400)
        .await;
    assert_eq!(app.look(&browser).await.get("silent_sign_in"), None);
    app.end(&[&browser, &stranger]).await;
}

#[tokio::test]
async fn it_is_for_the_whole_window_not_for_a_frame() {
    let app = App::start().await;
    let browser = app.browser();
    for request in [
        browser.get(SILENTLY).frame(),
        browser.get(SILENTLY).prefetch(),
    ] {
        let answer = request.await;
        assert_eq!(
            (answer.status(), answer.header("cloakroom-error")),
            (403, Some("not_a_navigation"))
        );
    }
    assert!(browser.cookies().is_empty());
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_posted_answer_is_heard_as_well() {
    let app = App::with(
        |settings| settings.response_mode = ResponseMode::FormPost,
        |builder| builder,
    )
    .await;
    let browser = app.browser();
    let posted = app.posted(&browser, "/auth/login").await;
    browser.follow(posted, 1).await;
    app.provider.sign_out_user();
    let answer = app.posted(&browser, SILENTLY).await;
    assert_eq!(answer.header("location"), Some("/private"));
    let session = app.look(&browser).await;
    assert_eq!(
        (&session["signed_in"], &session["silent_sign_in"]),
        (&true.into(), &"login_required".into())
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_made_up_cookie_says_nothing() {
    let app = App::start().await;
    let browser = app.browser();
    browser.set_cookie_raw(
        &app.public_url,
        &format!("{}=<script>; Path=/", app.cookie("silent")),
    );
    assert_eq!(
        app.look(&browser).await,
        serde_json::json!({ "signed_in": false })
    );
    app.end(&[&browser]).await;
}
