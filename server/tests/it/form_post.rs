//! The provider's answer in a form (OAuth 2.0 Form Post Response Mode; design, invariants 2 and 9): a POST from another
//! site, which a `Lax` cookie does not come with, and one same-origin GET that decides what depends on the session.

use cloakroom_testkit::browser::RequestBuilder;
use cloakroom_testkit::{Browser, Cookie, Fault, Response, SameSite};

use crate::start::Start;
use crate::world::{World, new_session};

pub(crate) const REFUSED: &str = "Sign-in did not complete";

pub(crate) fn by_form() -> Start {
    Start::default()
        .provider(|provider| provider.announce_iss(true))
        .set("CLOAKROOM_RESPONSE_MODE", "form_post")
        .set("CLOAKROOM_FAILED_EXCHANGES_A_MINUTE", "1000")
}

/// The answer to the provider's POST.
pub(crate) async fn posted(world: &World, browser: &Browser, link: &str) -> Response {
    let page = world.at_provider(browser, link).await;
    browser.submit_form(&page).await
}

/// The whole way; gives the last answer, which leads to the return path.
async fn arrived(world: &World, browser: &Browser, link: &str) -> Response {
    let posted = posted(world, browser, link).await;
    browser.follow(posted, 1).await
}

pub(crate) async fn sign_in(world: &World, browser: &Browser) {
    let answer = arrived(world, browser, "/auth/login").await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/")),
        "{}",
        answer.text()
    );
    world.assert_signed_in(browser).await;
}

