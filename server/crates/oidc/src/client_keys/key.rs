//! One private key: its public members, its name, and its signatures (RFC 7638 section 3, RFC 7518 section 3, RFC 8037 section 3.1).

use aws_lc_rs::digest;
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::der::{self, SEQUENCE};
use super::error::ClientKeysError;
use super::{ClientKeyOptions, MAX_KID};
use crate::text;

/// The key types with their curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Family {
    /// What its keys can sign with, by the names that stand in `alg`, the usual one first.
    fn algorithms(self) -> &'static [&'static str] {
        match self {
            Self::Rsa => &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
            Self::P256 => &["ES256"],
            Self::P384 => &["ES384"],
            Self::Ed25519 => &["EdDSA", "Ed25519"],
        }
    }
}

/// A private key as aws-lc holds it, with its public part checked against it.
pub(super) enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

pub(super) struct Key {
    pair: Pair,
    /// The public JWK's members that every such key has, which are those of its thumbprint.
    public: Map<String, Value>,
    kid: String,
    /// Whether the JWK named it.
    is_named: bool,
    /// The one algorithm that the JWK or the operator chose.
    chosen: Option<&'static str>,
}

impl Key {
    pub(super) fn new(
        pair: Pair,
        kid: Option<&str>,
        alg: Option<&str>,
    ) -> Result<Self, ClientKeysError> {
        let public = pair.public().ok_or(ClientKeysError::Inconsistent)?;
        let name = kid.map(checked_kid).transpose()?;
        let chosen = alg.map(|alg| pair.checked_alg(alg)).transpose()?;
        Ok(Self {
            kid: name.unwrap_or_else(|| thumbprint(&public)),
            is_named: kid.is_some(),
            pair,
            public,
            chosen,
        })
    }

    /// What the operator says about this key; it must not contradict what the key says.
    pub(super) fn apply(&mut self, options: &ClientKeyOptions<'_>) -> Result<(), ClientKeysError> {
        if let Some(kid) = options.kid {
            let kid = checked_kid(kid)?;
            if self.is_named && kid != self.kid {
                return Err(ClientKeysError::KidMismatch {
                    found: self.kid.clone(),
                });
            }
            self.kid = kid;
        }
        if let Some(alg) = options.alg {
            let alg = self.pair.checked_alg(alg)?;
            match self.chosen {
                Some(found) if found != alg => {
                    return Err(ClientKeysError::AlgorithmMismatch { found });
                }
                _ => self.chosen = Some(alg),
            }
        }
        Ok(())
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn algorithm(&self, supported: Option<&[String]>) -> &'static str {
        let known = self.pair.family().algorithms();
        let listed = || {
            let names = supported?;
            known
                .iter()
                .copied()
                .find(|alg| names.iter().any(|name| name == alg))
        };
        self.chosen
            .or_else(listed)
            .or_else(|| known.first().copied())
            .unwrap_or_default()
    }

    /// The public key with `use`, `kid` and, where only one is possible, `alg`. Without a choice it is left out, for
    /// an RSA key signs with what each provider lists.
    pub(super) fn public_jwk(&self) -> Value {
        let mut jwk = self.public.clone();
        jwk.insert("use".to_owned(), "sig".into());
        jwk.insert("kid".to_owned(), self.kid.as_str().into());
        let only = match self.pair.family().algorithms() {
            [only] => Some(*only),
            _ => None,
        };
        if let Some(alg) = self.chosen.or(only) {
            jwk.insert("alg".to_owned(), alg.into());
        }
        Value::Object(jwk)
    }

    pub(super) fn sign(&self, alg: &str, message: &[u8]) -> Option<Vec<u8>> {
        self.pair.sign(alg, message)
    }
}

fn checked_kid(kid: &str) -> Result<String, ClientKeysError> {
    let fits =
        (1..=MAX_KID).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(kid.to_owned())
    } else {
        Err(ClientKeysError::MalformedKid)
    }
}

