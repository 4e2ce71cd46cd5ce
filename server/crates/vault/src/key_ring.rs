//! The keys: the first seals, all open. No ring key is used directly; every use has a key of its own, derived by
//! HKDF-SHA256 (RFC 5869) under a label.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD,
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::encode::length_prefixed;

/// Bytes of a ring key, and of every key derived from one.
const KEY_BYTES: usize = 32;
/// Bytes of a key's id.
const KEY_ID_BYTES: usize = 6;
/// The HKDF salt (RFC 5869 section 3.1): public, and of this program alone.
const SALT: &[u8] = b"cloakroom key ring 1";

// The first part of every HKDF info, so that the three uses cannot meet.
const FOR_ID: &[u8] = b"key id";
const FOR_KEY: &[u8] = b"derived key";
const FOR_MAC: &[u8] = b"mac key";

/// Why a key ring was refused. Positions count from 1; no variant carries any of the key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// No key at all.
    #[error(
        "the key ring is empty: give at least one key, base64 of 32 random bytes, as `openssl rand -base64 32` prints"
    )]
    Empty,
    /// Two commas in a row, or one at either end.
    #[error(
        "key {position} of the ring is empty: remove the extra comma, or put the missing key there"
    )]
    EmptyKey {
        /// Which, counted from 1.
        position: usize,
    },
    /// Not base64 (RFC 4648 section 4 or 5).
    #[error(
        "key {position} of the ring is not base64: it must be base64 of 32 random bytes, as `openssl rand -base64 32` prints"
    )]
    NotBase64 {
        /// Which, counted from 1.
        position: usize,
    },
    /// Not 32 bytes.
    #[error(
        "key {position} of the ring has {bytes} bytes: it must have 32, as `openssl rand -base64 32` prints"
    )]
    WrongLength {
        /// Which, counted from 1.
        position: usize,
        /// How many it has.
        bytes: usize,
    },
    /// The same key twice.
    #[error("key {position} of the ring is the same as key {first}: remove one of them")]
    Duplicate {
        /// Which, counted from 1.
        position: usize,
        /// Where it stood first.
        first: usize,
    },
}

impl KeyRingError {
    /// A stable name for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "key_ring_empty",
            Self::EmptyKey { .. } => "key_ring_empty_key",
            Self::NotBase64 { .. } => "key_ring_not_base64",
            Self::WrongLength { .. } => "key_ring_wrong_length",
            Self::Duplicate { .. } => "key_ring_duplicate",
        }
    }
}

/// The text is not a key's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a key's id is 8 characters of base64url")]
pub struct KeyIdError;

impl KeyIdError {
    /// A stable name for logs and tests.
    pub fn code(&self) -> &'static str {
        "key_id_malformed"
    }
}

/// Names a ring key without saying anything of it: 6 bytes derived from it by HKDF. Written as 8 characters of
/// base64url (RFC 4648 section 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    /// From its bytes, as a sealed value's header carries them.
    pub fn from_bytes(bytes: [u8; KEY_ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_ID_BYTES] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyIdError)?;
        bytes.try_into().map(Self).map_err(|_| KeyIdError)
    }
}

/// One key of the ring. Cloning shares it; the last clone to go wipes it.
#[derive(Clone)]
pub struct RingKey(Arc<Inner>);

struct Inner {
    id: KeyId,
    // aws-lc-rs wipes the key material that this holds when it is dropped.
    prk: hkdf::Prk,
}

impl RingKey {
    fn new(key: &[u8; KEY_BYTES]) -> Self {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(key);
        let mut id = [0; KEY_ID_BYTES];
        expand(&prk, &length_prefixed(&[FOR_ID], &[]), &mut id);
        Self(Arc::new(Inner { id: KeyId(id), prk }))
    }

    /// Its public name.
    pub fn id(&self) -> KeyId {
        self.0.id
    }

    /// A key of 32 bytes for one use: HKDF-SHA256 (RFC 5869) with the label and each part of the context,
    /// length-prefixed, as info. Another label or another division of the same context gives another key.
    pub fn derive(&self, label: &'static str, context: &[&[u8]]) -> Zeroizing<[u8; KEY_BYTES]> {
        self.expand(&[FOR_KEY, label.as_bytes()], context)
    }

