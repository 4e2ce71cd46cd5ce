//! Taking secrets out of other people's words before they reach a log (RFC 9700 section 4.2.4: logs leak).
//!
//! Some providers quote what they were sent. What they say is for the operator; what they were sent is not.

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
