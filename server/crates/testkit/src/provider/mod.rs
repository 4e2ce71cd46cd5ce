//! An OpenID Provider in process, on a loopback port, in Okta's shape (issuer `/oauth2/default`, endpoints
//! under `/v1`): OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0, Form Post Response Mode 1.0, RFC 6749,
//! 7009, 7523, 7636, 7662, 8414, 9126, 9207. Or in process with no network at all ([`Provider::offline`]).

mod alg;
mod assertion;
mod authorize;
mod authorize_check;
mod body;
mod builder;
mod choices;
mod client_auth;
mod client_keys;
mod control;
mod decoy;
mod discovery;
mod effect;
mod fault;
mod fault_table;
mod http;
mod id_token_faults;
mod keys;
mod mint;
mod offline;
mod par;
mod record;
mod resources;
mod respond;
mod settings;
mod sign_in;
mod state;
mod token;
mod token_faults;
mod userinfo;
mod verify;
mod weak_rsa;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use alg::Alg;
pub use builder::Builder;
pub use decoy::Decoy;
pub use effect::{Effect, Needs};
pub use fault::Fault;
pub use record::{Assertion, Counts, Issued, Received, User};
pub use settings::{AccessTokenForm, AssertionAudience, OAuthMetadata};

use keys::SigningKey;
use state::Shared;

/// An OpenID Provider on `127.0.0.1`, honest until [`set_fault`](Self::set_fault). It approves every
/// authorization request as the current user, without a page. It ends when dropped.
///
/// It runs on the test's own runtime: a test that blocks its thread (waiting for a child process, say) needs
/// `#[tokio::test(flavor = "multi_thread")]`, or nobody answers.
///
/// What a relying party does wrong is refused, and recorded in [`protocol_errors`](Self::protocol_errors): a
/// test of an honest sign-in ends with `provider.assert_clean()`.
#[derive(Debug)]
pub struct Provider {
    shared: Arc<Shared>,
    /// None where there is no network.
    address: Option<SocketAddr>,
    server: Mutex<Option<JoinHandle<()>>>,
}

impl Provider {
    /// The client that a provider without [`Builder::client`] has.
    pub const CLIENT_ID: &'static str = "0oa-testkit-client";
    /// That client's secret. It has characters in it that must be form-encoded for Basic (RFC 6749, section 2.3.1).
    pub const CLIENT_SECRET: &'static str = "testkit secret+with%special:characters/5f1c9a0b7e";

    /// A provider with the default client and user, and everything else as [`Builder`] has it.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A provider with choices of its own.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn launch(shared: Shared, listener: TcpListener) -> Self {
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let provider = Self {
            shared: Arc::new(shared),
            address: Some(address),
            server: Mutex::new(None),
        };
        provider.serve(listener);
        provider
    }

    fn serve(&self, listener: TcpListener) {
        let task = tokio::spawn(http::serve(listener, http::router(self.shared.clone())));
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Closes the port and every connection: from now on the provider is down. What it knows stays.
    pub async fn stop(&self) {
        let task = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            task.abort();
            // Wait until the port is really closed; the error says that the task was cancelled, which it was.
            let _ = task.await;
        }
    }

    /// Opens the same port again after [`stop`](Self::stop).
    pub async fn resume(&self) {
        self.stop().await;
        let listener = TcpListener::bind(self.address()).await;
        self.serve(listener.expect("the port of a provider that was stopped is still free"));
    }

    /// The issuer identifier, `http://127.0.0.1:PORT/oauth2/default`.
    pub fn issuer(&self) -> String {
        self.shared.issuer.clone()
    }

    /// The origin, `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        self.shared.origin.clone()
    }

    /// Where it listens. Panics where it does not ([`offline`](Self::offline)).
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        self.address
            .expect("a provider without a network has no address")
    }

    /// The first client's identifier.
    pub fn client_id(&self) -> String {
        self.shared.state().clients[0].id.clone()
    }

    /// The first client's secret; empty for a public client.
    pub fn client_secret(&self) -> String {
        self.shared.state().clients[0]
            .secret
            .clone()
            .unwrap_or_default()
    }

    /// The provider's time, in Unix seconds.
    pub fn now(&self) -> u64 {
        self.shared.state().now()
    }

    /// What each endpoint was asked since the start or [`reset_counts`](Self::reset_counts).
    pub fn counts(&self) -> Counts {
        self.shared.state().counts
    }

    /// Sets every count to zero. Records and protocol errors stay.
    pub fn reset_counts(&self) {
        self.shared.state().counts = Counts::default();
    }

    /// What was given out since the start.
    pub fn issued(&self) -> Issued {
        self.shared.state().issued.clone()
    }

    /// What was received since the start.
    pub fn received(&self) -> Received {
        self.shared.state().received.clone()
    }

    /// What no browser and no log may ever hold: tokens, verifiers, client assertions and client secrets, those of
    /// the registration included, as [`leaks`](crate::leaks) takes them. For codes see [`Issued::codes`].
    pub fn secrets(&self) -> Vec<String> {
        let state = self.shared.state();
        let mut secrets = state.issued.tokens();
        secrets.extend(state.received.verifiers.iter().cloned());
        secrets.extend(state.received.client_secrets.iter().cloned());
        let assertions = state.received.assertions.iter();
        secrets.extend(assertions.map(|assertion| assertion.raw.clone()));
        secrets.extend(
            state
                .clients
                .iter()
                .filter_map(|client| client.secret.clone()),
        );
        secrets.sort();
        secrets.dedup();
        secrets
    }

    /// What relying parties did wrong since the start, one sentence each.
    pub fn protocol_errors(&self) -> Vec<String> {
        self.shared.state().protocol_errors.clone()
    }

    /// Forgets the protocol errors: for tests that make some on purpose.
    pub fn clear_protocol_errors(&self) {
        self.shared.state().protocol_errors.clear();
    }

    /// Panics with the list where a relying party did anything wrong.
    #[track_caller]
    pub fn assert_clean(&self) {
        let errors = self.protocol_errors();
        assert!(
            errors.is_empty(),
            "the provider objects:\n{}",
            errors.join("\n")
        );
    }

    /// These claims signed with the published key; `header` is added to `alg` and `kid`, and wins. For
    /// tokens that no flow here issues, a logout token for one.
    pub fn sign(&self, header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
        let place = self.shared.state().signing_place();
        let key = SigningKey::get(self.shared.settings.alg, place);
        let mut whole = mint::header(&key);
        whole.extend(header.clone());
        keys::compact(&whole, claims, &key)
    }

    /// These texts signed with the published key, which need not be JSON: for claims that no map can hold, such as one
    /// that is there twice.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let place = self.shared.state().signing_place();
        let key = SigningKey::get(self.shared.settings.alg, place);
        mint::Signer::Key(key).compact(header, claims)
    }

    /// The published keys (RFC 7517).
    pub fn key_set(&self) -> Value {
        discovery::key_set(&self.shared)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(task) = self
            .server
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            task.abort();
        }
    }
}
