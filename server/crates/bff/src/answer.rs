//! What a `Bff` method answers: status, headers and body, for whichever framework carries it to the browser.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// What a page of this crate may load: its stylesheet.
const PLAIN_PAGE: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A whole HTTP answer.
#[derive(Debug, Clone)]
#[must_use = "an answer does nothing until it is sent"]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
        .header(header::CACHE_CONTROL, "no-store")
        // The address of a protocol answer holds a code and a state: no later request carries it along.
        .header(header::REFERRER_POLICY, "no-referrer")
    }

    /// 303 See Other (RFC 9110 section 15.4.4): the browser goes there with GET, whatever it came with.
    pub fn see_other(location: &str) -> Self {
        Self::empty(StatusCode::SEE_OTHER).header(header::LOCATION, location)
    }

    /// A JSON body.
    pub fn json(status: StatusCode, body: &serde_json::Value) -> Self {
        Self {
            body: Bytes::from(body.to_string()),
            ..Self::empty(status)
        }
        .header(header::CONTENT_TYPE, "application/json")
    }

    /// JSON that is the same for everybody and may be kept for so many seconds.
    pub(crate) fn shared_json(body: String, seconds: u32) -> Self {
        Self {
            body: Bytes::from(body),
            ..Self::empty(StatusCode::OK)
        }
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CACHE_CONTROL, &format!("public, max-age={seconds}"))
    }

    /// An HTML page.
    pub(crate) fn html(status: StatusCode, body: String) -> Self {
        Self {
            body: Bytes::from(body),
            ..Self::empty(status)
        }
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, PLAIN_PAGE)
    }

    /// Sets a header; a value that is not legal in one is left out, never cut or escaped.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.headers.insert(name, value);
            }
            Err(_) => {
                tracing::error!(header = %name, "a header value was not legal and is left out");
            }
        }
        self
    }

    /// Adds a `Set-Cookie`.
    pub(crate) fn cookie(mut self, value: Option<HeaderValue>) -> Self {
        if let Some(value) = value {
            self.headers.append(header::SET_COOKIE, value);
        }
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
