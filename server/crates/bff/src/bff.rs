//! The counter itself: one handle that every endpoint and server function calls.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use cloakroom_oidc::client::Provider;
use cloakroom_oidc::{Freshness, ProviderMetadata, RelyingParty, SigningAlg};
use cloakroom_vault::{KeyRing, Vault};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::budget::Budget;
use crate::client_auth::ClientAuthSetting;
use crate::cookies::Cookies;
use crate::ends::Ends;
use crate::hooks::OnSignIn;
use crate::proxy::{Apis, UpstreamTrust};
use crate::settings::Settings;
use crate::time::{Clock, Random, SystemClock, SystemRandom, random_bytes};
use crate::tokens::Renewals;

/// The counter. Cheap to clone; every clone is the same counter.
#[derive(Clone)]
pub struct Bff(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// How this client proves itself now: replaced while the program runs.
    client_auth: RwLock<Arc<ClientAuthSetting>>,
    provider: Provider,
    vault: Vault,
    cookies: Cookies,
    budget: Budget,
    pushes: Budget,
    ends: Ends,
    renewals: Renewals,
    apis: Apis,
    on_sign_in: Option<Arc<dyn OnSignIn>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    background: TaskTracker,
    /// Cancelled when the program is about to end.
    stopping: CancellationToken,
}

impl fmt::Debug for Bff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bff")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// Puts a [`Bff`] together.
#[derive(Debug)]
pub struct Builder {
    settings: Settings,
    provider: Provider,
    vault: Vault,
    on_sign_in: Option<Arc<dyn OnSignIn>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    upstream_trust: Option<UpstreamTrust>,
}

