//! The choices that a provider starts with. The defaults are Okta's: RS256, static endpoints, codes for 300
//! seconds, tokens for an hour, no RFC 9207 `iss`; except that refresh tokens rotate, which is harder.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::keys::Alg;
use super::record::User;
use super::state::{Client, Shared, State};
use super::{Counts, Issued, Provider, Received};

/// Builds a [`Provider`].
#[derive(Clone, Debug)]
#[must_use = "a provider runs only after start()"]
pub struct Builder {
    settings: Settings,
    clients: Vec<Client>,
}

/// What does not change while the provider runs. Lifetimes in seconds.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a choice of its own, and every combination is right"
)]
pub(super) struct Settings {
    pub(super) alg: Alg,
    pub(super) scopes: Vec<String>,
    pub(super) userinfo: bool,
    pub(super) end_session: bool,
    pub(super) revocation: bool,
    pub(super) announce_iss: bool,
    pub(super) publish_next_key: bool,
    pub(super) rotate_refresh_tokens: bool,
    pub(super) auth_methods: Vec<String>,
    pub(super) code_lifetime: u64,
    pub(super) access_token_lifetime: u64,
    pub(super) id_token_lifetime: u64,
}

impl Default for Builder {
    fn default() -> Self {
        let strings = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Self {
            settings: Settings {
                alg: Alg::Rs256,
                scopes: strings(&["openid", "profile", "email", "groups", "offline_access"]),
                userinfo: true,
                end_session: true,
                revocation: true,
                announce_iss: false,
                publish_next_key: false,
                rotate_refresh_tokens: true,
                auth_methods: strings(&["client_secret_basic", "client_secret_post", "none"]),
                code_lifetime: 300,
                access_token_lifetime: 3_600,
                id_token_lifetime: 3_600,
            },
            clients: Vec::new(),
        }
    }
}

impl Builder {
    /// A confidential client. Empty URIs are none: register them after the start. Without this there is one
    /// client, [`Provider::CLIENT_ID`].
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
        });
        self
    }

    /// A public client (`token_endpoint_auth_method: none`).
    pub fn public_client(self, id: impl Into<String>, redirect_uri: impl Into<String>) -> Self {
        let mut builder = self.client(id, "", redirect_uri, "");
        if let Some(client) = builder.clients.last_mut() {
            client.secret = None;
        }
        builder
    }

    /// No userinfo endpoint.
    pub fn without_userinfo(mut self) -> Self {
        self.settings.userinfo = false;
        self
    }

    /// No end-session endpoint.
    pub fn without_end_session(mut self) -> Self {
        self.settings.end_session = false;
        self
    }

    /// No revocation endpoint.
    pub fn without_revocation(mut self) -> Self {
        self.settings.revocation = false;
        self
    }

    /// Whether authorization responses carry `iss` and the metadata say so (RFC 9207).
    pub fn announce_iss(mut self, announce: bool) -> Self {
        self.settings.announce_iss = announce;
        self
    }

    /// How tokens are signed.
    pub fn algorithm(mut self, alg: Alg) -> Self {
        self.settings.alg = alg;
        self
    }

    /// The scopes in the metadata. Others are refused with `invalid_scope`.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.settings.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The ways to authenticate in the metadata. Others are refused with `invalid_client`.
    pub fn auth_methods<S: Into<String>>(mut self, methods: impl IntoIterator<Item = S>) -> Self {
        self.settings.auth_methods = methods.into_iter().map(Into::into).collect();
        self
    }

    /// How long a code is good, in seconds.
    pub fn code_lifetime(mut self, seconds: u64) -> Self {
        self.settings.code_lifetime = seconds;
        self
    }

    /// How long an access token is good, in seconds.
    pub fn access_token_lifetime(mut self, seconds: u64) -> Self {
        self.settings.access_token_lifetime = seconds;
        self
    }

    /// How long an ID token is good, in seconds.
    pub fn id_token_lifetime(mut self, seconds: u64) -> Self {
        self.settings.id_token_lifetime = seconds;
        self
    }

    /// Refresh tokens stay the same (Okta's default for web applications), and answers leave them out.
    pub fn static_refresh_tokens(mut self) -> Self {
        self.settings.rotate_refresh_tokens = false;
        self
    }

    /// The next signing key is published ahead, as Okta does: two keys fit (`oidcc-client-test-kid-absent-multiple-jwks`).
    pub fn publish_next_key(mut self) -> Self {
        self.settings.publish_next_key = true;
        self
    }

    /// Binds a free port on `127.0.0.1` and starts.
    pub async fn start(self) -> Provider {
        let builder = if self.clients.is_empty() {
            self.client(Provider::CLIENT_ID, Provider::CLIENT_SECRET, "", "")
        } else {
            self
        };
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let state = State {
            clients: builder.clients,
            user: Some(User::default()),
            fault: None,
            offset: 0,
            next_key_published: builder.settings.publish_next_key,
            counts: Counts::default(),
            issued: Issued::default(),
            received: Received::default(),
            protocol_errors: Vec::new(),
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            spent_refresh: HashMap::new(),
        };
        let shared = Shared {
            settings: builder.settings,
            issuer: format!("http://{address}/oauth2/default"),
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
        };
        Provider::launch(shared, listener)
    }
}
