//! Opaque tokens: the provider is asked what they are (RFC 7662).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use cloakroom_oidc::client::{Provider, ProviderError, TransportError};
use cloakroom_oidc::{AccessToken, ClientAuthError, Freshness, JsonError, RelyingParty, json};
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::answers::{Answers, Claims, is_active};
use crate::flights::{Flight, Flights, Key};
use crate::token::{Expectations, TokenRefusal, VerifiedToken, judge};

/// The longest `Retry-After` that is heeded and passed on, in seconds.
const LONGEST_WAIT: u64 = 60;
/// How long a provider is left alone that refuses this API's credentials, in seconds: some lock clients out.
const UNAUTHORIZED_WAIT: u64 = 10;

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
    /// Seconds to wait, where the provider says so; at most a minute.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// How one provider is asked, and what it answered lately.
pub(crate) struct Introspection {
    provider: Provider,
    client: RelyingParty,
    random: Random,
    answers: Answers,
    flights: Flights<Result<Claims, IntrospectionError>>,
    pause: Mutex<Option<Pause>>,
}

/// The provider wants to be left alone until then.
struct Pause {
    from: u64,
    until: u64,
    error: IntrospectionError,
}

impl Introspection {
    pub(crate) fn new(provider: Provider, client: RelyingParty, random: Random) -> Self {
        Self {
            provider,
            client,
            answers: Answers::new([random(), random()].as_flattened()),
            random,
            flights: Flights::new(),
            pause: Mutex::new(None),
        }
    }

    /// The token as the provider knows it, judged each time; the answer is kept for `lifetime` seconds at most.
    pub(crate) async fn verify(
        self: &Arc<Self>,
        token: &str,
        expected: &Expectations<'_>,
        lifetime: u64,
    ) -> Result<VerifiedToken, crate::Denied> {
        let key = self.answers.key(expected.issuer, token);
        let claims = if let Some(claims) = self.answers.get(&key, expected.now) {
            claims
        } else {
            let ask = || Arc::clone(self).ask_and_keep(key, token, expected.now, lifetime);
            self.flights.join(key, ask).await?
        };
        if !is_active(&claims) {
            return Err(TokenRefusal::Inactive.into());
        }
        Ok(judge(claims, expected)?)
    }

    fn ask_and_keep(
        self: Arc<Self>,
        key: Key,
        token: &str,
        now: u64,
        lifetime: u64,
    ) -> Flight<Result<Claims, IntrospectionError>> {
        let token = AccessToken::new(token);
        Box::pin(async move {
            self.left_alone(now)?;
            let answer = self.ask(token.expose(), now).await;
            if let Err(error) = &answer {
                self.note(error, now);
            }
            let claims = Arc::new(answer?);
            self.answers.keep(key, &claims, now, lifetime);
            Ok(claims)
        })
    }

    async fn ask(&self, token: &str, now: u64) -> Result<Map<String, Value>, IntrospectionError> {
        let metadata = self.provider.metadata().await?;
        let endpoint = metadata
            .introspection_endpoint
            .as_ref()
            .ok_or(IntrospectionError::NoEndpoint)?;
        let parameters = [("token", token), ("token_type_hint", "access_token")];
        let fresh = Freshness::new(now, (self.random)());
        let request = self.client.post(&metadata, endpoint, &parameters, fresh)?;
        read(&self.provider.http().send(request).await?)
    }

    /// The failure that told this API to wait, while it does.
    fn left_alone(&self, now: u64) -> Result<(), IntrospectionError> {
        let pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        match &*pause {
            // A clock that was set back ends the wait, rather than making it as long as the step.
            Some(pause) if (pause.from..pause.until).contains(&now) => {
                let mut error = pause.error.clone();
                if let IntrospectionError::Status { retry_after, .. } = &mut error {
                    *retry_after = Some(pause.until - now);
                }
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Only what no caller can bring about by the token they send leads to a pause, which is everybody's.
    fn note(&self, error: &IntrospectionError, now: u64) {
        let wait = match error {
            IntrospectionError::Unauthorized { .. } => UNAUTHORIZED_WAIT,
            IntrospectionError::Status {
                status: 429 | 503,
                retry_after: Some(seconds),
            } => *seconds,
            _ => return,
        };
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner) = Some(Pause {
            from: now,
            until: now.saturating_add(wait),
            error: error.clone(),
        });
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