impl Builder {
    /// Asks the application about every sign-in.
    #[must_use]
    pub fn on_sign_in(mut self, hook: impl OnSignIn) -> Self {
        self.on_sign_in = Some(Arc::new(hook));
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of random bytes, for tests.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Whose certificates upstreams are believed by, instead of the system's authorities alone.
    #[must_use]
    pub fn upstream_trust(mut self, trust: UpstreamTrust) -> Self {
        self.upstream_trust = Some(trust);
        self
    }

    /// The counter, ready to serve.
    pub fn build(self) -> Bff {
        Bff(Arc::new(Inner {
            cookies: Cookies::new(&self.settings.public_url, self.settings.response_mode),
            budget: Budget::new(self.settings.failed_exchanges_a_minute),
            pushes: Budget::new(self.settings.pushed_requests_a_minute),
            client_auth: RwLock::new(Arc::new(self.settings.client_auth.clone())),
            ends: Ends::default(),
            renewals: Renewals::default(),
            apis: Apis::new(&self.settings, self.upstream_trust),
            settings: self.settings,
            provider: self.provider,
            vault: self.vault,
            on_sign_in: self.on_sign_in,
            clock: self.clock,
            random: self.random,
            background: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }))
    }
}

impl Bff {
    /// Begins to put a counter together.
    pub fn builder(settings: Settings, provider: Provider, vault: Vault) -> Builder {
        Builder {
            settings,
            provider,
            vault,
            on_sign_in: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            upstream_trust: None,
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The provider's metadata and keys.
    pub fn provider(&self) -> &Provider {
        &self.0.provider
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn ring(&self) -> &KeyRing {
        self.0.vault.ring()
    }

    pub(crate) fn cookies(&self) -> &Cookies {
        &self.0.cookies
    }

    /// Of code exchanges that fail.
    pub(crate) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// Of authorization requests that are pushed.
    pub(crate) fn pushes(&self) -> &Budget {
        &self.0.pushes
    }

    /// Which sessions' tokens are being renewed.
    pub(crate) fn renewals(&self) -> &Renewals {
        &self.0.renewals
    }

    /// Who waits for which session's end.
    pub(crate) fn ends(&self) -> &Ends {
        &self.0.ends
    }

    /// The APIs behind the proxy.
    pub(crate) fn apis(&self) -> &Apis {
        &self.0.apis
    }

    pub(crate) fn on_sign_in(&self) -> Option<&dyn OnSignIn> {
        self.0.on_sign_in.as_deref()
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.random
    }

    /// The counter's time, Unix seconds.
    pub fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// How this client proves itself from now on: a new secret, or a new set of keys. Requests under way end as they
    /// began; no session ends by it. What `/auth/jwks.json` publishes is replaced with it, so that while keys are
    /// rotated both are in the set.
    pub fn replace_client_auth(&self, auth: ClientAuthSetting) {
        *self
            .0
            .client_auth
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(auth);
    }

    /// How this client proves itself now.
    pub fn client_auth(&self) -> Arc<ClientAuthSetting> {
        Arc::clone(
            &self
                .0
                .client_auth
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Work that goes on after the answer, and that shutdown waits for.
    pub(crate) fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.background.spawn(work);
    }

    /// Ends event streams and WebSockets, which would otherwise go on as long as their sessions. Call it when the
    /// program is told to end, before it waits for requests under way; new streams end as they begin.
    pub fn begin_shutdown(&self) {
        self.0.stopping.cancel();
    }

    /// Resolves once the program is about to end.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.0.stopping.clone()
    }

    /// Waits until work begun for requests that are answered is done. Bounded: each piece has its own time-outs, and
    /// streams are ended as by [`Self::begin_shutdown`].
    pub async fn finish_background_work(&self) {
        self.begin_shutdown();
        self.0.background.close();
        self.0.background.wait().await;
    }

    /// Removes what is expired from the store, in small batches. Call it now and then.
    pub async fn sweep(&self) {
        match self.0.vault.sweep(self.now(), SWEEP_BATCH).await {
            Ok(0) => {}
            Ok(swept) => {
                tracing::debug!(swept, "expired entries were removed from the session store");
            }
            Err(error) => {
                tracing::warn!(%error, "expired entries could not be removed from the session store");
            }
        }
    }

    /// This client as the provider's metadata wants it to prove itself (OpenID Connect Core section 9).
    pub(crate) fn relying_party(
        &self,
        auth: &ClientAuthSetting,
        metadata: &ProviderMetadata,
    ) -> RelyingParty {
        RelyingParty {
            assertion_audience: self.0.settings.assertion_audience,
            ..RelyingParty::new(
                self.0.settings.client_id.clone(),
                auth.at(metadata),
                self.0.settings.public_url.redirect_uri(),
            )
        }
    }

    /// What makes one request to the provider unlike every other.
    pub(crate) fn fresh(&self) -> Freshness {
        Freshness::new(self.now(), random_bytes(self.random()))
    }

    /// Algorithms an ID token of this provider may be signed with. Never `none`, and HMAC only where it was named.
    pub(crate) fn id_token_algs(&self, metadata: &ProviderMetadata) -> Vec<SigningAlg> {
        if let Some(named) = &self.0.settings.id_token_algs {
            return named.clone();
        }
        SigningAlg::default_for(&metadata.id_token_signing_alg_values_supported)
    }

    /// The scopes to ask for, space-separated (RFC 6749 section 3.3).
    pub(crate) fn scope(&self, metadata: &ProviderMetadata) -> String {
        if self.0.settings.scopes.as_ref().is_some_and(Vec::is_empty) {
            // The provider's default ones: to name one would be to name all.
            return String::new();
        }
        let mut scopes: Vec<&str> = match &self.0.settings.scopes {
            Some(named) => named.iter().map(String::as_str).collect(),
            None => vec!["openid", "profile", "email"],
        };
        if self.0.settings.scopes.is_none() && metadata.lists_scope("offline_access") {
            scopes.push("offline_access");
        }
        for upstream in &self.0.settings.upstreams {
            scopes.extend(upstream.scopes.iter().map(String::as_str));
        }
        let mut once = Vec::with_capacity(scopes.len());
        for scope in scopes {
            if !once.contains(&scope) {
                once.push(scope);
            }
        }
        once.join(" ")
    }

    /// The resources that APIs behind the proxy are (RFC 8707), each once.
    pub(crate) fn resources(&self) -> Vec<&str> {
        let mut resources: Vec<&str> = Vec::new();
        for upstream in &self.0.settings.upstreams {
            if let Some(resource) = upstream.resource.as_deref()
                && !resources.contains(&resource)
            {
                resources.push(resource);
            }
        }
        resources
    }

    /// Origins that a form of ours may lead to: the provider's, for signing out (CSP `form-action`).
    pub fn provider_origins(&self) -> Vec<String> {
        let mut origins = Vec::new();
        if let Ok(url) = url::Url::parse(self.0.settings.issuer.as_str()) {
            origins.push(url.origin().ascii_serialization());
        }
        if let Some(metadata) = self.0.provider.known_metadata() {
            for url in [
                Some(&metadata.authorization_endpoint),
                metadata.end_session_endpoint.as_ref(),
            ]
            .into_iter()
            .flatten()
            {
                let origin = url.origin().ascii_serialization();
                if !origins.contains(&origin) {
                    origins.push(origin);
                }
            }
        }
        origins
    }
}

/// Entries removed in one step of a sweep.
const SWEEP_BATCH: u32 = 500;
