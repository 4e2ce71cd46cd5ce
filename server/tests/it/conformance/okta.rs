//! Okta's own relying-party scenarios (`okta-oidc-tck`), against the built program.

use cloakroom_testkit::Fault;

use super::modules;
use crate::start::Start;

modules! {
    /// `wrongState`
    okta_tck_wrong_state: Fault::AlterState;
    /// `noAuthCode`
    okta_tck_no_auth_code: Fault::NoCode;
    /// `invalidSignature`
    okta_tck_invalid_signature: Fault::BadSignature;
    /// `wrongKeyId`
    okta_tck_wrong_key_id: Fault::UnknownKid;
    /// `wrongAudience`
    okta_tck_wrong_audience: Fault::WrongAud;
    /// `invalidIssuer`
    okta_tck_invalid_issuer: Fault::WrongIss;
    /// `issuedInFuture`, by an hour.
    okta_tck_issued_in_future: Fault::IssuedInFuture;
    /// `expired`
    okta_tck_expired: Fault::Expired;
    /// `nbf` in an hour.
    okta_tck_nbf_in_future: Fault::NbfInFuture;
    /// `unsigned`
    okta_tck_unsigned: Fault::AlgNone;
}

/// `redirectToLogin`: a redirect with exactly what Okta needs.
#[tokio::test(flavor = "multi_thread")]
async fn okta_tck_redirect_to_login() {
    let world = Start::default().go().await;
    let browser = world.browser();
    let begun = browser.get("/auth/login").navigate().await;
    assert_eq!(begun.status(), 303);
    let parameter = |name: &str| begun.location_param(name).unwrap_or_default();
    assert_eq!(parameter("client_id"), world.provider.client_id());
    assert_eq!(parameter("response_type"), "code");
    assert_eq!(
        parameter("redirect_uri"),
        format!("{}/auth/callback", world.public_url)
    );
    assert!(parameter("scope").contains("openid"));
    let state = parameter("state");
    // Okta refuses a state of other characters.
    assert!(
        state.len() >= 6
            && state
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b",._-".contains(&byte)),
        "{state}"
    );
    assert_eq!(parameter("code_challenge_method"), "S256");
    world.end().await;
}

/// `followRedirect`: the redirect leads to the provider, which answers it.
#[tokio::test(flavor = "multi_thread")]
async fn okta_tck_follow_redirect() {
    let world = Start::default().go().await;
    let browser = world.browser();
    let answer = world.at_provider(&browser, "/auth/login").await;
    assert_eq!(world.provider.counts().authorize, 1);
    assert!(answer.location_param("code").is_some(), "{}", answer.text());
    world.end().await;
}

/// `respondWithCode`: from the start page to a signed-in page in at most three hops after the code.
#[tokio::test(flavor = "multi_thread")]
async fn okta_tck_respond_with_code() {
    let world = Start::default().go().await;
    let browser = world.browser();
    let callback = world.at_callback(&browser, "/auth/login").await;
    assert_eq!(callback.status(), 303);
    let page = browser.follow(callback, 3).await;
    assert_eq!(page.status(), 200);
    let text = page.text();
    assert!(
        text.contains("Hello, ") && text.contains("Test User"),
        "{text}"
    );
    world.end().await;
}

/// `rpInitiatedLogout`: a form, a redirect, and nobody signed in.
#[tokio::test(flavor = "multi_thread")]
async fn okta_tck_rp_initiated_logout() {
    let mut world = Start::default().go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world.expect_hint();
    let answer = browser.post_form("/auth/logout", &[]).await;
    assert_eq!(answer.status(), 303, "{}", answer.text());
    world.assert_signed_out(&browser).await;
    world.end().await;
}
