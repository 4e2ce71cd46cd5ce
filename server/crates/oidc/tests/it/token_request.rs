//! Requests to the token endpoint.

use cloakroom_oidc::token_request::{authorization_code, refresh_token};
use cloakroom_oidc::{AuthorizationCode, ClientAuth, ClientSecret, CodeVerifier, RefreshToken};

use crate::support::{REDIRECT_URI, client, form, fresh, metadata, pairs};

#[test]
fn a_code_is_exchanged_with_verifier_and_the_same_redirect_uri() {
    let request = authorization_code(
        &metadata(),
        &client(ClientAuth::SecretBasic(ClientSecret::new("s"))),
        &AuthorizationCode::new("c+d&e=f"),
        &CodeVerifier::new("v"),
        fresh(),
    )
    .unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(
        request.uri(),
        "https://id.example.com/oauth2/default/v1/token"
    );
    assert_eq!(
        request.headers()["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(request.headers()["accept"], "application/json");
    assert_eq!(
        form(&request),
        pairs(&[
            ("grant_type", "authorization_code"),
            ("code", "c+d&e=f"),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", "v"),
        ])
    );
    for name in ["origin", "referer", "cookie"] {
        assert!(!request.headers().contains_key(name), "{name}");
    }
}

#[test]
fn a_refresh_may_narrow_the_scope() {
    let client = client(ClientAuth::None);
    let token = RefreshToken::new("r");
    let plain = refresh_token(&metadata(), &client, &token, None, None, fresh()).unwrap();
    assert_eq!(
        form(&plain)[..2],
        pairs(&[("grant_type", "refresh_token"), ("refresh_token", "r")])
    );
    assert!(!form(&plain).iter().any(|(name, _)| name == "scope"));
    let narrow = refresh_token(
        &metadata(),
        &client,
        &token,
        Some("openid email"),
        None,
        fresh(),
    )
    .unwrap();
    assert_eq!(
        form(&narrow)[2],
        ("scope".to_owned(), "openid email".to_owned())
    );
}
