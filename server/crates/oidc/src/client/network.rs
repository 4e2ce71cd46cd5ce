//! The network: reqwest with everything switched off that a back channel must not do (RFC 9700 section 4.11, RFC 6749 section 10.3).

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use url::Url;

use super::transport::{Answer, HttpLimits, Transport, TransportError};
use crate::text;

/// The one HTTP client: bounded in time and size, no redirects, no cookies, no proxies from the environment.
pub(super) struct Network {
    client: reqwest::Client,
    max_body: usize,
}

impl Network {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one HTTP transport that the lint points everybody to"
    )]
    pub(super) fn new(limits: HttpLimits) -> Result<Self, TransportError> {
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
        Ok(Self {
            client,
            max_body: limits.max_body,
        })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| TransportError::InvalidRequest)?;
        let host = url.host_str().unwrap_or_default().to_owned();
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

    /// Reads no further than the limit, whatever the answer says about its length.
    async fn read(
        &self,
        mut answer: reqwest::Response,
        host: String,
    ) -> Result<Response<Bytes>, TransportError> {
        let limit = self.max_body;
        let declared = answer.content_length().unwrap_or(0);
        if declared > limit as u64 {
            return Err(TransportError::BodyTooLarge { host, limit });
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

impl Transport for Network {
    fn send(&self, request: Request<Bytes>) -> Answer<'_> {
        Box::pin(self.exchange(request))
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
