//! The address that the browser is sent to.

use cloakroom_oidc::{AuthorizationRequest, Nonce};
use serde_json::json;
use url::Url;

use crate::support::{CLIENT_ID, REDIRECT_URI, metadata, metadata_with, pairs};

fn request(nonce: &Nonce) -> AuthorizationRequest<'_> {
    AuthorizationRequest {
        client_id: CLIENT_ID,
        redirect_uri: REDIRECT_URI,
        scope: Some("openid profile"),
        state: "state-1",
        nonce,
        code_challenge: "challenge-1",
        prompt: None,
        login_hint: None,
        max_age: None,
        acr_values: None,
        ui_locales: None,
        extra: &[],
    }
}

fn query(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().into_owned().collect()
}

#[test]
fn it_asks_for_a_code_with_s256_state_and_nonce() {
    let nonce = Nonce::new("nonce-1");
    let url = request(&nonce).url(&metadata());
    assert!(
        url.as_str()
            .starts_with("https://id.example.com/oauth2/default/v1/authorize?")
    );
    assert_eq!(
        query(&url),
        pairs(&[
            ("client_id", CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT_URI),
            ("state", "state-1"),
            ("nonce", "nonce-1"),
            ("code_challenge", "challenge-1"),
            ("code_challenge_method", "S256"),
            ("scope", "openid profile"),
        ])
    );
}

#[test]
fn optional_parameters_appear_when_given() {
    let nonce = Nonce::new("n");
    let url = AuthorizationRequest {
        scope: None,
        prompt: Some("login consent"),
        login_hint: Some("a+b@example.com&x=y"),
        max_age: Some(0),
        acr_values: Some("urn:okta:loa:2fa:any phr"),
        ui_locales: Some("de en"),
        ..request(&nonce)
    }
    .url(&metadata());
    let query = query(&url);
    assert_eq!(
        query[7..],
        pairs(&[
            ("prompt", "login consent"),
            ("login_hint", "a+b@example.com&x=y"),
            ("max_age", "0"),
            ("acr_values", "urn:okta:loa:2fa:any phr"),
            ("ui_locales", "de en"),
        ])
    );
    assert!(!query.iter().any(|(name, _)| name == "scope"));
}

#[test]
fn the_endpoints_own_query_is_kept() {
    let metadata =
        metadata_with(json!({"authorization_endpoint": "https://id.example.com/a?tenant=t%201&p"}));
    let nonce = Nonce::new("n");
    let url = request(&nonce).url(&metadata);
    assert!(
        url.as_str()
            .starts_with("https://id.example.com/a?tenant=t%201&p&client_id="),
        "{url}"
    );
}

#[test]
fn extra_parameters_cannot_replace_ours_or_carry_secrets() {
    let nonce = Nonce::new("n");
    let extra = pairs(&[
        ("response_mode", "form_post"),
        ("response_mode", "query"),
        ("state", "evil"),
        ("code_challenge_method", "plain"),
        ("scope", "everything"),
        ("client_secret", "hush"),
        ("code_verifier", "hush"),
        ("resource", "https://a.example"),
        ("resource", "https://b.example"),
        ("idp", "0oa1"),
    ]);
    let url = AuthorizationRequest {
        extra: &extra,
        ..request(&nonce)
    }
    .url(&metadata());
    assert_eq!(
        query(&url)[8..],
        pairs(&[
            ("response_mode", "form_post"),
            ("resource", "https://a.example"),
            ("resource", "https://b.example"),
            ("idp", "0oa1"),
        ])
    );
    assert!(!url.as_str().contains("evil") && !url.as_str().contains("hush"));
}

#[test]
fn extra_parameters_cannot_speak_for_a_field_that_is_empty() {
    let nonce = Nonce::new("n");
    for name in [
        "client_id",
        "response_type",
        "redirect_uri",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "scope",
        "prompt",
        "login_hint",
        // What nobody checks afterwards must not be asked for.
        "max_age",
        "acr_values",
        "ui_locales",
    ] {
        let url = AuthorizationRequest {
            scope: None,
            extra: &pairs(&[(name, "evil")]),
            ..request(&nonce)
        }
        .url(&metadata());
        assert!(!url.as_str().contains("evil"), "{name}");
    }
}

#[test]
fn extra_parameters_cannot_bring_another_request() {
    let nonce = Nonce::new("n");
    let extra = pairs(&[
        ("request", "e.y.J"),
        ("request_uri", "https://evil.example"),
    ]);
    let url = AuthorizationRequest {
        extra: &extra,
        ..request(&nonce)
    }
    .url(&metadata());
    assert_eq!(query(&url).len(), 8);
    assert!(
        !query(&url)
            .iter()
            .any(|(name, _)| name.starts_with("request"))
    );
}

#[test]
fn what_proves_somebody_never_goes_by_the_browser() {
    let nonce = Nonce::new("n");
    for name in [
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "code",
        "code_verifier",
        "access_token",
        "refresh_token",
        "id_token",
        "id_token_hint",
        "token",
        "subject_token",
        "actor_token",
        "assertion",
        "grant_type",
        "username",
        "password",
    ] {
        let extra = pairs(&[(name, "hush")]);
        let request = AuthorizationRequest {
            extra: &extra,
            ..request(&nonce)
        };
        assert!(
            !request.url(&metadata()).as_str().contains("hush"),
            "{name}"
        );
        assert!(!request.parameters().iter().any(|(known, _)| *known == name));
    }
}
