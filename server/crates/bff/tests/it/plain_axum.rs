//! The example without Leptos works: the counter owes nothing to any framework but axum.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use cloakroom_bff::{Bff, Builder, Clock, Random as _, Settings, SystemRandom};
use cloakroom_oidc::client::{HttpClient, HttpLimits, Provider};
use cloakroom_testkit::User;
use cloakroom_vault::{KeyRing, Limits, MemoryStore, Store, Vault};

use crate::app::App;

#[expect(dead_code, reason = "the example is a program: tests use its routes")]
#[path = "../../examples/plain_axum.rs"]
mod example;

/// The example's routes.
pub(crate) fn router(bff: &Bff) -> Router {
    example::router(bff)
}

/// What the example's counter is built from.
pub(crate) fn builder(settings: Settings, clock: Arc<dyn Clock>) -> Builder {
    builder_over(
        Arc::new(MemoryStore::new(Limits::default())),
        settings,
        clock,
    )
}

/// The same, over another store.
pub(crate) fn builder_over(
    store: Arc<dyn Store>,
    settings: Settings,
    clock: Arc<dyn Clock>,
) -> Builder {
    let limits = HttpLimits {
        connect: Duration::from_secs(5),
        total: Duration::from_secs(10),
        max_body: 1024 * 1024,
    };
    let time = Arc::clone(&clock);
    let http = HttpClient::new(limits).unwrap();
    let provider = Provider::new(settings.issuer.clone(), http, Arc::new(move || time.now()));
    let mut key = [0; 32];
    SystemRandom.fill(&mut key);
    let vault = Vault::new(store, KeyRing::from_keys(vec![key]).unwrap());
    Bff::builder(settings, provider, vault).clock(clock)
}

#[tokio::test]
async fn a_whole_walk_in_an_application_without_leptos() {
    let app = App::start().await;
    let browser = app.browser();
    let home = browser.visit("/").await;
    assert!(home.text().contains("/auth/login?return_to=/private"));
    let private = browser.visit("/private").await;
    assert_eq!(
        (private.status(), private.text()),
        (200, "Only for Test User".to_owned()),
        "led to sign in, and back"
    );
    assert!(browser.visit("/").await.text().contains("Hello, Test User"));
    let left = browser.post_form("/auth/logout", &[]).fetch().await;
    assert_eq!(left.status(), 204);
    assert!(!browser.visit("/").await.text().contains("Test User"));
    let fetched = browser.get("/private").fetch().await;
    assert_eq!(
        (
            fetched.status(),
            fetched.json()["code"].as_str(),
            fetched.json()["sign_in"].as_str()
        ),
        (401, Some("signed_out"), Some("/auth/login"))
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn signed_out_and_lacking_a_group_are_different() {
    let scopes = ["openid", "groups"].map(str::to_owned).to_vec();
    let app = App::with(|settings| settings.scopes = Some(scopes), |builder| builder).await;
    let browser = app.browser();
    let led = browser.get("/staff").navigate().await;
    assert_eq!(
        (led.status(), led.header("location")),
        (303, Some("/auth/login?return_to=%2Fstaff"))
    );
    assert_eq!(browser.get("/staff").fetch().await.status(), 401);
    app.provider
        .set_user(User::default().with_groups(["staffing"]));
    app.sign_in(&browser).await;
    let lacking = browser.get("/staff").navigate().await;
    assert_eq!(
        (lacking.status(), lacking.header("cloakroom-error")),
        (403, Some("forbidden"))
    );
    assert!(
        lacking.text().contains("You may not open this") && !lacking.text().contains("groups"),
        "{}",
        lacking.text()
    );
    assert_eq!(
        browser.get("/staff").fetch().await.json()["code"],
        "forbidden"
    );
    app.provider.set_user(User::default());
    app.sign_in(&browser).await;
    assert_eq!(
        browser.get("/staff").navigate().await.text(),
        "Welcome backstage"
    );
    app.end(&[&browser]).await;
}
