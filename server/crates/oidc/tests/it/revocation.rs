//! Revocation.

use cloakroom_oidc::revocation::{RevocableToken, parse, request};
use cloakroom_oidc::{AccessToken, ClientAuth, ClientSecret, RefreshToken, RevocationError};
use serde_json::json;

use crate::support::{answer, client, form, fresh, json_answer, metadata, metadata_with, pairs};

#[test]
fn a_token_is_revoked_with_its_kind_and_the_clients_credentials() {
    let client = client(ClientAuth::SecretBasic(ClientSecret::new("s")));
    let refresh = request(
        &metadata(),
        &client,
        RevocableToken::Refresh(&RefreshToken::new("r")),
        fresh(),
    )
    .unwrap()
    .unwrap();
    assert_eq!(
        refresh.uri(),
        "https://id.example.com/oauth2/default/v1/revoke"
    );
    assert!(refresh.headers().contains_key("authorization"));
    assert_eq!(
        form(&refresh),
        pairs(&[("token", "r"), ("token_type_hint", "refresh_token")])
    );
    let access = request(
        &metadata(),
        &client,
        RevocableToken::Access(&AccessToken::new("a")),
        fresh(),
    )
    .unwrap()
    .unwrap();
    assert_eq!(
        form(&access),
        pairs(&[("token", "a"), ("token_type_hint", "access_token")])
    );
}

#[test]
fn without_an_endpoint_there_is_nothing_to_send() {
    let metadata = metadata_with(json!({"revocation_endpoint": null}));
    let token = AccessToken::new("a");
    assert!(
        request(
            &metadata,
            &client(ClientAuth::None),
            RevocableToken::Access(&token),
            fresh()
        )
        .unwrap()
        .is_none()
    );
}

#[test]
fn answers() {
    assert_eq!(parse(&answer(200, "text/html", "whatever")), Ok(()));
    assert_eq!(
        parse(&json_answer(401, &json!({"error": "invalid_client"}))),
        Err(RevocationError::Refused {
            status: 401,
            error: "invalid_client".to_owned()
        })
    );
    assert_eq!(
        parse(&answer(401, "text/html", "<html>")),
        Err(RevocationError::Unauthorized)
    );
    let mut busy = answer(503, "text/plain", "");
    busy.headers_mut()
        .insert("retry-after", "30".parse().unwrap());
    assert_eq!(
        parse(&busy),
        Err(RevocationError::Unavailable {
            status: 503,
            retry_after: Some(30)
        })
    );
    assert_eq!(
        parse(&answer(429, "text/plain", "")),
        Err(RevocationError::RateLimited { retry_after: None })
    );
    assert_eq!(
        parse(&answer(302, "text/html", "")),
        Err(RevocationError::UnexpectedStatus { status: 302 })
    );
    assert_eq!(
        parse(&answer(404, "text/html", "")),
        Err(RevocationError::UnexpectedStatus { status: 404 })
    );
}

#[test]
fn an_operator_is_told_what_to_look_at_and_never_the_token() {
    let refused = parse(&json_answer(401, &json!({"error": "invalid_client"}))).unwrap_err();
    let unauthorized = parse(&answer(401, "text/plain", "")).unwrap_err();
    let limited = parse(&answer(429, "text/plain", "")).unwrap_err();
    for (error, words, transient) in [
        (&refused, "client id", false),
        (&unauthorized, "client id", false),
        (&limited, "rate limits", true),
    ] {
        assert!(error.hint().unwrap().contains(words), "{error}");
        assert_eq!(error.is_transient(), transient, "{error}");
    }
    let quoting = json_answer(400, &json!({"error": "no such token: hush-1"}));
    let error = parse(&quoting).unwrap_err().without(&["hush-1"]);
    assert!(!error.to_string().contains("hush"), "{error}");
    assert_eq!(error.hint(), None);
}
