//! `GET /auth/callback`: takes the provider's answer, spends the transaction, makes the session
//! (RFC 6749 section 4.1.2, OpenID Connect Core section 3.1.2.7, RFC 9207).

use cloakroom_oidc::{
    AuthorizationResponse, AuthorizationResponseError, AuthorizationResponseErrorKind,
};
use cloakroom_vault::{Consumed, CreateError, Deadlines, IndexTerm, StoreError, Ticket};
use thiserror::Error;

use crate::address::budget_key;
use crate::answer::Answer;
use crate::bff::Bff;
use crate::code::Code;
use crate::exchange::ExchangeError;
use crate::failure;
use crate::fetch_metadata::Caller;
use crate::hooks::{Refused, SignIn};
use crate::problem;
use crate::record::{Record, RecordError};
use crate::return_to::ReturnTo;
use crate::tickets::TICKET;
use crate::time::random_bytes;
use crate::transaction::{Binding, StateError, Transaction, provider_tag};
use crate::visit::Visit;

/// The kind under which spent transactions are remembered.
const SPENT: &str = "sign-in transaction";
/// Seconds a `begun_at` may lie ahead of this instance's clock.
const CLOCK_SKEW: u64 = 60;

/// Why a callback did not sign anybody in.
#[derive(Debug, Error)]
enum CallbackError {
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
    Handle(String),
}

