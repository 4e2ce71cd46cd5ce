//! How upstreams are reached: hyper's pooling client over rustls, trusting what the system trusts
//! (RFC 9110 section 4.2.2, RFC 9112, RFC 9113, ALPN: RFC 7301). It follows no redirect and asks no proxy.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;
use thiserror::Error;
use tokio::net::TcpStream;
use tower::{BoxError, Service};

use crate::proxy::upload::Upload;
use crate::upstream::{Upstream, UpstreamProtocol};

/// How long a connection waits for the next call. Many servers close theirs after a minute or less; a connection that
/// they have closed is noticed, but for the moment it takes to hear of it.
const IDLE: Duration = Duration::from_secs(30);
/// The most connections to one upstream that wait for a call.
const MAX_IDLE: usize = 256;
/// How often an HTTP/2 connection is asked whether it lives, and how long it may take to say so.
const PING: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));
/// The largest head of an answer over HTTP/2, in bytes.
const MAX_HEADER_LIST: u32 = 64 * 1024;
/// The largest head of an answer over HTTP/1.1, and the most that is read at once, in bytes.
const MAX_BUFFER: usize = 256 * 1024;

pub(crate) type HttpClient = Client<Connector, Upload>;

/// Whose certificates upstreams are believed by: the system's authorities, and more where given.
#[derive(Clone)]
pub struct UpstreamTrust(ClientConfig);

impl fmt::Debug for UpstreamTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamTrust").finish_non_exhaustive()
    }
}

/// Why upstreams cannot be reached over TLS.
#[derive(Debug, Clone, Error)]
#[error(
    "the certificates of the authorities cannot be used ({0}): install the system's (ca-certificates), or mend the ones given"
)]
pub struct UpstreamTrustError(String);

impl UpstreamTrust {
    /// The system's authorities and these, in DER.
    pub fn with_roots(
        roots: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<Self, UpstreamTrustError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let failed = |error: rustls::Error| UpstreamTrustError(error.to_string());
        let verifier =
            Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(failed)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Self(config))
    }

    /// Nobody: every handshake fails.
    pub(crate) fn nobody() -> Result<Self, UpstreamTrustError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| UpstreamTrustError(error.to_string()))?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        Ok(Self(config))
    }
}

/// The clients of one upstream.
pub(crate) struct Clients {
    pub(crate) calls: HttpClient,
    /// A WebSocket begins as an HTTP/1.1 request, whatever else the upstream speaks, and its connection is its own.
    pub(crate) web_sockets: HttpClient,
}

impl Clients {
    pub(crate) fn new(upstream: &Upstream, trust: &UpstreamTrust) -> Self {
        let protocol = upstream.protocol;
        let calls = Connector::new(upstream, trust, protocol);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            .http2_only(protocol == UpstreamProtocol::Http2)
            .http2_keep_alive_interval(PING.0)
            .http2_keep_alive_timeout(PING.1)
            .http2_max_header_list_size(MAX_HEADER_LIST)
            .http1_max_buf_size(MAX_BUFFER);
        let web_sockets = Connector::new(upstream, trust, UpstreamProtocol::Http1);
        Self {
            calls: builder.build(calls),
            web_sockets: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .http1_max_buf_size(MAX_BUFFER)
                .build(web_sockets),
        }
    }
}

/// Connects, TLS included, within a bound.
#[derive(Clone)]
pub(crate) struct Connector {
    inner: HttpsConnector<HttpConnector>,
    limit: Duration,
}

impl Connector {
    fn new(upstream: &Upstream, trust: &UpstreamTrust, protocol: UpstreamProtocol) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_mins(1)));
        let builder = HttpsConnectorBuilder::new()
            .with_tls_config(trust.0.clone())
            .https_or_http();
        let inner = match protocol {
            UpstreamProtocol::Auto => builder.enable_all_versions().wrap_connector(tcp),
            UpstreamProtocol::Http1 => builder.enable_http1().wrap_connector(tcp),
            UpstreamProtocol::Http2 => builder.enable_http2().wrap_connector(tcp),
        };
        Self {
            inner,
            limit: upstream.timeouts.connect,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, limit) = (self.inner.call(uri), self.limit);
        Box::pin(async move { tokio::time::timeout(limit, connecting).await? })
    }
}
