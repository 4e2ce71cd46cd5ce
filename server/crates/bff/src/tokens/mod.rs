//! The one way to a session's access tokens: which is wanted, is it still good, and may it be renewed. Token exchange
//! (RFC 8693) would come in here, and nowhere else.
//!
//! The token that the sign-in gave serves every API that names no resource, and the one whose resource was the only one
//! asked for. For any other resource a token of its own is had by the refresh token (RFC 8707 section 2.2).
//!
//! Refresh tokens are good once at many providers, so a session has at most one renewal under way (`flights`), whatever
//! token it is for; `renew` is what a renewal does, and `refreshed` what is made of the answer.

mod flights;
mod freshness;
mod refreshed;
mod renew;

use cloakroom_oidc::AccessToken;
use cloakroom_vault::{Ticket, Version};
use thiserror::Error;

use crate::bff::Bff;
use crate::code::Code;
use crate::record::Record;

use self::flights::Flight;
pub(crate) use self::flights::Renewals;
use self::freshness::{Freshness, Kept};

/// How many renewals a caller waits for: one for its own token, and those for others that are in the way.
const PATIENCE: usize = 4;
/// A token that was renewed less than this ago, in seconds, is not renewed because an API refuses it: another one would be
/// refused too, and every call would cost a refresh.
const YOUNG: u64 = 30;

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

impl TokenFor<'_> {
    /// The resource that needs a token of its own in this session.
    fn other_resource<'a>(&'a self, record: &Record) -> Option<&'a str> {
        self.resource
            .filter(|resource| record.resource.as_deref() != Some(*resource))
    }

    fn to_owned(self) -> Wanted {
        Wanted {
            resource: self.resource.map(str::to_owned),
            scopes: self.scopes.to_vec(),
        }
    }
}

/// A [`TokenFor`] that a task of its own can take along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    resource: Option<String>,
    scopes: Vec<String>,
}

impl Wanted {
    fn as_token_for(&self) -> TokenFor<'_> {
        TokenFor {
            resource: self.resource.as_deref(),
            scopes: &self.scopes,
        }
    }
}

impl Bff {
    /// The token to call with. `held` is the record as this request has just read it: while its token is good nothing
    /// else is asked, and where that is about to end a renewal begins that nobody waits for.
    pub(crate) async fn access_token(
        &self,
        ticket: &Ticket,
        held: &Record,
        wanted: TokenFor<'_>,
    ) -> Result<Usable, NoToken> {
        if let Some(usable) = self.usable(ticket, held, wanted)? {
            return Ok(usable);
        }
        for _ in 0..PATIENCE {
            self.await_renewal(ticket, wanted, None).await?;
            let (record, _) = self.reread(ticket).await?;
            if let Some(usable) = self.usable(ticket, &record, wanted)? {
                return Ok(usable);
            }
        }
        tracing::warn!(
            "an access token is over as soon as it comes: the provider's lifetime of access tokens is too short, or the clocks differ"
        );
        Err(NoToken::ProviderAnswer)
    }

    /// Another token after an upstream refused this one as invalid (RFC 6750 section 3.1). `None`: there is no better
    /// one to be had, and the upstream's answer stands.
    pub(crate) async fn access_token_instead_of(
        &self,
        ticket: &Ticket,
        refused: &Usable,
        wanted: TokenFor<'_>,
    ) -> Result<Option<Usable>, NoToken> {
        let (record, version) = self.reread(ticket).await?;
        if let Some(other) = replacement(&record, wanted, refused) {
            return Ok(Some(other));
        }
        let renewed_at = Kept::of(&record, wanted).map_or(0, |kept| kept.renewed_at);
        let is_young = renewed_at != 0 && self.now() < renewed_at.saturating_add(YOUNG);
        if record.refresh_token.is_none() || is_young {
            return Ok(None);
        }
        match self.await_renewal(ticket, wanted, Some(version)).await {
            Ok(()) => {}
            // The upstream's answer says more than that a better token could not be had just now.
            Err(NoToken::ProviderDown | NoToken::ClientRefused | NoToken::ProviderAnswer) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let (record, _) = self.reread(ticket).await?;
        Ok(replacement(&record, wanted, refused))
    }

    /// What the record holds for this, where it is still good. Begins a renewal where it soon will not be.
    fn usable(
        &self,
        ticket: &Ticket,
        record: &Record,
        wanted: TokenFor<'_>,
    ) -> Result<Option<Usable>, NoToken> {
        let Some(kept) = Kept::of(record, wanted) else {
            return match record.refresh_token {
                Some(_) => Ok(None),
                None => Err(NoToken::SignInAgain),
            };
        };
        let can_renew = record.refresh_token.is_some();
        match kept.freshness(self.now()) {
            Freshness::Over if can_renew => return Ok(None),
            Freshness::Over => return Err(NoToken::SignInAgain),
            Freshness::EndsSoon if can_renew => {
                // Whoever asks goes on with what there is.
                let _: Option<Flight> = self.begin_renewal(ticket, wanted, None);
            }
            Freshness::EndsSoon | Freshness::Good => {}
        }
        let lacking = kept.lacking(wanted.scopes);
        if !lacking.is_empty() {
            return Err(NoToken::ScopeNotGranted(lacking));
        }
        Ok(Some(Usable {
            token: kept.access_token.clone(),
        }))
    }

    /// The record as it is now.
    async fn reread(&self, ticket: &Ticket) -> Result<(Record, Version), NoToken> {
        let opened = self
            .vault()
            .load(ticket, self.now())
            .await
            .map_err(|error| {
                tracing::error!(%error, "a session's record cannot be read");
                NoToken::StoreDown
            })?
            .ok_or(NoToken::SignedOut)?;
        let record = Record::from_bytes(&opened.content).map_err(|error| {
            tracing::error!(%error, "a session's record cannot be read");
            NoToken::StoreDown
        })?;
        Ok((record, opened.version))
    }
}

/// What the record holds in place of a token that was refused.
fn replacement(record: &Record, wanted: TokenFor<'_>, refused: &Usable) -> Option<Usable> {
    let kept = Kept::of(record, wanted)?;
    (!kept.access_token.matches(refused.token.expose())).then(|| Usable {
        token: kept.access_token.clone(),
    })
}
