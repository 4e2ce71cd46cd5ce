//! Which headers of a call go to the upstream (RFC 9110 sections 5.3 and 7.6.1, RFC 7239; peers' CVE-2025-64484).
//!
//! | | |
//! |---|---|
//! | go along | everything that is not named below: content, conditional and range headers, `Accept*`, `User-Agent`, `traceparent`, an application's own |
//! | the person's, not the API's | `Cookie`, `Authorization`, `DPoP`, `X-CSRF`; `Origin`, `Referer` and `Sec-*`, which speak of a page of ours: an API that checks them would take us for a foreign site |
//! | about this hop | `Connection` and what it names, `Keep-Alive`, `TE` but for `trailers`, `Trailer`, `Transfer-Encoding`, `Upgrade`, `Expect`, `Proxy-*`, `Host`, `Content-Length` (written anew), `Max-Forwards`, `Via` |
//! | who the client is, or what it asked for, as proxies say it | `Forwarded`, `X-Forwarded-*`, `X-Real-IP`, `CF-*`, `X-Original-*`, `X-HTTP-Method-Override`, `Remote-*`, `X-Remote-*`, `SSL-Client-*` and their kin: an API behind a gateway believes them |
//! | names with other characters than `a-z`, `0-9` and `-` | CGI and its heirs read `_` and `-` alike |
//! | names that the configuration gives values | whatever the browser says |
//!
//! No `Via` is added: nginx compresses no answer to a request that carries one.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use thiserror::Error;

use crate::upstream::Upstream;

/// A header that may come once came twice: which of its values counts, each server decides for itself
/// (RFC 9110 section 5.3).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the header {0} came twice: send it once")]
pub struct RepeatedHeader(pub(crate) HeaderName);

/// What an upstream's calls carry besides what the browser sends.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestPolicy {
    own: Vec<(HeaderName, HeaderValue)>,
    user: Option<HeaderName>,
}

/// What kind of call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    WebSocket,
}

impl RequestPolicy {
    /// Headers about the connection or the body are not a configuration's to set: they are left out.
    pub(crate) fn new(upstream: &Upstream) -> Self {
        let may_be_set = |name: &HeaderName| {
            let allowed = !is_about_the_message(name.as_str());
            if !allowed {
                tracing::error!(
                    upstream = upstream.name.as_str(),
                    header = name.as_str(),
                    "a configured header is about the connection or the body and is left out"
                );
            }
            allowed
        };
        Self {
            own: upstream
                .headers
                .iter()
                .filter(|(name, _)| may_be_set(name))
                .cloned()
                .collect(),
            user: upstream.forward_user.clone().filter(may_be_set),
        }
    }

    /// The headers to send, but for those that say who calls.
    pub(crate) fn apply(&self, from: &HeaderMap, kind: Kind) -> Result<HeaderMap, RepeatedHeader> {
        let mut to = HeaderMap::with_capacity(from.len() + self.own.len() + 4);
        let named = named_by_connection(from);
        let mut last = None;
        for (name, value) in from {
            if last.replace(name) == Some(name) && comes_once(name.as_str()) {
                return Err(RepeatedHeader(name.clone()));
            }
            if goes_along(name.as_str(), kind)
                && !self.sets(name)
                && !named
                    .iter()
                    .any(|named| name.as_str().eq_ignore_ascii_case(named))
            {
                to.append(name, value.clone());
            }
        }
        if from.contains_key(header::TE) && accepts_trailers(from) {
            to.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        if kind == Kind::WebSocket {
            to.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            to.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        for (name, value) in &self.own {
            to.append(name, value.clone());
        }
        Ok(to)
    }

    /// The header that says who the user is, where it is to be said.
    pub(crate) fn user(&self) -> Option<&HeaderName> {
        self.user.as_ref()
    }

    /// Whether the configuration has its say under this name.
    fn sets(&self, name: &HeaderName) -> bool {
        self.user.as_ref() == Some(name) || self.own.iter().any(|(own, _)| own == name)
    }
}

fn named_by_connection(headers: &HeaderMap) -> Vec<&str> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| {
            !token.eq_ignore_ascii_case("keep-alive") && !token.eq_ignore_ascii_case("close")
        })
        .collect()
}

/// Whether the client takes trailers (RFC 9110 section 10.1.4).
fn accepts_trailers(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::TE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case("trailers"))
}

/// Headers whose value is one (RFC 9110 section 5.5), or that this program or an API decides by.
fn comes_once(name: &str) -> bool {
    matches!(
        name,
        "authorization"
            | "content-encoding"
            | "content-length"
            | "content-location"
            | "content-range"
            | "content-type"
            | "date"
            | "expect"
            | "host"
            | "if-modified-since"
            | "if-range"
            | "if-unmodified-since"
            | "max-forwards"
            | "origin"
            | "range"
            | "referer"
            | "sec-websocket-key"
            | "sec-websocket-version"
            | "traceparent"
            | "transfer-encoding"
            | "upgrade"
            | "user-agent"
            | "x-csrf"
    )
}

