//! A whole application without Leptos: two routes, and sign-in around them.
//!
//! ```text
//! CLOAKROOM_ISSUER=https://dev-123.okta.com/oauth2/default CLOAKROOM_CLIENT_ID=.. CLOAKROOM_CLIENT_SECRET=.. \
//!   cargo run -p cloakroom-bff --example plain_axum
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use cloakroom_bff::{
    AccessError, Bff, ClientAuthSetting, Clock, PublicUrl, Random, Requirement, Settings, SignedIn,
    SystemClock, SystemRandom, Visit, denied,
};
use cloakroom_oidc::client::{HttpClient, HttpLimits, Provider};
use cloakroom_oidc::{ClientSecret, Issuer};
use cloakroom_vault::{KeyRing, Limits, MemoryStore, Vault};

/// Anybody may come here.
async fn home(session: Option<SignedIn>) -> Html<String> {
    Html(match session {
        Some(session) => format!(
            "<p>Hello, {}.</p><form method=\"post\" action=\"/auth/logout\"><button>Sign out</button></form>",
            plain(session.display_name())
        ),
        None => "<p><a href=\"/auth/login?return_to=/private\">Sign in</a></p>".to_owned(),
    })
}

/// Whoever comes here without a session is led to sign in, and back.
async fn private(session: SignedIn) -> String {
    format!("Only for {}", session.display_name())
}

/// Signed out and lacking are different: one is led to sign in, the other gets 403.
async fn staff(visit: Visit) -> Result<&'static str, cloakroom_bff::Answer> {
    let needed = Requirement::group("staff");
    visit
        .require(&needed)
        .await
        .map(|_| "Welcome backstage")
        .map_err(|error: AccessError| denied(&visit, &error))
}

/// Opens for who has confirmed who they are, with a second factor and not long ago. Anybody else is offered to.
async fn safe(visit: Visit) -> Result<&'static str, cloakroom_bff::Answer> {
    let needed = Requirement::acr(["urn:okta:loa:2fa:any"]).within(300);
    visit
        .require(&needed)
        .await
        .map(|_| "Here are your furs")
        .map_err(|error: AccessError| denied(&visit, &error))
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ')
        .collect()
}

/// The application, with sign-in around it.
pub(crate) fn router(bff: &Bff) -> Router {
    let routes = Router::new()
        .route("/", get(home))
        .route("/private", get(private))
        .route("/staff", get(staff))
        .route("/safe", get(safe));
    bff.install(routes.merge(bff.router()).merge(bff.sign_in_router()))
        .merge(bff.proxy_router())
        .merge(bff.health_router())
}

/// A counter that keeps sessions in memory.
pub(crate) fn counter(settings: Settings, clock: Arc<dyn Clock>) -> Result<Bff, Box<dyn Error>> {
    let limits = HttpLimits {
        connect: Duration::from_secs(5),
        total: Duration::from_secs(10),
        max_body: 1024 * 1024,
    };
    let time = Arc::clone(&clock);
    let provider = Provider::new(
        settings.issuer.clone(),
        HttpClient::new(limits)?,
        Arc::new(move || time.now()),
    );
    let mut key = [0; 32];
    SystemRandom.fill(&mut key);
    let vault = Vault::new(
        Arc::new(MemoryStore::new(Limits::default())),
        KeyRing::from_keys(vec![key])?,
    );
    Ok(Bff::builder(settings, provider, vault).clock(clock).build())
}

/// Reads the three variables that everybody needs.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the program: whoever uses the crate decides where settings come from"
)]
fn settings() -> Result<Settings, Box<dyn Error>> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let secret = ClientSecret::new(variable("CLOAKROOM_CLIENT_SECRET")?);
    Ok(Settings::new(
        PublicUrl::parse("http://localhost:3000")?,
        Issuer::parse(&variable("CLOAKROOM_ISSUER")?)?,
        variable("CLOAKROOM_CLIENT_ID")?,
        ClientAuthSetting::Secret(secret),
    ))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let bff = counter(settings()?, Arc::new(SystemClock))?;
    let router = router(&bff);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 3000)).await?;
    // The address of the connection: budgets are kept by it.
    axum::serve(
        listener,
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await?;
    bff.finish_background_work().await;
    Ok(())
}
