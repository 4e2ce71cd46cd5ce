//! What a table says of an API besides where it is.

use cloakroom_bff::{Upstream, UpstreamProtocol, WhoseToken};
use url::Url;

use super::table::Table;
use super::{headers, routes};
use crate::settings::parse::{is_scope, parse_at_least_one, parse_size, parse_time_out};

/// The longest resource indicator, in bytes.
const MAX_RESOURCE: usize = 2048;

/// Everything but `base` and `danger_plain_http`.
pub(super) fn read(table: &mut Table<'_, '_>, upstream: &mut Upstream) {
    upstream.routes = routes::read(table);
    upstream.token = table.parsed("token", parse_token).unwrap_or(upstream.token);
    upstream.scopes = scopes(table);
    upstream.resource = table.parsed("resource", parse_resource);
    upstream.forward_user = headers::read_forward_user(table);
    upstream.headers = headers::read(table, upstream);
    upstream.forward_address = table.flag("forward_address").unwrap_or(false);
    upstream.protocol = table
        .parsed("protocol", parse_protocol)
        .unwrap_or(upstream.protocol);
    bounds(table, upstream);
    if upstream.token == WhoseToken::None {
        for key in ["scopes", "resource", "forward_user"] {
            if table.has(key) {
                table.wrong(
                    key,
                    "is about the user, and token = \"none\" says that calls are nobody's: leave one of the two out",
                );
            }
        }
    }
}

fn scopes(table: &mut Table<'_, '_>) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for (key, scope) in table.texts("scopes").unwrap_or_default() {
        if !is_scope(scope) {
            table.wrong(&key, "is not one scope: write printable ASCII without blanks, quotes and backslashes (RFC 6749 section 3.3)");
        } else if scopes.iter().any(|known| known == scope) {
            table.wrong(&key, format!("{scope} stands there twice: keep one"));
        } else {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

fn bounds(table: &mut Table<'_, '_>, upstream: &mut Upstream) {
    let timeouts = &mut upstream.timeouts;
    for (key, bound) in [
        ("connect_timeout", &mut timeouts.connect),
        ("answer_timeout", &mut timeouts.answer),
        ("pause_timeout", &mut timeouts.pause),
    ] {
        if let Some(time) = table.parsed(key, parse_time_out) {
            *bound = time;
        }
    }
    if table.has("connect_timeout") && timeouts.connect > timeouts.answer {
        table.wrong("connect_timeout", "is longer than answer_timeout, which connecting counts towards: shorten it, or lengthen the other");
    }
    if let Some(size) = table.parsed("max_body", parse_size) {
        upstream.max_body = size;
    }
    if let Some(calls) = table.parsed("max_calls", parse_at_least_one) {
        upstream.max_calls = usize::try_from(calls).unwrap_or(usize::MAX);
    }
}

fn parse_token(text: &str) -> Result<WhoseToken, &'static str> {
    match text {
        "user" => Ok(WhoseToken::User),
        "user-if-signed-in" => Ok(WhoseToken::UserIfSignedIn),
        "none" => Ok(WhoseToken::None),
        _ => Err("write user, user-if-signed-in or none"),
    }
}

fn parse_protocol(text: &str) -> Result<UpstreamProtocol, &'static str> {
    match text {
        "auto" => Ok(UpstreamProtocol::Auto),
        "http1" => Ok(UpstreamProtocol::Http1),
        "http2" => Ok(UpstreamProtocol::Http2),
        _ => Err("write auto, http1 or http2"),
    }
}

/// An absolute URI without a fragment (RFC 8707 section 2, RFC 3986 section 4.3). It is sent as it is written, so nothing
/// is mended.
fn parse_resource(text: &str) -> Result<String, &'static str> {
    const HELP: &str = "write an absolute URI without a fragment, as the provider knows the API, such as https://api.example.com (RFC 8707 section 2)";
    let of_uris = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&b);
    let rest = text
        .split_once(':')
        .map(|(_, rest)| rest)
        .filter(|rest| !rest.is_empty() && text.len() <= MAX_RESOURCE && text.bytes().all(of_uris));
    match (rest, Url::parse(text)) {
        (Some(rest), Ok(url)) if !url.has_host() || rest.starts_with("//") => Ok(text.to_owned()),
        _ => Err(HELP),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_resource;

    #[test]
    fn a_resource_is_an_absolute_uri_without_a_fragment() {
        for good in [
            "https://api.example.com",
            "https://api.example.com/v1?tenant=a%20b",
            "urn:example:orders",
            "api://default",
            "https://[::1]:8443/",
        ] {
            assert_eq!(parse_resource(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "orders",
            "/orders",
            "//api.example.com",
            "https:api.example.com",
            "https://",
            "https://api.example.com/#orders",
            "https://api.example.com/a b",
            "https://api.example.com/\u{e9}",
            "urn:",
            "1a:b",
        ] {
            assert!(parse_resource(bad).is_err(), "{bad}");
        }
        assert!(parse_resource(&format!("urn:{}", "a".repeat(2048))).is_err());
    }
}
