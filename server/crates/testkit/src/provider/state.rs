//! What the provider remembers: clients, grants and tokens. One lock around all of it, never held while
//! anything is awaited.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use super::Fault;
use super::http::Params;
use super::record::{Counts, Issued, Received, User};
use super::settings::Settings;
use crate::clock::system_now;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    /// Scheme, host and port.
    pub(super) origin: String,
    pub(super) issuer: String,
    pub(super) state: Mutex<State>,
    /// Counts changes of the fault, for what waits until it is over.
    pub(super) changed: watch::Sender<u64>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) clients: Vec<Client>,
    pub(super) user: Option<User>,
    pub(super) fault: Option<Fault>,
    pub(super) offset: i64,
    /// How long ago the user signed in here, in seconds.
    pub(super) authentication_age: u64,
    /// What `prompt=none` gets although somebody is signed in.
    pub(super) silent_error: Option<String>,
    /// What is granted at most, whatever is asked for.
    pub(super) granted_scopes: Option<Vec<String>>,
    pub(super) keys_cache_control: String,
    pub(super) next_key_published: bool,
    pub(super) next_key_signs: bool,
    pub(super) current_key_published: bool,
    pub(super) counts: Counts,
    pub(super) issued: Issued,
    pub(super) received: Received,
    pub(super) protocol_errors: Vec<String>,
    pub(super) codes: HashMap<String, Code>,
    /// Pushed authorization requests, by `request_uri`.
    pub(super) pushed: HashMap<String, Pushed>,
    pub(super) access: HashMap<String, Access>,
    pub(super) refresh: HashMap<String, Grant>,
    /// Refresh tokens that were rotated away, with the `sid` of their grant.
    pub(super) spent_refresh: HashMap<String, String>,
    /// Client and `jti` of every assertion whose signature was right.
    pub(super) assertion_ids: HashSet<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: String,
    /// None for a public client.
    pub(super) secret: Option<String>,
    pub(super) redirect_uris: Vec<String>,
    pub(super) post_logout_redirect_uris: Vec<String>,
    /// None where any way that its credentials allow is good.
    pub(super) auth_method: Option<String>,
    pub(super) jwks: Option<Value>,
    pub(super) jwks_uri: Option<String>,
    pub(super) assertion_alg: Option<String>,
}

/// What one sign-in allows one client. Refreshing hands it on.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) scope: Vec<String>,
    pub(super) user: User,
    pub(super) sid: String,
    pub(super) auth_time: u64,
    pub(super) acr: Option<String>,
    /// None where the request had none, and after a refresh.
    pub(super) nonce: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) expires_at: u64,
    pub(super) spent: bool,
}

/// A pushed authorization request (RFC 9126).
#[derive(Clone, Debug)]
pub(super) struct Pushed {
    pub(super) client_id: String,
    pub(super) params: Params,
    pub(super) expires_at: u64,
    pub(super) spent: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) grant: Grant,
    pub(super) expires_at: u64,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether authorization responses carry `iss` and the metadata say so.
    pub(super) fn announces_iss(&self, fault: Option<&Fault>) -> bool {
        self.settings.announce_iss
            || fault.is_some_and(|fault| {
                matches!(
                    fault,
                    Fault::ResponseMissingIss | Fault::ErrorWithoutIss | Fault::ErrorWrongIss
                )
            })
    }
}

impl State {
    pub(super) fn now(&self) -> u64 {
        system_now().saturating_add_signed(self.offset)
    }

    pub(super) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    pub(super) fn object(&mut self, problem: impl Into<String>) {
        self.protocol_errors.push(problem.into());
    }

    /// Ends everything that came of one sign-in.
    pub(super) fn revoke_grant(&mut self, sid: &str) {
        self.access.retain(|_, access| access.grant.sid != sid);
        self.refresh.retain(|_, grant| grant.sid != sid);
    }
}
