//! The provider's keys: JWS signatures (RFC 7515, RFC 7518, RFC 8037) made with aws-lc-rs directly, and the
//! key set (RFC 7517). Keys are generated once a process: RSA generation is slow, and no test depends on the value.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

pub(super) use super::alg::Alg;
use super::verify::hmac_algorithm;

/// Which of the keys of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Signs, and is published.
    Current,
    /// Signs after a rotation, and is published from then on.
    Next,
    /// Is never published.
    Stranger,
    /// Is published for encryption only, where it is at all.
    Encryption,
}

/// A private key with its algorithm and `kid`.
pub(super) struct SigningKey {
    pub(super) alg: Alg,
    pub(super) kid: String,
    pair: &'static Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    /// The curve's name (RFC 7518, section 6.2.1.1), and the key.
    Ec(&'static str, EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    /// The process's key of this algorithm and place, generated at first use.
    pub(super) fn get(alg: Alg, which: Which) -> Self {
        type Places = [OnceLock<Pair>; 4];
        static RSA: Places = [const { OnceLock::new() }; 4];
        static P256: Places = [const { OnceLock::new() }; 4];
        static P384: Places = [const { OnceLock::new() }; 4];
        static P521: Places = [const { OnceLock::new() }; 4];
        static ED: Places = [const { OnceLock::new() }; 4];
        let (place, name) = match which {
            Which::Current => (0, "current"),
            Which::Next => (1, "next"),
            Which::Stranger => (2, "stranger"),
            Which::Encryption => (3, "encryption"),
        };
        let ec = |places: &'static Places, curve, by: &'static EcdsaSigningAlgorithm| {
            places[place].get_or_init(|| {
                let pair = EcdsaKeyPair::generate(by);
                Pair::Ec(curve, pair.expect("a key on this curve can be generated"))
            })
        };
        let pair = match alg {
            Alg::Es256 => ec(&P256, "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
            Alg::Es384 => ec(&P384, "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
            Alg::Es512 => ec(&P521, "P-521", &ECDSA_P521_SHA512_FIXED_SIGNING),
            Alg::EdDsa | Alg::Ed25519 => ED[place].get_or_init(|| {
                Pair::Ed(Ed25519KeyPair::generate().expect("an Ed25519 key can be generated"))
            }),
            // What is signed with a client's secret is signed elsewhere: these ask for the provider's own key.
            Alg::Rs256
            | Alg::Rs384
            | Alg::Rs512
            | Alg::Ps256
            | Alg::Ps384
            | Alg::Ps512
            | Alg::Hs256
            | Alg::Hs384
            | Alg::Hs512 => RSA[place].get_or_init(|| {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048);
                Pair::Rsa(pair.expect("an RSA key can be generated"))
            }),
        };
        let alg = alg.asymmetric();
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
                let encoding: &'static dyn RsaEncoding = match self.alg {
                    Alg::Rs384 => &RSA_PKCS1_SHA384,
                    Alg::Rs512 => &RSA_PKCS1_SHA512,
                    Alg::Ps256 => &RSA_PSS_SHA256,
                    Alg::Ps384 => &RSA_PSS_SHA384,
                    Alg::Ps512 => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                pair.sign(encoding, &random, message, &mut signature)
                    .expect("RSA signs");
                signature
            }
            Pair::Ec(_, pair) => pair
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
            Pair::Ec(curve, pair) => {
                // SEC 1, section 2.3.3: 0x04, then x and y of equal length.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y)})
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
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for line in BASE64_STANDARD
            .encode(self.public_der())
            .as_bytes()
            .chunks(64)
        {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem + "-----END PUBLIC KEY-----\n"
    }

    /// The public key as `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    pub(super) fn public_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'static> = match self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ec(_, pair) => pair.public_key().as_der(),
            Pair::Ed(pair) => pair.public_key().as_der(),
        }
        .expect("a public key has a DER form");
        der.as_ref().to_vec()
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

/// The HMAC of `message`; with SHA-256 where the algorithm is not an HMAC.
pub(super) fn hmac_tag(alg: Alg, message: &[u8], secret: &[u8]) -> Vec<u8> {
    let hash = hmac_algorithm(alg.name()).unwrap_or(hmac::HMAC_SHA256);
    hmac::sign(&hmac::Key::new(hash, secret), message)
        .as_ref()
        .to_vec()
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
