//! An ID token as Okta makes them, with everything that is needed to judge it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{digest, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_oidc::{
    AccessToken, IdToken, IdTokenClaims, IdTokenExpectations, KeySet, Nonce, Policy, SigningAlg,
    id_token,
};
use serde_json::{Value, json};

const ISSUER: &str = "https://id.example.com/oauth2/default";
const CLIENT_ID: &str = "0oa1b2c3d4e5f6g7h8i9";
const NOW: u64 = 1_800_000_000;

/// A token, its key both ways, and what it must say.
pub(crate) struct Signed {
    pub(crate) name: &'static str,
    alg: [SigningAlg; 1],
    token: IdToken,
    keys: KeySet,
    nonce: Nonce,
    access_token: AccessToken,
    bare: Bare,
}

/// What the bare verification starts from: the key parsed and the signature decoded beforehand.
struct Bare {
    key: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    pub(crate) fn rs256() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = pair.public_key();
        let (n, e) = (
            public.modulus().big_endian_without_leading_zero().to_vec(),
            public.exponent().big_endian_without_leading_zero().to_vec(),
        );
        let jwk = json!({"kty": "RSA", "alg": "RS256", "n": b64(&n), "e": b64(&e)});
        let key = PublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .unwrap();
        Self::new("RS256", &digest::SHA256, jwk, key, |message| {
            let mut made = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &random(), message, &mut made)
                .unwrap();
            made
        })
    }

    pub(crate) fn es256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let jwk =
            json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])});
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap();
        Self::new("ES256", &digest::SHA256, jwk, key, |message| {
            pair.sign(&random(), message).unwrap().as_ref().to_vec()
        })
    }

    pub(crate) fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let public = pair.public_key();
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": b64(public)});
        let key = ParsedPublicKey::new(&ED25519, public.as_ref()).unwrap();
        Self::new("Ed25519", &digest::SHA512, jwk, key, |message| {
            signature::Signature::as_ref(&pair.sign(message)).to_vec()
        })
    }

    fn new(
        name: &'static str,
        hash: &'static digest::Algorithm,
        mut jwk: Value,
        key: ParsedPublicKey,
        sign: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Self {
        jwk["kid"] = json!("3vXJnSWzhWbGGQfHDs5YEYyMeTuQKQ5fKSdn9oXkQ2M");
        jwk["use"] = json!("sig");
        let header = json!({"kid": jwk["kid"], "alg": name});
        let access_token = "eyJraWQi".repeat(100);
        let hashed = digest::digest(hash, access_token.as_bytes());
        let at_hash = b64(&hashed.as_ref()[..hashed.as_ref().len() / 2]);
        let message = format!(
            "{}.{}",
            b64(header.to_string()),
            b64(claims(&at_hash).to_string())
        );
        let signature = sign(message.as_bytes());
        let signed = Self {
            name,
            alg: [SigningAlg::parse(name).unwrap()],
            token: IdToken::new(format!("{message}.{}", b64(&signature))),
            keys: KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap(),
            nonce: Nonce::new("n".repeat(43)),
            access_token: AccessToken::new(access_token),
            bare: Bare {
                key,
                message: message.into_bytes(),
                signature,
            },
        };
        assert!(signed.verify_bare());
        assert_eq!(signed.validate().subject, "00u1b2c3d4e5f6g7h8i9");
        signed
    }

    /// The signature and nothing else.
    pub(crate) fn verify_bare(&self) -> bool {
        let Bare {
            key,
            message,
            signature,
        } = &self.bare;
        key.verify_sig(message, signature).is_ok()
    }

    /// All that is done with an ID token after a sign-in, from the text to the claims.
    pub(crate) fn validate(&self) -> IdTokenClaims {
        let mut expectations = IdTokenExpectations::new(ISSUER, CLIENT_ID, NOW);
        expectations.nonce = Some(&self.nonce);
        expectations.access_token = Some(&self.access_token);
        let policy = Policy::new(&self.alg);
        id_token::verify(&self.token, &self.keys, &policy, &expectations).unwrap()
    }
}

/// The scopes openid, profile and email at a custom authorization server.
fn claims(at_hash: &str) -> Value {
    json!({
        "sub": "00u1b2c3d4e5f6g7h8i9",
        "name": "Ada Example",
        "email": "ada@example.com",
        "ver": 1,
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "iat": NOW - 5,
        "exp": NOW + 3600,
        "jti": "ID.4eAWJOCMB3SX8XewDfVR_1q2w3e4r5t6y7u8i9o0p1A",
        "amr": ["pwd", "otp", "mfa"],
        "idp": "00o1b2c3d4e5f6g7h8i9",
        "nonce": "n".repeat(43),
        "preferred_username": "ada@example.com",
        "auth_time": NOW - 20,
        "at_hash": at_hash,
        "email_verified": true,
        "sid": "idx1b2c3d4e5f6g7h8i9",
        "zoneinfo": "America/Los_Angeles",
        "updated_at": NOW - 86_400,
    })
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[expect(
    clippy::disallowed_methods,
    reason = "signing wants a source of randomness, and what it draws is not looked at"
)]
fn random() -> SystemRandom {
    SystemRandom::new()
}
