//! The provider's answer in a form (OAuth 2.0 Form Post Response Mode; design, invariants 2 and 9): what depends on the
//! session is decided by the GET after the POST.

use cloakroom_bff::ResponseMode;
use cloakroom_testkit::{Fault, SameSite, User};

use crate::app::App;

async fn start() -> App {
    App::with(
        |settings| settings.response_mode = ResponseMode::FormPost,
        |builder| builder,
    )
    .await
}

#[tokio::test]
async fn a_posted_answer_signs_in_one_get_later_and_the_code_stands_in_no_address() {
    let app = start().await;
    let browser = app.browser();
    let begun = browser
        .get("/auth/login?return_to=/private")
        .navigate()
        .await;
    assert_eq!(
        begun.location_param("response_mode").as_deref(),
        Some("form_post")
    );
    let binding = browser.cookie(&app.cookie("binding")).unwrap();
    assert_eq!(
        (binding.same_site, binding.secure),
        (Some(SameSite::None), true)
    );
    let page = browser.follow(begun, 1).await;
    let posted = app.post(&browser, &page).await;
    assert_eq!(posted.status(), 303, "{}", posted.text());
    let location = posted.header("location").unwrap();
    assert!(
        location.starts_with("/auth/arrive?t=") && location.len() < 40,
        "{location}"
    );
    let cookies = posted.set_cookies();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    assert!(cookies[0].name.starts_with(&app.cookie("arrival")) && cookies[0].http_only);
    assert_eq!(cookies[0].same_site, Some(SameSite::Lax));
    assert_eq!(
        app.look(&browser).await["signed_in"],
        false,
        "not before it arrives"
    );
    let arrived = browser.follow(posted, 1).await;
    assert_eq!(
        (arrived.status(), arrived.header("location")),
        (303, Some("/private"))
    );
    assert!(
        browser
            .cookies()
            .iter()
            .all(|cookie| !cookie.name.contains("arrival"))
    );
    let session = app.look(&browser).await;
    assert_eq!(
        (&session["signed_in"], &session["expires_in"]),
        (&true.into(), &(12 * 3600).into())
    );
    assert_eq!(
        browser.follow(arrived, 1).await.text(),
        "Only for Test User"
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn the_session_that_was_there_ends_when_the_new_one_arrives() {
    let app = start().await;
    let browser = app.browser();
    let first = app.posted(&browser, "/auth/login").await;
    browser.follow(first, 1).await;
    let before = browser.copy();
    app.provider
        .set_user(User::new("00uother", "Other", "other@example.com"));
    let second = app.posted(&browser, "/auth/login").await;
    assert_eq!(
        app.look(&before).await["user"]["sub"],
        "00u1test",
        "it has not arrived yet"
    );
    browser.follow(second, 1).await;
    assert_eq!(app.look(&browser).await["user"]["sub"], "00uother");
    assert_eq!(app.look(&before).await["signed_in"], false);
    app.end(&[&browser, &before]).await;
}

#[tokio::test]
async fn two_tabs_do_not_collide() {
    let app = start().await;
    let browser = app.browser();
    let one = app.posted(&browser, "/auth/login?return_to=/one").await;
    let other = app.posted(&browser, "/auth/login?return_to=/other").await;
    for (posted, path) in [(one, "/one"), (other, "/other")] {
        assert_eq!(
            browser.follow(posted, 1).await.header("location"),
            Some(path)
        );
        assert_eq!(app.look(&browser).await["signed_in"], true);
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_session_that_nobody_comes_for_ends_within_two_minutes() {
    let app = start().await;
    let (slow, slower) = (app.browser(), app.browser());
    let posted = app.posted(&slow, "/auth/login?return_to=/private").await;
    app.advance(119);
    assert_eq!(
        slow.follow(posted, 1).await.header("location"),
        Some("/private")
    );
    assert_eq!(
        app.look(&slow).await["expires_in"],
        12 * 3600,
        "and it has its whole time"
    );
    let posted = app.posted(&slower, "/auth/login").await;
    app.advance(120);
    let late = slower.follow(posted, 1).await;
    app.assert_failed(&slower, &late, "state_expired", 400)
        .await;
    assert_eq!(app.look(&slower).await["signed_in"], false);
    app.end(&[&slow, &slower]).await;
}

#[tokio::test]
async fn nobody_arrives_without_the_cookie_or_with_another_browser_s() {
    let app = start().await;
    let (browser, victim) = (app.browser(), app.browser());
    let posted = app.posted(&browser, "/auth/login").await;
    let address = posted.location().unwrap();
    let stranger = victim.get(&address).navigate().await;
    app.assert_failed(&victim, &stranger, "state_foreign", 400)
        .await;
    // A session planted by its arrival cookie: the victim's own binding does not open it.
    victim.get("/auth/login").navigate().await;
    let planted = browser
        .cookies()
        .into_iter()
        .find(|cookie| cookie.name.contains("arrival"))
        .unwrap();
    victim.set_cookie_raw(
        &address,
        &format!("{}={}; Path=/", planted.name, planted.value),
    );
    let stranger = victim.get(&address).navigate().await;
    app.assert_failed(&victim, &stranger, "state_foreign", 400)
        .await;
    for odd in [
        "/auth/arrive",
        "/auth/arrive?t=",
        "/auth/arrive?t=x%3B",
        "/auth/arrive?t=AAAAAAAAAAAA",
    ] {
        let answer = browser.get(odd).navigate().await;
        app.assert_failed(&browser, &answer, "state_foreign", 400)
            .await;
    }
    assert_eq!(
        browser.follow(posted, 1).await.header("location"),
        Some("/")
    );
    let again = browser.get(&address).navigate().await;
    app.assert_failed(&browser, &again, "state_foreign", 400)
        .await;
    assert_eq!(
        app.look(&browser).await["signed_in"],
        true,
        "what is there stays"
    );
    app.end(&[&browser, &victim]).await;
}

#[tokio::test]
async fn a_session_that_was_ended_meanwhile_does_not_arrive() {
    let app = start().await;
    let browser = app.browser();
    let posted = app.posted(&browser, "/auth/login?return_to=/private").await;
    let thief = browser.copy();
    assert_eq!(
        thief.follow(posted.clone(), 1).await.header("location"),
        Some("/private")
    );
    thief.post_form("/auth/logout", &[]).fetch().await;
    let answer = browser.follow(posted, 1).await;
    let page = app
        .assert_failed(&browser, &answer, "ended_meanwhile", 401)
        .await;
    assert!(
        page.text().contains("return_to=%2Fprivate"),
        "{}",
        page.text()
    );
    app.end(&[&browser, &thief]).await;
}

#[tokio::test]
async fn a_stale_answer_goes_on_in_a_browser_that_is_signed_in_and_fails_in_another() {
    let app = start().await;
    let browser = app.browser();
    let page = app
        .at_provider(&browser, "/auth/login?return_to=/private")
        .await;
    let posted = app.post(&browser, &page).await;
    browser.follow(posted, 1).await;
    let again = app.post(&browser, &page).await;
    assert_eq!((again.status(), again.set_cookies()), (303, vec![]));
    assert_eq!(
        browser.follow(again, 1).await.header("location"),
        Some("/private")
    );
    let signed_out = browser.copy();
    signed_out.remove_cookie(&app.cookie("session"));
    let again = app.post(&signed_out, &page).await;
    let answer = signed_out.follow(again, 1).await;
    app.assert_failed(&signed_out, &answer, "state_spent", 400)
        .await;
    let stranger = app.browser();
    let again = app.post(&stranger, &page).await;
    let answer = stranger.follow(again, 1).await;
    let error = app
        .assert_failed(&stranger, &answer, "state_foreign", 400)
        .await;
    assert!(error.text().contains("return_to=%2Fprivate"));
    assert_eq!(app.provider.counts().token, 1);
    app.end(&[&browser, &signed_out, &stranger]).await;
}

#[tokio::test]
async fn what_another_site_has_a_browser_post_leaves_nothing_in_it() {
    let app = start().await;
    let (attacker, victim) = (app.browser(), app.browser());
    app.posted(&victim, "/auth/login").await;
    let before = victim.cookies().len();
    let begun = attacker
        .get(format!("/auth/login?return_to=/{}", "a".repeat(500)))
        .navigate()
        .await;
    let state = begun.location_param("state").unwrap();
    // Each is broken off before it arrives: the next is posted.
    for _ in 0..60 {
        let posted = victim
            .post_form("/auth/callback", &[("code", "a"), ("state", &state)])
            .from_page("https://evil.example/")
            .await;
        assert_eq!((posted.status(), posted.set_cookies()), (303, vec![]));
        assert!(posted.header("location").unwrap().len() < 2048);
    }
    assert_eq!(victim.cookies().len(), before);
    app.end(&[&attacker, &victim]).await;
}

#[tokio::test]
async fn a_stale_answer_in_the_address_is_ours_to_the_letter() {
    let app = start().await;
    let browser = app.browser();
    let page = app
        .at_provider(&browser, "/auth/login?return_to=/private")
        .await;
    let posted = app.post(&browser, &page).await;
    browser.follow(posted, 1).await;
    let again = app.post(&browser, &page).await;
    let mut address = again.location().unwrap().to_string();
    let last = address.pop().unwrap();
    address.push(if last == 'A' { 'B' } else { 'A' });
    let (_, fields) = page.form().unwrap();
    let state = &fields.iter().find(|(name, _)| name == "state").unwrap().1;
    for made_up in [
        address,
        "/auth/arrive?stale=".to_owned(),
        format!("/auth/arrive?stale={state}"),
    ] {
        let answer = browser.get(&made_up).navigate().await;
        app.assert_failed(&browser, &answer, "state_foreign", 400)
            .await;
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_error_is_posted_too_and_shown_in_the_provider_s_words() {
    let app = start().await;
    app.provider.set_fault(Fault::AccessDenied {
        description: "Not <b>assigned</b>".to_owned(),
    });
    let browser = app.browser();
    let answer = app.posted(&browser, "/auth/login?return_to=/private").await;
    let page = app
        .assert_failed(&browser, &answer, "access_denied", 403)
        .await;
    assert!(
        page.text().contains("Not &lt;b&gt;assigned"),
        "{}",
        page.text()
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_code_in_the_address_is_refused_and_an_address_beside_a_form_is_not_read() {
    let app = start().await;
    let browser = app.browser();
    let page = app
        .at_provider(&browser, "/auth/login?return_to=/private")
        .await;
    let (action, fields) = page.form().unwrap();
    let mut address = action.clone();
    address.query_pairs_mut().extend_pairs(&fields);
    let answer = browser.get(&address).navigate().await;
    assert_eq!(
        (answer.status(), answer.header("allow")),
        (405, Some("POST"))
    );
    for method in [http::Method::HEAD, http::Method::PUT] {
        assert_eq!(
            browser.request(method, "/auth/callback").await.status(),
            405
        );
    }
    // A provider that does not know form_post can say so only in the address.
    let state = fields
        .iter()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .clone();
    let iss = app.provider.issuer();
    let unsupported = browser
        .get(format!(
            "/auth/callback?error=invalid_request&iss={iss}&state={state}"
        ))
        .navigate()
        .await;
    app.assert_failed(&browser, &unsupported, "provider_error", 502)
        .await;
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let posted = browser
        .post_form(
            format!("{action}?code=other&state=other&code=twice"),
            &fields,
        )
        .from_page(page.url())
        .await;
    assert_eq!(
        browser.follow(posted, 1).await.header("location"),
        Some("/private")
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn forms_that_could_be_read_two_ways_are_refused() {
    let app = start().await;
    let browser = app.browser();
    let begun = browser
        .get("/auth/login?return_to=/private")
        .navigate()
        .await;
    let state = begun.location_param("state").unwrap();
    let site = format!("{}/page", app.provider.origin());
    let post = |fields: Vec<(&'static str, String)>| {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        browser
            .post_form("/auth/callback", &fields)
            .from_page(&site)
    };
    for (fields, code) in [
        (
            vec![
                ("code", "a".to_owned()),
                ("code", "b".to_owned()),
                ("state", state.clone()),
            ],
            "parameter_repeated",
        ),
        (
            vec![("code", "a".repeat(9_000)), ("state", state.clone())],
            "parameter_too_long",
        ),
    ] {
        let answer = post(fields).await;
        let page = app.assert_failed(&browser, &answer, code, 400).await;
        assert!(
            page.text().contains("return_to=%2Fprivate"),
            "{code}: {}",
            page.text()
        );
    }
    let answer = post(vec![("code", "a".repeat(33 * 1024))]).await;
    app.assert_failed(&browser, &answer, "body_too_large", 413)
        .await;
    let answer = post(vec![]).header("content-type", "text/plain").await;
    app.assert_failed(&browser, &answer, "parameter_malformed", 400)
        .await;
    let answer = post(vec![]).await;
    app.assert_failed(&browser, &answer, "state_missing", 400)
        .await;
    assert_eq!(app.provider.counts().token, 0);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn only_a_navigation_and_no_other_write_may_come_from_another_site() {
    let app = start().await;
    let browser = app.browser();
    let page = app.at_provider(&browser, "/auth/login").await;
    let (action, _) = page.form().unwrap();
    for request in [
        browser
            .post_form(&action, &[("code", "a")])
            .frame()
            .from_page(page.url()),
        browser
            .post_form(&action, &[("code", "a")])
            .fetch()
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
        "/auth/session",
        "/private",
    ] {
        let answer = browser.post_form(path, &[]).from_page(page.url()).await;
        assert!(
            matches!(answer.status(), 403..=405),
            "{path}: {}",
            answer.status()
        );
    }
    let answer = browser
        .post_form("/auth/logout", &[])
        .from_page(page.url())
        .await;
    assert_eq!(answer.header("cloakroom-error"), Some("cross_site"));
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn no_other_spelling_of_an_exempt_address_or_method_is_exempt() {
    let app = start().await;
    let browser = app.browser();
    for path in ["callback", "initiate"] {
        for spelled in [
            format!("/auth/{path}/"),
            format!("//auth/{path}"),
            format!("/auth//{path}"),
            format!("/auth/{path}%2f"),
            format!("/%61uth/{path}"),
            format!("/AUTH/{path}"),
            format!("/auth/{path};a=b"),
            format!("/auth/{path}%3fa"),
            format!("/auth/x%2f..%2f{path}"),
        ] {
            let answer = browser
                .post_form(format!("{}{spelled}", app.public_url), &[("code", "a")])
                .from_page("https://evil.example/")
                .await;
            assert!(
                matches!(answer.status(), 403 | 404),
                "{spelled}: {}",
                answer.status()
            );
            assert_eq!(answer.set_cookies(), []);
        }
        for method in ["PUT", "DELETE", "PATCH", "post", "QUERY", "OPTIONS", "HEAD"] {
            let method = http::Method::from_bytes(method.as_bytes()).unwrap();
            let answer = browser
                .request(method.clone(), format!("/auth/{path}"))
                .from_page("https://evil.example/")
                .await;
            assert_eq!(answer.status(), 405, "{method} {path}");
            assert_eq!(answer.set_cookies(), []);
        }
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn without_form_post_nothing_is_posted_here() {
    let app = App::start().await;
    let browser = app.browser();
    let begun = browser.get("/auth/login").navigate().await;
    assert_eq!(begun.location_param("response_mode"), None);
    let state = begun.location_param("state").unwrap();
    let answer = browser
        .post_form("/auth/callback", &[("code", "a"), ("state", &state)])
        .from_page(format!("{}/page", app.provider.origin()))
        .await;
    assert_eq!(
        (answer.status(), answer.header("allow")),
        (405, Some("GET"))
    );
    let binding = browser.cookie(&app.cookie("binding")).unwrap();
    assert_eq!(
        (binding.same_site, binding.secure),
        (Some(SameSite::Lax), false)
    );
    app.end(&[&browser]).await;
}
