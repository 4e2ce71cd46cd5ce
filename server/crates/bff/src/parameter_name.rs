//! Names of authorization request parameters that an operator may add (RFC 6749 section 8.2, OpenID Connect Core
//! section 3.1.2.1). A name that the protocol itself writes, or that carries a secret, cannot be one.

use std::fmt;

use thiserror::Error;

/// The longest name, in bytes.
const MAX_BYTES: usize = 64;

/// Written by every sign-in, decided by a setting of their own, or never to be in an address: the first of two values
/// would be believed by one provider and the second by another.
const PROTOCOL: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "registration",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "assertion",
    "subject_token",
    "actor_token",
    "code",
    "code_verifier",
    "grant_type",
    "refresh_token",
    "access_token",
    "id_token",
    "id_token_hint",
    "token",
    "dpop_jkt",
    "sessiontoken",
    "username",
    "password",
    "iss",
    "error",
    "return_to",
];

/// Known to every sign-in link, where each is checked in a way of its own; some are verified in the ID token.
const KNOWN: &[&str] = &["prompt", "max_age", "acr_values", "login_hint"];

/// Known to every sign-in link, where each is checked in a way of its own; a value for all sign-ins may be fixed.
const LINK: &[&str] = &["ui_locales", "idp"];

/// The name of a parameter that goes to the provider besides the protocol's own, such as `resource` or `audience`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParameterName(String);

/// Why a name cannot be one of an added parameter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParameterNameError {
    /// Empty, longer than 64 bytes, or not of printable ASCII (RFC 6749 section 8.2).
    #[error(
        "a parameter's name is of 1 to 64 printable ASCII characters, without spaces and without & and ="
    )]
    Malformed,
    /// Written by the protocol itself, or never to stand in an address.
    #[error("{0} belongs to the protocol and is written by every sign-in itself: take it away")]
    Protocol(String),
    /// Every sign-in link may carry it already.
    #[error("{0} is understood by every sign-in link already: take it away")]
    Known(String),
}

impl ParameterNameError {
    /// A stable name for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "parameter_name_malformed",
            Self::Protocol(_) => "parameter_name_protocol",
            Self::Known(_) => "parameter_name_known",
        }
    }
}

impl ParameterName {
    /// A name that a sign-in link may carry besides those that it always may.
    pub fn of_link(text: &str) -> Result<Self, ParameterNameError> {
        let name = Self::fixed(text)?;
        if is_one_of(LINK, &name.0) {
            return Err(ParameterNameError::Known(name.0));
        }
        Ok(name)
    }

    /// A name whose value every authorization request carries.
    pub fn fixed(text: &str) -> Result<Self, ParameterNameError> {
        let sound = (1..=MAX_BYTES).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"&=".contains(&byte));
        if !sound {
            return Err(ParameterNameError::Malformed);
        }
        if is_one_of(PROTOCOL, text) {
            return Err(ParameterNameError::Protocol(text.to_owned()));
        }
        if is_one_of(KNOWN, text) {
            return Err(ParameterNameError::Known(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ParameterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Case does not make another name of it: some providers do not look at it.
fn is_one_of(names: &[&str], text: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::{ParameterName, ParameterNameError};

    #[test]
    fn names_of_a_provider_s_own_pass() {
        for name in [
            "resource",
            "audience",
            "connection",
            "organization",
            "x.y-z_1",
            "kc_idp_hint",
        ] {
            assert_eq!(
                ParameterName::of_link(name).map(|name| name.as_str().to_owned()),
                Ok(name.to_owned())
            );
        }
        assert!(ParameterName::fixed("ui_locales").is_ok());
    }

    #[test]
    fn what_the_protocol_writes_cannot_be_added() {
        for name in [
            "client_id",
            "redirect_uri",
            "state",
            "nonce",
            "response_type",
            "response_mode",
            "scope",
            "code_challenge",
            "code_challenge_method",
            "request",
            "request_uri",
            "client_secret",
            "Client_ID",
            "REQUEST",
            "sessionToken",
        ] {
            assert_eq!(
                ParameterName::of_link(name),
                Err(ParameterNameError::Protocol(name.to_owned()))
            );
            assert_eq!(
                ParameterName::fixed(name),
                Err(ParameterNameError::Protocol(name.to_owned()))
            );
        }
        for name in ["prompt", "max_age", "acr_values", "login_hint"] {
            assert!(matches!(
                ParameterName::fixed(name),
                Err(ParameterNameError::Known(_))
            ));
        }
        assert!(matches!(
            ParameterName::of_link("idp"),
            Err(ParameterNameError::Known(_))
        ));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", "a b", "a=b", "a&b", "\u{e4}", "a\n", &"a".repeat(65)] {
            assert_eq!(
                ParameterName::fixed(name),
                Err(ParameterNameError::Malformed),
                "{name}"
            );
        }
    }
}
