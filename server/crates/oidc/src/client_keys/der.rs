//! As much of DER as tells what kind of key a structure holds (X.690 sections 8 and 10). Keys themselves are read by aws-lc.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0]`, constructed: the curve in RFC 5915's `ECPrivateKey`.
pub(super) const CONTEXT_0: u8 = 0xA0;

/// The content of a value with that tag, and what stands after it.
pub(super) fn take(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            let length = digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    if found != tag {
        return None;
    }
    rest.split_at_checked(length)
}

/// An unsigned integer without the zero byte that keeps it from being negative.
pub(super) fn unsigned(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (content, rest) = take(INTEGER, der)?;
    let zeros = content.iter().take_while(|byte| **byte == 0).count();
    Some((&content[zeros..], rest))
}
