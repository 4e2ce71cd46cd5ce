//! Headers that calls carry whatever the browser sends (RFC 9110 section 5), and those that they may not be.

use std::path::Path;

use cloakroom_bff::{Upstream, WhoseToken};
use http::{HeaderName, HeaderValue, header};
use toml::Value;
use zeroize::Zeroizing;

use super::table::Table;
use crate::settings::secret_file::read_secret_file;

/// About one connection, not about the call (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2).
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers with a meaning of their own, which a user's identifier would be taken for; with those of [`STANDARD_FAMILIES`]
/// what IANA lists for requests and what browsers send.
const STANDARD: &[&str] = &[
    "alt-used",
    "authorization",
    "cache-control",
    "cookie",
    "date",
    "dnt",
    "dpop",
    "early-data",
    "from",
    "idempotency-key",
    "last-event-id",
    "link",
    "max-forwards",
    "origin",
    "pragma",
    "prefer",
    "priority",
    "range",
    "referer",
    "set-cookie",
    "signature",
    "signature-input",
    "traceparent",
    "tracestate",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "warning",
    "x-csrf",
];
const STANDARD_FAMILIES: &[&str] = &["accept", "access-control-", "if-", "proxy-"];

/// The key `headers`.
pub(super) fn read(
    table: &mut Table<'_, '_>,
    upstream: &Upstream,
) -> Vec<(HeaderName, HeaderValue)> {
    let Some(mut given) = table
        .entries()
        .get("headers")
        .and_then(|value| table.within("headers", value))
    else {
        return Vec::new();
    };
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (key, value) in given.entries() {
        let found = value_of(&mut given, key, value);
        let name = match allowed(key, upstream) {
            Ok(name) => name,
            Err(error) => {
                given.wrong(key, error);
                continue;
            }
        };
        if headers.iter().any(|(known, _)| *known == name) {
            given.wrong(key, "stands there twice, once in other letters: keep one");
        } else if let Some(found) = found {
            headers.push((name, found));
        }
    }
    headers
}

/// The key `forward_user`.
pub(super) fn read_forward_user(table: &mut Table<'_, '_>) -> Option<HeaderName> {
    table.parsed("forward_user", |text| {
        let name = own_name(text)?;
        let standard = STANDARD.contains(&name.as_str())
            || STANDARD_FAMILIES
                .iter()
                .any(|family| name.as_str().starts_with(family));
        if standard {
            return Err(
                "is a header with a meaning of its own: choose another, such as X-User-Id"
                    .to_owned(),
            );
        }
        Ok(name)
    })
}

fn allowed(key: &str, upstream: &Upstream) -> Result<HeaderName, String> {
    let name = own_name(key)?;
    if name == header::AUTHORIZATION && upstream.token != WhoseToken::None {
        return Err(
            "is where the user's access token goes: leave it out, or say token = \"none\""
                .to_owned(),
        );
    }
    if upstream.forward_user.as_ref() == Some(&name) {
        return Err(
            "is what forward_user names: leave it out, or name another header there".to_owned(),
        );
    }
    Ok(name)
}

/// A name that is the configuration's to give a value.
fn own_name(text: &str) -> Result<HeaderName, String> {
    // CGI and its heirs read `_` and `-` alike: a browser's `X-User` would pass for the configured `X_User`.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let name = Some(text)
        .filter(|text| text.bytes().all(plain))
        .and_then(|text| text.parse::<HeaderName>().ok())
        .ok_or("is not a name for a header: write one of letters, digits and hyphens, such as X-Api-Key")?;
    let refusal = match name.as_str() {
        name if HOP_BY_HOP.contains(&name) => {
            "is about the connection, which this program makes: leave it out"
        }
        "host" => "follows from the base: leave it out",
        "expect" => "is answered by this program: leave it out",
        "forwarded" | "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-proto" => {
            "says who calls, which forward_address = true does: leave it out"
        }
        name if name.starts_with("content-") => {
            "describes the body, which comes from the browser: leave it out"
        }
        name if name.starts_with("sec-") => "is the browser's own, or a WebSocket's: leave it out",
        name if name.starts_with("cloakroom-") => "is one of this program's own: choose another",
        _ => return Ok(name),
    };
    Err(refusal.to_owned())
}

/// A string, or what the file holds that `{ file = ".." }` names. It may be a secret, and is not shown.
fn value_of<'v>(table: &mut Table<'v, '_>, key: &str, value: &'v Value) -> Option<HeaderValue> {
    let text = match value {
        Value::String(text) => Zeroizing::new(text.trim().to_owned()),
        Value::Table(_) => from_file(table.within(key, value)?)?,
        _ => {
            table.wrong(key, "write a string, or { file = \"path\" }");
            return None;
        }
    };
    if text.is_empty() {
        table.wrong(key, "has no value: write one, or leave it out");
        return None;
    }
    let Ok(mut value) = HeaderValue::from_str(&text) else {
        table.wrong(
            key,
            "has a value that cannot stand in a header (RFC 9110 section 5.5): write one line of printable ASCII",
        );
        return None;
    };
    value.set_sensitive(true);
    Some(value)
}

fn from_file(mut table: Table<'_, '_>) -> Option<Zeroizing<String>> {
    table.only(&["file"], &[]);
    if !table.has("file") {
        table.wrong(
            "file",
            "is required: the path of a file that holds the value alone",
        );
    }
    table.parsed("file", |path| {
        if path.is_empty() {
            return Err("write a path".to_owned());
        }
        read_secret_file(Path::new(path))
    })
}

#[cfg(test)]
mod tests {
    use super::{HOP_BY_HOP, STANDARD, STANDARD_FAMILIES, own_name};

    #[test]
    fn names_of_the_connection_the_body_and_this_program_are_not_given_values() {
        let more = [
            "Host",
            "Expect",
            "Forwarded",
            "X-Forwarded-For",
            "x-forwarded-host",
            "X-FORWARDED-PROTO",
            "Content-Length",
            "Content-Type",
            "Sec-WebSocket-Key",
            "Cloakroom-Error",
            "X_Api_Key",
            "X Key",
            "X-Kéy",
            "",
        ];
        for name in HOP_BY_HOP.iter().chain(&more) {
            assert!(own_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn names_of_an_application_are() {
        for name in [
            "X-Api-Key",
            "apikey",
            "X-Forwarded-User",
            "User-Agent",
            "Cookie",
        ] {
            assert!(own_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn lists_are_in_order() {
        assert!(HOP_BY_HOP.is_sorted() && STANDARD.is_sorted() && STANDARD_FAMILIES.is_sorted());
    }
}
