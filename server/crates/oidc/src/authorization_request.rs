//! The authorization request that the browser carries to the provider (OpenID Connect Core section 3.1.2.1, RFC 6749 section 4.1.1, RFC 7636 section 4.3).

use std::borrow::Cow;

use url::Url;

use crate::metadata::ProviderMetadata;
use crate::pushed_authorization::PushedAuthorization;
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
    /// More parameters, such as `response_mode`, `idp` or `resource`. Names that have a field of their own here are
    /// left out, also where the field is `None`, and so are names of values that must never be in a URL and those of
    /// a second request (`request`, `request_uri`). None appears twice (RFC 6749 section 3.1) but `resource`
    /// (RFC 8707 section 2); the first stays.
    pub extra: &'a [(String, String)],
}

/// What belongs to a field, so that nothing is asked for that nobody checks afterwards.
const FIELDS: [&str; 13] = [
    "acr_values",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "ui_locales",
];

/// What belongs into a request of this server to the provider, or in no request, and never into a browser's address bar.
const NEVER_IN_A_URL: [&str; 16] = [
    "access_token",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_assertion_type",
    "client_secret",
    "code",
    "code_verifier",
    "grant_type",
    "id_token",
    "id_token_hint",
    "password",
    "refresh_token",
    "subject_token",
    "token",
    "username",
];

/// What would replace the whole request by another (OpenID Connect Core section 6, RFC 9101 section 5, RFC 9126 section 4).
const ANOTHER_REQUEST: [&str; 2] = ["request", "request_uri"];

impl AuthorizationRequest<'_> {
    /// The parameters in the order in which they are sent, `client_id` first.
    pub fn parameters(&self) -> Vec<(&str, Cow<'_, str>)> {
        let optional = [
            ("scope", self.scope.map(Cow::Borrowed)),
            ("prompt", self.prompt.map(Cow::Borrowed)),
            ("login_hint", self.login_hint.map(Cow::Borrowed)),
            (
                "max_age",
                self.max_age.map(|seconds| Cow::Owned(seconds.to_string())),
            ),
            ("acr_values", self.acr_values.map(Cow::Borrowed)),
            ("ui_locales", self.ui_locales.map(Cow::Borrowed)),
        ];
        let mut parameters: Vec<(&str, Cow<'_, str>)> = vec![
            ("client_id", self.client_id.into()),
            ("response_type", "code".into()),
            ("redirect_uri", self.redirect_uri.into()),
            ("state", self.state.into()),
            ("nonce", self.nonce.expose().into()),
            ("code_challenge", self.code_challenge.into()),
            ("code_challenge_method", "S256".into()),
        ];
        parameters.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        for (name, value) in self.extra {
            let name = name.as_str();
            let reserved = [&FIELDS[..], &NEVER_IN_A_URL, &ANOTHER_REQUEST]
                .iter()
                .any(|names| names.contains(&name));
            let repeated = name != "resource" && parameters.iter().any(|(known, _)| *known == name);
            if !reserved && !repeated {
                parameters.push((name, value.into()));
            }
        }
        parameters
    }

    /// The address to send the browser to. The endpoint's own query is kept (RFC 6749 section 3.1).
    pub fn url(&self, metadata: &ProviderMetadata) -> Url {
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut().extend_pairs(self.parameters());
        url
    }

    /// The address to send the browser to once the request has been pushed: `client_id` and `request_uri`, and nothing
    /// else (RFC 9126 section 4), for the provider would not go by it.
    pub fn url_with(&self, metadata: &ProviderMetadata, pushed: &PushedAuthorization) -> Url {
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("client_id", self.client_id)
            .append_pair("request_uri", &pushed.request_uri);
        url
    }
}
