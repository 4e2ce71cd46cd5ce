//! Reading a raw query, or the body of a form: each parameter at most once, percent-encoded UTF-8, of sane length
//! (RFC 6749 section 3.1: parameters must not be included more than once).

use std::collections::HashSet;

use percent_encoding::percent_decode_str;

use crate::code::Code;

/// The longest query of a protocol endpoint, in bytes. A code is some hundred bytes, a state at most 1,024.
pub(crate) const MAX_QUERY: usize = 16 * 1024;
/// The longest single value, in bytes before decoding. Some providers' codes are themselves signed tokens.
const MAX_VALUE: usize = 8 * 1024;

/// What is wrong with the form of a query of up to `max` bytes, whatever its parameters mean. Refused before anything
/// reads it.
pub(crate) fn check(query: &str, max: usize) -> Result<(), Code> {
    if query.len() > max {
        return Err(Code::ParameterTooLong);
    }
    let mut seen = HashSet::new();
    for (name, value) in pairs(query) {
        if value.len() > MAX_VALUE {
            return Err(Code::ParameterTooLong);
        }
        let name = decode(name).ok_or(Code::ParameterMalformed)?;
        decode(value).ok_or(Code::ParameterMalformed)?;
        if !seen.insert(name) {
            return Err(Code::ParameterRepeated);
        }
    }
    Ok(())
}

/// One parameter's value, decoded. A query that [`check`] passed has at most one.
pub(crate) fn get(query: &str, name: &str) -> Option<String> {
    pairs(query)
        .find(|(key, _)| decode(key).as_deref() == Some(name))
        .and_then(|(_, value)| decode(value))
}

/// One parameter's value, where it stands in the query exactly once, however broken the rest is.
pub(crate) fn only(query: &str, name: &str) -> Option<String> {
    let mut values = pairs(query)
        .filter(|(key, _)| decode(key).as_deref() == Some(name))
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) if value.len() <= MAX_VALUE => decode(value),
        _ => None,
    }
}

/// Whether a parameter of this name stands in the query, once or more often.
pub(crate) fn holds(query: &str, name: &str) -> bool {
    pairs(query).any(|(key, _)| decode(key).as_deref() == Some(name))
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let broken = bytes.iter().enumerate().any(|(at, byte)| {
        *byte == b'%'
            && !bytes
                .get(at + 1..at + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    if broken {
        return None;
    }
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::{MAX_QUERY, get, holds};
    use crate::code::Code;

    fn check(query: &str) -> Result<(), Code> {
        super::check(query, MAX_QUERY)
    }

    #[test]
    fn each_parameter_comes_once_in_utf8() {
        assert_eq!(check("code=a&state=b&unknown=c&flag"), Ok(()));
        assert_eq!(check(""), Ok(()));
        assert_eq!(check("code=a&code=a"), Err(Code::ParameterRepeated));
        assert_eq!(check("code=a&%63ode=b"), Err(Code::ParameterRepeated));
        assert_eq!(check("code=%ff"), Err(Code::ParameterMalformed));
        assert_eq!(check("code=%2"), Err(Code::ParameterMalformed));
        assert_eq!(check("code=%zz"), Err(Code::ParameterMalformed));
        assert_eq!(
            check(&format!("code={}", "a".repeat(MAX_QUERY))),
            Err(Code::ParameterTooLong)
        );
        assert_eq!(
            check(&format!("code={}", "a".repeat(9000))),
            Err(Code::ParameterTooLong)
        );
    }

    #[test]
    fn a_parameter_is_seen_however_it_is_spelled() {
        assert!(holds("a=b&%63ode=", "code") && holds("code", "code"));
        assert!(!holds("a=code&codes=b", "code"));
    }

    #[test]
    fn values_are_decoded_once() {
        assert_eq!(
            get("a=1&return_to=%2Fa%2520b%3Fc+d", "return_to").as_deref(),
            Some("/a%20b?c d")
        );
        assert_eq!(get("a=1", "b"), None);
        assert_eq!(get("flag", "flag").as_deref(), Some(""));
    }
}
