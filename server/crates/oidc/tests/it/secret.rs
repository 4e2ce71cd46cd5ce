//! Secrets do not show themselves.

use cloakroom_oidc::{
    AccessToken, AuthorizationCode, ClientAuth, ClientSecret, CodeVerifier, IdToken, Nonce,
    RefreshToken, TokenResponse,
};
use serde_json::json;

use crate::support::{client, json_answer};

#[test]
fn debug_says_the_type_and_nothing_more() {
    assert_eq!(
        format!("{:?}", AccessToken::new("hush")),
        "AccessToken([redacted])"
    );
    let all = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        RefreshToken::new("hush"),
        IdToken::new("hush"),
        ClientSecret::new("hush"),
        CodeVerifier::new("hush"),
        AuthorizationCode::new("hush"),
        Nonce::new("hush"),
    );
    assert!(!all.contains("hush"), "{all}");
}

#[test]
fn debug_of_what_holds_secrets_is_redacted_too() {
    let client = format!(
        "{:?}",
        client(ClientAuth::SecretBasic(ClientSecret::new("hush")))
    );
    assert!(
        !client.contains("hush") && client.contains("client-1"),
        "{client}"
    );
    let body = json!({"access_token": "hush-1", "refresh_token": "hush-2", "id_token": "hush-3", "token_type": "Bearer"});
    let tokens = format!(
        "{:?}",
        TokenResponse::parse(&json_answer(200, &body)).unwrap()
    );
    assert!(!tokens.contains("hush"), "{tokens}");
}

#[test]
fn matches_compares_the_whole_text() {
    let secret = ClientSecret::new("abc");
    assert!(secret.matches("abc"));
    for other in ["", "ab", "abd", "abcd", "ABC"] {
        assert!(!secret.matches(other), "{other}");
    }
    assert_eq!(secret.clone().expose(), "abc");
}
