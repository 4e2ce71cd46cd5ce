//! An honest sign-in works, and has in it what was asked for.

use cloakroom_testkit::{Browser, Counts, Provider, User};
use serde_json::json;

use crate::relying_party::*;

#[tokio::test]
async fn the_metadata_have_oktas_shape() {
    let (provider, browser) = provider().await;
    let metadata = browser
        .get(".well-known/openid-configuration")
        .fetch()
        .await
        .json();
    assert_eq!(metadata["issuer"], provider.issuer());
    assert!(provider.issuer().ends_with("/oauth2/default"));
    for (name, path) in [
        ("authorization_endpoint", "authorize"),
        ("token_endpoint", "token"),
        ("jwks_uri", "keys"),
        ("userinfo_endpoint", "userinfo"),
        ("end_session_endpoint", "logout"),
        ("revocation_endpoint", "revoke"),
        ("introspection_endpoint", "introspect"),
    ] {
        assert_eq!(metadata[name], format!("{}/v1/{path}", provider.issuer()));
    }
    assert_eq!(
        provider.counts(),
        Counts {
            discovery: 1,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn a_sign_in_by_hand_works_from_the_request_to_userinfo() {
    let (provider, browser) = provider().await;
    provider
        .set_user(User::new("00u7", "Test Person", "person@example.com").with_groups(["staff"]));

    let callback = authorize(&browser, &authorization_request()).await;
    assert_eq!(callback.status(), 302);
    assert!(
        callback
            .location()
            .unwrap()
            .as_str()
            .starts_with(REDIRECT_URI)
    );
    assert_eq!(callback.location_param("state").unwrap(), STATE);
    assert_eq!(callback.location_param("iss"), None);

    let answer = exchange(&browser, &callback.location_param("code").unwrap()).await;
    assert_eq!(
        (answer.status(), answer.header("cache-control")),
        (200, Some("no-store"))
    );
    let answer = answer.json();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 3_600);
    assert_eq!(answer["scope"], SCOPE);

    let (header, claims) = decoded(text(&answer, "id_token"));
    assert_eq!(header, json!({"alg": "RS256", "kid": "RS256-current"}));
    assert_eq!(claims["iss"], provider.issuer());
    assert_eq!(claims["aud"], Provider::CLIENT_ID);
    assert_eq!(
        (&claims["sub"], &claims["nonce"]),
        (&json!("00u7"), &json!(NONCE))
    );
    assert_eq!(
        (&claims["name"], &claims["given_name"]),
        (&json!("Test Person"), &json!("Test"))
    );
    assert_eq!(
        (&claims["email"], &claims["groups"]),
        (&json!("person@example.com"), &json!(["staff"]))
    );
    for name in [
        "exp",
        "iat",
        "auth_time",
        "at_hash",
        "sid",
        "amr",
        "ver",
        "jti",
    ] {
        assert!(!claims[name].is_null(), "there is no {name}");
    }

    let (header, claims) = decoded(text(&answer, "access_token"));
    assert!(
        header.get("typ").is_none(),
        "Okta's access tokens have no typ"
    );
    assert_eq!(
        (&claims["aud"], &claims["cid"]),
        (&json!("api://default"), &json!(Provider::CLIENT_ID))
    );
    assert_eq!(
        (&claims["uid"], &claims["sub"]),
        (&json!("00u7"), &json!("person@example.com"))
    );
    assert_eq!(
        claims["scp"],
        json!(["openid", "profile", "email", "groups", "offline_access"])
    );

    let bearer = format!("Bearer {}", text(&answer, "access_token"));
    let userinfo = browser
        .get("v1/userinfo")
        .bare()
        .header("authorization", &bearer)
        .await
        .json();
    assert_eq!(
        (&userinfo["sub"], &userinfo["name"]),
        (&json!("00u7"), &json!("Test Person"))
    );

    provider.assert_clean();
}

#[tokio::test]
async fn everything_is_counted_and_written_down() {
    let (provider, browser) = provider().await;
    let answer = tokens(&browser).await;
    let hint = text(&answer, "id_token");
    let back = browser
        .get(format!("v1/logout?id_token_hint={hint}&post_logout_redirect_uri=http://localhost:3000/&state=bye"))
        .await;
    assert_eq!(
        back.header("location"),
        Some("http://localhost:3000/?state=bye")
    );

    provider.assert_clean();
    let expected = Counts {
        authorize: 1,
        token: 1,
        logout: 1,
        ..Counts::default()
    };
    assert_eq!(provider.counts(), expected);
    let (issued, received) = (provider.issued(), provider.received());
    assert_eq!(issued.id_tokens, [hint]);
    assert_eq!(issued.tokens().len(), 3);
    assert_eq!(received.verifiers, [VERIFIER]);
    assert_eq!(received.client_secrets, [Provider::CLIENT_SECRET]);
    assert_eq!(received.authorize_requests[0]["nonce"], NONCE);
    assert_eq!(received.logout_requests[0]["state"], "bye");
    assert!(provider.secrets().contains(&VERIFIER.to_owned()));
}

#[tokio::test]
async fn there_is_a_refresh_token_only_for_offline_access() {
    let (_provider, browser) = provider().await;
    let code = authorize(&browser, &authorization_request_with("scope", "openid")).await;
    let answer = exchange(&browser, &code.location_param("code").unwrap())
        .await
        .json();
    assert!(answer.get("refresh_token").is_none());
    let (_, claims) = decoded(text(&answer, "id_token"));
    assert!(
        claims.get("email").is_none(),
        "scope email was not asked for"
    );
}

#[tokio::test]
async fn iss_is_announced_and_sent_or_neither() {
    let provider = Provider::builder().announce_iss(true).start().await;
    provider.register_redirect_uri(REDIRECT_URI);
    let browser = Browser::with_base(format!("{}/", provider.issuer()));
    let metadata = browser.get(".well-known/openid-configuration").await.json();
    assert_eq!(
        metadata["authorization_response_iss_parameter_supported"],
        true
    );
    let callback = authorize(&browser, &authorization_request()).await;
    assert_eq!(callback.location_param("iss"), Some(provider.issuer()));
}

#[tokio::test]
async fn form_post_answers_with_a_page_that_posts() {
    let (_provider, browser) = provider().await;
    let page = authorize(
        &browser,
        &authorization_request_with("response_mode", "form_post"),
    )
    .await;
    let (action, fields) = page.form().unwrap();
    assert_eq!(action.as_str(), REDIRECT_URI);
    assert_eq!(
        fields
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        ["code", "state"]
    );
    assert_eq!(fields[1].1, STATE);
}

#[tokio::test]
async fn acr_values_are_honoured() {
    let (_provider, browser) = provider().await;
    let code = authorize(
        &browser,
        &authorization_request_with("acr_values", "urn:okta:loa:2fa:any"),
    )
    .await;
    let answer = exchange(&browser, &code.location_param("code").unwrap())
        .await
        .json();
    assert_eq!(
        decoded(text(&answer, "id_token")).1["acr"],
        "urn:okta:loa:2fa:any"
    );
}
