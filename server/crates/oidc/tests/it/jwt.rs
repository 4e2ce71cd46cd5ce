//! Signed tokens: the one policy, and the ways around it that are closed.

mod form;

use cloakroom_oidc::jwt::{Policy, Typ, verify_compact};
use cloakroom_oidc::{ClientSecret, JwtError, KeySet, SigningAlg, VerifiedJwt};
use serde_json::{Value, json};

use crate::keys::{b64, ed25519, hmac_token, key_set, other_rsa, p256, p384, p521, rsa, token};

const RS256: &[SigningAlg] = &[SigningAlg::RS256];

fn set() -> KeySet {
    key_set(&[rsa().jwk(json!({"kid": "k1", "use": "sig", "alg": "RS256"}))])
}

fn verify(token: &str) -> Result<VerifiedJwt, JwtError> {
    verify_compact(token, &set(), &Policy::new(RS256))
}

fn header() -> Value {
    json!({"alg": "RS256", "kid": "k1"})
}

fn header_with(more: Value) -> Value {
    let mut header = header();
    crate::support::merge(&mut header, more);
    header
}

fn good() -> String {
    token(&header(), &json!({"sub": "u"}), rsa())
}

#[test]
fn oidcc_client_test_idtoken_sig_rs256() {
    let verified = verify(&good()).unwrap();
    assert_eq!(verified.header.alg, SigningAlg::RS256);
    assert_eq!(verified.header.kid.as_deref(), Some("k1"));
    assert_eq!(verified.claims["sub"], "u");
    assert!(
        !format!("{verified:?}").contains("\"u\""),
        "claims are not for logs"
    );
}

#[test]
fn every_algorithm_verifies_with_its_key_and_with_no_other() {
    let all = [
        ("RS256", rsa()),
        ("RS384", rsa()),
        ("RS512", rsa()),
        ("PS256", rsa()),
        ("PS384", rsa()),
        ("PS512", rsa()),
        ("ES256", p256()),
        ("ES384", p384()),
        ("ES512", p521()),
        ("EdDSA", ed25519()),
    ];
    let keys = key_set(&[
        rsa().jwk(json!({"kid": "RSA"})),
        p256().jwk(json!({"kid": "P256"})),
        p384().jwk(json!({"kid": "P384"})),
        p521().jwk(json!({"kid": "P521"})),
        ed25519().jwk(json!({"kid": "Ed"})),
    ]);
    for (alg, key) in all {
        let one = [SigningAlg::parse(alg).unwrap()];
        let signed = token(&json!({"alg": alg}), &json!({"a": 1}), key);
        assert!(
            verify_compact(&signed, &keys, &Policy::new(&one)).is_ok(),
            "{alg}"
        );
        let broken = format!(
            "{}{}",
            &signed[..signed.len() - 4],
            if signed.ends_with("AAAA") {
                "BBBA"
            } else {
                "AAAA"
            }
        );
        assert!(
            verify_compact(&broken, &keys, &Policy::new(&one)).is_err(),
            "{alg}"
        );
        for other in SigningAlg::ALL.into_iter().filter(|other| *other != one[0]) {
            let error = verify_compact(&signed, &keys, &Policy::new(&[other])).unwrap_err();
            assert_eq!(
                error,
                JwtError::AlgorithmNotAllowed {
                    alg: alg.to_owned()
                }
            );
        }
    }
}