impl CallbackError {
    fn code(&self) -> Code {
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
            Self::Record(_) | Self::Create(_) | Self::Handle(_) => Code::Internal,
        }
    }

    /// The finer code, for the log.
    fn detail(&self) -> &'static str {
        match self {
            Self::Response(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Exchange(error) => error.detail(),
            other => other.code().as_str(),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Provider { hint, .. } => *hint,
            Self::Exchange(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether a browser that is signed in well enough may simply go on: it pressed Back, or opened the link twice.
    fn is_stale(&self) -> bool {
        matches!(self, Self::Foreign | Self::Expired | Self::Spent)
    }
}

/// A callback that failed, with what could be read of the sign-in it belongs to.
struct Failed {
    error: CallbackError,
    transaction: Option<Transaction>,
}

impl Bff {
    /// Completes a sign-in: 303 to the return path, or to the error page. Everything is checked before anything is
    /// sent to the provider, and the transaction is spent before that.
    pub async fn callback(&self, visit: &Visit) -> Answer {
        if visit.caller() != Caller::Navigation {
            return problem::document(Code::NotANavigation, visit.reference());
        }
        match self.complete(visit).await {
            Ok(return_to) => Answer::see_other(return_to.as_str()),
            Err(failed) => self.explain(visit, failed).await,
        }
    }

    async fn explain(&self, visit: &Visit, failed: Failed) -> Answer {
        let Failed { error, transaction } = failed;
        let code = error.code();
        if let Some(transaction) = transaction.as_ref().filter(|_| error.is_stale())
            && let Ok(Some(session)) = visit.session().await
            && session.satisfies(
                &transaction.asked.acr_values,
                transaction.asked.max_age,
                self.now(),
            )
        {
            tracing::info!(
                code = code.as_str(),
                "a stale sign-in in a browser that is signed in: going on"
            );
            return Answer::see_other(transaction.asked.return_to.as_str());
        }
        // A provider's own words are text from outside: they go into a field, which the log's encoding escapes.
        let said = match &error {
            CallbackError::Provider { description, .. } => description.as_deref(),
            _ => None,
        };
        tracing::warn!(code = code.as_str(), detail = error.detail(), hint = error.hint(), said, %error, "a sign-in failed");
        let detail = match &error {
            CallbackError::Provider {
                error, description, ..
            } => Some(description.as_deref().unwrap_or(error)),
            _ => None,
        };
        failure::answer(
            self,
            visit,
            code,
            transaction
                .as_ref()
                .map(|transaction| &transaction.asked.return_to),
            detail,
        )
    }

    async fn complete(&self, visit: &Visit) -> Result<ReturnTo, Failed> {
        let response = AuthorizationResponse::parse(visit.query()).map_err(|error| Failed {
            transaction: error
                .state()
                .and_then(|state| Transaction::open(self.ring(), state).ok()),
            error: error.into(),
        })?;
        let transaction =
            Transaction::open(self.ring(), response.state()).map_err(|error| Failed {
                error: error.into(),
                transaction: None,
            })?;
        match self
            .complete_transaction(visit, &response, &transaction)
            .await
        {
            Ok(()) => Ok(transaction.asked.return_to),
            Err(error) => Err(Failed {
                error,
                transaction: Some(transaction),
            }),
        }
    }

    async fn complete_transaction(
        &self,
        visit: &Visit,
        response: &AuthorizationResponse,
        transaction: &Transaction,
    ) -> Result<(), CallbackError> {
        let now = self.now();
        let binding = self
            .cookies()
            .binding(visit.headers())
            .and_then(Binding::parse)
            .ok_or(CallbackError::Foreign)?;
        if !transaction.is_bound_to(&binding) {
            return Err(CallbackError::Foreign);
        }
        if now >= transaction.late_at()
            || transaction.asked.begun_at > now.saturating_add(CLOCK_SKEW)
        {
            return Err(CallbackError::Expired);
        }
        if transaction.asked.provider != provider_tag(self.settings().issuer.as_str()) {
            return Err(CallbackError::OtherProvider);
        }
        let address = visit.address().map(budget_key);
        if address.is_some_and(|address| !self.budget().allows(address, now)) {
            return Err(CallbackError::Budget);
        }
        // The issuer is checked before the transaction is spent: an answer that another provider slipped in must not
        // cost the person the true one.
        let metadata = self
            .provider()
            .metadata()
            .await
            .map_err(ExchangeError::from)?;
        response.check_issuer(&metadata)?;
        match self
            .vault()
            .consume_once(SPENT, transaction.id(), transaction.late_at(), now)
            .await?
        {
            Consumed::First => {}
            Consumed::Again => return Err(CallbackError::Spent),
            Consumed::Full => return Err(CallbackError::Full),
        }
        let code = match response {
            AuthorizationResponse::Code { code, .. } => code,
            AuthorizationResponse::Error {
                error, description, ..
            } => {
                return Err(CallbackError::Provider {
                    error: error.clone(),
                    description: description.clone(),
                    hint: response.hint(),
                });
            }
        };
        let exchanged = self
            .exchange(
                &metadata,
                code,
                &transaction.verifier(&binding),
                &transaction.nonce(&binding),
                &transaction.asked,
            )
            .await;
        let mut record = exchanged.inspect_err(|error| {
            if let Some(address) = address.filter(|_| error.is_chargeable()) {
                self.budget().charge(address, now);
            }
        })?;
        if let Err(error) = self.admit(visit, &mut record).await {
            // Nobody will use these tokens: the provider need not keep them alive.
            self.revoke_in_background(record);
            return Err(error);
        }
        Ok(())
    }

    /// Asks the application, makes the session, hands the browser its ticket, ends the session it came with.
    async fn admit(&self, visit: &Visit, record: &mut Record) -> Result<(), CallbackError> {
        if let Some(hook) = self.on_sign_in() {
            let mut sign_in = SignIn {
                subject: &record.subject,
                issuer: &record.issuer,
                claims: &mut record.user,
            };
            hook.on_sign_in(&mut sign_in)
                .await
                .map_err(CallbackError::Hook)?;
            record
                .user
                .insert("sub".to_owned(), record.subject.clone().into());
        }
        let now = self.now();
        let ticket = Ticket::from_bytes(random_bytes(self.random()));
        let absolute_until = now.saturating_add(self.settings().absolute_seconds);
        let deadlines = Deadlines {
            idle_until: now
                .saturating_add(self.settings().idle_seconds)
                .min(absolute_until),
            absolute_until,
        };
        let mut indexes = vec![IndexTerm::new(
            "subject",
            &[&record.issuer, &record.subject],
        )];
        if let Some(sid) = &record.provider_session {
            indexes.push(IndexTerm::new("provider session", &[&record.issuer, sid]));
        }
        self.vault()
            .create(
                &ticket,
                &record.to_bytes()?,
                &indexes,
                deadlines,
                now,
                random_bytes(self.random()),
            )
            .await?;
        // Read before it is deleted: what it held is revoked.
        let replaced = match visit.ticket() {
            Some(before) => visit.open(&before).await.ok().flatten(),
            None => None,
        };
        if let Err(error) = hand_over(visit, &ticket).await {
            let _ = self.vault().delete(&ticket).await;
            return Err(error);
        }
        if let Some((_, record)) = replaced {
            self.revoke_in_background(record);
        }
        tracing::info!(
            has_refresh_token = record.refresh_token.is_some(),
            "signed in"
        );
        Ok(())
    }
}

/// Puts the new ticket into the request's handle; the session layer writes the cookie from it. The session that the
/// request came with ends in the same step.
async fn hand_over(visit: &Visit, ticket: &Ticket) -> Result<(), CallbackError> {
    let handle = visit.handle().ok_or_else(|| {
        CallbackError::Handle(
            "the session layer is not around this endpoint: use Bff::install".to_owned(),
        )
    })?;
    let failed = |error: tower_sessions::session::Error| CallbackError::Handle(error.to_string());
    handle.cycle_id().await.map_err(failed)?;
    handle
        .insert(TICKET, ticket.to_text().as_str())
        .await
        .map_err(failed)
}
