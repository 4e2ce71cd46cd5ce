//! The key ring: how it is written, and what is derived from it (RFC 5869).

use aws_lc_rs::hkdf;
use cloakroom_vault::{KeyId, KeyRing, KeyRingError, encode_key};
use proptest::prelude::*;

use crate::support::ring;

// The same three keys in four spellings: 32 bytes of 0xfb make every character that the alphabets differ in.
const STANDARD: &str = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";

#[test]
fn every_spelling_of_base64_is_the_same_key() {
    let id = ring(&[0xfb]).sealing_key().id();
    let url_safe = STANDARD.replace('+', "-").replace('/', "_");
    for text in [
        STANDARD.to_owned(),
        url_safe.clone(),
        STANDARD.trim_end_matches('=').to_owned(),
        url_safe.trim_end_matches('=').to_owned(),
        format!("  {STANDARD}\n"),
    ] {
        assert_eq!(
            KeyRing::parse(&text).unwrap().sealing_key().id(),
            id,
            "{text}"
        );
    }
}

#[test]
fn the_first_seals_and_all_are_found() {
    let text = format!("{}, {}\n", *encode_key(&[1; 32]), *encode_key(&[2; 32]));
    let parsed = KeyRing::parse(&text).unwrap();
    let ids: Vec<KeyId> = parsed
        .keys()
        .iter()
        .map(cloakroom_vault::RingKey::id)
        .collect();
    assert_eq!(
        ids,
        [ring(&[1]).sealing_key().id(), ring(&[2]).sealing_key().id()]
    );
    assert_eq!(parsed.sealing_key().id(), ids[0]);
    for id in ids {
        assert_eq!(parsed.key(id).unwrap().id(), id);
    }
    assert!(parsed.key(ring(&[3]).sealing_key().id()).is_none());
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_never_with_the_key() {
    let good = encode_key(&[1; 32]);
    let other = encode_key(&[2; 32]);
    let short = "c2hvcnQtc2VjcmV0LXZhbHVl";
    let cases = [
        (String::new(), KeyRingError::Empty),
        (" \n".to_owned(), KeyRingError::Empty),
        (
            format!("{},,{}", *good, *other),
            KeyRingError::EmptyKey { position: 2 },
        ),
        (
            format!("{},", *good),
            KeyRingError::EmptyKey { position: 2 },
        ),
        (
            format!(",{}", *good),
            KeyRingError::EmptyKey { position: 1 },
        ),
        (
            format!("{},not!base64", *good),
            KeyRingError::NotBase64 { position: 2 },
        ),
        (
            format!("{} {}", *good, *other),
            KeyRingError::NotBase64 { position: 1 },
        ),
        ("-+".repeat(22), KeyRingError::NotBase64 { position: 1 }),
        (
            format!("{},{short}", *good),
            KeyRingError::WrongLength {
                position: 2,
                bytes: 18,
            },
        ),
        (
            format!("{},{},{}", *good, *other, good.trim_end_matches('=')),
            KeyRingError::Duplicate {
                position: 3,
                first: 1,
            },
        ),
    ];
    for (text, expected) in cases {
        let error = KeyRing::parse(&text).unwrap_err();
        assert_eq!(error, expected);
        let said = format!("{error} {error:?} {}", error.code());
        for secret in [good.as_str(), other.as_str(), short, "not!base64"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    assert_eq!(
        KeyRing::from_keys(Vec::new()).unwrap_err(),
        KeyRingError::Empty
    );
    assert_eq!(
        KeyRing::from_keys(vec![[1; 32], [1; 32]]).unwrap_err(),
        KeyRingError::Duplicate {
            position: 2,
            first: 1
        }
    );
}

#[test]
fn nothing_that_is_printed_shows_a_key() {
    let ring = ring(&[0xab]);
    let printed = format!(
        "{ring:?} {:?} {:?}",
        ring.sealing_key(),
        ring.sealing_key().id()
    );
    let lower = printed.to_lowercase();
    assert!(
        !lower.contains("abab") && !lower.contains("171, 171"),
        "{printed}"
    );
    assert!(
        !printed.contains(encode_key(&[0xab; 32]).trim_end_matches('=')),
        "{printed}"
    );
}

#[test]
fn a_key_id_is_eight_characters_and_reads_back() {
    let id = ring(&[1]).sealing_key().id();
    let text = id.to_string();
    assert_eq!(text.len(), 8);
    assert_eq!(text.parse::<KeyId>().unwrap(), id);
    assert_ne!(id, ring(&[2]).sealing_key().id());
    for bad in ["", "short", "too-long-for-it", "not+url/", "with sp "] {
        assert_eq!(
            bad.parse::<KeyId>().unwrap_err().code(),
            "key_id_malformed",
            "{bad}"
        );
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[test]
fn derived_keys_are_hkdf_with_length_prefixed_info() {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"cloakroom key ring 1");
    let prk = salt.extract(&[7; 32]);
    let mut info = Vec::new();
    for part in [b"derived key".as_slice(), b"label", b"one", b"", b"three"] {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    let mut expected = [0; 32];
    prk.expand(&[&info], Length(32))
        .unwrap()
        .fill(&mut expected)
        .unwrap();
    let derived = ring(&[7])
        .sealing_key()
        .derive("label", &[b"one", b"", b"three"]);
    assert_eq!(*derived, expected);
}

#[test]
fn the_derivation_stays_as_it_is() {
    // Records that were sealed by an earlier release open only while these hold.
    let ring = ring(&[7]);
    let key = ring.sealing_key();
    assert_eq!(key.id().to_string(), "k-DPTzog");
    assert_eq!(key.derive("label", &[b"a"])[..8], DERIVED);
    assert_eq!(key.mac("label", &[b"a"])[..8], MAC);
}

const DERIVED: [u8; 8] = [146, 31, 248, 250, 107, 27, 201, 241];
const MAC: [u8; 8] = [104, 51, 35, 162, 42, 177, 235, 63];

#[test]
fn another_label_division_or_key_gives_another_value() {
    let one = ring(&[1]);
    let two = ring(&[2]);
    let key = one.sealing_key();
    let derived = key.derive("label", &[b"ab", b"c"]);
    for other in [
        key.derive("label", &[b"a", b"bc"]),
        key.derive("label", &[b"abc"]),
        key.derive("label", &[b"ab", b"c", b""]),
        key.derive("labelab", &[b"c"]),
        two.sealing_key().derive("label", &[b"ab", b"c"]),
    ] {
        assert_ne!(*derived, *other);
    }
    let mac = key.mac("label", &[b"ab", b"c"]);
    for other in [
        key.mac("label", &[b"a", b"bc"]),
        key.mac("other", &[b"ab", b"c"]),
        two.sealing_key().mac("label", &[b"ab", b"c"]),
    ] {
        assert_ne!(mac, other);
    }
    assert_ne!(*key.derive("label", &[]), key.mac("label", &[]));
}

#[test]
fn a_mac_is_verified_whole() {
    let ring = ring(&[1]);
    let key = ring.sealing_key();
    let mac = key.mac("label", &[b"part"]);
    assert!(key.verify_mac("label", &[b"part"], &mac));
    assert!(!key.verify_mac("other", &[b"part"], &mac));
    assert!(!key.verify_mac("label", &[b"parts"], &mac));
    assert!(!key.verify_mac("label", &[b"part"], &mac[..31]));
    assert!(!key.verify_mac("label", &[b"part"], &[]));
    for bit in 0..256 {
        let mut flipped = mac;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!key.verify_mac("label", &[b"part"], &flipped));
    }
}

proptest! {
    #[test]
    fn a_written_key_reads_back(key: [u8; 32]) {
        let parsed = KeyRing::parse(&encode_key(&key)).unwrap();
        prop_assert_eq!(parsed.sealing_key().id(), KeyRing::from_keys(vec![key]).unwrap().sealing_key().id());
    }

    #[test]
    fn no_text_makes_it_panic(text: String) {
        let _ = KeyRing::parse(&text);
        let _ = text.parse::<KeyId>();
    }
}
