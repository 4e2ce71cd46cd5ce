//! What the provider is asked for: scopes, of which it may grant fewer, and parameters of a link or of the settings
//! (RFC 6749 section 3.3, OpenID Connect Core section 3.1.2.1).

use cloakroom_testkit::Fault;
use serde_json::json;

use crate::discovery::signs_out;
use crate::start::Start;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_server_with_scopes_of_its_own_is_asked_for_none() {
    let asks_for_none = || Start::default().set("CLOAKROOM_SCOPES", "provider-default");
    let world = asks_for_none()
        .provider(|provider| provider.default_scopes(["openid", "profile"]))
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    assert!(!world.provider.received().authorize_requests[0].contains_key("scope"));
    let user = &world.session(&browser).await["user"];
    assert_eq!(
        (&user["name"], user.get("email")),
        (&json!("Test User"), None)
    );
    world.end().await;
    // One without any says so, and the operator reads what to do.
    let world = asks_for_none().go().await;
    let browser = world.browser();
    let answer = world.at_callback(&browser, "/auth/login").await;
    let title = "The sign-in service reports an error";
    world
        .assert_failed(&browser, &answer, "provider_error", 502, title)
        .await;
    world
        .until_logged(|line| {
            line["hint"]
                .as_str()
                .is_some_and(|text| text.contains("scope"))
        })
        .await;
    world.provider.clear_protocol_errors();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_scopes_than_were_asked_for_sign_in_and_are_said_to_the_operator() {
    let world = World::start().await;
    world
        .provider
        .set_granted_scopes(Some(&["openid", "profile"]));
    let browser = world.browser();
    world.sign_in(&browser).await;
    let user = &world.session(&browser).await["user"];
    assert_eq!(
        (&user["name"], user.get("email")),
        (&json!("Test User"), None)
    );
    let said = world
        .until_logged(|line| line["withheld"].is_string())
        .await;
    assert_eq!(said["withheld"], "email offline_access");
    signs_out(&browser).await;
    world
        .until("the access token is revoked", || {
            world.provider.counts().revoke == 1
        })
        .await;
    assert_eq!(
        world.provider.received().revoked,
        world.provider.issued().access_tokens
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_refresh_token_there_is_a_session_and_one_token_to_revoke() {
    let world = Start::default().fault(Fault::NoRefreshToken).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world
        .until_logged(|line| line["has_refresh_token"] == false)
        .await;
    signs_out(&browser).await;
    world
        .until("the access token is revoked", || {
            world.provider.counts().revoke == 1
        })
        .await;
    assert_eq!(
        world.provider.received().revoked,
        world.provider.issued().access_tokens
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_link_may_carry_and_what_is_fixed_arrive_and_nothing_else_does() {
    let world = Start::default()
        .set("CLOAKROOM_LOGIN_PARAMETERS", "connection, organization")
        .set(
            "CLOAKROOM_AUTHORIZE_PARAMETERS",
            "audience=api://default connection=main ui_locales=de note=a%20b%25&c=d",
        )
        .go()
        .await;
    let browser = world.browser();
    let link = "/auth/login?ui_locales=fr-CA%20fr&idp=0oa62bc8wppPw0UGr0h7&organization=acme%26co&connection=other\
        &unknown=x&scope=openid%20admin&redirect_uri=https%3A%2F%2Fevil.example&nonce=mine&state=mine&response_mode=fragment\
        &request=eyJ&client_id=another";
    let answer = world.at_callback(&browser, link).await;
    assert_eq!(answer.header("location"), Some("/"), "{}", answer.text());
    world.sign_in(&browser).await;
    let sent = world.provider.received().authorize_requests;
    for (name, link, plain) in [
        ("ui_locales", Some("fr-CA fr"), Some("de")),
        ("idp", Some("0oa62bc8wppPw0UGr0h7"), None),
        ("organization", Some("acme&co"), None),
        ("connection", Some("other"), Some("main")),
        ("audience", Some("api://default"), Some("api://default")),
        ("note", Some("a b%&c=d"), Some("a b%&c=d")),
        ("unknown", None, None),
        ("request", None, None),
        ("response_mode", None, None),
        (
            "client_id",
            Some(world.provider.client_id().as_str()),
            Some(world.provider.client_id().as_str()),
        ),
        (
            "scope",
            Some("openid profile email offline_access"),
            Some("openid profile email offline_access"),
        ),
    ] {
        assert_eq!(sent[0].get(name).map(String::as_str), link, "{name}");
        assert_eq!(sent[1].get(name).map(String::as_str), plain, "{name}");
    }
    for odd in [
        "ui_locales=de;q=1",
        "ui_locales=de%20%20fr",
        "ui_locales=%3Cb%3E",
        "idp=a%20b",
        "idp=%00",
        "idp=%C3%BC",
        "organization=a%0Ab",
        "organization=%00",
        "organization=a&organization=b",
    ] {
        let answer = browser.get(format!("/auth/login?{odd}")).navigate().await;
        assert_eq!(answer.location().unwrap().path(), "/auth/error", "{odd}");
    }
    world
        .until("the first session is revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    world.end().await;
}
