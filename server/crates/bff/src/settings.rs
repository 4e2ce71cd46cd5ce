//! What the counter needs to know. Nothing here reads the environment: whoever builds a [`crate::Bff`] fills it in.

use cloakroom_oidc::{AssertionAudience, Issuer, SigningAlg};
use ipnet::IpNet;

use crate::client_auth::ClientAuthSetting;
use crate::parameter_name::ParameterName;
use crate::public_url::PublicUrl;
use crate::upstream::Upstream;

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
    /// How this client proves itself at the provider, to begin with: see [`crate::Bff::replace_client_auth`].
    pub client_auth: ClientAuthSetting,
    /// To whom client assertions are addressed.
    pub assertion_audience: AssertionAudience,
    /// Scopes to ask for. `None`: `openid profile email`, and `offline_access` where the metadata lists it. Empty: none is
    /// sent, and the authorization server grants its default ones (RFC 6749 section 3.3), which must hold `openid`.
    pub scopes: Option<Vec<String>>,
    /// How the provider's answer comes back.
    pub response_mode: ResponseMode,
    /// Whether authorization requests are pushed.
    pub par: Par,
    /// Authorization requests a client address may have pushed in a minute.
    pub pushed_requests_a_minute: u32,
    /// Parameters that a sign-in link may carry to the provider, besides `prompt`, `login_hint`, `max_age`, `acr_values`,
    /// `ui_locales` and `idp`.
    pub login_parameters: Vec<ParameterName>,
    /// Parameters with their values that every authorization request carries, such as `audience`. A link's own value for
    /// the same name counts instead.
    pub authorize_parameters: Vec<(ParameterName, String)>,
    /// Algorithms an ID token may be signed with. `None`: RS256 where the metadata lists it, else the asymmetric ones listed.
    pub id_token_algs: Option<Vec<SigningAlg>>,
    /// Algorithms a userinfo answer must be signed with (`userinfo_signed_response_alg` of this client's registration);
    /// a plain answer is refused then. `None`: signed or plain, as it comes, signed with what the metadata lists.
    pub userinfo_algs: Option<Vec<SigningAlg>>,
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
    /// APIs that pages may call under `/api/{name}/`.
    pub upstreams: Vec<Upstream>,
    /// Unsafe choices that were made, by name; `/readyz` says them.
    pub dangers: Vec<String>,
}

/// How the provider's answer comes back (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseMode {
    /// In the address of a redirect. Not named in the request: it is the default for codes.
    #[default]
    Query,
    /// In a form that the provider's page posts (OAuth 2.0 Form Post Response Mode): the code stands in no address. The
    /// binding cookie is then `SameSite=None`.
    FormPost,
}

/// Whether authorization requests are pushed (RFC 9126), so that the browser carries a reference in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Par {
    /// Where the provider's metadata requires it.
    #[default]
    Auto,
    /// Always; no sign-in begins where the metadata names no endpoint for it.
    Always,
    /// Never, whatever the metadata say.
    Off,
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
            assertion_audience: AssertionAudience::default(),
            scopes: None,
            response_mode: ResponseMode::default(),
            par: Par::default(),
            pushed_requests_a_minute: 60,
            login_parameters: Vec::new(),
            authorize_parameters: Vec::new(),
            id_token_algs: None,
            userinfo_algs: None,
            trusted_audiences: Vec::new(),
            idle_seconds: 12 * 3600,
            absolute_seconds: 7 * 24 * 3600,
            hidden_claims: Vec::new(),
            trusted_proxies: Vec::new(),
            failed_exchanges_a_minute: 30,
            upstreams: Vec::new(),
            dangers: Vec::new(),
        }
    }
}
