//! Opaque tokens: the provider is asked what they are (RFC 7662).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use bytes::Bytes;
use cloakroom_oidc::client::{Provider, ProviderError, TransportError};
use cloakroom_oidc::{ClientAuthError, Freshness, JsonError, RelyingParty, json};
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use moka::sync::Cache;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::token::{Expectations, TokenRefusal, VerifiedToken, judge};

/// How many answers are kept.
const CAPACITY: u64 = 10_000;
/// How long an answer is kept at most, in seconds: how long a revoked token may still be good.
const LIFETIME: u64 = 60;
/// The longest `Retry-After` that is passed on, in seconds.
const LONGEST_WAIT: u64 = 3600;

/// Sixteen random bytes from a secure source.
pub type Random = Arc<dyn Fn() -> [u8; 16] + Send + Sync>;

/// Why it is not known whether a token is good. The caller is asked to come again, and not let in.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// The metadata cannot be had.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The metadata names no introspection endpoint (RFC 8414 section 2).
    #[error("the provider has no introspection endpoint; check its JWT access tokens here instead")]
    NoEndpoint,
    /// This API cannot authenticate (RFC 7662 section 2.1).
    #[error(transparent)]
    ClientAuth(#[from] ClientAuthError),
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// 401 or 403: this API's own credentials are refused, which says nothing about the token (RFC 7662 section 2.3).
    #[error(
        "the introspection endpoint does not accept this API's credentials (status {status}); check client id, secret and method"
    )]
    Unauthorized {
        /// The HTTP status.
        status: u16,
    },
    /// Any other answer than 200 (RFC 7662 section 2.2); redirects are not followed.
    #[error("the introspection endpoint answered with status {status}; try again later")]
    Status {
        /// The HTTP status.
        status: u16,
        /// Seconds to wait, where the provider says so.
        retry_after: Option<u64>,
    },
    /// Not one JSON object (RFC 7662 section 2.2).
    #[error("the introspection answer cannot be read: {0}")]
    Json(#[from] JsonError),
    /// No `active`, or one that is not true or false (RFC 7662 section 2.2).
    #[error(
        "the introspection answer does not say whether the token is active; this is for the provider to mend"
    )]
    NoActive,
}

error_codes!(IntrospectionError {
    Self::NoEndpoint => "introspection_no_endpoint",
    Self::Unauthorized { .. } => "introspection_unauthorized",
    Self::Status { .. } => "introspection_status",
    Self::NoActive => "introspection_no_active",
} via {
    Self::Provider(inner) => inner.code(),
    Self::ClientAuth(inner) => inner.code(),
    Self::Transport(inner) => inner.code(),
    Self::Json(inner) => inner.code(),
});

impl IntrospectionError {
    /// Seconds to wait, where the provider says so; at most an hour.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// How one provider is asked, and what it answered lately.
pub(crate) struct Introspection {
    client: RelyingParty,
    random: Random,
    key: hmac::Key,
    answers: Cache<[u8; 32], Kept>,
}

#[derive(Clone)]
struct Kept {
    claims: Arc<Map<String, Value>>,
    until: u64,
}

impl Introspection {
    pub(crate) fn new(client: RelyingParty, random: Random) -> Self {
        let key = [random(), random()].concat();
        Self {
            client,
            random,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            answers: Cache::new(CAPACITY),
        }
    }

    /// The token as the provider knows it. Only good tokens are kept, never past their end, and their claims are
    /// judged each time.
    pub(crate) async fn verify(
        &self,
        provider: &Provider,
        token: &str,
        expected: &Expectations<'_>,
    ) -> Result<VerifiedToken, crate::Denied> {
        let key = self.cache_key(expected.issuer, token);
        if let Some(kept) = self.answers.get(&key) {
            if expected.now < kept.until {
                return Ok(judge((*kept.claims).clone(), expected)?);
            }
            self.answers.invalidate(&key);
        }
        let claims = self.ask(provider, token, expected.now).await?;
        if claims.get("active") != Some(&Value::Bool(true)) {
            return Err(TokenRefusal::Inactive.into());
        }
        let verified = judge(claims, expected)?;
        let kept = Kept {
            claims: Arc::new(verified.claims.clone()),
            until: verified
                .expires_at
                .min(expected.now.saturating_add(LIFETIME)),
        };
        self.answers.insert(key, kept);
        Ok(verified)
    }

    async fn ask(
        &self,
        provider: &Provider,
        token: &str,
        now: u64,
    ) -> Result<Map<String, Value>, IntrospectionError> {
        let metadata = provider.metadata().await?;
        let endpoint = metadata
            .introspection_endpoint
            .as_ref()
            .ok_or(IntrospectionError::NoEndpoint)?;
        let parameters = [("token", token), ("token_type_hint", "access_token")];
        let fresh = Freshness::new(now, (self.random)());
        let request = self.client.post(&metadata, endpoint, &parameters, fresh)?;
        read(&provider.http().send(request).await?)
    }

    /// Keyed, so that what is in memory tells nobody which tokens were seen; with the issuer and its length, so
    /// that no two issuers share an entry.
    fn cache_key(&self, issuer: &str, token: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&(issuer.len() as u64).to_be_bytes());
        context.update(issuer.as_bytes());
        context.update(token.as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(context.sign().as_ref());
        key
    }
}

fn read(response: &Response<Bytes>) -> Result<Map<String, Value>, IntrospectionError> {
    let status = response.status();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Err(IntrospectionError::Unauthorized {
            status: status.as_u16(),
        });
    }
    if status != StatusCode::OK {
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(|seconds: u64| seconds.clamp(1, LONGEST_WAIT));
        return Err(IntrospectionError::Status {
            status: status.as_u16(),
            retry_after,
        });
    }
    let claims = json::parse_object(response.body(), json::MAX_BYTES)?;
    match claims.get("active") {
        Some(Value::Bool(_)) => Ok(claims),
        _ => Err(IntrospectionError::NoActive),
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("client_id", &self.client.client_id)
            .finish_non_exhaustive()
    }
}
