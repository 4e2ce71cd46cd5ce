//! The client's private keys: what is read, what is published, and what is refused with which words.

mod refused_jwk;
mod refused_pem;

use cloakroom_oidc::{ClientKeyOptions, ClientKeys, ClientKeysError as Error};
use serde_json::{Value, json};

use crate::support::merge;

const RSA_7515: &str = include_str!("../keys/rfc7515-a2.jwk.json");
const RSA_7517: &str = include_str!("../keys/rfc7517-a2.jwk.json");
const P256_7515: &str = include_str!("../keys/rfc7515-a3.jwk.json");
const ED25519_8037: &str = include_str!("../keys/rfc8037-a1.jwk.json");
const RSA_PKCS8: &str = include_str!("../keys/rsa-pkcs8.pem");
const P256_PKCS8: &str = include_str!("../keys/p256-pkcs8.pem");
const P384_PKCS8: &str = include_str!("../keys/p384-pkcs8.pem");
const ED25519_PKCS8: &str = include_str!("../keys/ed25519-pkcs8.pem");

fn parse(file: &str) -> Result<ClientKeys, Error> {
    ClientKeys::parse(file.as_bytes(), &ClientKeyOptions::default())
}

fn parse_with(file: &str, kid: Option<&str>, alg: Option<&str>) -> Result<ClientKeys, Error> {
    ClientKeys::parse(file.as_bytes(), &ClientKeyOptions { kid, alg })
}

fn refused(file: &str) -> Error {
    parse(file).unwrap_err()
}

/// A JWK with some members replaced; `null` removes one.
fn jwk(base: &str, members: Value) -> Value {
    let mut jwk = serde_json::from_str(base).unwrap();
    merge(&mut jwk, members);
    jwk
}

fn refused_jwk(base: &str, members: Value) -> Error {
    refused(&jwk(base, members).to_string())
}

fn published(keys: &ClientKeys) -> Vec<Value> {
    let set: Value = serde_json::from_str(&keys.public_key_set()).unwrap();
    set["keys"].as_array().unwrap().clone()
}

fn kids(keys: &ClientKeys) -> Vec<&str> {
    keys.key_ids().collect()
}

mod forms {
    use super::*;

    #[test]
    fn the_same_key_is_the_same_whatever_form_it_comes_in() {
        for (jwk, pems) in [
            (RSA_7515, [RSA_PKCS8, include_str!("../keys/rsa-pkcs1.pem")]),
            (
                P256_7515,
                [P256_PKCS8, include_str!("../keys/p256-sec1.pem")],
            ),
            (ED25519_8037, [ED25519_PKCS8, ED25519_PKCS8]),
        ] {
            let expected = parse(jwk).unwrap().public_key_set();
            for pem in pems {
                assert_eq!(parse(pem).unwrap().public_key_set(), expected);
                let windows = pem.replace('\n', "\r\n");
                assert_eq!(parse(&windows).unwrap().public_key_set(), expected);
            }
        }
        assert_eq!(
            parse(P384_PKCS8).unwrap().public_key_set(),
            parse(include_str!("../keys/p384-sec1.pem"))
                .unwrap()
                .public_key_set()
        );
    }

