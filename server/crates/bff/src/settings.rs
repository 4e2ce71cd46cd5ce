//! What the counter needs to know. Nothing here reads the environment: whoever builds a [`crate::Bff`] fills it in.

use cloakroom_oidc::{ClientSecret, Issuer, SigningAlg};
use ipnet::IpNet;

use crate::public_url::PublicUrl;

/// The counter's settings.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Where browsers find this application.
    pub public_url: PublicUrl,
    /// The provider's issuer identifier (OpenID Connect Discovery 1.0 section 3).
    pub issuer: Issuer,
    /// This client's identifier at the provider (RFC 6749 section 2.2).
    pub client_id: String,
    /// How this client proves itself at the provider.
    pub client_auth: ClientAuthSetting,
    /// Scopes to ask for. `None`: `openid profile email`, and `offline_access` where the metadata lists it.
    pub scopes: Option<Vec<String>>,
    /// Algorithms an ID token may be signed with. `None`: RS256 where the metadata lists it, else the asymmetric ones listed.
    pub id_token_algs: Option<Vec<SigningAlg>>,
    /// Audiences besides this client that an ID token may name (OpenID Connect Core section 3.1.3.7, step 3). Some
    /// providers add a project's or an API's.
    pub trusted_audiences: Vec<String>,
    /// Seconds without a request after which a session ends.
    pub idle_seconds: u64,
    /// Seconds after signing in at which a session ends whatever happens.
    pub absolute_seconds: u64,
    /// Claims that stay on the server, besides the protocol's own.
    pub hidden_claims: Vec<String>,
    /// Proxies in front of this program whose `X-Forwarded-For` is believed. Empty: none.
    pub trusted_proxies: Vec<IpNet>,
    /// Failed code exchanges a client address may cause in a minute.
    pub failed_exchanges_a_minute: u32,
}

/// How this client proves itself at the token endpoint (OpenID Connect Core section 9).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ClientAuthSetting {
    /// `client_secret_basic`, or `client_secret_post` where the metadata has only that.
    Secret(ClientSecret),
    /// `client_secret_basic`, whatever the metadata says.
    SecretBasic(ClientSecret),
    /// `client_secret_post`, whatever the metadata says.
    SecretPost(ClientSecret),
    /// `none`: a public client, with PKCE alone.
    None,
}

impl Settings {
    /// The defaults for this client of this provider.
    pub fn new(
        public_url: PublicUrl,
        issuer: Issuer,
        client_id: impl Into<String>,
        client_auth: ClientAuthSetting,
    ) -> Self {
        Self {
            public_url,
            issuer,
            client_id: client_id.into(),
            client_auth,
            scopes: None,
            id_token_algs: None,
            trusted_audiences: Vec::new(),
            idle_seconds: 12 * 3600,
            absolute_seconds: 7 * 24 * 3600,
            hidden_claims: Vec::new(),
            trusted_proxies: Vec::new(),
            failed_exchanges_a_minute: 30,
        }
    }
}
