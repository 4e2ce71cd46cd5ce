//! What a call to an API can end in, as one closed list, told apart by what a page can do about it. On the wire it is
//! an object with a stable `code`, so that the answers of server functions and problem documents (RFC 9457) read alike.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::problem::Problem;
use super::step_up::StepUp;
use crate::auth::AuthError;

const STEP_UP: &str = "insufficient_user_authentication";
const UPSTREAM: &str = "upstream_error";

macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $text:literal;)+) => {
        /// Why a call to an API, or a server function that makes one, did not do what it was asked.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(into = "Wire")]
        pub enum ApiError {
            $($(#[doc = $doc])+ $name,)+
            /// The person must be authenticated more strongly, or again (401, RFC 9470 section 3): lead them to
            /// [`step_up_path`](crate::auth::step_up_path), by their choice.
            StepUp(StepUp),
            /// The API answered, with an error of its own.
            Upstream(Problem),
        }

        impl ApiError {
            /// All that say everything by their code.
            pub const PLAIN: &[Self] = &[$(Self::$name,)+];

            /// The stable code; where the server says it, the same that stands in `Cloakroom-Error`.
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                    Self::StepUp(_) => STEP_UP,
                    Self::Upstream(_) => UPSTREAM,
                }
            }

            /// What happened and what to do, for a person. What an API says is not in it: see [`Problem::said`].
            pub fn text(&self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                    Self::StepUp(_) => "This needs a stronger or a more recent sign-in than yours. Confirm that it is you to go on.",
                    Self::Upstream(problem) => upstream_text(problem.status),
                }
            }
        }
    };
}

errors! {
    /// No session, or one that has ended (401).
    SignedOut = "signed_out", "You are signed out. Sign in to go on.";
    /// Signed in, but there is no access token any more, or the API does not take it (401): sign in again.
    SignInAgain = "sign_in_again", "You are still signed in here, but what lets this application call services for you has run out. Sign in again to go on.";
    /// The provider has ended the session (401).
    SessionEnded = "session_ended", "The sign-in service has ended your session. Sign in again to go on.";
    /// Signed in, but a claim or group is lacking (403).
    Forbidden = "forbidden", "Your account does not have what this needs.";
    /// The access token lacks a scope (403).
    ScopeNotGranted = "scope_not_granted", "The sign-in service did not grant what this needs. Ask whoever manages access to this application.";
    /// A request from another site (403).
    CrossSite = "cross_site", "This was refused to protect you: it came from another site.";
    /// The call lacked the header that tells our pages from others (403): a defect of the page.
    CsrfHeaderMissing = "csrf_header_missing", "This page called a service in a way that is refused. Tell whoever runs this application.";
    /// No API has this name, or none of its routes has this method and path (403): a defect of the page, or a setting that is missing.
    RouteNotAllowed = "route_not_allowed", "This application does not let pages call that.";
    /// The body is larger than the API takes (413).
    TooLarge = "body_too_large", "That is too much at once. Send less.";
    /// Arguments of a server function that do not parse (400): a defect of the page.
    ParameterMalformed = "parameter_malformed", "The request was not right: a part of it cannot be read.";
    /// The provider does not answer, so that no access token can be had (503).
    ProviderDown = "provider_down", "The sign-in service does not answer. Try again shortly.";
    /// The provider's answer cannot be used (502).
    ProviderAnswer = "provider_answer", "The sign-in service gave an answer we cannot use. Tell whoever runs this application.";
    /// The provider does not accept this application (502).
    ClientRefused = "client_refused", "The sign-in service does not accept this application. Tell whoever runs it.";
    /// The session store does not answer (503). Nobody is signed out by this.
    StoreDown = "store_down", "We cannot look up your session just now. You have not been signed out. Try again shortly.";
    /// The API cannot be reached (502).
    UpstreamUnreachable = "upstream_unreachable", "The service behind this page cannot be reached just now. Try again shortly.";
    /// The API's answer breaks HTTP (502).
    UpstreamAnswer = "upstream_answer", "The service behind this page gave a broken answer. Try again shortly.";
    /// Too many calls to the API are under way (503).
    UpstreamBusy = "upstream_busy", "The service behind this page is busy. Try again shortly.";
    /// The API did not answer in time (504).
    UpstreamTooSlow = "upstream_too_slow", "The service behind this page took too long to answer. Try again shortly.";
    /// The call did not reach the server; only the browser says this.
    Offline = "unreachable", "The server cannot be reached. Check your connection and try again.";
    /// The API's answer is not what this page reads.
    Malformed = "answer_malformed", "The service behind this page gave an answer that this page cannot read. Tell whoever runs this application.";
    /// A defect of ours, or an answer that this page does not know (500).
    Internal = "internal", "Something went wrong here. Try again.";
}

