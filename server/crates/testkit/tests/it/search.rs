//! The search for secrets finds every encoding it names, and nothing where there is nothing.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use cloakroom_testkit::leaks;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const SECRET: &str = "s3cr3t/with+special&\"chars\"=and:more";

fn found(haystack: impl AsRef<[u8]>) -> Vec<String> {
    leaks(haystack.as_ref(), &[SECRET.to_owned()])
}

#[test]
fn finds_a_secret_as_it_is_and_says_where() {
    assert_eq!(
        found(format!("Location: /?c={SECRET}")),
        ["s3cr3t.. plain at byte 14"]
    );
    assert_eq!(found(SECRET).len(), 1);
    assert_eq!(found(format!("{SECRET} {SECRET}")).len(), 2);
}

#[test]
fn finds_percent_encodings() {
    let encoded = utf8_percent_encode(SECRET, UNRESERVED).to_string();
    assert!(encoded.contains("%2F"));
    assert_eq!(found(&encoded).len(), 1);
    assert_eq!(
        found(
            encoded
                .replace("%2F", "%2f")
                .replace("%2B", "%2b")
                .replace("%3D", "%3d")
                .replace("%3A", "%3a")
        )
        .len(),
        1
    );
    assert_eq!(
        found(utf8_percent_encode(&encoded, UNRESERVED).to_string()).len(),
        1
    );
    assert_eq!(
        found(form_urlencoded::byte_serialize(SECRET.as_bytes()).collect::<String>()).len(),
        1
    );
    assert_eq!(
        found(
            utf8_percent_encode(SECRET, NON_ALPHANUMERIC)
                .to_string()
                .replace("%2E", ".")
        )
        .len(),
        1
    );
}

#[test]
fn finds_base64_at_every_alignment_in_both_alphabets() {
    for before in ["", "a", "ab", "abc", "user:", "{\"token\":\""] {
        for after in ["", "z", "zz", "\"}"] {
            let text = format!("{before}{SECRET}{after}");
            for encoded in [
                BASE64_STANDARD_NO_PAD.encode(&text),
                BASE64_URL_SAFE_NO_PAD.encode(&text),
            ] {
                assert!(
                    !found(format!("cookie={encoded};")).is_empty(),
                    "{before}..{after}"
                );
            }
        }
    }
}

#[test]
fn finds_hexadecimal_and_escapes() {
    let mut hex = String::new();
    for byte in SECRET.bytes() {
        let _ = write!(hex, "{byte:02x}");
    }
    assert_eq!(found(&hex).len(), 1);
    assert_eq!(found(hex.to_uppercase()).len(), 1);
    assert_eq!(found(serde_json::Value::from(SECRET).to_string()).len(), 1);
    assert_eq!(
        found(SECRET.replace('&', "&amp;").replace('"', "&quot;")).len(),
        1
    );
    assert!(!found(format!("{SECRET:?}")).is_empty());
}

#[test]
fn finds_nothing_where_there_is_nothing() {
    assert!(found("").is_empty());
    assert!(found("short").is_empty());
    assert!(found(&SECRET[..SECRET.len() - 1]).is_empty());
    assert!(found(&SECRET[1..]).is_empty());
    assert!(found(BASE64_STANDARD_NO_PAD.encode("another secret altogether")).is_empty());
    assert!(leaks(SECRET.as_bytes(), &[]).is_empty());
}

#[test]
fn tells_which_of_several_secrets_it_was() {
    let secrets = ["first-secret".to_owned(), "second-secret".to_owned()];
    let lines = leaks(b"the log says second-secret here", &secrets);
    assert_eq!(lines, ["second.. plain at byte 13"]);
}

#[test]
#[should_panic(expected = "too short to search for")]
fn refuses_a_secret_that_would_be_found_by_chance() {
    leaks(b"anything", &["1234567".to_owned()]);
}