#[test]
fn oidcc_client_test_invalid_sig_rs256() {
    assert_eq!(
        verify(&token(&header(), &json!({}), other_rsa())).unwrap_err(),
        JwtError::InvalidSignature
    );
    let text = good();
    let mut parts: Vec<&str> = text.split('.').collect();
    let altered = b64(r#"{"sub":"v"}"#);
    parts[1] = &altered;
    assert_eq!(
        verify(&parts.join(".")).unwrap_err(),
        JwtError::InvalidSignature
    );
    parts[2] = "";
    assert_eq!(
        verify(&parts.join(".")).unwrap_err(),
        JwtError::InvalidSignature
    );
}

#[test]
fn oidcc_client_test_invalid_sig_es256() {
    let keys = key_set(&[p256().jwk(json!({"kid": "e"}))]);
    let signed = token(&json!({"alg": "ES256", "kid": "e"}), &json!({}), p256());
    let (message, _) = signed.rsplit_once('.').unwrap();
    for signature in [b64([0; 64]), b64([1; 64]), b64([1; 63]), b64([1; 65])] {
        let forged = format!("{message}.{signature}");
        let error = verify_compact(&forged, &keys, &Policy::new(&[SigningAlg::ES256])).unwrap_err();
        assert_eq!(error, JwtError::InvalidSignature);
    }
}

#[test]
fn oidcc_client_test_idtoken_sig_none() {
    for alg in ["none", "None", "NONE", "nOnE"] {
        let unsigned = format!(
            "{}.{}.",
            b64(json!({"alg": alg, "kid": "k1"}).to_string()),
            b64("{}")
        );
        assert_eq!(verify(&unsigned).unwrap_err(), JwtError::Unsigned, "{alg}");
        let text = good();
        let (_, signature) = text.rsplit_once('.').unwrap();
        assert_eq!(
            verify(&format!("{unsigned}{signature}")).unwrap_err(),
            JwtError::Unsigned,
            "{alg}"
        );
    }
}

#[test]
fn a_public_key_is_never_an_hmac_secret() {
    let claims = json!({"sub": "admin"});
    let jwk = rsa().jwk(json!({}));
    let secrets = [
        rsa().public_der(),
        jwk["n"].as_str().unwrap().into(),
        jwk.to_string().into_bytes(),
    ];
    let client_secret = ClientSecret::new("a client secret of more than 32 bytes, surely");
    let both = [SigningAlg::RS256, SigningAlg::HS256];
    for secret in &secrets {
        let forged = hmac_token(&json!({"alg": "HS256", "kid": "k1"}), &claims, secret);
        assert_eq!(
            verify(&forged).unwrap_err(),
            JwtError::AlgorithmNotAllowed {
                alg: "HS256".to_owned()
            }
        );
        // Even where the algorithm is accepted, the key set is not where its key comes from.
        let mut policy = Policy::new(&both);
        assert_eq!(
            verify_compact(&forged, &set(), &policy).unwrap_err(),
            JwtError::ClientSecretUnusable
        );
        policy.client_secret = Some(&client_secret);
        assert_eq!(
            verify_compact(&forged, &set(), &policy).unwrap_err(),
            JwtError::InvalidSignature
        );
    }
}

#[test]
fn oidcc_client_test_invalid_sig_hs256() {
    let secret = ClientSecret::new("0123456789abcdef0123456789abcdef");
    let policy = Policy {
        client_secret: Some(&secret),
        ..Policy::new(&[SigningAlg::HS256, SigningAlg::HS512])
    };
    let check = |alg: &str, key: &[u8]| {
        let text = hmac_token(&json!({"alg": alg}), &json!({}), key);
        verify_compact(&text, &KeySet::default(), &policy).map(|_| ())
    };
    assert_eq!(check("HS256", secret.expose().as_bytes()), Ok(()));
    assert_eq!(
        check("HS256", b"0123456789abcdef0123456789abcdeF"),
        Err(JwtError::InvalidSignature)
    );
    // RFC 7518 section 3.2: the key is at least as long as the hash.
    assert_eq!(
        check("HS512", secret.expose().as_bytes()),
        Err(JwtError::ClientSecretUnusable)
    );
}

#[test]
fn oidcc_client_test_signing_key_rotation() {
    let rotated = token(
        &json!({"alg": "RS256", "kid": "k2"}),
        &json!({}),
        other_rsa(),
    );
    let error = verify(&rotated).unwrap_err();
    assert_eq!(error, JwtError::UnknownKey);
    assert!(error.may_be_a_new_key());
    let newer = key_set(&[
        other_rsa().jwk(json!({"kid": "k2"})),
        rsa().jwk(json!({"kid": "k1"})),
    ]);
    assert!(verify_compact(&rotated, &newer, &Policy::new(RS256)).is_ok());
    assert!(!JwtError::InvalidSignature.may_be_a_new_key());
}

#[test]
fn oidcc_client_test_kid_absent_single_jwks() {
    let nameless = token(&json!({"alg": "RS256"}), &json!({}), rsa());
    assert!(verify(&nameless).is_ok());
    let error = verify_compact(&nameless, &KeySet::default(), &Policy::new(RS256)).unwrap_err();
    assert_eq!(error, JwtError::UnknownKey);
}

#[test]
fn oidcc_client_test_kid_absent_multiple_jwks() {
    let nameless = token(&json!({"alg": "RS256"}), &json!({}), rsa());
    let keys = |decoys: usize| {
        let mut all = vec![
            p256().jwk(json!({"kid": "e"})),
            rsa().jwk(json!({"use": "enc"})),
        ];
        all.extend((0..decoys).map(|n| other_rsa().jwk(json!({"kid": format!("d{n}")}))));
        all.push(rsa().jwk(json!({"kid": "k1"})));
        key_set(&all)
    };
    assert!(verify_compact(&nameless, &keys(9), &Policy::new(RS256)).is_ok());
    let error = verify_compact(&nameless, &keys(10), &Policy::new(RS256)).unwrap_err();
    assert_eq!(
        error,
        JwtError::NoKeyVerifies,
        "ten keys are tried and no more"
    );
    assert!(error.may_be_a_new_key());
}

#[test]
fn keys_that_share_a_kid_are_told_apart_by_type_and_alg() {
    let keys = key_set(&[
        p256().jwk(json!({"kid": "k"})),
        other_rsa().jwk(json!({"kid": "k", "alg": "PS256"})),
        other_rsa().jwk(json!({"kid": "k"})),
        rsa().jwk(json!({"kid": "k", "alg": "RS256"})),
    ]);
    let signed = token(&json!({"alg": "RS256", "kid": "k"}), &json!({}), rsa());
    assert!(verify_compact(&signed, &keys, &Policy::new(RS256)).is_ok());
    let signed = token(&json!({"alg": "ES256", "kid": "k"}), &json!({}), p256());
    assert!(verify_compact(&signed, &keys, &Policy::new(&[SigningAlg::ES256])).is_ok());
}

#[test]
fn a_key_is_not_used_for_another_algorithm_than_its_own() {
    let ps256 = token(&json!({"alg": "PS256", "kid": "k1"}), &json!({}), rsa());
    let error = verify_compact(&ps256, &set(), &Policy::new(&[SigningAlg::PS256])).unwrap_err();
    assert_eq!(error, JwtError::KeyNotForAlgorithm);
    let keys = key_set(&[p256().jwk(json!({"kid": "k1"}))]);
    assert_eq!(
        verify_compact(&good(), &keys, &Policy::new(RS256)).unwrap_err(),
        JwtError::KeyNotForAlgorithm
    );
}

#[test]
fn embedded_keys_are_never_used() {
    let jwk = other_rsa().jwk(json!({"kid": "k1"}));
    for more in [
        json!({"jwk": jwk}),
        json!({"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert", "x5c": ["AAAA"]}),
    ] {
        let forged = token(&header_with(more.clone()), &json!({}), other_rsa());
        assert_eq!(verify(&forged).unwrap_err(), JwtError::InvalidSignature);
        assert!(
            verify(&token(&header_with(more), &json!({}), rsa())).is_ok(),
            "and do no harm"
        );
    }
}

#[test]
fn critical_extensions_are_refused() {
    for crit in [json!(["b64"]), json!([]), json!("exp")] {
        let text = token(
            &header_with(json!({"crit": crit, "b64": false})),
            &json!({}),
            rsa(),
        );
        assert_eq!(verify(&text).unwrap_err(), JwtError::CriticalExtension);
    }
}

#[test]
fn an_unencoded_payload_is_refused_even_where_it_is_not_marked_critical() {
    for b64 in [json!(false), json!("false"), json!(null), json!(0)] {
        let mut header = header();
        header["b64"] = b64;
        let text = token(&header, &json!({}), rsa());
        assert_eq!(verify(&text).unwrap_err(), JwtError::CriticalExtension);
    }
    let text = token(&header_with(json!({"b64": true})), &json!({}), rsa());
    assert!(verify(&text).is_ok(), "the default, said aloud");
}

#[test]
fn a_key_of_another_curve_does_not_verify() {
    // A signature of P-521 under a name of P-256, with the P-256 key there too.
    let keys = key_set(&[
        p256().jwk(json!({"kid": "e"})),
        p521().jwk(json!({"kid": "e"})),
    ]);
    let signed = token(&json!({"alg": "ES512", "kid": "e"}), &json!({}), p521());
    assert!(verify_compact(&signed, &keys, &Policy::new(&[SigningAlg::ES512])).is_ok());
    let renamed = token(&json!({"alg": "ES256", "kid": "e"}), &json!({}), p521());
    assert_eq!(
        verify_compact(&renamed, &keys, &Policy::new(&[SigningAlg::ES256])).unwrap_err(),
        JwtError::InvalidSignature
    );
}

#[test]
fn the_type_tells_one_kind_of_token_from_another() {
    let typed = |typ: &str| token(&header_with(json!({"typ": typ})), &json!({}), rsa());
    let with = |text: &str, typ: Typ<'_>| {
        verify_compact(
            text,
            &set(),
            &Policy {
                typ,
                ..Policy::new(RS256)
            },
        )
        .map(|_| ())
    };
    for typ in ["JWT", "jwt", "application/jwt", "JOSE"] {
        assert_eq!(with(&typed(typ), Typ::Untyped), Ok(()), "{typ}");
    }
    for typ in [
        "at+jwt",
        "application/at+jwt",
        "logout+jwt",
        "AT+JWT",
        "dpop+jwt",
        "global-token-revocation+jwt",
        "token-introspection+jwt",
        "secevent+jwt",
        "vc+sd-jwt",
    ] {
        assert_eq!(
            with(&typed(typ), Typ::Untyped),
            Err(JwtError::UnexpectedType {
                typ: typ.to_owned()
            })
        );
    }
    assert_eq!(
        with(&typed("application/Logout+JWT"), Typ::Exactly("logout+jwt")),
        Ok(())
    );
    assert!(with(&typed("JWT"), Typ::Exactly("logout+jwt")).is_err());
    assert!(with(&good(), Typ::Exactly("logout+jwt")).is_err());
    assert_eq!(with(&good(), Typ::OrUntyped("logout+jwt")), Ok(()));
    assert_eq!(
        with(&typed("logout+jwt"), Typ::OrUntyped("logout+jwt")),
        Ok(())
    );
    assert!(with(&typed("at+jwt"), Typ::OrUntyped("logout+jwt")).is_err());
    // Access tokens (RFC 9068 section 4), logout tokens and Global Token Revocation take no other's.
    for name in ["at+jwt", "logout+jwt", "global-token-revocation+jwt"] {
        assert_eq!(with(&typed(name), Typ::Exactly(name)), Ok(()));
        assert_eq!(
            with(&typed(&format!("application/{name}")), Typ::Exactly(name)),
            Ok(())
        );
        for other in ["JWT", "dpop+jwt", "token-introspection+jwt", "at", ""] {
            assert!(with(&typed(other), Typ::Exactly(name)).is_err(), "{other}");
        }
    }
}
