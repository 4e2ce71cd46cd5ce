//! Refreshing (RFC 6749, section 6; RFC 9700, section 4.14) and revocation (RFC 7009).

use cloakroom_testkit::{Browser, Provider};
use serde_json::json;

use crate::relying_party::*;

#[tokio::test]
async fn refresh_tokens_rotate_and_a_used_one_ends_the_grant() {
    let (provider, browser) = provider().await;
    let first = tokens(&browser).await;
    let second = refresh(&browser, text(&first, "refresh_token"))
        .await
        .json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_ne!(first["access_token"], second["access_token"]);
    let ((_, before), (_, after)) = (
        decoded(text(&first, "id_token")),
        decoded(text(&second, "id_token")),
    );
    assert_eq!(
        (&before["sub"], &before["sid"], &before["auth_time"]),
        (&after["sub"], &after["sid"], &after["auth_time"])
    );
    assert!(after.get("nonce").is_none());
    provider.assert_clean();

    let wider = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&second, "refresh_token")),
        ("scope", "openid admin"),
    ];
    assert_eq!(
        token(&browser, &wider).await.json()["error"],
        "invalid_scope"
    );

    assert_eq!(
        refresh(&browser, text(&first, "refresh_token"))
            .await
            .json()["error"],
        "invalid_grant"
    );
    assert_eq!(
        refresh(&browser, text(&second, "refresh_token"))
            .await
            .json()["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn static_refresh_tokens_stay_and_are_left_out_of_answers() {
    let provider = Provider::builder().static_refresh_tokens().start().await;
    provider.register_redirect_uri(REDIRECT_URI);
    let browser = Browser::with_base(format!("{}/", provider.issuer()));
    let first = tokens(&browser).await;
    for _ in 0..2 {
        let again = refresh(&browser, text(&first, "refresh_token")).await;
        assert_eq!(
            (again.status(), again.json().get("refresh_token")),
            (200, None)
        );
    }
    provider.revoke_refresh_tokens();
    assert_eq!(
        refresh(&browser, text(&first, "refresh_token"))
            .await
            .status(),
        400
    );
}

#[tokio::test]
async fn revoked_tokens_are_dead_everywhere() {
    let (provider, browser) = provider().await;
    let answer = tokens(&browser).await;
    let (access, refresh_token) = (
        text(&answer, "access_token"),
        text(&answer, "refresh_token"),
    );
    let post = |path: &'static str, value: &str| {
        browser
            .post_form(path, &[("token", value)])
            .bare()
            .header("authorization", &basic())
    };
    let active = post("v1/introspect", access).await.json();
    assert_eq!(
        (&active["active"], &active["client_id"]),
        (&json!(true), &json!(Provider::CLIENT_ID))
    );
    assert_eq!(post("v1/revoke", access).await.status(), 200);
    assert_eq!(
        post("v1/introspect", access).await.json(),
        json!({"active": false})
    );
    let bearer = format!("Bearer {access}");
    let userinfo = browser
        .get("v1/userinfo")
        .bare()
        .header("authorization", &bearer)
        .await;
    assert_eq!(userinfo.status(), 401);
    assert!(
        userinfo
            .header("www-authenticate")
            .unwrap()
            .contains("invalid_token")
    );
    assert_eq!(
        post("v1/introspect", refresh_token).await.json()["active"],
        true
    );
    assert_eq!(post("v1/revoke", refresh_token).await.status(), 200);
    assert_eq!(post("v1/revoke", "never-issued").await.status(), 200);
    assert_eq!(
        refresh(&browser, refresh_token).await.json()["error"],
        "invalid_grant"
    );
    assert_eq!(
        provider.received().revoked,
        [access, refresh_token, "never-issued"]
    );
    let anonymous = browser
        .post_form("v1/revoke", &[("token", access)])
        .bare()
        .await;
    assert_eq!(anonymous.status(), 401);
}
