//! The provider's metadata (OpenID Connect Discovery 1.0 sections 3 and 4.3, RFC 8414, RFC 9207 section 3).

use http::Uri;
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use crate::issuer::{Issuer, is_secure};
use crate::json::{self, JsonError};

/// What the provider says about itself. Every endpoint that is ever called comes from here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderMetadata {
    /// The issuer identifier, identical to the configured one.
    pub issuer: String,
    /// Where the browser is sent to sign in.
    pub authorization_endpoint: Url,
    /// Where a code or a refresh token becomes tokens.
    pub token_endpoint: Url,
    /// Where the provider's signing keys are.
    pub jwks_uri: Url,
    /// Where claims about the user are (OpenID Connect Core section 5.3).
    pub userinfo_endpoint: Option<Url>,
    /// Where the browser is sent to sign out (OpenID Connect RP-Initiated Logout section 2.1).
    pub end_session_endpoint: Option<Url>,
    /// Where tokens are revoked (RFC 7009).
    pub revocation_endpoint: Option<Url>,
    /// Where tokens are introspected (RFC 7662).
    pub introspection_endpoint: Option<Url>,
    /// The scopes that the provider names; it may know more.
    pub scopes_supported: Option<Vec<String>>,
    /// How clients may authenticate at the token endpoint; absent means `client_secret_basic`.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The algorithms that client assertions may be signed with (RFC 8414 section 2).
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// Where authorization requests are pushed (RFC 9126 section 5).
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Whether authorization requests must be pushed (RFC 9126 section 5).
    pub require_pushed_authorization_requests: bool,
    /// The algorithms that ID tokens may be signed with.
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// The algorithms that userinfo answers may be signed with; absent says nothing.
    pub userinfo_signing_alg_values_supported: Option<Vec<String>>,
    /// The PKCE methods (RFC 8414 section 2); absent says nothing.
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether authorization answers carry `iss` (RFC 9207 section 3).
    pub authorization_response_iss_parameter_supported: bool,
    /// The response modes; absent means `query` and `fragment`.
    pub response_modes_supported: Option<Vec<String>>,
    /// The `acr` values that the provider names.
    pub acr_values_supported: Option<Vec<String>>,
}

/// Why a metadata document was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataError {
    /// Not one JSON object of at most 1 MiB without duplicate members (OpenID Connect Discovery section 4.2).
    #[error(
        "the provider's metadata cannot be read: {0}; open the discovery address in a browser and compare"
    )]
    Json(#[from] JsonError),
    /// A required member is not there (OpenID Connect Discovery section 3).
    #[error("the provider's metadata has no {0}; the issuer may be that of a plain OAuth server")]
    MissingMember(&'static str),
    /// A member has another JSON type than the specification gives it (OpenID Connect Discovery section 3).
    #[error("{0} in the provider's metadata has the wrong type; this is for the provider to mend")]
    WrongType(&'static str),
    /// `issuer` is not identical to the configured issuer (OpenID Connect Discovery section 4.3).
    #[error(
        "the metadata is that of another issuer, {found}; configure the issuer exactly so, a trailing slash counts"
    )]
    IssuerMismatch {
        /// What the document says, bounded and without control characters.
        found: String,
    },
    /// An endpoint that is not https (OpenID Connect Discovery section 3), not absolute, or with a fragment (RFC 6749 section 3.1).
    #[error(
        "{0} in the provider's metadata is not an https address without fragment; this is for the provider to mend"
    )]
    UnusableEndpoint(&'static str),
    /// The authorization code flow is not among the response types (OpenID Connect Discovery section 3).
    #[error(
        "the provider does not offer response_type=code, the only one used here; enable it there"
    )]
    CodeFlowNotSupported,
    /// PKCE methods are listed, and S256 is not one of them (RFC 7636 section 4.2, RFC 9700 section 2.1.1).
    #[error("the provider lists PKCE methods without S256; enable S256 there, plain is never used")]
    S256NotSupported,
}

error_codes!(MetadataError {
    Self::MissingMember(_) => "metadata_missing_member",
    Self::WrongType(_) => "metadata_wrong_type",
    Self::IssuerMismatch { .. } => "metadata_issuer_mismatch",
    Self::UnusableEndpoint(_) => "metadata_unusable_endpoint",
    Self::CodeFlowNotSupported => "metadata_code_flow_not_supported",
    Self::S256NotSupported => "metadata_s256_not_supported",
} via {
    Self::Json(inner) => inner.code(),
});

impl ProviderMetadata {
    /// Reads the body of the discovery answer of `issuer`.
    ///
    /// Endpoints must be https; http on a loopback host is accepted only where the issuer is on one too, so
    /// that no distant provider can send this server's requests to its own machine.
    pub fn parse(issuer: &Issuer, body: &[u8]) -> Result<Self, MetadataError> {
        Self::read(issuer, &json::parse_object(body, json::MAX_BYTES)?)
    }

    /// Reads two documents as one: that of OpenID Connect Discovery, and that of RFC 8414 for what the first leaves
    /// out. A member of the first counts where both have it. Both must be of `issuer`.
    pub fn parse_both(
        issuer: &Issuer,
        openid: &[u8],
        authorization_server: &[u8],
    ) -> Result<Self, MetadataError> {
        let mut document = json::parse_object(openid, json::MAX_BYTES)?;
        check_issuer(issuer, &document)?;
        let second = json::parse_object(authorization_server, json::MAX_BYTES)?;
        check_issuer(issuer, &second)?;
        document.retain(|_, value| !value.is_null());
        for (name, value) in second {
            document.entry(name).or_insert(value);
        }
        Self::read(issuer, &document)
    }

