//! `GET /auth/callback`: takes the provider's answer and has the session made
//! (RFC 6749 section 4.1.2, OpenID Connect Core section 3.1.2.7, RFC 9207).

use std::sync::Arc;

use cloakroom_oidc::{AuthorizationResponse, redact};
use cloakroom_vault::Ticket;

use crate::answer::Answer;
use crate::bff::Bff;
use crate::callback_error::CallbackError;
use crate::code::Code;
use crate::exchange::ExchangeError;
use crate::failure;
use crate::fetch_metadata::Caller;
use crate::make_session::{Exchange, Made};
use crate::problem;
use crate::query;
use crate::return_to::ReturnTo;
use crate::tickets::TICKET;
use crate::transaction::{Binding, Transaction, provider_tag};
use crate::visit::Visit;

/// Seconds a `begun_at` may lie ahead of this instance's clock.
const CLOCK_SKEW: u64 = 60;

/// A callback that failed, with what could be read of the sign-in it belongs to.
struct Failed {
    error: CallbackError,
    transaction: Option<Arc<Transaction>>,
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
        // Should it quote the state, the log must not.
        let said = match &error {
            CallbackError::Provider { description, .. } => {
                description
                    .as_deref()
                    .map(|words| match query::only(visit.query(), "state") {
                        Some(state) => redact::without_secrets(words, &[state]),
                        _ => words.to_owned(),
                    })
            }
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
                .and_then(|state| Transaction::open(self.ring(), state).ok())
                .map(Arc::new),
            error: error.into(),
        })?;
        let transaction = Transaction::open(self.ring(), response.state())
            .map(Arc::new)
            .map_err(|error| Failed {
                error: error.into(),
                transaction: None,
            })?;
        match self
            .complete_transaction(visit, response, Arc::clone(&transaction))
            .await
        {
            Ok(()) => Ok(transaction.asked.return_to.clone()),
            Err(error) => Err(Failed {
                error,
                transaction: Some(transaction),
            }),
        }
    }

    async fn complete_transaction(
        &self,
        visit: &Visit,
        response: AuthorizationResponse,
        transaction: Arc<Transaction>,
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
        // The issuer is checked before the transaction is spent: an answer that another provider slipped in must not
        // cost the person the true one.
        let metadata = self
            .provider()
            .metadata()
            .await
            .map_err(ExchangeError::from)?;
        response.check_issuer(&metadata)?;
        let hint = response.hint();
        let code = match response {
            AuthorizationResponse::Code { code, .. } => code,
            // Nothing is sent for an error, so nothing is spent: who cancelled, went back and signed in after all
            // comes with the same state. And nobody can fill the set of spent sign-ins with errors of their own making.
            AuthorizationResponse::Error {
                error, description, ..
            } => {
                return Err(CallbackError::Provider {
                    error,
                    description,
                    hint,
                });
            }
        };
        let made = self
            .make_session(
                visit,
                Exchange {
                    metadata,
                    transaction,
                    binding,
                    code,
                },
            )
            .await?;
        self.hand_over(visit, made).await
    }

    /// Gives the browser its new ticket and ends the sessions it came with: whatever it showed as its ticket, believed
    /// or not, is of no use any more.
    async fn hand_over(&self, visit: &Visit, made: Made) -> Result<(), CallbackError> {
        let shown = visit.presented_tickets();
        // Read before they are deleted: what they held is revoked.
        let mut replaced = Vec::new();
        for ticket in &shown {
            replaced.extend(
                visit
                    .open(ticket)
                    .await
                    .ok()
                    .flatten()
                    .map(|(_, record)| record),
            );
        }
        let handed = match visit.handle() {
            Some(handle) => carry(handle, &made.ticket)
                .await
                .map_err(CallbackError::from),
            None => Err(CallbackError::NotInstalled),
        };
        // Where this fails, or the request is dropped before it gets here, the session is undone.
        handed?;
        let has_refresh_token = made.keep();
        for ticket in &shown {
            if let Err(error) = self.vault().delete(ticket).await {
                tracing::warn!(%error, "a session that was replaced could not be ended");
            }
        }
        for record in replaced {
            self.revoke_in_background(record);
        }
        tracing::info!(has_refresh_token, "signed in");
        Ok(())
    }
}

/// Puts the new ticket into the request's handle; the session layer writes the cookie from it.
async fn carry(
    handle: &tower_sessions::Session,
    ticket: &Ticket,
) -> Result<(), tower_sessions::session::Error> {
    handle.cycle_id().await?;
    handle.insert(TICKET, ticket.to_text().as_str()).await
}
