//! `WWW-Authenticate` as an upstream sends it (RFC 9110 section 11.6.1, RFC 6750 section 3): which challenges are for
//! programs, and whether one says that the access token is no longer good.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header};

/// One challenge of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Challenge<'a> {
    scheme: &'a str,
    /// As it stands there.
    whole: &'a str,
}

/// Whether an answer says that the access token itself is refused (RFC 6750 section 3.1), and not that it is too weak
/// or lacks a scope.
pub(crate) fn says_invalid_token(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(challenges)
        .any(|challenge| {
            challenge.is_for_tokens()
                && challenge.parameter("error").as_deref() == Some("invalid_token")
        })
}

/// The value with none but the challenges that a page can answer. A `Basic`, `Negotiate` or `NTLM` one would have the
/// browser ask the person for a password in the name of this origin.
pub(crate) fn for_pages(value: &HeaderValue) -> Option<HeaderValue> {
    let text = value.to_str().ok()?;
    let all = challenges(text);
    if all.iter().all(Challenge::is_for_tokens) {
        return (!all.is_empty()).then(|| value.clone());
    }
    let kept: Vec<&str> = all
        .iter()
        .filter(|challenge| challenge.is_for_tokens())
        .map(|challenge| challenge.whole)
        .collect();
    if kept.is_empty() {
        return None;
    }
    HeaderValue::from_str(&kept.join(", ")).ok()
}

impl<'a> Challenge<'a> {
    fn is_for_tokens(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("bearer") || self.scheme.eq_ignore_ascii_case("dpop")
    }

    /// The first parameter of this name, unquoted.
    fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        let parameters = self.whole.get(self.scheme.len()..)?;
        split(parameters).into_iter().find_map(|item| {
            let (key, value) = item.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| unquote(value.trim()))
        })
    }
}

/// Splits a field value into its challenges. Commas stand between challenges and between the parameters of one alike: an
/// item that begins with a word and a blank, or is a word alone, begins a challenge.
fn challenges(value: &str) -> Vec<Challenge<'_>> {
    let mut found: Vec<(usize, usize, &str)> = Vec::new();
    for item in split(value) {
        let trimmed = item.trim();
        if trimmed.is_empty() {
            continue;
        }
        // Both are parts of the same string.
        let start = trimmed.as_ptr() as usize - value.as_ptr() as usize;
        let end = start + trimmed.len();
        match (scheme_of(trimmed), found.last_mut()) {
            (None, Some(last)) => last.1 = end,
            // A parameter that belongs to nothing.
            (None, None) => {}
            (Some(scheme), _) => found.push((start, end, scheme)),
        }
    }
    found
        .into_iter()
        .filter_map(|(start, end, scheme)| {
            Some(Challenge {
                scheme,
                whole: value.get(start..end)?,
            })
        })
        .collect()
}

/// The scheme that this item begins with, where it does not go on with a parameter of the one before.
fn scheme_of(item: &str) -> Option<&str> {
    let end = item
        .bytes()
        .position(|b| !is_token(b))
        .unwrap_or(item.len());
    let (word, rest) = item.split_at_checked(end)?;
    let begins =
        rest.is_empty() || (rest.starts_with([' ', '\t']) && !rest.trim_start().starts_with('='));
    (!word.is_empty() && begins).then_some(word)
}

/// Splits at commas that stand in no quoted string (RFC 9110 section 5.6.4).
fn split(text: &str) -> Vec<&str> {
    let (mut items, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                items.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    items.extend(text.get(start..));
    items
}

fn unquote(value: &str) -> Cow<'_, str> {
    let Some(inner) = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return Cow::Borrowed(value);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let (mut text, mut escaped) = (String::with_capacity(inner.len()), false);
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            text.push(c);
            escaped = false;
        }
    }
    Cow::Owned(text)
}

/// `tchar` (RFC 9110 section 5.6.2).
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{for_pages, says_invalid_token};

    fn invalid(lines: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(line));
        }
        says_invalid_token(&headers)
    }

    #[test]
    fn an_invalid_token_is_told_from_everything_else() {
        for line in [
            "Bearer error=\"invalid_token\"",
            "bearer realm=\"a, b\", error=\"invalid_token\", error_description=\"x\"",
            "Bearer error=invalid_token",
            "Bearer error = \"invalid_token\"",
            "Bearer error=\"invalid\\_token\"",
            "Basic realm=\"x\", Bearer realm=\"y\", error=\"invalid_token\"",
            "DPoP algs=\"ES256\", error=\"invalid_token\"",
        ] {
            assert!(invalid(&[line]), "{line}");
        }
        for line in [
            "",
            "Bearer",
            "Bearer realm=\"error=invalid_token\"",
            "Bearer realm=\"a\\\", error=\\\"invalid_token\"",
            "Bearer error=\"insufficient_user_authentication\", acr_values=\"2fa\"",
            "Bearer error=\"insufficient_scope\", error_description=\"invalid_token\"",
            "Basic error=\"invalid_token\"",
            "Bearer realm=\"x\", Basic error=\"invalid_token\"",
            "Bearer error_uri=\"invalid_token\"",
        ] {
            assert!(!invalid(&[line]), "{line}");
        }
        assert!(invalid(&[
            "Basic realm=\"x\"",
            "Bearer error=\"invalid_token\""
        ]));
        assert!(!invalid(&[]));
    }

    #[test]
    fn challenges_that_open_a_password_prompt_do_not_pass() {
        let passed = |text: &'static str| {
            for_pages(&HeaderValue::from_static(text))
                .and_then(|value| value.to_str().map(str::to_owned).ok())
        };
        let bearer = "Bearer realm=\"a, Basic b\", error=\"insufficient_scope\"";
        assert_eq!(passed(bearer).as_deref(), Some(bearer));
        assert_eq!(passed("Basic realm=\"x\""), None);
        assert_eq!(passed("Negotiate"), None);
        assert_eq!(passed("Negotiate YWJj=="), None);
        assert_eq!(passed("realm=\"x\""), None);
        assert_eq!(passed(""), None);
        assert_eq!(
            passed("Basic realm=\"x\", charset=\"UTF-8\", Bearer realm=\"y\" , error=\"z\", NTLM, DPoP algs=\"ES256\"")
                .as_deref(),
            Some("Bearer realm=\"y\" , error=\"z\", DPoP algs=\"ES256\"")
        );
    }
}
