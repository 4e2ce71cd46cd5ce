//! Pushed authorization requests: the parameters go to the provider directly, and the browser carries a reference to them (RFC 9126).

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use thiserror::Error;

use crate::authorization_request::AuthorizationRequest;
use crate::client_assertion::{ClientAuthError, Freshness};
use crate::json::{self, JsonError};
use crate::metadata::ProviderMetadata;
use crate::oauth_error::{self, Refusal};
use crate::relying_party::RelyingParty;
use crate::token_response::other_than_json;
use crate::{hint, redact};

/// The longest `request_uri`, in bytes.
pub const MAX_REQUEST_URI: usize = 2 * 1024;

/// The provider's reference to one pushed request, good for one sign-in (RFC 9126 section 2.2).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushedAuthorization {
    /// `request_uri`: what the browser carries ([`AuthorizationRequest::url_with`]). Visible ASCII, at most 2,048 bytes.
    pub request_uri: String,
    /// Seconds until it is good no more; at least one. Push again then, with a new state.
    pub expires_in: u64,
}

// Whoever has the reference can begin the sign-in that it stands for.
impl fmt::Debug for PushedAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushedAuthorization")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// Why a request could not be pushed. The browser is not sent anywhere.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushedAuthorizationError {
    /// An OAuth error answer (RFC 9126 section 2.3), with the codes of the authorization and of the token endpoint, or
    /// one in Okta's own shape.
    #[error("the provider refused the pushed request: {error} (status {status}); {}", .description.as_deref().unwrap_or("it gives no reason"))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The `error` code, bounded, without control characters.
        error: String,
        /// The provider's words, bounded, without control characters. For logs, or escaped.
        description: Option<String>,
    },
    /// 401 without an OAuth error: the client's credentials were not accepted (RFC 6749 section 5.2).
    #[error(
        "the provider does not accept this client's credentials for pushed requests and gives no reason (status 401); check client id, credentials and method"
    )]
    Unauthorized,
    /// 405: this address takes no POST (RFC 9126 section 2.3).
    #[error(
        "the pushed authorization request endpoint takes no POST (status 405); check pushed_authorization_request_endpoint in the provider's metadata"
    )]
    MethodNotAllowed,
    /// 413: more than the provider reads (RFC 9126 section 2.3).
    #[error(
        "the pushed request is too large for the provider (status 413); ask for fewer scopes and parameters"
    )]
    TooLarge,
    /// 429 (RFC 9126 section 2.3), with whatever body.
    #[error("the provider limits the rate of pushed requests; wait before the next one")]
    RateLimited {
        /// Seconds to wait, where the provider says so; at most an hour.
        retry_after: Option<u64>,
        /// The provider's words, bounded, without control characters.
        description: Option<String>,
    },
    /// A server error, or `server_error` or `temporarily_unavailable` (RFC 6749 section 4.1.2.1).
    #[error("the provider cannot take pushed requests now (status {status}); try again later")]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// Seconds to wait, where the provider says so; at most an hour.
        retry_after: Option<u64>,
        /// The provider's words, bounded, without control characters.
        description: Option<String>,
    },
    /// A redirect, which is never followed: it would carry credentials elsewhere.
    #[error(
        "the pushed authorization request endpoint answered with a redirect (status {status}); check the issuer and any proxy between"
    )]
    Redirected {
        /// The HTTP status.
        status: u16,
    },
    /// Neither success nor an error of a known shape, such as an HTML page or nothing at all (RFC 9126 section 2).
    #[error(
        "the pushed authorization request endpoint answered with status {status} and no OAuth error; check the issuer and any proxy between"
    )]
    UnexpectedAnswer {
        /// The HTTP status.
        status: u16,
    },
    /// A success that is declared as something else than JSON (RFC 9126 section 2.2).
    #[error(
        "the pushed authorization request endpoint answered with {content_type} instead of JSON; check the issuer and any proxy between"
    )]
    MalformedContentType {
        /// What it says it is, bounded.
        content_type: String,
    },
    /// A success that is not one JSON object without duplicate members (RFC 9126 section 2.2).
    #[error(
        "the answer to the pushed request cannot be read: {0}; this is for the provider to mend"
    )]
    MalformedJson(#[from] JsonError),
    /// A member that must be there is not (RFC 9126 section 2.2).
    #[error("the answer to the pushed request has no {0}; this is for the provider to mend")]
    MissingMember(&'static str),
    /// A member with another type or form than the specification gives it (RFC 9126 section 2.2).
    #[error(
        "{0} in the answer to the pushed request has the wrong type or form; this is for the provider to mend"
    )]
    WrongType(&'static str),
}

error_codes!(PushedAuthorizationError {
    Self::Refused { .. } => "pushed_authorization_refused",
    Self::Unauthorized => "pushed_authorization_unauthorized",
    Self::MethodNotAllowed => "pushed_authorization_method_not_allowed",
    Self::TooLarge => "pushed_authorization_too_large",
    Self::RateLimited { .. } => "pushed_authorization_rate_limited",
    Self::Unavailable { .. } => "pushed_authorization_unavailable",
    Self::Redirected { .. } => "pushed_authorization_redirected",
    Self::UnexpectedAnswer { .. } => "pushed_authorization_unexpected_answer",
    Self::MalformedContentType { .. } => "pushed_authorization_malformed_content_type",
    Self::MalformedJson(_) => "pushed_authorization_malformed_json",
    Self::MissingMember(_) => "pushed_authorization_missing_member",
    Self::WrongType(_) => "pushed_authorization_wrong_type",
});

