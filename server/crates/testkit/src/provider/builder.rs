//! How a provider is put together: its clients and where it listens. What it does otherwise is in `choices`.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::record::User;
use super::settings::Settings;
use super::state::{Client, Shared, State};
use super::{Counts, Issued, Provider, Received};

/// Builds a [`Provider`].
#[derive(Clone, Debug, Default)]
#[must_use = "a provider runs only after start()"]
pub struct Builder {
    pub(super) settings: Settings,
    clients: Vec<Client>,
}

impl Builder {
    /// A confidential client. Empty URIs are none: register them after the start. Without this there is one
    /// client, [`Provider::CLIENT_ID`].
    ///
    /// With nothing else said it authenticates by its secret in whichever way the metadata have.
    pub fn client(
        mut self,
        id: impl Into<String>,
        secret: impl Into<String>,
        redirect_uri: impl Into<String>,
        post_logout_redirect_uri: impl Into<String>,
    ) -> Self {
        let some = |uri: String| {
            if uri.is_empty() {
                Vec::new()
            } else {
                vec![uri]
            }
        };
        self.clients.push(Client {
            id: id.into(),
            secret: Some(secret.into()),
            redirect_uris: some(redirect_uri.into()),
            post_logout_redirect_uris: some(post_logout_redirect_uri.into()),
            auth_method: None,
            jwks: None,
            jwks_uri: None,
            assertion_alg: None,
        });
        self
    }

    /// A public client (`token_endpoint_auth_method: none`).
    pub fn public_client(self, id: impl Into<String>, redirect_uri: impl Into<String>) -> Self {
        let mut builder = self.client(id, "", redirect_uri, "");
        builder.last_client().secret = None;
        builder
    }

    /// A client without a secret that signs its assertions (`private_key_jwt`). Its keys are given by
    /// [`client_jwks`](Self::client_jwks) or [`client_jwks_uri`](Self::client_jwks_uri), or after the start.
    pub fn private_key_client(
        self,
        id: impl Into<String>,
        redirect_uri: impl Into<String>,
        post_logout_redirect_uri: impl Into<String>,
    ) -> Self {
        let mut builder = self.client(id, "", redirect_uri, post_logout_redirect_uri);
        let client = builder.last_client();
        client.secret = None;
        client.auth_method = Some("private_key_jwt".to_owned());
        builder
    }

    /// The last client (the default one where there is none yet) authenticates in this way and no other
    /// (`token_endpoint_auth_method`, RFC 7591, section 2).
    pub fn client_auth_method(mut self, method: impl Into<String>) -> Self {
        self.last_client().auth_method = Some(method.into());
        self
    }

    /// The last client's public keys, by value (`jwks`, RFC 7591, section 2).
    pub fn client_jwks(mut self, jwks: Value) -> Self {
        self.last_client().jwks = Some(jwks);
        self
    }

    /// The last client's public keys, by address (`jwks_uri`), on loopback: fetched at each of its assertions.
    pub fn client_jwks_uri(mut self, uri: impl Into<String>) -> Self {
        self.last_client().jwks_uri = Some(uri.into());
        self
    }

    /// The last client's assertions are signed with this algorithm and no other
    /// (`token_endpoint_auth_signing_alg`, `RS256` for one).
    pub fn client_assertion_alg(mut self, alg: impl Into<String>) -> Self {
        self.last_client().assertion_alg = Some(alg.into());
        self
    }

    fn last_client(&mut self) -> &mut Client {
        if self.clients.is_empty() {
            *self = std::mem::take(self).with_default_client();
        }
        self.clients.last_mut().expect("there is one by now")
    }

    fn with_default_client(self) -> Self {
        if self.clients.is_empty() {
            self.client(Provider::CLIENT_ID, Provider::CLIENT_SECRET, "", "")
        } else {
            self
        }
    }

    /// Binds a free port on `127.0.0.1` and starts.
    pub async fn start(self) -> Provider {
        self.start_at(0).await
    }

    /// Binds this port on `127.0.0.1` and starts: for an application that is configured by hand.
    pub async fn start_at(self, port: u16) -> Provider {
        let listener = TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.expect("the port on loopback is free");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = self.shared(&format!("http://{address}"));
        Provider::launch(shared, listener)
    }

    /// Starts without a network, as [`Provider::offline`] does.
    pub fn offline(self) -> Provider {
        Provider::without_listener(self.shared(Provider::OFFLINE_ORIGIN))
    }

    fn shared(self, origin: &str) -> Shared {
        let builder = self.with_default_client();
        let state = State {
            clients: builder.clients,
            user: Some(User::default()),
            fault: None,
            offset: 0,
            authentication_age: 0,
            silent_error: None,
            granted_scopes: None,
            keys_cache_control: "max-age=3600, must-revalidate".to_owned(),
            next_key_published: builder.settings.publish_next_key,
            next_key_signs: false,
            current_key_published: true,
            counts: Counts::default(),
            issued: Issued::default(),
            received: Received::default(),
            protocol_errors: Vec::new(),
            codes: HashMap::new(),
            pushed: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            spent_refresh: HashMap::new(),
            assertion_ids: HashSet::new(),
        };
        Shared {
            settings: builder.settings,
            origin: origin.to_owned(),
            issuer: format!("{origin}/oauth2/default"),
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
        }
    }
}
