//! Sealing: AES-256-GCM (NIST SP 800-38D) under a key that serves one seal only.
//!
//! Layout: format byte 1, key id (6 bytes), seal id (16 bytes), ciphertext, tag (16 bytes). Each seal's key is derived
//! (HKDF, RFC 5869) from the ring key under the purpose as label, from a secret the caller has and from a random seal id.
//! A key is therefore never used for two plaintexts, and the nonce may be zero.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::encode::length_prefixed;
use crate::key_ring::{KeyId, KeyRing, RingKey};

const FORMAT: u8 = 1;
const KEY_ID: usize = 6;
const SEAL_ID: usize = 16;
const TAG: usize = 16;
/// Bytes before the ciphertext of a sealed value: format, key id and seal id.
pub(crate) const SEAL_HEADER: usize = 1 + KEY_ID + SEAL_ID;

/// Why a sealed value did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Sealed under a key that this ring does not have. Nothing is wrong with the value itself.
    #[error(
        "sealed under key {key}, which is not in the ring: put that key back into the ring, after the first"
    )]
    UnknownKey {
        /// The key that the header names.
        key: KeyId,
    },
    /// Too short, or of a format this program does not know.
    #[error(
        "not a sealed value of a format that this program knows: it was cut off, or a newer program wrote it"
    )]
    Malformed,
    /// Altered, or sealed for another purpose, secret or additional data (NIST SP 800-38D section 7.2).
    #[error("the sealed value was altered, or it was sealed for another place")]
    Refused,
}

impl OpenError {
    /// A stable name for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownKey { .. } => "seal_unknown_key",
            Self::Malformed => "seal_malformed",
            Self::Refused => "seal_refused",
        }
    }
}

impl KeyRing {
    /// Seals `plaintext` under the first key.
    ///
    /// `secret` goes into the key: who does not have it cannot open the value, even with the ring. `aad` is additional
    /// data that must be the same at [`Self::open`]; purpose, format and key id are always part of it. `seal_id` is 16
    /// random bytes, new for every call: it keeps the derived key from being used twice.
    pub fn seal(
        &self,
        purpose: &'static str,
        secret: &[u8],
        aad: &[&[u8]],
        plaintext: &[u8],
        seal_id: [u8; SEAL_ID],
    ) -> Vec<u8> {
        let key = self.sealing_key();
        let mut out = Vec::with_capacity(SEAL_HEADER + plaintext.len() + TAG);
        put_header(&mut out, key.id(), seal_id);
        out.extend_from_slice(plaintext);
        let (_, buffer) = out.split_at_mut(SEAL_HEADER);
        let tag = encrypt(key, purpose, secret, aad, &seal_id, buffer);
        out.extend_from_slice(&tag);
        out
    }

    /// Opens what [`Self::seal`] made with the same purpose, secret and additional data, under any key of the ring.
    pub fn open(
        &self,
        purpose: &'static str,
        secret: &[u8],
        aad: &[&[u8]],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (key_id, seal_id, ciphertext) = split(sealed)?;
        let key = self
            .key(key_id)
            .ok_or(OpenError::UnknownKey { key: key_id })?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = aead_key(key, purpose, secret, &seal_id)
            .open_in_place(nonce(), additional_data(purpose, key_id, aad), &mut buffer)
            .map_err(|_| OpenError::Refused)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// What a sealed value says of itself in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealHeader {
    /// The ring key it is sealed under.
    pub key_id: KeyId,
    /// The random id of this one seal.
    pub seal_id: [u8; SEAL_ID],
}

impl SealHeader {
    /// Reads the header. It proves nothing before the value was opened.
    pub fn parse(sealed: &[u8]) -> Option<Self> {
        split(sealed)
            .ok()
            .map(|(key_id, seal_id, _)| Self { key_id, seal_id })
    }
}

/// The key id that a sealed value's header names.
pub(crate) fn key_id(sealed: &[u8]) -> Result<KeyId, OpenError> {
    split(sealed).map(|(key, _, _)| key)
}

fn put_header(out: &mut Vec<u8>, key: KeyId, seal_id: [u8; SEAL_ID]) {
    out.push(FORMAT);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&seal_id);
}

fn split(sealed: &[u8]) -> Result<(KeyId, [u8; SEAL_ID], &[u8]), OpenError> {
    let (&format, rest) = sealed.split_first().ok_or(OpenError::Malformed)?;
    let (key, rest) = rest
        .split_first_chunk::<KEY_ID>()
        .ok_or(OpenError::Malformed)?;
    let (seal_id, ciphertext) = rest
        .split_first_chunk::<SEAL_ID>()
        .ok_or(OpenError::Malformed)?;
    if format != FORMAT || ciphertext.len() < TAG {
        return Err(OpenError::Malformed);
    }
    Ok((KeyId::from_bytes(*key), *seal_id, ciphertext))
}

fn additional_data(purpose: &'static str, key: KeyId, aad: &[&[u8]]) -> Aad<Vec<u8>> {
    let mut bytes = length_prefixed(&[purpose.as_bytes(), &[FORMAT], key.as_bytes()], aad);
    Aad::from(std::mem::take(&mut *bytes))
}

fn nonce() -> Nonce {
    // Each seal has a key of its own, so the nonce need not differ (NIST SP 800-38D section 8).
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[expect(
    clippy::expect_used,
    reason = "AES-256-GCM takes keys of 32 bytes, and that is the type's length"
)]
fn aead_key(
    key: &RingKey,
    purpose: &'static str,
    secret: &[u8],
    seal_id: &[u8; SEAL_ID],
) -> LessSafeKey {
    let derived = key.derive(purpose, &[secret, seal_id]);
    LessSafeKey::new(
        UnboundKey::new(&AES_256_GCM, derived.as_slice()).expect("AES-256-GCM takes 32 bytes"),
    )
}

#[expect(
    clippy::expect_used,
    reason = "the limit is 64 GiB; what is sealed here is a session or a query parameter"
)]
fn encrypt(
    key: &RingKey,
    purpose: &'static str,
    secret: &[u8],
    aad: &[&[u8]],
    seal_id: &[u8; SEAL_ID],
    buffer: &mut [u8],
) -> [u8; TAG] {
    let tag = aead_key(key, purpose, secret, seal_id)
        .seal_in_place_separate_tag(nonce(), additional_data(purpose, key.id(), aad), buffer)
        .expect("AES-256-GCM seals anything shorter than 64 GiB");
    let mut out = [0; TAG];
    out.copy_from_slice(tag.as_ref());
    out
}
