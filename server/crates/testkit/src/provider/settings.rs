//! What does not change while the provider runs. The defaults are Okta's: RS256, static endpoints, codes for 300 seconds,
//! tokens for an hour, no RFC 9207 `iss`, every way to authenticate; except that refresh tokens rotate, which is harder.

use super::decoy::Decoy;
use super::keys::Alg;

/// What a client assertion's `aud` must be (RFC 7523, section 3, item 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AssertionAudience {
    /// The endpoint that is called: Okta's rule, at `/v1/token`, `/v1/revoke`, `/v1/introspect` and `/v1/par` alike.
    #[default]
    Endpoint,
    /// The issuer identifier and nothing else (FAPI 2.0, rfc7523bis).
    Issuer,
    /// The token endpoint, also at the others (OpenID Connect Core 1.0, section 9).
    TokenEndpoint,
    /// Any of these.
    Any,
}

/// Where the provider has RFC 8414 metadata beside those of OpenID Connect Discovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OAuthMetadata {
    /// Nowhere: 404.
    #[default]
    Absent,
    /// `/.well-known/oauth-authorization-server/oauth2/default` (RFC 8414, section 3.1).
    PathInserted,
    /// `/oauth2/default/.well-known/oauth-authorization-server`, Okta's older form.
    Appended,
}

/// What access tokens look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccessTokenForm {
    /// A JWT as of an Okta custom authorization server: `cid` and `scp`, no `typ`.
    #[default]
    Okta,
    /// A JWT by RFC 9068: `typ: at+jwt`, `client_id` and `scope`.
    Rfc9068,
    /// A random text, which only `/v1/introspect` can make sense of.
    Opaque,
}

/// Lifetimes in seconds.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a choice of its own, and every combination is right"
)]
pub(super) struct Settings {
    pub(super) alg: Alg,
    pub(super) c_hash: bool,
    pub(super) userinfo_alg: Option<Alg>,
    pub(super) scopes: Vec<String>,
    pub(super) default_scopes: Vec<String>,
    pub(super) acr_values: Vec<String>,
    pub(super) userinfo: bool,
    pub(super) end_session: bool,
    pub(super) revocation: bool,
    pub(super) par: bool,
    pub(super) par_status: u16,
    pub(super) require_par: bool,
    pub(super) announce_iss: bool,
    pub(super) form_post_no_referrer: bool,
    pub(super) publish_next_key: bool,
    pub(super) only_key: bool,
    pub(super) decoys: Vec<Decoy>,
    pub(super) etags: bool,
    pub(super) rate_limits: bool,
    pub(super) openid_metadata: bool,
    pub(super) openid_metadata_without: Vec<String>,
    pub(super) oauth_metadata: OAuthMetadata,
    pub(super) rotate_refresh_tokens: bool,
    pub(super) auth_methods: Vec<String>,
    pub(super) assertion_algs: Vec<String>,
    pub(super) assertion_audience: AssertionAudience,
    pub(super) code_lifetime: u64,
    pub(super) par_lifetime: u64,
    pub(super) access_token_form: AccessTokenForm,
    pub(super) access_token_lifetime: u64,
    pub(super) id_token_lifetime: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let strings = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Self {
            alg: Alg::Rs256,
            c_hash: false,
            userinfo_alg: None,
            scopes: strings(&["openid", "profile", "email", "groups", "offline_access"]),
            default_scopes: Vec::new(),
            acr_values: Vec::new(),
            userinfo: true,
            end_session: true,
            revocation: true,
            par: true,
            par_status: 201,
            require_par: false,
            announce_iss: false,
            form_post_no_referrer: false,
            publish_next_key: false,
            only_key: false,
            decoys: Vec::new(),
            etags: true,
            rate_limits: false,
            openid_metadata: true,
            openid_metadata_without: Vec::new(),
            oauth_metadata: OAuthMetadata::Absent,
            rotate_refresh_tokens: true,
            auth_methods: strings(&[
                "client_secret_basic",
                "client_secret_post",
                "client_secret_jwt",
                "private_key_jwt",
                "none",
            ]),
            assertion_algs: strings(&[
                "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
                "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
            ]),
            assertion_audience: AssertionAudience::Endpoint,
            code_lifetime: 300,
            par_lifetime: 60,
            access_token_form: AccessTokenForm::Okta,
            access_token_lifetime: 3_600,
            id_token_lifetime: 3_600,
        }
    }
}
