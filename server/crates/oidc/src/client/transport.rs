//! How requests reach the provider: https only, nothing of a browser's in them, answers bounded (RFC 6749 section 3.1.2.1, RFC 9700 section 4.11).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, COOKIE, HOST, ORIGIN, REFERER};
use http::{Request, Response};
use thiserror::Error;
use url::Url;

use super::network::Network;
use crate::issuer::is_secure;

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

/// An answer that is on its way.
pub type Answer<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send + 'a>>;

/// What carries a request to the provider and its answer back: the network, or whatever stands in for it.
///
/// An implementation sends the request once, follows no redirect, keeps no cookies, adds no credentials, and gives
/// up in time: [`HttpClient`] does not do so for it. Any `Fn(Request<Bytes>)` with such a future is one:
///
/// ```
/// use bytes::Bytes;
/// use cloakroom_oidc::client::{HttpClient, TransportError};
/// use http::{Request, Response};
///
/// let http = HttpClient::over(|request: Request<Bytes>| async move {
///     match request.uri().path() {
///         "/keys" => Ok(Response::new(Bytes::from_static(br#"{"keys":[]}"#))),
///         _ => Err(TransportError::Timeout { host: "id.example.com".to_owned() }),
///     }
/// });
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Sends one request once and reads the whole answer, whatever its status.
    fn send(&self, request: Request<Bytes>) -> Answer<'_>;
}

impl<F, Fut> Transport for F
where
    F: Fn(Request<Bytes>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<Bytes>, TransportError>> + Send + 'static,
{
    fn send(&self, request: Request<Bytes>) -> Answer<'_> {
        Box::pin(self(request))
    }
}

/// Sends requests to the provider. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct HttpClient {
    transport: Arc<dyn Transport>,
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
    /// A client over the network, with these limits. Proxy variables of the environment are ignored: requests carry
    /// secrets.
    pub fn new(limits: HttpLimits) -> Result<Self, TransportError> {
        Ok(Self {
            transport: Arc::new(Network::new(limits)?),
            limits,
        })
    }

    /// A client over another transport, such as a test's provider in the same process. What [`send`](Self::send)
    /// promises still holds, but for the time-outs, which are the transport's own business.
    pub fn over(transport: impl Transport) -> Self {
        Self {
            transport: Arc::new(transport),
            limits: HttpLimits::default(),
        }
    }

    /// The limits.
    pub fn limits(&self) -> HttpLimits {
        self.limits
    }

    /// Sends one request once and reads the whole answer, whatever its status.
    ///
    /// Nothing is sent but to https, or to http on a loopback host. `Cookie`, `Origin` and `Referer` are dropped: a
    /// provider would take the request for a browser's.
    pub async fn send(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let url =
            Url::parse(&request.uri().to_string()).map_err(|_| TransportError::InvalidRequest)?;
        if !is_secure(&url) {
            return Err(TransportError::Insecure);
        }
        for name in [COOKIE, ORIGIN, REFERER, HOST] {
            request.headers_mut().remove(name);
        }
        let answer = self.transport.send(request).await?;
        let host = || url.host_str().unwrap_or_default().to_owned();
        if is_compressed(&answer) {
            return Err(TransportError::Compressed { host: host() });
        }
        let limit = self.limits.max_body;
        if answer.body().len() > limit {
            return Err(TransportError::BodyTooLarge {
                host: host(),
                limit,
            });
        }
        Ok(answer)
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Whether the body is something else than it says on the wire.
fn is_compressed(answer: &Response<Bytes>) -> bool {
    answer
        .headers()
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}
