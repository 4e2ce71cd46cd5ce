//! Cookies where browsers come by https: the prefix `__Host-Http-`, and removals that a browser obeys (RFC 6265bis,
//! draft-ietf-oauth-browser-based-apps section 6.1.3.2).

use cloakroom_testkit::{Browser, Cookie, Response};

use crate::start::Start;
use crate::world::World;

const SESSION: &str = "__Host-Http-cloakroom-session";
const BINDING: &str = "__Host-Http-cloakroom-binding";

/// A browser behind which something ends TLS: the test keeps the jar.
pub(crate) struct Behind<'a> {
    world: &'a World,
    pub(crate) browser: Browser,
    jar: Vec<(String, String)>,
    seen: Vec<String>,
}

impl<'a> Behind<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self {
            world,
            browser: world.behind_tls(),
            jar: Vec::new(),
            seen: Vec::new(),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response {
        let request = self.browser.get(path).navigate();
        self.send(request).await
    }

    pub(crate) async fn send(
        &mut self,
        request: cloakroom_testkit::browser::RequestBuilder,
    ) -> Response {
        let cookies: Vec<String> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let host = self
            .world
            .public_url
            .trim_start_matches("https://")
            .to_owned();
        let answer = request
            .header("host", &host)
            .header("cookie", &cookies.join("; "))
            .await;
        for cookie in answer.set_cookies() {
            assert_hard(&cookie);
            self.seen.push(cookie.name.clone());
            self.jar.retain(|(name, _)| *name != cookie.name);
            if !cookie.is_removal() {
                self.jar.push((cookie.name, cookie.value));
            }
        }
        answer
    }

    pub(crate) async fn sign_in(&mut self) {
        let begun = self.get("/auth/login").await;
        let answered = self.browser.follow(begun, 1).await;
        let location = answered.location().unwrap();
        assert_eq!(location.scheme(), "https");
        let answer = self.get(&location[url::Position::BeforePath..]).await;
        assert_eq!(
            (answer.status(), answer.header("location")),
            (303, Some("/")),
            "{}",
            answer.text()
        );
    }

    async fn signed_in(&mut self) -> bool {
        let request = self.browser.get("/auth/session").fetch();
        self.send(request).await.json()["signed_in"]
            .as_bool()
            .unwrap()
    }
}

fn assert_hard(cookie: &Cookie) {
    let line = format!("{cookie:?}");
    assert!(cookie.name.starts_with("__Host-Http-"), "{line}");
    assert!(
        cookie.secure
            && cookie.http_only
            && cookie.explicit_path
            && cookie.path == "/"
            && !cookie.domain,
        "{line}"
    );
    assert_eq!(
        cookie.same_site,
        Some(cloakroom_testkit::SameSite::Lax),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_every_cookie_that_is_set_or_removed_has_the_prefix_and_all_attributes() {
    let mut world = Start::default().https().go().await;
    let mut behind = Behind::new(&world);
    behind.sign_in().await;
    assert!(behind.signed_in().await);
    let names: Vec<&str> = behind.jar.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [BINDING, SESSION]);
    let form = behind
        .browser
        .post_form("/auth/logout", &[])
        .header("origin", &world.public_url);
    let answer = behind.send(form).await;
    assert!(
        answer.header("location").unwrap().contains("id_token_hint"),
        "{:?}",
        answer.headers()
    );
    assert!(!behind.signed_in().await);
    assert_eq!(
        behind
            .jar
            .iter()
            .filter(|(name, _)| name == SESSION)
            .count(),
        0,
        "it is really removed"
    );
    let page = behind.get("/").await;
    assert!(page.text().contains("You are signed out."));
    assert!(
        behind
            .seen
            .iter()
            .any(|name| name == "__Host-Http-cloakroom-notice")
    );
    behind
        .jar
        .push((SESSION.to_owned(), "AAAAAAAAAAAAAAAAAAAAAA".to_owned()));
    assert!(!behind.signed_in().await);
    assert_eq!(
        behind
            .jar
            .iter()
            .filter(|(name, _)| name == SESSION)
            .count(),
        0,
        "one that is worth nothing is removed"
    );
    world
        .until("the tokens are revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    world.expect_hint();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_a_cookie_without_the_prefix_is_not_read() {
    let world = Start::default().https().go().await;
    let mut behind = Behind::new(&world);
    behind.sign_in().await;
    let ticket = behind
        .jar
        .iter()
        .find(|(name, _)| name == SESSION)
        .unwrap()
        .1
        .clone();
    let plain = [
        "cloakroom-session".to_owned(),
        format!("cloakroom-session-{}", world.port),
        "__Host-cloakroom-session".to_owned(),
    ];
    for name in plain {
        behind.jar = vec![(name.clone(), ticket.clone())];
        assert!(
            !behind.signed_in().await,
            "{name} could be set by a neighbour on plain http"
        );
    }
    behind.jar = vec![(SESSION.to_owned(), ticket)];
    assert!(behind.signed_in().await);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_the_addresses_sent_to_the_provider_are_https() {
    let world = Start::default().https().go().await;
    let mut behind = Behind::new(&world);
    let begun = behind.get("/auth/login").await;
    assert_eq!(
        begun.location_param("redirect_uri"),
        Some(format!("{}/auth/callback", world.public_url))
    );
    // Plain http of another name must not lead to plain http of this one.
    let browser = world.behind_tls();
    let elsewhere = browser
        .get("/profile")
        .navigate()
        .header("host", "old-name.example")
        .await;
    assert_eq!(
        (elsewhere.status(), elsewhere.header("location")),
        (307, Some(&format!("{}/profile", world.public_url)[..]))
    );
    world.end().await;
}
