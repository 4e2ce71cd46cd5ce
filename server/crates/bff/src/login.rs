//! `GET /auth/login`: begins a sign-in and leads the browser to the provider
//! (OpenID Connect Core section 3.1.2.1, RFC 7636 section 4.3, RFC 9126 section 4).

use cloakroom_oidc::client::ProviderError;
use cloakroom_oidc::{AuthorizationRequest, pkce};
use http::StatusCode;
use serde_json::json;
use thiserror::Error;

use crate::answer::Answer;
use crate::bff::Bff;
use crate::code::Code;
use crate::failure;
use crate::fetch_metadata::{Caller, Site};
use crate::problem;
use crate::pushed::PushError;
use crate::settings::ResponseMode;
use crate::time::random_bytes;
use crate::transaction::{Asked, Binding, Transaction, provider_tag};
use crate::visit::Visit;
use crate::wish::{Wish, WishError};

/// Why a sign-in could not begin.
#[derive(Debug, Error)]
pub(crate) enum LoginError {
    #[error("{0}")]
    Wish(#[from] WishError),
    /// Discovery failed (OpenID Connect Discovery 1.0 section 4).
    #[error("the provider's metadata cannot be had: {0}")]
    Provider(#[from] ProviderError),
    #[error("{0}")]
    Push(#[from] PushError),
}

impl LoginError {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Wish(WishError::ReturnTo(_)) => Code::ReturnToRefused,
            Self::Wish(WishError::Parameter(_)) => Code::ParameterMalformed,
            Self::Provider(_) => Code::ProviderDown,
            Self::Push(error) => error.code(),
        }
    }

    /// The finer code, for the log.
    pub(crate) fn detail(&self) -> &'static str {
        match self {
            Self::Provider(error) => error.code(),
            Self::Push(error) => error.detail(),
            Self::Wish(_) => self.code().as_str(),
        }
    }

    /// What an operator may change.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Push(error) => error.hint(),
            _ => None,
        }
    }
}

impl Bff {
    /// Begins a sign-in. A navigation is led to the provider (303); a fetch of ours gets 200 and the address as
    /// `{"location": "https://.."}`, for the page to go there itself. Frames, images and prefetches get 403 and no cookie.
    pub async fn login(&self, visit: &Visit) -> Answer {
        let caller = visit.caller();
        match (caller, visit.site()) {
            (Caller::Embedded, _) => {
                return problem::document(Code::NotANavigation, visit.reference());
            }
            (Caller::Fetch, Site::Other) => {
                return problem::document(Code::CrossSite, visit.reference());
            }
            _ => {}
        }
        let begun = match Wish::read(visit) {
            Ok(wish) => self.begin(visit, wish).await,
            Err(error) => Err(error.into()),
        };
        match begun {
            Ok((location, binding)) => {
                let answer = match caller {
                    Caller::Fetch => Answer::json(StatusCode::OK, &json!({ "location": location })),
                    _ => Answer::see_other(&location),
                };
                answer.cookie(self.cookies().set_binding(binding.as_str()))
            }
            Err(error) => {
                let code = error.code();
                tracing::warn!(code = code.as_str(), detail = error.detail(), hint = error.hint(), %error, "a sign-in could not begin");
                let return_to = Wish::read(visit).ok().map(|wish| wish.return_to);
                failure::answer(self, visit, code, return_to.as_ref(), None)
            }
        }
    }

    /// Begins a transaction of this browser. Gives the provider's address to lead it to, and the binding to set.
    pub(crate) async fn begin(
        &self,
        visit: &Visit,
        mut wish: Wish,
    ) -> Result<(String, Binding), LoginError> {
        let metadata = self.provider().metadata().await?;
        let binding = self
            .cookies()
            .binding(visit.headers())
            .and_then(Binding::parse)
            .unwrap_or_else(|| Binding::from_bytes(random_bytes(self.random())));
        let asked = Asked {
            provider: provider_tag(&metadata.issuer),
            return_to: wish.return_to.clone(),
            begun_at: self.now(),
            max_age: wish.max_age,
            acr_values: wish.acr_values.clone(),
            silent: wish.is_silent(),
        };
        let (transaction, state) =
            Transaction::begin(self.ring(), asked, &binding, random_bytes(self.random()));
        let settings = self.settings();
        wish.add_fixed(&settings.authorize_parameters);
        if settings.response_mode == ResponseMode::FormPost {
            let mode = ("response_mode".to_owned(), "form_post".to_owned());
            wish.added.push(mode);
        }
        // RFC 8707 section 2.1: what the grant, and so the refresh token, may be used for.
        for resource in self.resources() {
            wish.added
                .push(("resource".to_owned(), resource.to_owned()));
        }
        let redirect_uri = settings.public_url.redirect_uri();
        let scope = self.scope(&metadata);
        let acr_values = wish.acr_values.join(" ");
        let request = AuthorizationRequest {
            client_id: &settings.client_id,
            redirect_uri: &redirect_uri,
            scope: (!scope.is_empty()).then_some(scope.as_str()),
            state: &state,
            nonce: &transaction.nonce(&binding),
            code_challenge: &pkce::challenge(&transaction.verifier(&binding)),
            prompt: wish.prompt.as_deref(),
            login_hint: wish.login_hint.as_deref(),
            max_age: wish.max_age,
            acr_values: (!acr_values.is_empty()).then_some(acr_values.as_str()),
            ui_locales: wish.ui_locales.as_deref(),
            extra: &wish.added,
        };
        let url = self.lead(visit, &metadata, &request).await?;
        Ok((url.into(), binding))
    }
}
