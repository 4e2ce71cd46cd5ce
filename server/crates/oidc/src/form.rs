//! Reading `application/x-www-form-urlencoded`, which queries and form bodies are written in, one way only (RFC 6749 section 3.1 and appendix B, RFC 3986 section 2.1).
//!
//! The usual decoders repair what they cannot read, and answer the first or the last of two values. Here what cannot
//! be decoded is refused, and a parameter that is there twice is none.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use thiserror::Error;

/// The longest form that is read, in bytes. A code is some hundred bytes, a state at most 1,024.
pub const MAX_BYTES: usize = 16 * 1024;

/// The longest single value, in bytes before decoding. Some providers' codes are themselves signed tokens.
pub const MAX_VALUE: usize = 8 * 1024;

/// A form in which each parameter is there once at most.
#[derive(Clone)]
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Why a form was refused, whatever its parameters mean.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormError {
    /// More than [`MAX_BYTES`] in all, or [`MAX_VALUE`] in one value.
    #[error("the parameters are too long; follow the link or send the form again, unchanged")]
    TooLong,
    /// Percent-encoding that is none, or bytes that are not UTF-8 (RFC 3986 section 2.1, RFC 6749 appendix B).
    #[error("the parameters are not properly encoded; they must be percent-encoded UTF-8")]
    Malformed,
    /// A parameter that is there twice (RFC 6749 section 3.1).
    #[error("a parameter is there twice; each may come once only")]
    RepeatedParameter,
}

error_codes!(FormError {
    Self::TooLong => "form_too_long",
    Self::Malformed => "form_malformed",
    Self::RepeatedParameter => "form_repeated_parameter",
});

impl<'a> Form<'a> {
    /// Reads a query, without its `?`, or a form body. Every parameter counts, also those that mean nothing.
    pub fn parse(text: &'a str) -> Result<Self, FormError> {
        if text.len() > MAX_BYTES || raw_pairs(text).any(|(_, value)| value.len() > MAX_VALUE) {
            return Err(FormError::TooLong);
        }
        let pairs: Vec<_> = pairs(text)
            .collect::<Option<_>>()
            .ok_or(FormError::Malformed)?;
        let mut names: Vec<&str> = pairs
            .iter()
            .map(|(name, _): &(Cow<'_, str>, _)| &**name)
            .collect();
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(FormError::RepeatedParameter);
        }
        Ok(Self { pairs })
    }

    /// Reads a body as it came over the wire.
    pub fn parse_bytes(body: &'a [u8]) -> Result<Self, FormError> {
        if body.len() > MAX_BYTES {
            return Err(FormError::TooLong);
        }
        Self::parse(std::str::from_utf8(body).map_err(|_| FormError::Malformed)?)
    }

    /// The value of a parameter, decoded; empty for one without `=`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The parameters in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (&**name, &**value))
    }
}

// Values are codes and tokens; names may be anything.
impl std::fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Form")
            .field("parameters", &self.pairs.len())
            .finish_non_exhaustive()
    }
}

/// Each name with its value, decoded; `None` for a pair that cannot be. A name may come again.
pub fn pairs(text: &str) -> impl Iterator<Item = Option<(Cow<'_, str>, Cow<'_, str>)>> {
    raw_pairs(text).map(|(name, value)| Some((decode(name)?, decode(value)?)))
}

/// The value of a parameter that is there exactly once and well-formed, of at most `max` bytes before decoding, however
/// broken the rest of the form is.
pub fn only<'a>(text: &'a str, name: &str, max: usize) -> Option<Cow<'a, str>> {
    let mut values = raw_pairs(text)
        .filter(|(key, _)| decode(key).is_some_and(|key| key == name))
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) if value.len() <= max => decode(value),
        _ => None,
    }
}

pub(crate) fn raw_pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Form decoding that refuses what it cannot decode, where the usual decoders pass it on or replace it.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    let bytes = text.as_bytes();
    let sound = bytes.iter().enumerate().all(|(at, byte)| {
        *byte != b'%'
            || bytes
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !sound {
        return None;
    }
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8().ok();
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(|decoded| Cow::Owned(decoded.into_owned()))
}
