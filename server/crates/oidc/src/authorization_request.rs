//! The authorization request that the browser carries to the provider (OpenID Connect Core section 3.1.2.1, RFC 6749 section 4.1.1, RFC 7636 section 4.3).

use url::Url;

use crate::metadata::ProviderMetadata;
use crate::secret::Nonce;

/// What one sign-in asks for. Everything in it is seen by the browser.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationRequest<'a> {
    /// This client at the provider.
    pub client_id: &'a str,
    /// Where the answer goes, exactly as registered.
    pub redirect_uri: &'a str,
    /// Space-separated scopes; `None` leaves the choice to the provider.
    pub scope: Option<&'a str>,
    /// What ties the answer to this browser.
    pub state: &'a str,
    /// What ties the ID token to this sign-in.
    pub nonce: &'a Nonce,
    /// The S256 challenge ([`crate::pkce::challenge`]).
    pub code_challenge: &'a str,
    /// `none`, `login`, `consent`, `select_account` or several, separated by spaces.
    pub prompt: Option<&'a str>,
    /// Who is expected to sign in.
    pub login_hint: Option<&'a str>,
    /// The oldest acceptable authentication, in seconds.
    pub max_age: Option<u64>,
    /// The authentication contexts asked for, separated by spaces, the preferred first.
    pub acr_values: Option<&'a str>,
    /// The languages of the provider's pages, separated by spaces, the preferred first (BCP 47).
    pub ui_locales: Option<&'a str>,
    /// More parameters, such as `response_mode`, `idp` or `resource`. A name that is already written is left
    /// out, for none may appear twice (RFC 6749 section 3.1) but `resource` (RFC 8707 section 2), and so
    /// are names of values that must never be in a URL.
    pub extra: &'a [(String, String)],
}

/// What belongs into a request of this server to the provider and never into a browser's address bar.
const NEVER_IN_A_URL: [&str; 6] = [
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "code_verifier",
    "code",
    "refresh_token",
];

impl AuthorizationRequest<'_> {
    /// The address to send the browser to. The endpoint's own query is kept (RFC 6749 section 3.1).
    pub fn url(&self, metadata: &ProviderMetadata) -> Url {
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        let optional = [
            ("scope", self.scope),
            ("prompt", self.prompt),
            ("login_hint", self.login_hint),
            ("max_age", max_age.as_deref()),
            ("acr_values", self.acr_values),
            ("ui_locales", self.ui_locales),
        ];
        let mut parameters: Vec<(&str, &str)> = vec![
            ("client_id", self.client_id),
            ("response_type", "code"),
            ("redirect_uri", self.redirect_uri),
            ("state", self.state),
            ("nonce", self.nonce.expose()),
            ("code_challenge", self.code_challenge),
            ("code_challenge_method", "S256"),
        ];
        parameters.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        for (name, value) in self.extra {
            let written = parameters.iter().any(|(known, _)| known == name);
            if NEVER_IN_A_URL.contains(&name.as_str()) || (written && name != "resource") {
                continue;
            }
            parameters.push((name, value));
        }
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut().extend_pairs(parameters);
        url
    }
}