fn upstream_text(status: u16) -> &'static str {
    match status {
        401 => "The service does not accept your sign-in.",
        403 => "The service does not let you do this.",
        404 | 410 => "The service has nothing there.",
        409 | 412 => {
            "Somebody was faster: what you saw is no longer how it is. Look again, then try again."
        }
        400 | 413..=415 | 422 => "The service did not take this.",
        429 => "The service wants fewer calls. Wait a moment, then try again.",
        500.. => "The service behind this page reports a fault of its own. Try again shortly.",
        _ => "The service did not do this.",
    }
}

impl ApiError {
    /// The error of this code; [`Self::Internal`] for one that this page does not know, or that needs more than its code.
    pub fn from_code(code: &str) -> Self {
        Self::PLAIN
            .iter()
            .find(|error| error.code() == code)
            .cloned()
            .unwrap_or(Self::Internal)
    }

    /// Whether signing in, again or more strongly, is what helps.
    pub fn is_mended_by_signing_in(&self) -> bool {
        matches!(
            self,
            Self::SignedOut | Self::SignInAgain | Self::SessionEnded | Self::StepUp(_)
        )
    }

    /// Whether nobody is signed in any more.
    pub fn is_end_of_session(&self) -> bool {
        matches!(self, Self::SignedOut | Self::SessionEnded)
    }

    /// Seconds after which to ask again, where that alone may help.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::ProviderDown
            | Self::StoreDown
            | Self::UpstreamUnreachable
            | Self::UpstreamBusy
            | Self::UpstreamTooSlow
            | Self::Offline => Some(5),
            Self::Upstream(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// What the API said, in its own words.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Upstream(problem) => problem.said(),
            _ => None,
        }
    }

    /// The same error without words from outside: for what stands in an address, which anybody can write.
    #[cfg(feature = "ssr")]
    pub(crate) fn without_words(self) -> Self {
        match self {
            Self::Upstream(problem) => Self::Upstream(Problem {
                status: problem.status,
                ..Problem::default()
            }),
            error => error,
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for ApiError {}

/// What is written as a server function's error.
#[derive(Serialize)]
struct Wire {
    code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    acr_values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<Problem>,
}

impl From<ApiError> for Wire {
    fn from(error: ApiError) -> Self {
        let mut wire = Self {
            code: error.code(),
            acr_values: Vec::new(),
            max_age: None,
            upstream: None,
        };
        match error {
            ApiError::StepUp(StepUp {
                acr_values,
                max_age,
            }) => (wire.acr_values, wire.max_age) = (acr_values, max_age),
            ApiError::Upstream(problem) => wire.upstream = Some(problem),
            _ => {}
        }
        wire
    }
}

/// Read member by member: a type for it costs kilobytes of WebAssembly for each way it comes in.
impl<'de> Deserialize<'de> for ApiError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::of(&value))
    }
}

impl ApiError {
    /// The error that a server function, or a problem document of ours, says.
    pub(crate) fn of(value: &Value) -> Self {
        let code = value.get("code").and_then(Value::as_str);
        match (code.unwrap_or_default(), value.get("upstream")) {
            (STEP_UP, _) => StepUp::of_members(value).map_or(Self::Internal, Self::StepUp),
            (UPSTREAM, Some(problem)) => Self::Upstream(Problem::of_members(problem)),
            (code, _) => Self::from_code(code),
        }
    }
}

/// For functions that declare [`AuthError`]: what more there was to say is lost.
impl From<ApiError> for AuthError {
    fn from(error: ApiError) -> Self {
        Self::from_code(error.code())
    }
}

/// For functions that call one that declares [`AuthError`].
impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            // What was asked for is not in it: a new authentication is the least.
            AuthError::StepUp => StepUp::default()
                .sound()
                .map_or(Self::Internal, Self::StepUp),
            error => Self::from_code(error.code()),
        }
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    /// Leptos' own failures. Their text stays where it came up: it can hold what the request held.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Offline,
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Self::ParameterMalformed,
            _ => Self::Internal,
        }
    }
}
