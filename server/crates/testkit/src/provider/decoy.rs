//! Keys that a relying party finds in the key set and must pass over (RFC 7517, section 5; RFC 8725, section 3.1).

use serde_json::{Value, json};

use super::keys::{Alg, SigningKey, Which};
use super::weak_rsa;

/// A key in the key set that nothing honest is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decoy {
    /// `use: enc`, otherwise fit for signatures of the provider's algorithm.
    Encryption,
    /// `key_ops: ["encrypt"]` and no `use`.
    EncryptionOperations,
    /// `kty: oct`, a symmetric key that everybody can read.
    Symmetric,
    /// An RSA key of 1,024 bits (RFC 7518, section 3.3: at least 2,048).
    SmallRsa,
    /// A `kty` that nobody knows (RFC 7517, section 4.1: ignore).
    UnknownType,
    /// An elliptic curve that nobody knows.
    UnknownCurve,
    /// A key of another type under the signing key's `kid` (RFC 7517, section 4.5).
    SameKidOtherType,
    /// A key of another type without `kid`.
    WithoutKid,
    /// A key with a member missing: no `n`, no `x`.
    Incomplete,
    /// A member of the set that is not an object.
    NotAKey,
}

impl Decoy {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        [
            Self::Encryption,
            Self::EncryptionOperations,
            Self::Symmetric,
            Self::SmallRsa,
            Self::UnknownType,
            Self::UnknownCurve,
            Self::SameKidOtherType,
            Self::WithoutKid,
            Self::Incomplete,
            Self::NotAKey,
        ]
        .into_iter()
    }

    /// Its entry in the key set of a provider that signs with `alg`.
    pub(super) fn jwk(self, alg: Alg) -> Value {
        let other = SigningKey::get(alg.alternate(), Which::Current);
        let mut jwk = match self {
            Self::Encryption => SigningKey::get(alg.asymmetric(), Which::Encryption).jwk(),
            Self::EncryptionOperations => {
                SigningKey::get(alg.asymmetric(), Which::Encryption).jwk()
            }
            Self::Symmetric => json!({"kty": "oct", "k": SYMMETRIC, "alg": "HS256", "use": "sig"}),
            Self::SmallRsa => weak_rsa::jwk(),
            Self::UnknownType => json!({"kty": "urn:example:unknown", "use": "sig"}),
            Self::UnknownCurve => {
                json!({"kty": "EC", "crv": "urn:example:curve", "x": SYMMETRIC, "y": SYMMETRIC, "use": "sig"})
            }
            Self::SameKidOtherType | Self::WithoutKid | Self::Incomplete => other.jwk(),
            Self::NotAKey => return json!("not a key"),
        };
        let kid = match self {
            Self::Encryption => "decoy-enc",
            Self::EncryptionOperations => "decoy-key-ops",
            Self::Symmetric => "decoy-oct",
            Self::SmallRsa => return jwk,
            Self::UnknownType => "decoy-kty",
            Self::UnknownCurve => "decoy-crv",
            Self::SameKidOtherType => &SigningKey::get(alg.asymmetric(), Which::Current).kid,
            Self::WithoutKid | Self::Incomplete | Self::NotAKey => "decoy-incomplete",
        };
        jwk["kid"] = json!(kid);
        let drop_members: &[&str] = match self {
            Self::EncryptionOperations => &["use", "alg"],
            Self::WithoutKid => &["kid"],
            Self::Incomplete => &["n", "x"],
            _ => &[],
        };
        if let Some(members) = jwk.as_object_mut() {
            members.retain(|name, _| !drop_members.contains(&name.as_str()));
        }
        match self {
            Self::Encryption => jwk["use"] = json!("enc"),
            Self::EncryptionOperations => jwk["key_ops"] = json!(["encrypt"]),
            _ => {}
        }
        jwk
    }
}

/// The symmetric decoy's bytes, which the published key set shows to everybody.
pub(super) const SYMMETRIC: &str = "cHVibGlzaGVkLXRvLWV2ZXJ5Ym9keS1hcy1hLWRlY295";
