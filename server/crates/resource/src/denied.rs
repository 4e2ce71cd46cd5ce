//! Why a request gets no further, and the answer that says so (RFC 6750 section 3, RFC 9470 section 3, RFC 9457).

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;
use thiserror::Error;

use crate::challenge::Challenge;
use crate::introspection::IntrospectionError;
use crate::token::TokenRefusal;
use cloakroom_oidc::client::ProviderError;

/// How long a caller is asked to wait when a provider is down and says nothing itself, in seconds.
const WAIT: u64 = 10;

/// Why a request is refused, and how the answer says so.
///
/// Callers see the standards' codes, with [`description`](Self::description) for their developers; the log has the
/// message and [`code`](Self::code).
///
/// ```
/// use bytes::Bytes;
/// use cloakroom_resource::{Denied, TokenRefusal};
///
/// let denied = Denied::from(TokenRefusal::Expired);
/// assert_eq!((denied.status().as_u16(), denied.code()), (401, "token_expired"));
/// let answer = denied.response::<Bytes>(None);
/// assert_eq!(
///     answer.headers()["www-authenticate"],
///     "Bearer error=\"invalid_token\", error_description=\"the access token has expired\""
/// );
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// No bearer token: 401 and a challenge without an error code (RFC 6750 section 3.1).
    #[error("the request has no bearer token")]
    NoCredentials,
    /// `access_token` in the query, with or without a header: 400 `invalid_request` (RFC 6750 sections 2.3 and 3.1).
    #[error(
        "the access token came in the query, where logs and histories keep it; send it in the Authorization header"
    )]
    TokenInQuery,
    /// `access_token` in a form, with or without a header: 400 `invalid_request` (RFC 6750 sections 2.2 and 3.1).
    #[error("the access token came in the body; send it in the Authorization header")]
    TokenInBody,
    /// More than one `Authorization` header: 400 `invalid_request` (RFC 6750 section 2, RFC 9110 section 5.3).
    #[error("the request has several Authorization headers; send one")]
    SeveralCredentials,
    /// Not `Bearer` and one token: 400 `invalid_request` (RFC 6750 section 2.1).
    #[error("the Authorization header is not the word Bearer, a space and one token")]
    MalformedCredentials,
    /// The token is not good: 401 `invalid_token` (RFC 6750 section 3.1).
    #[error(transparent)]
    InvalidToken(#[from] TokenRefusal),
    /// Scopes are missing: 403 `insufficient_scope` (RFC 6750 section 3.1).
    #[error("the access token lacks scopes; this route needs {}", .scopes.join(" "))]
    InsufficientScope {
        /// All that the route needs.
        scopes: Vec<String>,
    },
    /// A claim is missing or has another value: 403 `insufficient_scope`, with no scope that would help (RFC 6750
    /// section 3.1).
    #[error("the access token's claim {name} is not as this route needs it")]
    InsufficientClaim {
        /// The claim.
        name: String,
    },
    /// Signed in too long ago, or too weakly: 401 `insufficient_user_authentication` (RFC 9470 section 3).
    #[error("this route needs a more recent or a stronger sign-in")]
    InsufficientUserAuthentication {
        /// The `acr` values of which one is needed; empty where any will do.
        acr_values: Vec<String>,
        /// How long ago the sign-in may be, in seconds.
        max_age: Option<u64>,
    },
    /// The provider's metadata or keys cannot be had: 503 (RFC 9110 section 15.6.4).
    #[error("the token cannot be checked: {0}")]
    Provider(#[from] ProviderError),
    /// The token cannot be introspected: 503, for nothing is known against the caller (RFC 7662 section 2.3).
    #[error("the token cannot be checked: {0}")]
    Introspection(#[from] IntrospectionError),
    /// An extractor without the layer before it: 500. A mistake of the application's, and nobody gets in by it.
    #[error("no access token was checked for this route; put ResourceServer::layer over it")]
    NoLayer,
}

error_codes!(Denied {
    Self::NoCredentials => "no_credentials",
    Self::TokenInQuery => "token_in_query",
    Self::TokenInBody => "token_in_body",
    Self::SeveralCredentials => "several_credentials",
    Self::MalformedCredentials => "malformed_credentials",
    Self::InsufficientScope { .. } => "insufficient_scope",
    Self::InsufficientClaim { .. } => "insufficient_claim",
    Self::InsufficientUserAuthentication { .. } => "insufficient_user_authentication",
    Self::NoLayer => "no_layer",
} via {
    Self::InvalidToken(inner) => inner.code(),
    Self::Provider(inner) => inner.code(),
    Self::Introspection(inner) => inner.code(),
});

impl Denied {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials
            | Self::InvalidToken(_)
            | Self::InsufficientUserAuthentication { .. } => StatusCode::UNAUTHORIZED,
            Self::TokenInQuery
            | Self::TokenInBody
            | Self::SeveralCredentials
            | Self::MalformedCredentials => StatusCode::BAD_REQUEST,
            Self::InsufficientScope { .. } | Self::InsufficientClaim { .. } => {
                StatusCode::FORBIDDEN
            }
            Self::Provider(_) | Self::Introspection(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoLayer => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The registered error code that the caller is told (RFC 6750 section 3.1, RFC 9470 section 3).
    pub fn error(&self) -> Option<&'static str> {
        match self {
            Self::TokenInQuery
            | Self::TokenInBody
            | Self::SeveralCredentials
            | Self::MalformedCredentials => Some("invalid_request"),
            Self::InvalidToken(_) => Some("invalid_token"),
            Self::InsufficientScope { .. } | Self::InsufficientClaim { .. } => {
                Some("insufficient_scope")
            }
            Self::InsufficientUserAuthentication { .. } => Some("insufficient_user_authentication"),
            Self::NoCredentials | Self::Provider(_) | Self::Introspection(_) | Self::NoLayer => {
                None
            }
        }
    }

    /// What the caller's developers are told (RFC 6750 section 3): never anything of the token's, nor the names of
    /// claims and types that only this API knows.
    pub fn description(&self) -> Option<String> {
        match self {
            Self::NoCredentials | Self::NoLayer => None,
            Self::Provider(_) | Self::Introspection(_) => {
                Some("the access token cannot be checked at present; try again later".to_owned())
            }
            Self::InsufficientClaim { .. } => {
                Some("a claim of the access token is not as this route needs it".to_owned())
            }
            Self::InvalidToken(TokenRefusal::ForeignClaims { .. }) => {
                Some("the access token's claims are not what this API expects".to_owned())
            }
            _ => Some(self.to_string()),
        }
    }

    /// The whole answer. `resource_metadata` is the address of the protected resource's metadata (RFC 9728 section 5.1).
    pub fn response<B: From<Bytes>>(&self, resource_metadata: Option<&str>) -> Response<B> {
        let status = self.status();
        let mut problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "code": self.public_code(),
        });
        if let Some(description) = self.description() {
            problem["detail"] = description.into();
        }
        let mut response = Response::new(B::from(Bytes::from(problem.to_string())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from(self.wait()));
        }
        if !status.is_server_error() {
            headers.insert(WWW_AUTHENTICATE, self.challenge(resource_metadata));
        }
        response
    }

    /// What the caller is told; the log has more.
    fn public_code(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::Provider(_) | Self::Introspection(_) => "provider_down",
            Self::NoLayer => "server_error",
            _ => self.error().unwrap_or("server_error"),
        }
    }

    fn wait(&self) -> u64 {
        match self {
            Self::Introspection(error) => error.retry_after().unwrap_or(WAIT),
            _ => WAIT,
        }
    }

    fn challenge(&self, resource_metadata: Option<&str>) -> HeaderValue {
        let mut challenge = Challenge::bearer();
        if let Some(error) = self.error() {
            challenge.parameter("error", error);
            if let Some(description) = self.description() {
                challenge.description(&description);
            }
        }
        match self {
            Self::InsufficientScope { scopes } => {
                challenge.parameter("scope", &scopes.join(" "));
            }
            Self::InsufficientUserAuthentication {
                acr_values,
                max_age,
            } => {
                if !acr_values.is_empty() {
                    challenge.parameter("acr_values", &acr_values.join(" "));
                }
                if let Some(max_age) = max_age {
                    challenge.parameter("max_age", &max_age.to_string());
                }
            }
            _ => {}
        }
        if let Some(address) = resource_metadata {
            challenge.parameter("resource_metadata", address);
        }
        challenge.into_header()
    }

    /// Tells the operator what the caller is not told.
    pub(crate) fn log(&self) {
        let code = self.code();
        match self {
            _ if self.status().is_server_error() => tracing::error!(code, "{self}"),
            // Most likely a setting, here or of the client: nobody should have to look for the reason.
            Self::InvalidToken(TokenRefusal::Opaque | TokenRefusal::OktaOrg) => {
                tracing::info!(code, "access denied: {self}");
            }
            _ => tracing::debug!(code, "access denied: {self}"),
        }
    }
}
