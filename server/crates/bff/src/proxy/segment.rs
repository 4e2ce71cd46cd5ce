//! One segment of a path: whether it is its own normal form, and means the same to every server
//! (RFC 3986 sections 2 and 3.3).

use std::borrow::Cow;

use thiserror::Error;

/// Why a segment is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum SegmentError {
    #[error("a character that does not stand plainly in a path")]
    Character,
    #[error("empty")]
    Empty,
    #[error("dots")]
    Dots,
    #[error("an escape that is not in its normal form")]
    Escape,
    #[error("an encoded slash")]
    Slash,
    #[error("an encoded percent sign before what would be an escape")]
    EncodedTwice,
}

/// Checks a segment that is not the last one, or not empty.
pub(crate) fn check(segment: &str) -> Result<(), SegmentError> {
    if segment.is_empty() {
        return Err(SegmentError::Empty);
    }
    if !segment.bytes().all(|b| is_plain(b) || b == b'%') {
        return Err(SegmentError::Character);
    }
    let decoded = if segment.contains('%') {
        Cow::Owned(decode(segment.as_bytes())?)
    } else {
        Cow::Borrowed(segment)
    };
    if decoded.chars().any(is_like_a_slash) {
        return Err(SegmentError::Slash);
    }
    if is_dots(&decoded) {
        return Err(SegmentError::Dots);
    }
    Ok(())
}

/// `pchar` (RFC 3986 section 3.3) without `;`, at which Java servers cut a segment short, and without `@`.
fn is_plain(b: u8) -> bool {
    is_unreserved(b) || b"!$&'()*+,=:".contains(&b)
}

fn is_unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~".contains(&b)
}

/// The text that the escapes stand for, once decoded.
fn decode(segment: &[u8]) -> Result<String, SegmentError> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut rest = segment;
    while let [first, after @ ..] = rest {
        if *first != b'%' {
            decoded.push(*first);
            rest = after;
            continue;
        }
        let [high, low, after @ ..] = after else {
            return Err(SegmentError::Escape);
        };
        let value = upper_hex(*high).zip(upper_hex(*low));
        let byte = value.map_or(Err(SegmentError::Escape), |(high, low)| {
            judge(high << 4 | low, after)
        })?;
        decoded.push(byte);
        rest = after;
    }
    let text = String::from_utf8(decoded).map_err(|_| SegmentError::Escape)?;
    // Also those of two bytes, U+0080 to U+009F.
    if text.chars().any(char::is_control) {
        return Err(SegmentError::Escape);
    }
    Ok(text)
}

/// Whether an escaped byte may stand before `after`.
fn judge(byte: u8, after: &[u8]) -> Result<u8, SegmentError> {
    match byte {
        b'/' | b'\\' => Err(SegmentError::Slash),
        // Before anything that a second decoding, or IIS's %uXXXX, could take for an escape.
        b'%' if after
            .first()
            .is_some_and(|next| next.is_ascii_hexdigit() || matches!(next, b'u' | b'U')) =>
        {
            Err(SegmentError::EncodedTwice)
        }
        _ if is_unreserved(byte) => Err(SegmentError::Escape),
        _ => Ok(byte),
    }
}

fn upper_hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Characters that become a slash or a backslash where a server normalises text (NFKC) or fits it into a code page.
fn is_like_a_slash(c: char) -> bool {
    matches!(
        c,
        '\u{2044}'
            | '\u{2215}'
            | '\u{2216}'
            | '\u{29F5}'
            | '\u{29F8}'
            | '\u{FE68}'
            | '\u{FF0F}'
            | '\u{FF3C}'
    )
}

/// Whether a segment is `.` or `..`, or would be for a server that cuts it at a delimiter, drops blanks at its end as
/// Windows does, or normalises dots.
fn is_dots(decoded: &str) -> bool {
    let head = decoded.split(['?', '#', ';', ':']).next().unwrap_or("");
    let is_dot = |c: char| {
        matches!(
            c,
            '.' | '\u{2024}' | '\u{2025}' | '\u{2026}' | '\u{FE52}' | '\u{FF0E}'
        )
    };
    let is_blank = |c: char| {
        c.is_whitespace()
            || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
    };
    !head.is_empty() && head.chars().all(|c| is_dot(c) || is_blank(c))
}
