//! The one HTTP transport to the provider: bounded in time and size, no redirects, no cookies, no proxies from the environment (RFC 9700 section 4.11, RFC 6749 section 10.3).

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, COOKIE, HOST, ORIGIN, REFERER};
use http::{Request, Response};
use thiserror::Error;
use url::Url;

use crate::issuer::is_secure;
use crate::text;

/// What one exchange may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// How long a connection may take to come about.
    pub connect: Duration,
    /// How long the whole exchange may take, the body included.
    pub total: Duration,
    /// The largest body that is read, in bytes.
    pub max_body: usize,
}

impl Default for HttpLimits {
    /// 5 s, 10 s and 1 MiB.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(10),
            max_body: 1024 * 1024,
        }
    }
}

/// Sends requests to the provider. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct HttpClient {
    client: reqwest::Client,
    limits: HttpLimits,
}

/// Why there is no answer. No message holds a path or a query.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportError {
    /// The TLS stack could not be set up.
    #[error("the HTTP client cannot start: {0}; check that CA certificates are installed")]
    Setup(String),
    /// Neither https nor http on a loopback host (RFC 6749 section 3.1.2.1): nothing was sent.
    #[error("requests go to https addresses only, or to http on a loopback host")]
    Insecure,
    /// The request is not one that can be sent: nothing was sent.
    #[error("the request cannot be sent as it is")]
    InvalidRequest,
    /// No connection: the name, the network, or the certificate. Nothing was sent.
    #[error("{host} cannot be reached: {reason}")]
    Connect {
        /// The host.
        host: String,
        /// What the network or TLS says.
        reason: String,
    },
    /// No full answer within the limit. The request may have had its effect.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host.
        host: String,
    },
    /// The connection broke. The request may have had its effect.
    #[error("the exchange with {host} broke off: {reason}")]
    Interrupted {
        /// The host.
        host: String,
        /// What the network says.
        reason: String,
    },
    /// A body above the limit; reading stopped there.
    #[error("{host} answered with more than {limit} bytes")]
    BodyTooLarge {
        /// The host.
        host: String,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A compressed body, which was not asked for and could be far larger than it looks.
    #[error("{host} answered with a compressed body, which was not asked for")]
    Compressed {
        /// The host.
        host: String,
    },
}

error_codes!(TransportError {
    Self::Setup(_) => "transport_setup",
    Self::Insecure => "transport_insecure",
    Self::InvalidRequest => "transport_invalid_request",
    Self::Connect { .. } => "transport_connect",
    Self::Timeout { .. } => "transport_timeout",
    Self::Interrupted { .. } => "transport_interrupted",
    Self::BodyTooLarge { .. } => "transport_body_too_large",
    Self::Compressed { .. } => "transport_compressed",
});

impl TransportError {
    /// Whether the provider has certainly not seen the request, so that a code or refresh token in it is unspent.
    pub fn nothing_was_sent(&self) -> bool {
        matches!(
            self,
            Self::Setup(_) | Self::Insecure | Self::InvalidRequest | Self::Connect { .. }
        )
    }
}

impl HttpClient {
    /// A client with these limits. Proxy variables of the environment are ignored: requests carry secrets.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one HTTP transport that the lint points everybody to"
    )]
    pub fn new(limits: HttpLimits) -> Result<Self, TransportError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("cloakroom/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            // Some protocol errors are retried by default; a code or refresh token must not be sent twice unasked.
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            // Shorter than the five seconds after which common servers close an idle connection: a request
            // that meets the closing would fail although nothing is wrong.
            .pool_idle_timeout(Duration::from_secs(4))
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .build()
            .map_err(|error| TransportError::Setup(reason(&error)))?;
        Ok(Self { client, limits })
    }

    /// The limits.
    pub fn limits(&self) -> HttpLimits {
        self.limits
    }

    /// Sends one request once and reads the whole answer, whatever its status.
    ///
    /// `Cookie`, `Origin` and `Referer` are dropped: a provider would take the request for a browser's.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (mut parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| TransportError::InvalidRequest)?;
        if !is_secure(&url) {
            return Err(TransportError::Insecure);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        for name in [COOKIE, ORIGIN, REFERER, HOST] {
            parts.headers.remove(name);
        }
        let mut outgoing = reqwest::Request::new(parts.method, url);
        *outgoing.headers_mut() = parts.headers;
        if !body.is_empty() || outgoing.method() == http::Method::POST {
            *outgoing.body_mut() = Some(body.into());
        }
        let answer = self
            .client
            .execute(outgoing)
            .await
            .map_err(|error| failure(&error, &host))?;
        self.read(answer, host).await
    }

    async fn read(
        &self,
        mut answer: reqwest::Response,
        host: String,
    ) -> Result<Response<Bytes>, TransportError> {
        let limit = self.limits.max_body;
        let declared = answer.content_length().unwrap_or(0);
        if declared > limit as u64 {
            return Err(TransportError::BodyTooLarge { host, limit });
        }
        let plain = answer
            .headers()
            .get_all(CONTENT_ENCODING)
            .iter()
            .all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
        if !plain {
            return Err(TransportError::Compressed { host });
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|error| failure(&error, &host))?
        {
            if chunk.len() > limit - body.len() {
                return Err(TransportError::BodyTooLarge { host, limit });
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn failure(error: &reqwest::Error, host: &str) -> TransportError {
    let host = host.to_owned();
    // A connection that takes too long is both; that nothing was sent is what the caller needs to know.
    if error.is_connect() {
        let reason = reason(error);
        TransportError::Connect { host, reason }
    } else if error.is_timeout() {
        TransportError::Timeout { host }
    } else if error.is_builder() {
        TransportError::InvalidRequest
    } else {
        let reason = reason(error);
        TransportError::Interrupted { host, reason }
    }
}

/// The innermost cause. The outer ones repeat the address, and with it whatever the query holds.
fn reason(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    cause.map_or_else(
        || String::from("no reason given"),
        |cause| text::bounded(&cause.to_string(), text::NAME),
    )
}
