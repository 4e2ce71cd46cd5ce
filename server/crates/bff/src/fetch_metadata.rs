//! Who asks, a person or a program: Fetch Metadata (W3C) decides, `Accept` only where a browser does not send it.

use http::{HeaderMap, header};

/// What kind of request this is, as far as the answer's form is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A person's browser goes to a page of its own window: answer with redirects and pages.
    Navigation,
    /// A script of ours, or a program: answer with a status and JSON.
    Fetch,
    /// A frame, an image, a script tag, a prefetch: nobody looks at the answer.
    Embedded,
}

/// Where a request comes from, by `Sec-Fetch-Site`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// A page of this very origin.
    SameOrigin,
    /// Typed, bookmarked: no page led here.
    None,
    /// A page elsewhere, also under another port or subdomain.
    Other,
    /// The browser, or program, does not say.
    Unknown,
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

impl Caller {
    /// Reads `Sec-Fetch-Mode`, `Sec-Fetch-Dest` and `Sec-Purpose`, or `Accept` where they are missing.
    pub fn of(headers: &HeaderMap) -> Self {
        let speculative = ["sec-purpose", "purpose", "x-moz"].iter().any(|name| {
            text(headers, name)
                .is_some_and(|value| value.contains("prefetch") || value.contains("prerender"))
        });
        if speculative {
            return Self::Embedded;
        }
        let mode = text(headers, "sec-fetch-mode");
        let dest = text(headers, "sec-fetch-dest");
        match (mode, dest) {
            (Some("navigate"), None) | (Some("navigate") | None, Some("document")) => {
                Self::Navigation
            }
            (Some("navigate"), Some(_)) => Self::Embedded,
            (Some(_) | None, Some("empty")) | (Some("cors" | "same-origin"), None) => Self::Fetch,
            (Some(_), _) | (None, Some(_)) => Self::Embedded,
            (None, None) => Self::by_accept(headers),
        }
    }

    /// Without Fetch Metadata: only who would rather have JSON than a page is a program.
    fn by_accept(headers: &HeaderMap) -> Self {
        match text(headers, header::ACCEPT.as_str()) {
            Some(accept) if accept.contains("text/html") => Self::Navigation,
            Some(accept) if accept.contains("json") => Self::Fetch,
            _ if headers.contains_key("x-csrf") || headers.contains_key("x-requested-with") => {
                Self::Fetch
            }
            _ => Self::Navigation,
        }
    }
}

impl Site {
    /// Reads `Sec-Fetch-Site`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match text(headers, "sec-fetch-site") {
            Some("same-origin") => Self::SameOrigin,
            Some("none") => Self::None,
            Some(_) => Self::Other,
            None => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Caller, Site};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn fetch_metadata_decides() {
        for (pairs, caller) in [
            (
                &[
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                ][..],
                Caller::Navigation,
            ),
            (
                &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
                Caller::Embedded,
            ),
            (
                &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
                Caller::Embedded,
            ),
            (
                &[
                    ("sec-fetch-mode", "cors"),
                    ("sec-fetch-dest", "empty"),
                    ("accept", "text/html"),
                ],
                Caller::Fetch,
            ),
            (
                &[
                    ("sec-fetch-mode", "same-origin"),
                    ("sec-fetch-dest", "empty"),
                ],
                Caller::Fetch,
            ),
            (
                &[("sec-fetch-mode", "websocket"), ("sec-fetch-dest", "empty")],
                Caller::Fetch,
            ),
            (
                &[
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                    ("sec-purpose", "prefetch;prerender"),
                ],
                Caller::Embedded,
            ),
        ] {
            assert_eq!(Caller::of(&headers(pairs)), caller, "{pairs:?}");
        }
    }

    #[test]
    fn accept_decides_only_without_it() {
        assert_eq!(
            Caller::of(&headers(&[("accept", "text/html,*/*")])),
            Caller::Navigation
        );
        assert_eq!(
            Caller::of(&headers(&[("accept", "application/json")])),
            Caller::Fetch
        );
        assert_eq!(
            Caller::of(&headers(&[("accept", "*/*")])),
            Caller::Navigation
        );
        assert_eq!(Caller::of(&headers(&[])), Caller::Navigation);
        assert_eq!(
            Caller::of(&headers(&[("x-csrf", "1"), ("accept", "*/*")])),
            Caller::Fetch
        );
    }

    #[test]
    fn only_the_same_origin_is_our_own_page() {
        assert_eq!(
            Site::of(&headers(&[("sec-fetch-site", "same-origin")])),
            Site::SameOrigin
        );
        assert_eq!(
            Site::of(&headers(&[("sec-fetch-site", "same-site")])),
            Site::Other
        );
        assert_eq!(
            Site::of(&headers(&[("sec-fetch-site", "none")])),
            Site::None
        );
        assert_eq!(Site::of(&headers(&[])), Site::Unknown);
    }
}
