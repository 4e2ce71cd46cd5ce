//! Which headers of an upstream's answer go to the browser, where they would speak for this origin
//! (RFC 9110 section 7.6.1; draft-ietf-oauth-browser-based-apps section 6.1.3.3).
//!
//! | | |
//! |---|---|
//! | go along | everything that is not named below: content, caching, `ETag`, `Link`, `RateLimit-*`, `Retry-After`, an API's own |
//! | would set something for this origin | `Set-Cookie`, `Clear-Site-Data`, `Service-Worker-Allowed`, `Strict-Transport-Security`, `Public-Key-Pins`, `Alt-Svc`, `NEL`, `Report-To`, `Reporting-Endpoints`, `Accept-CH`, `Set-Login` and their kin |
//! | would open it to others | `Access-Control-*`, `Timing-Allow-Origin`, `Cross-Origin-*`, `X-Frame-Options` and other policies, which the server around this sets itself |
//! | would lead the browser away | `Refresh`; `Location`, but where it stays with this API: it is then written as the address under `/api/{name}/`, which is decided on again when it is asked for |
//! | are for a proxy in front of us | `X-Accel-*`, `X-Sendfile`, `Surrogate-*`, `CDN-Cache-Control`: they have it send other files, or keep a person's answer for everybody |
//! | about this hop | `Connection` and what it names, `Keep-Alive`, `Transfer-Encoding`, `Upgrade`, `Proxy-*`, `Via` |
//! | a challenge that a page cannot answer | `WWW-Authenticate` but for `Bearer` and `DPoP`, `Authentication-Info`: a `Basic` one asks for a password in our name |
//! | ours | `Cloakroom-*`: `Cloakroom-Error` tells our refusals from an API's |
//! | tell too much | `Server`, `X-Powered-By` |
//!
//! Every answer is made harmless as a page: an upstream's `text/html` under this origin would be script of this origin.

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::proxy::challenge;
use crate::proxy::path::Destination;

/// Not a page, whatever it says it is: nothing in it runs, loads or is of this origin (CSP3 `sandbox`).
const NO_PAGE: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// The headers to pass on; `None` where the answer could be read two ways.
pub(crate) fn apply(from: HeaderMap) -> Option<HeaderMap> {
    let mut to = HeaderMap::with_capacity(from.len() + 2);
    let named = named_by_connection(&from);
    let mut name = None;
    for (next, value) in from {
        let again = next.is_none();
        if next.is_some() {
            name = next;
        }
        let Some(name) = &name else { continue };
        if again && comes_once(name) {
            return None;
        }
        if !goes_along(name.as_str()) || named.iter().any(|named| named == name.as_str()) {
            continue;
        }
        if *name == header::WWW_AUTHENTICATE {
            if let Some(value) = challenge::for_pages(&value) {
                to.append(name, value);
            }
        } else {
            to.append(name, value);
        }
    }
    to.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    to.insert(header::CONTENT_SECURITY_POLICY, NO_PAGE);
    Some(to)
}

/// Those of a trailer section (RFC 9110 section 6.5): as those of the head, but without ours.
pub(crate) fn trailers(from: HeaderMap) -> HeaderMap {
    let mut to = apply(from).unwrap_or_default();
    to.remove(header::X_CONTENT_TYPE_OPTIONS);
    to.remove(header::CONTENT_SECURITY_POLICY);
    to
}

/// A `Location` (RFC 9110 section 10.2.2) that stays with its API, as the address that pages know it by; none
/// otherwise. A browser follows it with the trust of this origin.
pub(crate) fn location(
    value: &HeaderValue,
    sent: &Uri,
    destination: &Destination,
    name: &str,
) -> Option<HeaderValue> {
    let base = url::Url::parse(&sent.to_string()).ok()?;
    let mut target = base.join(value.to_str().ok()?).ok()?;
    target.set_fragment(None);
    let target: Uri = target.as_str().parse().ok()?;
    HeaderValue::from_str(&destination.address_of(name, &target)?).ok()
}

fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|token| token.trim().to_ascii_lowercase())
        .filter(|token| token != "keep-alive" && token != "close")
        .collect()
}

/// What a browser decides by, and may therefore not be said twice.
fn comes_once(name: &HeaderName) -> bool {
    *name == header::CONTENT_TYPE || *name == header::CONTENT_LENGTH || *name == header::LOCATION
}

