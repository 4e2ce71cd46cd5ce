//! The ticket: a session's secret id, which the browser keeps in a cookie and which is stored nowhere else.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::encode::length_prefixed;

/// Bytes of a ticket: 128 random bits.
const TICKET_BYTES: usize = 16;
/// Characters of a ticket as text.
const TICKET_CHARS: usize = 22;
const LABEL: &[u8] = b"cloakroom store key";

/// The text is not a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a ticket: a ticket is 22 characters of base64url without padding")]
pub struct TicketError;

impl TicketError {
    /// A stable name for logs and tests.
    pub fn code(&self) -> &'static str {
        "ticket_malformed"
    }
}

/// A session's secret id, 128 random bits. As text it is 22 characters of base64url without padding (RFC 4648
/// section 5), and only the canonical ones: no two texts are the same ticket.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Ticket([u8; TICKET_BYTES]);

impl Ticket {
    /// From 16 random bytes.
    pub fn from_bytes(bytes: [u8; TICKET_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads [`Self::to_text`].
    pub fn parse(text: &str) -> Result<Self, TicketError> {
        // Longer text is refused before it is decoded: it comes from outside.
        if text.len() != TICKET_CHARS {
            return Err(TicketError);
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| TicketError)?);
        <[u8; TICKET_BYTES]>::try_from(bytes.as_slice())
            .map(Self)
            .map_err(|_| TicketError)
    }

    /// As the cookie carries it: 22 characters.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// Its bytes. They open the record: keep them out of every log.
    pub fn bytes(&self) -> &[u8; TICKET_BYTES] {
        &self.0
    }

    /// Where its record is stored.
    pub fn store_key(&self) -> StoreKey {
        StoreKey(sha256(&[LABEL, &self.0]))
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}

/// Where a record is stored: SHA-256 over a label and the ticket. It does not lead back to the ticket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// From its bytes, as a store read them.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

/// SHA-256 (FIPS 180-4) over the parts, length-prefixed.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, &length_prefixed(&[], parts));
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}
