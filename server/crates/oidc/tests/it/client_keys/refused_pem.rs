//! Key files in PEM that are not taken.

use super::*;

#[test]
fn what_is_no_private_key_is_told_apart() {
    for (file, expected) in [
        ("", Error::NoKey),
        (" \n\t", Error::NoKey),
        ("a client secret, perhaps", Error::NoKey),
        (
            include_str!("../../keys/certificate.pem"),
            Error::Certificate,
        ),
        (include_str!("../../keys/rsa-public.pem"), Error::PublicKey),
        (
            include_str!("../../keys/rsa-pkcs8-encrypted.pem"),
            Error::Encrypted,
        ),
        (
            include_str!("../../keys/rsa-pkcs1-encrypted.pem"),
            Error::Encrypted,
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            Error::UnsupportedPem {
                label: "OPENSSH PRIVATE KEY".to_owned(),
            },
        ),
        (
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
            Error::NoKey,
        ),
    ] {
        assert_eq!(refused(file), expected, "{file:.60}");
    }
}

#[test]
fn one_good_key_does_not_hide_a_bad_block() {
    for (block, expected) in [
        (
            include_str!("../../keys/certificate.pem"),
            Error::Certificate,
        ),
        (include_str!("../../keys/rsa-public.pem"), Error::PublicKey),
        (
            include_str!("../../keys/rsa-pkcs8-encrypted.pem"),
            Error::Encrypted,
        ),
    ] {
        assert_eq!(refused(&format!("{RSA_PKCS8}{block}")), expected);
        assert_eq!(refused(&format!("{block}{RSA_PKCS8}")), expected);
    }
}

#[test]
fn keys_that_cannot_be_used_are_told_apart() {
    let curve = |name: &str| Error::UnsupportedCurve {
        curve: name.to_owned(),
    };
    let kind = |name: &str| Error::UnsupportedKeyType {
        kty: name.to_owned(),
    };
    for (file, expected) in [
        (
            include_str!("../../keys/unsupported-p521.pem"),
            curve("P-521"),
        ),
        (
            include_str!("../../keys/unsupported-secp256k1.pem"),
            curve("secp256k1"),
        ),
        (
            include_str!("../../keys/unsupported-explicit-curve.pem"),
            curve("with explicit parameters"),
        ),
        (
            include_str!("../../keys/unsupported-x25519.pem"),
            curve("X25519"),
        ),
        (
            include_str!("../../keys/unsupported-ed448.pem"),
            curve("Ed448"),
        ),
        (
            include_str!("../../keys/unsupported-rsa-1024.pem"),
            Error::KeyTooSmall,
        ),
        (
            include_str!("../../keys/unsupported-rsa-pss.pem"),
            kind("RSASSA-PSS"),
        ),
        (include_str!("../../keys/unsupported-dsa.pem"), kind("DSA")),
    ] {
        assert_eq!(refused(file), expected);
    }
}

#[test]
fn broken_blocks_are_not_repaired() {
    let unfinished = RSA_PKCS8.split("-----END").next().unwrap();
    let nested = format!("{unfinished}{P256_PKCS8}");
    let no_base64 = P256_PKCS8.replace("BEGIN PRIVATE KEY-----\n", "BEGIN PRIVATE KEY-----\n!");
    for file in [unfinished, &nested, &no_base64] {
        assert_eq!(refused(file), Error::MalformedPem);
    }
    // Whole as PEM, and not as a key.
    let lines: Vec<&str> = RSA_PKCS8.lines().collect();
    let shorter = [&lines[..5], &lines[6..]].concat().join("\n");
    assert_eq!(refused(&shorter), Error::Inconsistent);
    let mislabelled = P256_PKCS8.replace("PRIVATE KEY", "RSA PRIVATE KEY");
    assert_eq!(refused(&mislabelled), Error::Inconsistent);
    assert_eq!(
        refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        Error::Inconsistent
    );
}

#[test]
fn the_parts_of_a_key_belong_together() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    // The last byte of each is in the public point, the CRT coefficient, and the seed.
    for (pem, label) in [
        (P256_PKCS8, "PRIVATE KEY"),
        (RSA_PKCS8, "PRIVATE KEY"),
        (include_str!("../../keys/rsa-pkcs1.pem"), "RSA PRIVATE KEY"),
    ] {
        let body: String = pem.lines().filter(|line| !line.contains('-')).collect();
        let mut der = STANDARD.decode(body).unwrap();
        *der.last_mut().unwrap() ^= 1;
        let body = STANDARD.encode(der);
        let file = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        assert_eq!(refused(&file), Error::Inconsistent, "{label}");
    }
}
