//! Why a key file was refused. What a message quotes is public: names, never a key.

use thiserror::Error;

use super::{MAX_KEYS, MAX_KID};
use crate::json::JsonError;

/// Why the client's private keys were refused. A file is taken as a whole or not at all.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientKeysError {
    /// More than [`MAX_BYTES`](super::MAX_BYTES).
    #[error(
        "the key file is larger than 256 KiB; name the file that holds only this client's keys"
    )]
    TooLarge,
    /// Neither a PEM block nor a JWK, or an empty set.
    #[error(
        "the key file holds no private key; it must be PEM (a block PRIVATE KEY), a JWK or a JWK set"
    )]
    NoKey,
    /// More than [`MAX_KEYS`](super::MAX_KEYS) keys.
    #[error(
        "the key file holds more than {MAX_KEYS} keys; keep the one that signs and those that the provider must still know"
    )]
    TooManyKeys,
    /// A file that begins as JSON and is not one object without duplicate members (RFC 7517 section 4).
    #[error("the key file begins as JSON and cannot be read: {0}; write the JWK or JWK set again")]
    Json(#[from] JsonError),
    /// A PEM block without its end, or with something else than base64 in it (RFC 7468 section 3).
    #[error("the key file has a broken PEM block; copy it again, from BEGIN to END")]
    MalformedPem,
    /// A password protects the key (RFC 7468 section 11, RFC 1421 section 4.6.1.1).
    #[error(
        "the private key is encrypted; decrypt it first (openssl pkey -in key.pem -out plain.pem) and protect the file instead"
    )]
    Encrypted,
    /// A certificate (RFC 7468 section 5), which is published and signs nothing.
    #[error("the key file holds a certificate; leave only the private key in it")]
    Certificate,
    /// A public key: PEM (RFC 7468 section 13), or a JWK without `d` (RFC 7518 section 6).
    #[error(
        "the key file holds a public key without its private part; it belongs to the provider, the private one here"
    )]
    PublicKey,
    /// A PEM block of another kind, such as `OPENSSH PRIVATE KEY`.
    #[error(
        "the key file holds a PEM block {label}, which is not read; convert it to PKCS#8 (openssl pkcs8 -topk8 -nocrypt)"
    )]
    UnsupportedPem {
        /// The label, bounded.
        label: String,
    },
    /// A symmetric key (`kty` of `oct`, RFC 7518 section 6.4).
    #[error(
        "the key file holds a symmetric key; private_key_jwt needs a private key, client_secret_jwt takes the client secret"
    )]
    SymmetricKey,
    /// `use` other than `sig`, or `key_ops` without `sign` (RFC 7517 sections 4.2 and 4.3).
    #[error(
        "the key file holds a key that is not for signing; take one whose use is sig, or leave use and key_ops out"
    )]
    NotForSigning,
    /// A type of key that is neither RSA nor EC nor Ed25519 (RFC 7517 section 4.1).
    #[error("a key of the type {kty} cannot be used; make an RSA, P-256, P-384 or Ed25519 key")]
    UnsupportedKeyType {
        /// The JWK's `kty`, or what PKCS#8 says, bounded.
        kty: String,
    },
    /// A curve other than P-256, P-384 and Ed25519 (RFC 7518 section 6.2.1.1, RFC 8037 section 2).
    #[error("a key on the curve {curve} cannot be used; make a P-256, P-384 or Ed25519 key")]
    UnsupportedCurve {
        /// The curve, bounded.
        curve: String,
    },
    /// RSA under 2048 bits (RFC 7518 section 3.3).
    #[error("the RSA key is smaller than 2048 bits, which nobody accepts; make a new one")]
    KeyTooSmall,
    /// RSA over 8192 bits.
    #[error("the RSA key is larger than 8192 bits; make a smaller one, 3072 bits are plenty")]
    KeyTooLarge,
    /// A member of a JWK that is missing, or has another type or length than it must (RFC 7518 section 6, RFC 8037 section 2).
    #[error(
        "{0} of a JWK in the key file is missing or has the wrong form; export the key again, with all its members"
    )]
    MalformedMember(&'static str),
    /// An RSA key of more than two primes (RFC 7518 section 6.3.2.7).
    #[error("the RSA key has more than two primes, which nobody uses; make a new one")]
    MultiPrime,
    /// Parts that do not belong together, or a key that is damaged (RFC 8017 section 3.2, RFC 5915 section 3).
    #[error(
        "the private key is damaged, or its parts do not belong together; export it again from where it was made"
    )]
    Inconsistent,
    /// Two keys with the same `kid` (RFC 7517 section 4.5), or one key twice.
    #[error(
        "two keys in the key file have the kid {kid}; give each its own, and leave a key that is there twice out"
    )]
    DuplicateKid {
        /// The `kid`.
        kid: String,
    },
    /// A `kid` that is empty, too long or not visible ASCII.
    #[error("a kid must be 1 to {MAX_KID} visible ASCII characters; choose another")]
    MalformedKid,
    /// The configured `kid` is not the JWK's (RFC 7517 section 4.5).
    #[error(
        "the first JWK in the key file has the kid {found} and another one is configured; leave the setting out, or make them the same"
    )]
    KidMismatch {
        /// The JWK's.
        found: String,
    },
    /// The configured algorithm is not the JWK's (RFC 7517 section 4.4).
    #[error(
        "the first JWK in the key file is for {found} and another algorithm is configured; leave the setting out, or make them the same"
    )]
    AlgorithmMismatch {
        /// The JWK's.
        found: &'static str,
    },
    /// An algorithm that this kind of key cannot sign with (RFC 7518 section 3.1).
    #[error(
        "a key in the key file cannot sign with {alg}: RSA is for RS256 to PS512, P-256 for ES256, P-384 for ES384, Ed25519 for EdDSA"
    )]
    AlgorithmNotForKey {
        /// The name, bounded.
        alg: String,
    },
}

error_codes!(ClientKeysError {
    Self::TooLarge => "client_keys_too_large",
    Self::NoKey => "client_keys_no_key",
    Self::TooManyKeys => "client_keys_too_many_keys",
    Self::MalformedPem => "client_keys_malformed_pem",
    Self::Encrypted => "client_keys_encrypted",
    Self::Certificate => "client_keys_certificate",
    Self::PublicKey => "client_keys_public_key",
    Self::UnsupportedPem { .. } => "client_keys_unsupported_pem",
    Self::SymmetricKey => "client_keys_symmetric_key",
    Self::NotForSigning => "client_keys_not_for_signing",
    Self::UnsupportedKeyType { .. } => "client_keys_unsupported_key_type",
    Self::UnsupportedCurve { .. } => "client_keys_unsupported_curve",
    Self::KeyTooSmall => "client_keys_key_too_small",
    Self::KeyTooLarge => "client_keys_key_too_large",
    Self::MalformedMember(_) => "client_keys_malformed_member",
    Self::MultiPrime => "client_keys_multi_prime",
    Self::Inconsistent => "client_keys_inconsistent",
    Self::DuplicateKid { .. } => "client_keys_duplicate_kid",
    Self::MalformedKid => "client_keys_malformed_kid",
    Self::KidMismatch { .. } => "client_keys_kid_mismatch",
    Self::AlgorithmMismatch { .. } => "client_keys_algorithm_mismatch",
    Self::AlgorithmNotForKey { .. } => "client_keys_algorithm_not_for_key",
} via {
    Self::Json(inner) => inner.code(),
});
