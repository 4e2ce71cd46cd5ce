//! Where the access token is in a request: in the `Authorization` header and nowhere else (RFC 6750 section 2).

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::denied::Denied;

/// The token of a request's head. A token in a form (RFC 6750 section 2.2) is none.
pub(crate) fn bearer(parts: &Parts) -> Result<&str, Denied> {
    let query = parts.uri.query().unwrap_or_default();
    if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token") {
        return Err(Denied::TokenInQuery);
    }
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(header) = headers.next() else {
        return Err(Denied::NoCredentials);
    };
    if headers.next().is_some() {
        return Err(Denied::SeveralCredentials);
    }
    let value = header
        .to_str()
        .map_err(|_| Denied::MalformedCredentials)?
        .trim();
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        // Credentials of another kind are none here (RFC 9110 section 11.6.2).
        return Err(Denied::NoCredentials);
    }
    let token = rest.trim_start_matches(' ');
    if is_b64token(token) {
        Ok(token)
    } else {
        Err(Denied::MalformedCredentials)
    }
}

/// `b64token` (RFC 6750 section 2.1).
fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}
