//! Signed tokens under one strict policy (RFC 7515 section 5.2, RFC 7519 section 7.2, RFC 8725).

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::json::{self, JsonError};
use crate::jwk::{Candidates, KeySet};
use crate::secret::ClientSecret;
use crate::signing_alg::SigningAlg;
use crate::text;

/// The largest token that is read, in bytes.
pub const MAX_TOKEN: usize = 1024 * 1024;

/// The most keys that are tried for one token.
pub const MAX_TRIES: usize = 10;

/// What kind of token is expected, by its `typ` header (RFC 8725 section 3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Typ<'a> {
    /// A token without a type of its own, as ID tokens are: no `typ`, `JWT`, or another without a `+`. A logout
    /// token (`logout+jwt`), an access token (`at+jwt`), a credential (`dc+sd-jwt`) and whatever else says so is refused.
    Untyped,
    /// Exactly this type, such as `logout+jwt`; `application/` before it and the case count for nothing.
    Exactly(&'a str),
    /// This type, or none at all.
    OrUntyped(&'a str),
}

/// Which tokens to accept. The algorithm is decided here and never by the token.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The algorithms to accept; an empty list accepts nothing.
    pub algorithms: &'a [SigningAlg],
    /// The kind of token to accept.
    pub typ: Typ<'a>,
    /// The key of HS256, HS384 and HS512, and of nothing else. Without it they are refused even where listed.
    pub client_secret: Option<&'a ClientSecret>,
}

impl<'a> Policy<'a> {
    /// Untyped tokens, signed with one of `algorithms` by a public key.
    pub fn new(algorithms: &'a [SigningAlg]) -> Self {
        Self {
            algorithms,
            typ: Typ::Untyped,
            client_secret: None,
        }
    }
}

/// A token whose signature is good. Its claims are still to be judged: see [`crate::id_token`].
#[derive(Clone)]
#[non_exhaustive]
pub struct VerifiedJwt {
    /// The header, as far as it matters.
    pub header: Header,
    /// The claims as they are.
    pub claims: Map<String, Value>,
}

/// What is read of a header. Embedded keys and addresses of keys (`jwk`, `jku`, `x5u`, `x5c`) are not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// `alg`.
    pub alg: SigningAlg,
    /// `kid`.
    pub kid: Option<String>,
    /// `typ`.
    pub typ: Option<String>,
}

// Claims are about people.
impl fmt::Debug for VerifiedJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJwt")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// Why a token was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwtError {
    /// More than [`MAX_TOKEN`] bytes.
    #[error("the token is larger than 1 MiB")]
    TooLarge,
    /// Not three segments (RFC 7515 section 7.1).
    #[error("the token is not a signed JWT of three segments")]
    NotCompact,
    /// Five segments: an encrypted token (RFC 7516 section 7.1).
    #[error("the token is encrypted; switch token encryption off for this client at the provider")]
    Encrypted,
    /// Padding, another alphabet, or bits left over (RFC 7515 section 2).
    #[error("the token is not base64url in its one canonical form")]
    Encoding,
    /// Header or claims are not one JSON object without duplicate members (RFC 7519 section 7.2).
    #[error("the token cannot be read: {0}")]
    Json(#[from] JsonError),
    /// A header member with the wrong type, or no `alg` (RFC 7515 section 4.1).
    #[error("{0} in the token's header is missing or has the wrong type")]
    MalformedHeader(&'static str),
    /// `alg: none` (RFC 8725 section 3.2).
    #[error("the token is not signed")]
    Unsigned,
    /// An algorithm that is not expected (RFC 8725 section 3.1).
    #[error(
        "the token is signed with {alg}, which is not accepted; compare the algorithm set for this client at the provider with the one configured here"
    )]
    AlgorithmNotAllowed {
        /// What the header says, bounded.
        alg: String,
    },
    /// Header members that must be understood, and are not (RFC 7515 section 4.1.11).
    #[error("the token's header has critical extensions, none of which is known here")]
    CriticalExtension,
    /// Another kind of token (RFC 8725 section 3.11).
    #[error("the token is of type {typ}, another kind than expected here")]
    UnexpectedType {
        /// What the header says, bounded; empty where it says nothing.
        typ: String,
    },
    /// No key of that `kid`, or no key for the algorithm at all. A newer key set may have one: fetch it once.
    #[error("the token is signed with a key that the provider's key set does not have")]
    UnknownKey,
    /// Keys of that `kid` are there, and none is for the algorithm (RFC 7517 sections 4.1 and 4.4).
    #[error("the key that the token names is not meant for its algorithm")]
    KeyNotForAlgorithm,
    /// HS256 and its like without a client secret, or with one shorter than the hash (RFC 7518 section 3.2).
    #[error(
        "the token is signed with the client secret, and there is none that is long enough for its algorithm"
    )]
    ClientSecretUnusable,
    /// The signature is not good (RFC 7515 section 5.2).
    #[error("the token's signature is not good")]
    InvalidSignature,
    /// The token names no key and none of the set verifies it. A newer key set may have one: fetch it once.
    #[error("the token names no key, and none of the provider's keys verifies it")]
    NoKeyVerifies,
}

error_codes!(JwtError {
    Self::TooLarge => "jwt_too_large",
    Self::NotCompact => "jwt_not_compact",
    Self::Encrypted => "jwt_encrypted",
    Self::Encoding => "jwt_encoding",
    Self::MalformedHeader(_) => "jwt_malformed_header",
    Self::Unsigned => "jwt_unsigned",
    Self::AlgorithmNotAllowed { .. } => "jwt_algorithm_not_allowed",
    Self::CriticalExtension => "jwt_critical_extension",
    Self::UnexpectedType { .. } => "jwt_unexpected_type",
    Self::UnknownKey => "jwt_unknown_key",
    Self::KeyNotForAlgorithm => "jwt_key_not_for_algorithm",
    Self::ClientSecretUnusable => "jwt_client_secret_unusable",
    Self::InvalidSignature => "jwt_invalid_signature",
    Self::NoKeyVerifies => "jwt_no_key_verifies",
} via {
    Self::Json(inner) => inner.code(),
});

