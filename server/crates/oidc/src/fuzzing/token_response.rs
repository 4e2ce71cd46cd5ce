//! The answers of the token and the revocation endpoint (RFC 6749 sections 5.1 and 5.2, RFC 7009 section 2.2).

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::answer::answer;
use super::{MARKER, is_code, is_legible};
use crate::{IdToken, RefreshToken, RevocationError, TokenError, TokenResponse, revocation};

/// The longest wait that is believed.
const HOUR: u64 = 3600;

/// Reads an answer. Tokens come of a bearer's success in JSON only, and secrets go nowhere else.
pub fn token_response(data: &[u8]) -> bool {
    let response = answer(data);
    check_revocation(&response);
    match TokenResponse::parse(&response) {
        Ok(tokens) => {
            check(&tokens, &response);
            true
        }
        Err(error) => {
            check_error(error, response.status().as_u16());
            false
        }
    }
}

fn check(tokens: &TokenResponse, response: &Response<Bytes>) {
    assert_eq!(response.status(), 200);
    if let Some(content_type) = response.headers().get(CONTENT_TYPE) {
        let text = String::from_utf8_lossy(content_type.as_bytes()).to_ascii_lowercase();
        let (media_type, _) = text.split_once(';').unwrap_or((&text, ""));
        assert!(media_type.trim().starts_with("application/"));
        assert!(media_type.trim().ends_with("json"));
    }
    let body: Value = serde_json::from_slice(response.body()).expect("JSON");
    let token_type = body["token_type"].as_str().expect("a token type");
    assert!(token_type.eq_ignore_ascii_case("bearer"));
    assert_eq!(body["access_token"], tokens.access_token.expose());
    let optional = |name: &str| body[name].as_str();
    let refresh_token = tokens.refresh_token.as_ref().map(RefreshToken::expose);
    let id_token = tokens.id_token.as_ref().map(IdToken::expose);
    assert_eq!(optional("refresh_token"), refresh_token);
    assert_eq!(optional("id_token"), id_token);
    assert_eq!(optional("scope"), tokens.scope.as_deref());
    for token in [Some(tokens.access_token.expose()), refresh_token, id_token]
        .into_iter()
        .flatten()
    {
        assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    assert_eq!(
        tokens.expires_in.is_some(),
        body["expires_in"]
            .as_f64()
            .is_some_and(|seconds| seconds >= 0.0)
    );
    assert_eq!(tokens.require_id_token().is_ok(), id_token.is_some());
    let shown = TokenResponse {
        scope: None,
        ..tokens.clone()
    };
    assert!(!format!("{shown:?}").contains(MARKER));
}

fn check_error(error: TokenError, status: u16) {
    assert!(is_code(error.code()));
    assert!(is_legible(&error.to_string(), 1024));
    if let TokenError::RateLimited { retry_after, .. }
    | TokenError::Unavailable { retry_after, .. } = &error
    {
        assert!(retry_after.is_none_or(|seconds| seconds <= HOUR));
    }
    if error.is_invalid_grant() {
        // Only such an answer ends a session.
        assert!((400..500).contains(&status) && status != 429);
        assert!(!error.is_transient());
    }
    assert!(status != 429 || error.is_transient());
    assert!(!(300..400).contains(&status) || matches!(error, TokenError::Redirected { .. }));
    let clean = error.without(&[MARKER]);
    assert!(!format!("{clean} {clean:?}").contains(MARKER));
}

fn check_revocation(response: &Response<Bytes>) {
    match revocation::parse(response) {
        Ok(()) => assert_eq!(response.status(), 200),
        Err(error) => {
            assert_ne!(response.status(), 200);
            assert!(is_code(error.code()) && is_legible(&error.to_string(), 512));
            if let RevocationError::RateLimited { retry_after }
            | RevocationError::Unavailable { retry_after, .. } = error
            {
                assert!(retry_after.is_none_or(|seconds| seconds <= HOUR));
            }
        }
    }
}
