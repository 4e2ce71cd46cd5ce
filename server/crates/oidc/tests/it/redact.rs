//! What was sent is taken out of what is said about it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloakroom_oidc::redact::{secrets_in, without_secrets};
use cloakroom_oidc::revocation::{self, RevocableToken};
use cloakroom_oidc::token_request::{authorization_code, refresh_token};
use cloakroom_oidc::{
    AccessToken, AuthorizationCode, ClientAuth, ClientKeyOptions, ClientKeys, ClientSecret,
    CodeVerifier, RefreshToken, TokenResponse, userinfo,
};
use http::Request;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{client, form, fresh, json_answer, metadata};

fn exchange(auth: ClientAuth, code: &str, verifier: &str) -> Request<Bytes> {
    authorization_code(
        &metadata(),
        &client(auth),
        &AuthorizationCode::new(code),
        &CodeVerifier::new(verifier),
        fresh(),
    )
    .unwrap()
}

fn has(secrets: &[String], wanted: &[&str]) {
    for secret in wanted {
        assert!(secrets.iter().any(|known| known == secret), "{secret}");
    }
}

#[test]
fn code_and_verifier_in_every_spelling() {
    let secrets = secrets_in(&exchange(ClientAuth::None, "c d/e", "verifier-1"));
    has(&secrets, &["c d/e", "c+d%2Fe", "c%20d%2Fe", "verifier-1"]);
    has(&secrets, &["c+d%2fe", "c%20d%2fe"]);
    let mixed = secrets_in(&exchange(ClientAuth::None, "ABC/DEF+GHI", "verifier-1"));
    has(&mixed, &["ABC%2fDEF%2bGHI"]);
    assert!(!secrets.iter().any(|secret| secret.contains("client")));
}

#[test]
fn the_clients_secret_however_it_was_sent() {
    let secret = || ClientSecret::new("a b/\u{e9}");
    let basic = exchange(ClientAuth::SecretBasic(secret()), "code-1", "verifier-1");
    let credentials = STANDARD.encode("client-1:a+b%2F%C3%A9");
    has(
        &secrets_in(&basic),
        &["a b/\u{e9}", "a+b%2F%C3%A9", "a%20b%2F%C3%A9", &credentials],
    );
    let post = exchange(ClientAuth::SecretPost(secret()), "code-1", "verifier-1");
    has(
        &secrets_in(&post),
        &["a b/\u{e9}", "a+b%2F%C3%A9", "a%20b%2F%C3%A9"],
    );
}

#[test]
fn assertions_and_tokens() {
    let keys = ClientKeys::parse(
        include_bytes!("../keys/rfc7515-a3.jwk.json"),
        &ClientKeyOptions::default(),
    )
    .unwrap();
    let auth = ClientAuth::PrivateKeyJwt(Arc::new(keys));
    let token = RefreshToken::new("refresh-1");
    let refresh = refresh_token(
        &metadata(),
        &client(auth.clone()),
        &token,
        None,
        None,
        fresh(),
    )
    .unwrap();
    let assertion = form(&refresh)
        .into_iter()
        .find(|(name, _)| name == "client_assertion");
    has(&secrets_in(&refresh), &["refresh-1", &assertion.unwrap().1]);
    let revoke = revocation::request(
        &metadata(),
        &client(auth),
        RevocableToken::Refresh(&token),
        fresh(),
    );
    has(&secrets_in(&revoke.unwrap().unwrap()), &["refresh-1"]);
    let userinfo = userinfo::request(&metadata(), &AccessToken::new("access-1")).unwrap();
    has(&secrets_in(&userinfo), &["access-1"]);
}

#[test]
fn a_short_secret_does_not_take_a_longer_one_apart() {
    let secrets = secrets_in(&exchange(ClientAuth::None, "abcd", "abcdefgh-1234"));
    assert_eq!(
        without_secrets("bad abcdefgh-1234 for abcd", &secrets),
        "bad [secret] for [secret]"
    );
}

#[test]
fn nothing_secret_is_found_where_there_is_nothing() {
    assert!(secrets_in(&Request::new(Bytes::new())).is_empty());
    let odd = Request::builder()
        .header("authorization", "Basic !!!!")
        .body(Bytes::from_static(b"code=%zz&token=%ff&\xff"))
        .unwrap();
    has(&secrets_in(&odd), &["!!!!"]);
}

proptest! {
    #[test]
    fn no_error_repeats_a_secret_that_the_provider_quotes(
        secret in "[ -~é]{12,40}", code in "[!-~]{12,40}"
    ) {
        let request = exchange(ClientAuth::SecretPost(ClientSecret::new(secret.as_str())), &code, "verifier-1234");
        let sent = secrets_in(&request);
        let raw = std::str::from_utf8(request.body()).unwrap();
        let words = format!("you sent {raw} with {secret} and {code}");
        let body = json!({"error": "invalid_grant", "error_description": words});
        let error = TokenResponse::parse(&json_answer(400, &body)).unwrap_err().without(&sent);
        let shown = error.to_string();
        prop_assert!(!shown.contains(&secret), "{shown}");
        prop_assert!(!shown.contains(&code), "{shown}");
        prop_assert!(!shown.contains("verifier-1234"), "{shown}");
    }
}
