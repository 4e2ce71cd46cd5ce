//! What a call to the server can end in, as one closed list. On the wire it is an object with a stable `code`, so that
//! the answers of server functions and problem documents (RFC 9457) of the endpoints read alike.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $text:literal;)+) => {
        /// Why a server function did not do what it was asked.
        ///
        /// It holds a code and nothing else: no text from inside the server can reach a page through it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "Wire", into = "Wire")]
        pub enum AuthError {
            $($(#[doc = $doc])+ $name,)+
        }

        impl AuthError {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable code; where the server says it, the same that stands in `Cloakroom-Error`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What happened and what to do, for a person.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

errors! {
    /// No session, or one that has ended (401).
    SignedOut = "signed_out", "You are signed out. Sign in to go on.";
    /// Signed in, but there is no access token to call APIs with any more (401).
    SignInAgain = "sign_in_again", "You are still signed in here, but what lets this application call services for you has run out. Sign in again to go on.";
    /// The provider has ended the session (401).
    SessionEnded = "session_ended", "The sign-in service has ended your session. Sign in again to go on.";
    /// Signed in, but too weakly or too long ago (401, RFC 9470). Which sign-in mends it says
    /// [`ApiError::StepUp`](crate::api::ApiError::StepUp): declare that error where it matters.
    StepUp = "insufficient_user_authentication", "This needs a stronger or a more recent sign-in than yours.";
    /// Signed in, but a claim or group is lacking (403).
    Forbidden = "forbidden", "Your account does not have what this needs.";
    /// A request from another site (403).
    CrossSite = "cross_site", "This was refused to protect you: it came from another site.";
    /// Something embedded asked for what only a navigation or a script of ours gets (403).
    NotANavigation = "not_a_navigation", "Signing in does not work inside a frame. Open this page in a window of its own.";
    /// The place to return to is no page of this origin (400).
    ReturnToRefused = "return_to_refused", "The page to come back to is not a page of this site.";
    /// A parameter came twice (400, RFC 6749 section 3.1).
    ParameterRepeated = "parameter_repeated", "The request was not right: a parameter stands in it twice.";
    /// A parameter is too long (400).
    ParameterTooLong = "parameter_too_long", "The request was not right: a part of it is too long.";
    /// A parameter cannot be read (400).
    ParameterMalformed = "parameter_malformed", "The request was not right: a part of it cannot be read.";
    /// Too many failed sign-ins from this network (429).
    TooManyAttempts = "too_many_attempts", "Too many sign-ins from your network failed. Wait a minute, then try again.";
    /// The provider does not answer (503).
    ProviderDown = "provider_down", "The sign-in service does not answer. Try again shortly.";
    /// The provider's answer cannot be used (502).
    ProviderAnswer = "provider_answer", "The sign-in service gave an answer we cannot use. Tell whoever runs this application.";
    /// The provider does not accept this application (502).
    ClientRefused = "client_refused", "The sign-in service does not accept this application. Tell whoever runs it.";
    /// The session store does not answer (503). Nobody is signed out by this.
    StoreDown = "store_down", "We cannot look up your session just now. You have not been signed out. Try again shortly.";
    /// The cookie is gone, but the store could not be told (503).
    SignOutIncomplete = "sign_out_incomplete", "This browser has forgotten you, but the server could not be told. Try again shortly.";
    /// The request did not reach the server; only the browser says this.
    Unreachable = "unreachable", "The server cannot be reached. Check your connection and try again.";
    /// A defect of ours, or an answer that this page does not know (500).
    Internal = "internal", "Something went wrong here. Try again.";
}

impl AuthError {
    /// The error of this code; [`Self::Internal`] for one that this page does not know.
    pub fn from_code(code: &str) -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|error| error.code() == code)
            .unwrap_or(Self::Internal)
    }
}

impl std::fmt::Display for AuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for AuthError {}

/// What is read of a problem document and written as a server function's error.
#[derive(Serialize, Deserialize)]
struct Wire {
    code: String,
}

impl From<Wire> for AuthError {
    fn from(wire: Wire) -> Self {
        Self::from_code(&wire.code)
    }
}

impl From<AuthError> for Wire {
    fn from(error: AuthError) -> Self {
        Self {
            code: error.code().to_owned(),
        }
    }
}

impl FromServerFnError for AuthError {
    type Encoder = JsonEncoding;

    /// Leptos' own failures. Their text stays where it came up: it can hold what the request held.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Unreachable,
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Self::ParameterMalformed,
            _ => Self::Internal,
        }
    }
}
