//! A session in an application under test, made as a person makes it: login, provider, callback.

use super::{Provider, User};
use crate::Browser;

impl Provider {
    /// Signs `user` in to the application at `app_url`, which is configured for this provider, and gives the
    /// browser that holds the session: walks `/auth/login` through this provider and back, by query or by form.
    ///
    /// The application's addresses must be registered ([`register_app`](Self::register_app)). From now on `user` is who is
    /// signed in here ([`set_user`](Self::set_user)). Panics, with what the application and this provider say, where no
    /// session comes of it (`GET /auth/session`).
    ///
    /// For an HTTP client of your own, [`Browser::cookie_header`] has what the browser would send.
    ///
    /// ```
    /// use cloakroom_testkit::{Provider, User};
    /// # use axum::{Router, http::{HeaderMap, StatusCode}, routing::get};
    /// # async fn stand_in(issuer: String) -> String {
    /// #     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    /// #     let app = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    /// #     let login = format!(
    /// #         "{issuer}/v1/authorize?client_id={}&redirect_uri={app}/auth/callback&response_type=code&scope=openid\
    /// #          &state=a-state-of-enough-characters&nonce=a-nonce-of-enough-characters\
    /// #          &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
    /// #         Provider::CLIENT_ID
    /// #     );
    /// #     let router = Router::new()
    /// #         .route("/auth/login", get(move || async move { (StatusCode::SEE_OTHER, [("location", login)]) }))
    /// #         .route("/auth/callback", get(|| async {
    /// #             (StatusCode::SEE_OTHER, [("location", "/"), ("set-cookie", "ticket=1; Path=/; HttpOnly; SameSite=Lax")])
    /// #         }))
    /// #         .route("/auth/session", get(|headers: HeaderMap| async move {
    /// #             format!("{{\"signed_in\":{}}}", headers.get("cookie").is_some())
    /// #         }))
    /// #         .route("/", get(|| async { "welcome" }));
    /// #     tokio::spawn(async move { axum::serve(listener, router).await });
    /// #     app
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let provider = Provider::start().await;
    /// // Your application, configured for `provider.issuer()` and listening; a stand-in here.
    /// let app = stand_in(provider.issuer()).await;
    /// provider.register_app(&app);
    ///
    /// let ada = User::new("00u7", "Ada Example", "ada@example.com").with_groups(["staff"]);
    /// let browser = provider.sign_in(&app, ada).await;
    /// assert_eq!(browser.get("/").await.text(), "welcome");
    /// // The same session in an HTTP client of your own:
    /// let cookie = browser.cookie_header("/").unwrap();
    /// assert!(cookie.starts_with("ticket="));
    /// # }
    /// ```
    pub async fn sign_in(&self, app_url: &str, user: User) -> Browser {
        self.set_user(user);
        let browser = Browser::with_base(app_url);
        let end = browser.walk("/auth/login").await;
        let said = match &end {
            Ok(end) => format!("{} answered {}", end.url().path(), end.status()),
            Err(error) => error.to_string(),
        };
        let signed_in = browser.is_signed_in().await;
        assert!(
            matches!(signed_in, Ok(true)),
            "no session came of the sign-in at {app_url}: {said}; the session: {signed_in:?}; this provider objects: {:?}",
            self.protocol_errors()
        );
        browser
    }
}

impl Browser {
    /// What Cloakroom's `GET /auth/session` says, or why it says nothing.
    pub(crate) async fn is_signed_in(&self) -> Result<bool, String> {
        let answer = self.get("/auth/session").fetch().send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        let json: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        json["signed_in"]
            .as_bool()
            .filter(|_| answer.status() == 200)
            .ok_or_else(|| {
                format!(
                    "/auth/session answered {} without signed_in",
                    answer.status()
                )
            })
    }
}
