//! Signatures: honest tokens verify under the published key in every algorithm, and the hashes are right.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    self, ED25519, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cloakroom_testkit::{Alg, Provider};
use serde_json::{Map, Value, json};

use crate::relying_party::*;

fn bytes(jwk: &Value, name: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD
        .decode(jwk[name].as_str().unwrap())
        .unwrap()
}

/// Whether the signature is right under this JWK; an HMAC's key is the member `secret`.
pub(crate) fn verifies(jwt: &str, jwk: &Value, alg: &str) -> bool {
    let (input, signature) = jwt.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let input = input.as_bytes();
    let rsa = |params: &'static RsaParameters| {
        let (n, e) = (bytes(jwk, "n"), bytes(jwk, "e"));
        RsaPublicKeyComponents { n, e }
            .verify(params, input, &signature)
            .is_ok()
    };
    let ec = |by: &'static EcdsaVerificationAlgorithm| {
        let point = [vec![4], bytes(jwk, "x"), bytes(jwk, "y")].concat();
        UnparsedPublicKey::new(by, point)
            .verify(input, &signature)
            .is_ok()
    };
    let tag = |by| {
        let key = hmac::Key::new(by, jwk["secret"].as_str().unwrap().as_bytes());
        hmac::verify(&key, input, &signature).is_ok()
    };
    match alg {
        "RS256 of 1,024 bits" => rsa(&signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => rsa(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => rsa(&signature::RSA_PSS_2048_8192_SHA512),
        "ES256" => ec(&signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => ec(&signature::ECDSA_P384_SHA384_FIXED),
        "ES512" => ec(&signature::ECDSA_P521_SHA512_FIXED),
        "HS256" => tag(hmac::HMAC_SHA256),
        "HS384" => tag(hmac::HMAC_SHA384),
        "HS512" => tag(hmac::HMAC_SHA512),
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
    for alg in Alg::all() {
        let name = alg.name();
        let (provider, browser) = started(Provider::builder().algorithm(alg)).await;
        let metadata = browser.get(".well-known/openid-configuration").await.json();
        assert_eq!(
            metadata["id_token_signing_alg_values_supported"],
            json!([name])
        );
        let answer = tokens(&browser).await;
        let (header, claims) = decoded(text(&answer, "id_token"));
        assert_eq!(header["alg"], name);
        let hash_length = match &name[2..] {
            "256" => 22,
            "384" => 32,
            _ => 43,
        };
        assert_eq!(
            claims["at_hash"].as_str().unwrap().len(),
            hash_length,
            "{name}"
        );
        let is_secret = name.starts_with("HS");
        let jwk = if is_secret {
            assert!(header.get("kid").is_none());
            json!({"secret": Provider::CLIENT_SECRET})
        } else {
            let jwk = published(&provider, &header["kid"]).unwrap();
            assert_eq!((&jwk["use"], &jwk["alg"]), (&json!("sig"), &json!(name)));
            jwk
        };
        assert!(verifies(text(&answer, "id_token"), &jwk, name), "{name}");
        // An access token is for others too: never under the client's secret.
        let (header, _) = decoded(text(&answer, "access_token"));
        let jwk = published(&provider, &header["kid"]).unwrap();
        let own = if is_secret { "RS256" } else { name };
        assert!(verifies(text(&answer, "access_token"), &jwk, own), "{name}");
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
async fn any_text_can_be_signed() {
    let provider = Provider::start().await;
    let honest = provider.sign(&Map::new(), &Map::new());
    let (header, _) = decoded(&honest);
    let token = provider.sign_text(&header.to_string(), r#"{"sid":1,"sid":2}"#);
    assert_eq!(token.split('.').nth(1), Some("eyJzaWQiOjEsInNpZCI6Mn0"));
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