    /// HMAC-SHA256 (RFC 2104) over the parts, length-prefixed, under a key of the label's own.
    pub fn mac(&self, label: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let tag = hmac::sign(&self.mac_key(label), &length_prefixed(&[], parts));
        let mut out = [0; 32];
        // HMAC-SHA256 has 32 bytes.
        out.copy_from_slice(tag.as_ref());
        out
    }

    /// Whether `tag` is [`Self::mac`] of the same label and parts, compared in constant time.
    pub fn verify_mac(&self, label: &'static str, parts: &[&[u8]], tag: &[u8]) -> bool {
        hmac::verify(&self.mac_key(label), &length_prefixed(&[], parts), tag).is_ok()
    }

    fn mac_key(&self, label: &'static str) -> hmac::Key {
        hmac::Key::new(
            hmac::HMAC_SHA256,
            self.expand(&[FOR_MAC, label.as_bytes()], &[]).as_slice(),
        )
    }

    fn expand(&self, head: &[&[u8]], context: &[&[u8]]) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut out = Zeroizing::new([0; KEY_BYTES]);
        expand(
            &self.0.prk,
            &length_prefixed(head, context),
            out.as_mut_slice(),
        );
        out
    }
}

impl fmt::Debug for RingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RingKey({}, ..)", self.id())
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[expect(
    clippy::expect_used,
    reason = "the lengths asked for here are far below the limit of RFC 5869 section 2.3"
)]
fn expand(prk: &hkdf::Prk, info: &[u8], out: &mut [u8]) {
    prk.expand(&[info], Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("at most 255 times 32 bytes can be asked for");
}

/// The keys, in the order they were given: the first seals, all open. Cloning shares them.
#[derive(Debug, Clone)]
pub struct KeyRing(Arc<Keys>);

#[derive(Debug)]
struct Keys {
    sealing: RingKey,
    // Every key, the sealing one first.
    all: Vec<RingKey>,
}

impl KeyRing {
    /// Reads comma-separated keys, each base64 (standard or URL-safe, padded or not) of 32 bytes. White space around a
    /// key is ignored.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        if text.trim().is_empty() {
            return Err(KeyRingError::Empty);
        }
        // Sized beforehand: growth would leave copies of the keys behind.
        let mut keys = Zeroizing::new(Vec::with_capacity(text.split(',').count()));
        for (index, part) in text.split(',').enumerate() {
            keys.push(*parse_key(part.trim(), index + 1)?);
        }
        Self::from_secrets(&keys)
    }

    /// From keys of 32 random bytes each. The copies given are wiped.
    pub fn from_keys(keys: Vec<[u8; KEY_BYTES]>) -> Result<Self, KeyRingError> {
        Self::from_secrets(&Zeroizing::new(keys))
    }

    fn from_secrets(keys: &[[u8; KEY_BYTES]]) -> Result<Self, KeyRingError> {
        let mut all: Vec<RingKey> = Vec::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            let key = RingKey::new(key);
            // Ids must be unique as well, so comparing them finds every duplicate without keeping the keys.
            if let Some(first) = all.iter().position(|other| other.id() == key.id()) {
                return Err(KeyRingError::Duplicate {
                    position: index + 1,
                    first: first + 1,
                });
            }
            all.push(key);
        }
        let sealing = all.first().ok_or(KeyRingError::Empty)?.clone();
        Ok(Self(Arc::new(Keys { sealing, all })))
    }

    /// The key that seals: the first.
    pub fn sealing_key(&self) -> &RingKey {
        &self.0.sealing
    }

    /// The key of this id, where the ring has it.
    pub fn key(&self, id: KeyId) -> Option<&RingKey> {
        self.keys().iter().find(|key| key.id() == id)
    }

    /// Every key, the sealing one first. Never empty.
    pub fn keys(&self) -> &[RingKey] {
        &self.0.all
    }
}

/// A key as it is written to a file: standard base64 with padding, 44 characters.
pub fn encode_key(key: &[u8; KEY_BYTES]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(key))
}

fn parse_key(text: &str, position: usize) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyRingError> {
    if text.is_empty() {
        return Err(KeyRingError::EmptyKey { position });
    }
    let alphabet = if text.contains(['-', '_']) {
        &alphabet::URL_SAFE
    } else {
        &alphabet::STANDARD
    };
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(alphabet, lenient)
        .decode(text)
        .map(Zeroizing::new)
        .map_err(|_| KeyRingError::NotBase64 { position })?;
    <[u8; KEY_BYTES]>::try_from(bytes.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| KeyRingError::WrongLength {
            position,
            bytes: bytes.len(),
        })
}
