//! The resource server: which issuers it trusts, what it is called, and whether a request may in (RFC 6750, RFC 9068, RFC 9728).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_oidc::client::Clock;
use cloakroom_oidc::json;
use http::request::Parts;
use serde_json::Value;
use thiserror::Error;

use crate::credentials;
use crate::denied::Denied;
use crate::layer::AccessLayer;
use crate::metadata::ProtectedResource;
use crate::requirement::Requirement;
use crate::token::{Expectations, TokenRefusal, VerifiedToken};
use crate::trusted_issuer::TrustedIssuer;

/// How far the issuer's clock and this one may differ, in seconds. Introspected tokens get none.
const LEEWAY: u64 = 60;

/// Why a resource server cannot be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// No audience, or an empty one (RFC 9068 section 4).
    #[error("name this API's audience, as the issuer writes it into aud, such as api://default")]
    NoAudience,
    /// No issuer.
    #[error("name at least one issuer whose tokens are accepted")]
    NoIssuer,
    /// The same issuer twice.
    #[error("the issuer {0} is there twice; keep one")]
    IssuerTwice(String),
    /// An org authorization server of Okta's, whose tokens nobody else can verify.
    #[error(
        "{0} is an Okta org authorization server: its access tokens are opaque and their keys unpublished. Use a custom authorization server, such as {0}/oauth2/default, or TrustedIssuer::introspected"
    )]
    OktaOrg(String),
    /// A symmetric algorithm (RFC 8725 section 3.1), or none at all.
    #[error("the algorithms of {0} must be asymmetric ones, and at least one")]
    Algorithms(String),
}

error_codes!(BuildError {
    Self::NoAudience => "build_no_audience",
    Self::NoIssuer => "build_no_issuer",
    Self::IssuerTwice(_) => "build_issuer_twice",
    Self::OktaOrg(_) => "build_okta_org",
    Self::Algorithms(_) => "build_algorithms",
});

/// Checks access tokens. Cheap to clone; clones share keys and answers.
#[derive(Clone)]
pub struct ResourceServer(Arc<Inner>);

struct Inner {
    audiences: Vec<String>,
    issuers: Vec<TrustedIssuer>,
    clock: Clock,
    metadata: Option<ProtectedResource>,
}

impl ResourceServer {
    /// An API that any of `audiences` names, for tokens of `issuers`; `clock` tells Unix seconds. Nothing is fetched yet.
    pub fn new<A: Into<String>>(
        audiences: impl IntoIterator<Item = A>,
        issuers: impl IntoIterator<Item = TrustedIssuer>,
        clock: Clock,
    ) -> Result<Self, BuildError> {
        let audiences: Vec<String> = audiences.into_iter().map(Into::into).collect();
        let issuers: Vec<_> = issuers.into_iter().collect();
        if audiences.is_empty() || audiences.iter().any(String::is_empty) {
            return Err(BuildError::NoAudience);
        }
        if issuers.is_empty() {
            return Err(BuildError::NoIssuer);
        }
        for (at, issuer) in issuers.iter().enumerate() {
            let name = issuer.provider.issuer().as_str();
            if issuers[..at]
                .iter()
                .any(|other| other.provider.issuer().as_str() == name)
            {
                return Err(BuildError::IssuerTwice(name.to_owned()));
            }
            if issuer.introspects() {
                continue;
            }
            if issuer.is_okta_org() {
                return Err(BuildError::OktaOrg(name.trim_end_matches('/').to_owned()));
            }
            if issuer.algorithms.is_empty() || issuer.algorithms.iter().any(|a| a.is_symmetric()) {
                return Err(BuildError::Algorithms(name.to_owned()));
            }
        }
        Ok(Self(Arc::new(Inner {
            audiences,
            issuers,
            clock,
            metadata: None,
        })))
    }

    /// The same with metadata to publish; challenges name its address from now on (RFC 9728 section 5.1). Before
    /// any clone is made: one that shares this server's state leaves it as it is and returns it unchanged.
    #[must_use]
    pub fn with_metadata(mut self, metadata: ProtectedResource) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.metadata = Some(metadata);
        }
        self
    }

    /// The document of RFC 9728, with the issuers as its authorization servers.
    pub fn metadata_document(&self) -> Option<Value> {
        let issuers = self.0.issuers.iter();
        let issuers: Vec<String> = issuers
            .map(|issuer| issuer.provider.issuer().as_str().to_owned())
            .collect();
        self.0
            .metadata
            .as_ref()
            .map(|metadata| metadata.document(&issuers))
    }

    /// What is published, where something is.
    pub fn metadata(&self) -> Option<&ProtectedResource> {
        self.0.metadata.as_ref()
    }

    /// The address of the metadata, for challenges.
    pub(crate) fn resource_metadata(&self) -> Option<&str> {
        self.0.metadata.as_ref().map(ProtectedResource::address)
    }

    /// A layer that lets only good tokens through.
    pub fn layer(&self) -> AccessLayer {
        self.require(Requirement::new())
    }

    /// A layer that lets through only good tokens that are enough for `requirement`. Under another layer of the
    /// same server the token is not checked twice.
    pub fn require(&self, requirement: Requirement) -> AccessLayer {
        AccessLayer::new(self.clone(), requirement)
    }

    /// The token of a request, if it is good.
    pub async fn authenticate(&self, parts: &Parts) -> Result<VerifiedToken, Denied> {
        self.verify(credentials::bearer(parts)?).await
    }

    /// Whether a bare token is good, for callers without HTTP.
    pub async fn verify(&self, token: &str) -> Result<VerifiedToken, Denied> {
        let issuer = self.issuer_of(token)?;
        let expected = Expectations {
            form: issuer.form,
            issuer: issuer.provider.issuer().as_str(),
            audiences: &self.0.audiences,
            now: self.now(),
            leeway: if issuer.introspects() { 0 } else { LEEWAY },
        };
        issuer.verify(token, &expected).await
    }

    pub(crate) fn now(&self) -> u64 {
        (self.0.clock)()
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Who is to judge the token. A token goes to no other issuer than the one it names, for whoever gets it can use
    /// it; one that names none goes to the only issuer that introspects.
    fn issuer_of(&self, token: &str) -> Result<&TrustedIssuer, TokenRefusal> {
        if let Some(named) = claimed_issuer(token) {
            return self
                .0
                .issuers
                .iter()
                .find(|issuer| issuer.provider.issuer().as_str() == named)
                .ok_or(TokenRefusal::UnknownIssuer);
        }
        let mut asked = self.0.issuers.iter().filter(|issuer| issuer.introspects());
        match (asked.next(), asked.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(TokenRefusal::Opaque),
        }
    }
}

/// `iss` of a token that looks like a JWT. Nothing is believed of it: it only says whose keys to try.
fn claimed_issuer(token: &str) -> Option<String> {
    let mut segments = token.split('.');
    let claims = segments.nth(1)?;
    (segments.count() == 1).then_some(())?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims = json::parse_object(&claims, json::MAX_BYTES).ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServer")
            .field("audiences", &self.0.audiences)
            .field("issuers", &self.0.issuers)
            .finish_non_exhaustive()
    }
}
