//! Why a call to an API came to nothing on this side of it. What the API itself answers is an answer, whatever its
//! status.

use thiserror::Error;

use crate::access::AccessError;
use crate::code::Code;
use crate::proxy::path::RouteError;
use crate::proxy::request_headers::RepeatedHeader;
use crate::proxy::upload::UploadError;
use crate::tokens::NoToken;

/// Why a call was not made, or has no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// It leads to no route of no upstream (draft-ietf-oauth-browser-based-apps section 6.1.3.3).
    #[error("the call is not allowed: {0}")]
    NotAllowed(#[from] RouteError),
    /// Its headers can be read two ways (RFC 9110 section 5.3).
    #[error("the call is refused: {0}")]
    RepeatedHeader(#[from] RepeatedHeader),
    /// Its body is in another coding than chunks, which nobody here undoes (RFC 9112 section 6.1).
    #[error(
        "the body comes in a transfer coding that is not known here: send it plainly, or in chunks"
    )]
    TransferCoding,
    /// Nobody is signed in, and the API wants the user's token (RFC 6750 section 3.1).
    #[error("nobody is signed in: lead the person to /auth/login")]
    SignedOut,
    /// The session store does not answer: nobody knows whether somebody is signed in.
    #[error("the session store does not answer: try again later")]
    StoreDown,
    /// There is no access token to call with (RFC 6749 sections 5.2 and 6).
    #[error("there is no access token to call with: {reason}")]
    NoToken {
        /// The code of the answer.
        code: Code,
        /// What stands in the way.
        reason: String,
    },
    /// The user's subject identifier cannot stand in a header (RFC 9110 section 5.5).
    #[error(
        "the subject identifier of the user cannot stand in a header: leave forward_user off for this API"
    )]
    Subject,
    /// As many calls to this upstream are under way as may be.
    #[error(
        "too many calls to this API are under way: raise max_calls, or see why its answers take so long"
    )]
    Busy,
    /// The body is larger than this upstream takes (RFC 9110 section 15.5.14).
    #[error("the body is larger than this API takes: send less, or raise max_body")]
    BodyTooLarge,
    /// The body stopped coming (RFC 9110 section 15.5.9).
    #[error("the body stopped coming: send it without long pauses")]
    BodyTooSlow,
    /// The body broke off, or is not HTTP (RFC 9112 section 8).
    #[error("the body broke off")]
    BodyBroken,
    /// No connection: refused, no such host, a certificate that is not believed, too slow (RFC 9110 section 15.6.3).
    #[error(
        "the upstream cannot be reached ({0}): see that its base URL is right and that it runs"
    )]
    Unreachable(String),
    /// A connection, but no answer, or none that is HTTP or makes sense here (RFC 9110 section 15.6.3).
    #[error("the upstream's answer cannot be used: {0}")]
    Answer(String),
    /// No answer in time (RFC 9110 section 15.6.5).
    #[error(
        "the upstream did not begin its answer in time: raise its time-out, or see why it is slow"
    )]
    TooSlow,
    /// For [`crate::Visit::call_api`], whose answers are whole: it is longer than may be.
    #[error("the upstream's answer has more than {0} bytes: ask for less at once")]
    AnswerTooLarge(usize),
}

impl CallError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::NotAllowed(_) => Code::RouteNotAllowed,
            Self::RepeatedHeader(_) | Self::TransferCoding | Self::BodyBroken => {
                Code::RequestMalformed
            }
            Self::SignedOut => Code::SignedOut,
            Self::StoreDown => Code::StoreDown,
            Self::NoToken { code, .. } => *code,
            Self::Subject => Code::Internal,
            Self::Busy => Code::UpstreamBusy,
            Self::BodyTooLarge => Code::BodyTooLarge,
            Self::BodyTooSlow => Code::RequestTooSlow,
            Self::Unreachable(_) => Code::UpstreamUnreachable,
            Self::Answer(_) | Self::AnswerTooLarge(_) => Code::UpstreamAnswer,
            Self::TooSlow => Code::UpstreamTooSlow,
        }
    }
}

impl From<AccessError> for CallError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::StoreDown => Self::StoreDown,
            // A look-up asks for no more than a session.
            AccessError::SignedOut | AccessError::Lacking(_) | AccessError::StepUp(_) => {
                Self::SignedOut
            }
        }
    }
}

impl From<NoToken> for CallError {
    fn from(error: NoToken) -> Self {
        Self::NoToken {
            code: error.code(),
            reason: error.to_string(),
        }
    }
}

impl From<UploadError> for CallError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::TooLarge => Self::BodyTooLarge,
            UploadError::Stalled => Self::BodyTooSlow,
            UploadError::Broken => Self::BodyBroken,
        }
    }
}
