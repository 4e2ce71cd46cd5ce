//! What a relying party gets wrong is refused, and recorded.

use cloakroom_testkit::{Browser, Provider};
use serde_json::json;

use crate::relying_party::*;

#[tokio::test]
async fn authorization_requests_that_are_wrong_get_a_page_and_are_recorded() {
    let (provider, browser) = provider().await;
    for (name, value, problem) in [
        ("client_id", "somebody-else", "client_id"),
        (
            "redirect_uri",
            "http://localhost:3000/auth/callback/",
            "redirect_uri",
        ),
        ("response_type", "token", "response_type"),
        ("code_challenge", "", "code_challenge"),
        ("code_challenge_method", "plain", "code_challenge_method"),
        ("state", "", "state"),
        (
            "state",
            "with spaces and more than 22",
            "state has characters",
        ),
        ("nonce", "", "nonce"),
        ("max_age", "-1", "max_age"),
        ("response_mode", "fragment", "response_mode"),
        ("max_age", "2147483648", "max_age"),
        ("prompt", "none login", "prompt"),
        ("prompt", "whatever", "prompt"),
        ("client_secret", "anything", "client_secret"),
        ("client_assertion", "anything", "client_assertion"),
        ("request", "anything", "request objects"),
        ("request_uri", "urn:okta:unknown", "request_uri"),
    ] {
        let answer = authorize(&browser, &authorization_request_with(name, value)).await;
        assert_eq!(
            (answer.status(), answer.location()),
            (400, None),
            "{name}={value}"
        );
        let errors = provider.protocol_errors();
        assert!(
            errors.len() == 1 && errors[0].contains(problem),
            "{name}={value}: {errors:?}"
        );
        provider.clear_protocol_errors();
    }
    let mut twice = authorization_request();
    twice.push(("state", STATE.to_owned()));
    assert_eq!(authorize(&browser, &twice).await.status(), 400);
    assert!(provider.protocol_errors()[0].contains("repeated"));
    assert!(provider.issued().codes.is_empty());
}

#[tokio::test]
async fn wrong_scopes_come_back_as_invalid_scope_and_are_recorded() {
    let (provider, browser) = provider().await;
    for (scope, description) in [
        ("profile", "openid"),
        ("openid launch_missiles", "not configured"),
        ("", "default scopes"),
    ] {
        let answer = authorize(&browser, &authorization_request_with("scope", scope)).await;
        assert_eq!(answer.location_param("error").unwrap(), "invalid_scope");
        assert_eq!(answer.location_param("state").unwrap(), STATE);
        let text = answer.location_param("error_description").unwrap();
        assert!(text.contains(description), "{scope}: {text}");
        assert_eq!(provider.protocol_errors().len(), 1);
        provider.clear_protocol_errors();
    }
}

