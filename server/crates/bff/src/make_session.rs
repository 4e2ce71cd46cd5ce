//! From a transaction to a session: spent, exchanged, admitted, stored. It runs to its end even where the browser hangs
//! up, so that no token is left alive that nobody keeps.

use std::sync::Arc;

use cloakroom_oidc::{AuthorizationCode, ProviderMetadata};
use cloakroom_vault::{Consumed, Deadlines, IndexTerm, Ticket};
use tokio::sync::oneshot;
use tracing::Instrument as _;

use crate::arrival::ARRIVAL_SECONDS;
use crate::bff::Bff;
use crate::callback_error::CallbackError;
use crate::hooks::SignIn;
use crate::record::Record;
use crate::settings::ResponseMode;
use crate::time::random_bytes;
use crate::transaction::{Binding, Transaction};
use crate::visit::Visit;

/// The kind under which spent transactions are remembered.
const SPENT: &str = "sign-in transaction";

/// What goes into an exchange.
pub(crate) struct Exchange {
    pub(crate) metadata: Arc<ProviderMetadata>,
    pub(crate) transaction: Arc<Transaction>,
    pub(crate) binding: Binding,
    pub(crate) code: AuthorizationCode,
}

/// A session that was made, before the browser has its ticket. Dropped before it is kept, it is undone: deleted, and
/// what it held revoked.
pub(crate) struct Made {
    pub(crate) ticket: Ticket,
    unkept: Option<(Bff, Record)>,
}

impl Made {
    /// The browser gets the ticket.
    pub(crate) fn keep(mut self) {
        self.unkept = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let Some((bff, record)) = self.unkept.take() else {
            return;
        };
        tracing::info!(
            "a sign-in came to nothing after its session was made: the session is undone"
        );
        let ticket = self.ticket.clone();
        let counter = bff.clone();
        counter.in_background(
            async move {
                if let Err(error) = bff.end_session(&ticket).await {
                    tracing::warn!(%error, "a session that nobody has the ticket of could not be removed; it ends by itself");
                }
                bff.revoke(&record).await;
            }
            .in_current_span(),
        );
    }
}

impl Bff {
    /// Makes the session in a task of its own. Where the request that asked for it is dropped meanwhile, the session
    /// is undone; shutdown waits for that.
    pub(crate) async fn make_session(
        &self,
        visit: &Visit,
        exchange: Exchange,
    ) -> Result<Made, CallbackError> {
        // Taken before the transaction is spent, given back for a session: who throws made-up codes at us is stopped
        // before the store or the provider hears of them.
        let reservation = match visit.payer() {
            Some(payer) => Some(
                self.budget()
                    .reserve(payer, self.clock())
                    .ok_or(CallbackError::Budget)?,
            ),
            None => None,
        };
        let (send, receive) = oneshot::channel();
        let bff = self.clone();
        let work = async move {
            let made = bff.exchange_and_store(&exchange).await;
            if let Some(reservation) = reservation {
                match &made {
                    Err(error) if error.is_chargeable() => reservation.charge(),
                    _ => reservation.refund(),
                }
            }
            // Where nobody waits for it any more, it is dropped here, and undone by that.
            drop(send.send(made));
        };
        self.in_background(work.in_current_span());
        receive.await.map_err(|_| CallbackError::BrokenOff)?
    }

    async fn exchange_and_store(&self, exchange: &Exchange) -> Result<Made, CallbackError> {
        let Exchange {
            metadata,
            transaction,
            binding,
            code,
        } = exchange;
        match self
            .vault()
            .consume_once(SPENT, transaction.id(), transaction.late_at(), self.now())
            .await?
        {
            Consumed::First => {}
            Consumed::Again => return Err(CallbackError::Spent),
            Consumed::Full => return Err(CallbackError::Full),
        }
        let mut record = self
            .exchange(
                metadata,
                code,
                &transaction.verifier(binding),
                &transaction.nonce(binding),
                &transaction.asked,
            )
            .await?;
        match self.admit(&mut record).await {
            Ok(ticket) => {
                let has_refresh_token = record.refresh_token.is_some();
                tracing::debug!(has_refresh_token, "a session was made");
                Ok(Made {
                    ticket,
                    unkept: Some((self.clone(), record)),
                })
            }
            Err(error) => {
                // Nobody will use these tokens: the provider need not keep them alive.
                self.revoke_in_background(record);
                Err(error)
            }
        }
    }

    /// Asks the application, and stores the session under a new ticket.
    async fn admit(&self, record: &mut Record) -> Result<Ticket, CallbackError> {
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
        // With form_post the browser has yet to come for its ticket: a session that nobody comes for ends by itself.
        let first = match self.settings().response_mode {
            ResponseMode::Query => self.settings().idle_seconds,
            ResponseMode::FormPost => self.settings().idle_seconds.min(ARRIVAL_SECONDS),
        };
        let idle_until = now.saturating_add(first).min(absolute_until);
        let mut indexes = vec![IndexTerm::new(
            "subject",
            &[&record.issuer, &record.subject],
        )];
        if let Some(sid) = &record.provider_session {
            indexes.push(IndexTerm::new("provider session", &[&record.issuer, sid]));
        }
        let deadlines = Deadlines {
            idle_until,
            absolute_until,
        };
        let seal_id = random_bytes(self.random());
        self.vault()
            .create(
                &ticket,
                &record.to_bytes()?,
                &indexes,
                deadlines,
                now,
                seal_id,
            )
            .await?;
        Ok(ticket)
    }
}
