//! Private keys in PEM: PKCS#8, PKCS#1 and SEC1 (RFC 7468 section 10, RFC 5208 section 5, RFC 8017 appendix A.1.2, RFC 5915 section 3).

use rustls_pki_types::pem::{PemObject as _, SectionKind};
use zeroize::Zeroizing;

use super::der::{self, CONTEXT_0, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};
use super::error::ClientKeysError;
use super::key::{Family, Key, Pair};
use crate::text;

/// Every private key in the file. Text around the blocks is allowed, as openssl writes it; blocks of another kind are
/// not, for somebody thought that they would be used.
pub(super) fn read(file: &[u8]) -> Result<Vec<Key>, ClientKeysError> {
    let mut expected = 0;
    for line in file.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if line.starts_with(b"Proc-Type:") && line.trim_ascii_end().ends_with(b"ENCRYPTED") {
            return Err(ClientKeysError::Encrypted);
        }
        if let Some(label) = label(line) {
            expected += usize::from(check_label(label)?);
        }
    }
    let mut keys = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(file) {
        let (kind, bytes) = section.map_err(|_| ClientKeysError::MalformedPem)?;
        keys.push(key(kind, &Zeroizing::new(bytes))?);
    }
    if keys.len() == expected {
        Ok(keys)
    } else {
        // One block began inside another, and its key was not read.
        Err(ClientKeysError::MalformedPem)
    }
}

fn label(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"-----BEGIN ")?.trim_ascii_end();
    Some(rest.strip_suffix(b"-----").unwrap_or(rest))
}

/// Whether a block of that name is a key to read.
fn check_label(label: &[u8]) -> Result<bool, ClientKeysError> {
    match label {
        b"PRIVATE KEY" | b"RSA PRIVATE KEY" | b"EC PRIVATE KEY" => Ok(true),
        // `openssl ecparam -genkey` writes the curve once more before the key.
        b"EC PARAMETERS" => Ok(false),
        b"ENCRYPTED PRIVATE KEY" => Err(ClientKeysError::Encrypted),
        b"CERTIFICATE" | b"X509 CERTIFICATE" | b"TRUSTED CERTIFICATE" => {
            Err(ClientKeysError::Certificate)
        }
        b"PUBLIC KEY" | b"RSA PUBLIC KEY" => Err(ClientKeysError::PublicKey),
        other => Err(ClientKeysError::UnsupportedPem {
            label: text::bounded(&String::from_utf8_lossy(other), text::NAME),
        }),
    }
}

fn key(kind: SectionKind, bytes: &[u8]) -> Result<Key, ClientKeysError> {
    match kind {
        SectionKind::PrivateKey => pkcs8(bytes),
        SectionKind::RsaPrivateKey => Key::new(Pair::rsa_pkcs1(bytes)?, None, None),
        SectionKind::EcPrivateKey => sec1(bytes),
        _ => Err(ClientKeysError::MalformedPem),
    }
}

/// `PrivateKeyInfo`: version, then the algorithm's identifier with its parameters.
fn pkcs8(bytes: &[u8]) -> Result<Key, ClientKeysError> {
    let algorithm = || {
        let (info, _) = der::take(SEQUENCE, bytes)?;
        let (_, rest) = der::take(INTEGER, info)?;
        let (algorithm, _) = der::take(SEQUENCE, rest)?;
        der::take(OBJECT_IDENTIFIER, algorithm)
    };
    let (identifier, parameters) = algorithm().ok_or(ClientKeysError::Inconsistent)?;
    let unsupported = |kty: &str| {
        Err(ClientKeysError::UnsupportedKeyType {
            kty: kty.to_owned(),
        })
    };
    let pair = match identifier {
        RSA => Pair::rsa_pkcs8(bytes)?,
        EC => Pair::ec_der(curve(parameters)?, bytes)?,
        ED25519 => Pair::ed25519_pkcs8(bytes)?,
        X25519 | X448 | ED448 => {
            return Err(ClientKeysError::UnsupportedCurve {
                curve: match identifier {
                    X25519 => "X25519",
                    X448 => "X448",
                    _ => "Ed448",
                }
                .to_owned(),
            });
        }
        // Bound to PSS by its certificate's rules; aws-lc does not sign with it.
        RSA_PSS => return unsupported("RSASSA-PSS"),
        DSA => return unsupported("DSA"),
        _ => return unsupported("unknown"),
    };
    Key::new(pair, None, None)
}

/// `ECPrivateKey`: version, the number, and the curve under `[0]`.
fn sec1(bytes: &[u8]) -> Result<Key, ClientKeysError> {
    let parameters = || {
        let (key, _) = der::take(SEQUENCE, bytes)?;
        let (_, rest) = der::take(INTEGER, key)?;
        let (_, rest) = der::take(OCTET_STRING, rest)?;
        der::take(CONTEXT_0, rest)
    };
    let (parameters, _) = parameters().ok_or(ClientKeysError::Inconsistent)?;
    Key::new(Pair::ec_der(curve(parameters)?, bytes)?, None, None)
}

/// The curve by its name; one that is spelt out in numbers has none (RFC 5480 section 2.1.1 forbids it).
fn curve(parameters: &[u8]) -> Result<Family, ClientKeysError> {
    let name = match der::take(OBJECT_IDENTIFIER, parameters).map(|(identifier, _)| identifier) {
        Some(P256) => return Ok(Family::P256),
        Some(P384) => return Ok(Family::P384),
        Some(P521) => "P-521",
        Some(SECP256K1) => "secp256k1",
        Some(_) => "unknown",
        None => "with explicit parameters",
    };
    Err(ClientKeysError::UnsupportedCurve {
        curve: name.to_owned(),
    })
}

// Object identifiers as DER writes them (RFC 8017 appendix C, RFC 5480 section 2.1.1, RFC 8410 section 3).
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A];
const DSA: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x01];
const EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x23];
const SECP256K1: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x0A];
const X25519: &[u8] = &[0x2B, 0x65, 0x6E];
const X448: &[u8] = &[0x2B, 0x65, 0x6F];
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];
const ED448: &[u8] = &[0x2B, 0x65, 0x71];
