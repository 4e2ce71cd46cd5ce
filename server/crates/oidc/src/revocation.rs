//! Token revocation (RFC 7009).

use bytes::Bytes;
use http::{Request, Response};
use thiserror::Error;

use crate::client_assertion::{ClientAuthError, Freshness};
use crate::metadata::ProviderMetadata;
use crate::oauth_error::{self, Refusal};
use crate::relying_party::RelyingParty;
use crate::secret::{AccessToken, RefreshToken};
use crate::{hint, redact};

/// What is revoked. Revoke a refresh token first: providers end its access tokens with it (RFC 7009 section 2.1).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum RevocableToken<'a> {
    /// `token_type_hint=access_token`.
    Access(&'a AccessToken),
    /// `token_type_hint=refresh_token`.
    Refresh(&'a RefreshToken),
}

/// Why a token may still be good. Signing out goes on regardless.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationError {
    /// 503 or another server error: the token still exists, try again later (RFC 7009 section 2.2.1).
    #[error(
        "the provider could not revoke the token now (status {status}); it is good until it expires or a later try succeeds"
    )]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// Seconds to wait, where the provider says so.
        retry_after: Option<u64>,
    },
    /// 429: too many requests.
    #[error("the provider limits the rate of revocations; try again later")]
    RateLimited {
        /// Seconds to wait, where the provider says so.
        retry_after: Option<u64>,
    },
    /// An OAuth error answer (RFC 7009 section 2.2.1), such as `invalid_client` or `unsupported_token_type`.
    #[error("the provider refused to revoke the token: {error} (status {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The `error` code, bounded.
        error: String,
    },
    /// 401 without an OAuth error: the client's credentials were not accepted (RFC 6749 section 5.2).
    #[error(
        "the revocation endpoint does not accept this client's credentials (status 401); check client id, credentials and method"
    )]
    Unauthorized,
    /// Any other answer than 200 (RFC 7009 section 2.2).
    #[error(
        "the revocation endpoint answered with status {status}, which says neither yes nor no; check the provider's metadata"
    )]
    UnexpectedStatus {
        /// The HTTP status.
        status: u16,
    },
}

error_codes!(RevocationError {
    Self::Unavailable { .. } => "revocation_unavailable",
    Self::RateLimited { .. } => "revocation_rate_limited",
    Self::Refused { .. } => "revocation_refused",
    Self::Unauthorized => "revocation_unauthorized",
    Self::UnexpectedStatus { .. } => "revocation_unexpected_status",
});

impl RevocationError {
    /// The same error with these secrets taken out of the provider's own words. See [`crate::redact`].
    #[must_use]
    pub fn without<S: AsRef<str>>(mut self, secrets: &[S]) -> Self {
        if let Self::Refused { error, .. } = &mut self {
            *error = redact::without_secrets(error, secrets);
        }
        self
    }

    /// Whether a later try may succeed without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. })
    }

    /// What an operator should look at, for the mistakes that people make.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused { error, .. } => hint::for_error(error, None),
            Self::Unauthorized => hint::for_error("invalid_client", None),
            Self::RateLimited { .. } => Some(hint::RATE_LIMITED),
            _ => None,
        }
    }
}

/// The request that revokes `token`, or `None` where the provider has no revocation endpoint. Each token
/// and each try takes a `fresh` of its own.
pub fn request(
    metadata: &ProviderMetadata,
    client: &RelyingParty,
    token: RevocableToken<'_>,
    fresh: Freshness,
) -> Result<Option<Request<Bytes>>, ClientAuthError> {
    let (text, hint) = match token {
        RevocableToken::Access(token) => (token.expose(), "access_token"),
        RevocableToken::Refresh(token) => (token.expose(), "refresh_token"),
    };
    let Some(endpoint) = &metadata.revocation_endpoint else {
        return Ok(None);
    };
    let parameters = [("token", text), ("token_type_hint", hint)];
    client
        .post(metadata, endpoint, &parameters, fresh)
        .map(Some)
}

/// Reads the answer. 200 is success whatever the body says, also for a token that the provider never knew.
pub fn parse(response: &Response<Bytes>) -> Result<(), RevocationError> {
    let status = response.status().as_u16();
    if status == 200 {
        return Ok(());
    }
    Err(match oauth_error::classify(response) {
        Refusal::RateLimited { retry_after, .. } => RevocationError::RateLimited { retry_after },
        Refusal::Unavailable { retry_after, .. } => RevocationError::Unavailable {
            status,
            retry_after,
        },
        Refusal::Oauth { error, .. } => RevocationError::Refused { status, error },
        Refusal::Unauthorized => RevocationError::Unauthorized,
        Refusal::Redirect | Refusal::Unreadable => RevocationError::UnexpectedStatus { status },
    })
}
