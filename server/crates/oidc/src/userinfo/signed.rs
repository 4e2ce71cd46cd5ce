//! Signed userinfo answers (OpenID Connect Core 1.0 section 5.3.2, RFC 7519 section 4.1).

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use super::{Body, UserinfoError, about, body};
use crate::json;
use crate::jwk::KeySet;
use crate::jwt::{self, JwtError, Policy};
use crate::metadata::ProviderMetadata;
use crate::signing_alg::SigningAlg;

/// What a userinfo answer must say.
#[derive(Clone, Copy, Debug)]
pub struct UserinfoExpectations<'a> {
    /// The issuer that was asked.
    pub issuer: &'a str,
    /// This client.
    pub client_id: &'a str,
    /// The `sub` of the ID token.
    pub subject: &'a str,
    /// Now, in Unix seconds.
    pub now: u64,
    /// How far clocks may differ, in seconds.
    pub leeway: u64,
    /// Whether a plain answer is refused, because the client is registered with a `userinfo_signed_response_alg`.
    pub signature_required: bool,
}

impl<'a> UserinfoExpectations<'a> {
    /// 60 seconds leeway; a plain answer is as good as a signed one, since TLS vouches for it.
    pub fn new(issuer: &'a str, client_id: &'a str, subject: &'a str, now: u64) -> Self {
        Self {
            issuer,
            client_id,
            subject,
            now,
            leeway: 60,
            signature_required: false,
        }
    }
}

/// What signed answers may be signed with when nothing is configured: the asymmetric algorithms that the provider
/// lists for them, or where it lists none, those that ID tokens may be signed with.
///
/// Unlike an ID token's, this algorithm has no default (`userinfo_signed_response_alg` in OpenID Connect Dynamic
/// Client Registration section 2), so every listed one may be this client's.
pub fn algorithms(metadata: &ProviderMetadata) -> Vec<SigningAlg> {
    let listed = metadata
        .userinfo_signing_alg_values_supported
        .as_deref()
        .unwrap_or_default();
    let mut algorithms = Vec::new();
    for alg in listed.iter().filter_map(|name| SigningAlg::parse(name)) {
        if !alg.is_symmetric() && !algorithms.contains(&alg) {
            algorithms.push(alg);
        }
    }
    if algorithms.is_empty() {
        algorithms = SigningAlg::default_for(&metadata.id_token_signing_alg_values_supported);
    }
    algorithms
}

/// Reads a plain answer, or verifies one that came as `application/jwt`: the signature under `policy` with the
/// provider's keys, `iss`, `aud`, `exp` and `nbf` where they are there, and `sub` always.
///
/// Where [`UserinfoError::may_be_a_new_key`] says so, verify once more with a newer key set.
pub fn verify(
    response: &Response<Bytes>,
    keys: &KeySet,
    policy: &Policy<'_>,
    expectations: &UserinfoExpectations<'_>,
) -> Result<Map<String, Value>, UserinfoError> {
    let claims = match body(response)? {
        Body::Plain(_) if expectations.signature_required => {
            return Err(UserinfoError::UnsignedResponse);
        }
        Body::Plain(claims) => claims,
        Body::Jwt(token) => {
            let token = std::str::from_utf8(token).map_err(|_| JwtError::Encoding)?;
            let claims = jwt::verify_compact(token, keys, policy)?.claims;
            check_signed(&claims, expectations)?;
            claims
        }
    };
    about(claims, expectations.subject)
}

fn check_signed(
    claims: &Map<String, Value>,
    expectations: &UserinfoExpectations<'_>,
) -> Result<(), UserinfoError> {
    match claims.get("iss") {
        None => {}
        Some(Value::String(issuer)) if issuer == expectations.issuer => {}
        Some(Value::String(_)) => return Err(UserinfoError::IssuerMismatch),
        Some(_) => return Err(UserinfoError::WrongType("iss")),
    }
    let names_us = |audience: &Value| audience == expectations.client_id;
    match claims.get("aud") {
        None => {}
        Some(one @ Value::String(_)) if names_us(one) => {}
        Some(Value::Array(several)) if !several.iter().all(Value::is_string) => {
            return Err(UserinfoError::WrongType("aud"));
        }
        Some(Value::Array(several)) if several.iter().any(names_us) => {}
        Some(Value::String(_) | Value::Array(_)) => return Err(UserinfoError::AudienceMismatch),
        Some(_) => return Err(UserinfoError::WrongType("aud")),
    }
    let time = |name: &'static str| {
        claims
            .get(name)
            .map(|value| json::numeric_date(value).ok_or(UserinfoError::WrongType(name)))
            .transpose()
    };
    let expired =
        time("exp")?.is_some_and(|at| at.saturating_add(expectations.leeway) <= expectations.now);
    let early =
        time("nbf")?.is_some_and(|at| at > expectations.now.saturating_add(expectations.leeway));
    if expired || early {
        return Err(UserinfoError::NotValidNow);
    }
    Ok(())
}
