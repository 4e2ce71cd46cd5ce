//! Pushed authorization requests (RFC 9126): the provider gets the request from this server, and the browser carries a
//! reference to it.

use cloakroom_oidc::client::TransportError;
use cloakroom_oidc::{
    AuthorizationRequest, ClientAuthError, ProviderMetadata, PushedAuthorizationError,
    pushed_authorization, redact,
};
use thiserror::Error;
use url::Url;

use crate::bff::Bff;
use crate::code::Code;
use crate::settings::Par;
use crate::visit::Visit;

/// Why an authorization request was not pushed. Nobody is led anywhere.
#[derive(Debug, Error)]
pub(crate) enum PushError {
    /// RFC 9126 section 5.
    #[error(
        "the provider's metadata has no pushed_authorization_request_endpoint, and every request is to be pushed: set par to auto or off"
    )]
    NoEndpoint,
    /// A push costs the provider something, and nothing costs whoever has us push.
    #[error("too many sign-ins were begun from this address")]
    Budget,
    #[error("{0}")]
    ClientAuth(#[from] ClientAuthError),
    #[error("the provider cannot be reached: {0}")]
    Transport(#[from] TransportError),
    #[error("{0}")]
    Refused(#[from] PushedAuthorizationError),
}

impl PushError {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Budget => Code::TooManyAttempts,
            Self::ClientAuth(_) => Code::Internal,
            Self::Transport(_) => Code::ProviderDown,
            Self::Refused(error) if error.is_transient() => Code::ProviderDown,
            Self::Refused(
                PushedAuthorizationError::Refused { .. } | PushedAuthorizationError::Unauthorized,
            ) => Code::ClientRefused,
            Self::NoEndpoint | Self::Refused(_) => Code::ProviderAnswer,
        }
    }

    /// The finer code, for the log.
    pub(crate) fn detail(&self) -> &'static str {
        match self {
            Self::NoEndpoint => "push_no_endpoint",
            Self::Budget => "push_budget",
            Self::ClientAuth(error) => error.code(),
            Self::Transport(error) => error.code(),
            Self::Refused(error) => error.code(),
        }
    }

    /// What an operator may change.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused(error) => error.hint(),
            _ => None,
        }
    }
}

impl Bff {
    /// The address to lead the browser to: with the request in it, or with the reference to a pushed one.
    pub(crate) async fn lead(
        &self,
        visit: &Visit,
        metadata: &ProviderMetadata,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, PushError> {
        let is_pushed = match self.settings().par {
            Par::Always => true,
            Par::Auto => metadata.require_pushed_authorization_requests,
            Par::Off => false,
        };
        if !is_pushed {
            return Ok(request.url(metadata));
        }
        if let Some(payer) = visit.payer() {
            self.pushes()
                .reserve(payer, self.clock())
                .ok_or(PushError::Budget)?
                .charge();
        }
        let relying_party = self.relying_party(&self.client_auth(), metadata);
        let push = pushed_authorization::request(metadata, &relying_party, request, self.fresh())?
            .ok_or(PushError::NoEndpoint)?;
        // A provider may quote what it was sent: what it says goes to the log, what it was sent must not.
        let mut sent = redact::secrets_in(&push);
        sent.push(request.state.to_owned());
        let response = self.provider().http().send(push).await?;
        let pushed =
            pushed_authorization::parse(&response).map_err(|error| error.without(&sent))?;
        Ok(request.url_with(metadata, &pushed))
    }
}