impl PushedAuthorizationError {
    /// The same error with these secrets taken out of the provider's own words. See [`crate::redact`].
    #[must_use]
    pub fn without<S: AsRef<str>>(mut self, secrets: &[S]) -> Self {
        let clean = |words: &mut String| *words = redact::without_secrets(words, secrets);
        match &mut self {
            Self::Refused {
                error, description, ..
            } => {
                clean(error);
                description.iter_mut().for_each(clean);
            }
            Self::RateLimited { description, .. } | Self::Unavailable { description, .. } => {
                description.iter_mut().for_each(clean);
            }
            Self::MalformedContentType { content_type } => clean(content_type),
            _ => {}
        }
        self
    }

    /// Whether a new push may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. })
    }

    /// What an operator should look at, for the mistakes that people make.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused {
                error, description, ..
            } => hint::for_error(error, description.as_deref()),
            Self::Unauthorized => hint::for_error("invalid_client", None),
            Self::MethodNotAllowed | Self::UnexpectedAnswer { status: 404 } => {
                Some(hint::NO_PUSHED_REQUESTS)
            }
            Self::RateLimited { .. } => Some(hint::RATE_LIMITED),
            Self::Unavailable {
                status,
                description,
                ..
            } => hint::for_unavailable(*status, description.as_deref()),
            _ => None,
        }
    }
}

/// The request that pushes `authorization`, or `None` where the provider has no endpoint for it. The parameters are
/// those that the browser would have carried, and `client_id` is `client`'s, also beside Basic credentials
/// (RFC 9126 section 2.1). Each push takes a `fresh` of its own, and an authorization request of its own.
pub fn request(
    metadata: &ProviderMetadata,
    client: &RelyingParty,
    authorization: &AuthorizationRequest<'_>,
    fresh: Freshness,
) -> Result<Option<Request<Bytes>>, ClientAuthError> {
    let Some(endpoint) = &metadata.pushed_authorization_request_endpoint else {
        return Ok(None);
    };
    let authorization = AuthorizationRequest {
        client_id: &client.client_id,
        ..*authorization
    };
    let parameters = authorization.parameters();
    let parameters: Vec<(&str, &str)> = parameters
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    client
        .post(metadata, endpoint, &parameters, fresh)
        .map(Some)
}

/// Reads the answer: 201 (RFC 9126 section 2.2), or 200, which Okta documents. A missing `Content-Type` is tolerated,
/// for the body is read as JSON and as nothing else.
pub fn parse(response: &Response<Bytes>) -> Result<PushedAuthorization, PushedAuthorizationError> {
    let status = response.status().as_u16();
    if !matches!(status, 200 | 201) {
        return Err(refusal(response, status));
    }
    if let Some(content_type) = other_than_json(response) {
        return Err(PushedAuthorizationError::MalformedContentType { content_type });
    }
    let body = json::parse_object(response.body(), json::MAX_BYTES)?;
    let present = |name| body.get(name).filter(|value| !value.is_null());
    if present("request_uri").is_none()
        && let Some((error, description)) = oauth_error::error_object(&body)
    {
        // Some providers say no with status 200.
        return Err(PushedAuthorizationError::Refused {
            status,
            error,
            description,
        });
    }
    let member = |name| present(name).ok_or(PushedAuthorizationError::MissingMember(name));
    let request_uri = request_uri(member("request_uri")?)
        .ok_or(PushedAuthorizationError::WrongType("request_uri"))?;
    // A fraction is cut off; less than a second is of no use.
    let expires_in = json::seconds(member("expires_in")?)
        .filter(|seconds| *seconds > 0)
        .ok_or(PushedAuthorizationError::WrongType("expires_in"))?;
    Ok(PushedAuthorization {
        request_uri,
        expires_in,
    })
}

fn request_uri(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let fits = (1..=MAX_REQUEST_URI).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

fn refusal(response: &Response<Bytes>, status: u16) -> PushedAuthorizationError {
    use PushedAuthorizationError as Error;
    if response.status().is_success() {
        return Error::UnexpectedAnswer { status };
    }
    match oauth_error::classify(response) {
        Refusal::RateLimited {
            retry_after,
            description,
        } => Error::RateLimited {
            retry_after,
            description,
        },
        Refusal::Unavailable {
            retry_after,
            description,
        } => Error::Unavailable {
            status,
            retry_after,
            description,
        },
        // What the status alone says is clearer than the words that come with it.
        _ if status == 405 => Error::MethodNotAllowed,
        _ if status == 413 => Error::TooLarge,
        Refusal::Oauth { error, description } => Error::Refused {
            status,
            error,
            description,
        },
        Refusal::Unauthorized => Error::Unauthorized,
        Refusal::Redirect => Error::Redirected { status },
        Refusal::Unreadable => Error::UnexpectedAnswer { status },
    }
}
