//! The happy flow, step by step: Okta's guide, steps 2 to 4 (OpenID Connect Core section 3.1, RFC 6749 section 4.1,
//! RFC 7636, RFC 9207).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cloakroom_testkit::provider::Alg;
use cloakroom_testkit::{Browser, Provider, SameSite, User};
use url::Url;

use crate::start::Start;
use crate::world::{World, new_session};

fn parameters(url: &Url) -> BTreeMap<String, String> {
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let map: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(map.len(), pairs.len(), "a parameter stands twice in {url}");
    map
}

#[tokio::test(flavor = "multi_thread")]
async fn login_leads_to_the_provider_with_exactly_the_parameters_of_the_protocol() {
    let world = World::start().await;
    let browser = world.browser();
    let answer = browser
        .get("/auth/login?return_to=/profile")
        .navigate()
        .await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let location = answer.location().unwrap();
    assert_eq!(
        &location[..url::Position::AfterPath],
        format!("{}/v1/authorize", world.provider.issuer())
    );
    let sent = parameters(&location);
    let names: BTreeSet<&str> = sent.keys().map(String::as_str).collect();
    let expected = [
        "client_id",
        "response_type",
        "scope",
        "redirect_uri",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    assert_eq!(sent["client_id"], Provider::CLIENT_ID);
    assert_eq!(sent["response_type"], "code");
    assert_eq!(
        sent["redirect_uri"],
        format!("{}/auth/callback", world.public_url)
    );
    assert_eq!(sent["code_challenge_method"], "S256");
    assert_eq!(sent["code_challenge"].len(), 43);
    assert_eq!(
        sent["scope"], "openid profile email offline_access",
        "offline_access because the metadata lists it"
    );
    assert!(
        sent["state"].len() <= 1024
            && sent["state"]
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_link_asks_for_is_sent_on() {
    let world = World::start().await;
    let browser = world.browser();
    let link = "/auth/login?prompt=login&login_hint=ada%40example.com&max_age=300&acr_values=urn%3Aokta%3Aloa%3A2fa%3Aany%20phr";
    let sent = parameters(&browser.get(link).navigate().await.location().unwrap());
    assert_eq!(sent["prompt"], "login");
    assert_eq!(sent["login_hint"], "ada@example.com");
    assert_eq!(sent["max_age"], "300");
    assert_eq!(sent["acr_values"], "urn:okta:loa:2fa:any phr");
    for link in [
        "prompt=frob",
        "max_age=-1",
        "max_age=x",
        "acr_values=%00",
        "login_hint=%0a",
        "prompt=none&prompt=login",
    ] {
        let refused = browser.get(format!("/auth/login?{link}")).navigate().await;
        assert_eq!(refused.location().unwrap().path(), "/auth/error", "{link}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_those_of_the_setting_or_what_the_metadata_lists() {
    let world = Start::default()
        .provider(|provider| provider.scopes(["openid", "profile", "email"]))
        .go()
        .await;
    let answer = world.browser().get("/auth/login").navigate().await;
    assert_eq!(
        answer.location_param("scope").as_deref(),
        Some("openid profile email")
    );
    world.end().await;
    let world = Start::default()
        .set("CLOAKROOM_SCOPES", "openid groups")
        .go()
        .await;
    let answer = world.browser().get("/auth/login").navigate().await;
    assert_eq!(
        answer.location_param("scope").as_deref(),
        Some("openid groups")
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callback_exchanges_the_code_and_leads_to_the_return_path() {
    let world = World::start().await;
    let browser = world.browser();
    let answer = world
        .at_callback(&browser, "/auth/login?return_to=/profile%3Ftab%3Dclaims")
        .await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/profile?tab=claims")),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let request = world.provider.received().token_requests.remove(0);
    let names: BTreeSet<&str> = request.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        BTreeSet::from(["grant_type", "code", "redirect_uri", "code_verifier"])
    );
    assert_eq!(request["grant_type"], "authorization_code");
    assert_eq!(
        request["redirect_uri"],
        format!("{}/auth/callback", world.public_url)
    );
    assert_eq!(request["code"], world.provider.issued().codes[0]);
    let headers: HashMap<String, String> =
        world.provider.received().token_request_headers.remove(0);
    assert!(
        headers["authorization"].starts_with("Basic "),
        "client_secret_basic"
    );
    assert_eq!(
        world.provider.received().client_secrets,
        [Provider::CLIENT_SECRET],
        "form-encoded first (RFC 6749, 2.3.1)"
    );
    assert_eq!(
        (
            world.provider.counts().token,
            world.provider.counts().userinfo
        ),
        (1, 1)
    );
    let page = browser.follow(answer, 1).await;
    assert_eq!(page.status(), 200);
    assert!(
        page.text().contains("user@example.com"),
        "the profile is there at first paint"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_knows_who_is_signed_in() {
    let world = World::start().await;
    let browser = world.browser();
    let before = browser.visit("/").await;
    assert!(before.text().contains("Sign in") && !before.text().contains("Test User"));
    world.sign_in(&browser).await;
    let after = browser.visit("/").await;
    assert_eq!(after.status(), 200);
    assert!(
        after.text().contains("Test User") && after.text().contains("/auth/logout"),
        "{}",
        after.text()
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_needs_a_session_leads_to_sign_in_and_back_to_it() {
    let world = World::start().await;
    let browser = world.browser();
    let sent = browser.get("/profile?tab=claims").navigate().await;
    assert_eq!(sent.status(), 303, "{}", sent.text());
    assert_eq!(sent.location().unwrap().path(), "/auth/login");
    assert_eq!(
        sent.location_param("return_to").as_deref(),
        Some("/profile?tab=claims")
    );
    let page = browser.follow(sent, 5).await;
    assert_eq!(
        (page.status(), page.url().path(), page.url().query()),
        (200, "/profile", Some("tab=claims"))
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_ours_gets_the_address_and_goes_there_itself() {
    let world = World::start().await;
    let browser = world.browser();
    let answer = browser.get("/auth/login?return_to=/profile").fetch().await;
    assert_eq!(answer.status(), 200);
    let location = answer.json()["location"].as_str().unwrap().to_owned();
    assert!(location.starts_with(&world.provider.issuer()), "{location}");
    let begun = browser.get(location).navigate().await;
    let arrived = browser.follow(begun, 5).await;
    assert_eq!((arrived.status(), arrived.url().path()), (200, "/profile"));
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_and_binding_are_out_of_reach_of_scripts_and_other_sites() {
    let world = World::start().await;
    let browser = world.browser();
    let begun = browser.get("/auth/login").navigate().await;
    let binding = begun.set_cookies().remove(0);
    assert_eq!(binding.name, world.binding_cookie());
    assert_eq!(binding.max_age, Some(3600));
    assert_eq!(binding.value.len(), 43, "256 bits in base64url");
    let again = browser
        .get("/auth/login")
        .navigate()
        .await
        .set_cookies()
        .remove(0);
    assert_eq!(
        again.value, binding.value,
        "the binding is sent again with the same value by each login"
    );
    let answer = world.at_callback(&browser, "/auth/login").await;
    let session = answer
        .set_cookies()
        .into_iter()
        .find(|cookie| cookie.name == world.session_cookie())
        .unwrap();
    assert_eq!(
        session.expires_at, None,
        "it ends with the browser's own session"
    );
    assert!(session.value.len() >= 22, "128 bits");
    for cookie in [binding, session] {
        assert!(
            cookie.http_only && cookie.path == "/" && cookie.explicit_path && !cookie.domain,
            "{cookie:?}"
        );
        assert_eq!(cookie.same_site, Some(SameSite::Lax));
    }
    assert_eq!(browser.rejected_cookies(), []);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_a_session_or_a_cookie_before_signing_in() {
    let world = World::start().await;
    let browser = world.browser();
    for path in [
        "/",
        "/auth/session",
        "/auth/error?code=access_denied",
        "/nowhere",
    ] {
        let answer = browser.get(path).navigate().await;
        assert_eq!(answer.header_all("set-cookie"), [""; 0], "{path}");
    }
    assert_eq!(browser.cookies(), []);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_userinfo_is_enough() {
    let world = Start::default()
        .provider(cloakroom_testkit::provider::Builder::without_userinfo)
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    assert_eq!(world.provider.counts().userinfo, 0);
    assert_eq!(
        world.session(&browser).await["user"]["email"],
        "user@example.com"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_signs_otherwise_or_announces_iss_or_takes_the_secret_in_the_body_is_as_good()
 {
    for alg in [Alg::Es256, Alg::Ps256, Alg::EdDsa] {
        let world = Start::default()
            .provider(|provider| provider.algorithm(alg).announce_iss(true))
            .go()
            .await;
        world.sign_in(&world.browser()).await;
        world.end().await;
    }
    let world = Start::default()
        .provider(|provider| provider.auth_methods(["client_secret_post"]))
        .go()
        .await;
    world.sign_in(&world.browser()).await;
    let request = world.provider.received().token_requests.remove(0);
    assert_eq!(request["client_secret"], Provider::CLIENT_SECRET);
    assert!(!world.provider.received().token_request_headers[0].contains_key("authorization"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_ends_the_old_session_and_revokes_what_it_held() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let old = browser.copy();
    world.watch(&old);
    let held = world.provider.issued();
    world
        .provider
        .set_user(User::new("00u2other", "Other Person", "other@example.com"));
    let answer = world.at_callback(&browser, "/auth/login").await;
    let fresh = new_session(&answer, &world.session_cookie()).unwrap();
    assert_ne!(
        Some(fresh),
        world.ticket(&old),
        "the id is new at every sign-in"
    );
    world.assert_signed_out(&old).await;
    let session = world.session(&browser).await;
    assert_eq!(
        session["user"]["email"], "other@example.com",
        "another subject inherits nothing"
    );
    world
        .until("both tokens are revoked", || {
            world.provider.received().revoked.len() == 2
        })
        .await;
    assert_eq!(
        world.provider.received().revoked,
        [&held.refresh_tokens[0][..], &held.access_tokens[0]]
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_keep_their_sessions_apart() {
    let world = World::start().await;
    let (ada, grace): (Browser, Browser) = (world.browser(), world.browser());
    world
        .provider
        .set_user(User::new("00uada", "Ada", "ada@example.com"));
    world.sign_in(&ada).await;
    world
        .provider
        .set_user(User::new("00ugrace", "Grace", "grace@example.com"));
    world.sign_in(&grace).await;
    assert_eq!(
        world.session(&ada).await["user"]["email"],
        "ada@example.com"
    );
    assert_eq!(
        world.session(&grace).await["user"]["email"],
        "grace@example.com"
    );
    assert_ne!(world.ticket(&ada), world.ticket(&grace));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_that_was_named_as_trusted_may_stand_beside_this_client() {
    let world = crate::start::Start::default()
        .set("CLOAKROOM_TRUSTED_AUDIENCES", "another-client")
        .fault(cloakroom_testkit::Fault::ExtraAudWithAzp)
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world.assert_signed_in(&browser).await;
    world.end().await;
}