impl JwtError {
    /// Whether a newer key set may have the key: refetch once, under a throttle, and verify again.
    pub fn may_be_a_new_key(&self) -> bool {
        matches!(self, Self::UnknownKey | Self::NoKeyVerifies)
    }
}

/// Verifies a token in compact form. Nothing of it is returned unless the signature is good.
pub fn verify_compact(
    token: &str,
    keys: &KeySet,
    policy: &Policy<'_>,
) -> Result<VerifiedJwt, JwtError> {
    if token.len() > MAX_TOKEN {
        return Err(JwtError::TooLarge);
    }
    let (header_segment, claims_segment, signature) = segments(token)?;
    let header = read_header(&decode(header_segment)?, policy)?;
    let claims = decode(claims_segment)?;
    // Canonical here, so that no token has a second spelling.
    let signature = decode(signature)?;
    let message = &token.as_bytes()[..header_segment.len() + 1 + claims_segment.len()];
    check_signature(message, &signature, &header, keys, policy)?;
    Ok(VerifiedJwt {
        header,
        claims: json::parse_object(&claims, MAX_TOKEN)?,
    })
}

fn segments(token: &str) -> Result<(&str, &str, &str), JwtError> {
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.count()) {
        (Some(header), Some(claims), Some(signature), 0) => Ok((header, claims, signature)),
        (Some(_), Some(_), Some(_), 2) => Err(JwtError::Encrypted),
        _ => Err(JwtError::NotCompact),
    }
}

fn decode(segment: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD
        .decode(segment)
        .map_err(|_| JwtError::Encoding)
}

fn read_header(bytes: &[u8], policy: &Policy<'_>) -> Result<Header, JwtError> {
    let members = json::parse_object(bytes, MAX_TOKEN)?;
    let string = |name: &'static str| {
        members
            .get(name)
            .map(|value| value.as_str().ok_or(JwtError::MalformedHeader(name)))
            .transpose()
    };
    let name = string("alg")?.ok_or(JwtError::MalformedHeader("alg"))?;
    if name.eq_ignore_ascii_case("none") {
        return Err(JwtError::Unsigned);
    }
    let alg = SigningAlg::parse(name)
        .filter(|alg| policy.algorithms.contains(alg))
        .ok_or_else(|| JwtError::AlgorithmNotAllowed {
            alg: text::bounded(name, text::NAME),
        })?;
    // An unencoded payload must be announced in `crit` and is not for JWTs at all (RFC 7797 sections 6 and 7).
    let unencoded = members.get("b64").is_some_and(|b64| b64 != true);
    if unencoded || members.contains_key("crit") {
        return Err(JwtError::CriticalExtension);
    }
    let typ = string("typ")?;
    if !fits(typ, policy.typ) {
        return Err(JwtError::UnexpectedType {
            typ: text::bounded(typ.unwrap_or_default(), text::NAME),
        });
    }
    Ok(Header {
        alg,
        kid: string("kid")?.map(str::to_owned),
        typ: typ.map(str::to_owned),
    })
}

fn fits(typ: Option<&str>, expected: Typ<'_>) -> bool {
    let typ = typ.map(short_type);
    let untyped = typ.as_deref().is_none_or(|typ| !typ.contains('+'));
    let is = |name: &str| typ.as_deref() == Some(short_type(name).as_str());
    match expected {
        Typ::Untyped => untyped,
        Typ::Exactly(name) => is(name),
        Typ::OrUntyped(name) => untyped || is(name),
    }
}

/// In lower case and without `application/` (RFC 7515 section 4.1.9).
fn short_type(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower
        .strip_prefix("application/")
        .map(str::to_owned)
        .unwrap_or(lower)
}

fn check_signature(
    message: &[u8],
    signature: &[u8],
    header: &Header,
    keys: &KeySet,
    policy: &Policy<'_>,
) -> Result<(), JwtError> {
    if let Some(algorithm) = header.alg.hmac() {
        return check_mac(message, signature, header.alg, algorithm, policy);
    }
    match keys.candidates(header.alg, header.kid.as_deref()) {
        Candidates::Unknown => Err(JwtError::UnknownKey),
        Candidates::NotForAlgorithm => Err(JwtError::KeyNotForAlgorithm),
        Candidates::Keys(candidates) => {
            let mut tried = candidates.into_iter().take(MAX_TRIES);
            if tried.any(|key| key.verify_sig(message, signature).is_ok()) {
                Ok(())
            } else if header.kid.is_some() {
                Err(JwtError::InvalidSignature)
            } else {
                Err(JwtError::NoKeyVerifies)
            }
        }
    }
}

/// The key is the client secret, and never one of the provider's.
fn check_mac(
    message: &[u8],
    signature: &[u8],
    alg: SigningAlg,
    algorithm: hmac::Algorithm,
    policy: &Policy<'_>,
) -> Result<(), JwtError> {
    let secret = policy
        .client_secret
        .map(|secret| secret.expose().as_bytes())
        .filter(|secret| secret.len() >= alg.hash().output_len())
        .ok_or(JwtError::ClientSecretUnusable)?;
    // Compared in constant time; a tag that was cut short is refused.
    hmac::verify(&hmac::Key::new(algorithm, secret), message, signature)
        .map_err(|_| JwtError::InvalidSignature)
}
