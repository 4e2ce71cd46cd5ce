//! The provider's public keys (RFC 7517 sections 4 and 5, RFC 7518 section 6, RFC 8037 section 2).

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::json::{self, JsonError};
use crate::signing_alg::SigningAlg;

/// The most keys that one set may have.
pub const MAX_KEYS: usize = 100;

/// The verification keys of one provider. Public keys only: private members are not kept, symmetric keys are
/// not taken.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    skipped: usize,
}

/// Why a key set was refused as a whole. A key that cannot be used is skipped and refuses nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not one JSON object of at most 1 MiB without duplicate members (RFC 7517 section 5).
    #[error(
        "the provider's key set cannot be read: {0}; open its jwks_uri in a browser and compare"
    )]
    Json(#[from] JsonError),
    /// No array `keys` (RFC 7517 section 5.1).
    #[error("the provider's key set has no array named keys; check jwks_uri in its metadata")]
    NoKeys,
    /// More than [`MAX_KEYS`] keys.
    #[error(
        "the provider's key set has more than {MAX_KEYS} keys; this is for the provider to mend"
    )]
    TooManyKeys,
}

error_codes!(KeySetError {
    Self::NoKeys => "key_set_no_keys",
    Self::TooManyKeys => "key_set_too_many_keys",
} via {
    Self::Json(inner) => inner.code(),
});

/// One key, good for the algorithms of its type only: a public key can never be taken for an HMAC secret.
#[derive(Clone)]
pub(crate) struct VerificationKey {
    kid: Option<String>,
    /// Parsed when the set is, not when a token comes: that would cost as much again as the verification.
    verifiers: Vec<(SigningAlg, ParsedPublicKey)>,
}

/// What an RSA key may be used with, where its `alg` does not say (RFC 7518 sections 3.3 and 3.5).
static RSA: [(SigningAlg, &RsaParameters); 6] = [
    (SigningAlg::RS256, &RSA_PKCS1_2048_8192_SHA256),
    (SigningAlg::RS384, &RSA_PKCS1_2048_8192_SHA384),
    (SigningAlg::RS512, &RSA_PKCS1_2048_8192_SHA512),
    (SigningAlg::PS256, &RSA_PSS_2048_8192_SHA256),
    (SigningAlg::PS384, &RSA_PSS_2048_8192_SHA384),
    (SigningAlg::PS512, &RSA_PSS_2048_8192_SHA512),
];

/// Which keys may have signed a token.
pub(crate) enum Candidates<'a> {
    /// These; several where kids repeat or are absent.
    Keys(Vec<&'a ParsedPublicKey>),
    /// Keys of this `kid` are there, and none is for the algorithm.
    NotForAlgorithm,
    /// No such key. A newer set may have it.
    Unknown,
}

impl KeySet {
    /// Reads a JWK set. Keys of unknown types, keys not meant for signatures or for an algorithm of
    /// [`SigningAlg`], RSA keys under 2048 bits or over 8192, points that are not on their curve, and keys that are
    /// malformed are skipped.
    pub fn parse(body: &[u8]) -> Result<Self, KeySetError> {
        let document = json::parse_object(body, json::MAX_BYTES)?;
        let entries = document
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(KeySetError::NoKeys)?;
        if entries.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let keys: Vec<_> = entries
            .iter()
            .filter_map(|entry| VerificationKey::read(entry.as_object()?))
            .collect();
        let skipped = entries.len() - keys.len();
        Ok(Self { keys, skipped })
    }

    /// How many keys can verify something.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can verify anything.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys were skipped as unusable.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The `kid` of each usable key, for logs.
    pub fn key_ids(&self) -> impl Iterator<Item = Option<&str>> {
        self.keys.iter().map(|key| key.kid.as_deref())
    }

