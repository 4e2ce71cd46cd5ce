//! The userinfo endpoint (OpenID Connect Core 1.0 section 5.3, RFC 6750 sections 2.1 and 3).

mod signed;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response};
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::signed::{UserinfoExpectations, algorithms, verify};
use crate::json::{self, JsonError};
use crate::jwt::JwtError;
use crate::metadata::ProviderMetadata;
use crate::oauth_error::{self, Refusal};
use crate::relying_party::uri;
use crate::secret::AccessToken;
use crate::text;
use crate::token_response::{is_json, media_type};

/// Why there are no claims from userinfo.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserinfoError {
    /// The provider has no userinfo endpoint (OpenID Connect Discovery section 3).
    #[error("the provider has no userinfo endpoint; the ID token's claims are all there are")]
    NoEndpoint,
    /// The access token has characters that no header can carry (RFC 6750 section 2.1).
    #[error("the access token cannot be sent as a header")]
    UnusableAccessToken,
    /// 401 or 403: the access token is not accepted (RFC 6750 section 3.1).
    #[error("the userinfo endpoint did not accept the access token (status {status}{}); check that the scope openid was granted", .error.as_deref().map(|error| format!(", {error}")).unwrap_or_default())]
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// The `error` of `WWW-Authenticate`, such as `invalid_token` or `insufficient_scope`.
        error: Option<String>,
    },
    /// 429 (RFC 6585 section 4).
    #[error("the provider limits the rate of userinfo requests; wait before the next one")]
    RateLimited {
        /// Seconds to wait, where the provider says so; at most an hour.
        retry_after: Option<u64>,
    },
    /// A server error.
    #[error("the userinfo endpoint cannot answer now (status {status}); try again later")]
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// Any other answer than 200; redirects are not followed.
    #[error(
        "the userinfo endpoint answered with status {status}; check the provider's metadata and any proxy between"
    )]
    UnexpectedAnswer {
        /// The HTTP status.
        status: u16,
    },
    /// A signed or encrypted answer where only a plain one can be read (OpenID Connect Core section 5.3.2).
    #[error(
        "the userinfo answer is a JWT, which cannot be verified here; set the client's userinfo response to plain JSON at the provider"
    )]
    SignedResponse,
    /// A plain answer where the client is registered for signed ones (`userinfo_signed_response_alg`).
    #[error(
        "the userinfo answer is not signed, though it is required to be; set the client's userinfo response to signed at the provider"
    )]
    UnsignedResponse,
    /// Not a token, encrypted, or not signed as it must be (OpenID Connect Core section 5.3.2).
    #[error("the userinfo answer cannot be trusted: {0}")]
    Jwt(#[from] JwtError),
    /// A claim of a signed answer with another type than RFC 7519 section 4.1 gives it.
    #[error("{0} in the userinfo answer has the wrong type; this is for the provider to mend")]
    WrongType(&'static str),
    /// `iss` of a signed answer is another issuer (OpenID Connect Core section 5.3.2).
    #[error("the userinfo answer was signed by another issuer than the configured one")]
    IssuerMismatch,
    /// `aud` of a signed answer does not name this client (OpenID Connect Core section 5.3.2).
    #[error("the userinfo answer is for another client; check the client id")]
    AudienceMismatch,
    /// `exp` of a signed answer has passed, or `nbf` is still to come (RFC 7519 sections 4.1.4 and 4.1.5).
    #[error("the userinfo answer is not good at this time; check this machine's clock")]
    NotValidNow,
    /// Declared as something else than JSON (OpenID Connect Core section 5.3.2).
    #[error("the userinfo endpoint answered with {content_type} instead of JSON")]
    MalformedContentType {
        /// What it says it is, bounded.
        content_type: String,
    },
    /// Not one JSON object without duplicate members.
    #[error("the userinfo answer cannot be read: {0}")]
    MalformedJson(#[from] JsonError),
    /// No `sub`, or one that is not a string (OpenID Connect Core section 5.3.2).
    #[error("the userinfo answer does not say whom it is about; this is for the provider to mend")]
    MissingSubject,
    /// `sub` is not that of the ID token: the claims are of somebody else and are dropped (OpenID Connect Core section 5.3.4).
    #[error("the userinfo answer is about another user than the ID token")]
    SubjectMismatch,
}

error_codes!(UserinfoError {
    Self::NoEndpoint => "userinfo_no_endpoint",
    Self::UnusableAccessToken => "userinfo_unusable_access_token",
    Self::Unauthorized { .. } => "userinfo_unauthorized",
    Self::RateLimited { .. } => "userinfo_rate_limited",
    Self::Unavailable { .. } => "userinfo_unavailable",
    Self::UnexpectedAnswer { .. } => "userinfo_unexpected_answer",
    Self::SignedResponse => "userinfo_signed_response",
    Self::UnsignedResponse => "userinfo_unsigned_response",
    Self::WrongType(_) => "userinfo_wrong_type",
    Self::IssuerMismatch => "userinfo_issuer_mismatch",
    Self::AudienceMismatch => "userinfo_audience_mismatch",
    Self::NotValidNow => "userinfo_not_valid_now",
    Self::MalformedContentType { .. } => "userinfo_malformed_content_type",
    Self::MalformedJson(_) => "userinfo_malformed_json",
    Self::MissingSubject => "userinfo_missing_subject",
    Self::SubjectMismatch => "userinfo_subject_mismatch",
} via {
    Self::Jwt(inner) => inner.code(),
});

impl UserinfoError {
    /// Whether a newer key set may have the key: refetch once, under a throttle, and verify again.
    pub fn may_be_a_new_key(&self) -> bool {
        matches!(self, Self::Jwt(inner) if inner.may_be_a_new_key())
    }
}

/// A GET with the access token in the header, the only place where it ever goes.
///
/// It accepts JSON and JWT, JSON first and both alike. What comes back is decided by how the client is registered, and
/// a provider that goes by `Accept` finds its own kind there: one without the other gets 406 from some.
pub fn request(
    metadata: &ProviderMetadata,
    token: &AccessToken,
) -> Result<Request<Bytes>, UserinfoError> {
    let endpoint = metadata
        .userinfo_endpoint
        .as_ref()
        .ok_or(UserinfoError::NoEndpoint)?;
    let credentials = Zeroizing::new(format!("Bearer {}", token.expose()));
    let mut value =
        HeaderValue::from_str(&credentials).map_err(|_| UserinfoError::UnusableAccessToken)?;
    value.set_sensitive(true);
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = uri(endpoint);
    request.headers_mut().insert(AUTHORIZATION, value);
    request.headers_mut().insert(
        ACCEPT,
        HeaderValue::from_static("application/json, application/jwt"),
    );
    Ok(request)
}

/// Reads a plain answer; `expected_sub` is the `sub` of the ID token. A missing `Content-Type` is tolerated.
/// [`verify`] reads signed ones too.
pub fn parse(
    response: &Response<Bytes>,
    expected_sub: &str,
) -> Result<Map<String, Value>, UserinfoError> {
    match body(response)? {
        Body::Plain(claims) => about(claims, expected_sub),
        Body::Jwt(_) => Err(UserinfoError::SignedResponse),
    }
}

/// The two forms of a successful answer (OpenID Connect Core section 5.3.2).
enum Body<'a> {
    Plain(Map<String, Value>),
    Jwt(&'a [u8]),
}

fn body(response: &Response<Bytes>) -> Result<Body<'_>, UserinfoError> {
    if response.status().as_u16() != 200 {
        return Err(refusal(response));
    }
    if let Some(value) = response.headers().get(CONTENT_TYPE) {
        if media_type(value.as_bytes()).is_some_and(|name| name == "application/jwt") {
            return Ok(Body::Jwt(response.body().trim_ascii()));
        }
        if !is_json(value.as_bytes()) {
            return Err(UserinfoError::MalformedContentType {
                content_type: text::bounded(&String::from_utf8_lossy(value.as_bytes()), text::NAME),
            });
        }
    }
    Ok(Body::Plain(json::parse_object(
        response.body(),
        json::MAX_BYTES,
    )?))
}

/// The claims, if they are about that user (OpenID Connect Core section 5.3.4).
fn about(
    claims: Map<String, Value>,
    expected_sub: &str,
) -> Result<Map<String, Value>, UserinfoError> {
    match claims.get("sub").and_then(Value::as_str) {
        None => Err(UserinfoError::MissingSubject),
        Some(subject) if subject == expected_sub => Ok(claims),
        Some(_) => Err(UserinfoError::SubjectMismatch),
    }
}

fn refusal(response: &Response<Bytes>) -> UserinfoError {
    let status = response.status().as_u16();
    if matches!(status, 401 | 403) {
        return UserinfoError::Unauthorized {
            status,
            error: bearer_error(response),
        };
    }
    match oauth_error::classify(response) {
        Refusal::RateLimited { retry_after, .. } => UserinfoError::RateLimited { retry_after },
        Refusal::Unavailable { .. } => UserinfoError::Unavailable { status },
        _ => UserinfoError::UnexpectedAnswer { status },
    }
}

/// The `error` attribute of a challenge (RFC 6750 section 3), read for the log only.
fn bearer_error(response: &Response<Bytes>) -> Option<String> {
    let challenge = response.headers().get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let (_, rest) = challenge.split_once("error=\"")?;
    let (error, _) = rest.split_once('"')?;
    Some(text::bounded(error, text::NAME))
}
