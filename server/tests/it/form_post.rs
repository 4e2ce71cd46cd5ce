//! The provider's answer in a form (OAuth 2.0 Form Post Response Mode; design, invariants 2 and 9): a POST from another
//! site, which a `Lax` cookie does not come with, and one same-origin GET that decides what depends on the session.

use std::fmt::Write as _;

use cloakroom_testkit::browser::RequestBuilder;
use cloakroom_testkit::{
    Browser, Cookie, Effect, Fault, Needs, Response, SameSite, User, raw_request,
};
use http::Method;

use crate::start::Start;
use crate::world::{World, new_session};

const REFUSED: &str = "Sign-in did not complete";
const ODD: &str = "This address is not right";

fn by_form() -> Start {
    Start::default()
        .provider(|provider| provider.announce_iss(true))
        .set("CLOAKROOM_RESPONSE_MODE", "form_post")
        .set("CLOAKROOM_FAILED_EXCHANGES_A_MINUTE", "1000")
}

/// The answer to the provider's POST.
async fn posted(world: &World, browser: &Browser, link: &str) -> Response {
    let page = world.at_provider(browser, link).await;
    browser.submit_form(&page).await
}

/// The whole way; gives the last answer, which leads to the return path.
async fn arrived(world: &World, browser: &Browser, link: &str) -> Response {
    let posted = posted(world, browser, link).await;
    browser.follow(posted, 1).await
}

async fn sign_in(world: &World, browser: &Browser) {
    let answer = arrived(world, browser, "/auth/login").await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/")),
        "{}",
        answer.text()
    );
    world.assert_signed_in(browser).await;
}

