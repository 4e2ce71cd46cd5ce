//! One document over HTTP, whole or not at all where the copy is still good (RFC 9110 section 13, RFC 9111 sections 4.3 and 5.2).

use bytes::Bytes;
use http::header::{
    ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use url::Url;

use super::cache::Freshness;
use super::provider::ProviderError;
use super::transport::HttpClient;
use crate::relying_party::uri;
use crate::text;
use crate::token_response::is_json;

/// What tells a server which copy is here, good at the address it came from only.
#[derive(Clone)]
pub(super) struct Validators {
    url: Url,
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// What a server says to a question with validators.
pub(super) enum Answer {
    New(Response<Bytes>),
    /// 304: the copy is good, and its validators are these from now on.
    Unchanged {
        max_age: Option<u64>,
        validators: Validators,
    },
}

/// Asks for the document `what` at `url`.
pub(super) async fn document(
    http: &HttpClient,
    what: &'static str,
    url: &Url,
    validators: Option<&Validators>,
    freshness: Freshness,
) -> Result<Answer, ProviderError> {
    let validators = validators.filter(|validators| validators.url == *url);
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = uri(url);
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if freshness == Freshness::New {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    if let Some(known) = validators {
        for (name, value) in [
            (IF_NONE_MATCH, &known.etag),
            (IF_MODIFIED_SINCE, &known.last_modified),
        ] {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
    }
    let answer = http
        .send(request)
        .await
        .map_err(|source| ProviderError::Transport { what, source })?;
    match (answer.status(), validators) {
        (StatusCode::OK, _) => match not_json(answer.headers()) {
            None => Ok(Answer::New(answer)),
            Some(content_type) => Err(ProviderError::ContentType { what, content_type }),
        },
        (StatusCode::NOT_MODIFIED, Some(known)) => Ok(Answer::Unchanged {
            max_age: max_age(answer.headers()),
            validators: known.renewed(answer.headers()),
        }),
        (status, _) => Err(ProviderError::Status {
            what,
            status: status.as_u16(),
        }),
    }
}

/// What the answer says it is, where that is not JSON; one that does not say is taken at its word of 200.
fn not_json(headers: &HeaderMap) -> Option<String> {
    let stated = headers.get(CONTENT_TYPE)?.as_bytes();
    (!is_json(stated)).then(|| text::bounded(&String::from_utf8_lossy(stated), text::NAME))
}

impl Validators {
    /// `None` where the answer has neither `ETag` nor `Last-Modified`.
    pub(super) fn of(url: &Url, headers: &HeaderMap) -> Option<Self> {
        let known = Self {
            url: url.clone(),
            etag: headers.get(ETAG).cloned(),
            last_modified: headers.get(LAST_MODIFIED).cloned(),
        };
        (known.etag.is_some() || known.last_modified.is_some()).then_some(known)
    }

    /// With what a 304 says anew (RFC 9111 section 3.2).
    fn renewed(&self, headers: &HeaderMap) -> Self {
        Self {
            url: self.url.clone(),
            etag: headers.get(ETAG).or(self.etag.as_ref()).cloned(),
            last_modified: headers
                .get(LAST_MODIFIED)
                .or(self.last_modified.as_ref())
                .cloned(),
        }
    }
}

/// For how many seconds an answer is good, less what it spent in caches on the way (RFC 9111 section 4.2.3);
/// zero where it must not be kept or must be asked for again.
pub(super) fn max_age(headers: &HeaderMap) -> Option<u64> {
    let mut stated: Option<u64> = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().ok()?.split(',') {
            let directive = directive.trim().to_ascii_lowercase();
            if matches!(directive.as_str(), "no-store" | "no-cache") {
                return Some(0);
            }
            if let Some(seconds) = directive.strip_prefix("max-age=") {
                let seconds = seconds.trim_matches('"').parse().ok()?;
                stated = Some(stated.map_or(seconds, |known| known.min(seconds)));
            }
        }
    }
    let age: u64 = headers
        .get(AGE)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .unwrap_or(0);
    stated.map(|seconds| seconds.saturating_sub(age))
}
