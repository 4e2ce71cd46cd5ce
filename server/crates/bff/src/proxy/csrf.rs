//! That a call comes from a page of ours: a header that no other origin's page can send without asking first, or what
//! stands in for it where a browser lets no page set headers (draft-ietf-oauth-browser-based-apps section 6.1.3.3.2;
//! RFC 6455 section 10.2; W3C Fetch Metadata).

use http::{HeaderMap, Method, Version, header};

use crate::code::Code;

/// The header, whose one value is `1`.
const CSRF: &str = "x-csrf";

/// What the request showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// `X-CSRF: 1`.
    Header,
    /// It is a WebSocket's handshake, and its `Origin` is ours.
    Origin,
    /// It asks for an event stream and nothing else, and comes from a page of ours: only such a stream answers it.
    EventStream,
}

/// The proof, or the refusal.
pub(crate) fn check(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
    origin: &str,
) -> Result<Proof, Code> {
    if only(headers, CSRF) == Some("1") {
        return Ok(Proof::Header);
    }
    if !headers.contains_key(CSRF) && *method == Method::GET {
        if is_web_socket(method, version, headers) {
            if only(headers, "origin") == Some(origin) {
                return Ok(Proof::Origin);
            }
        } else if wants_events(headers) && only(headers, "sec-fetch-site") == Some("same-origin") {
            return Ok(Proof::EventStream);
        }
    }
    Err(Code::CsrfHeaderMissing)
}

/// Whether this is the handshake of a WebSocket (RFC 6455 section 4.1).
pub(crate) fn is_web_socket(method: &Method, version: Version, headers: &HeaderMap) -> bool {
    *method == Method::GET
        && version == Version::HTTP_11
        && only(headers, header::UPGRADE.as_str())
            .is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
        && headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
}

/// Whether an event stream is asked for, and nothing else.
pub(crate) fn wants_events(headers: &HeaderMap) -> bool {
    only(headers, header::ACCEPT.as_str()) == Some("text/event-stream")
}

/// A header's value, where it came once and as text.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

    use super::{Proof, check};
    use crate::code::Code;

    const ORIGIN: &str = "https://app.example.com";
    const REFUSED: Result<Proof, Code> = Err(Code::CsrfHeaderMissing);

    fn asked(method: &Method, pairs: &[(&'static str, &'static str)]) -> Result<Proof, Code> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        check(method, Version::HTTP_11, &headers, ORIGIN)
    }

    #[test]
    fn the_header_comes_once_and_says_1() {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            assert_eq!(asked(&method, &[("x-csrf", "1")]), Ok(Proof::Header));
            for wrong in [
                &[][..],
                &[("x-csrf", "")],
                &[("x-csrf", "0")],
                &[("x-csrf", "1, 1")],
                &[("x-csrf", "1"), ("x-csrf", "1")],
                &[("x-csrf-token", "1")],
                &[("x_csrf", "1")],
            ] {
                assert_eq!(asked(&method, wrong), REFUSED, "{method} {wrong:?}");
            }
        }
    }

    #[test]
    fn for_a_web_socket_its_own_origin_stands_in() {
        const HANDSHAKE: [(&str, &str); 2] = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
        ];
        let with = |origins: &[&'static str]| {
            let mut pairs = HANDSHAKE.to_vec();
            pairs.extend(origins.iter().map(|origin| ("origin", *origin)));
            asked(&Method::GET, &pairs)
        };
        assert_eq!(with(&[ORIGIN]), Ok(Proof::Origin));
        for origins in [
            &[][..],
            &["null"],
            &["https://evil.example"],
            &["https://app.example.com.evil.example"],
            &["https://app.example.com:444"],
            &["http://app.example.com"],
            &["https://APP.example.com"],
            &[ORIGIN, ORIGIN],
            &[ORIGIN, "https://evil.example"],
        ] {
            assert_eq!(with(origins), REFUSED, "{origins:?}");
        }
        // An origin alone proves nothing: every form of ours sends it, and so does what is not a WebSocket.
        assert_eq!(asked(&Method::GET, &[("origin", ORIGIN)]), REFUSED);
        assert_eq!(
            asked(
                &Method::GET,
                &[("upgrade", "websocket"), ("origin", ORIGIN)]
            ),
            REFUSED
        );
        assert_eq!(
            asked(
                &Method::GET,
                &[
                    ("connection", "upgrade"),
                    ("upgrade", "h2c"),
                    ("origin", ORIGIN)
                ]
            ),
            REFUSED
        );
        let mut posted = HANDSHAKE.to_vec();
        posted.push(("origin", ORIGIN));
        assert_eq!(asked(&Method::POST, &posted), REFUSED);
    }

    #[test]
    fn for_an_event_stream_the_browsers_word_stands_in() {
        let events = ("accept", "text/event-stream");
        let here = ("sec-fetch-site", "same-origin");
        assert_eq!(asked(&Method::GET, &[events, here]), Ok(Proof::EventStream));
        for wrong in [
            &[events][..],
            &[here],
            &[("accept", "text/event-stream, */*"), here],
            &[("accept", "*/*"), here],
            &[events, ("accept", "*/*"), here],
            &[events, ("sec-fetch-site", "same-site")],
            &[events, ("sec-fetch-site", "cross-site")],
            &[events, ("sec-fetch-site", "none")],
            &[events, here, ("sec-fetch-site", "cross-site")],
            &[events, here, ("x-csrf", "0")],
        ] {
            assert_eq!(asked(&Method::GET, wrong), REFUSED, "{wrong:?}");
        }
        assert_eq!(asked(&Method::POST, &[events, here]), REFUSED);
    }
}
