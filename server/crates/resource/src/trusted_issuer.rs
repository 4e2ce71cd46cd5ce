//! Whose access tokens are accepted, and how each issuer's are checked (RFC 9068 section 4, RFC 7662).

use cloakroom_oidc::client::Provider;
use cloakroom_oidc::jwt::{self, Typ};
use cloakroom_oidc::{Policy, RelyingParty, SigningAlg};

use crate::denied::Denied;
use crate::introspection::{Introspection, Random};
use crate::token::{Expectations, Form, TokenRefusal, VerifiedToken, judge};

/// One issuer that this API trusts.
#[derive(Debug)]
pub struct TrustedIssuer {
    pub(crate) provider: Provider,
    pub(crate) form: Form,
    pub(crate) algorithms: Vec<SigningAlg>,
    introspection: Option<Introspection>,
}

impl TrustedIssuer {
    /// JWT access tokens by RFC 9068, `typ: at+jwt`, with any asymmetric algorithm that the issuer's keys are for.
    pub fn rfc9068(provider: Provider) -> Self {
        let mut algorithms = SigningAlg::ALL.to_vec();
        algorithms.retain(|alg| !alg.is_symmetric());
        Self {
            provider,
            form: Form::Rfc9068,
            algorithms,
            introspection: None,
        }
    }

    /// JWT access tokens of an Okta custom authorization server: `cid` and `scp`, no `typ`, RS256.
    pub fn okta(provider: Provider) -> Self {
        Self {
            provider,
            form: Form::Okta,
            algorithms: vec![SigningAlg::RS256],
            introspection: None,
        }
    }

    /// Tokens that the issuer itself is asked about (RFC 7662), as `client`; its redirect URI counts for nothing.
    /// An answer is kept for at most a minute: so long may a revoked token still be good.
    pub fn introspected(provider: Provider, client: RelyingParty, random: Random) -> Self {
        Self {
            provider,
            form: Form::Introspected,
            algorithms: Vec::new(),
            introspection: Some(Introspection::new(client, random)),
        }
    }

    /// Accepts these algorithms only. Symmetric ones are refused when the server is built.
    #[must_use]
    pub fn algorithms(mut self, algorithms: &[SigningAlg]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// The issuer identifier.
    pub(crate) fn name(&self) -> &str {
        self.provider.issuer().as_str()
    }

    pub(crate) fn introspects(&self) -> bool {
        self.introspection.is_some()
    }

    /// Okta publishes no keys for the tokens of an org authorization server.
    pub(crate) fn is_okta_org(&self) -> bool {
        let url = self.provider.issuer().url();
        let okta = url.host_str().is_some_and(|host| {
            [
                "okta.com",
                "oktapreview.com",
                "okta-emea.com",
                "okta-gov.com",
            ]
            .iter()
            .any(|domain| {
                host.strip_suffix(domain)
                    .is_some_and(|rest| rest.ends_with('.'))
            })
        });
        (okta || self.form == Form::Okta) && !url.path().starts_with("/oauth2/")
    }

    pub(crate) async fn verify(
        &self,
        token: &str,
        expected: &Expectations<'_>,
    ) -> Result<VerifiedToken, Denied> {
        if let Some(introspection) = &self.introspection {
            return introspection.verify(&self.provider, token, expected).await;
        }
        let policy = Policy {
            typ: match self.form {
                Form::Okta => Typ::OrUntyped("at+jwt"),
                _ => Typ::Exactly("at+jwt"),
            },
            ..Policy::new(&self.algorithms)
        };
        let keys = self.provider.keys().await?;
        let verified = match jwt::verify_compact(token, &keys, &policy) {
            Err(error) if error.may_be_a_new_key() => {
                let keys = self.provider.keys_after_unknown_kid().await?;
                jwt::verify_compact(token, &keys, &policy)
            }
            first => first,
        };
        let claims = verified.map_err(TokenRefusal::Jwt)?.claims;
        Ok(judge(claims, expected)?)
    }
}
