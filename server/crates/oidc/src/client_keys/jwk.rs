//! Private keys as JWK and JWK set (RFC 7517 sections 4 and 5, RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2).

use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::MAX_KEYS;
use super::error::ClientKeysError;
use super::key::{Family, Key, Pair};
use crate::{json, text};

/// The keys of a JWK, which has `kty`, or of a JWK set, which has `keys`.
pub(super) fn read(file: &[u8]) -> Result<Vec<Key>, ClientKeysError> {
    let document = Wiped(Value::Object(json::parse_object(file, super::MAX_BYTES)?));
    let entries = match document.0.get("keys") {
        None if document.0.get("kty").is_none() => return Err(ClientKeysError::NoKey),
        None => std::slice::from_ref(&document.0),
        Some(keys) => keys
            .as_array()
            .map(Vec::as_slice)
            .ok_or(ClientKeysError::MalformedMember("keys"))?,
    };
    if entries.len() > MAX_KEYS {
        return Err(ClientKeysError::TooManyKeys);
    }
    entries
        .iter()
        .map(|entry| {
            let jwk = entry
                .as_object()
                .ok_or(ClientKeysError::MalformedMember("keys"))?;
            key(&Jwk(jwk))
        })
        .collect()
}

/// A document with keys in it, wiped from memory when it has been read.
struct Wiped(Value);

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// As deep as the strict reader lets a document be.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn key(jwk: &Jwk<'_>) -> Result<Key, ClientKeysError> {
    let kty = jwk
        .string("kty")?
        .ok_or(ClientKeysError::MalformedMember("kty"))?;
    if kty == "oct" {
        return Err(ClientKeysError::SymmetricKey);
    }
    if !matches!(kty, "RSA" | "EC" | "OKP") {
        return Err(ClientKeysError::UnsupportedKeyType {
            kty: text::bounded(kty, text::NAME),
        });
    }
    if jwk.string("use")?.is_some_and(|usage| usage != "sig") || !jwk.may_sign()? {
        return Err(ClientKeysError::NotForSigning);
    }
    let curve = jwk.string("crv")?;
    let unsupported = || ClientKeysError::UnsupportedCurve {
        curve: text::bounded(curve.unwrap_or("(none)"), text::NAME),
    };
    let read: fn(&Jwk<'_>) -> _ = match (kty, curve) {
        ("RSA", _) => rsa,
        ("EC", Some("P-256")) => |jwk| ec(jwk, Family::P256, 32),
        ("EC", Some("P-384")) => |jwk| ec(jwk, Family::P384, 48),
        ("OKP", Some("Ed25519")) => ed25519,
        _ => return Err(unsupported()),
    };
    if jwk.string("d")?.is_none() {
        return Err(ClientKeysError::PublicKey);
    }
    Key::new(read(jwk)?, jwk.string("kid")?, jwk.string("alg")?)
}

fn rsa(jwk: &Jwk<'_>) -> Result<Pair, ClientKeysError> {
    if jwk.0.contains_key("oth") {
        return Err(ClientKeysError::MultiPrime);
    }
    // Some exporters write leading zero bytes, which count for nothing (RFC 7518 section 6.3.1.1).
    let public = |name| {
        let number = jwk.octets(name)?;
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        Ok::<_, ClientKeysError>(number[zeros..].to_vec())
    };
    let public_key = PublicKeyComponents {
        n: public("n")?,
        e: public("e")?,
    };
    let unused_bits = public_key.n.first().map_or(0, |byte| byte.leading_zeros());
    let bits = public_key.n.len() * 8 - unused_bits as usize;
    match bits {
        0..2048 => return Err(ClientKeysError::KeyTooSmall),
        2048..=8192 => {}
        _ => return Err(ClientKeysError::KeyTooLarge),
    }
    Pair::rsa_components(&KeyPairComponents {
        public_key,
        d: jwk.octets("d")?,
        p: jwk.octets("p")?,
        q: jwk.octets("q")?,
        dP: jwk.octets("dp")?,
        dQ: jwk.octets("dq")?,
        qInv: jwk.octets("qi")?,
    })
}

/// All three numbers are of full length (RFC 7518 sections 6.2.1.2 and 6.2.2.1).
fn ec(jwk: &Jwk<'_>, curve: Family, length: usize) -> Result<Pair, ClientKeysError> {
    let (x, y) = (jwk.exactly("x", length)?, jwk.exactly("y", length)?);
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    Pair::ec_numbers(curve, &jwk.exactly("d", length)?, &point)
}

fn ed25519(jwk: &Jwk<'_>) -> Result<Pair, ClientKeysError> {
    Pair::ed25519_seed(&jwk.exactly("d", 32)?, &jwk.exactly("x", 32)?)
}

/// One key's members, read by type. `null` counts as absent.
struct Jwk<'a>(&'a Map<String, Value>);

impl<'a> Jwk<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn string(&self, name: &'static str) -> Result<Option<&'a str>, ClientKeysError> {
        self.get(name)
            .map(|value| value.as_str().ok_or(ClientKeysError::MalformedMember(name)))
            .transpose()
    }

    fn octets(&self, name: &'static str) -> Result<Zeroizing<Vec<u8>>, ClientKeysError> {
        self.string(name)?
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .map(Zeroizing::new)
            .filter(|octets| !octets.is_empty())
            .ok_or(ClientKeysError::MalformedMember(name))
    }

    fn exactly(
        &self,
        name: &'static str,
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, ClientKeysError> {
        let octets = self.octets(name)?;
        if octets.len() == length {
            Ok(octets)
        } else {
            Err(ClientKeysError::MalformedMember(name))
        }
    }

    /// RFC 7517 section 4.3.
    fn may_sign(&self) -> Result<bool, ClientKeysError> {
        self.get("key_ops").map_or(Ok(true), |operations| {
            operations
                .as_array()
                .map(|operations| operations.iter().any(|operation| operation == "sign"))
                .ok_or(ClientKeysError::MalformedMember("key_ops"))
        })
    }
}
