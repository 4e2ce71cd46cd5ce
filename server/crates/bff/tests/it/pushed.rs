//! Pushed authorization requests (RFC 9126): where the provider requires them or a setting asks for them.

use std::collections::HashMap;

use cloakroom_bff::{Par, ResponseMode, Settings};
use cloakroom_testkit::{Fault, Provider, Response};

use crate::app::App;

async fn start(par: Par) -> App {
    App::with(|settings| settings.par = par, |builder| builder).await
}

fn sent(begun: &Response) -> HashMap<String, String> {
    begun
        .location()
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

#[tokio::test]
async fn the_browser_carries_a_reference_and_nothing_else() {
    let app = start(Par::Always).await;
    let browser = app.browser();
    let begun = browser
        .get("/auth/login?return_to=/private&login_hint=user@example.com&max_age=600&ui_locales=de")
        .navigate()
        .await;
    let carried = sent(&begun);
    assert_eq!(carried.len(), 2, "{carried:?}");
    assert_eq!(carried["client_id"], app.provider.client_id());
    assert!(carried["request_uri"].starts_with("urn:"));
    let pushed = app.provider.received().pushed_requests.remove(0);
    for name in [
        "state",
        "nonce",
        "code_challenge",
        "redirect_uri",
        "scope",
        "login_hint",
        "max_age",
        "ui_locales",
    ] {
        assert!(pushed.contains_key(name), "{name}");
    }
    assert!(!pushed.contains_key("request_uri"));
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
async fn by_itself_it_pushes_where_the_provider_requires_it() {
    let provider = Provider::builder()
        .require_pushed_authorization_requests()
        .start()
        .await;
    let app = App::before(provider, |_| {}, |builder| builder).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    assert_eq!(app.provider.counts().par, 1);
    app.end(&[&browser]).await;
    for par in [Par::Auto, Par::Off] {
        let app = start(par).await;
        let browser = app.browser();
        app.sign_in(&browser).await;
        assert_eq!(app.provider.counts().par, 0, "{par:?}");
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn a_fetch_a_dashboard_and_form_post_push_as_well() {
    let setting = |settings: &mut Settings| {
        settings.par = Par::Always;
        settings.response_mode = ResponseMode::FormPost;
    };
    let app = App::with(setting, |builder| builder).await;
    let browser = app.browser();
    let fetched = browser.get("/auth/login").fetch().await;
    assert!(
        fetched.json()["location"]
            .as_str()
            .unwrap()
            .contains("request_uri=")
    );
    let link = format!("/auth/initiate?iss={}", app.provider.issuer());
    let posted = app.posted(&browser, &link).await;
    assert_eq!(
        browser.follow(posted, 1).await.header("location"),
        Some("/")
    );
    let pushed = app.provider.received().pushed_requests;
    assert_eq!(pushed.len(), 2);
    assert!(
        pushed
            .iter()
            .all(|request| request["response_mode"] == "form_post")
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn what_is_refused_leads_nobody_anywhere_and_sets_no_cookie() {
    for (fault, code, status) in [
        (
            Fault::Par400("invalid_scope".to_owned()),
            "client_refused",
            502,
        ),
        (
            Fault::Par400("invalid_request".to_owned()),
            "client_refused",
            502,
        ),
        (Fault::Par401, "client_refused", 502),
        (Fault::Par405, "provider_answer", 502),
        (Fault::Par413, "provider_answer", 502),
        (Fault::Par429, "provider_down", 503),
        (Fault::Par500, "provider_down", 503),
        (Fault::ParEmpty, "provider_answer", 502),
        (Fault::ParHtml, "provider_answer", 502),
        (Fault::ParNotJson, "provider_answer", 502),
        (Fault::ParRedirect, "provider_answer", 502),
        (Fault::ParNoRequestUri, "provider_answer", 502),
        (Fault::ParEmptyRequestUri, "provider_answer", 502),
        (Fault::ParExpiresInString, "provider_answer", 502),
    ] {
        let app = start(Par::Always).await;
        app.provider.set_fault(fault.clone());
        let browser = app.browser();
        let answer = browser
            .get("/auth/login?return_to=/private")
            .navigate()
            .await;
        let page = app.assert_failed(&browser, &answer, code, status).await;
        assert!(
            page.text().contains("return_to=%2Fprivate"),
            "{fault:?}: {}",
            page.text()
        );
        assert!(browser.cookies().is_empty(), "{fault:?}");
        assert_eq!(
            (app.provider.counts().par, app.provider.counts().authorize),
            (1, 0),
            "{fault:?}"
        );
        let fetched = browser.get("/auth/login").fetch().await;
        assert_eq!(
            (fetched.status(), fetched.json()["code"].as_str()),
            (status, Some(code)),
            "{fault:?}"
        );
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn a_provider_that_is_down_or_has_no_endpoint_begins_nothing() {
    let provider = Provider::builder()
        .without_pushed_authorization_requests()
        .start()
        .await;
    let app = App::before(
        provider,
        |settings| settings.par = Par::Always,
        |builder| builder,
    )
    .await;
    let browser = app.browser();
    let answer = browser.get("/auth/login").navigate().await;
    app.assert_failed(&browser, &answer, "provider_answer", 502)
        .await;
    app.end(&[&browser]).await;
    let app = start(Par::Always).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    app.provider.stop().await;
    let answer = browser.get("/auth/login").navigate().await;
    app.assert_failed(&browser, &answer, "provider_down", 503)
        .await;
    assert_eq!(app.look(&browser).await["signed_in"], true);
    app.provider.resume().await;
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn nobody_floods_the_provider_by_way_of_us() {
    let setting = |settings: &mut Settings| {
        settings.par = Par::Always;
        settings.pushed_requests_a_minute = 3;
    };
    let app = App::with(setting, |builder| builder).await;
    let browser = app.browser();
    for _ in 0..3 {
        assert_eq!(
            browser
                .get("/auth/login")
                .navigate()
                .await
                .location_param("code"),
            None
        );
    }
    for _ in 0..5 {
        let answer = browser
            .get("/auth/login?return_to=/private")
            .navigate()
            .await;
        app.assert_failed(&browser, &answer, "too_many_attempts", 429)
            .await;
    }
    assert_eq!(app.provider.counts().par, 3);
    app.advance(60);
    app.sign_in(&browser).await;
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn without_pushing_nothing_is_counted() {
    let app = App::with(
        |settings| settings.pushed_requests_a_minute = 1,
        |builder| builder,
    )
    .await;
    let browser = app.browser();
    for _ in 0..5 {
        assert_eq!(
            browser
                .get("/auth/login")
                .navigate()
                .await
                .location_param("code"),
            None
        );
    }
    app.end(&[&browser]).await;
}
