//! Why a callback did not sign anybody in (RFC 6749 section 4.1.2, RFC 9207, OpenID Connect Core section 3.1.2.7).

use cloakroom_oidc::{AuthorizationResponseError, AuthorizationResponseErrorKind};
use cloakroom_vault::{CreateError, StoreError};
use thiserror::Error;

use crate::code::Code;
use crate::exchange::ExchangeError;
use crate::hooks::Refused;
use crate::record::RecordError;
use crate::transaction::StateError;

/// Why a callback did not sign anybody in.
#[derive(Debug, Error)]
pub(crate) enum CallbackError {
    #[error("{0}")]
    Response(#[from] AuthorizationResponseError),
    #[error("{0}")]
    State(#[from] StateError),
    /// RFC 6749 section 10.12: the answer must come back in the browser that asked.
    #[error("the sign-in was begun in another browser, or the binding cookie is gone")]
    Foreign,
    #[error("the sign-in was begun too long ago")]
    Expired,
    /// RFC 6749 section 4.1.2: a code is used once, and so is what asked for it.
    #[error("the sign-in was spent before")]
    Spent,
    #[error("the sign-in was begun at another provider than the one configured now")]
    OtherProvider,
    #[error("the set of spent sign-ins is full: no sign-in can be completed until some are late")]
    Full,
    #[error("the session store does not answer: {0}")]
    Store(#[from] StoreError),
    #[error("too many exchanges from this address have failed")]
    Budget,
    /// RFC 6749 section 4.1.2.1.
    #[error("the provider answered with the error {error}")]
    Provider {
        error: String,
        description: Option<String>,
        hint: Option<&'static str>,
    },
    #[error("{0}")]
    Exchange(#[from] ExchangeError),
    #[error("the application refused: {0}")]
    Hook(Refused),
    #[error("{0}")]
    Record(#[from] RecordError),
    #[error("the session could not be made: {0}")]
    Create(#[from] CreateError),
    #[error("the session's cookie could not be prepared: {0}")]
    Handle(#[from] tower_sessions::session::Error),
    #[error("the session layer is not around this endpoint: wrap the router with Bff::install")]
    NotInstalled,
    /// The task that makes the session ended without saying how.
    #[error("the exchange was broken off")]
    BrokenOff,
}

impl CallbackError {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Response(error) => match error.kind() {
                AuthorizationResponseErrorKind::MissingState => Code::StateMissing,
                AuthorizationResponseErrorKind::IssuerMismatch
                | AuthorizationResponseErrorKind::IssuerMissing => Code::IssuerMismatch,
                _ => Code::ResponseMalformed,
            },
            Self::State(_) | Self::OtherProvider => Code::StateRefused,
            Self::Foreign => Code::StateForeign,
            Self::Expired => Code::StateExpired,
            Self::Spent => Code::StateSpent,
            Self::Full
            | Self::Store(_)
            | Self::Handle(tower_sessions::session::Error::Store(_))
            | Self::Create(CreateError::Full | CreateError::Store(_)) => Code::StoreDown,
            Self::Budget => Code::TooManyAttempts,
            Self::Provider { error, .. } => match error.as_str() {
                "access_denied" => Code::AccessDenied,
                "login_required"
                | "consent_required"
                | "interaction_required"
                | "account_selection_required" => Code::InteractionRequired,
                "unmet_authentication_requirements" => Code::AuthenticationNotMet,
                "temporarily_unavailable" | "server_error" => Code::ProviderDown,
                _ => Code::ProviderError,
            },
            Self::Exchange(error) => error.code(),
            Self::Hook(_) => Code::RefusedHere,
            Self::Record(RecordError::TooLarge) => Code::SessionTooLarge,
            Self::Create(CreateError::LoggedOut) => Code::EndedMeanwhile,
            Self::Record(_)
            | Self::Create(_)
            | Self::Handle(_)
            | Self::NotInstalled
            | Self::BrokenOff => Code::Internal,
        }
    }

    /// The finer code, for the log.
    pub(crate) fn detail(&self) -> &'static str {
        match self {
            Self::Response(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Exchange(error) => error.detail(),
            other => other.code().as_str(),
        }
    }

    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Provider { hint, .. } => *hint,
            Self::Exchange(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether a browser that is signed in well enough may simply go on: it pressed Back, or opened the link twice.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(
            self,
            Self::Foreign | Self::Expired | Self::Spent | Self::Budget
        )
    }

    /// Whether the requester is to be charged for it. What is down is nobody's fault who asks.
    pub(crate) fn is_chargeable(&self) -> bool {
        // A spent sign-in cost nothing more: nothing was sent for it.
        !matches!(
            self.code(),
            Code::ProviderDown | Code::StoreDown | Code::StateSpent
        )
    }
}
