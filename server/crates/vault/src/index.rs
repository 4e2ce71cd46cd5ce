//! Finding records without their ticket: what a record can be found by is stored as an HMAC (RFC 2104) under a
//! ring-derived key, so that a stolen store does not say whose sessions it holds.

use std::fmt;

use zeroize::Zeroizing;

use crate::encode::length_prefixed;
use crate::key_ring::{KeyRing, RingKey};

const LABEL: &str = "cloakroom index";

/// Something a record can be found by, such as the pair of issuer and subject. Its [`Debug`] says nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexTerm(Zeroizing<Vec<u8>>);

impl IndexTerm {
    /// A term of this kind. The kind and each part count for themselves: `["ab", "c"]` is not `["a", "bc"]`.
    pub fn new(kind: &'static str, parts: &[&str]) -> Self {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        Self(length_prefixed(&[kind.as_bytes()], &parts))
    }

    pub(crate) fn from_encoded(encoded: &[u8]) -> Self {
        Self(Zeroizing::new(encoded.to_vec()))
    }

    pub(crate) fn encoded(&self) -> &[u8] {
        &self.0
    }

    /// As it is written: under this key of the ring.
    pub(crate) fn key_under(&self, key: &RingKey) -> IndexKey {
        IndexKey(key.mac(LABEL, &[&self.0]))
    }

    /// As it is looked up: under every key of the ring.
    pub(crate) fn keys_under(&self, ring: &KeyRing) -> Vec<IndexKey> {
        ring.keys().iter().map(|key| self.key_under(key)).collect()
    }
}

impl fmt::Debug for IndexTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexTerm(..)")
    }
}

/// An [`IndexTerm`] as a store sees it: HMAC-SHA256 under a key derived from one key of the ring.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexKey([u8; 32]);

impl IndexKey {
    /// From its bytes, as a store read them.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey(..)")
    }
}