pub(crate) fn arrival(browser: &Browser) -> Option<Cookie> {
    browser
        .cookies()
        .into_iter()
        .find(|cookie| cookie.name.contains("arrival"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posted_answer_signs_in_and_each_cookie_comes_along_no_further_than_it_must() {
    let world = by_form().go().await;
    let browser = world.browser();
    let begun = browser
        .get("/auth/login?return_to=/profile")
        .navigate()
        .await;
    assert_eq!(
        begun.location_param("response_mode").as_deref(),
        Some("form_post")
    );
    let binding = begun.set_cookies().remove(0);
    assert_eq!(binding.name, world.binding_cookie());
    assert_eq!(
        (binding.same_site, binding.secure, binding.max_age),
        (Some(SameSite::None), true, Some(3600)),
        "it must come along with the provider's POST"
    );
    let page = browser.follow(begun, 1).await;
    assert_eq!(page.status(), 200, "the code stands in no address");
    let answer = browser.submit_form(&page).await;
    assert_eq!(answer.status(), 303, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let location = answer.header("location").unwrap();
    assert!(
        location.starts_with("/auth/arrive?t=") && location.len() < 40,
        "{location}"
    );
    let [left] = &answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies());
    };
    assert!(
        left.name
            .starts_with(&format!("cloakroom-arrival-{}-", world.port))
    );
    assert_eq!(
        (left.same_site, left.secure, left.max_age),
        (Some(SameSite::Lax), false, Some(120))
    );
    world.assert_signed_out(&browser).await;
    let arrived = browser.follow(answer, 1).await;
    assert_eq!(
        (arrived.status(), arrived.header("location")),
        (303, Some("/profile"))
    );
    assert_eq!(arrived.header("cache-control"), Some("no-store"));
    let mut cookies = arrived.set_cookies();
    cookies.sort_by_key(Cookie::is_removal);
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert_eq!(cookies[0].name, world.session_cookie());
    assert_eq!(cookies[0].same_site, Some(SameSite::Lax));
    assert!(cookies[1].is_removal() && cookies[1].name == left.name);
    for cookie in cookies.iter().chain([&binding, left]) {
        assert!(
            cookie.http_only && cookie.explicit_path && cookie.path == "/" && !cookie.domain,
            "{cookie:?}"
        );
    }
    assert_eq!(
        (browser.rejected_cookies(), arrival(&browser)),
        (vec![], None)
    );
    let page = browser.follow(arrived, 1).await;
    assert!(page.text().contains("user@example.com"), "{}", page.text());
    world
        .until_logged(|line| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.contains("Safari does not"))
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_page_names_no_origin_is_as_good() {
    let world = by_form()
        .provider(cloakroom_testkit::provider::Builder::form_post_without_referrer)
        .go()
        .await;
    sign_in(&world, &world.browser()).await;
    world.end().await;
}

/// A browser behind something that ends TLS, which sends a cookie where its `SameSite` lets it.
struct Tls<'a> {
    world: &'a World,
    browser: Browser,
    jar: Vec<Cookie>,
}

impl Tls<'_> {
    async fn send(&mut self, request: RequestBuilder, across: bool) -> Response {
        let goes = |cookie: &&Cookie| !across || cookie.same_site == Some(SameSite::None);
        let pair = |cookie: &Cookie| format!("{}={}", cookie.name, cookie.value);
        let cookies: Vec<String> = self.jar.iter().filter(goes).map(pair).collect();
        let answer = request
            .header("host", self.world.public_url.trim_start_matches("https://"))
            .header("cookie", &cookies.join("; "))
            .await;
        for cookie in answer.set_cookies() {
            assert!(
                cookie.name.starts_with("__Host-Http-cloakroom-")
                    && cookie.secure
                    && cookie.http_only
                    && cookie.explicit_path
                    && cookie.path == "/"
                    && !cookie.domain,
                "{cookie:?}"
            );
            let site = if cookie.name.contains("binding") {
                SameSite::None
            } else {
                SameSite::Lax
            };
            assert_eq!(cookie.same_site, Some(site), "{cookie:?}");
            self.jar.retain(|known| known.name != cookie.name);
            if !cookie.is_removal() {
                self.jar.push(cookie);
            }
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Response {
        let request = self.browser.get(path).navigate();
        self.send(request, false).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_the_binding_alone_crosses_sites_and_every_cookie_has_the_prefix() {
    let world = by_form().https().go().await;
    let mut tls = Tls {
        world: &world,
        browser: world.behind_tls(),
        jar: Vec::new(),
    };
    let begun = tls.get("/auth/login?return_to=/profile").await;
    let page = tls.browser.follow(begun, 1).await;
    let (action, fields) = page.form().unwrap();
    assert_eq!(
        action.as_str(),
        format!("{}/auth/callback", world.public_url)
    );
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let request = tls
        .browser
        .post_form("/auth/callback", &fields)
        .from_page(page.url())
        .by_script()
        .header("sec-fetch-site", "cross-site")
        .header("origin", &world.provider.origin());
    let answer = tls.send(request, true).await;
    let location = answer.header("location").unwrap().to_owned();
    assert!(location.starts_with("/auth/arrive?t="), "{location}");
    let arrived = tls.get(&location).await;
    assert_eq!(
        arrived.header("location"),
        Some("/profile"),
        "{}",
        arrived.text()
    );
    let names: Vec<&str> = tls.jar.iter().map(|cookie| &*cookie.name).collect();
    assert_eq!(
        names,
        [
            "__Host-Http-cloakroom-binding",
            "__Host-Http-cloakroom-session"
        ],
        "what was left for the arrival is really removed"
    );
    let request = tls.browser.get("/auth/session").fetch();
    assert_eq!(tls.send(request, false).await.json()["signed_in"], true);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_refuses_what_the_other_one_takes() {
    // A provider that answers otherwise than it was asked to.
    for (mode, fault, allow) in [
        ("form_post", Fault::QueryUnasked, "POST"),
        ("query", Fault::FormPostUnasked, "GET"),
    ] {
        let world = Start::default()
            .set("CLOAKROOM_RESPONSE_MODE", mode)
            .go()
            .await;
        world.provider.set_fault(fault.clone());
        let browser = world.browser();
        let answered = world
            .at_provider(&browser, "/auth/login?return_to=/profile")
            .await;
        let answer = if mode == "query" {
            browser.submit_form(&answered).await
        } else {
            browser.follow(answered, 1).await
        };
        assert_eq!(
            (answer.status(), answer.header("allow")),
            (405, Some(allow)),
            "{fault:?}"
        );
        assert_eq!(new_session(&answer, &world.session_cookie()), None);
        world.assert_signed_out(&browser).await;
        assert_eq!(world.provider.counts().token, 0, "{fault:?}");
        world.provider.clear_fault();
        if mode == "query" {
            world.sign_in(&browser).await;
        } else {
            sign_in(&world, &browser).await;
        }
        world.end().await;
    }
}
