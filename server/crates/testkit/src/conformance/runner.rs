//! Walks modules against a running application: one sign-in each, by somebody new, and a look at what the provider saw
//! and at what the application says of its session.

use std::pin::Pin;

use super::modules::{Module, Requirement, modules};
use super::report::{Outcome, Report, Row};
use crate::provider::{Alg, Effect, Fault, Provider};
use crate::{Browser, BrowserError, Response};

/// Starts the application anew, for the modules that meet one which has fetched nothing yet.
type Restart<'a> = Box<dyn FnMut() -> Pin<Box<dyn Future<Output = ()> + 'a>> + 'a>;

/// Walks every module of [`modules`] against the application at `app_url`, which runs and is configured for this provider.
/// For a choice of modules, and for those that need the application started anew, there is [`Runner`].
///
/// Whatever the application's settings are, each module is one sign-in by a browser without cookies. It passes where a
/// session is made or not as the module says (`GET /auth/session`), the provider saw the requests that may be seen and
/// no others, and it objects to nothing about them. The application must not limit failed sign-ins meanwhile: for
/// Cloakroom, set `CLOAKROOM_FAILED_EXCHANGES_A_MINUTE=1000`.
///
/// The provider is honest at the end, its counts and protocol errors are those of the last module, and its key set may
/// hold the next key.
pub async fn run(provider: &Provider, app_url: &str) -> Report {
    Runner::new(provider, app_url).run().await
}

/// A run with choices.
#[must_use = "a run begins with run()"]
pub struct Runner<'a> {
    provider: &'a Provider,
    app_url: String,
    modules: Vec<Module>,
    restart: Option<Restart<'a>>,
}

impl std::fmt::Debug for Runner<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Runner")
            .field("app_url", &self.app_url)
            .field("modules", &self.modules.len())
            .finish_non_exhaustive()
    }
}

/// How the application goes about it, learnt from one honest sign-in.
#[derive(Clone, Copy, Debug, Default)]
struct Ways {
    pushes: bool,
    form_post: bool,
    basic: bool,
}

impl<'a> Runner<'a> {
    /// A run of every module against the application at `app_url`.
    pub fn new(provider: &'a Provider, app_url: &str) -> Self {
        Self {
            provider,
            app_url: app_url.trim_end_matches('/').to_owned(),
            modules: modules(),
            restart: None,
        }
    }

    /// These modules, in this order: [`remaining_faults`](super::remaining_faults) for one.
    pub fn modules(mut self, modules: impl IntoIterator<Item = Module>) -> Self {
        self.modules = modules.into_iter().collect();
        self
    }

    /// How the application is started anew; without it, the modules about discovery are skipped. It is called with the
    /// provider already as the module wants it, and once more afterwards.
    pub fn restart<F, R>(mut self, mut restart: F) -> Self
    where
        F: FnMut() -> R + 'a,
        R: Future<Output = ()> + 'a,
    {
        self.restart = Some(Box::new(move || Box::pin(restart())));
        self
    }

    /// Walks the modules.
    pub async fn run(mut self) -> Report {
        let mut report = Report::default();
        self.provider.clear_fault();
        let ways = self.ways().await;
        for module in std::mem::take(&mut self.modules) {
            let outcome = match &ways {
                Err(why) => Outcome::Failed(format!("an honest sign-in fails already: {why}")),
                Ok(ways) => match self.missing(&module, *ways) {
                    Some(why) => Outcome::Skipped(why.to_owned()),
                    None => self.walk(&module).await,
                },
            };
            let module = module.name;
            report.rows.push(Row { module, outcome });
        }
        report
    }

    /// One honest sign-in, to see how the application goes about it.
    async fn ways(&self) -> Result<Ways, String> {
        let before = self.provider.received();
        self.begin(None);
        let browser = self.browser();
        let end = browser.walk("/auth/login").await;
        self.judge(Effect::Succeeds, &browser, &end).await?;
        let after = self.provider.received();
        let pushed = after.pushed_requests.get(before.pushed_requests.len());
        let sent = after
            .authorize_requests
            .get(before.authorize_requests.len());
        let mode = pushed
            .or(sent)
            .and_then(|params| params.get("response_mode"));
        let headers = after.token_request_headers.last();
        let authorization = headers.and_then(|headers| headers.get("authorization"));
        Ok(Ways {
            pushes: pushed.is_some(),
            form_post: mode.is_some_and(|mode| mode == "form_post"),
            basic: authorization
                .is_some_and(|value| value.to_ascii_lowercase().starts_with("basic ")),
        })
    }

