//! What tower-sessions is given as a store: an adapter that carries tickets and writes no record. Records are written
//! by [`crate::Bff`] alone, at the version it read, so that a late request can neither overwrite nor revive one.

use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_vault::{Ticket, Vault};
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::{SessionStore, session_store};

use crate::time::Clock;

/// Under this name the request's handle carries a new ticket from the sign-in to the layer that writes the cookie.
pub(crate) const TICKET: &str = "ticket";

#[derive(Debug, Clone)]
pub(crate) struct TicketStore {
    vault: Vault,
    clock: Arc<dyn Clock>,
    idle_seconds: u64,
}

impl TicketStore {
    pub(crate) fn new(vault: Vault, clock: Arc<dyn Clock>, idle_seconds: u64) -> Self {
        Self {
            vault,
            clock,
            idle_seconds,
        }
    }
}

/// The ticket that a tower-sessions id stands for: the same 128 bits, written the same way.
pub(crate) fn ticket_of(id: Id) -> Ticket {
    Ticket::from_bytes(id.0.to_le_bytes())
}

fn id_of(ticket: &Ticket) -> Id {
    Id(i128::from_le_bytes(*ticket.bytes()))
}

#[async_trait]
impl SessionStore for TicketStore {
    /// Takes the ticket that the sign-in made its record under; makes none itself.
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let ticket = record
            .data
            .remove(TICKET)
            .and_then(|value| value.as_str().map(str::to_owned))
            .and_then(|text| Ticket::parse(&text).ok())
            .ok_or_else(|| {
                session_store::Error::Backend(
                    "sessions are made by signing in, not by inserting values".to_owned(),
                )
            })?;
        record.id = id_of(&ticket);
        Ok(())
    }

    /// Only touches: never a record's content, and nothing of a record that is gone.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let now = self.clock.now();
        self.vault
            .touch(
                &ticket_of(record.id),
                now.saturating_add(self.idle_seconds),
                now,
            )
            .await
            .map(|_| ())
            .map_err(|error| session_store::Error::Backend(error.to_string()))
    }

    /// Carries the ticket. Whether there is a session under it, and what is in it, is for `Bff` to find out: a record
    /// that cannot be opened must not stand in the way of signing in again.
    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        Ok(Some(Record {
            id: *id,
            data: std::collections::HashMap::new(),
            expiry_date: OffsetDateTime::UNIX_EPOCH,
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.vault
            .delete(&ticket_of(*id))
            .await
            .map(|_| ())
            .map_err(|error| session_store::Error::Backend(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_vault::Ticket;
    use tower_sessions::session::Id;

    use super::{id_of, ticket_of};

    #[test]
    fn an_id_and_its_ticket_are_written_the_same() {
        let ticket = Ticket::from_bytes([0xA5; 16]);
        let id: Id = id_of(&ticket);
        assert_eq!(id.to_string(), ticket.to_text().as_str());
        assert_eq!(ticket_of(id).bytes(), ticket.bytes());
    }
}
