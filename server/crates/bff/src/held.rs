//! A session's record as one request found it: looked up once, for whoever asks in it. Never public: tokens are in it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use cloakroom_vault::{Opened, Ticket};

use crate::record::Record;
use crate::session::Session;

/// The record, and what the store says of it.
pub(crate) struct Held {
    pub(crate) ticket: Ticket,
    pub(crate) record: Record,
    created_at: u64,
    idle_until: u64,
    absolute_until: u64,
    /// What the application sees of it; made when it asks, which a proxied call does not.
    session: OnceLock<Arc<Session>>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

impl Held {
    pub(crate) fn new(ticket: Ticket, opened: &Opened, idle_until: u64, record: Record) -> Self {
        Self {
            ticket,
            record,
            created_at: opened.created_at,
            idle_until,
            absolute_until: opened.deadlines.absolute_until,
            session: OnceLock::new(),
        }
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        self.session.get_or_init(|| {
            let record = &self.record;
            Arc::new(Session {
                subject: record.subject.clone(),
                issuer: record.issuer.clone(),
                user: record.user.clone(),
                acr: record.acr.clone(),
                auth_time: record.auth_time,
                signed_in_at: self.created_at,
                idle_until: self.idle_until,
                absolute_until: self.absolute_until,
                api_until: match record.refresh_token {
                    Some(_) => None,
                    None => record.access_token_expires_at,
                },
            })
        })
    }
}
