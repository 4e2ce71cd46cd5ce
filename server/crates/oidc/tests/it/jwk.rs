//! Key sets: which keys count.

use cloakroom_oidc::{JsonError, KeySet, KeySetError};
use serde_json::{Value, json};

use crate::keys::{b64, ed25519, key_set, p256, p384, rsa};

fn usable(jwk: Value) -> bool {
    key_set(&[jwk]).len() == 1
}

#[test]
fn oidcc_client_test_discovery_jwks_uri_keys() {
    let set = key_set(&[
        rsa().jwk(json!({"kid": "r", "use": "sig", "alg": "RS256"})),
        p256().jwk(json!({"kid": "e"})),
        p384().jwk(json!({"kid": "f"})),
        ed25519().jwk(json!({"key_ops": ["verify"]})),
    ]);
    assert_eq!((set.len(), set.skipped(), set.is_empty()), (4, 0, false));
    assert_eq!(
        set.key_ids().collect::<Vec<_>>(),
        [Some("r"), Some("e"), Some("f"), None]
    );
}

#[test]
fn keys_that_cannot_be_used_are_skipped_and_refuse_nothing() {
    let set = key_set(&[
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}),
        json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}),
        json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        json!({"kty": "OKP", "crv": "X25519", "x": b64([1; 32])}),
        json!({"kty": "oct", "k": b64([1; 64]), "alg": "HS256"}),
        json!({"kty": "RSA"}),
        json!({}),
        json!("not an object"),
        rsa().jwk(json!({"kid": "good"})),
    ]);
    assert_eq!((set.len(), set.skipped()), (1, 8));
}

#[test]
fn use_and_key_ops_are_honoured() {
    assert!(usable(
        rsa().jwk(json!({"use": "sig", "key_ops": ["sign", "verify"]}))
    ));
    assert!(!usable(rsa().jwk(json!({"use": "enc"}))));
    assert!(!usable(rsa().jwk(json!({"use": 1}))));
    assert!(!usable(rsa().jwk(json!({"key_ops": ["encrypt"]}))));
    assert!(!usable(rsa().jwk(json!({"key_ops": []}))));
    assert!(!usable(rsa().jwk(json!({"key_ops": "verify"}))));
    assert!(!usable(rsa().jwk(json!({"kid": 7}))));
}

#[test]
fn rsa_keys_are_of_2048_bits_or_more() {
    let with_modulus = |bytes: Vec<u8>| json!({"kty": "RSA", "n": b64(bytes), "e": "AQAB"});
    let modulus = |length: usize, first: u8| {
        let mut bytes = vec![0xFF; length];
        bytes[0] = first;
        bytes
    };
    assert!(usable(with_modulus(modulus(256, 0x80))));
    assert!(!usable(with_modulus(modulus(256, 0x7F))), "2047 bits");
    assert!(!usable(with_modulus(modulus(128, 0x80))));
    assert!(
        !usable(with_modulus([vec![0; 200], modulus(128, 0x80)].concat())),
        "zeros do not count"
    );
    assert!(
        usable(with_modulus([vec![0; 1], modulus(256, 0x80)].concat())),
        "but do no harm"
    );
    assert!(!usable(with_modulus(modulus(1025, 0xFF))));
    assert!(!usable(with_modulus(vec![])));
    let with_exponent = |e: &str| json!({"kty": "RSA", "n": b64(modulus(256, 0x80)), "e": e});
    assert!(usable(with_exponent("Aw")));
    for exponent in ["AQ", "AA", "Ag", "", "====", "AQAB="] {
        assert!(!usable(with_exponent(exponent)), "{exponent}");
    }
}

#[test]
fn curve_points_have_their_full_length() {
    assert!(!usable(p256().jwk(json!({"x": b64([1; 31])}))));
    assert!(!usable(p256().jwk(json!({"crv": "P-384"}))));
    assert!(!usable(ed25519().jwk(json!({"x": b64([1; 33])}))));
}

#[test]
fn private_members_are_not_kept() {
    let set = key_set(&[rsa().jwk(json!({"d": "c2VjcmV0LWV4cG9uZW50", "p": "AQ", "kid": "k"}))]);
    assert_eq!(set.len(), 1);
    assert!(!format!("{set:?}").contains("c2VjcmV0"));
}

#[test]
fn a_set_is_one_object_with_an_array_of_at_most_100() {
    let parse = |text: &str| KeySet::parse(text.as_bytes()).unwrap_err();
    assert_eq!(parse("{}"), KeySetError::NoKeys);
    assert_eq!(parse("{\"keys\":{}}"), KeySetError::NoKeys);
    assert_eq!(parse("[]"), KeySetError::Json(JsonError::NotAnObject));
    assert_eq!(
        parse("{\"keys\":[],\"keys\":[]}"),
        KeySetError::Json(JsonError::DuplicateMember)
    );
    assert_eq!(
        parse("{\"keys\":[{\"kty\":\"RSA\",\"kty\":\"EC\"}]}"),
        KeySetError::Json(JsonError::DuplicateMember)
    );
    let many = |count: usize| json!({"keys": vec![json!({}); count]}).to_string();
    assert_eq!(parse(&many(101)), KeySetError::TooManyKeys);
    assert!(KeySet::parse(many(100).as_bytes()).unwrap().is_empty());
    assert_eq!(
        parse(&format!("{{\"keys\":[]}}{}", " ".repeat(1024 * 1024))),
        KeySetError::Json(JsonError::TooLarge)
    );
}
