//! Secrets in other people's words (RFC 9700 section 4.2.4).

use crate::redact::without_secrets;

/// The first line is the secret, the rest the words. Whether the words had to be changed.
pub fn redact(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let (secret, words) = text.split_once('\n').unwrap_or((&text, ""));
    let clean = without_secrets(words, &[secret]);
    // Part of the mark that stands in for it; or one that the mark could complete.
    let odd = "[secret]".contains(secret) || secret.contains(['[', ']']);
    if secret.len() >= 4 && !odd {
        assert!(!clean.contains(secret), "the secret is still there");
        let end = clean.trim_end_matches('\u{2026}');
        let beginnings = secret.char_indices().map(|(at, _)| &secret[..at]);
        for beginning in beginnings.filter(|beginning| beginning.len() >= 4) {
            assert!(!end.ends_with(beginning), "its beginning is still there");
        }
    }
    if secret.len() < 4 {
        assert_eq!(clean, words, "short ones would take words apart");
    }
    assert!(clean.len() <= words.len().saturating_mul(8).saturating_add(8));
    clean != words
}
