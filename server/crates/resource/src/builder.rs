//! How a resource server is put together; what cannot work is refused here and not at the first token (RFC 9068 section 4).

use std::fmt;

use cloakroom_oidc::client::Clock;
use thiserror::Error;

use crate::metadata::ProtectedResource;
use crate::server::ResourceServer;
use crate::trusted_issuer::TrustedIssuer;

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
    /// An issuer that is none of the server's was asked for.
    #[error("the issuer {0} is none of this server's; compare them exactly")]
    UnknownIssuer(String),
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
    Self::UnknownIssuer(_) => "build_unknown_issuer",
    Self::OktaOrg(_) => "build_okta_org",
    Self::Algorithms(_) => "build_algorithms",
});

/// Puts a [`ResourceServer`] together; see [`ResourceServer::builder`].
#[must_use = "a server checks nothing before build()"]
pub struct ResourceServerBuilder {
    pub(crate) audiences: Vec<String>,
    pub(crate) issuers: Vec<TrustedIssuer>,
    pub(crate) clock: Clock,
    pub(crate) metadata: Option<ProtectedResource>,
}

impl ResourceServerBuilder {
    /// Accepts tokens of this issuer too.
    pub fn issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Publishes this by [`ResourceServer::metadata_router`]; challenges name its address (RFC 9728 section 5.1).
    pub fn metadata(mut self, metadata: ProtectedResource) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// The server. Nothing is fetched yet.
    pub fn build(self) -> Result<ResourceServer, BuildError> {
        let audiences = self
            .issuers
            .iter()
            .filter_map(|issuer| issuer.audiences.as_ref());
        if audiences
            .chain([&self.audiences])
            .any(|list| list.is_empty() || list.iter().any(String::is_empty))
        {
            return Err(BuildError::NoAudience);
        }
        if self.issuers.is_empty() {
            return Err(BuildError::NoIssuer);
        }
        for (at, issuer) in self.issuers.iter().enumerate() {
            let is_same = |other: &TrustedIssuer| other.name() == issuer.name();
            if self.issuers[..at].iter().any(is_same) {
                return Err(BuildError::IssuerTwice(issuer.name().to_owned()));
            }
            check(issuer)?;
        }
        Ok(ResourceServer::built(self))
    }
}

fn check(issuer: &TrustedIssuer) -> Result<(), BuildError> {
    if issuer.introspects() {
        return Ok(());
    }
    let name = issuer.name();
    if issuer.is_okta_org() {
        return Err(BuildError::OktaOrg(name.trim_end_matches('/').to_owned()));
    }
    if issuer.algorithms.is_empty() || issuer.algorithms.iter().any(|a| a.is_symmetric()) {
        return Err(BuildError::Algorithms(name.to_owned()));
    }
    Ok(())
}

impl fmt::Debug for ResourceServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServerBuilder")
            .field("audiences", &self.audiences)
            .field("issuers", &self.issuers)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}
