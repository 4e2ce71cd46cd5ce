//! Third-party-initiated login at `/auth/initiate` (OpenID Connect Core section 4): a dashboard's link begins an ordinary
//! sign-in, and has no other say; it leads nobody elsewhere (RFC 9700 section 4.11), and signs nobody out.

use cloakroom_testkit::{Browser, Response, raw_request};
use http::Method;

use crate::world::World;

const LINK: &str = "This sign-in link is not right";
const ADDRESS: &str = "This address is not right";
const FORM: &str = "application/x-www-form-urlencoded";

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The provider's dashboard.
fn dashboard(world: &World) -> String {
    format!("{}/dashboard", world.provider.origin())
}

/// Follows a link of the dashboard with these parameters.
async fn click(world: &World, browser: &Browser, pairs: &[(&str, &str)]) -> Response {
    browser
        .get(format!("/auth/initiate?{}", query(pairs)))
        .navigate()
        .from_page(dashboard(world))
        .await
}

/// Presses a button of the dashboard.
async fn press(world: &World, browser: &Browser, pairs: &[(&str, &str)]) -> Response {
    browser
        .post_form("/auth/initiate", pairs)
        .from_page(dashboard(world))
        .await
}

/// Nothing was begun: no cookie, and the provider saw nobody.
fn assert_nothing_begun(world: &World, browser: &Browser) {
    assert_eq!(browser.cookies(), []);
    let counts = world.provider.counts();
    assert_eq!((counts.authorize, counts.par, counts.token), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_and_a_button_sign_in_and_lead_where_they_say() {
    let world = World::start().await;
    let issuer = world.provider.issuer();
    let target = format!("{}/profile?tab=claims", world.public_url);
    let wish = [
        ("iss", &*issuer),
        ("login_hint", "ada@example.com"),
        ("target_link_uri", &*target),
    ];
    for posted in [false, true] {
        let browser = world.browser();
        let begun = if posted {
            let answer = press(&world, &browser, &wish).await;
            assert_eq!((answer.status(), answer.set_cookies()), (303, vec![]));
            assert_eq!(answer.location().unwrap().path(), "/auth/initiate");
            browser.follow(answer, 1).await
        } else {
            click(&world, &browser, &wish).await
        };
        assert_eq!(begun.status(), 303, "{}", begun.text());
        assert_eq!(
            begun.location_param("login_hint").as_deref(),
            Some("ada@example.com")
        );
        let answered = browser.follow(begun, 1).await;
        let answer = browser.follow(answered, 1).await;
        assert_eq!(
            (answer.status(), answer.header("location")),
            (303, Some("/profile?tab=claims"))
        );
        world.assert_signed_in(&browser).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_issuer_to_the_letter_begins_anything() {
    let world = World::start().await;
    let issuer = world.provider.issuer();
    let other_case = issuer.replace("default", "Default");
    let (slash, space) = (format!("{issuer}/"), format!("{issuer} "));
    let (port, host) = (
        issuer.replace("127.0.0.1:", "127.0.0.1:0"),
        issuer.replace("127.0.0.1", "localhost"),
    );
    let browser = world.browser();
    for iss in [
        "",
        "https://evil.example",
        &*slash,
        &*space,
        &*other_case,
        &*port,
        &*host,
        "%00",
        "null",
        &issuer[..issuer.len() - 1],
    ] {
        let answer = click(&world, &browser, &[("iss", iss)]).await;
        world
            .assert_failed(&browser, &answer, "issuer_unknown", 400, LINK)
            .await;
        let answer = press(&world, &browser, &[("iss", iss)]).await;
        let answer = browser.follow(answer, 1).await;
        world
            .assert_failed(&browser, &answer, "issuer_unknown", 400, LINK)
            .await;
    }
    let target = format!("{}/profile", world.public_url);
    let missing = click(&world, &browser, &[("target_link_uri", &target)]).await;
    world
        .assert_failed(&browser, &missing, "issuer_unknown", 400, LINK)
        .await;
    for pairs in [
        [("iss", &*issuer), ("iss", &*issuer)],
        [("iss", &*issuer), ("iss", "https://evil.example")],
    ] {
        for answer in [
            click(&world, &browser, &pairs).await,
            press(&world, &browser, &pairs).await,
        ] {
            world
                .assert_failed(&browser, &answer, "parameter_repeated", 400, ADDRESS)
                .await;
        }
    }
    assert_nothing_begun(&world, &browser);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_on_another_site_is_refused_however_it_is_spelt() {
    let world = World::start().await;
    let issuer = world.provider.issuer();
    let browser = world.browser();
    let ours = &world.public_url;
    let spelt = [
        "https://evil.example/".to_owned(),
        "http://evil.example/".to_owned(),
        "//evil.example/".to_owned(),
        "\\\\evil.example/".to_owned(),
        "/\\evil.example".to_owned(),
        "/profile".to_owned(),
        "profile".to_owned(),
        "javascript:alert(1)".to_owned(),
        "data:text/html,x".to_owned(),
        format!("{ours}.evil.example/"),
        format!("{ours}@evil.example/"),
        format!("{ours}%40evil.example/"),
        format!("{ours}%2f@evil.example/"),
        format!("{ours}\\@evil.example/"),
        format!("{ours}:80/"),
        format!("{ours}0/"),
        ours.replace("http://", "https://"),
        ours.replace("localhost", "127.0.0.1"),
        ours.replace("localhost", "localhost."),
        ours.replace("localhost", "localhost.evil.example"),
        ours.replace("http://", "http://user@"),
        ours.replace("http://", "http://user:pass@"),
        ours.replace("http://", "ftp://"),
        format!("{ours}//evil.example/"),
        format!("{ours}/\\evil.example/"),
        format!("{ours}/%2fevil.example/"),
        format!("{ours}/%5cevil.example/"),
        format!("{ours}/%09/evil.example/"),
        format!("{ours}/x/..//evil.example/"),
        format!("{ours}/.//evil.example/"),
        format!("{ours}/auth/logout"),
        format!("{ours}/auth/login?return_to=/"),
        format!("{ours}/%61uth/logout"),
        format!("{ours}/api/orders"),
        format!("{ours}/a\0b"),
        format!("{ours}/a\r\nSet-Cookie: x=y"),
        format!("{ours}/{}", "a".repeat(513)),
        format!("blob:{ours}/x"),
    ];
    for target in &spelt {
        let wish = [("iss", &*issuer), ("target_link_uri", &**target)];
        let answer = click(&world, &browser, &wish).await;
        assert_eq!(
            answer.location_param("code").as_deref(),
            Some("return_to_refused"),
            "{target:?} leads to {:?}",
            answer.location()
        );
        world
            .assert_failed(&browser, &answer, "return_to_refused", 400, LINK)
            .await;
        let answer = press(&world, &browser, &wish).await;
        assert_eq!(
            answer.location().unwrap().path(),
            "/auth/initiate",
            "{target:?}"
        );
        let answer = browser.follow(answer, 1).await;
        assert_eq!(
            answer.location_param("code").as_deref(),
            Some("return_to_refused"),
            "{target:?}"
        );
    }
    let wish = [
        ("iss", &*issuer),
        ("target_link_uri", &*spelt[0]),
        ("target_link_uri", ours),
    ];
    let answer = click(&world, &browser, &wish).await;
    world
        .assert_failed(&browser, &answer, "parameter_repeated", 400, ADDRESS)
        .await;
    assert_nothing_begun(&world, &browser);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_three_parameters_has_a_say() {
    let world = World::start().await;
    let issuer = world.provider.issuer();
    let unknown = [
        ("iss", &*issuer),
        ("prompt", "none"),
        ("max_age", "0"),
        ("acr_values", "phr"),
        ("scope", "openid admin"),
        ("client_id", "another"),
        ("redirect_uri", "https://evil.example/"),
        ("response_mode", "fragment"),
        ("state", "chosen-by-another-site-aaaaaaaaaaaa"),
        ("nonce", "chosen-by-another-site-aaaaaaaaaaaa"),
        ("return_to", "/elsewhere"),
        ("idp", "0oa1"),
        ("ui_locales", "xx"),
        ("code", "x"),
        ("urn:example:later", "something new"),
    ];
    for posted in [false, true] {
        let browser = world.browser();
        let begun = if posted {
            let answer = press(&world, &browser, &unknown).await;
            browser.follow(answer, 1).await
        } else {
            click(&world, &browser, &unknown).await
        };
        for name in [
            "prompt",
            "max_age",
            "acr_values",
            "response_mode",
            "idp",
            "ui_locales",
            "code",
            "return_to",
            "iss",
            "target_link_uri",
        ] {
            assert_eq!(begun.location_param(name), None, "{name}");
        }
        assert_ne!(begun.location_param("state").as_deref(), Some(unknown[8].1));
        assert_eq!(
            begun.location_param("client_id"),
            Some(world.provider.client_id())
        );
        let answered = browser.follow(begun, 1).await;
        assert_eq!(
            browser.follow(answered, 1).await.header("location"),
            Some("/")
        );
        world.assert_signed_in(&browser).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_stays_so_until_a_sign_in_is_completed() {
    let world = World::start().await;
    let issuer = world.provider.issuer();
    let browser = world.browser();
    world.sign_in(&browser).await;
    let (ticket, binding) = (
        world.ticket(&browser),
        browser
            .cookie(&world.binding_cookie())
            .map(|cookie| cookie.value),
    );
    let tab = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    click(&world, &browser, &[("iss", &issuer)]).await;
    let answer = press(&world, &browser, &[("iss", &issuer)]).await;
    browser.follow(answer, 1).await;
    click(&world, &browser, &[("iss", "https://evil.example")]).await;
    assert_eq!(world.ticket(&browser), ticket);
    assert_eq!(
        browser
            .cookie(&world.binding_cookie())
            .map(|cookie| cookie.value),
        binding
    );
    world.assert_signed_in(&browser).await;
    let answer = browser.follow(tab, 1).await;
    assert_eq!(
        answer.header("location"),
        Some("/profile"),
        "the tab that was under way is not disturbed"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_whole_window_is_led_away() {
    let world = World::start().await;
    let link = format!(
        "/auth/initiate?{}",
        query(&[("iss", &world.provider.issuer())])
    );
    let browser = world.browser();
    let page = dashboard(&world);
    for request in [
        browser.get(&link).frame().from_page(&page),
        browser.get(&link).prefetch().from_page(&page),
        browser.get(&link).subresource("image").from_page(&page),
        browser.get(&link).fetch().from_page(&page),
        browser.get(&link).fetch(),
        browser.post_form(&link, &[]).frame().from_page(&page),
        browser.post_form(&link, &[]).fetch().from_page(&page),
    ] {
        let answer = request.await;
        assert_eq!(
            (answer.status(), answer.header("cloakroom-error")),
            (403, Some("not_a_navigation"))
        );
        assert_eq!((answer.location(), answer.set_cookies()), (None, vec![]));
    }
    for method in [
        Method::HEAD,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
    ] {
        let answer = browser.request(method.clone(), &link).await;
        assert_eq!(
            (answer.status(), answer.header("allow")),
            (405, Some("GET, POST")),
            "{method}"
        );
    }
    assert_nothing_begun(&world, &browser);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_form_or_too_much_or_not_text_is_refused() {
    let world = World::start().await;
    let issuer = world.provider.issuer();
    let browser = world.browser();
    let page = dashboard(&world);
    let post = |content_type: &str, body: Vec<u8>| {
        browser
            .request(Method::POST, "/auth/initiate")
            .from_page(&page)
            .header("content-type", content_type)
            .body(body)
    };
    let iss = query(&[("iss", &issuer)]).into_bytes();
    for (content_type, body, code, status) in [
        ("text/plain", iss.clone(), "parameter_malformed", 400),
        (
            "application/json",
            format!("{{\"iss\":\"{issuer}\"}}").into_bytes(),
            "parameter_malformed",
            400,
        ),
        (
            "multipart/form-data; boundary=x",
            b"--x--".to_vec(),
            "parameter_malformed",
            400,
        ),
        (
            FORM,
            [&iss[..], b"&login_hint=%ff"].concat(),
            "parameter_malformed",
            400,
        ),
        (
            FORM,
            [&iss[..], b"&login_hint=\xff"].concat(),
            "parameter_malformed",
            400,
        ),
        (
            FORM,
            [&iss[..], b"&login_hint=%2"].concat(),
            "parameter_malformed",
            400,
        ),
        (
            FORM,
            [&iss[..], b"&x=", &vec![b'a'; 9 * 1024]].concat(),
            "parameter_too_long",
            400,
        ),
        (
            FORM,
            [&iss[..], b"&x=", &vec![b'a'; 33 * 1024]].concat(),
            "body_too_large",
            413,
        ),
    ] {
        let answer = post(content_type, body).await;
        assert_eq!(
            answer.location_param("code").as_deref(),
            Some(code),
            "{content_type}"
        );
        let shown = browser.follow(answer, 1).await;
        assert_eq!(shown.status(), status, "{}", shown.text());
    }
    for hint in ["a\nb", "\u{0}", &"a".repeat(257)] {
        let answer = click(&world, &browser, &[("iss", &issuer), ("login_hint", hint)]).await;
        world
            .assert_failed(&browser, &answer, "parameter_malformed", 400, ADDRESS)
            .await;
    }
    assert_nothing_begun(&world, &browser);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_another_name_nobody_is_led_to_the_provider() {
    let world = World::start().await;
    let wish = query(&[("iss", &world.provider.issuer())]);
    let request = format!(
        "GET /auth/initiate?{wish} HTTP/1.1\r\nhost: evil.example\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\nconnection: close\r\n\r\n"
    );
    let answer = raw_request(("127.0.0.1", world.port), request.as_bytes())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(text.starts_with("http/1.1 307"), "{text}");
    assert!(
        text.contains(&format!("location: {}/auth/initiate?", world.public_url)),
        "{text}"
    );
    assert!(!text.contains("set-cookie"), "{text}");
    let post = format!(
        "POST /auth/initiate HTTP/1.1\r\nhost: evil.example\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{wish}",
        wish.len()
    );
    let answer = raw_request(("127.0.0.1", world.port), post.as_bytes())
        .await
        .unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 421"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert_eq!(world.provider.counts().authorize, 0);
    world.end().await;
}