#[tokio::test]
async fn token_requests_that_are_wrong_are_refused_and_recorded() {
    let (provider, browser) = provider().await;
    let mut other_verifier = VERIFIER.to_owned();
    other_verifier.replace_range(0..1, "e");
    for (name, value, error) in [
        ("code", "another-code", "invalid_grant"),
        ("redirect_uri", "http://localhost:3000/", "invalid_grant"),
        ("redirect_uri", "", "invalid_grant"),
        ("code_verifier", other_verifier.as_str(), "invalid_grant"),
        ("code_verifier", "", "invalid_request"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("client_id", "somebody-else", "invalid_client"),
    ] {
        let good = code(&browser).await;
        let mut fields = exchange_fields(&good).to_vec();
        fields.retain(|(known, _)| *known != name);
        fields.push((name, value));
        let answer = token(&browser, &fields).await;
        assert_eq!(answer.json()["error"], error, "{name}={value}");
        assert!(
            provider.protocol_errors()[0].contains(error),
            "{name}={value}"
        );
        provider.clear_protocol_errors();
    }
    assert!(provider.issued().tokens().is_empty());
}

#[tokio::test]
async fn a_code_is_good_once_and_for_its_time() {
    let (provider, browser) = provider().await;
    let first = code(&browser).await;
    let answer = exchange(&browser, &first).await.json();
    assert_eq!(
        exchange(&browser, &first).await.json()["error"],
        "invalid_grant"
    );
    // RFC 6749, section 4.1.2: the second use takes away what the first one gave.
    let refreshed = refresh(&browser, text(&answer, "refresh_token")).await;
    assert_eq!(refreshed.json()["error"], "invalid_grant");

    let late = code(&browser).await;
    provider.set_time_offset(301);
    assert_eq!(
        exchange(&browser, &late).await.json()["error"],
        "invalid_grant"
    );

    let quick = Provider::builder().code_lifetime(60).start().await;
    quick.register_redirect_uri(REDIRECT_URI);
    let browser = Browser::with_base(format!("{}/", quick.issuer()));
    let late = code(&browser).await;
    quick.set_time_offset(61);
    assert_eq!(
        exchange(&browser, &late).await.json()["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn clients_authenticate_in_one_way_and_with_the_right_secret() {
    let (provider, browser) = provider().await;
    let fields = [("grant_type", "authorization_code"), ("code", "any")];
    let with = |more: &[(&'static str, &'static str)]| [&fields[..], more].concat();
    let credentials = [
        ("client_id", Provider::CLIENT_ID),
        ("client_secret", Provider::CLIENT_SECRET),
    ];

    // Past authentication, the code is what is wrong.
    let posted = browser
        .post_form("v1/token", &with(&credentials))
        .bare()
        .await;
    assert_eq!(posted.json()["error"], "invalid_grant");
    assert_eq!(
        token(&browser, &fields).await.json()["error"],
        "invalid_grant"
    );

    let both = token(&browser, &with(&credentials)).await;
    assert_eq!(
        (both.status(), &both.json()["error"]),
        (401, &json!("invalid_client"))
    );
    assert!(both.header("www-authenticate").is_some());
    let wrong = [
        ("client_id", Provider::CLIENT_ID),
        ("client_secret", "wrong"),
    ];
    let wrong = browser.post_form("v1/token", &with(&wrong)).bare().await;
    assert_eq!(wrong.status(), 401);
    let none = browser
        .post_form("v1/token", &with(&credentials[..1]))
        .bare()
        .await;
    assert_eq!(none.status(), 401);
    let nobody = browser.post_form("v1/token", &fields).bare().await;
    assert_eq!(nobody.status(), 401);
    let digest = browser
        .post_form("v1/token", &fields)
        .bare()
        .header("authorization", "Digest x")
        .await;
    assert_eq!(digest.status(), 401);
    let twice = token(&browser, &with(&[("code", "another")])).await;
    assert_eq!(twice.json()["error"], "invalid_request");

    provider.set_client_secret("rotated");
    assert_eq!(token(&browser, &fields).await.status(), 401);
}

#[tokio::test]
async fn a_public_client_has_no_secret_and_the_methods_are_those_of_the_metadata() {
    let provider = Provider::builder()
        .public_client("spa", REDIRECT_URI)
        .start()
        .await;
    let browser = Browser::with_base(format!("{}/", provider.issuer()));
    let code = authorize(&browser, &authorization_request_with("client_id", "spa")).await;
    let code = code.location_param("code").unwrap();
    let fields = [&exchange_fields(&code)[..], &[("client_id", "spa")]].concat();
    assert_eq!(
        browser.post_form("v1/token", &fields).bare().await.status(),
        200
    );

    let provider = Provider::builder()
        .auth_methods(["client_secret_post"])
        .start()
        .await;
    let browser = Browser::with_base(format!("{}/", provider.issuer()));
    assert_eq!(
        token(&browser, &[("grant_type", "authorization_code")])
            .await
            .status(),
        401
    );
}

#[tokio::test]
async fn what_a_browser_sent_must_not_be_passed_on_to_the_token_endpoint() {
    let (provider, browser) = provider().await;
    let code = code(&browser).await;
    browser
        .post_form("v1/token?debug=1", &exchange_fields(&code))
        .bare()
        .header("authorization", &basic())
        .header("origin", "http://localhost:3000")
        .header("cookie", "session=1")
        .header("content-type", "text/plain")
        .await;
    let errors = provider.protocol_errors().join("\n");
    for word in ["origin", "cookie", "query", "text/plain"] {
        assert!(errors.contains(word), "nothing about {word} in {errors}");
    }
    let headers = &provider.received().token_request_headers[0];
    assert_eq!(headers["origin"], "http://localhost:3000");
}

#[tokio::test]
async fn logout_needs_a_hint_and_a_registered_uri() {
    let (provider, browser) = provider().await;
    let answer = tokens(&browser).await;
    let hint = text(&answer, "id_token");
    for query in [
        "post_logout_redirect_uri=http://localhost:3000/".to_owned(),
        "id_token_hint=a.b.c&post_logout_redirect_uri=http://localhost:3000/".to_owned(),
        format!("id_token_hint={hint}&post_logout_redirect_uri=http://localhost:3000"),
    ] {
        let answer = browser.get(format!("v1/logout?{query}")).await;
        assert_eq!((answer.status(), answer.location()), (400, None), "{query}");
    }
    assert_eq!(provider.protocol_errors().len(), 3);
    assert_eq!(
        browser
            .get(format!("v1/logout?id_token_hint={hint}"))
            .await
            .status(),
        200
    );
}
