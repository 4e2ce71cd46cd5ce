//! The provider's keys: JWS signatures (RFC 7515, RFC 7518, RFC 8037) made with aws-lc-rs directly, and the
//! key set (RFC 7517). Keys are generated once a process: RSA generation is slow, and no test depends on the value.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256,
};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// How the provider signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256: Okta's, and OpenID Connect's default.
    #[default]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519 (RFC 8037).
    EdDsa,
}

impl Alg {
    /// The `alg` value (RFC 7518, section 3.1; RFC 8037, section 3.1).
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The left half of the hash that goes with this algorithm, as `at_hash` wants it (OpenID Connect
    /// Core 1.0, section 3.1.3.6). For Ed25519 that is SHA-512, its own hash.
    pub(super) fn half_hash(self, text: &str) -> String {
        let hash = digest(
            if self == Self::EdDsa {
                &SHA512
            } else {
                &SHA256
            },
            text.as_bytes(),
        );
        base64url(&hash.as_ref()[..hash.as_ref().len() / 2])
    }
}

/// Which of the keys of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Signs, and is published.
    Current,
    /// Signs after a rotation, and is published from then on.
    Next,
    /// Is never published.
    Stranger,
}

/// A private key with its algorithm and `kid`.
pub(super) struct SigningKey {
    pub(super) alg: Alg,
    pub(super) kid: String,
    pair: &'static Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    /// The process's key of this algorithm and place, generated at first use.
    pub(super) fn get(alg: Alg, which: Which) -> Self {
        static RSA: [OnceLock<Pair>; 3] = [const { OnceLock::new() }; 3];
        static EC: [OnceLock<Pair>; 3] = [const { OnceLock::new() }; 3];
        static ED: [OnceLock<Pair>; 3] = [const { OnceLock::new() }; 3];
        let (place, name) = match which {
            Which::Current => (0, "current"),
            Which::Next => (1, "next"),
            Which::Stranger => (2, "stranger"),
        };
        let pair = match alg {
            Alg::Rs256 | Alg::Ps256 => RSA[place].get_or_init(|| {
                Pair::Rsa(
                    RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be generated"),
                )
            }),
            Alg::Es256 => EC[place].get_or_init(|| {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
                Pair::Ec(pair.expect("a P-256 key can be generated"))
            }),
            Alg::EdDsa => ED[place].get_or_init(|| {
                Pair::Ed(Ed25519KeyPair::generate().expect("an Ed25519 key can be generated"))
            }),
        };
        Self {
            alg,
            kid: format!("{}-{name}", alg.name()),
            pair,
        }
    }

    /// The signature over `message`, as JWS wants it.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test provider has randomness of its own"
    )]
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let encoding: &'static dyn aws_lc_rs::signature::RsaEncoding =
                    if self.alg == Alg::Ps256 {
                        &RSA_PSS_SHA256
                    } else {
                        &RSA_PKCS1_SHA256
                    };
                pair.sign(encoding, &random, message, &mut signature)
                    .expect("RSA signs");
                signature
            }
            Pair::Ec(pair) => pair
                .sign(&random, message)
                .expect("ECDSA signs")
                .as_ref()
                .to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The public key as a JWK with `kid`, `use` and `alg` (RFC 7517, section 4).
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = match self.pair {
            Pair::Rsa(pair) => {
                let (modulus, exponent) = rsa_integers(pair.public_key().as_ref());
                json!({"kty": "RSA", "n": base64url(modulus), "e": base64url(exponent)})
            }
            Pair::Ec(pair) => {
                // SEC 1, section 2.3.3: 0x04, then x and y of 32 bytes each.
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..])})
            }
            Pair::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key().as_ref())})
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.alg.name());
        jwk
    }

    /// The public key as PEM (RFC 7468, section 13): the text an attacker keys HS256 with.
    pub(super) fn public_pem(&self) -> String {
        let der: PublicKeyX509Der<'static> = match self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ec(pair) => pair.public_key().as_der(),
            Pair::Ed(pair) => pair.public_key().as_der(),
        }
        .expect("a public key has a DER form");
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for line in BASE64_STANDARD.encode(der.as_ref()).as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem + "-----END PUBLIC KEY-----\n"
    }
}

/// Modulus and exponent of a DER `RSAPublicKey` (RFC 8017, appendix A.1.1), without leading zeros.
fn rsa_integers(der: &[u8]) -> (&[u8], &[u8]) {
    let (sequence, _) = der_value(der);
    let (modulus, rest) = der_value(sequence);
    let (exponent, _) = der_value(rest);
    (strip_zeros(modulus), strip_zeros(exponent))
}

fn strip_zeros(mut integer: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = integer {
        integer = rest;
    }
    integer
}

/// The content of the first DER element, and what follows it.
fn der_value(der: &[u8]) -> (&[u8], &[u8]) {
    let first = usize::from(der[1]);
    let (start, length) = if first < 0x80 {
        (2, first)
    } else {
        let bytes = &der[2..2 + (first & 0x7f)];
        let length = bytes
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        (2 + bytes.len(), length)
    };
    (&der[start..start + length], &der[start + length..])
}

/// The compact form of header and claims, signed with `key` (RFC 7515, section 7.1).
pub(super) fn compact(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    key: &SigningKey,
) -> String {
    let input = signing_input(header, claims);
    let signature = key.sign(input.as_bytes());
    format!("{input}.{}", base64url(&signature))
}

/// The compact form with an HS256 signature under `secret`.
pub(super) fn compact_hs256(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    secret: &[u8],
) -> String {
    let input = signing_input(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", base64url(tag.as_ref()))
}

/// What is signed (RFC 7515, section 5.1), and with a full stop after it an unsecured JWS.
pub(super) fn signing_input(header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
    let part =
        |map: &Map<String, Value>| base64url(Value::Object(map.clone()).to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

/// Base64url without padding (RFC 7515, section 2).
pub(super) fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A fresh random value of 256 bits, in base64url.
pub(super) fn random_token() -> String {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random bytes");
    base64url(&bytes)
}

/// Whether `verifier` is the one behind this S256 `challenge` (RFC 7636, section 4.6).
pub(super) fn pkce_matches(verifier: &str, challenge: &str) -> bool {
    base64url(digest(&SHA256, verifier.as_bytes()).as_ref()) == challenge
}
