//! Verification of what relying parties sign: compact JWS (RFC 7515, section 5.2) against a JWK (RFC 7517, RFC 7518,
//! section 6, RFC 8037) or a shared secret (RFC 7518, section 3.2), with aws-lc-rs directly.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// A compact JWS taken apart. Nothing in it is trusted yet.
pub(super) struct Jws<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    input: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Three parts of base64url without padding, of which the first two are JSON objects.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (input, signature) = text.rsplit_once('.')?;
        let (header, claims) = input.split_once('.')?;
        Some(Self {
            header: serde_json::from_slice(&decoded(header)?).ok()?,
            claims: serde_json::from_slice(&decoded(claims)?).ok()?,
            input: input.as_bytes(),
            signature: decoded(signature)?,
        })
    }

    /// A member of the header that is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// Whether the signature is this key's under this algorithm. False where key and algorithm do not go together.
    pub(super) fn is_signed_by(&self, alg: &str, jwk: &Value) -> bool {
        let text = |name: &str| jwk[name].as_str();
        let bytes = |name: &str| text(name).and_then(decoded);
        let verified = |key: Option<Vec<u8>>, by: &'static dyn Verifier| {
            key.is_some_and(|key| by.verifies(&key, self.input, &self.signature))
        };
        match (text("kty"), alg) {
            (Some("RSA"), _) => {
                let (Some(n), Some(e), Some(params)) = (bytes("n"), bytes("e"), rsa(alg)) else {
                    return false;
                };
                RsaPublicKeyComponents { n, e }
                    .verify(params, self.input, &self.signature)
                    .is_ok()
            }
            (Some("EC"), _) => match ec(alg) {
                Some((curve, length, by)) if text("crv") == Some(curve) => {
                    // SEC 1, section 2.3.3: 0x04, then both coordinates at their full length (RFC 7518, section 6.2.1.2).
                    let whole = |name| bytes(name).filter(|bytes| bytes.len() == length);
                    let point = whole("x").zip(whole("y"));
                    verified(point.map(|(x, y)| [vec![4], x, y].concat()), by)
                }
                _ => false,
            },
            (Some("OKP"), "EdDSA" | "Ed25519") if text("crv") == Some("Ed25519") => {
                verified(bytes("x"), &ED25519)
            }
            _ => false,
        }
    }

    /// Whether the tag is this secret's: its UTF-8 bytes are the key (OpenID Connect Core 1.0, section 16.19).
    pub(super) fn is_tagged_with(&self, alg: &str, secret: &str) -> bool {
        let Some(hash) = hmac_algorithm(alg) else {
            return false;
        };
        let key = hmac::Key::new(hash, secret.as_bytes());
        hmac::verify(&key, self.input, &self.signature).is_ok()
    }
}

/// The HMAC of an HS algorithm (RFC 7518, section 3.2).
pub(super) fn hmac_algorithm(alg: &str) -> Option<hmac::Algorithm> {
    Some(match alg {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => return None,
    })
}

trait Verifier: Sync {
    fn verifies(&'static self, key: &[u8], message: &[u8], signature: &[u8]) -> bool;
}

impl<T: aws_lc_rs::signature::VerificationAlgorithm> Verifier for T {
    fn verifies(&'static self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self, key)
            .verify(message, signature)
            .is_ok()
    }
}

fn rsa(alg: &str) -> Option<&'static RsaParameters> {
    Some(match alg {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "PS384" => &RSA_PSS_2048_8192_SHA384,
        "PS512" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn ec(alg: &str) -> Option<(&'static str, usize, &'static EcdsaVerificationAlgorithm)> {
    Some(match alg {
        "ES256" => ("P-256", 32, &ECDSA_P256_SHA256_FIXED),
        "ES384" => ("P-384", 48, &ECDSA_P384_SHA384_FIXED),
        "ES512" => ("P-521", 66, &ECDSA_P521_SHA512_FIXED),
        _ => return None,
    })
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}
