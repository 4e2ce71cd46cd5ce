//! Key sets: which keys count.

use cloakroom_oidc::{JsonError, KeySet, KeySetError};
use serde_json::{Value, json};

use crate::keys::{b64, ed25519, key_set, p256, p384, p521, rsa};

fn usable(jwk: Value) -> bool {
    key_set(&[jwk]).len() == 1
}

#[test]
fn oidcc_client_test_discovery_jwks_uri_keys() {
    let set = key_set(&[
        rsa().jwk(json!({"kid": "r", "use": "sig", "alg": "RS256"})),
        p256().jwk(json!({"kid": "e"})),
        p384().jwk(json!({"kid": "f"})),
        p521().jwk(json!({"kid": "g"})),
        ed25519().jwk(json!({"key_ops": ["verify"]})),
    ]);
    assert_eq!((set.len(), set.skipped(), set.is_empty()), (5, 0, false));
    assert_eq!(
        set.key_ids().collect::<Vec<_>>(),
        [Some("r"), Some("e"), Some("f"), Some("g"), None]
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
    assert!(usable(with_exponent("AQAAAAE")), "2^32 + 1, of 33 bits");
    for exponent in ["AQ", "AA", "Ag", "", "====", "AQAB=", "AgAAAAE", "AQAAAAAB"] {
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
fn points_are_on_their_curve() {
    for key in [p256(), p384(), p521()] {
        let jwk = key.jwk(json!({}));
        let (x, y) = (jwk["x"].clone(), jwk["y"].clone());
        assert!(!usable(key.jwk(json!({"x": y, "y": x}))), "{jwk}");
        let length = jwk["x"].as_str().unwrap().len() * 3 / 4;
        assert!(!usable(key.jwk(
            json!({"x": b64(vec![0; length]), "y": b64(vec![0; length])})
        )));
    }
}

#[test]
fn a_key_for_an_algorithm_that_its_type_does_not_have_is_skipped() {
    assert!(usable(rsa().jwk(json!({"alg": "PS384"}))));
    assert!(usable(ed25519().jwk(json!({"alg": "Ed25519"}))));
    for alg in ["RSA-OAEP-256", "ES256", "EdDSA", "HS256", "none", "RS1", ""] {
        assert!(!usable(rsa().jwk(json!({"alg": alg}))), "{alg}");
    }
    assert!(!usable(p256().jwk(json!({"alg": "ES384"}))));
    assert!(!usable(p521().jwk(json!({"alg": "ECDH-ES"}))));
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
