//! What a sign-in link may carry to the provider (OpenID Connect Core section 3.1.2.1), and what a setting adds.

use std::collections::HashMap;

use cloakroom_bff::{ParameterName, Settings};
use cloakroom_testkit::Response;

use crate::app::App;

fn with_parameters(settings: &mut Settings) {
    settings.login_parameters = ["connection", "resource"]
        .map(|name| ParameterName::of_link(name).unwrap())
        .to_vec();
    settings.authorize_parameters = [
        ("audience", "https://api.example.com/?a=b&c"),
        ("resource", "https://a.example"),
    ]
    .map(|(name, value)| (ParameterName::fixed(name).unwrap(), value.to_owned()))
    .to_vec();
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
async fn languages_and_identity_provider_go_along() {
    let app = App::start().await;
    let browser = app.browser();
    let begun = browser
        .get("/auth/login?ui_locales=fr-CA+fr+en&idp=0oa62bfdjnK55Z5x80h7")
        .navigate()
        .await;
    let sent = sent(&begun);
    assert_eq!(sent["ui_locales"], "fr-CA fr en");
    assert_eq!(sent["idp"], "0oa62bfdjnK55Z5x80h7");
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn only_what_a_setting_allows_goes_along_and_what_it_fixes_always() {
    let app = App::with(with_parameters, |builder| builder).await;
    let browser = app.browser();
    let plain = sent(
        &browser
            .get("/auth/login?organization=x&audience=evil&client_id=evil&scope=evil&request_uri=x")
            .navigate()
            .await,
    );
    assert_eq!(plain["audience"], "https://api.example.com/?a=b&c");
    assert_eq!(plain["resource"], "https://a.example");
    assert_eq!(plain["client_id"], app.provider.client_id());
    assert!(plain["scope"].starts_with("openid"));
    for absent in ["organization", "connection", "request_uri"] {
        assert_eq!(plain.get(absent), None, "{absent}");
    }
    let chosen = sent(
        &browser
            .get("/auth/login?connection=a%26b%3Dc&resource=https%3A%2F%2Fb.example")
            .navigate()
            .await,
    );
    assert_eq!(chosen["connection"], "a&b=c");
    assert_eq!(
        chosen["resource"], "https://b.example",
        "the link's own value counts"
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn values_that_no_provider_should_be_bothered_with_are_refused() {
    let app = App::with(with_parameters, |builder| builder).await;
    let browser = app.browser();
    let long = format!("connection={}", "a".repeat(513));
    for query in [
        "ui_locales=de_CH",
        "ui_locales=de,en",
        "idp=a%20b",
        "idp=%C3%A4",
        "connection=a%0Ab",
        &long,
        "prompt=none+login",
        "prompt=login+login",
        "max_age=-1",
        "max_age=99999999999",
        "acr_values=%C3%A4",
    ] {
        let answer = browser
            .get(format!("/auth/login?return_to=/private&{query}"))
            .navigate()
            .await;
        app.assert_failed(&browser, &answer, "parameter_malformed", 400)
            .await;
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn without_scopes_the_provider_grants_its_default_ones() {
    let app = App::with(
        |settings| settings.scopes = Some(Vec::new()),
        |builder| builder,
    )
    .await;
    let browser = app.browser();
    let begun = browser.get("/auth/login").navigate().await;
    assert!(!sent(&begun).contains_key("scope"));
    app.end(&[&browser]).await;
}