/// SHA-256 over the members that identify the key, in the order of their names and without white space, which is how
/// a map of them is written (RFC 7638 sections 3 and 3.3).
fn thumbprint(public: &Map<String, Value>) -> String {
    let mut members: Vec<_> = public.iter().collect();
    members.sort_by_key(|(name, _)| *name);
    let text: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    let text = format!("{{{}}}", text.join(","));
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// Why aws-lc refused a key: by size, or for all else.
fn rejected(reason: KeyRejected) -> ClientKeysError {
    match reason.to_string().as_str() {
        "TooSmall" => ClientKeysError::KeyTooSmall,
        "TooLarge" => ClientKeysError::KeyTooLarge,
        _ => ClientKeysError::Inconsistent,
    }
}

impl Pair {
    pub(super) fn rsa_pkcs8(der: &[u8]) -> Result<Self, ClientKeysError> {
        RsaKeyPair::from_pkcs8(der).map(Self::Rsa).map_err(rejected)
    }

    pub(super) fn rsa_pkcs1(der: &[u8]) -> Result<Self, ClientKeysError> {
        RsaKeyPair::from_der(der).map(Self::Rsa).map_err(rejected)
    }

    pub(super) fn rsa_components(
        components: &KeyPairComponents<Vec<u8>, Zeroizing<Vec<u8>>>,
    ) -> Result<Self, ClientKeysError> {
        RsaKeyPair::from_components(components)
            .map(Self::Rsa)
            .map_err(rejected)
    }

    /// PKCS#8 or SEC1.
    pub(super) fn ec_der(curve: Family, der: &[u8]) -> Result<Self, ClientKeysError> {
        Self::ec(curve, |alg| EcdsaKeyPair::from_private_key_der(alg, der))
    }

    /// The private number, and the public point uncompressed.
    pub(super) fn ec_numbers(
        curve: Family,
        private: &[u8],
        public: &[u8],
    ) -> Result<Self, ClientKeysError> {
        Self::ec(curve, |alg| {
            EcdsaKeyPair::from_private_key_and_public_key(alg, private, public)
        })
    }

    fn ec(
        curve: Family,
        read: impl FnOnce(&'static EcdsaSigningAlgorithm) -> Result<EcdsaKeyPair, KeyRejected>,
    ) -> Result<Self, ClientKeysError> {
        let (alg, pair): (_, fn(EcdsaKeyPair) -> Self) = match curve {
            Family::P384 => (&ECDSA_P384_SHA384_FIXED_SIGNING, Self::P384),
            _ => (&ECDSA_P256_SHA256_FIXED_SIGNING, Self::P256),
        };
        read(alg).map(pair).map_err(rejected)
    }

    pub(super) fn ed25519_pkcs8(der: &[u8]) -> Result<Self, ClientKeysError> {
        Ed25519KeyPair::from_pkcs8(der)
            .map(Self::Ed25519)
            .map_err(rejected)
    }

    pub(super) fn ed25519_seed(seed: &[u8], public: &[u8]) -> Result<Self, ClientKeysError> {
        Ed25519KeyPair::from_seed_and_public_key(seed, public)
            .map(Self::Ed25519)
            .map_err(rejected)
    }

    fn family(&self) -> Family {
        match self {
            Self::Rsa(_) => Family::Rsa,
            Self::P256(_) => Family::P256,
            Self::P384(_) => Family::P384,
            Self::Ed25519(_) => Family::Ed25519,
        }
    }

    fn checked_alg(&self, alg: &str) -> Result<&'static str, ClientKeysError> {
        self.family()
            .algorithms()
            .iter()
            .copied()
            .find(|known| *known == alg)
            .ok_or_else(|| ClientKeysError::AlgorithmNotForKey {
                alg: text::bounded(alg, text::NAME),
            })
    }

    /// The members that a public key of the type must have (RFC 7638 section 3.2, RFC 8037 section 2).
    fn public(&self) -> Option<Map<String, Value>> {
        let jwk = match self {
            Self::Rsa(pair) => {
                // aws-lc gives `RSAPublicKey` (RFC 8017 appendix A.1.1).
                let (numbers, _) = der::take(SEQUENCE, pair.public_key().as_ref())?;
                let (n, rest) = der::unsigned(numbers)?;
                let (e, _) = der::unsigned(rest)?;
                json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
            }
            Self::P256(pair) => point("P-256", pair.public_key().as_ref())?,
            Self::P384(pair) => point("P-384", pair.public_key().as_ref())?,
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
        };
        match jwk {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// What randomness a scheme wants it takes from aws-lc itself: nothing outside could give it better, and nothing
    /// here depends on it.
    fn sign(&self, alg: &str, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(pair) => {
                let (encoding, hash): (&'static dyn RsaEncoding, _) = match alg {
                    "RS256" => (&RSA_PKCS1_SHA256, &digest::SHA256),
                    "RS384" => (&RSA_PKCS1_SHA384, &digest::SHA384),
                    "RS512" => (&RSA_PKCS1_SHA512, &digest::SHA512),
                    "PS256" => (&RSA_PSS_SHA256, &digest::SHA256),
                    "PS384" => (&RSA_PSS_SHA384, &digest::SHA384),
                    "PS512" => (&RSA_PSS_SHA512, &digest::SHA512),
                    _ => return None,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(encoding, &digest::digest(hash, message), &mut signature)
                    .ok()?;
                Some(signature)
            }
            Self::P256(pair) => ecdsa(pair, &digest::SHA256, message),
            Self::P384(pair) => ecdsa(pair, &digest::SHA384, message),
            Self::Ed25519(pair) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
        }
    }
}

fn ecdsa(pair: &EcdsaKeyPair, hash: &'static digest::Algorithm, message: &[u8]) -> Option<Vec<u8>> {
    let signature = pair.sign_digest(&digest::digest(hash, message)).ok()?;
    Some(signature.as_ref().to_vec())
}

/// The coordinates of an uncompressed point, each of full length.
fn point(curve: &str, uncompressed: &[u8]) -> Option<Value> {
    let coordinates = uncompressed.strip_prefix(&[4])?;
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
    Some(json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)}))
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
