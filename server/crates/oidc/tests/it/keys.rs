//! Keys made for the tests, and tokens signed with them.

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding,
    RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_oidc::KeySet;
use serde_json::{Value, json};

pub(crate) enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    P521(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn rsa() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(new_rsa)
}

pub(crate) fn other_rsa() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(new_rsa)
}

pub(crate) fn p256() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| Key::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()))
}

pub(crate) fn p384() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| Key::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()))
}

pub(crate) fn p521() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| Key::P521(EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap()))
}

pub(crate) fn ed25519() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| Key::Ed25519(Ed25519KeyPair::generate().unwrap()))
}

fn new_rsa() -> Key {
    Key::Rsa(RsaKeyPair::generate(rsa::KeySize::Rsa2048).unwrap())
}

#[expect(
    clippy::disallowed_methods,
    reason = "signing wants a source of randomness, and what it draws is not looked at"
)]
fn random() -> SystemRandom {
    SystemRandom::new()
}

impl Key {
    /// The public key as a JWK, with more members.
    pub(crate) fn jwk(&self, more: Value) -> Value {
        let mut jwk = match self {
            Self::Rsa(key) => {
                let public = key.public_key();
                json!({
                    "kty": "RSA",
                    "n": b64(public.modulus().big_endian_without_leading_zero()),
                    "e": b64(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Self::P256(key) => point("P-256", key.public_key().as_ref()),
            Self::P384(key) => point("P-384", key.public_key().as_ref()),
            Self::P521(key) => point("P-521", key.public_key().as_ref()),
            Self::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key())})
            }
        };
        crate::support::merge(&mut jwk, more);
        jwk
    }

    /// The raw public key: what a confused verifier would take for an HMAC secret.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => key.public_key().as_ref().to_vec(),
            Self::P256(key) | Self::P384(key) | Self::P521(key) => {
                key.public_key().as_ref().to_vec()
            }
            Self::Ed25519(key) => key.public_key().as_ref().to_vec(),
        }
    }

    pub(crate) fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                let encoding: &'static dyn RsaEncoding = match alg {
                    "RS256" => &signature::RSA_PKCS1_SHA256,
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => panic!("{alg} is not for RSA"),
                };
                let mut made = vec![0; key.public_modulus_len()];
                key.sign(encoding, &random(), message, &mut made).unwrap();
                made
            }
            Self::P256(key) | Self::P384(key) | Self::P521(key) => {
                key.sign(&random(), message).unwrap().as_ref().to_vec()
            }
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
        }
    }
}

fn point(curve: &str, uncompressed: &[u8]) -> Value {
    let (x, y) = uncompressed[1..].split_at((uncompressed.len() - 1) / 2);
    json!({"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)})
}

pub(crate) fn key_set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// Header and claims to the letter, signed with the header's algorithm.
pub(crate) fn token_of(header: &str, claims: &str, alg: &str, key: &Key) -> String {
    let message = format!("{}.{}", b64(header), b64(claims));
    let made = key.sign(alg, message.as_bytes());
    format!("{message}.{}", b64(made))
}

pub(crate) fn token(header: &Value, claims: &Value, key: &Key) -> String {
    let alg = header["alg"].as_str().unwrap();
    token_of(&header.to_string(), &claims.to_string(), alg, key)
}

pub(crate) fn hmac_token(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let algorithm = match header["alg"].as_str().unwrap() {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        alg => panic!("{alg} is not an HMAC"),
    };
    let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes());
    format!("{message}.{}", b64(tag))
}
