//! One unambiguous way to write several byte strings as one: each is preceded by its length, 8 bytes, big-endian.

use zeroize::Zeroizing;

const LENGTH: usize = 8;

/// The parts of both lists in order, each length-prefixed. Allocated once, so that no copy of a secret part is left
/// behind by growth.
pub(crate) fn length_prefixed(head: &[&[u8]], rest: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let size = head
        .iter()
        .chain(rest)
        .map(|part| LENGTH + part.len())
        .sum();
    let mut out = Zeroizing::new(Vec::with_capacity(size));
    for part in head.iter().chain(rest) {
        put(&mut out, part);
    }
    out
}

/// Appends one length-prefixed part.
pub(crate) fn put(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u64).to_be_bytes());
    out.extend_from_slice(part);
}

/// Bytes that [`put`] adds for a part of this length.
pub(crate) fn put_size(length: usize) -> usize {
    LENGTH + length
}

/// Takes one length-prefixed part off the front; `None` where the bytes do not hold one.
pub(crate) fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_number(bytes)?;
    let (part, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(part)
}

/// Takes an 8-byte big-endian number off the front.
pub(crate) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk::<LENGTH>()?;
    *bytes = rest;
    Some(u64::from_be_bytes(*number))
}
