//! Where a person goes after signing in: a path on this origin, parsed and written again, never a string passed on
//! (RFC 9700 section 4.11: no open redirectors).

use std::fmt;

use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::Url;

/// The longest return path, in bytes, after it was written again.
pub(crate) const MAX_BYTES: usize = 512;

/// A path with an optional query on this origin, such as `/orders?page=2`.
///
/// It always begins with exactly one slash followed by neither a slash nor a backslash, is ASCII without control
/// characters, and never leads to `/auth/` or `/api/`, so that it is safe in a `Location` header and in a link.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

/// Why a return path was refused.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum ReturnToError {
    /// Longer than 512 bytes.
    #[error("return_to is longer than 512 bytes")]
    TooLong,
    /// Does not begin with a single slash.
    #[error("return_to must be a path that begins with one /")]
    NotAPath,
    /// Control characters, white space, or backslashes, plain or encoded: browsers and servers read them differently.
    #[error("return_to must not hold control characters or backslashes")]
    Characters,
    /// It resolves to another origin.
    #[error("return_to must stay on this site")]
    OtherOrigin,
    /// It leads to the sign-in endpoints or the API proxy.
    #[error("return_to must not lead to /auth/ or /api/")]
    Reserved,
}

impl ReturnTo {
    /// The start page, `/`.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Parses what came from outside (already percent-decoded once, as a query parameter is).
    pub fn parse(text: &str) -> Result<Self, ReturnToError> {
        if text.len() > MAX_BYTES {
            return Err(ReturnToError::TooLong);
        }
        refuse_characters(text)?;
        let mut start = text.chars();
        if start.next() != Some('/') || start.next() == Some('/') {
            return Err(ReturnToError::NotAPath);
        }
        // Any origin serves: what counts is that the path does not leave it.
        let base = Url::parse("http://origin.invalid/").map_err(|_| ReturnToError::OtherOrigin)?;
        let url = base.join(text).map_err(|_| ReturnToError::NotAPath)?;
        if url.origin() != base.origin() || !url.username().is_empty() || url.password().is_some() {
            return Err(ReturnToError::OtherOrigin);
        }
        refuse_path(url.path())?;
        // A fragment stays: it is the browser's business and goes back to it.
        let mut written = url.path().to_owned();
        if let Some(query) = url.query() {
            written.push('?');
            written.push_str(query);
        }
        if let Some(fragment) = url.fragment() {
            written.push('#');
            written.push_str(fragment);
        }
        if written.len() > MAX_BYTES {
            return Err(ReturnToError::TooLong);
        }
        Ok(Self(written))
    }

    /// The path as it goes into `Location` or `href`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnTo({:?})", self.0)
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn refuse_characters(text: &str) -> Result<(), ReturnToError> {
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return Err(ReturnToError::Characters);
    }
    Ok(())
}

/// Looks at the path as a server behind one more, or two more, decodings would see it.
fn refuse_path(path: &str) -> Result<(), ReturnToError> {
    let mut seen = path.to_owned();
    for _ in 0..4 {
        if seen.starts_with("//") || !seen.starts_with('/') {
            return Err(ReturnToError::NotAPath);
        }
        refuse_characters(&seen)?;
        let lower = seen.to_ascii_lowercase();
        if is_under(&lower, "/auth")
            || is_under(&lower, "/api")
            || lower.contains("/../")
            || lower.ends_with("/..")
        {
            return Err(ReturnToError::Reserved);
        }
        let decoded = percent_decode_str(&seen)
            .decode_utf8()
            .map_err(|_| ReturnToError::Characters)?;
        if decoded == seen {
            return Ok(());
        }
        seen = decoded.into_owned();
    }
    // Still changing after four rounds: nobody writes a path so.
    Err(ReturnToError::Characters)
}

fn is_under(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ';', '.']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::{MAX_BYTES, ReturnTo, ReturnToError};

    fn parsed(text: &str) -> Result<String, ReturnToError> {
        ReturnTo::parse(text).map(|path| path.as_str().to_owned())
    }

    #[test]
    fn paths_on_this_origin_pass() {
        for (text, written) in [
            ("/", "/"),
            ("/profile", "/profile"),
            ("/orders?page=2&sort=a%20b", "/orders?page=2&sort=a%20b"),
            ("/orders#last", "/orders#last"),
            ("/a/./b", "/a/b"),
            ("/ünï", "/%C3%BCn%C3%AF"),
            ("/authors", "/authors"),
            ("/apiary", "/apiary"),
            (
                "/search?q=https://evil.example/",
                "/search?q=https://evil.example/",
            ),
            ("/@name", "/@name"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(written), "{text}");
        }
    }

    #[test]
    fn whatever_could_leave_is_refused() {
        for text in [
            "",
            "profile",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil",
            "https://evil.example",
            "http:evil",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            " /profile",
            "/pro file",
            "/a\u{0}b",
            "/%2f/evil.example",
            "/%2Fevil.example",
            "/%5cevil.example",
            "/%5Cevil",
            "/%09/evil",
            "/%252f%252fevil",
            "/%25252fevil",
            "/./%2fevil",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            "/%0d%0aSet-Cookie:a=b",
            "/%ff",
            "/\u{2028}",
            "/\u{85}",
        ] {
            assert!(parsed(text).is_err(), "{text:?} gave {:?}", parsed(text));
        }
    }

    #[test]
    fn sign_in_and_the_proxy_are_not_places_to_return_to() {
        for text in [
            "/auth",
            "/auth/",
            "/auth/login?return_to=/",
            "/AUTH/login",
            "/%61uth/login",
            "/x/../auth/logout",
            "/api/orders",
            "/%2561pi/orders",
            "/auth;x/login",
            "/./auth/callback",
        ] {
            assert_eq!(parsed(text), Err(ReturnToError::Reserved), "{text}");
        }
    }

    #[test]
    fn length_counts_after_it_was_written_again() {
        assert!(parsed(&format!("/{}", "a".repeat(MAX_BYTES - 1))).is_ok());
        assert_eq!(
            parsed(&format!("/{}", "a".repeat(MAX_BYTES))),
            Err(ReturnToError::TooLong)
        );
        assert_eq!(
            parsed(&format!("/{}", "é".repeat(200))),
            Err(ReturnToError::TooLong)
        );
    }

    /// What makes a path leave, or look as if it did not.
    const PARTS: &str = "(/|\\\\|\\.|%2e|%2f|%5C|%25|%09|%00|:|@|\\?|#|;|auth|AUTH|%61uth|api|https:|evil\\.example|a|é|\u{2003}|[ -~]){0,12}";

    proptest! {
        #[test]
        fn whatever_goes_in_what_comes_out_stays_on_this_origin(
            text in prop_oneof![PARTS.prop_map(|text: String| format!("/{text}")), PARTS, ".{0,80}"]
        ) {
            let Ok(path) = ReturnTo::parse(&text) else { return Ok(()) };
            let base = Url::parse("https://app.example/auth/callback?code=c").expect("a base");
            for target in [path.as_str(), &text] {
                let url = base.join(target).expect("it resolves");
                prop_assert_eq!(url.origin(), base.origin());
                let first = url.path().split('/').nth(1).map(str::to_ascii_lowercase);
                prop_assert!(!matches!(first.as_deref(), Some("auth" | "api")), "{}", url);
            }
            prop_assert!(path.as_str().bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'));
            prop_assert!(!path.as_str().starts_with("//"));
            prop_assert_eq!(ReturnTo::parse(path.as_str()), Ok(path));
        }
    }
}
