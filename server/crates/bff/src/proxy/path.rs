//! From the bytes of a request target to the exact URL that is sent, or a refusal: pure, and the only place that
//! decides (RFC 3986 sections 3.3 and 6.2, RFC 9112 section 3.2; draft-ietf-oauth-browser-based-apps section 6.1.3.3).
//!
//! What another server could read otherwise than this one is refused, never repaired: an encoded slash or dot, a
//! parameter after `;`, an encoding of an encoding. Routes are matched against the URL that was put together, which is
//! the value that is sent.

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Uri};
use thiserror::Error;
use url::Position;

use crate::proxy::segment::{self, SegmentError};
use crate::upstream::{Upstream, UpstreamRoute};

/// The longest path of a call, in bytes.
const MAX_PATH: usize = 4096;
/// The longest query of a call, in bytes.
const MAX_QUERY: usize = 8192;
/// Under this path are the APIs.
const API: &str = "/api";

/// Why a call is not forwarded. The answer is `route_not_allowed` for all of them; the log says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RouteError {
    /// No upstream has this name.
    #[error("no API has this name: configure it as an upstream, or mend the address")]
    UnknownApi,
    /// None of the upstream's routes has this method and path.
    #[error("no route of this API has this method and path: add one, or mend the address")]
    NoRoute,
    /// The target is a whole URL or an authority (RFC 9112 sections 3.2.2 and 3.2.3).
    #[error("the request target is not a path (RFC 9112 section 3.2.1)")]
    NotAPath,
    /// The path or the query is longer than may be.
    #[error(
        "the address is too long: a path has at most {MAX_PATH} bytes, a query {MAX_QUERY}; send long values in a body"
    )]
    TooLong,
    /// A character that may not stand in a path plainly (RFC 3986 section 3.3), or `;` or `@`, which servers read
    /// differently.
    #[error("a character may not stand in a path as it is: percent-encode it")]
    Character,
    /// Two slashes one after the other.
    #[error("a segment of the path is empty: remove the second slash")]
    EmptySegment,
    /// A segment of dots (RFC 3986 section 5.2.4), or one that a server may take for that.
    #[error("a segment of the path leads elsewhere: write the path without . and ..")]
    DotSegment,
    /// Not an escape, one in lower case, of a character that needs none (RFC 3986 section 6.2.2), of a control
    /// character, or not UTF-8.
    #[error(
        "an escape in the path is not in its normal form: percent-encode UTF-8, in upper case, and only what needs it"
    )]
    Escape,
    /// A slash or backslash that is encoded, or a character that some servers turn into one.
    #[error("a segment of the path holds a slash: pass such values in the query")]
    Slash,
    /// An escape of an escape (`%252F`).
    #[error("a part of the path is encoded twice: encode it once")]
    EncodedTwice,
    /// A query with something else than visible ASCII characters.
    #[error("the query holds a character that must be percent-encoded")]
    Query,
}

impl From<SegmentError> for RouteError {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::Character => Self::Character,
            SegmentError::Empty => Self::EmptySegment,
            SegmentError::Dots => Self::DotSegment,
            SegmentError::Escape => Self::Escape,
            SegmentError::Slash => Self::Slash,
            SegmentError::EncodedTwice => Self::EncodedTwice,
        }
    }
}

