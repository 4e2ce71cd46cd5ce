//! The authorization response that the browser brings back (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207, OpenID Connect Core section 3.1.2.5).

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::metadata::ProviderMetadata;
use crate::secret::AuthorizationCode;
use crate::{form, hint, text};

/// The longest query that is read, in bytes.
pub const MAX_QUERY: usize = 16 * 1024;
/// The longest code, in bytes.
pub const MAX_CODE: usize = 4 * 1024;
/// The longest state, in bytes.
pub const MAX_STATE: usize = 1024;
/// The longest `iss`, in bytes.
const MAX_ISS: usize = 2 * 1024;

/// What the provider answered, by way of the browser: nothing in it is to be believed before `state` is checked.
#[derive(Clone)]
pub enum AuthorizationResponse {
    /// A code to exchange (RFC 6749 section 4.1.2).
    Code {
        /// The code, 1 to 4,096 visible characters.
        code: AuthorizationCode,
        /// The `state` of the request, 1 to 1,024 visible characters.
        state: String,
        /// Who answered (RFC 9207), not checked yet.
        iss: Option<String>,
    },
    /// A refusal (RFC 6749 section 4.1.2.1).
    Error {
        /// The error code, at most 128 characters, without control characters.
        error: String,
        /// Text from outside: at most 512 characters, without control characters, not escaped.
        description: Option<String>,
        /// A page about the error: text from outside, not to be linked to unseen.
        uri: Option<String>,
        /// The `state` of the request, 1 to 1,024 visible characters.
        state: String,
        /// Who answered (RFC 9207), not checked yet.
        iss: Option<String>,
    },
}

/// Why an authorization response was refused, and its state where that was legible.
#[derive(Clone, Error)]
#[error("{kind}")]
pub struct AuthorizationResponseError {
    kind: AuthorizationResponseErrorKind,
    state: Option<String>,
}

/// What is wrong with an authorization response. No token request may follow.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorizationResponseErrorKind {
    /// More than 16 KiB in all, a code of more than 4 KiB, a state of more than 1,024 bytes.
    #[error("the sign-in answer is too long; start the sign-in again")]
    TooLong,
    /// Percent-encoding that is none, bytes that are not UTF-8, or characters that RFC 6749 appendix A excludes.
    #[error("the sign-in answer is not properly encoded; start the sign-in again")]
    Malformed,
    /// A parameter that appears twice (RFC 6749 section 3.1, RFC 9207 section 2).
    #[error("the sign-in answer has the parameter {0} twice; start the sign-in again")]
    RepeatedParameter(&'static str),
    /// No state, or an empty one (RFC 6749 section 10.12).
    #[error("the sign-in answer has no state; start the sign-in again")]
    MissingState,
    /// Neither code nor error (RFC 6749 section 4.1.2).
    #[error("the sign-in answer has neither a code nor an error; start the sign-in again")]
    NeitherCodeNorError,
    /// Both code and error (RFC 6749 section 4.1.2).
    #[error("the sign-in answer has both a code and an error; start the sign-in again")]
    BothCodeAndError,
    /// An empty code (RFC 6749 appendix A.11).
    #[error("the sign-in answer has an empty code; start the sign-in again")]
    EmptyCode,
    /// `iss` is not the issuer that was asked (RFC 9207 section 2.4).
    #[error(
        "the sign-in answer comes from another provider than the one asked; start the sign-in again"
    )]
    IssuerMismatch,
    /// The provider announces `iss` and the answer has none (RFC 9207 section 2.4).
    #[error(
        "the sign-in answer does not say which provider it comes from, though this one always says so; start the sign-in again"
    )]
    IssuerMissing,
}

error_codes!(AuthorizationResponseErrorKind {
    Self::TooLong => "authorization_response_too_long",
    Self::Malformed => "authorization_response_malformed",
    Self::RepeatedParameter(_) => "authorization_response_repeated_parameter",
    Self::MissingState => "authorization_response_missing_state",
    Self::NeitherCodeNorError => "authorization_response_neither_code_nor_error",
    Self::BothCodeAndError => "authorization_response_both_code_and_error",
    Self::EmptyCode => "authorization_response_empty_code",
    Self::IssuerMismatch => "authorization_response_issuer_mismatch",
    Self::IssuerMissing => "authorization_response_issuer_missing",
});

impl AuthorizationResponseError {
    /// What is wrong.
    pub fn kind(&self) -> AuthorizationResponseErrorKind {
        self.kind
    }

    /// The kind's stable code.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The state, where it was there once and well-formed: enough to find the way back, no proof of anything.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

// The state is not for logs.
impl fmt::Debug for AuthorizationResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationResponseError")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { iss, .. } => f
                .debug_struct("Code")
                .field("iss", iss)
                .finish_non_exhaustive(),
            Self::Error {
                error, description, ..
            } => f
                .debug_struct("Error")
                .field("error", error)
                .field("description", description)
                .finish_non_exhaustive(),
        }
    }
}

