//! The target of a call to an API (RFC 3986, RFC 9112 section 3.2): what is matched is what is sent, and no server
//! behind this one can read anything else in it.

use std::sync::LazyLock;

use http::Method;
use url::Url;

use crate::proxy::{Destination, Target};
use crate::upstream::{Upstream, UpstreamName, UpstreamRoute};

const BASE: &str = "https://api.example.com/v1";
const PREFIXES: [&str; 2] = ["/v1/orders", "/v1/a.b/c"];

static DESTINATION: LazyLock<Destination> = LazyLock::new(|| {
    let name = UpstreamName::parse("api").expect("a name");
    let mut upstream = Upstream::new(name, BASE, false).expect("an upstream");
    upstream.routes = vec![
        UpstreamRoute::new(Vec::new(), "/orders").expect("a route"),
        UpstreamRoute::new(vec![Method::GET], "/a.b/c").expect("a route"),
    ];
    Destination::new(&upstream).expect("a destination")
});

/// Decides on a target. What passes is sent byte for byte, to the base and below one of the routes, however often and
/// however leniently the server there decodes it.
pub fn proxy_path(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(target) = Target::parse(text) else {
        return false;
    };
    // What no upstream is called.
    if target.name != "api" {
        return false;
    }
    let Ok(sent) = DESTINATION.decide(&Method::GET, target.path, target.query) else {
        return false;
    };
    // The bytes that came, after the base.
    let rest = text
        .strip_prefix("/api/")
        .and_then(|rest| rest.strip_prefix("api"))
        .expect("the name stands below /api/");
    assert_eq!(sent.to_string(), format!("{BASE}{rest}"));
    assert!(data.iter().all(u8::is_ascii_graphic));
    // Another parser reads the same: nothing in the path is escaped, resolved or cut.
    let url = Url::parse(&sent.to_string()).expect("a URL");
    assert_eq!(url.path(), sent.path());
    assert_eq!(url.query().is_some(), sent.query().is_some());
    assert_eq!(url.host_str(), Some("api.example.com"));
    assert_eq!(
        (url.port(), url.username(), url.password(), url.fragment()),
        (None, "", None, None)
    );
    // So does the client that sends it.
    let again: http::Uri = sent.to_string().parse().expect("a URL");
    assert_eq!(again, sent);
    for reading in readings(sent.path()) {
        assert!(
            PREFIXES
                .iter()
                .any(|prefix| reading == *prefix || reading.starts_with(&format!("{prefix}/"))),
            "{text:?} could be read as {reading:?}"
        );
    }
    true
}

/// What servers make of a path: decoded up to four times over, by each of some habits.
fn readings(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut text = path.to_owned();
    for _ in 0..4 {
        for cut in [&[][..], &['?', '#'], &['?', '#', ';', ':', '\0']] {
            for at_each_segment in [false, true] {
                found.push(resolve(&text, cut, at_each_segment));
            }
        }
        text = decode(&text);
    }
    found
}

/// Resolves a path as RFC 3986 section 5.2.4 says, and as Windows does with blanks and backslashes, cut at delimiters.
fn resolve(path: &str, cut: &[char], at_each_segment: bool) -> String {
    let path = path.replace('\\', "/");
    let path = if at_each_segment || cut.is_empty() {
        path.as_str()
    } else {
        path.split(cut).next().unwrap_or_default()
    };
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        let segment = if at_each_segment && !cut.is_empty() {
            segment.split(cut).next().unwrap_or_default()
        } else {
            segment
        };
        match segment.trim() {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            plain if plain.bytes().all(|b| b == b'.' || b == b' ') => {
                segments.pop();
            }
            plain => segments.push(plain),
        }
    }
    format!("/{}", segments.join("/"))
}

/// Decodes what looks like an escape, in either case, and IIS's `%uXXXX`; leaves what does not.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |digits: &[u8]| {
            std::str::from_utf8(digits)
                .ok()
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        };
        let escape = match after {
            _ if *first != b'%' => None,
            [b'u' | b'U', a, b, c, d, after @ ..] => {
                hex(&[*a, *b, *c, *d]).map(|value| (value, after))
            }
            [a, b, after @ ..] => hex(&[*a, *b]).map(|value| (value, after)),
            _ => None,
        };
        if let Some((value, after)) = escape {
            // The low byte, as code that knows no Unicode has it.
            bytes.push(value.to_le_bytes()[0]);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
