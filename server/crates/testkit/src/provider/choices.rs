//! The choices that a provider starts with, each a builder method: endpoints, algorithms, scopes, lifetimes.

use super::builder::Builder;
use super::decoy::Decoy;
use super::keys::Alg;
use super::settings::{AccessTokenForm, AssertionAudience, OAuthMetadata};

impl Builder {
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

    /// No pushed authorization request endpoint (RFC 9126).
    pub fn without_pushed_authorization_requests(mut self) -> Self {
        self.settings.par = false;
        self
    }

    /// Authorization requests must be pushed, and the metadata say so
    /// (`require_pushed_authorization_requests`, RFC 9126, section 5).
    pub fn require_pushed_authorization_requests(mut self) -> Self {
        self.settings.require_par = true;
        self
    }

    /// The status of a pushed authorization request that is good: 201 (RFC 9126, section 2.2) where this is not
    /// called; Okta's documentation names none, so 200 is to be expected too.
    pub fn pushed_authorization_status(mut self, status: u16) -> Self {
        self.settings.par_status = status;
        self
    }

    /// How long a `request_uri` is good, in seconds; 60 where this is not called.
    pub fn request_uri_lifetime(mut self, seconds: u64) -> Self {
        self.settings.par_lifetime = seconds;
        self
    }

    /// Whether authorization responses carry `iss` and the metadata say so (RFC 9207).
    pub fn announce_iss(mut self, announce: bool) -> Self {
        self.settings.announce_iss = announce;
        self
    }

    /// The page that posts a `form_post` answer has `Referrer-Policy: no-referrer`, so that a browser posts it with
    /// `Origin: null` (Fetch, section 3.2). Without this it says the provider's origin, as from Okta.
    pub fn form_post_without_referrer(mut self) -> Self {
        self.settings.form_post_no_referrer = true;
        self
    }

    /// How tokens are signed. With one of the HS algorithms, ID tokens are under the client's secret.
    pub fn algorithm(mut self, alg: Alg) -> Self {
        self.settings.alg = alg;
        self
    }

    /// ID tokens carry `c_hash` (OpenID Connect Core 1.0, section 3.3.2.11), which the code flow leaves open.
    pub fn c_hash(mut self) -> Self {
        self.settings.c_hash = true;
        self
    }

    /// Userinfo is answered as a JWT signed in this way, with `iss` and `aud` (Core 1.0, section 5.3.2).
    pub fn signed_userinfo(mut self, alg: Alg) -> Self {
        self.settings.userinfo_alg = Some(alg);
        self
    }

    /// The scopes in the metadata. Others are refused with `invalid_scope`.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.settings.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The scopes of a request that asks for none, as a custom authorization server of Okta's has them. Without
    /// this, such a request is refused with `invalid_scope`.
    pub fn default_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.settings.default_scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The authentication contexts that can be had, in the metadata too; any where this is not called. A request whose
    /// `acr_values` name none of them gets `unmet_authentication_requirements`.
    pub fn acr_values<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.settings.acr_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// The ways to authenticate in the metadata. Others are refused with `invalid_client`.
    pub fn auth_methods<S: Into<String>>(mut self, methods: impl IntoIterator<Item = S>) -> Self {
        self.settings.auth_methods = methods.into_iter().map(Into::into).collect();
        self
    }

    /// The algorithms of client assertions in the metadata
    /// (`token_endpoint_auth_signing_alg_values_supported`). Others are refused with `invalid_client`.
    pub fn assertion_algs<S: Into<String>>(mut self, algs: impl IntoIterator<Item = S>) -> Self {
        self.settings.assertion_algs = algs.into_iter().map(Into::into).collect();
        self
    }

    /// What a client assertion's `aud` must be; the endpoint that is called where this is not.
    pub fn assertion_audience(mut self, audience: AssertionAudience) -> Self {
        self.settings.assertion_audience = audience;
        self
    }

    /// How long a code is good, in seconds.
    pub fn code_lifetime(mut self, seconds: u64) -> Self {
        self.settings.code_lifetime = seconds;
        self
    }

    /// What access tokens look like; Okta's where this is not called.
    pub fn access_tokens(mut self, form: AccessTokenForm) -> Self {
        self.settings.access_token_form = form;
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

    /// The key set has the signing key in it and nothing else (`oidcc-client-test-kid-absent-single-jwks`).
    pub fn only_the_signing_key(mut self) -> Self {
        self.settings.only_key = true;
        self
    }

    /// Keys in the key set that nothing honest is signed with, before the one that is (FAPI 2.0: "JWKS contains decoy keys").
    pub fn decoys(mut self, decoys: impl IntoIterator<Item = Decoy>) -> Self {
        self.settings.decoys = decoys.into_iter().collect();
        self
    }

    /// Metadata and key set without `ETag`: nothing can be asked for conditionally.
    pub fn without_etags(mut self) -> Self {
        self.settings.etags = false;
        self
    }

    /// Every answer carries Okta's `X-Rate-Limit-Limit`, `-Remaining` and `-Reset`.
    pub fn rate_limit_headers(mut self) -> Self {
        self.settings.rate_limits = true;
        self
    }

    /// Metadata of RFC 8414, always complete, beside those of OpenID Connect Discovery.
    pub fn oauth_metadata(mut self, place: OAuthMetadata) -> Self {
        self.settings.oauth_metadata = place;
        self
    }

    /// The OpenID Connect Discovery document lacks these members, which the endpoints behind them do not mind.
    pub fn openid_metadata_without<S: Into<String>>(
        mut self,
        members: impl IntoIterator<Item = S>,
    ) -> Self {
        self.settings.openid_metadata_without = members.into_iter().map(Into::into).collect();
        self
    }

    /// There is no OpenID Connect Discovery document: 404 in Okta's JSON.
    pub fn without_openid_metadata(mut self) -> Self {
        self.settings.openid_metadata = false;
        self
    }
}
