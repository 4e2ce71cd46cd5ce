//! Third-party-initiated login (OpenID Connect Core section 4; conformance module
//! `oidcc-client-test-3rd-party-init-login`).

use cloakroom_testkit::{Browser, Response};

use crate::app::App;

fn link(app: &App, more: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("iss", &app.provider.issuer())
        .extend_pairs(more);
    format!("/auth/initiate?{}", query.finish())
}

async fn from_dashboard(app: &App, browser: &Browser, link: &str) -> Response {
    browser
        .get(link)
        .from_page(format!("{}/dashboard", app.provider.origin()))
        .await
}

#[tokio::test]
async fn a_dashboard_s_link_begins_an_ordinary_sign_in() {
    let app = App::start().await;
    let browser = app.browser();
    let target = format!("{}/private", app.public_url);
    let link = link(
        &app,
        &[
            ("target_link_uri", &target),
            ("login_hint", "user@example.com"),
            ("prompt", "none"),
            ("acr_values", "x"),
            ("return_to", "/other"),
        ],
    );
    let begun = from_dashboard(&app, &browser, &link).await;
    assert_eq!(begun.status(), 303, "{}", begun.text());
    assert!(
        begun
            .header("location")
            .unwrap()
            .starts_with(&app.provider.issuer())
    );
    assert_eq!(
        begun.location_param("login_hint").as_deref(),
        Some("user@example.com")
    );
    for ignored in [
        "prompt",
        "acr_values",
        "return_to",
        "target_link_uri",
        "iss",
    ] {
        assert_eq!(begun.location_param(ignored), None, "{ignored}");
    }
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
async fn a_post_is_led_to_the_same_by_get_because_it_has_no_cookies() {
    let app = App::start().await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    browser.get("/auth/login").navigate().await;
    let binding = browser.cookie(&app.cookie("binding")).unwrap().value;
    let issuer = app.provider.issuer();
    let target = format!("{}/private", app.public_url);
    let posted = browser
        .post_form(
            "/auth/initiate?iss=other",
            &[
                ("iss", &issuer),
                ("target_link_uri", &target),
                ("prompt", "none"),
            ],
        )
        .from_page(format!("{}/dashboard", app.provider.origin()))
        .await;
    assert_eq!(posted.status(), 303);
    assert_eq!(posted.set_cookies(), []);
    let location = posted.location().unwrap();
    let named: Vec<String> = location
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(
        (location.path(), named),
        (
            "/auth/initiate",
            vec!["iss".to_owned(), "target_link_uri".to_owned()]
        )
    );
    let begun = browser.follow(posted, 1).await;
    assert_eq!(
        browser.cookie(&app.cookie("binding")).unwrap().value,
        binding,
        "tabs that are under way stay so"
    );
    let answered = browser.follow(begun, 1).await;
    assert_eq!(
        browser.follow(answered, 1).await.header("location"),
        Some("/private")
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn without_a_target_it_leads_to_the_start_page() {
    let app = App::start().await;
    let browser = app.browser();
    for more in [&[][..], &[("target_link_uri", "")]] {
        let answer = app.at_callback(&browser, &link(&app, more)).await;
        assert_eq!(answer.header("location"), Some("/"));
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn another_issuer_or_none_begins_nothing() {
    let app = App::start().await;
    let browser = app.browser();
    let slash = format!("/auth/initiate?iss={}/", app.provider.issuer());
    for link in [
        "/auth/initiate",
        "/auth/initiate?iss=",
        "/auth/initiate?iss=https%3A%2F%2Fevil.example",
        &slash,
    ] {
        let answer = from_dashboard(&app, &browser, link).await;
        app.assert_failed(&browser, &answer, "issuer_unknown", 400)
            .await;
    }
    assert!(browser.cookies().is_empty());
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_target_elsewhere_is_refused_so_that_this_is_no_open_redirector() {
    let app = App::start().await;
    let browser = app.browser();
    for target in [
        "https://evil.example/",
        "/private",
        "//evil.example/",
        &format!("{}.evil.example/", app.public_url),
        &format!("{}/auth/logout", app.public_url),
        &format!("{}//evil.example", app.public_url),
    ] {
        let answer =
            from_dashboard(&app, &browser, &link(&app, &[("target_link_uri", target)])).await;
        app.assert_failed(&browser, &answer, "return_to_refused", 400)
            .await;
    }
    assert!(browser.cookies().is_empty());
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn what_could_be_read_two_ways_is_refused() {
    let app = App::start().await;
    let browser = app.browser();
    let issuer = app.provider.issuer();
    let twice = from_dashboard(&app, &browser, &link(&app, &[("iss", &issuer)])).await;
    app.assert_failed(&browser, &twice, "parameter_repeated", 400)
        .await;
    let long = "a".repeat(300);
    for hint in ["a\nb", &long] {
        let answer = from_dashboard(&app, &browser, &link(&app, &[("login_hint", hint)])).await;
        app.assert_failed(&browser, &answer, "parameter_malformed", 400)
            .await;
    }
    let posted = browser
        .post_form("/auth/initiate", &[("iss", &issuer), ("iss", "other")])
        .from_page(format!("{}/dashboard", app.provider.origin()))
        .await;
    app.assert_failed(&browser, &posted, "parameter_repeated", 400)
        .await;
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn only_a_navigation_gets_a_sign_in_and_a_head_gets_nothing() {
    let app = App::start().await;
    let browser = app.browser();
    let link = link(&app, &[]);
    for request in [
        browser.get(&link).frame(),
        browser.get(&link).prefetch(),
        browser.get(&link).fetch(),
        browser.get(&link).subresource("image"),
    ] {
        let answer = request.await;
        assert_eq!(
            (answer.status(), answer.header("cloakroom-error")),
            (403, Some("not_a_navigation"))
        );
        assert_eq!(answer.set_cookies(), []);
    }
    let head = browser.request(http::Method::HEAD, &link).await;
    assert_eq!(
        (head.status(), head.header("allow")),
        (405, Some("GET, POST"))
    );
    app.end(&[&browser]).await;
}
