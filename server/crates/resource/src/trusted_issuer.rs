//! Whose access tokens are accepted, and how each issuer's are checked (RFC 9068 section 4, RFC 7662).

use std::sync::Arc;

use cloakroom_oidc::client::Provider;
use cloakroom_oidc::jwt::{self, Typ};
use cloakroom_oidc::{Policy, RelyingParty, SigningAlg};

use crate::denied::Denied;
use crate::introspection::{Introspection, Random};
use crate::token::{Expectations, Form, TokenRefusal, VerifiedToken, judge};

/// How long an introspection answer is kept unless the application says otherwise, in seconds.
const ANSWERS_FOR: u64 = 60;

/// One issuer that this API trusts.
///
/// ```
/// # use std::sync::Arc;
/// # use cloakroom_oidc::client::{HttpClient, HttpLimits, Provider};
/// use cloakroom_oidc::{ClientAuth, ClientSecret, Issuer, RelyingParty, SigningAlg};
/// use cloakroom_resource::{Random, TrustedIssuer};
///
/// # fn issuers(random: Random) -> Result<(), Box<dyn std::error::Error>> {
/// # let http = HttpClient::new(HttpLimits::default())?;
/// # let provider = |issuer: &str| -> Result<_, cloakroom_oidc::IssuerError> {
/// #     Ok(Provider::new(Issuer::parse(issuer)?, http.clone(), Arc::new(|| 1_800_000_000)))
/// # };
/// let okta = TrustedIssuer::okta(provider("https://dev-1.okta.com/oauth2/default")?);
///
/// let fapi = TrustedIssuer::rfc9068(provider("https://id.example.com")?)
///     .algorithms(&[SigningAlg::PS256, SigningAlg::ES256])
///     .audiences(["https://api.example.com/v1"]); // what this issuer calls the API
///
/// let me = ClientAuth::SecretBasic(ClientSecret::new("this API's own secret"));
/// let me = RelyingParty::new("this API's own client id", me, "");
/// let opaque = TrustedIssuer::introspected(provider("https://op.example.com")?, me, random)
///     .keep_answers_for(10); // seconds in which a revoked token may still be good
/// # Ok(())
/// # }
/// # assert!(issuers(Arc::new(|| [7; 16])).is_ok());
/// ```
#[derive(Debug)]
pub struct TrustedIssuer {
    pub(crate) provider: Provider,
    pub(crate) form: Form,
    pub(crate) algorithms: Vec<SigningAlg>,
    /// `None`: as the server has them.
    pub(crate) audiences: Option<Vec<String>>,
    introspection: Option<Arc<Introspection>>,
    /// Seconds.
    answers_for: u64,
}

impl TrustedIssuer {
    /// JWT access tokens by RFC 9068, `typ: at+jwt`, with any asymmetric algorithm that the issuer's keys are for.
    pub fn rfc9068(provider: Provider) -> Self {
        let mut algorithms = SigningAlg::ALL.to_vec();
        algorithms.retain(|alg| !alg.is_symmetric());
        Self::new(provider, Form::Rfc9068, algorithms)
    }

    /// JWT access tokens of an Okta custom authorization server: `cid` and `scp`, no `typ`, RS256.
    pub fn okta(provider: Provider) -> Self {
        Self::new(provider, Form::Okta, vec![SigningAlg::RS256])
    }

    /// Tokens that the issuer itself is asked about (RFC 7662), as `client`; its redirect URI counts for nothing.
    /// An answer is kept for at most a minute: so long may a revoked token still be good.
    pub fn introspected(provider: Provider, client: RelyingParty, random: Random) -> Self {
        let introspection = Introspection::new(provider.clone(), client, random);
        Self {
            introspection: Some(Arc::new(introspection)),
            ..Self::new(provider, Form::Introspected, Vec::new())
        }
    }

    fn new(provider: Provider, form: Form, algorithms: Vec<SigningAlg>) -> Self {
        Self {
            provider,
            form,
            algorithms,
            audiences: None,
            introspection: None,
            answers_for: ANSWERS_FOR,
        }
    }

    /// Accepts these algorithms only. Symmetric ones are refused when the server is built.
    #[must_use]
    pub fn algorithms(mut self, algorithms: &[SigningAlg]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// What this issuer calls the API, instead of what the server's other issuers do: no issuer's word then counts
    /// under a name that only another one gave.
    #[must_use]
    pub fn audiences<A: Into<String>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        self.audiences = Some(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// How long an introspection answer is kept at most, in seconds; 0 asks about each request. Without meaning for
    /// tokens that are checked here.
    #[must_use]
    pub fn keep_answers_for(mut self, seconds: u64) -> Self {
        self.answers_for = seconds;
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
            return introspection
                .verify(token, expected, self.answers_for)
                .await;
        }
        let mut policy = Policy::new(&self.algorithms);
        policy.typ = match self.form {
            Form::Okta => Typ::OrUntyped("at+jwt"),
            Form::Rfc9068 | Form::Introspected => Typ::Exactly("at+jwt"),
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
        Ok(judge(Arc::new(claims), expected)?)
    }
}
