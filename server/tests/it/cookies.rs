//! Nobody has a session that a sign-in here did not make: cookies that were made up, tampered with, planted, doubled or
//! are too large (RFC 6265bis, OWASP session fixation, draft-ietf-oauth-browser-based-apps section 6.1.3).

use cloakroom_testkit::{Browser, User};

use crate::world::{World, new_session};

/// Asks for the session with these bytes as the whole `Cookie` header.
async fn says(world: &World, cookie: &str) -> (u16, serde_json::Value, Vec<String>) {
    let browser = world.browser();
    let answer = browser
        .get("/auth/session")
        .fetch()
        .header("cookie", cookie)
        .await;
    let cookies = answer
        .header_all("set-cookie")
        .into_iter()
        .map(str::to_owned)
        .collect();
    (answer.status(), answer.json(), cookies)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cookie_tampered_with_in_any_character_is_worth_nothing() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let ticket = world.ticket(&browser).unwrap();
    let name = world.session_cookie();
    let removal = format!("{name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
    for at in 0..ticket.len() {
        let mut bytes = ticket.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(bytes).unwrap();
        let (status, session, cookies) = says(&world, &format!("{name}={tampered}")).await;
        assert_eq!(
            (status, &session["signed_in"]),
            (200, &false.into()),
            "character {at}"
        );
        assert_eq!(
            cookies,
            [removal.as_str()],
            "the browser is told to drop it, with all its attributes"
        );
    }
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cookie_that_is_truncated_or_oversize_or_of_another_form_is_worth_nothing() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let ticket = world.ticket(&browser).unwrap();
    let name = world.session_cookie();
    for (what, value) in [
        ("truncated by one", ticket[..ticket.len() - 1].to_owned()),
        ("truncated to one", ticket[..1].to_owned()),
        ("empty", String::new()),
        ("longer by one", format!("{ticket}A")),
        ("twice in a row", format!("{ticket}{ticket}")),
        (
            "with a space inside",
            format!("{} {}", &ticket[..8], &ticket[8..]),
        ),
        ("with padding", format!("{ticket}==")),
        ("in quotes", format!("\"{ticket}\"")),
        (
            "percent-encoded",
            ticket
                .bytes()
                .fold(String::new(), |text, byte| format!("{text}%{byte:02X}")),
        ),
        ("of 4 KiB", "A".repeat(4 * 1024)),
        ("of 32 KiB", "A".repeat(32 * 1024)),
        ("of bytes that are not ASCII", "\u{fc}".repeat(22)),
        ("JSON", "{\"sub\":\"admin\"}".to_owned()),
        ("a path", "../../sessions.db".to_owned()),
        ("SQL", "' OR 1=1 --".to_owned()),
    ] {
        let (status, session, _) = says(&world, &format!("{name}={value}")).await;
        assert_eq!(
            (status, &session["signed_in"]),
            (200, &false.into()),
            "{what}"
        );
    }
    let page = world
        .browser()
        .get("/profile")
        .header("cookie", &format!("{name}={}", "A".repeat(32 * 1024)))
        .await;
    assert_eq!(page.status(), 303, "a page takes it for signed out too");
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cookie_sent_twice_is_not_believed_in_either_order() {
    let world = World::start().await;
    let (mine, theirs) = (world.browser(), world.browser());
    world.sign_in(&mine).await;
    world.sign_in(&theirs).await;
    let (one, two) = (world.ticket(&mine).unwrap(), world.ticket(&theirs).unwrap());
    let name = world.session_cookie();
    for cookie in [
        format!("{name}={one}; {name}={two}"),
        format!("{name}={two}; {name}={one}"),
        format!("{name}={one}; {name}={one}"),
        format!("{name}={one}; {name}="),
        format!("{name}=; {name}={one}"),
        format!("{name}={one}; other=x; {name} = {two}"),
    ] {
        let (status, session, _) = says(&world, &cookie).await;
        assert_eq!(
            (status, &session["signed_in"]),
            (200, &false.into()),
            "{cookie}"
        );
    }
    let (_, session, _) = says(
        &world,
        &format!("other=x; {name}={one}; x{name}={two}; {name}x={two}"),
    )
    .await;
    assert_eq!(
        session["signed_in"], true,
        "names that merely look alike are others"
    );
    world.assert_signed_in(&mine).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_whose_name_only_decodes_to_ours_is_another_cookie() {
    let world = World::start().await;
    let (attacker, victim) = (world.browser(), world.browser());
    world.provider.set_user(User::new(
        "00uattacker",
        "The Attacker",
        "attacker@example.com",
    ));
    world.sign_in(&attacker).await;
    world
        .provider
        .set_user(User::new("00uvictim", "The Victim", "victim@example.com"));
    world.sign_in(&victim).await;
    let (planted, own) = (
        world.ticket(&attacker).unwrap(),
        world.ticket(&victim).unwrap(),
    );
    let name = world.session_cookie();
    // A name in another spelling slips past a browser's rules for prefixed names: a neighbour may set it.
    let spelt = format!("%63{}", &name[1..]);
    for cookie in [
        format!("{name}={own}; {spelt}={planted}"),
        format!("{spelt}={planted}; {name}={own}"),
    ] {
        let (_, session, _) = says(&world, &cookie).await;
        assert_eq!(session["user"]["email"], "victim@example.com", "{session}");
    }
    let (_, session, _) = says(&world, &format!("{spelt}={planted}")).await;
    assert_eq!(session["signed_in"], false);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_was_made_up_before_signing_in_is_not_the_sessions_id() {
    let world = World::start().await;
    let browser = world.browser();
    let name = world.session_cookie();
    let made_up = "AAAAAAAAAAAAAAAAAAAAAA";
    browser.set_cookie_raw("/", &format!("{name}={made_up}; Path=/"));
    world.sign_in(&browser).await;
    assert_ne!(world.ticket(&browser).as_deref(), Some(made_up));
    let attacker = world.browser();
    attacker.set_cookie_raw("/", &format!("{name}={made_up}; Path=/"));
    world.assert_signed_out(&attacker).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_cookie_planted_before_signing_in_gives_them_nothing() {
    let world = World::start().await;
    let (attacker, victim) = (world.browser(), world.browser());
    world.sign_in(&attacker).await;
    let planted = world.ticket(&attacker).unwrap();
    let name = world.session_cookie();
    victim.set_cookie_raw("/", &format!("{name}={planted}; Path=/"));
    let answer = world.at_callback(&victim, "/auth/login").await;
    let fresh = new_session(&answer, &name).unwrap();
    assert_ne!(fresh, planted);
    world.assert_signed_in(&victim).await;
    world.assert_signed_out(&attacker).await;
    world
        .until("what the attacker's session held is revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_cookie_planted_on_a_longer_path_cannot_keep_a_person_in_somebody_elses_session() {
    let world = World::start().await;
    let (attacker, victim) = (world.browser(), world.browser());
    world.sign_in(&attacker).await;
    let planted = world.ticket(&attacker).unwrap();
    world.sign_in(&victim).await;
    victim.set_cookie_raw(
        "/",
        &format!("{}={planted}; Path=/auth", world.session_cookie()),
    );
    let session = world.session(&victim).await;
    assert_eq!(
        session["signed_in"], false,
        "two of them, so neither is believed"
    );
    world.assert_signed_in(&attacker).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_binding_cookie_does_not_let_its_owner_finish_the_sign_in() {
    let world = World::start().await;
    let (attacker, victim) = (world.browser(), world.browser());
    let attackers = world
        .at_provider(&attacker, "/auth/login")
        .await
        .location()
        .unwrap();
    world.at_provider(&victim, "/auth/login").await;
    let name = world.binding_cookie();
    for planted in ["", "x", "AAAA", &"A".repeat(43), &"A".repeat(3000)] {
        let browser = Browser::with_base(&world.public_url);
        world.watch(&browser);
        browser.set_cookie_raw("/", &format!("{name}={planted}; Path=/"));
        let answer = browser.get(&attackers).navigate().await;
        assert_eq!(
            answer.location_param("code").as_deref(),
            Some("state_foreign"),
            "{planted}"
        );
    }
    let both = format!(
        "{name}={}; {name}={}",
        attacker.cookie(&name).unwrap().value,
        victim.cookie(&name).unwrap().value
    );
    let answer = world
        .browser()
        .get(&attackers)
        .navigate()
        .header("cookie", &both)
        .await;
    assert_eq!(
        answer.location_param("code").as_deref(),
        Some("state_foreign"),
        "sent twice, it is not believed"
    );
    let odd = world.browser();
    odd.set_cookie_raw("/", &format!("{name}=not-of-ours; Path=/"));
    let begun = odd.get("/auth/login").navigate().await;
    assert_eq!(
        begun.set_cookies().remove(0).value.len(),
        43,
        "what is not of ours is replaced, not sent on"
    );
    assert_eq!(world.provider.counts().token, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_another_program_with_other_keys_is_worth_nothing_here() {
    let (here, there) = (World::start().await, World::start().await);
    let browser = there.browser();
    there.sign_in(&browser).await;
    let ticket = there.ticket(&browser).unwrap();
    let (status, session, _) = says(&here, &format!("{}={ticket}", here.session_cookie())).await;
    assert_eq!((status, &session["signed_in"]), (200, &false.into()));
    here.end().await;
    there.end().await;
}
