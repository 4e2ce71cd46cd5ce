//! Taking secrets out of other people's words before they reach a log (RFC 9700 section 4.2.4: logs leak).
//!
//! Some providers quote what they were sent. What they say is for the operator; what they were sent is not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use crate::form;

/// The parameters of requests to the provider whose values are nobody else's business: credentials, tokens, and what
/// ties a sign-in to its browser.
const SECRET_PARAMETERS: [&str; 15] = [
    "access_token",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "id_token_hint",
    "login_hint_token",
    "nonce",
    "password",
    "refresh_token",
    "state",
    "subject_token",
    "token",
];

/// Shorter ones would take ordinary words apart.
const SHORTEST: usize = 4;

/// `words` without the `secrets`: each is replaced where it stands whole, and where the words end in the beginning of
/// one, as they do when a bound cut it in two, that end goes too.
pub fn without_secrets<S: AsRef<str>>(words: &str, secrets: &[S]) -> String {
    let mut clean = words.to_owned();
    let secrets = || {
        secrets
            .iter()
            .map(AsRef::as_ref)
            .filter(|secret| secret.len() >= SHORTEST)
    };
    for secret in secrets() {
        if clean.contains(secret) {
            clean = clean.replace(secret, "[secret]");
        }
    }
    let end = clean.trim_end_matches('\u{2026}');
    let cut = secrets()
        .filter_map(|secret| beginning_at_the_end(end, secret))
        .max();
    if let Some(length) = cut {
        let kept = end.len() - length;
        clean.truncate(kept);
        clean.push_str("[secret]");
    }
    clean
}

/// How many bytes of the secret's beginning the words end in.
fn beginning_at_the_end(words: &str, secret: &str) -> Option<usize> {
    secret
        .char_indices()
        .map(|(at, _)| at)
        .filter(|at| *at >= SHORTEST)
        .rev()
        .find(|at| words.ends_with(&secret[..*at]))
}

/// Every secret in a request to the provider, in every spelling that it was sent in or could be quoted in: the values
/// of secret parameters, the credentials of the `Authorization` header, each as it is, form-encoded, and as base64.
/// Take it before the request is sent, and give it to the errors' `without`, or to [`without_secrets`].
pub fn secrets_in(request: &Request<Bytes>) -> Zeroizing<Vec<String>> {
    let mut secrets = Zeroizing::new(Vec::new());
    let credentials = request
        .headers()
        .get_all(AUTHORIZATION)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split_once(' '));
    for (scheme, credentials) in credentials {
        add(&mut secrets, credentials);
        if scheme.eq_ignore_ascii_case("basic")
            && let Some(pair) = basic(credentials)
            && let Some((_, secret)) = pair.split_once(':')
        {
            add_encoded(&mut secrets, secret);
        }
    }
    let body = std::str::from_utf8(request.body()).unwrap_or_default();
    for (name, value) in form::raw_pairs(body) {
        if SECRET_PARAMETERS.contains(&name) {
            add_encoded(&mut secrets, value);
        }
    }
    // The longest first: a short one that is part of a long one must not take it apart.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

fn basic(credentials: &str) -> Option<Zeroizing<String>> {
    let bytes = Zeroizing::new(STANDARD.decode(credentials).ok()?);
    std::str::from_utf8(&bytes)
        .ok()
        .map(|pair| Zeroizing::new(pair.to_owned()))
}

/// What was sent form-encoded: so, with a space as `%20`, with digits in lower case, as other encoders write them
/// (RFC 3986 section 6.2.2.1), and decoded.
fn add_encoded(secrets: &mut Vec<String>, encoded: &str) {
    for spaces in [encoded.to_owned(), encoded.replace('+', "%20")] {
        add(secrets, &spaces);
        add(secrets, &with_lower_digits(&spaces));
    }
    if let Some(decoded) = form::decode(encoded) {
        add(secrets, &decoded);
    }
}

fn with_lower_digits(encoded: &str) -> String {
    let mut digits = 0_u8;
    let lower = |c: char| {
        if c == '%' {
            digits = 2;
            return c;
        }
        let is_digit = digits > 0;
        digits = digits.saturating_sub(1);
        if is_digit { c.to_ascii_lowercase() } else { c }
    };
    encoded.chars().map(lower).collect()
}

fn add(secrets: &mut Vec<String>, secret: &str) {
    if !secret.is_empty() && !secrets.iter().any(|known| known == secret) {
        secrets.push(secret.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn whole_secrets_and_the_beginning_of_one_at_the_end_are_taken_out() {
        let secrets = ["verifier-1234", "code"];
        for (words, clean) in [
            ("nothing here", "nothing here"),
            (
                "bad verifier-1234, and verifier-1234",
                "bad [secret], and [secret]",
            ),
            ("bad verifier-12\u{2026}", "bad [secret]"),
            ("bad verif", "bad [secret]"),
            ("bad ver", "bad ver"),
            ("the code is code", "the [secret] is [secret]"),
        ] {
            assert_eq!(without_secrets(words, &secrets), clean, "{words}");
        }
        assert_eq!(without_secrets("short abc", &["abc"]), "short abc");
    }
}
