//! What an authorization request may ask for, and what comes of it: age and context of the authentication, prompts,
//! scopes, and what is merely written down.

use cloakroom_testkit::{Fault, Provider};
use serde_json::json;

use crate::relying_party::*;

#[tokio::test]
async fn max_age_asks_for_a_new_authentication_where_the_old_one_is_too_old() {
    let (provider, browser) = provider().await;
    provider.set_authentication_age(600);
    for (max_age, age) in [("", 600), ("900", 600), ("300", 0), ("0", 0)] {
        let callback = authorize(&browser, &authorization_request_with("max_age", max_age)).await;
        let answer = exchange(&browser, &callback.location_param("code").unwrap())
            .await
            .json();
        let auth_time = decoded(text(&answer, "id_token")).1["auth_time"]
            .as_u64()
            .unwrap();
        let found = provider.now() - auth_time;
        assert!(
            (age..age + 5).contains(&found),
            "max_age={max_age}: {found}"
        );
    }
    for max_age in ["300", "0"] {
        let mut silent = authorization_request_with("max_age", max_age);
        silent.push(("prompt", "none".to_owned()));
        let refused = authorize(&browser, &silent).await;
        assert_eq!(refused.location_param("error").unwrap(), "login_required");
    }
    let again = authorize(&browser, &authorization_request_with("prompt", "login")).await;
    let answer = exchange(&browser, &again.location_param("code").unwrap())
        .await
        .json();
    assert!(
        provider.now()
            - decoded(text(&answer, "id_token")).1["auth_time"]
                .as_u64()
                .unwrap()
            < 5
    );
    provider.assert_clean();
}

#[tokio::test]
async fn a_context_that_cannot_be_had_is_an_error_and_unknown_values_are_passed_over() {
    let (provider, browser) =
        started(Provider::builder().acr_values(["phr", "urn:okta:loa:2fa:any"])).await;
    let metadata = browser.get(".well-known/openid-configuration").await.json();
    assert_eq!(
        metadata["acr_values_supported"],
        json!(["phr", "urn:okta:loa:2fa:any"])
    );
    let request = authorization_request_with("acr_values", "urn:example:unknown phr");
    let code = authorize(&browser, &request)
        .await
        .location_param("code")
        .unwrap();
    let answer = exchange(&browser, &code).await.json();
    assert_eq!(decoded(text(&answer, "id_token")).1["acr"], "phr");
    assert_eq!(decoded(text(&answer, "access_token")).1["acr"], "phr");
    let refused = authorize(
        &browser,
        &authorization_request_with("acr_values", "urn:example:unknown"),
    )
    .await;
    assert_eq!(
        refused.location_param("error").unwrap(),
        "unmet_authentication_requirements"
    );
    provider.assert_clean();
}

#[tokio::test]
async fn prompt_none_fails_in_the_way_the_test_says() {
    let (provider, browser) = provider().await;
    let silent = authorization_request_with("prompt", "none");
    assert!(
        authorize(&browser, &silent)
            .await
            .location_param("code")
            .is_some()
    );
    for error in [
        "login_required",
        "consent_required",
        "interaction_required",
        "account_selection_required",
    ] {
        provider.set_silent_error(Some(error));
        assert_eq!(
            authorize(&browser, &silent)
                .await
                .location_param("error")
                .unwrap(),
            error
        );
        assert!(
            authorize(&browser, &authorization_request())
                .await
                .location_param("code")
                .is_some()
        );
    }
    provider.set_silent_error(None);
    assert!(
        authorize(&browser, &silent)
            .await
            .location_param("code")
            .is_some()
    );
    provider.assert_clean();
}

#[tokio::test]
async fn default_and_granted_scopes() {
    let (provider, browser) =
        started(Provider::builder().default_scopes(["openid", "email"])).await;
    let answer = async |scope: &str| {
        let code = authorize(&browser, &authorization_request_with("scope", scope)).await;
        exchange(&browser, &code.location_param("code").unwrap())
            .await
            .json()
    };
    assert_eq!(answer("").await["scope"], "openid email");
    provider.set_granted_scopes(Some(&["openid", "profile"]));
    let narrower = answer(SCOPE).await;
    assert_eq!(narrower["scope"], "openid profile");
    assert!(narrower.get("refresh_token").is_none());
    assert!(
        decoded(text(&narrower, "id_token"))
            .1
            .get("email")
            .is_none()
    );
    provider.set_granted_scopes(None);
    assert_eq!(answer(SCOPE).await["scope"], SCOPE);
    provider.set_fault(Fault::NarrowerScope);
    assert_eq!(
        answer(SCOPE).await["scope"],
        "openid profile offline_access"
    );
    provider.assert_clean();
}

#[tokio::test]
async fn hints_are_written_down() {
    let (provider, browser) = provider().await;
    let mut request = authorization_request();
    for (name, value) in [
        ("login_hint", "a@b.example"),
        ("ui_locales", "de fr"),
        ("idp", "0oa9"),
    ] {
        request.push((name, value.to_owned()));
    }
    authorize(&browser, &request).await;
    let seen = &provider.received().authorize_requests[0];
    assert_eq!(
        (
            seen["login_hint"].as_str(),
            seen["ui_locales"].as_str(),
            seen["idp"].as_str()
        ),
        ("a@b.example", "de fr", "0oa9")
    );
    provider.assert_clean();
}
