//! The resource server: which issuers it trusts, what it is called, and whether a request may in (RFC 6750, RFC 9068, RFC 9728).

use std::fmt;
use std::sync::Arc;

use cloakroom_oidc::client::Clock;
use http::request::Parts;
use serde_json::Value;

use crate::builder::{BuildError, ResourceServerBuilder};
use crate::claimed::{Claimed, claimed_issuer};
use crate::credentials;
use crate::denied::Denied;
use crate::layer::AccessLayer;
use crate::metadata::ProtectedResource;
use crate::requirement::Requirement;
use crate::token::{Expectations, MAX_TOKEN, TokenRefusal, VerifiedToken};
use crate::trusted_issuer::TrustedIssuer;

/// Checks access tokens. Cheap to clone; clones share keys and answers.
///
/// ```
/// # use cloakroom_oidc::client::Clock;
/// # use cloakroom_resource::TrustedIssuer;
/// use cloakroom_resource::{Denied, Requirement, ResourceServer};
///
/// # fn server(okta: TrustedIssuer, clock: Clock) -> Result<ResourceServer, cloakroom_resource::BuildError> {
/// let server = ResourceServer::builder(["api://default"], clock).issuer(okta).build()?;
/// # Ok(server)
/// # }
///
/// /// Who sent this token, in a protocol without HTTP.
/// async fn sender(server: &ResourceServer, token: &str, now: u64) -> Result<String, Denied> {
///     let token = server.verify(token).await?;
///     Requirement::new().scope("messages:write").check(&token, now)?;
///     Ok(token.subject)
/// }
/// ```
#[derive(Clone)]
pub struct ResourceServer {
    shared: Arc<Shared>,
    /// The place of the one issuer that counts here; `None`: all do.
    only: Option<usize>,
}

struct Shared {
    audiences: Vec<String>,
    issuers: Vec<TrustedIssuer>,
    clock: Clock,
    metadata: Option<ProtectedResource>,
}

impl ResourceServer {
    /// An API that any of `audiences` names in `aud`; `clock` tells Unix seconds. It needs an issuer at least.
    pub fn builder<A: Into<String>>(
        audiences: impl IntoIterator<Item = A>,
        clock: Clock,
    ) -> ResourceServerBuilder {
        ResourceServerBuilder {
            audiences: audiences.into_iter().map(Into::into).collect(),
            issuers: Vec::new(),
            clock,
            metadata: None,
        }
    }

    /// What the builder has found to be usable.
    pub(crate) fn built(from: ResourceServerBuilder) -> Self {
        Self {
            shared: Arc::new(Shared {
                audiences: from.audiences,
                issuers: from.issuers,
                clock: from.clock,
                metadata: from.metadata,
            }),
            only: None,
        }
    }

    /// The same server, keys and answers shared, for tokens of one of its issuers: for routes that say whose they
    /// are. With several issuers that introspect this is the only way for opaque tokens, which name no issuer and
    /// are sent to nobody on suspicion.
    pub fn only(&self, issuer: &str) -> Result<Self, BuildError> {
        let mut issuers = self.shared.issuers.iter();
        let at = issuers
            .position(|known| known.name() == issuer)
            .ok_or_else(|| BuildError::UnknownIssuer(issuer.to_owned()))?;
        Ok(Self {
            shared: Arc::clone(&self.shared),
            only: Some(at),
        })
    }

    /// The document of RFC 9728, with the issuers as its authorization servers.
    pub fn metadata_document(&self) -> Option<Value> {
        let issuers: Vec<&str> = self
            .shared
            .issuers
            .iter()
            .map(TrustedIssuer::name)
            .collect();
        self.metadata().map(|metadata| metadata.document(&issuers))
    }

    /// What is published, where something is.
    pub fn metadata(&self) -> Option<&ProtectedResource> {
        self.shared.metadata.as_ref()
    }

    /// The address of the metadata, for challenges.
    pub(crate) fn resource_metadata(&self) -> Option<&str> {
        self.metadata().map(ProtectedResource::address)
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

    /// The token of a request, if it is good. A form is not looked into here, as the layer does: there is no body.
    pub async fn authenticate(&self, parts: &Parts) -> Result<VerifiedToken, Denied> {
        self.verify(credentials::bearer(parts)?).await
    }

    /// Whether a bare token is good, for callers without HTTP.
    pub async fn verify(&self, token: &str) -> Result<VerifiedToken, Denied> {
        let issuer = self.issuer_of(token)?;
        let expected = Expectations {
            form: issuer.form,
            issuer: issuer.name(),
            audiences: issuer.audiences.as_ref().unwrap_or(&self.shared.audiences),
            now: self.now(),
        };
        issuer.verify(token, &expected).await
    }

    pub(crate) fn now(&self) -> u64 {
        (self.shared.clock)()
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared) && self.only == other.only
    }

    /// Those that count here.
    fn issuers(&self) -> impl Iterator<Item = &TrustedIssuer> {
        let issuers = self.shared.issuers.iter().enumerate();
        issuers
            .filter(|(at, _)| self.only.is_none_or(|only| only == *at))
            .map(|(_, issuer)| issuer)
    }

    /// Who is to judge the token. A token goes to no other issuer than the one it names, for whoever gets it can use
    /// it; one that names none goes to the only issuer that introspects.
    fn issuer_of(&self, token: &str) -> Result<&TrustedIssuer, TokenRefusal> {
        if token.len() > MAX_TOKEN {
            return Err(TokenRefusal::TooLarge);
        }
        let unnamed = match claimed_issuer(token)? {
            Claimed::By(named) => return self.named(&named),
            Claimed::ByNobody(refusal) => refusal,
        };
        let mut asked = self.issuers().filter(|issuer| issuer.introspects());
        match (asked.next(), asked.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(unnamed),
        }
    }

    fn named(&self, name: &str) -> Result<&TrustedIssuer, TokenRefusal> {
        let is_custom_of = |issuer: &TrustedIssuer| {
            let path = issuer.name().strip_prefix(name.trim_end_matches('/'));
            path.is_some_and(|path| path.starts_with("/oauth2/"))
        };
        self.issuers()
            .find(|issuer| issuer.name() == name)
            .ok_or_else(|| {
                if self.issuers().any(is_custom_of) {
                    TokenRefusal::OktaOrg
                } else {
                    TokenRefusal::UnknownIssuer
                }
            })
    }
}

impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServer")
            .field("audiences", &self.shared.audiences)
            .field("issuers", &self.issuers().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
