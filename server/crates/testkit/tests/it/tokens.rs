//! Signatures: honest tokens verify under the published key in every algorithm, and the hashes are right.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cloakroom_testkit::{Alg, Browser, Provider};
use serde_json::{Map, Value, json};

use crate::relying_party::*;

fn bytes(jwk: &Value, name: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD
        .decode(jwk[name].as_str().unwrap())
        .unwrap()
}

/// Whether the signature is right under this JWK.
pub(crate) fn verifies(jwt: &str, jwk: &Value, alg: &str) -> bool {
    let (input, signature) = jwt.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let input = input.as_bytes();
    match alg {
        "RS256" | "PS256" => {
            let key = RsaPublicKeyComponents {
                n: bytes(jwk, "n"),
                e: bytes(jwk, "e"),
            };
            let params = if alg == "RS256" {
                &RSA_PKCS1_2048_8192_SHA256
            } else {
                &RSA_PSS_2048_8192_SHA256
            };
            key.verify(params, input, &signature).is_ok()
        }
        "ES256" => {
            let point = [vec![4], bytes(jwk, "x"), bytes(jwk, "y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(input, &signature)
                .is_ok()
        }
        _ => UnparsedPublicKey::new(&ED25519, bytes(jwk, "x"))
            .verify(input, &signature)
            .is_ok(),
    }
}

/// The published key under this `kid`.
pub(crate) fn published(provider: &Provider, kid: &Value) -> Option<Value> {
    let set = provider.key_set();
    set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == *kid)
        .cloned()
}

#[tokio::test]
async fn honest_tokens_verify_in_every_algorithm() {
    for (alg, name, hash_length) in [
        (Alg::Rs256, "RS256", 22),
        (Alg::Ps256, "PS256", 22),
        (Alg::Es256, "ES256", 22),
        (Alg::EdDsa, "EdDSA", 43),
    ] {
        let provider = Provider::builder().algorithm(alg).start().await;
        provider.register_redirect_uri(REDIRECT_URI);
        let browser = Browser::with_base(format!("{}/", provider.issuer()));
        let metadata = browser.get(".well-known/openid-configuration").await.json();
        assert_eq!(
            metadata["id_token_signing_alg_values_supported"],
            json!([name])
        );
        let answer = tokens(&browser).await;
        for token in ["id_token", "access_token"] {
            let (header, claims) = decoded(text(&answer, token));
            assert_eq!(header["alg"], name);
            let jwk = published(&provider, &header["kid"]).expect("the key is published");
            assert_eq!(jwk["alg"], name);
            assert!(jwk.get("d").is_none());
            assert!(verifies(text(&answer, token), &jwk, name), "{name} {token}");
            if token == "id_token" {
                assert_eq!(claims["at_hash"].as_str().unwrap().len(), hash_length);
            }
        }
    }
}

#[tokio::test]
async fn at_hash_is_the_left_half_of_the_access_tokens_hash() {
    let (_provider, browser) = provider().await;
    let answer = tokens(&browser).await;
    let hash = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        text(&answer, "access_token").as_bytes(),
    );
    let half = BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]);
    assert_eq!(decoded(text(&answer, "id_token")).1["at_hash"], half);
}

#[tokio::test]
async fn any_claims_can_be_signed() {
    let provider = Provider::start().await;
    let header = Map::from_iter([("typ".to_owned(), json!("logout+jwt"))]);
    let claims = Map::from_iter([("sid".to_owned(), json!("one"))]);
    let token = provider.sign(&header, &claims);
    let (header, claims) = decoded(&token);
    assert_eq!(
        (&header["typ"], &claims["sid"]),
        (&json!("logout+jwt"), &json!("one"))
    );
    assert!(verifies(
        &token,
        &published(&provider, &header["kid"]).unwrap(),
        "RS256"
    ));
}

#[tokio::test]
async fn the_key_set_has_keys_in_it_that_must_be_passed_over() {
    let provider = Provider::builder().publish_next_key().start().await;
    let set = provider.key_set();
    let kids: Vec<_> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    assert_eq!(
        kids,
        [
            "ES256-current",
            "RS256-next",
            "from-the-future",
            "RS256-current"
        ]
    );
}
