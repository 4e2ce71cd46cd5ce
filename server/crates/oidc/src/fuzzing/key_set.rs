//! The provider's key set (RFC 7517 section 5).

use serde_json::Value;

use super::{is_code, keys};
use crate::jwk::MAX_KEYS;
use crate::jwt::{Policy, verify_compact};
use crate::{KeySet, SigningAlg};

/// Reads a key set. Every key is either usable or skipped, and a token verifies with its own key only, whatever else
/// is in the set.
pub fn key_set(data: &[u8]) -> bool {
    let set = match KeySet::parse(data) {
        Ok(set) => set,
        Err(error) => {
            assert!(is_code(error.code()));
            return false;
        }
    };
    let document: Value = serde_json::from_slice(data).expect("JSON");
    let entries = document["keys"].as_array().expect("an array");
    assert_eq!(set.len() + set.skipped(), entries.len());
    assert!(entries.len() <= MAX_KEYS);
    assert_eq!(set.is_empty(), set.key_ids().next().is_none());
    assert_eq!(set.key_ids().count(), set.len());
    for kid in set.key_ids().flatten() {
        assert!(entries.iter().any(|entry| entry["kid"] == kid));
    }
    for (token, alg, members) in [
        (
            keys::RS256_TOKEN.to_owned(),
            SigningAlg::RS256,
            &[("n", keys::RSA_N), ("e", "AQAB")][..],
        ),
        (
            keys::ES256_TOKEN.to_owned(),
            SigningAlg::ES256,
            &[("x", keys::EC_X), ("y", keys::EC_Y)],
        ),
        (
            keys::sign(br#"{"alg":"EdDSA"}"#, b"{}"),
            SigningAlg::EdDSA,
            &[("x", keys::ED_X)],
        ),
    ] {
        if verify_compact(&token, &set, &Policy::new(&[alg])).is_ok() {
            let is_own = |entry: &Value| members.iter().all(|member| has(entry, *member));
            assert!(
                entries.iter().any(is_own),
                "{alg} verified without its own key"
            );
        }
    }
    // No key of a set is ever an HMAC secret.
    let hmac = keys::hs256(br#"{"alg":"HS256"}"#, b"{}");
    assert!(verify_compact(&hmac, &set, &Policy::new(&SigningAlg::ALL)).is_err());
    true
}

/// Whether the member is that number; zeros before it count for nothing.
fn has(entry: &Value, (name, expected): (&str, &str)) -> bool {
    let number = |text: &str| {
        let bytes = keys::un_b64(text)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(bytes[zeros..].to_vec())
    };
    entry[name]
        .as_str()
        .is_some_and(|text| number(text) == number(expected))
}