/// Whether a path belongs to the proxy, whatever becomes of it.
pub(crate) fn is_api(path: &str) -> bool {
    path.strip_prefix(API)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A target taken apart: `/api/{name}{path}?{query}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    pub(crate) name: &'a str,
    /// Empty, or begins with `/`.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Takes a target in origin form apart, without judging its parts.
    pub(crate) fn parse(target: &'a str) -> Result<Self, RouteError> {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let below = path
            .strip_prefix(API)
            .and_then(|rest| rest.strip_prefix('/'))
            .ok_or(RouteError::NotAPath)?;
        let (name, path) = below.split_at(below.find('/').unwrap_or(below.len()));
        Ok(Self { name, path, query })
    }
}

/// Where an upstream is, and what of it may be called.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    scheme: Scheme,
    authority: Authority,
    /// The base's path as it was written: where a call names nothing below the API.
    whole: String,
    /// The same without a slash at its end: what a call's path is appended to.
    base: String,
    routes: Vec<UpstreamRoute>,
}

impl Destination {
    /// Of an upstream. `None` where its base is no address to send to; [`Upstream::new`] makes none such.
    pub(crate) fn new(upstream: &Upstream) -> Option<Self> {
        let base = &upstream.base;
        let whole = base.path().to_owned();
        Some(Self {
            scheme: Scheme::try_from(base.scheme()).ok()?,
            authority: Authority::try_from(&base[Position::BeforeHost..Position::AfterPort])
                .ok()?,
            base: whole.strip_suffix('/').unwrap_or(&whole).to_owned(),
            whole,
            routes: upstream.routes.clone(),
        })
    }

    /// `Host` as RFC 9112 section 3.2 has it written.
    pub(crate) fn host(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.authority.as_str()).ok()
    }

    /// The URL to send, where this method and path may be called. `path` stands below the API: empty, or from its `/`.
    pub(crate) fn decide(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
    ) -> Result<Uri, RouteError> {
        if path.len() > MAX_PATH || query.is_some_and(|query| query.len() > MAX_QUERY) {
            return Err(RouteError::TooLong);
        }
        check_path(path)?;
        if query.is_some_and(|query| !query.bytes().all(|b| b.is_ascii_graphic() && b != b'#')) {
            return Err(RouteError::Query);
        }
        let uri = self.put_together(path, query)?;
        // From here on nothing but the URL that is sent is looked at.
        let below = self.below(&uri).ok_or(RouteError::NoRoute)?;
        if self.allows(method, below) {
            Ok(uri)
        } else {
            Err(RouteError::NoRoute)
        }
    }

    fn put_together(&self, path: &str, query: Option<&str>) -> Result<Uri, RouteError> {
        let size = self.whole.len() + path.len() + query.map_or(0, |query| query.len() + 1);
        let mut text = String::with_capacity(size);
        if path.is_empty() {
            text.push_str(&self.whole);
        } else {
            text.push_str(&self.base);
            text.push_str(path);
        }
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        let target = PathAndQuery::try_from(text).map_err(|_| RouteError::Query)?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(target);
        Uri::from_parts(parts).map_err(|_| RouteError::Character)
    }

    /// What stands below the base in a URL that leads there.
    fn below<'a>(&self, uri: &'a Uri) -> Option<&'a str> {
        let path = uri.path();
        if path == self.whole {
            return Some("/");
        }
        path.strip_prefix(self.base.as_str())
            .filter(|rest| rest.starts_with('/'))
    }

    fn allows(&self, method: &Method, below: &str) -> bool {
        // Neither means anything behind a gateway, and TRACE says headers back (RFC 9110 section 9.3.8).
        if *method == Method::CONNECT || *method == Method::TRACE {
            return false;
        }
        self.routes.is_empty()
            || self.routes.iter().any(|route| {
                (route.methods.is_empty() || route.methods.contains(method))
                    && covers(&route.prefix, below)
            })
    }

    /// The path below `/api/` that leads to this URL, where one does: for a `Location` that stays with this API.
    pub(crate) fn address_of(&self, name: &str, uri: &Uri) -> Option<String> {
        let same = uri.scheme() == Some(&self.scheme) && uri.authority() == Some(&self.authority);
        let path = uri.path();
        let below = if path == self.whole {
            ""
        } else {
            path.strip_prefix(self.base.as_str())
                .filter(|rest| rest.starts_with('/'))?
        };
        if !same || check_path(below).is_err() {
            return None;
        }
        Some(match uri.query() {
            Some(query) => format!("{API}/{name}{below}?{query}"),
            None => format!("{API}/{name}{below}"),
        })
    }
}

/// Whether a prefix covers a path: whole segments only.
fn covers(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path is its own normal form. Only its last segment may be empty.
fn check_path(path: &str) -> Result<(), RouteError> {
    let Some(rest) = path.strip_prefix('/') else {
        return if path.is_empty() {
            Ok(())
        } else {
            Err(RouteError::NotAPath)
        };
    };
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_none() {
            break;
        }
        segment::check(segment)?;
    }
    Ok(())
}
