//! What the proxy may forward, and how: one value for each API under `/api/{name}/`. An allow-list; nothing is sent
//! that is not named here (draft-ietf-oauth-browser-based-apps section 6.1.3.3).

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use thiserror::Error;
use url::Url;

/// The most characters of a name.
const MAX_NAME: usize = 32;

/// An upstream's name, as it stands in `/api/{name}/`: 1 to 32 of `a-z`, `0-9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpstreamName(String);

/// Why something cannot be an upstream, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// The name has other characters, or too many.
    #[error("is no name for an API: use 1 to {MAX_NAME} of a-z, 0-9 and -, such as orders")]
    Name,
    /// The base is no URL.
    #[error("is not a URL: write one such as https://api.example.com/v1")]
    NotAUrl,
    /// The base is neither http nor https.
    #[error("must begin with https:// or http://")]
    Scheme,
    /// The base has a user name, a password, a query or a fragment (RFC 3986 section 3).
    #[error(
        "must hold no user name, password, query or fragment: write scheme, host, port and path only"
    )]
    Extra,
    /// The base's path, or a prefix, is unlike its own normal form.
    #[error(
        "its path must be written plainly: no dots between slashes, empty segments, backslashes or percent-encoding"
    )]
    Path,
    /// Plain http to another machine: an access token would be read on the way (RFC 6750 section 5.3).
    #[error(
        "is plain http to another machine, which shows access tokens to everybody on the way: use https, or say danger_plain_http = true for this API in the configuration file"
    )]
    PlainHttp,
}

impl UpstreamName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, UpstreamError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(plain) {
            return Err(UpstreamError::Name);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UpstreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose access token goes with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhoseToken {
    /// The user's; nobody else may call.
    #[default]
    User,
    /// The user's where one is signed in, else none.
    UserIfSignedIn,
    /// None, whoever calls.
    None,
}

/// What may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamRoute {
    /// Methods; empty means all.
    pub methods: Vec<Method>,
    /// The path, below the upstream's name, that this is about: begins with `/`. It covers itself and what is below it
    /// as whole segments: `/orders` covers `/orders` and `/orders/7`, not `/orders-old`. `/` covers everything.
    pub prefix: String,
}

/// How an upstream is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpstreamProtocol {
    /// Over TLS what ALPN says (RFC 7301), HTTP/1.1 else.
    #[default]
    Auto,
    /// HTTP/1.1 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113), in the clear by prior knowledge.
    Http2,
}

/// How long each step may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpstreamTimeouts {
    /// To connect, TLS included.
    pub connect: Duration,
    /// From the end of the request's head to the answer's head, not counting what the browser takes to send its body.
    pub answer: Duration,
    /// The longest pause within a body, either way. Event streams and WebSockets may pause as long as they like.
    pub pause: Duration,
}

/// One API that pages may call under `/api/{name}/`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upstream {
    /// Its name.
    pub name: UpstreamName,
    /// Where it is; what stands after `/api/{name}` is appended to its path.
    pub base: Url,
    /// What may be called; empty means everything below the base, by every method.
    pub routes: Vec<UpstreamRoute>,
    /// Whose access token goes along.
    pub token: WhoseToken,
    /// Scopes that the token must have been granted; they are asked for at sign-in too.
    pub scopes: Vec<String>,
    /// The resource indicator under which a token of its own is asked for (RFC 8707); `None`: the session's first token.
    pub resource: Option<String>,
    /// Headers that every call carries, whatever the browser sent under these names. Their values may be secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Time-outs.
    pub timeouts: UpstreamTimeouts,
    /// The largest body of a request, in bytes; `None`: any.
    pub max_body: Option<u64>,
    /// Calls under way at once.
    pub max_calls: usize,
    /// Whether `X-Forwarded-For` says the browser's address, with `X-Forwarded-Proto` and `-Host` of the public URL.
    pub forward_address: bool,
    /// The header that says the user's subject identifier, where it is to be said.
    pub forward_user: Option<HeaderName>,
    /// How it is spoken to.
    pub protocol: UpstreamProtocol,
}