/// What hyper writes, or what would change where a message ends (RFC 9112 sections 6 and 9.6).
fn is_about_the_message(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "content-length"
            | "expect"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

fn goes_along(name: &str, kind: Kind) -> bool {
    if !name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        return false;
    }
    if name.starts_with("sec-websocket-") {
        return kind == Kind::WebSocket;
    }
    !is_dropped(name)
        && !DROPPED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn is_dropped(name: &str) -> bool {
    matches!(
        name,
        "alt-used"
            | "authorization"
            | "base-url"
            | "client-ip"
            | "connection"
            | "content-length"
            | "cookie"
            | "cookie2"
            | "dpop"
            | "expect"
            | "fastly-client-ip"
            | "fly-client-ip"
            | "forwarded"
            | "forwarded-for"
            | "front-end-https"
            | "host"
            | "http2-settings"
            | "keep-alive"
            | "max-forwards"
            | "origin"
            | "proxy"
            | "redirect"
            | "referer"
            | "remote"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "true-client-ip"
            | "upgrade"
            | "upgrade-insecure-requests"
            | "via"
            | "x-authenticated-user"
            | "x-backend-host"
            | "x-client-ip"
            | "x-cluster-client-ip"
            | "x-csrf"
            | "x-custom-ip-authorization"
            | "x-host"
            | "x-http-destinationurl"
            | "x-http-host-override"
            | "x-method-override"
            | "x-originating-ip"
            | "x-override-url"
            | "x-real-ip"
            | "x-scheme"
            | "x-sendfile-type"
            | "x-true-ip"
            | "x-webauth-user"
    )
}

/// Of names of which there is a family.
const DROPPED_PREFIXES: &[&str] = &[
    "cf-",
    "cloakroom-",
    "proxy-",
    "remote-",
    "sec-",
    "ssl-",
    "x-accel-",
    "x-amzn-oidc-",
    "x-appengine-",
    "x-arr-",
    "x-auth-request-",
    "x-azure-",
    "x-client-cert",
    "x-envoy-",
    "x-forward",
    "x-goog-iap-",
    "x-http-method",
    "x-middleware-",
    "x-ms-client-",
    "x-original-",
    "x-pomerium-",
    "x-proxy-",
    "x-real-",
    "x-remote-",
    "x-rewrite-",
    "x-ssl-",
    "x-vouch-",
];

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Kind, RepeatedHeader, RequestPolicy};
    use crate::upstream::{Upstream, UpstreamName};

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    fn sent(pairs: &[(&'static str, &'static str)]) -> Vec<String> {
        let headers = RequestPolicy::default()
            .apply(&map(pairs), Kind::Call)
            .expect("no header comes twice");
        headers.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn what_connection_names_stays_and_cannot_take_ours_away() {
        assert_eq!(
            sent(&[
                ("connection", "close, X-One, x-two"),
                ("connection", "authorization"),
                ("x-one", "1"),
                ("x-two", "2"),
                ("x-three", "3"),
            ]),
            ["x-three"]
        );
        let policy = RequestPolicy {
            own: vec![(
                HeaderName::from_static("x-key"),
                HeaderValue::from_static("ours"),
            )],
            user: Some(HeaderName::from_static("x-user")),
        };
        let headers = policy
            .apply(
                &map(&[
                    ("connection", "x-key, x-user"),
                    ("x-key", "theirs"),
                    ("x-user", "root"),
                ]),
                Kind::Call,
            )
            .expect("no header comes twice");
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-key"], "ours");
    }

    #[test]
    fn a_configuration_sets_no_framing() {
        let name = UpstreamName::parse("orders").expect("a name");
        let mut upstream =
            Upstream::new(name, "https://api.example.com", false).expect("an upstream");
        let value = HeaderValue::from_static("1");
        for name in ["transfer-encoding", "content-length", "connection", "host"] {
            upstream
                .headers
                .push((HeaderName::from_static(name), value.clone()));
        }
        upstream.forward_user = Some(HeaderName::from_static("transfer-encoding"));
        let policy = RequestPolicy::new(&upstream);
        assert_eq!(policy.user, None);
        let headers = policy
            .apply(&HeaderMap::new(), Kind::Call)
            .expect("no header comes twice");
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["host"]);
    }

    #[test]
    fn lists_may_come_in_lines_and_single_values_may_not() {
        let policy = RequestPolicy::default();
        let lists = map(&[
            ("accept", "a/b"),
            ("accept", "c/d"),
            ("if-none-match", "\"1\""),
            ("if-none-match", "\"2\""),
        ]);
        let sent = policy.apply(&lists, Kind::Call).expect("lists");
        assert_eq!(sent.get_all("accept").iter().count(), 2);
        for name in ["content-type", "content-length", "range", "authorization"] {
            let name = HeaderName::from_static(name);
            let mut twice = HeaderMap::new();
            twice.append(&name, HeaderValue::from_static("1"));
            twice.append(&name, HeaderValue::from_static("1"));
            assert_eq!(policy.apply(&twice, Kind::Call), Err(RepeatedHeader(name)));
        }
    }

    #[test]
    fn only_a_web_socket_upgrades() {
        let pairs = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "k"),
            ("sec-websocket-protocol", "chat"),
            ("sec-fetch-site", "same-origin"),
        ];
        assert_eq!(sent(&pairs), [""; 0]);
        let headers = RequestPolicy::default()
            .apply(&map(&pairs), Kind::WebSocket)
            .expect("no header comes twice");
        assert_eq!(headers.len(), 4);
        assert_eq!(headers["sec-websocket-protocol"], "chat");
        assert_eq!(headers["upgrade"], "websocket");
    }

    #[test]
    fn trailers_are_all_that_te_may_say() {
        let headers = RequestPolicy::default()
            .apply(&map(&[("te", "gzip;q=0.5, Trailers")]), Kind::Call)
            .expect("no header comes twice");
        assert_eq!(headers["te"], "trailers");
        assert_eq!(sent(&[("te", "gzip")]), [""; 0]);
    }
}
