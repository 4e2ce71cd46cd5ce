//! The correlation id: what a person reads on an error page is what the log line says.

use crate::time::{Random, random_bytes};

/// Crockford's alphabet: no letter that is mistaken for a digit when somebody reads it out on the telephone.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Eight bytes, five bits a character.
const LENGTH: usize = 13;

/// A new reference, 13 characters.
pub(crate) fn new(random: &dyn Random) -> String {
    let bits = u64::from_be_bytes(random_bytes(random));
    (0..LENGTH)
        .map(|n| char::from(ALPHABET[usize::try_from((bits >> (5 * n)) & 31).unwrap_or(0)]))
        .collect()
}

/// Whether a text from outside can be one of ours, so that it may be shown again.
pub(crate) fn is_one(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{is_one, new};
    use crate::time::SystemRandom;

    #[test]
    fn references_are_short_plain_and_new_each_time() {
        let (a, b) = (new(&SystemRandom), new(&SystemRandom));
        assert!(is_one(&a) && is_one(&b));
        assert_ne!(a, b);
        for other in [
            "",
            "short",
            "ABCDEFGHJKMNP",
            "<script>alert",
            "0123456789abcd",
        ] {
            assert!(!is_one(other));
        }
    }
}
