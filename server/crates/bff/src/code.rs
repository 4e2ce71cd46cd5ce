//! Every way a request can end badly, as one closed list: its stable code, HTTP status, and the words a person reads.
//! The one place that maps errors to status, page and metric.

use http::StatusCode;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $status:ident, $title:literal, $text:literal;)+) => {
        /// A stable error code, as it stands in `code` of a problem document, in `Cloakroom-Error`, and in the
        /// address of the error page.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// A heading for a person.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What happened and what to do, for a person; says nothing an outsider should not know.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

codes! {
    /// No session, or one that has ended.
    SignedOut = "signed_out", UNAUTHORIZED, "You are signed out",
        "Sign in to go on.";
    /// Signed in, but the access token can no longer be renewed: APIs cannot be called until the person signs in again.
    SignInAgain = "sign_in_again", UNAUTHORIZED, "Sign in again to go on",
        "You are still signed in here, but what lets this application call services for you has run out.";
    /// The provider says that the session is over: the refresh token is no longer good (RFC 6749 section 5.2).
    SessionEnded = "session_ended", UNAUTHORIZED, "Your session has ended",
        "The sign-in service has ended it. Sign in again to go on.";
    /// The person must be authenticated more strongly, or again (RFC 9470 section 3).
    InsufficientUserAuthentication = "insufficient_user_authentication", UNAUTHORIZED, "Please confirm that it is you",
        "This needs a stronger or a more recent sign-in than yours.";
    /// Signed in, but a claim or group is lacking.
    Forbidden = "forbidden", FORBIDDEN, "You may not open this",
        "Your account does not have what this needs. Ask whoever manages access to this application.";
    /// A state-changing request from another site.
    CrossSite = "cross_site", FORBIDDEN, "This request came from another site",
        "It was refused to protect you. Open this application itself and try again.";
    /// A call to an API without the header that a page of another site cannot send.
    CsrfHeaderMissing = "csrf_header_missing", FORBIDDEN, "This call lacks a header",
        "Calls to APIs must carry the header X-CSRF: 1.";
    /// No upstream has this name, or none of its routes has this method and path.
    RouteNotAllowed = "route_not_allowed", FORBIDDEN, "This call is not allowed",
        "This application does not let pages call that.";
    /// The access token lacks a scope that this upstream needs (RFC 6749 section 3.3).
    ScopeNotGranted = "scope_not_granted", FORBIDDEN, "You may not do this",
        "The sign-in service did not grant what this needs. Ask whoever manages access to this application.";
    /// A frame, an image or a prefetch asked for something that only a navigation or a script of ours gets.
    NotANavigation = "not_a_navigation", FORBIDDEN, "Open this in a window of its own",
        "Signing in does not work inside a frame.";
    /// A protocol parameter came twice (RFC 6749 section 3.1).
    ParameterRepeated = "parameter_repeated", BAD_REQUEST, "This address is not right",
        "A parameter stands in it twice. Start again from the beginning.";
    /// A parameter or the whole query is too long.
    ParameterTooLong = "parameter_too_long", BAD_REQUEST, "This address is not right",
        "A part of it is too long. Start again from the beginning.";
    /// A parameter is not UTF-8, or not percent-encoded as it should be.
    ParameterMalformed = "parameter_malformed", BAD_REQUEST, "This address is not right",
        "A part of it cannot be read. Start again from the beginning.";
    /// The return path does not lead to a page of this origin.
    ReturnToRefused = "return_to_refused", BAD_REQUEST, "This sign-in link is not right",
        "The place it leads to after signing in is not a page of this site. Start from the start page.";
    /// A third-party-initiated login names another issuer than the one configured, or none (OpenID Connect Core section 4).
    IssuerUnknown = "issuer_unknown", BAD_REQUEST, "This sign-in link is not right",
        "It names another sign-in service than the one this application uses. Start from the start page.";
    /// The method does nothing here.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This does not work this way",
        "The address exists, but not for this kind of request.";
    /// There is nothing at this address.
    NotFound = "not_found", NOT_FOUND, "Page not found",
        "There is nothing at this address.";
    /// The `Host` is not the one of the public URL.
    MisdirectedRequest = "misdirected_request", MISDIRECTED_REQUEST, "This is another place",
        "This server does not answer under that name.";
    /// Headers that can be read two ways (RFC 9110 section 5.3): a call to an API that nobody forwards.
    RequestMalformed = "request_malformed", BAD_REQUEST, "This request cannot be read",
        "A header stands in it twice that may stand in it once.";
    /// The body of a call to an API came with too long a pause (RFC 9110 section 15.5.9).
    RequestTooSlow = "request_too_slow", REQUEST_TIMEOUT, "The upload took too long",
        "What was sent stopped coming. Check your connection, then try again.";
    /// The body is larger than it may be.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "That is too much at once",
        "The request was larger than this application takes.";
    /// The provider cannot be reached or answers with errors of its own.
    ProviderDown = "provider_down", SERVICE_UNAVAILABLE, "The sign-in service does not answer",
        "It may be busy or down for a moment. Try again shortly.";
    /// The session store cannot be reached. Nobody is signed out by this.
    StoreDown = "store_down", SERVICE_UNAVAILABLE, "We cannot look up your session just now",
        "You have not been signed out. Try again shortly.";
    /// Too many failed exchanges from this address.
    TooManyAttempts = "too_many_attempts", TOO_MANY_REQUESTS, "Too many attempts",
        "Too many sign-ins from your network failed. Wait a minute, then try again.";
    /// The answer took longer than a request may take.
    TooSlow = "too_slow", GATEWAY_TIMEOUT, "This took too long",
        "The answer did not come in time. Try again shortly.";
    /// An upstream cannot be reached.
    UpstreamUnreachable = "upstream_unreachable", BAD_GATEWAY, "A service behind this page does not answer",
        "It cannot be reached just now. Try again shortly.";
    /// An upstream's answer breaks HTTP.
    UpstreamAnswer = "upstream_answer", BAD_GATEWAY, "A service behind this page gave a broken answer",
        "Try again; if it stays, tell whoever runs this application the reference.";
    /// As many calls to this upstream are under way as may be.
    UpstreamBusy = "upstream_busy", SERVICE_UNAVAILABLE, "A service behind this page is busy",
        "Too many calls are under way. Try again shortly.";
    /// An upstream did not begin its answer in time.
    UpstreamTooSlow = "upstream_too_slow", GATEWAY_TIMEOUT, "A service behind this page took too long",
        "Its answer did not come in time. Try again shortly.";
    /// A defect of ours.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong here",
        "The fault is ours. Try again; if it stays, tell us the reference.";

    /// The callback came without a `state`.
    StateMissing = "state_missing", BAD_REQUEST, "Sign-in did not complete",
        "The answer of the sign-in service lacks the part that says which sign-in it belongs to. Start again.";
    /// The `state` was not sealed by us, was altered, or names a key that is gone.
    StateRefused = "state_refused", BAD_REQUEST, "Sign-in did not complete",
        "This answer does not belong to a sign-in that was begun here. Start again.";
    /// The sign-in was begun longer ago than a sign-in may take.
    StateExpired = "state_expired", BAD_REQUEST, "Sign-in took too long",
        "It was begun more than thirty minutes ago. Start again.";
    /// This answer was used before.
    StateSpent = "state_spent", BAD_REQUEST, "This sign-in was already used",
        "An answer of the sign-in service works once. If you pressed Back or reloaded, start again.";
    /// The sign-in was begun in another browser, or cookies are off.
    StateForeign = "state_foreign", BAD_REQUEST, "Sign-in did not complete",
        "It was begun in another browser, or this one does not keep cookies. Allow cookies for this site and start again.";
    /// The callback breaks the form that RFC 6749 section 4.1.2 gives it.
    ResponseMalformed = "response_malformed", BAD_REQUEST, "Sign-in did not complete",
        "The answer of the sign-in service could not be read. Start again.";
    /// The answer names another issuer (RFC 9207).
    IssuerMismatch = "issuer_mismatch", BAD_REQUEST, "Sign-in did not complete",
        "The answer came from another sign-in service than the one that was asked.";
    /// The person, or a policy of the provider, said no (RFC 6749 section 4.1.2.1).
    AccessDenied = "access_denied", FORBIDDEN, "Sign-in was not allowed",
        "You cancelled, or the sign-in service did not let you in. If you did not cancel, ask whoever manages access to this application.";
    /// The provider needs something from the person that it was told not to ask for.
    InteractionRequired = "interaction_required", UNAUTHORIZED, "You need to sign in",
        "The sign-in service wants you to sign in.";
    /// The required strength of authentication could not be reached.
    AuthenticationNotMet = "unmet_authentication_requirements", FORBIDDEN, "A stronger sign-in is needed",
        "The sign-in service could not confirm you in the way this application asks for.";
    /// Any other error the provider answered the browser with.
    ProviderError = "provider_error", BAD_GATEWAY, "The sign-in service reports an error",
        "Sign-in cannot go on. Tell whoever runs this application the reference.";
    /// The provider did not take the code (`invalid_grant`).
    CodeRefused = "code_refused", BAD_REQUEST, "Sign-in did not complete",
        "The sign-in service says that this sign-in is over or was used before. Start again.";
    /// The provider did not take our credentials or request: the configuration is wrong.
    ClientRefused = "client_refused", BAD_GATEWAY, "The sign-in service does not accept this application",
        "The application is not set up right. Tell whoever runs it the reference.";
    /// The provider's answer breaks the protocol.
    ProviderAnswer = "provider_answer", BAD_GATEWAY, "The sign-in service gave an answer we cannot use",
        "Sign-in cannot go on. Tell whoever runs this application the reference.";
    /// The ID token failed a check (OpenID Connect Core section 3.1.3.7).
    IdTokenRefused = "id_token_refused", BAD_GATEWAY, "Your sign-in could not be verified",
        "The proof of who you are failed a check, so nobody was signed in. Tell whoever runs this application the reference.";
    /// The userinfo answer belongs to somebody else or cannot be read (OpenID Connect Core section 5.3.2).
    UserinfoRefused = "userinfo_refused", BAD_GATEWAY, "Your sign-in could not be verified",
        "What the sign-in service says about you does not fit together, so nobody was signed in. Tell whoever runs this application the reference.";
    /// The application's own rule did not let this person in.
    RefusedHere = "refused_here", FORBIDDEN, "This account may not sign in here",
        "You are who you say, but this application does not let this account in.";
    /// The session holds more than the store takes.
    SessionTooLarge = "session_too_large", BAD_GATEWAY, "Your account is too large to keep",
        "The sign-in service sends more about your account than this application can keep. Tell whoever runs it the reference.";
    /// The provider ended this session while it was being made.
    EndedMeanwhile = "ended_meanwhile", UNAUTHORIZED, "You were signed out meanwhile",
        "The sign-in service ended this session just now. Start again.";
    /// The cookie is gone, but the store could not be told.
    SignOutIncomplete = "sign_out_incomplete", SERVICE_UNAVAILABLE, "You are only half signed out",
        "This browser has forgotten you, but the server could not be told. Try again shortly.";
}

impl Code {
    /// Finds a code by its text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// Whether signing in, again or more strongly, is what helps.
    pub fn is_mended_by_signing_in(self) -> bool {
        matches!(
            self,
            Self::SignedOut
                | Self::SignInAgain
                | Self::SessionEnded
                | Self::InsufficientUserAuthentication
        )
    }

    /// Seconds after which to ask again, as `Retry-After` says them (RFC 9110 section 10.2.3), where that may help.
    pub fn retry_after(self) -> Option<&'static str> {
        match self {
            Self::ProviderDown | Self::StoreDown | Self::SignOutIncomplete | Self::UpstreamBusy => {
                Some("5")
            }
            Self::TooManyAttempts => Some("60"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Code;

    #[test]
    fn codes_are_unique_and_found_again() {
        let unique: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(unique.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert!(code.status().is_client_error() || code.status().is_server_error());
        }
        assert_eq!(Code::parse("no_such_code"), None);
    }

    #[test]
    fn only_a_defect_of_ours_is_a_500() {
        for code in Code::ALL {
            assert_eq!(
                code.status() == http::StatusCode::INTERNAL_SERVER_ERROR,
                *code == Code::Internal
            );
        }
    }
}
