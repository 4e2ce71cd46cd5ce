//! An OpenID Provider in process, on a loopback port, in Okta's shape (issuer `/oauth2/default`, endpoints
//! under `/v1`): OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0, RFC 6749, 7009, 7636, 7662, 9207.

mod authorize;
mod builder;
mod client_auth;
mod fault;
mod http;
mod keys;
mod mint;
mod record;
mod resources;
mod state;
mod token;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use builder::Builder;
pub use fault::{Effect, Fault};
pub use keys::Alg;
pub use record::{Counts, Issued, Received, User};

use keys::{SigningKey, Which};
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
    address: SocketAddr,
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
            address,
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
        let listener = TcpListener::bind(self.address).await;
        self.serve(listener.expect("the port of a provider that was stopped is still free"));
    }

    /// The issuer identifier, `http://127.0.0.1:PORT/oauth2/default`.
    pub fn issuer(&self) -> String {
        self.shared.issuer.clone()
    }

    /// The origin, `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
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

    /// Replaces the first client's secret, as an operator does.
    pub fn set_client_secret(&self, secret: impl Into<String>) {
        self.shared.state().clients[0].secret = Some(secret.into());
    }

    /// Registers a redirect URI for every client: an application's port is known later than the provider's.
    pub fn register_redirect_uri(&self, uri: impl Into<String>) {
        let uri = uri.into();
        for client in &mut self.shared.state().clients {
            client.redirect_uris.push(uri.clone());
        }
    }

    /// Registers a post-logout redirect URI for every client.
    pub fn register_post_logout_redirect_uri(&self, uri: impl Into<String>) {
        let uri = uri.into();
        for client in &mut self.shared.state().clients {
            client.post_logout_redirect_uris.push(uri.clone());
        }
    }

    /// Registers `{public_url}/auth/callback` and `{public_url}/`, Cloakroom's two addresses.
    pub fn register_app(&self, public_url: &str) {
        let public_url = public_url.trim_end_matches('/');
        self.register_redirect_uri(format!("{public_url}/auth/callback"));
        self.register_post_logout_redirect_uri(format!("{public_url}/"));
    }

    /// From now on this user is signed in here, and sign-ins are theirs.
    pub fn set_user(&self, user: User) {
        self.shared.state().user = Some(user);
    }

    /// From now on nobody is signed in here: `prompt=none` gets `login_required`, anything else a page.
    pub fn sign_out_user(&self) {
        self.shared.state().user = None;
    }

    /// The provider is wrong in this way until [`clear_fault`](Self::clear_fault) or another fault.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.state().fault = Some(fault);
        self.shared.changed.send_modify(|changes| *changes += 1);
    }

    /// The provider is honest again, and answers what it held back ([`Fault::TokenHang`]).
    pub fn clear_fault(&self) {
        self.shared.state().fault = None;
        self.shared.changed.send_modify(|changes| *changes += 1);
    }

    /// [`clear_fault`](Self::clear_fault), by the name that fits [`Fault::TokenHang`].
    pub fn release(&self) {
        self.clear_fault();
    }

    /// The provider's clock is this many seconds before (negative) or after (positive) the system's.
    pub fn set_time_offset(&self, seconds: i64) {
        self.shared.state().offset = seconds;
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

    /// What no browser and no log may ever hold: tokens, verifiers and client secrets, those of the
    /// registration included, as [`leaks`](crate::leaks) takes them. For codes see [`Issued::codes`].
    pub fn secrets(&self) -> Vec<String> {
        let state = self.shared.state();
        let mut secrets = state.issued.tokens();
        secrets.extend(state.received.verifiers.iter().cloned());
        secrets.extend(state.received.client_secrets.iter().cloned());
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

    /// Ends what every refresh token allows, as an administrator does: the next refresh gets `invalid_grant`.
    pub fn revoke_refresh_tokens(&self) {
        self.shared.state().refresh.clear();
    }

    /// These claims signed with the published key; `header` is added to `alg` and `kid`, and wins. For
    /// tokens that no flow here issues, a logout token for one.
    pub fn sign(&self, header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
        let key = SigningKey::get(self.shared.settings.alg, Which::Current);
        let mut whole = mint::header(&key);
        whole.extend(header.clone());
        keys::compact(&whole, claims, &key)
    }

    /// The published keys (RFC 7517).
    pub fn key_set(&self) -> Value {
        resources::key_set(&self.shared)
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