    /// The keys for `alg` with that `kid`, or all for `alg` where the token names none (RFC 7515 section 4.1.4).
    /// Where several keys share a `kid`, type and `alg` tell them apart (RFC 7517 section 4.5).
    pub(crate) fn candidates(&self, alg: SigningAlg, kid: Option<&str>) -> Candidates<'_> {
        let mut named = self
            .keys
            .iter()
            .filter(|key| kid.is_none() || key.kid.as_deref() == kid)
            .peekable();
        if named.peek().is_none() {
            return Candidates::Unknown;
        }
        let fitting: Vec<_> = named.filter_map(|key| key.verifier(alg)).collect();
        match (fitting.is_empty(), kid) {
            (false, _) => Candidates::Keys(fitting),
            (true, Some(_)) => Candidates::NotForAlgorithm,
            (true, None) => Candidates::Unknown,
        }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("kids", &self.key_ids().collect::<Vec<_>>())
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

impl VerificationKey {
    fn verifier(&self, alg: SigningAlg) -> Option<&ParsedPublicKey> {
        self.verifiers
            .iter()
            .find(|(known, _)| *known == alg)
            .map(|(_, key)| key)
    }

    /// `None` for a key that cannot or must not verify signatures.
    fn read(jwk: &Map<String, Value>) -> Option<Self> {
        // A member of another type than the specification gives it makes the key unusable.
        let string = |name: &str| match jwk.get(name) {
            None => Some(None),
            Some(Value::String(text)) => Some(Some(text.as_str())),
            Some(_) => None,
        };
        if string("use")?.is_some_and(|usage| usage != "sig") || !may_verify(jwk.get("key_ops")) {
            return None;
        }
        let only = match string("alg")? {
            Some(name) => Some(SigningAlg::parse(name)?),
            None => None,
        };
        let octets = |name: &str| URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
        let mut verifiers = match (string("kty")??, string("crv")?) {
            ("RSA", _) => rsa(&octets("n")?, &octets("e")?, only)?,
            ("EC", Some(curve)) => ec(curve, &octets("x")?, &octets("y")?)?,
            ("OKP", Some("Ed25519")) => {
                let key = octets("x").filter(|x| x.len() == 32)?;
                vec![(SigningAlg::EdDSA, parse(&ED25519, &key)?)]
            }
            _ => return None,
        };
        verifiers.retain(|(alg, _)| only.is_none_or(|only| only == *alg));
        if verifiers.is_empty() {
            return None;
        }
        Some(Self {
            kid: string("kid")?.map(str::to_owned),
            verifiers,
        })
    }
}

/// RFC 7517 section 4.3.
fn may_verify(key_ops: Option<&Value>) -> bool {
    match key_ops {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => false,
    }
}

/// Some providers write leading zero bytes, which count for nothing (RFC 7518 section 6.3.1.1).
fn rsa(
    modulus: &[u8],
    exponent: &[u8],
    only: Option<SigningAlg>,
) -> Option<Vec<(SigningAlg, ParsedPublicKey)>> {
    let modulus = without_leading_zeros(modulus);
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    let exponent = without_leading_zeros(exponent);
    // Odd, at least 3, and of 33 bits at most: what aws-lc-rs verifies with.
    let usable = (2048..=8192).contains(&bits)
        && exponent.last()? % 2 == 1
        && exponent != [1]
        && (exponent.len() < 5 || (exponent.len() == 5 && exponent.first()? == &1));
    if !usable {
        return None;
    }
    let components = RsaPublicKeyComponents {
        n: modulus,
        e: exponent,
    };
    RSA.iter()
        .filter(|(alg, _)| only.is_none_or(|only| only == *alg))
        .map(|(alg, parameters)| Some((*alg, components.to_parsed_public_key(parameters).ok()?)))
        .collect()
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// An uncompressed point on its curve; both coordinates are of full length (RFC 7518 section 6.2.1.2).
fn ec(curve: &str, x: &[u8], y: &[u8]) -> Option<Vec<(SigningAlg, ParsedPublicKey)>> {
    let (alg, algorithm, length): (_, &'static dyn VerificationAlgorithm, _) = match curve {
        "P-256" => (SigningAlg::ES256, &ECDSA_P256_SHA256_FIXED, 32),
        "P-384" => (SigningAlg::ES384, &ECDSA_P384_SHA384_FIXED, 48),
        "P-521" => (SigningAlg::ES512, &ECDSA_P521_SHA512_FIXED, 66),
        _ => return None,
    };
    if x.len() != length || y.len() != length {
        return None;
    }
    Some(vec![(alg, parse(algorithm, &[&[4], x, y].concat())?)])
}

fn parse(algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> Option<ParsedPublicKey> {
    ParsedPublicKey::new(algorithm, key).ok()
}