fn arrival(browser: &Browser) -> Option<Cookie> {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_code_in_the_address_is_never_taken_and_the_address_beside_a_form_is_not_read() {
    let world = by_form().go().await;
    let browser = world.browser();
    let page = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let (action, fields) = page.form().unwrap();
    let mut address = action.clone();
    address.query_pairs_mut().extend_pairs(&fields);
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let answer = browser.request(method.clone(), &address).await;
        assert_eq!(
            (answer.status(), answer.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
    }
    let other = world.browser();
    let others = world
        .at_provider(&other, "/auth/login?return_to=/elsewhere")
        .await;
    let mut theirs = others.form().unwrap().0;
    theirs
        .query_pairs_mut()
        .extend_pairs(&others.form().unwrap().1);
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let posted = browser
        .post_form(&theirs, &fields)
        .from_page(page.url())
        .await;
    let arrived = browser.follow(posted, 1).await;
    assert_eq!(
        arrived.header("location"),
        Some("/profile"),
        "the form counts"
    );
    // And what stands in the address alone is nothing.
    let posted = other.post_form(&theirs, &[]).from_page(page.url()).await;
    world
        .assert_failed(&other, &posted, "state_missing", 400, REFUSED)
        .await;
    assert_eq!(world.provider.counts().token, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_knows_no_form_post_may_say_so_in_the_address() {
    let world = by_form().go().await;
    let browser = world.browser();
    let state = world.fresh_state(&browser).await;
    let iss = world.provider.issuer();
    let answer = browser
        .get(format!(
            "/auth/callback?error=unsupported_response_mode&state={state}&iss={iss}"
        ))
        .navigate()
        .await;
    let title = "The sign-in service reports an error";
    world
        .assert_failed(&browser, &answer, "provider_error", 502, title)
        .await;
    assert_eq!(world.provider.counts().token, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_too_large_or_doubled_or_not_text_or_no_form_is_refused() {
    let world = by_form().go().await;
    let browser = world.browser();
    let state = world.fresh_state(&browser).await;
    let page = format!("{}/page", world.provider.origin());
    const FORM: &str = "application/x-www-form-urlencoded";
    let with = |rest: &[u8]| [format!("state={state}&").as_bytes(), rest].concat();
    let repeated = "parameter_repeated";
    let malformed = "parameter_malformed";
    for (what, content_type, body, code, status) in [
        ("a code twice", FORM, with(b"code=a&code=b"), repeated, 400),
        (
            "a state twice",
            FORM,
            with(b"code=a&state=x"),
            repeated,
            400,
        ),
        (
            "a name that decodes to one that is there",
            FORM,
            with(b"code=a&c%6fde=b"),
            repeated,
            400,
        ),
        (
            "an unknown name twice",
            FORM,
            with(b"code=a&x=1&x=2"),
            repeated,
            400,
        ),
        (
            "bytes that are no UTF-8",
            FORM,
            with(b"code=\xff\xfe"),
            malformed,
            400,
        ),
        (
            "escapes of bytes that are none",
            FORM,
            with(b"code=%ff%fe"),
            malformed,
            400,
        ),
        (
            "an overlong escape",
            FORM,
            with(b"code=%c0%af"),
            malformed,
            400,
        ),
        ("a broken escape", FORM, with(b"code=%zz"), malformed, 400),
        (
            "a long value",
            FORM,
            with(&[b"code=", &[b'a'; 9 * 1024][..]].concat()),
            "parameter_too_long",
            400,
        ),
        (
            "a body of 33 KiB",
            FORM,
            with(&[b"x=", &[b'a'; 33 * 1024][..]].concat()),
            "body_too_large",
            413,
        ),
        ("nothing", FORM, Vec::new(), "state_missing", 400),
        ("no state", FORM, b"code=a".to_vec(), "state_missing", 400),
        (
            "JSON",
            "application/json",
            b"{\"code\":\"a\"}".to_vec(),
            malformed,
            400,
        ),
        ("plain text", "text/plain", with(b"code=a"), malformed, 400),
        (
            "several parts",
            "multipart/form-data; boundary=x",
            b"--x--\r\n".to_vec(),
            malformed,
            400,
        ),
    ] {
        let answer = browser
            .request(Method::POST, "/auth/callback")
            .from_page(&page)
            .header("content-type", content_type)
            .body(body)
            .await;
        assert_eq!(
            answer.location_param("code").as_deref(),
            Some(code),
            "{what}: {} {:?}",
            answer.status(),
            answer.location()
        );
        assert_eq!(new_session(&answer, &world.session_cookie()), None);
        let shown = browser.follow(answer, 1).await;
        assert_eq!(shown.status(), status, "{what}");
        if code.starts_with("parameter_repeated") || code.ends_with("long") {
            assert!(shown.text().contains(ODD), "{what}: {}", shown.text());
        }
    }
    world.assert_signed_out(&browser).await;
    assert_eq!(world.provider.counts().token, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_end_is_cut_off() {
    let world = by_form().go().await;
    let head = format!(
        "POST /auth/callback HTTP/1.1\r\nhost: localhost:{}\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\ncontent-type: application/x-www-form-urlencoded\r\nconnection: close\r\n",
        world.port
    );
    let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    for _ in 0..64 {
        let _ = write!(chunked, "400\r\n{}\r\n", "a".repeat(1024));
    }
    chunked.push_str("0\r\n\r\n");
    let answer = raw_request(("127.0.0.1", world.port), chunked.as_bytes())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(
        text.starts_with("HTTP/1.1 303") && text.contains("code=body_too_large"),
        "{text}"
    );
    let declared = format!("{head}content-length: 99999999\r\n\r\nstate=x");
    let answer = raw_request(("127.0.0.1", world.port), declared.as_bytes())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    sign_in(&world, &world.browser()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_browsers_answer_signs_nobody_in_and_costs_its_owner_nothing() {
    let world = by_form().go().await;
    let (owner, stranger, victim) = (world.browser(), world.browser(), world.browser());
    world
        .provider
        .set_user(User::new("00uvictim", "The Victim", "victim@example.com"));
    sign_in(&world, &victim).await;
    world.provider.set_user(User::new(
        "00uattacker",
        "The Attacker",
        "attacker@example.com",
    ));
    let page = world
        .at_provider(&owner, "/auth/login?return_to=/profile")
        .await;
    world.provider.reset_counts();
    // Without any cookie, and with a binding of its own.
    for _ in 0..2 {
        let answer = stranger.submit_form(&page).await;
        let answer = stranger.follow(answer, 1).await;
        let shown = world
            .assert_failed(&stranger, &answer, "state_foreign", 400, REFUSED)
            .await;
        assert!(shown.text().contains("return_to=%2Fprofile"));
        stranger.get("/auth/login").navigate().await;
    }
    // Who is signed in goes on as who they are (login CSRF, RFC 6749 section 10.12).
    let answer = victim.submit_form(&page).await;
    assert_eq!(
        victim.follow(answer, 1).await.header("location"),
        Some("/profile")
    );
    assert_eq!(
        world.session(&victim).await["user"]["email"],
        "victim@example.com"
    );
    assert_eq!(world.provider.counts().token, 0);
    let answer = owner.submit_form(&page).await;
    assert_eq!(
        owner.follow(answer, 1).await.header("location"),
        Some("/profile")
    );
    assert_eq!(
        world.session(&owner).await["user"]["email"],
        "attacker@example.com"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_posted_again_is_no_second_sign_in() {
    let world = by_form().go().await;
    let browser = world.browser();
    let page = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let first = browser.submit_form(&page).await;
    // Twice before anybody arrived: a double click.
    let second = browser.submit_form(&page).await;
    assert_eq!(second.status(), 303);
    browser.follow(first, 1).await;
    let ticket = world.ticket(&browser);
    assert_eq!(
        browser.follow(second, 1).await.header("location"),
        Some("/profile")
    );
    let again = browser.submit_form(&page).await;
    assert_eq!(
        browser.follow(again, 1).await.header("location"),
        Some("/profile")
    );
    assert_eq!(world.ticket(&browser), ticket);
    let signed_out = browser.copy();
    world.watch(&signed_out);
    signed_out.remove_cookie(&world.session_cookie());
    let again = signed_out.submit_form(&page).await;
    let answer = signed_out.follow(again, 1).await;
    let title = "This sign-in was already used";
    world
        .assert_failed(&signed_out, &answer, "state_spent", 400, title)
        .await;
    assert_eq!(
        world.provider.counts().token,
        1,
        "asked once, and never again"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_answer_in_a_form_is_refused_without_a_token_request() {
    let world = by_form().go().await;
    let mut met = 0;
    let faults = Fault::all().filter(|(fault, effect)| {
        *effect == Effect::RefusedAtCallback
            && matches!(fault.needs(), Needs::Nothing | Needs::AnnouncedIss)
    });
    for (fault, _) in faults {
        println!("{fault:?}");
        let browser = world.browser();
        world.provider.reset_counts();
        world.provider.set_fault(fault.clone());
        let answered = world
            .at_provider(&browser, "/auth/login?return_to=/profile")
            .await;
        // Two of them come in an address whatever was asked for.
        let mut answer = if answered.form().is_some() {
            browser.submit_form(&answered).await
        } else {
            browser.follow(answered, 1).await
        };
        if answer
            .location()
            .is_some_and(|to| to.path() == "/auth/arrive")
        {
            answer = browser.follow(answer, 1).await;
        }
        match (answer.status(), &fault) {
            (405, Fault::NonUtf8Code) => {}
            _ => {
                assert_eq!(answer.status(), 303, "{fault:?}: {}", answer.text());
                assert_eq!(
                    answer.location().unwrap().path(),
                    "/auth/error",
                    "{fault:?}"
                );
                let page = browser.follow(answer.clone(), 1).await;
                assert!(
                    page.status() >= 400 && page.text().contains("Try again"),
                    "{fault:?}"
                );
                assert!(!page.text().contains("<script>alert"), "{}", page.text());
            }
        }
        world.provider.clear_fault();
        world.assert_signed_out(&browser).await;
        assert_eq!(world.ticket(&browser), None, "{fault:?}");
        let counts = world.provider.counts();
        assert_eq!(
            (counts.authorize, counts.token, counts.userinfo),
            (1, 0, 0),
            "{fault:?}"
        );
        met += 1;
    }
    assert!(met > 15, "the table has rows");
    sign_in(&world, &world.browser()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_after_the_form_is_a_page_at_once() {
    let world = by_form().go().await;
    for (fault, code, status, title) in [
        (
            Fault::Token503,
            "provider_down",
            503,
            "The sign-in service does not answer",
        ),
        (
            Fault::WrongNonce,
            "id_token_refused",
            502,
            "Your sign-in could not be verified",
        ),
        (
            Fault::UserinfoWrongSub,
            "userinfo_refused",
            502,
            "Your sign-in could not be verified",
        ),
    ] {
        let browser = world.browser();
        world.provider.set_fault(fault);
        let answer = posted(&world, &browser, "/auth/login?return_to=/profile").await;
        world
            .assert_failed(&browser, &answer, code, status, title)
            .await;
        assert_eq!(arrival(&browser), None);
        world.assert_signed_out(&browser).await;
    }
    world.provider.clear_fault();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_arrives_twice_or_in_another_browser_or_without_what_was_left() {
    let world = by_form().go().await;
    let (browser, stranger, forgetful) = (world.browser(), world.browser(), world.browser());
    let answer = posted(&world, &browser, "/auth/login?return_to=/profile").await;
    let address = answer.location().unwrap();
    let left = arrival(&browser).unwrap();
    let planted = format!("{}={}; Path=/", left.name, left.value);
    // In another browser: by the address alone, with the cookie too, and with a binding of its own besides.
    for _ in 0..2 {
        let elsewhere = stranger.get(&address).navigate().await;
        world
            .assert_failed(&stranger, &elsewhere, "state_foreign", 400, REFUSED)
            .await;
        stranger.set_cookie_raw("/", &planted);
        let elsewhere = stranger.get(&address).navigate().await;
        world
            .assert_failed(&stranger, &elsewhere, "state_foreign", 400, REFUSED)
            .await;
        stranger.get("/auth/login").navigate().await;
    }
    world.assert_signed_out(&stranger).await;
    let framed = browser.get(&address).frame().await;
    assert_eq!(framed.header("cloakroom-error"), Some("not_a_navigation"));
    let head = browser.request(Method::HEAD, &address).await;
    assert_eq!(head.status(), 405);
    for odd in [
        "",
        "?t=",
        "?t=AAAAAAAAAAAA",
        "?t=../session",
        "?t=%00",
        "?x=1",
    ] {
        let answer = browser.get(format!("/auth/arrive{odd}")).navigate().await;
        world
            .assert_failed(&browser, &answer, "state_foreign", 400, REFUSED)
            .await;
    }
    for character in [0, left.value.len() / 2, left.value.len() - 1] {
        let mut bytes = left.value.clone().into_bytes();
        bytes[character] = if bytes[character] == b'A' { b'B' } else { b'A' };
        let tampered = browser.copy();
        world.watch(&tampered);
        tampered.set_cookie_raw(
            "/",
            &format!(
                "{}={}; Path=/",
                left.name,
                String::from_utf8(bytes).unwrap()
            ),
        );
        let answer = tampered.get(&address).navigate().await;
        world
            .assert_failed(&tampered, &answer, "state_foreign", 400, REFUSED)
            .await;
    }
    let arrived = browser.get(&address).navigate().await;
    assert_eq!(arrived.header("location"), Some("/profile"));
    let again = browser.get(&address).navigate().await;
    world
        .assert_failed(&browser, &again, "state_foreign", 400, REFUSED)
        .await;
    world.assert_signed_in(&browser).await;
    // A browser that keeps no cookies between the two.
    let answer = posted(&world, &forgetful, "/auth/login").await;
    forgetful.clear();
    let answer = forgetful.follow(answer, 1).await;
    world
        .assert_failed(&forgetful, &answer, "state_foreign", 400, REFUSED)
        .await;
    world.assert_signed_out(&forgetful).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_outlives_a_restart_but_not_two_minutes() {
    let mut world = by_form().go().await;
    let (browser, slow) = (world.browser(), world.browser());
    let answer = posted(&world, &browser, "/auth/login?return_to=/profile").await;
    world.restart(&[]).await;
    let arrived = browser.follow(answer, 1).await;
    assert_eq!(arrived.header("location"), Some("/profile"));
    world.assert_signed_in(&browser).await;
    let answer = posted(&world, &slow, "/auth/login").await;
    slow.advance(121);
    assert_eq!(arrival(&slow), None);
    let late = slow.follow(answer, 1).await;
    world
        .assert_failed(&slow, &late, "state_foreign", 400, REFUSED)
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_that_is_shown_on_arrival_ends_and_what_it_held_is_revoked() {
    let world = by_form().go().await;
    let browser = world.browser();
    sign_in(&world, &browser).await;
    let (old, held) = (browser.copy(), world.provider.issued());
    world.watch(&old);
    world
        .provider
        .set_user(User::new("00u2other", "Other Person", "other@example.com"));
    let answer = posted(&world, &browser, "/auth/login").await;
    world.assert_signed_in(&old).await;
    let arrived = browser.follow(answer, 1).await;
    let fresh = new_session(&arrived, &world.session_cookie()).unwrap();
    assert_ne!(Some(fresh), world.ticket(&old));
    world.assert_signed_out(&old).await;
    assert_eq!(
        world.session(&browser).await["user"]["email"],
        "other@example.com"
    );
    world
        .until("what the old session held is revoked", || {
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
async fn two_tabs_arrive_in_either_order() {
    for order in [[0, 1], [1, 0]] {
        let world = by_form().go().await;
        let browser = world.browser();
        let pages = [
            world
                .at_provider(&browser, "/auth/login?return_to=/profile")
                .await,
            world
                .at_provider(&browser, "/auth/login?return_to=/profile%3Ftab%3Dclaims")
                .await,
        ];
        let mut answers = Vec::new();
        for page in &pages {
            answers.push(browser.submit_form(page).await);
        }
        for tab in order {
            let arrived = browser.follow(answers[tab].clone(), 1).await;
            let path = ["/profile", "/profile?tab=claims"][tab];
            assert_eq!(arrived.header("location"), Some(path));
            world.assert_signed_in(&browser).await;
        }
        assert_eq!(arrival(&browser), None);
        world
            .until("the first session is revoked", || {
                world.provider.received().revoked.len() == 2
            })
            .await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_may_be_posted_here_from_another_site() {
    let world = by_form().go().await;
    let browser = world.browser();
    sign_in(&world, &browser).await;
    let page = world.at_provider(&browser, "/auth/login").await;
    let (action, fields) = page.form().unwrap();
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    for request in [
        browser
            .post_form(&action, &fields)
            .frame()
            .from_page(page.url()),
        browser
            .post_form(&action, &fields)
            .fetch()
            .from_page(page.url()),
        browser
            .post_form(&action, &fields)
            .subresource("script")
            .from_page(page.url()),
    ] {
        let answer = request.await;
        assert_eq!(
            (answer.status(), answer.header("cloakroom-error")),
            (403, Some("not_a_navigation"))
        );
    }
    for path in [
        "/auth/logout",
        "/auth/callback/",
        "/auth/callback%2f",
        "/Auth/callback",
        "/auth/session",
        "/auth/arrive",
        "/",
    ] {
        let answer = browser.post_form(path, &fields).from_page(page.url()).await;
        assert!(
            matches!(answer.status(), 403..=405),
            "{path}: {}",
            answer.status()
        );
    }
    assert_eq!(world.provider.counts().token, 1);
    world.assert_signed_in(&browser).await;
    world.end().await;
}