    /// Why a module is not tried, if it is not.
    fn missing(&self, module: &Module, ways: Ways) -> Option<&'static str> {
        let provider = self.provider;
        let (there, why) = match module.requires {
            Requirement::Nothing | Requirement::Rotation | Requirement::Initiation => return None,
            Requirement::FreshStart => (
                self.restart.is_some(),
                "needs the application started anew, and nobody said how",
            ),
            Requirement::AnnouncedIss => (
                provider.announces_iss(),
                "the provider does not announce iss",
            ),
            Requirement::Pushing => (ways.pushes, "the application does not push its requests"),
            Requirement::FormPost => (ways.form_post, "the application does not ask for form_post"),
            Requirement::Query => (!ways.form_post, "the application asks for form_post"),
            Requirement::Es256 => (
                provider.algorithm() == Alg::Es256,
                "the provider does not sign with ES256",
            ),
            Requirement::SignedUserinfo => (
                provider.signs_userinfo(),
                "the provider does not sign userinfo",
            ),
            Requirement::Basic => (ways.basic, "the application authenticates in another way"),
            Requirement::Refresh => (
                false,
                "only the application's own tests can make it refresh",
            ),
            Requirement::Asking => (false, "the sign-in asks for neither max_age nor acr_values"),
            Requirement::Patience => (false, "it takes as long as the application waits"),
        };
        (!there).then_some(why)
    }

    async fn walk(&mut self, module: &Module) -> Outcome {
        self.begin(module.fault.clone());
        if module.requires == Requirement::Rotation {
            self.provider.rotate_key();
        }
        if module.requires == Requirement::FreshStart {
            self.start_anew().await;
        }
        let browser = self.browser();
        let start = if module.requires == Requirement::Initiation {
            let issuer: String =
                form_urlencoded::byte_serialize(self.provider.issuer().as_bytes()).collect();
            format!("/auth/initiate?iss={issuer}")
        } else {
            "/auth/login".to_owned()
        };
        let end = browser.walk(start).await;
        let judged = self.judge(module.expects, &browser, &end).await;
        self.provider.clear_fault();
        self.provider.rotate_key_back();
        if module.requires == Requirement::FreshStart {
            self.start_anew().await;
        }
        match judged {
            Ok(()) => Outcome::Passed,
            Err(why) => Outcome::Failed(why),
        }
    }

    fn begin(&self, fault: Option<Fault>) {
        self.provider.reset_counts();
        self.provider.clear_protocol_errors();
        match fault {
            Some(fault) => self.provider.set_fault(fault),
            None => self.provider.clear_fault(),
        }
    }

    async fn start_anew(&mut self) {
        if let Some(restart) = &mut self.restart {
            restart().await;
        }
    }

    fn browser(&self) -> Browser {
        Browser::with_base(&self.app_url)
    }

    /// Whether what came of a sign-in is what may come of it.
    async fn judge(
        &self,
        expects: Effect,
        browser: &Browser,
        end: &Result<Response, BrowserError>,
    ) -> Result<(), String> {
        let counts = self.provider.counts();
        let seen = format!(
            "the provider saw {} authorization, {} token and {} userinfo requests",
            counts.authorize, counts.token, counts.userinfo
        );
        let end = match end {
            Ok(end) => format!(
                "the way ended at {} with {}",
                end.url().path(),
                end.status()
            ),
            Err(error) => error.to_string(),
        };
        let fail = |what: &str| Err(format!("{what}; {seen}; {end}"));
        let signed_in = browser.is_signed_in().await?;
        if let [first, ..] = self.provider.protocol_errors().as_slice() {
            return fail(&format!("the provider objects: {first}"));
        }
        if counts.redirect_followed > 0 {
            return fail("a redirect was followed that must not be");
        }
        let reached = !matches!(expects, Effect::NoStart | Effect::RefusedAtPush);
        if reached != (counts.authorize > 0) {
            return fail(if reached {
                "the browser was never sent to the provider"
            } else {
                "the browser was sent to the provider"
            });
        }
        if expects.token_request() != (counts.token > 0) {
            return fail(if expects.token_request() {
                "there was no token request: does the application limit failed sign-ins?"
            } else {
                "there was a token request"
            });
        }
        if counts.userinfo > 0 && !expects.userinfo_request() {
            return fail("there was a userinfo request");
        }
        match (expects, signed_in) {
            (Effect::Succeeds | Effect::RefusedWhereAsked, false) => fail("there is no session"),
            (Effect::UserinfoUnusable, true) => self.judge_claims(browser).await,
            (_, true) if !expects.session() => fail("there is a session"),
            _ => Ok(()),
        }
    }

    /// Where userinfo was unusable and there is a session all the same, nothing of another user is in it.
    async fn judge_claims(&self, browser: &Browser) -> Result<(), String> {
        let session = browser.get("/auth/session").fetch().send().await;
        let text = session.map_err(|error| error.to_string())?.text();
        if text.contains("somebody-else") || text.contains("Somebody Else") {
            Err("the session has another user's claims".to_owned())
        } else {
            Ok(())
        }
    }
}
