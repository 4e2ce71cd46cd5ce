//! The application in this process, at a free port, before a provider of the test kit, with an API behind it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response as Answer};
use cloakroom_bff::{
    Bff, ClientAuthSetting, Clock, PublicUrl, Settings, SystemClock, Upstream, UpstreamName,
};
use cloakroom_oidc::client::{HttpClient, HttpLimits, Provider as Metadata};
use cloakroom_oidc::{ClientSecret, Issuer};
use cloakroom_testkit::{Browser, Provider, Response, leaks};
use cloakroom_vault::{KeyRing, Limits, MemoryStore, Vault};
use http::HeaderMap;
use leptos::config::LeptosOptions;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The application, its provider and its API.
pub(crate) struct World {
    pub(crate) provider: Provider,
    pub(crate) public_url: String,
    pub(crate) api: Api,
    bff: Bff,
    servers: Vec<JoinHandle<()>>,
}

impl World {
    /// With an API that answers what it is told to.
    pub(crate) async fn start() -> Self {
        let api = Api::default();
        let (address, server) = serve(api.router()).await;
        Self::with(api, Some(format!("http://{address}/api")), vec![server]).await
    }

    /// Without any API in the settings.
    pub(crate) async fn without_api() -> Self {
        Self::with(Api::default(), None, Vec::new()).await
    }

    /// With an API in the settings at whose address nobody answers.
    pub(crate) async fn with_dead_api() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        Self::with(
            Api::default(),
            Some(format!("http://{address}/api")),
            Vec::new(),
        )
        .await
    }

    async fn with(api: Api, base: Option<String>, mut servers: Vec<JoinHandle<()>>) -> Self {
        let provider = Provider::start().await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let public_url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        provider.register_app(&public_url);
        let mut settings = Settings::new(
            PublicUrl::parse(&public_url).unwrap(),
            Issuer::parse(&provider.issuer()).unwrap(),
            provider.client_id(),
            ClientAuthSetting::Secret(ClientSecret::new(provider.client_secret())),
        );
        if let Some(base) = base {
            let name = UpstreamName::parse("sample").unwrap();
            settings
                .upstreams
                .push(Upstream::new(name, &base, false).unwrap());
        }
        let bff = counter(settings);
        let router = bff.install(pages().merge(bff.router()));
        servers.push(tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await.unwrap();
        }));
        Self {
            provider,
            public_url,
            api,
            bff,
            servers,
        }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::with_base(&self.public_url)
    }

    /// A browser in which somebody is signed in.
    pub(crate) async fn signed_in(&self) -> Browser {
        let browser = self.browser();
        self.sign_in(&browser, "/auth/login").await;
        browser
    }

    /// Follows a sign-in link through the provider and back.
    pub(crate) async fn sign_in(&self, browser: &Browser, link: &str) {
        let begun = browser.get(link).navigate().await;
        let answered = browser.follow(begun, 1).await;
        let answer = browser.follow(answered, 1).await;
        let location = answer.header("location").unwrap_or_default().to_owned();
        assert_eq!(answer.status(), 303, "{}", answer.text());
        assert!(!location.starts_with("/auth/error"), "{location}");
    }

    /// Sends a form of the page as a browser without WebAssembly does.
    pub(crate) async fn submit(
        &self,
        browser: &Browser,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        let page = format!("{}{page}", self.public_url);
        browser
            .post_form(action, fields)
            .from_page(&page)
            .header("referer", &page)
            .await
    }

    /// Calls a server function as the page does with WebAssembly.
    pub(crate) async fn call(
        &self,
        browser: &Browser,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        browser
            .post_form(action, fields)
            .fetch()
            .header("referer", &format!("{}/messages", self.public_url))
            .header("accept", "application/json")
            .await
    }

    /// Ends it; no browser received a secret, and the provider has nothing to object to.
    pub(crate) async fn end(self, browsers: &[&Browser]) {
        self.bff.finish_background_work().await;
        for server in &self.servers {
            server.abort();
        }
        for browser in browsers {
            assert_eq!(
                leaks(&browser.transcript(), &self.provider.secrets()),
                [""; 0]
            );
        }
        self.provider.assert_clean();
    }
}

/// The pages and server functions. Put together once: while Leptos lists the routes, no page in this process loads
/// anything (`leptos_axum` 0.8), and one that is rendered at that moment waits for ever.
fn pages() -> Router {
    static PAGES: OnceLock<Router> = OnceLock::new();
    let router = || {
        let options = LeptosOptions::builder()
            .output_name("cloakroom")
            .site_pkg_dir("pkg")
            .build();
        app::http::router(options)
    };
    PAGES.get_or_init(router).clone()
}

fn counter(settings: Settings) -> Bff {
    let limits = HttpLimits {
        connect: Duration::from_secs(5),
        total: Duration::from_secs(10),
        max_body: 1024 * 1024,
    };
    let clock = Arc::new(SystemClock);
    let time = Arc::clone(&clock);
    let http = HttpClient::new(limits).unwrap();
    let provider = Metadata::new(settings.issuer.clone(), http, Arc::new(move || time.now()));
    let store = Arc::new(MemoryStore::new(Limits::default()));
    let vault = Vault::new(store, KeyRing::from_keys(vec![[7; 32]]).unwrap());
    Bff::builder(settings, provider, vault).clock(clock).build()
}

async fn serve(router: Router) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, server)
}

/// What an API was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An API that answers what it is told to, and remembers what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Api(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static str,
    asked: Vec<Asked>,
}

impl Api {
    /// What it answers from now on.
    pub(crate) fn answers(
        &self,
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &'static str,
    ) {
        let mut told = self.0.lock().unwrap();
        (told.status, told.body) = (status, body);
        told.headers = headers.to_vec();
    }

    /// What it was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }
}

async fn answer(State(api): State<Api>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1024 * 1024).await.unwrap();
    let mut told = api.0.lock().unwrap();
    told.asked.push(Asked {
        line: format!("{} {}", parts.method, parts.uri),
        headers: parts.headers,
        body,
    });
    let mut answer = told.body.into_response();
    *answer.status_mut() = told.status.try_into().unwrap();
    for (name, value) in &told.headers {
        answer
            .headers_mut()
            .insert(*name, http::HeaderValue::from_static(value));
    }
    answer
}
