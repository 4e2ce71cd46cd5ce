//! Reading a raw query, or the body of a form: each parameter at most once, percent-encoded UTF-8, of sane length
//! (RFC 6749 section 3.1: parameters must not be included more than once).

use std::borrow::Cow;

use cloakroom_oidc::FormError;
use cloakroom_oidc::form::{self, Form};

use crate::code::Code;

/// What is wrong with the form of a query, whatever its parameters mean. Refused before anything reads it.
pub(crate) fn check(query: &str) -> Result<(), Code> {
    match Form::parse(query) {
        Ok(_) => Ok(()),
        Err(FormError::TooLong) => Err(Code::ParameterTooLong),
        Err(FormError::RepeatedParameter) => Err(Code::ParameterRepeated),
        Err(_) => Err(Code::ParameterMalformed),
    }
}

/// One parameter's value, decoded, of a query that [`check`] passes; nothing of any other.
pub(crate) fn get(query: &str, name: &str) -> Option<String> {
    Form::parse(query).ok()?.get(name).map(str::to_owned)
}

/// One parameter's value, where it stands in the query exactly once, however broken the rest is.
pub(crate) fn only(query: &str, name: &str) -> Option<String> {
    form::only(query, name, form::MAX_VALUE).map(Cow::into_owned)
}

/// Whether a parameter of this name stands in the query, once or more often, whatever its value.
pub(crate) fn holds(query: &str, name: &str) -> bool {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .any(|pair| {
            let key = pair.split_once('=').map_or(pair, |(key, _)| key);
            get(&format!("{key}="), name).is_some()
        })
}

#[cfg(test)]
mod tests {
    use cloakroom_oidc::form::MAX_BYTES;

    use super::{check, get, holds, only};
    use crate::code::Code;

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
            check(&format!("code={}", "a".repeat(MAX_BYTES))),
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
        assert!(holds("code=%zz", "code") && holds("=c", ""));
        assert!(!holds("a=code&codes=b", "code"));
    }

    #[test]
    fn what_stands_there_once_is_read_however_broken_the_rest_is() {
        assert_eq!(
            only("a=%zz&state=b%20c&a=1&a=2", "state").as_deref(),
            Some("b c")
        );
        assert_eq!(only("state=b&st%61te=c", "state"), None);
        assert_eq!(only("state=b&state=%zz", "state"), None);
        assert_eq!(only("a=state", "state"), None);
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
