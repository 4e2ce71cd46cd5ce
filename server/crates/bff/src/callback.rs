//! `/auth/callback`: takes the provider's answer, by GET or, with `form_post`, by POST, and has the session made
//! (RFC 6749 section 4.1.2, OpenID Connect Core section 3.1.2.7, OAuth 2.0 Form Post Response Mode, RFC 9207).

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
use crate::settings::ResponseMode;
use crate::silent::SilentSignIn;
use crate::tickets::TICKET;
use crate::transaction::{Asked, Binding, Transaction, provider_tag};
use crate::visit::{Notice, Visit};

/// The redirect URI's path.
pub(crate) const CALLBACK_PATH: &str = "/auth/callback";
/// Seconds a `begun_at` may lie ahead of this instance's clock.
const CLOCK_SKEW: u64 = 60;

/// A callback that failed, with what could be read of the sign-in it belongs to.
struct Failed {
    error: CallbackError,
    transaction: Option<Arc<Transaction>>,
}

/// A callback that did not fail.
enum Completed {
    /// A session was made.
    SignedIn(Box<Made>),
    /// A silent sign-in has its answer, which is no.
    Silently(SilentSignIn),
}

impl Bff {
    /// Completes a sign-in: 303 to the return path, or to the error page. Everything is checked before anything is
    /// sent to the provider, and the transaction is spent before that. With `form_post` the 303 leads to
    /// [`Self::arrive`] first.
    pub async fn callback(&self, visit: &Visit) -> Answer {
        if visit.caller() != Caller::Navigation {
            return problem::document(Code::NotANavigation, visit.reference());
        }
        let (transaction, made) = match self.complete(visit).await {
            Ok((transaction, Completed::SignedIn(made))) => (transaction, made),
            Ok((transaction, Completed::Silently(said))) => {
                // Nobody was signed in and nobody out: who is signed in here stays so.
                tracing::info!(
                    said = said.as_str(),
                    "a silent sign-in came back without one"
                );
                return Answer::see_other(transaction.asked.return_to.as_str())
                    .cookie(self.cookies().set_silent(said.as_str()))
                    .cookie(
                        self.cookies()
                            .set_notice(Notice::NotSignedInSilently.as_str()),
                    );
            }
            Err(failed) => return self.explain(visit, failed).await,
        };
        let return_to = &transaction.asked.return_to;
        if self.settings().response_mode == ResponseMode::FormPost {
            return self.leave_session(visit, *made, return_to);
        }
        // Where this fails, or the request is dropped before it is done, the session is undone.
        match self.hand_over(visit, &made.ticket).await {
            Ok(()) => {
                made.keep();
                Answer::see_other(return_to.as_str())
            }
            Err(error) => {
                let transaction = Some(transaction);
                self.explain(visit, Failed { error, transaction }).await
            }
        }
    }

    /// A browser that is signed in well enough goes on where a stale sign-in was to lead.
    pub(crate) async fn go_on(&self, visit: &Visit, code: Code, asked: &Asked) -> Option<Answer> {
        let session = visit.session().await.ok().flatten()?;
        if !session.satisfies(&asked.acr_values, asked.max_age, self.now()) {
            return None;
        }
        tracing::info!(
            code = code.as_str(),
            "a stale sign-in in a browser that is signed in: going on"
        );
        Some(Answer::see_other(asked.return_to.as_str()))
    }

    async fn explain(&self, visit: &Visit, failed: Failed) -> Answer {
        let Failed { error, transaction } = failed;
        let code = error.code();
        let state = query::only(visit.parameters(), "state");
        if let Some(transaction) = transaction.as_ref().filter(|_| error.is_stale()) {
            if self.settings().response_mode == ResponseMode::FormPost
                && let Some(state) = &state
            {
                tracing::info!(code = code.as_str(), %error, "a stale sign-in: the session decides, which a POST does not show");
                return self.leave_stale(code, state);
            }
            if let Some(answer) = self.go_on(visit, code, &transaction.asked).await {
                return answer;
            }
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

    async fn complete(&self, visit: &Visit) -> Result<(Arc<Transaction>, Completed), Failed> {
        let response =
            AuthorizationResponse::parse(visit.parameters()).map_err(|error| Failed {
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
            Ok(completed) => Ok((transaction, completed)),
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
    ) -> Result<Completed, CallbackError> {
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
                error,
                description,
                state,
                ..
            } => {
                if let Some(said) = SilentSignIn::parse(&error).filter(|_| transaction.asked.silent)
                {
                    return Ok(Completed::Silently(said));
                }
                // Should they quote what was sent, the log and the page must not.
                let nonce = transaction.nonce(&binding);
                let sent = [state.as_str(), nonce.expose()];
                return Err(CallbackError::Provider {
                    error: redact::without_secrets(&error, &sent),
                    description: description.map(|words| redact::without_secrets(&words, &sent)),
                    hint,
                });
            }
        };
        self.make_session(
            visit,
            Exchange {
                metadata,
                transaction,
                binding,
                code,
            },
        )
        .await
        .map(|made| Completed::SignedIn(Box::new(made)))
    }

    /// Gives the browser its new ticket and ends the sessions it came with: whatever it showed as its ticket, believed
    /// or not, is of no use any more.
    pub(crate) async fn hand_over(
        &self,
        visit: &Visit,
        ticket: &Ticket,
    ) -> Result<(), CallbackError> {
        let shown: Vec<Ticket> = visit
            .presented_tickets()
            .into_iter()
            .filter(|shown| shown.bytes() != ticket.bytes())
            .collect();
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
        match visit.handle() {
            Some(handle) => carry(handle, ticket).await?,
            None => return Err(CallbackError::NotInstalled),
        }
        for ticket in &shown {
            if let Err(error) = self.end_session(ticket).await {
                tracing::warn!(%error, "a session that was replaced could not be ended");
            }
        }
        for record in replaced {
            self.revoke_in_background(record);
        }
        // What a silent sign-in before this one was answered with is not true any more.
        visit.take_silent_sign_in();
        tracing::info!("signed in");
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