impl fmt::Debug for Upstream {
    /// Without header values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("name", &self.name.as_str())
            .field("base", &self.base.as_str())
            .field("routes", &self.routes)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl Upstream {
    /// An upstream with the user's token, all methods and paths, and the usual limits. `plain_http`: whether http is
    /// allowed to another machine than this one.
    pub fn new(name: UpstreamName, base: &str, plain_http: bool) -> Result<Self, UpstreamError> {
        Ok(Self {
            name,
            base: parse_base(base, plain_http)?,
            routes: Vec::new(),
            token: WhoseToken::default(),
            scopes: Vec::new(),
            resource: None,
            headers: Vec::new(),
            timeouts: UpstreamTimeouts {
                connect: Duration::from_secs(5),
                answer: Duration::from_secs(30),
                pause: Duration::from_mins(1),
            },
            max_body: Some(16 * 1024 * 1024),
            max_calls: 1000,
            forward_address: false,
            forward_user: None,
            protocol: UpstreamProtocol::default(),
        })
    }
}

impl UpstreamRoute {
    /// A route; `prefix` begins with `/` and is written plainly.
    pub fn new(methods: Vec<Method>, prefix: &str) -> Result<Self, UpstreamError> {
        if !is_plain_path(prefix) {
            return Err(UpstreamError::Path);
        }
        Ok(Self {
            methods,
            prefix: prefix.to_owned(),
        })
    }
}

fn parse_base(text: &str, plain_http: bool) -> Result<Url, UpstreamError> {
    let url = Url::parse(text).map_err(|_| UpstreamError::NotAUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UpstreamError::Scheme);
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
        || text.contains('@')
    {
        return Err(UpstreamError::Extra);
    }
    // As it was written, not as the parser mended it.
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let written = rest
        .find('/')
        .map_or("/", |at| rest.get(at..).unwrap_or("/"));
    if !is_plain_path(written) || text.contains('\\') {
        return Err(UpstreamError::Path);
    }
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(UpstreamError::NotAUrl),
    };
    if url.scheme() == "http" && !is_loopback && !plain_http {
        return Err(UpstreamError::PlainHttp);
    }
    Ok(url)
}

/// Begins with `/`; segments of unreserved characters (RFC 3986 section 2.3) and a few harmless ones, none of them
/// empty but the last, none of dots alone.
fn is_plain_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let segments: Vec<&str> = rest.split('/').collect();
    let last = segments.len().saturating_sub(1);
    segments.iter().enumerate().all(|(at, segment)| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:".contains(&b);
        (at == last || !segment.is_empty())
            && segment.bytes().all(plain)
            && !(segment.starts_with('.') && segment.bytes().all(|b| b == b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::{Upstream, UpstreamError, UpstreamName, UpstreamRoute};

    fn base(text: &str) -> Result<String, UpstreamError> {
        let name = UpstreamName::parse("orders").expect("a name");
        Upstream::new(name, text, false).map(|upstream| upstream.base.to_string())
    }

    #[test]
    fn names_are_plain() {
        for name in ["a", "orders-2", "x".repeat(32).as_str()] {
            assert!(UpstreamName::parse(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "Orders",
            "a_b",
            "a.b",
            "a/b",
            "%61",
            "x".repeat(33).as_str(),
        ] {
            assert_eq!(
                UpstreamName::parse(name),
                Err(UpstreamError::Name),
                "{name}"
            );
        }
    }

    #[test]
    fn a_base_is_scheme_host_port_and_a_plain_path() {
        assert_eq!(
            base("https://api.example.com").as_deref(),
            Ok("https://api.example.com/")
        );
        assert_eq!(
            base("https://api.example.com:8443/v1/").as_deref(),
            Ok("https://api.example.com:8443/v1/")
        );
        for (text, error) in [
            ("api.example.com", UpstreamError::NotAUrl),
            ("ftp://api.example.com", UpstreamError::Scheme),
            ("https://me:pw@api.example.com", UpstreamError::Extra),
            ("https://@api.example.com", UpstreamError::Extra),
            ("https://api.example.com/?a=b", UpstreamError::Extra),
            ("https://api.example.com/#x", UpstreamError::Extra),
            ("https://api.example.com/a/../b", UpstreamError::Path),
            ("https://api.example.com/a//b", UpstreamError::Path),
            ("https://api.example.com/a%2fb", UpstreamError::Path),
            ("https://api.example.com\\b", UpstreamError::Path),
            ("http://api.example.com", UpstreamError::PlainHttp),
        ] {
            assert_eq!(base(text), Err(error), "{text}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_or_for_those_who_say_so() {
        for text in [
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost:8080",
        ] {
            assert!(base(text).is_ok(), "{text}");
        }
        assert_eq!(
            base("http://localhost.example.com"),
            Err(UpstreamError::PlainHttp)
        );
        let name = UpstreamName::parse("orders").expect("a name");
        assert!(Upstream::new(name, "http://orders.internal:8080", true).is_ok());
    }

    #[test]
    fn prefixes_are_plain_too() {
        assert!(UpstreamRoute::new(Vec::new(), "/orders").is_ok());
        for prefix in [
            "", "orders", "/a/../b", "/a//b", "/%2e", "/a?b", "/a;b", "/...",
        ] {
            assert_eq!(
                UpstreamRoute::new(Vec::new(), prefix),
                Err(UpstreamError::Path),
                "{prefix}"
            );
        }
    }
}