impl AuthorizationResponse {
    /// Reads the raw query of the callback, without its `?`. Unknown parameters are ignored.
    ///
    /// The body of a `form_post` answer has the same form and is read by the same function (OAuth 2.0 Form Post
    /// Response Mode section 2): give it the body of the POST, whose content type must be
    /// `application/x-www-form-urlencoded`, and not its query, for an answer in the one must not be completed from the
    /// other.
    pub fn parse(query: &str) -> Result<Self, AuthorizationResponseError> {
        Self::read(query).map_err(|kind| AuthorizationResponseError {
            kind,
            state: legible_state(query),
        })
    }

    fn read(query: &str) -> Result<Self, AuthorizationResponseErrorKind> {
        use AuthorizationResponseErrorKind as Kind;
        if query.len() > MAX_QUERY {
            return Err(Kind::TooLong);
        }
        let found = Parameters::read(query)?;
        let state = found
            .state
            .filter(|state| !state.is_empty())
            .ok_or(Kind::MissingState)?;
        check(&state, MAX_STATE)?;
        if let Some(iss) = &found.iss {
            check(iss, MAX_ISS)?;
        }
        let state = state.into_owned();
        let iss = found.iss.map(Cow::into_owned);
        match (found.code, found.error) {
            (Some(_), Some(_)) => Err(Kind::BothCodeAndError),
            (None, None) => Err(Kind::NeitherCodeNorError),
            (Some(code), None) => {
                if code.is_empty() {
                    return Err(Kind::EmptyCode);
                }
                check(&code, MAX_CODE)?;
                Ok(Self::Code {
                    code: AuthorizationCode::new(code),
                    state,
                    iss,
                })
            }
            (None, Some(error)) => {
                if error.is_empty() {
                    return Err(Kind::NeitherCodeNorError);
                }
                let bounded = |value: Option<Cow<'_, str>>| {
                    value.map(|words| text::bounded(&words, text::DESCRIPTION))
                };
                Ok(Self::Error {
                    error: text::bounded(&error, text::NAME),
                    description: bounded(found.error_description),
                    uri: bounded(found.error_uri),
                    state,
                    iss,
                })
            }
        }
    }

    /// The `state` that came back.
    pub fn state(&self) -> &str {
        match self {
            Self::Code { state, .. } | Self::Error { state, .. } => state,
        }
    }

    /// Checks who answered (RFC 9207 section 2.4): an `iss` must be the issuer to the letter, and a provider that
    /// announces `iss` must send it with a code. An error without it is let through, for nothing but the
    /// error's own words comes of it.
    pub fn check_issuer(
        &self,
        metadata: &ProviderMetadata,
    ) -> Result<(), AuthorizationResponseError> {
        use AuthorizationResponseErrorKind as Kind;
        let (iss, is_code) = match self {
            Self::Code { iss, .. } => (iss, true),
            Self::Error { iss, .. } => (iss, false),
        };
        let kind = match iss {
            Some(iss) if *iss == metadata.issuer => return Ok(()),
            Some(_) => Kind::IssuerMismatch,
            None if is_code && metadata.authorization_response_iss_parameter_supported => {
                Kind::IssuerMissing
            }
            None => return Ok(()),
        };
        Err(AuthorizationResponseError {
            kind,
            state: Some(self.state().to_owned()),
        })
    }

    /// What an operator should look at, for the refusals that come from a setting.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Code { .. } => None,
            Self::Error {
                error, description, ..
            } => hint::for_error(error, description.as_deref()),
        }
    }
}

/// The parameters that mean something here, each at most once.
#[derive(Default)]
struct Parameters<'a> {
    code: Option<Cow<'a, str>>,
    state: Option<Cow<'a, str>>,
    iss: Option<Cow<'a, str>>,
    error: Option<Cow<'a, str>>,
    error_description: Option<Cow<'a, str>>,
    error_uri: Option<Cow<'a, str>>,
}

impl<'a> Parameters<'a> {
    fn read(query: &'a str) -> Result<Self, AuthorizationResponseErrorKind> {
        use AuthorizationResponseErrorKind as Kind;
        let mut found = Self::default();
        // Also where the name means nothing: what cannot be decoded could be read two ways.
        for pair in form::pairs(query) {
            let (name, value) = pair.ok_or(Kind::Malformed)?;
            let (slot, known) = match &*name {
                "code" => (&mut found.code, "code"),
                "state" => (&mut found.state, "state"),
                "iss" => (&mut found.iss, "iss"),
                "error" => (&mut found.error, "error"),
                "error_description" => (&mut found.error_description, "error_description"),
                "error_uri" => (&mut found.error_uri, "error_uri"),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(Kind::RepeatedParameter(known));
            }
        }
        Ok(found)
    }
}

/// Visible ASCII and spaces (RFC 6749 appendices A.5 and A.11), and not too much of it.
fn check(value: &str, max: usize) -> Result<(), AuthorizationResponseErrorKind> {
    if value.len() > max {
        return Err(AuthorizationResponseErrorKind::TooLong);
    }
    if value.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        Ok(())
    } else {
        Err(AuthorizationResponseErrorKind::Malformed)
    }
}

/// The state of an answer that is refused for another reason. Linear in the query, whose length the HTTP
/// server bounds.
fn legible_state(query: &str) -> Option<String> {
    form::only(query, "state", 3 * MAX_STATE)
        .filter(|state| !state.is_empty() && check(state, MAX_STATE).is_ok())
        .map(Cow::into_owned)
}
