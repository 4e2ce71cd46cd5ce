//! An application in this process, at a free port, before a provider of the test kit.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use cloakroom_bff::{Bff, ClientAuthSetting, Clock, PublicUrl, Settings};
use cloakroom_oidc::{ClientSecret, Issuer};
use cloakroom_testkit::{Browser, ManualClock, Provider, Response, leaks};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A clock that only moves when it is told to.
#[derive(Debug, Clone)]
pub(crate) struct Held(ManualClock);

impl Clock for Held {
    fn now(&self) -> u64 {
        self.0.now()
    }
}

/// The application, its provider and its clock.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) provider: Provider,
    pub(crate) clock: ManualClock,
    pub(crate) public_url: String,
    pub(crate) bff: Bff,
    server: JoinHandle<()>,
}

impl App {
    /// The usual one.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}, |builder| builder).await
    }

    /// With other settings, or with more put into the counter.
    pub(crate) async fn with(
        settings: impl FnOnce(&mut Settings),
        build: impl FnOnce(cloakroom_bff::Builder) -> cloakroom_bff::Builder,
    ) -> Self {
        Self::before(Provider::start().await, settings, build).await
    }

    /// Before another provider.
    pub(crate) async fn before(
        provider: Provider,
        settings: impl FnOnce(&mut Settings),
        build: impl FnOnce(cloakroom_bff::Builder) -> cloakroom_bff::Builder,
    ) -> Self {
        let counter = |settings, clock| build(crate::plain_axum::builder(settings, clock)).build();
        Self::serving(provider, settings, counter, crate::plain_axum::router).await
    }

    /// With another counter, and other routes.
    pub(crate) async fn serving(
        provider: Provider,
        settings: impl FnOnce(&mut Settings),
        counter: impl FnOnce(Settings, Arc<dyn Clock>) -> Bff,
        router: impl FnOnce(&Bff) -> Router,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let public_url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        provider.register_app(&public_url);
        let clock = ManualClock::at_present();
        let mut chosen = Settings::new(
            PublicUrl::parse(&public_url).unwrap(),
            Issuer::parse(&provider.issuer()).unwrap(),
            provider.client_id(),
            ClientAuthSetting::Secret(ClientSecret::new(provider.client_secret())),
        );
        settings(&mut chosen);
        let held = Arc::new(Held(clock.clone()));
        let bff = counter(chosen, held);
        let router = router(&bff);
        let server = tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await.unwrap();
        });
        Self {
            provider,
            clock,
            public_url,
            bff,
            server,
        }
    }

    /// Time passes, here and at the provider.
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(seconds);
        let ahead = i64::try_from(self.clock.now()).unwrap()
            - i64::try_from(ManualClock::at_present().now()).unwrap();
        self.provider.set_time_offset(ahead);
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::with_base(&self.public_url)
    }

    /// Follows a sign-in link to the provider; gives the provider's answer, which leads to the callback.
    pub(crate) async fn at_provider(&self, browser: &Browser, link: &str) -> Response {
        let begun = browser.get(link).navigate().await;
        assert_eq!(begun.status(), 303, "{link}: {}", begun.text());
        browser.follow(begun, 1).await
    }

    /// Follows a sign-in link through the provider; gives the answer to the callback.
    pub(crate) async fn at_callback(&self, browser: &Browser, link: &str) -> Response {
        let answered = self.at_provider(browser, link).await;
        browser.follow(answered, 1).await
    }

    /// Presses the button of the page with which a provider posts its answer, as its script does: a navigation from
    /// another site.
    pub(crate) async fn post(&self, browser: &Browser, page: &Response) -> Response {
        let (action, fields) = page.form().unwrap();
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        browser
            .post_form(action, &fields)
            .from_page(page.url())
            .await
    }

    /// Follows a sign-in link through a provider that posts its answer; gives the answer to that POST.
    pub(crate) async fn posted(&self, browser: &Browser, link: &str) -> Response {
        let page = self.at_provider(browser, link).await;
        self.post(browser, &page).await
    }

    /// The name of a cookie of ours.
    pub(crate) fn cookie(&self, what: &str) -> String {
        let port = self.public_url.rsplit(':').next().unwrap();
        format!("cloakroom-{what}-{port}")
    }

    pub(crate) async fn sign_in(&self, browser: &Browser) {
        let answer = self.at_callback(browser, "/auth/login").await;
        assert_eq!(
            (answer.status(), answer.header("location")),
            (303, Some("/")),
            "{}",
            answer.text()
        );
    }

    /// `GET /auth/session` without extending it.
    pub(crate) async fn look(&self, browser: &Browser) -> Value {
        browser
            .get("/auth/session?touch=false")
            .fetch()
            .await
            .json()
    }

    /// `GET /auth/session`, which extends it.
    pub(crate) async fn touch(&self, browser: &Browser) -> Value {
        browser.get("/auth/session").fetch().await.json()
    }

    /// The answer leads to the error page with this code, and sets no session.
    pub(crate) async fn assert_failed(
        &self,
        browser: &Browser,
        answer: &Response,
        code: &str,
        status: u16,
    ) -> Response {
        assert_eq!(answer.status(), 303, "{}", answer.text());
        assert_eq!(
            answer.location_param("code").as_deref(),
            Some(code),
            "{:?}",
            answer.location()
        );
        assert!(
            answer
                .set_cookies()
                .iter()
                .all(|cookie| !cookie.name.contains("session") || cookie.is_removal())
        );
        let page = browser.follow(answer.clone(), 1).await;
        assert_eq!(page.status(), status, "{}", page.text());
        page
    }

    /// Ends it; no browser received a secret, and the provider has nothing to object to.
    pub(crate) async fn end(self, browsers: &[&Browser]) {
        self.bff.finish_background_work().await;
        self.server.abort();
        for browser in browsers {
            assert_eq!(
                leaks(&browser.transcript(), &self.provider.secrets()),
                [""; 0]
            );
        }
        self.provider.assert_clean();
    }
}