    #[test]
    fn the_kid_is_the_thumbprint_where_nobody_says_another() {
        // RFC 7638 section 3.1, and RFC 8037 appendix A.3.
        assert_eq!(
            parse(RSA_7517).unwrap().signing_kid(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        assert_eq!(
            parse(ED25519_8037).unwrap().signing_kid(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn several_keys_in_one_pem_keep_their_order() {
        let file = format!("made in June\n{P256_PKCS8}\n# the old one\n{RSA_PKCS8}{ED25519_PKCS8}");
        let keys = parse(&file).unwrap();
        assert_eq!(keys.len(), 3);
        assert_eq!(keys.signing_kid(), parse(P256_PKCS8).unwrap().signing_kid());
        let types: Vec<_> = published(&keys)
            .iter()
            .map(|key| key["kty"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(types, ["EC", "RSA", "OKP"]);
    }

    #[test]
    fn a_new_key_joins_last_and_then_moves_first() {
        let old = jwk(RSA_7515, json!({"kid": "old"}));
        let new = jwk(P256_7515, json!({"kid": "new"}));
        let joined = parse(&json!({"keys": [old, new]}).to_string()).unwrap();
        let moved = parse(&json!({"keys": [new, old]}).to_string()).unwrap();
        assert_eq!(kids(&joined), ["old", "new"]);
        assert_eq!(
            (joined.signing_kid(), joined.algorithm(None)),
            ("old", "RS256")
        );
        assert_eq!(kids(&moved), ["new", "old"]);
        assert_eq!(
            (moved.signing_kid(), moved.algorithm(None)),
            ("new", "ES256")
        );
    }

    #[test]
    fn leading_zeros_of_rsa_numbers_count_for_nothing() {
        // n begins with the bits 1010 0001, so that a zero byte before it gives the base64url of "\0\xa1...".
        let padded = |name: &str| {
            use base64::Engine as _;
            use base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let base: Value = serde_json::from_str(RSA_7515).unwrap();
            let number = URL_SAFE_NO_PAD
                .decode(base[name].as_str().unwrap())
                .unwrap();
            URL_SAFE_NO_PAD.encode([&[0, 0][..], &number].concat())
        };
        let odd = jwk(
            RSA_7515,
            json!({"n": padded("n"), "e": padded("e"), "d": padded("d"), "p": padded("p")}),
        );
        assert_eq!(
            parse(&odd.to_string()).unwrap().public_key_set(),
            parse(RSA_7515).unwrap().public_key_set()
        );
    }

    #[test]
    fn members_of_a_jwk_that_mean_nothing_here_are_passed_over() {
        let full = jwk(
            P256_7515,
            json!({"use": "sig", "key_ops": ["sign", "verify"], "ext": true, "x5c": ["MIIB"], "iat": 1}),
        );
        assert_eq!(
            parse(&format!("\n\t {full}\n")).unwrap().public_key_set(),
            parse(P256_7515).unwrap().public_key_set()
        );
    }
}

mod published_set {
    use super::*;

    #[test]
    fn it_has_kid_use_and_public_members_only() {
        let file = json!({"keys": [
            jwk(RSA_7515, json!({"kid": "a", "alg": "PS256"})),
            jwk(RSA_7517, json!({"kid": "b"})),
            jwk(P256_7515, json!({"kid": "c"})),
            jwk(ED25519_8037, json!({"kid": "d", "alg": "Ed25519"})),
        ]});
        let keys = parse(&file.to_string()).unwrap();
        let rsa: Value = serde_json::from_str(RSA_7515).unwrap();
        let other: Value = serde_json::from_str(RSA_7517).unwrap();
        let ec: Value = serde_json::from_str(P256_7515).unwrap();
        assert_eq!(
            published(&keys),
            [
                json!({"kty": "RSA", "n": rsa["n"], "e": "AQAB", "kid": "a", "use": "sig", "alg": "PS256"}),
                // It signs with what the provider lists, so that nothing can be promised.
                json!({"kty": "RSA", "n": other["n"], "e": "AQAB", "kid": "b", "use": "sig"}),
                json!({"kty": "EC", "crv": "P-256", "x": ec["x"], "y": ec["y"], "kid": "c", "use": "sig", "alg": "ES256"}),
                json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "d", "use": "sig", "alg": "Ed25519"}),
            ]
        );
    }

    #[test]
    fn nothing_private_is_published_or_shown() {
        for file in [RSA_7515, RSA_7517, P256_7515, ED25519_8037] {
            let keys = parse(file).unwrap();
            let shown = format!("{} {keys:?}", keys.public_key_set());
            let private: Value = serde_json::from_str(file).unwrap();
            for name in ["d", "p", "q", "dp", "dq", "qi"] {
                if let Some(number) = private[name].as_str() {
                    assert!(!shown.contains(number), "{name}");
                }
            }
            assert!(format!("{keys:?}").contains(keys.signing_kid()));
        }
    }
}

mod algorithm {
    use super::*;

    /// What it chooses where the provider lists `names`.
    fn chosen(keys: &ClientKeys, names: &[&str]) -> &'static str {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        keys.algorithm(Some(&names))
    }

    #[test]
    fn it_is_the_first_of_the_keys_that_the_provider_lists() {
        let rsa = parse(RSA_7515).unwrap();
        for (names, expected) in [
            (&["ES256", "PS256", "RS256"][..], "RS256"),
            (&["ES256", "PS512", "PS256"], "PS256"),
            (&["RS512", "PS256"], "RS512"),
            // Nothing fits; it is used all the same.
            (&["ES256", "HS256"], "RS256"),
            (&[], "RS256"),
        ] {
            assert_eq!(chosen(&rsa, names), expected, "{names:?}");
        }
        assert_eq!(rsa.algorithm(None), "RS256");
        let ed25519 = parse(ED25519_8037).unwrap();
        assert_eq!(ed25519.algorithm(None), "EdDSA");
        assert_eq!(chosen(&ed25519, &["Ed25519"]), "Ed25519");
        assert_eq!(parse(P256_7515).unwrap().algorithm(None), "ES256");
        assert_eq!(parse(P384_PKCS8).unwrap().algorithm(None), "ES384");
    }

    #[test]
    fn a_jwks_own_and_the_operators_choice_come_first() {
        let own = jwk(RSA_7515, json!({"alg": "PS384"})).to_string();
        assert_eq!(chosen(&parse(&own).unwrap(), &["RS256"]), "PS384");
        let configured = parse_with(RSA_PKCS8, None, Some("PS512")).unwrap();
        assert_eq!(chosen(&configured, &["RS256"]), "PS512");
        assert_eq!(published(&configured)[0]["alg"], "PS512");
        assert!(parse_with(&own, None, Some("PS384")).is_ok());
        assert_eq!(
            parse_with(&own, None, Some("RS256")).unwrap_err(),
            Error::AlgorithmMismatch { found: "PS384" }
        );
    }

    #[test]
    fn one_that_the_key_cannot_sign_with_is_refused() {
        for (file, alg) in [
            (RSA_PKCS8, "ES256"),
            (RSA_PKCS8, "HS256"),
            (RSA_PKCS8, "none"),
            (RSA_PKCS8, "rs256"),
            (RSA_PKCS8, "RSA-OAEP"),
            (P256_PKCS8, "ES384"),
            (ED25519_PKCS8, "RS256"),
        ] {
            let expected = Error::AlgorithmNotForKey {
                alg: alg.to_owned(),
            };
            assert_eq!(parse_with(file, None, Some(alg)).unwrap_err(), expected);
        }
        assert_eq!(
            refused_jwk(P256_7515, json!({"alg": "ECDH-ES"})),
            Error::AlgorithmNotForKey {
                alg: "ECDH-ES".to_owned()
            }
        );
    }
}

mod key_ids {
    use super::*;

    #[test]
    fn the_operators_names_the_first_key_and_no_other() {
        let file = format!("{RSA_PKCS8}{P256_PKCS8}");
        let keys = parse_with(&file, Some("mine"), None).unwrap();
        assert_eq!(
            kids(&keys),
            ["mine", parse(P256_PKCS8).unwrap().signing_kid()]
        );
    }

    #[test]
    fn it_must_not_contradict_the_jwks() {
        let named = jwk(RSA_7515, json!({"kid": "theirs"})).to_string();
        assert!(parse_with(&named, Some("theirs"), None).is_ok());
        assert_eq!(
            parse_with(&named, Some("mine"), None).unwrap_err(),
            Error::KidMismatch {
                found: "theirs".to_owned()
            }
        );
    }

    #[test]
    fn no_two_keys_share_one() {
        let duplicate = |kid: &str| Error::DuplicateKid {
            kid: kid.to_owned(),
        };
        let file = json!({"keys": [jwk(RSA_7515, json!({"kid": "k"})), jwk(P256_7515, json!({"kid": "k"}))]});
        assert_eq!(refused(&file.to_string()), duplicate("k"));
        let twice = format!("{RSA_PKCS8}{RSA_PKCS8}");
        assert_eq!(
            refused(&twice),
            duplicate(parse(RSA_PKCS8).unwrap().signing_kid())
        );
        let second = parse(P256_PKCS8).unwrap().signing_kid().to_owned();
        let file = format!("{RSA_PKCS8}{P256_PKCS8}");
        assert_eq!(
            parse_with(&file, Some(&second), None).unwrap_err(),
            duplicate(&second)
        );
    }

    #[test]
    fn it_is_visible_and_of_sane_length() {
        let long = "k".repeat(257);
        for kid in ["", " ", "a b", "a\nb", "\u{e9}", long.as_str()] {
            assert_eq!(
                refused_jwk(P256_7515, json!({ "kid": kid })),
                Error::MalformedKid
            );
            assert_eq!(
                parse_with(P256_PKCS8, Some(kid), None).unwrap_err(),
                Error::MalformedKid
            );
        }
        assert!(parse_with(P256_PKCS8, Some(&"k".repeat(256)), None).is_ok());
    }
}
