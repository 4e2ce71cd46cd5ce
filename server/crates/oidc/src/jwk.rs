//! The provider's public keys (RFC 7517 sections 4 and 5, RFC 7518 section 6, RFC 8037 section 2).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
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

/// One key, good for the algorithms of its family only: a public key can never be taken for an HMAC secret.
#[derive(Clone)]
pub(crate) struct VerificationKey {
    kid: Option<String>,
    alg: Option<String>,
    family: Family,
    key: DecodingKey,
}

/// The key types with their curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// Which keys may have signed a token.
pub(crate) enum Candidates<'a> {
    /// These; several where kids repeat or are absent.
    Keys(Vec<&'a VerificationKey>),
    /// Keys of this `kid` are there, and none is for the algorithm.
    NotForAlgorithm,
    /// No such key. A newer set may have it.
    Unknown,
}

impl KeySet {
    /// Reads a JWK set. Keys of unknown types, keys not meant for signatures, RSA keys under 2048 bits or over
    /// 8192, and keys that are malformed are skipped.
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
        let fitting: Vec<_> = named.filter(|key| key.is_for(alg)).collect();
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
    pub(crate) fn decoding_key(&self) -> &DecodingKey {
        &self.key
    }

    fn is_for(&self, alg: SigningAlg) -> bool {
        let family = match alg {
            SigningAlg::RS256
            | SigningAlg::RS384
            | SigningAlg::RS512
            | SigningAlg::PS256
            | SigningAlg::PS384
            | SigningAlg::PS512 => Family::Rsa,
            SigningAlg::ES256 => Family::P256,
            SigningAlg::ES384 => Family::P384,
            SigningAlg::EdDSA => Family::Ed25519,
            SigningAlg::HS256 | SigningAlg::HS384 | SigningAlg::HS512 => return false,
        };
        self.family == family
            && self
                .alg
                .as_deref()
                .is_none_or(|name| SigningAlg::parse(name) == Some(alg))
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
        let octets = |name: &str| URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
        let (family, key) = match (string("kty")??, string("crv")?) {
            ("RSA", _) => (Family::Rsa, rsa(&octets("n")?, &octets("e")?)?),
            ("EC", Some("P-256")) => (Family::P256, ec(&octets("x")?, &octets("y")?, 32)?),
            ("EC", Some("P-384")) => (Family::P384, ec(&octets("x")?, &octets("y")?, 48)?),
            ("OKP", Some("Ed25519")) => (
                Family::Ed25519,
                DecodingKey::from_ed_der(octets("x").filter(|x| x.len() == 32)?.as_slice()),
            ),
            _ => return None,
        };
        Some(Self {
            kid: string("kid")?.map(str::to_owned),
            alg: string("alg")?.map(str::to_owned),
            family,
            key,
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
fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<DecodingKey> {
    let modulus = without_leading_zeros(modulus);
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    let exponent = without_leading_zeros(exponent);
    let usable = (2048..=8192).contains(&bits)
        && exponent.last()? % 2 == 1
        && exponent != [1]
        && exponent.len() <= 8;
    usable.then(|| DecodingKey::from_rsa_raw_components(modulus, exponent))
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// An uncompressed point; both coordinates are of full length (RFC 7518 section 6.2.1.2).
fn ec(x: &[u8], y: &[u8], length: usize) -> Option<DecodingKey> {
    if x.len() != length || y.len() != length {
        return None;
    }
    Some(DecodingKey::from_ec_der(&[&[4], x, y].concat()))
}
