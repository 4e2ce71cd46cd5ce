//! What the provider saw and gave out: the requests it counted, the values it issued and received (for the
//! search after secrets), and the users it knows.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// How many requests each endpoint got, refused ones and those under a fault included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// `/v1/authorize`
    pub authorize: usize,
    /// `/v1/token`
    pub token: usize,
    /// `/v1/userinfo`
    pub userinfo: usize,
    /// `/v1/keys`
    pub jwks: usize,
    /// `/.well-known/openid-configuration`
    pub discovery: usize,
    /// `/v1/logout`
    pub logout: usize,
    /// `/v1/revoke`
    pub revoke: usize,
    /// `/v1/introspect`
    pub introspect: usize,
    /// `/v1/par`
    pub par: usize,
    /// `/.well-known/oauth-authorization-server`, in either place
    pub oauth_metadata: usize,
    /// Metadata and key set requests that were answered 304; they count as `discovery` and `jwks` too.
    pub not_modified: usize,
    /// Requests of this provider's own at a client's `jwks_uri`.
    pub client_keys: usize,
    /// Requests at an address that only a token's own header names (`jku`, `x5u`).
    pub embedded_keys_fetched: usize,
    /// Requests at the address that [`Fault::TokenRedirect`](super::Fault::TokenRedirect) leads to.
    pub redirect_followed: usize,
}

/// Every value the provider gave out since it started, in order: none of the tokens may reach a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    /// Authorization codes. The browser carries these, once, to the callback.
    pub codes: Vec<String>,
    /// Access tokens, in Okta's JWT form unless [`Builder::access_tokens`](super::Builder::access_tokens) says otherwise.
    pub access_tokens: Vec<String>,
    /// Refresh tokens, opaque.
    pub refresh_tokens: Vec<String>,
    /// ID tokens, compact form, wrong ones included.
    pub id_tokens: Vec<String>,
}

impl Issued {
    /// The access, refresh and ID tokens, as [`leaks`](crate::leaks) takes them. Codes are not among them.
    pub fn tokens(&self) -> Vec<String> {
        let lists = [&self.access_tokens, &self.refresh_tokens, &self.id_tokens];
        lists.into_iter().flatten().cloned().collect()
    }
}

/// Every value the provider was sent since it started, in order. Parameters by name; of a repeated one, the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// PKCE code verifiers (RFC 7636).
    pub verifiers: Vec<String>,
    /// Client secrets, after decoding, right or wrong.
    pub client_secrets: Vec<String>,
    /// Parameters of each authorization request.
    pub authorize_requests: Vec<HashMap<String, String>>,
    /// Parameters of each pushed authorization request (RFC 9126), the client's credentials included.
    pub pushed_requests: Vec<HashMap<String, String>>,
    /// Client assertions (RFC 7523) at any endpoint, right or wrong, as far as they can be read.
    pub assertions: Vec<Assertion>,
    /// Parameters of each token request.
    pub token_requests: Vec<HashMap<String, String>>,
    /// Headers of each token request, names in lower case.
    pub token_request_headers: Vec<HashMap<String, String>>,
    /// Tokens that were revoked (RFC 7009), whether or not they were known.
    pub revoked: Vec<String>,
    /// Parameters of each end-session request (OpenID Connect RP-Initiated Logout 1.0).
    pub logout_requests: Vec<HashMap<String, String>>,
}

/// A client assertion as it came (RFC 7523, section 3). The raw one is a credential while it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The path under the issuer that it was sent to, `/v1/token` for one.
    pub endpoint: String,
    /// Its header.
    pub header: Map<String, Value>,
    /// Its claims.
    pub claims: Map<String, Value>,
    /// Its compact form.
    pub raw: String,
}

/// A user of the provider. [`Default`] is one with every claim set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Subject identifier, and Okta's `uid`.
    pub sub: String,
    /// Full name (scope `profile`).
    pub name: String,
    /// Given name (scope `profile`).
    pub given_name: String,
    /// Family name (scope `profile`).
    pub family_name: String,
    /// E-mail address, also the login name: `preferred_username`, and `sub` of Okta's access tokens (scope `email`).
    pub email: String,
    /// Whether the address is verified (scope `email`).
    pub email_verified: bool,
    /// Groups (scope `groups`).
    pub groups: Vec<String>,
    /// More claims, in every ID token and userinfo answer.
    pub extra: Map<String, Value>,
}

impl Default for User {
    fn default() -> Self {
        Self::new("00u1test", "Test User", "user@example.com").with_groups(["Everyone", "staff"])
    }
}

impl User {
    /// A user without groups. The given name is the name's first word, the family name the rest.
    pub fn new(sub: impl Into<String>, name: impl Into<String>, email: impl Into<String>) -> Self {
        let name = name.into();
        let (given_name, family_name) = name.split_once(' ').unwrap_or((&name, ""));
        Self {
            sub: sub.into(),
            given_name: given_name.to_owned(),
            family_name: family_name.to_owned(),
            email: email.into(),
            email_verified: true,
            groups: Vec::new(),
            extra: Map::new(),
            name,
        }
    }

    /// This user in these groups.
    #[must_use]
    pub fn with_groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// This user with one more claim, which wins over the standard one of the same name.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// The claims that `scope` asks for (OpenID Connect Core 1.0, section 5.4), without `sub`.
    pub(super) fn claims(&self, scope: &[String]) -> Map<String, Value> {
        let mut claims = Map::new();
        let asked = |name: &str| scope.iter().any(|scope| scope == name);
        if asked("profile") {
            claims.insert("name".to_owned(), json!(self.name));
            claims.insert("given_name".to_owned(), json!(self.given_name));
            claims.insert("family_name".to_owned(), json!(self.family_name));
            claims.insert("preferred_username".to_owned(), json!(self.email));
        }
        if asked("email") {
            claims.insert("email".to_owned(), json!(self.email));
            claims.insert("email_verified".to_owned(), json!(self.email_verified));
        }
        if asked("groups") {
            claims.insert("groups".to_owned(), json!(self.groups));
        }
        claims.extend(self.extra.clone());
        claims
    }
}
