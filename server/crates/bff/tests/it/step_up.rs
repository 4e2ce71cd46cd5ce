//! A route that needs a stronger or more recent sign-in (RFC 9470): offered, had, and had again when it is old.

use cloakroom_testkit::{Browser, Provider, Response};
use serde_json::json;

use crate::app::App;

const WAY: &str =
    "/auth/login?return_to=%2Fsafe&acr_values=urn%3Aokta%3Aloa%3A2fa%3Aany&max_age=300";

async fn fetched(browser: &Browser) -> Response {
    browser.get("/safe").fetch().await
}

#[tokio::test]
async fn a_program_is_told_what_a_sign_in_has_to_ask_for() {
    let app = App::start().await;
    let browser = app.browser();
    let nobody = fetched(&browser).await;
    assert_eq!(
        (nobody.status(), &nobody.json()["code"]),
        (401, &json!("signed_out"))
    );

    app.sign_in(&browser).await;
    let weak = fetched(&browser).await;
    assert_eq!(weak.status(), 401);
    let code = "insufficient_user_authentication";
    assert_eq!(weak.header("cloakroom-error"), Some(code));
    assert_eq!(
        weak.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        weak.header("www-authenticate"),
        None,
        "a cookie is no scheme of RFC 9110"
    );
    let document = weak.json();
    assert_eq!(document["code"], code);
    assert_eq!(document["acr_values"], json!(["urn:okta:loa:2fa:any"]));
    assert_eq!(document["max_age"], 300);
    assert_eq!(
        document["sign_in"],
        "/auth/login?acr_values=urn%3Aokta%3Aloa%3A2fa%3Aany&max_age=300"
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_person_is_asked_before_being_sent_away_and_comes_back() {
    let app = App::start().await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    let before = app.provider.received().authorize_requests.len();
    let page = browser.get("/safe").navigate().await;
    assert_eq!(page.status(), 401);
    let html = page.text();
    let link = format!("href=\"{}\"", WAY.replace('&', "&amp;"));
    assert!(html.contains(&link), "{html}");
    assert!(html.contains("Please confirm that it is you"), "{html}");
    assert_eq!(app.provider.received().authorize_requests.len(), before);

    let answer = app.at_callback(&browser, WAY).await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/safe"))
    );
    assert_eq!(fetched(&browser).await.text(), "Here are your furs");
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_strong_sign_in_grows_old() {
    let app = App::start().await;
    let browser = app.browser();
    app.at_callback(&browser, WAY).await;
    assert_eq!(fetched(&browser).await.status(), 200);
    app.advance(301);
    let old = fetched(&browser).await;
    assert_eq!((old.status(), &old.json()["max_age"]), (401, &json!(300)));
    app.at_callback(&browser, WAY).await;
    assert_eq!(fetched(&browser).await.status(), 200);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_provider_that_cannot_meet_it_leads_nobody_in_circles() {
    let provider = Provider::builder()
        .acr_values(["urn:okta:loa:1fa:any"])
        .start()
        .await;
    let app = App::before(provider, |_| {}, |builder| builder).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    let answer = app.at_callback(&browser, WAY).await;
    let code = "unmet_authentication_requirements";
    app.assert_failed(&browser, &answer, code, 403).await;
    assert_eq!(answer.location_param("return_to").as_deref(), Some("/safe"));
    assert_eq!(
        fetched(&browser).await.status(),
        401,
        "still signed in, still too weak"
    );
    assert_eq!(browser.get("/private").fetch().await.status(), 200);
    app.end(&[&browser]).await;
}