    /// Whether an endpoint that a client may want is not there, so that it is worth looking whether the provider
    /// has it in a document of RFC 8414 too. Most providers lack some; that is no error.
    pub fn lacks_endpoints(&self) -> bool {
        [
            &self.userinfo_endpoint,
            &self.end_session_endpoint,
            &self.revocation_endpoint,
            &self.introspection_endpoint,
            &self.pushed_authorization_request_endpoint,
        ]
        .iter()
        .any(|endpoint| endpoint.is_none())
    }

    fn read(issuer: &Issuer, document: &Map<String, Value>) -> Result<Self, MetadataError> {
        check_issuer(issuer, document)?;
        let members = Members {
            document,
            loopback: issuer.is_loopback(),
        };
        // Required of a provider (OpenID Connect Discovery section 3), but left out by some; what they leave out has
        // a default, or is nothing this client goes by. What they do say counts.
        let response_types = members
            .strings("response_types_supported")?
            .unwrap_or_else(|| vec!["code".to_owned()]);
        if !response_types.iter().any(|value| value == "code") {
            return Err(MetadataError::CodeFlowNotSupported);
        }
        let code_challenge_methods_supported =
            members.strings("code_challenge_methods_supported")?;
        if code_challenge_methods_supported
            .as_ref()
            .is_some_and(|methods| !methods.is_empty() && !methods.iter().any(|m| m == "S256"))
        {
            return Err(MetadataError::S256NotSupported);
        }
        Ok(Self {
            issuer: issuer.as_str().to_owned(),
            authorization_endpoint: members.required_endpoint("authorization_endpoint")?,
            token_endpoint: members.required_endpoint("token_endpoint")?,
            jwks_uri: members.required_endpoint("jwks_uri")?,
            userinfo_endpoint: members.endpoint("userinfo_endpoint")?,
            end_session_endpoint: members.endpoint("end_session_endpoint")?,
            revocation_endpoint: members.endpoint("revocation_endpoint")?,
            introspection_endpoint: members.endpoint("introspection_endpoint")?,
            scopes_supported: members.strings("scopes_supported")?,
            token_endpoint_auth_methods_supported: members
                .strings("token_endpoint_auth_methods_supported")?,
            token_endpoint_auth_signing_alg_values_supported: members
                .strings("token_endpoint_auth_signing_alg_values_supported")?,
            pushed_authorization_request_endpoint: members
                .endpoint("pushed_authorization_request_endpoint")?,
            require_pushed_authorization_requests: members
                .flag("require_pushed_authorization_requests")?,
            id_token_signing_alg_values_supported: members
                .strings("id_token_signing_alg_values_supported")?
                .unwrap_or_default(),
            userinfo_signing_alg_values_supported: members
                .strings("userinfo_signing_alg_values_supported")?,
            code_challenge_methods_supported,
            authorization_response_iss_parameter_supported: members
                .flag("authorization_response_iss_parameter_supported")?,
            response_modes_supported: members.strings("response_modes_supported")?,
            acr_values_supported: members.strings("acr_values_supported")?,
        })
    }

    /// Whether the provider names `scope` in `scopes_supported`.
    pub fn lists_scope(&self, scope: &str) -> bool {
        self.scopes_supported
            .as_ref()
            .is_some_and(|scopes| scopes.iter().any(|known| known == scope))
    }
}

/// `issuer` is identical to the configured one, to the letter (OpenID Connect Discovery section 4.3, RFC 8414 section 3.3).
fn check_issuer(issuer: &Issuer, document: &Map<String, Value>) -> Result<(), MetadataError> {
    let members = Members {
        document,
        loopback: false,
    };
    let found = members.required_string("issuer")?;
    if found == issuer.as_str() {
        Ok(())
    } else {
        Err(MetadataError::IssuerMismatch {
            found: crate::text::bounded(found, crate::text::DESCRIPTION),
        })
    }
}

/// The members of one document, read by type. `null` counts as absent, as many providers write it.
struct Members<'a> {
    document: &'a Map<String, Value>,
    loopback: bool,
}

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.document.get(name).filter(|value| !value.is_null())
    }

    fn string(&self, name: &'static str) -> Result<Option<&'a str>, MetadataError> {
        self.get(name)
            .map(|value| value.as_str().ok_or(MetadataError::WrongType(name)))
            .transpose()
    }

    fn required_string(&self, name: &'static str) -> Result<&'a str, MetadataError> {
        self.string(name)?.ok_or(MetadataError::MissingMember(name))
    }

    fn strings(&self, name: &'static str) -> Result<Option<Vec<String>>, MetadataError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let items = value.as_array().ok_or(MetadataError::WrongType(name))?;
        items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .ok_or(MetadataError::WrongType(name))
    }

    fn flag(&self, name: &'static str) -> Result<bool, MetadataError> {
        self.get(name).map_or(Ok(false), |value| {
            value.as_bool().ok_or(MetadataError::WrongType(name))
        })
    }

    fn endpoint(&self, name: &'static str) -> Result<Option<Url>, MetadataError> {
        let Some(text) = self.string(name)? else {
            return Ok(None);
        };
        let unusable = MetadataError::UnusableEndpoint(name);
        let Ok(url) = Url::parse(text) else {
            return Err(unusable);
        };
        let reachable = url.scheme() == "https" || (self.loopback && is_secure(&url));
        let plain =
            url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
        // Requests are built from it later, where nothing can fail any more.
        if reachable && plain && url.as_str().parse::<Uri>().is_ok() {
            Ok(Some(url))
        } else {
            Err(unusable)
        }
    }

    fn required_endpoint(&self, name: &'static str) -> Result<Url, MetadataError> {
        self.endpoint(name)?
            .ok_or(MetadataError::MissingMember(name))
    }
}