fn goes_along(name: &str) -> bool {
    !is_dropped(name)
        && !DROPPED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn is_dropped(name: &str) -> bool {
    matches!(
        name,
        "accept-ch"
            | "activate-storage-access"
            | "alt-svc"
            | "authentication-info"
            | "cdn-cache-control"
            | "clear-site-data"
            | "connection"
            | "critical-ch"
            | "document-policy"
            | "edge-control"
            | "expect-ct"
            | "feature-policy"
            | "keep-alive"
            | "location"
            | "nel"
            | "origin-agent-cluster"
            | "origin-trial"
            | "permissions-policy"
            | "referrer-policy"
            | "refresh"
            | "report-to"
            | "reporting-endpoints"
            | "server"
            | "service-worker-allowed"
            | "service-worker-navigation-preload"
            | "set-cookie"
            | "set-cookie2"
            | "set-login"
            | "speculation-rules"
            | "strict-transport-security"
            | "supports-loading-mode"
            | "te"
            | "timing-allow-origin"
            | "transfer-encoding"
            | "upgrade"
            | "use-as-dictionary"
            | "via"
            | "x-content-type-options"
            | "x-dns-prefetch-control"
            | "x-frame-options"
            | "x-permitted-cross-domain-policies"
            | "x-powered-by"
            | "x-sendfile"
            | "x-xss-protection"
    )
}

/// Of names of which there is a family.
const DROPPED_PREFIXES: &[&str] = &[
    "access-control-",
    "attribution-reporting-",
    "cloakroom-",
    "content-security-policy",
    "cross-origin-",
    "proxy-",
    "public-key-pins",
    "sec-session-",
    "surrogate-",
    "x-accel-",
];

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

    use super::{apply, location};
    use crate::proxy::path::Destination;
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

    #[test]
    fn content_goes_along_and_is_no_page() {
        let passed = apply(map(&[
            ("content-type", "text/html"),
            ("content-length", "3"),
            ("etag", "\"1\""),
            ("link", "</a>; rel=next"),
            ("link", "</b>; rel=prev"),
            ("x-content-type-options", "sniff"),
            ("content-security-policy", "default-src *"),
        ]))
        .expect("headers");
        assert_eq!(passed["content-type"], "text/html");
        assert_eq!(passed.get_all("link").iter().count(), 2);
        assert_eq!(passed["x-content-type-options"], "nosniff");
        assert_eq!(
            passed["content-security-policy"],
            "sandbox; default-src 'none'"
        );
        assert_eq!(passed.len(), 7);
    }

    #[test]
    fn two_types_are_a_broken_answer() {
        assert_eq!(
            apply(map(&[
                ("content-type", "application/json"),
                ("content-type", "text/html")
            ])),
            None
        );
    }

    #[test]
    fn what_connection_names_stays_here() {
        let passed = apply(map(&[
            ("connection", "X-Hop, close"),
            ("x-hop", "1"),
            ("x-far", "2"),
        ]))
        .expect("headers");
        assert!(!passed.contains_key("x-hop") && !passed.contains_key(header::CONNECTION));
        assert_eq!(passed["x-far"], "2");
    }

    #[test]
    fn a_location_stays_with_its_api_or_is_dropped() {
        let name = UpstreamName::parse("orders").expect("a name");
        let upstream =
            Upstream::new(name, "https://api.example.com/v1", false).expect("an upstream");
        let destination = Destination::new(&upstream).expect("a destination");
        let sent: Uri = destination
            .decide(&Method::POST, "/orders", None)
            .expect("allowed");
        let led = |to: &'static str| {
            location(&HeaderValue::from_static(to), &sent, &destination, "orders")
                .map(|value| value.to_str().expect("text").to_owned())
        };
        for (to, here) in [
            ("/v1/orders/7", "/api/orders/orders/7"),
            ("orders/", "/api/orders/orders/"),
            ("https://api.example.com/v1/a?b=c#d", "/api/orders/a?b=c"),
            ("?page=2", "/api/orders/orders?page=2"),
            ("https://API.example.com:443/v1", "/api/orders"),
        ] {
            assert_eq!(led(to).as_deref(), Some(here), "{to}");
        }
        for to in [
            "https://evil.example/v1/orders",
            "//evil.example/v1/orders",
            "http://api.example.com/v1/orders",
            "https://api.example.com:8443/v1/orders",
            "/v2/orders",
            "/v1x",
            "/",
            "../../auth/logout",
            "/v1//evil.example",
            "/v1/%2e%2e/x;y",
            "/v1/a%2Fb",
            "javascript:alert(1)",
            "https://me@api.example.com/v1/",
        ] {
            assert_eq!(led(to), None, "{to}");
        }
    }
}
