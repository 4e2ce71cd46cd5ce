//! JWKs and JWK sets that are not taken.

use super::*;

#[test]
fn what_is_no_private_signing_key_is_told_apart() {
    let symmetric = json!({"kty": "oct", "k": "AAAA", "d": "AAAA"}).to_string();
    assert_eq!(refused(&symmetric), Error::SymmetricKey);
    for base in [RSA_7515, P256_7515, ED25519_8037] {
        assert_eq!(refused_jwk(base, json!({"d": null})), Error::PublicKey);
        for members in [json!({"use": "enc"}), json!({"key_ops": ["verify"]})] {
            assert_eq!(refused_jwk(base, members), Error::NotForSigning);
        }
    }
    assert_eq!(
        refused_jwk(RSA_7515, json!({"kty": "AKP"})),
        Error::UnsupportedKeyType {
            kty: "AKP".to_owned()
        }
    );
    for (base, crv) in [
        (P256_7515, "P-521"),
        (P256_7515, "secp256k1"),
        (P256_7515, "Ed25519"),
        (ED25519_8037, "X25519"),
        (ED25519_8037, "P-256"),
    ] {
        assert_eq!(
            refused_jwk(base, json!({ "crv": crv })),
            Error::UnsupportedCurve {
                curve: crv.to_owned()
            }
        );
    }
}

#[test]
fn documents_are_one_jwk_or_one_set() {
    for (file, code) in [
        ("{}", "client_keys_no_key"),
        (r#"{"keys":[]}"#, "client_keys_no_key"),
        (r#"{"keys":{}}"#, "client_keys_malformed_member"),
        (r#"{"keys":[1]}"#, "client_keys_malformed_member"),
        (r#"{"kty":1}"#, "client_keys_malformed_member"),
        (r#"{"kty":"RSA""#, "json_syntax"),
        (r#"{"kty":"RSA","kty":"RSA"}"#, "json_duplicate_member"),
    ] {
        assert_eq!(refused(file).code(), code, "{file}");
    }
    let many = vec![jwk(P256_7515, json!({})); 17];
    assert_eq!(
        refused(&json!({ "keys": many }).to_string()),
        Error::TooManyKeys
    );
    assert_eq!(refused(&P256_PKCS8.repeat(17)), Error::TooManyKeys);
    assert_eq!(refused(&" ".repeat(256 * 1024 + 1)), Error::TooLarge);
}

#[test]
fn every_member_is_there_and_of_full_length() {
    for (base, names) in [
        (RSA_7515, &["n", "e", "p", "q", "dp", "dq", "qi"][..]),
        (P256_7515, &["x", "y"]),
        (ED25519_8037, &["x"]),
    ] {
        for name in names.iter().chain(&["d"]) {
            let broken = Error::MalformedMember(name);
            if *name != "d" {
                assert_eq!(refused_jwk(base, json!({ *name: null })), broken);
            }
            assert_eq!(refused_jwk(base, json!({ *name: 7 })), broken);
            assert_eq!(refused_jwk(base, json!({ *name: "" })), broken);
            assert_eq!(refused_jwk(base, json!({ *name: "a+b/" })), broken);
            assert_eq!(refused_jwk(base, json!({ *name: "AAA=" })), broken);
            if base != RSA_7515 {
                assert_eq!(refused_jwk(base, json!({ *name: "AAAA" })), broken);
            }
        }
    }
}

#[test]
fn the_parts_of_a_key_belong_together() {
    let other: Value = serde_json::from_str(RSA_7517).unwrap();
    for name in ["n", "d", "p", "q", "dp", "dq", "qi"] {
        assert_eq!(
            refused_jwk(RSA_7515, json!({ name: other[name] })),
            Error::Inconsistent,
            "{name}"
        );
    }
    assert_eq!(
        refused_jwk(RSA_7515, json!({"e": "Aw"})),
        Error::Inconsistent
    );
    let ec: Value = serde_json::from_str(P256_7515).unwrap();
    for members in [
        json!({"d": ec["x"]}),
        json!({"x": ec["y"]}),
        json!({"y": ec["x"]}),
    ] {
        assert_eq!(refused_jwk(P256_7515, members), Error::Inconsistent);
    }
    let ed: Value = serde_json::from_str(ED25519_8037).unwrap();
    assert_eq!(
        refused_jwk(ED25519_8037, json!({"d": ed["x"]})),
        Error::Inconsistent
    );
}

#[test]
fn rsa_has_two_primes_and_a_sane_size() {
    assert_eq!(refused_jwk(RSA_7515, json!({"oth": []})), Error::MultiPrime);
    // 1008 and 8208 bits: refused by size, before anything else is looked at.
    assert_eq!(
        refused_jwk(RSA_7515, json!({"n": "_".repeat(168)})),
        Error::KeyTooSmall
    );
    assert_eq!(
        refused_jwk(RSA_7515, json!({"n": "_".repeat(1368)})),
        Error::KeyTooLarge
    );
}

#[test]
fn no_message_quotes_a_key() {
    let ed: Value = serde_json::from_str(ED25519_8037).unwrap();
    let private = ed["d"].as_str().unwrap();
    for members in [
        json!({"x": "AAAA"}),
        json!({"use": "enc"}),
        json!({"alg": "RS256"}),
        json!({"crv": "P-256"}),
        json!({"kid": ""}),
    ] {
        let error = refused_jwk(ED25519_8037, members);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(private), "{shown}");
    }
}
