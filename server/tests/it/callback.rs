//! `GET /auth/callback` with whatever may come there: nothing of it makes a session, a 500, or a token request that
//! should not have been made (RFC 6749 sections 3.1, 4.1.2 and 10.12, RFC 9207).

use crate::world::World;

const REFUSED: &str = "Sign-in did not complete";
const ODD: &str = "This address is not right";

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table: each row is one case")]
async fn nothing_but_a_whole_answer_with_a_state_of_ours_gets_anywhere() {
    let world = World::start().await;
    let browser = world.browser();
    let state = world.fresh_state(&browser).await;
    let cut = &state[..state.len() - 5];
    let longer = format!("{state}AAAA");
    let swapped: String = state.chars().rev().collect();
    let huge = "A".repeat(1025);
    let long_code = "A".repeat(5 * 1024);
    let longest = "A".repeat(9 * 1024);
    for (what, query, code, title) in [
        ("nothing at all", String::new(), "state_missing", REFUSED),
        (
            "state missing",
            "code=abc".to_owned(),
            "state_missing",
            REFUSED,
        ),
        (
            "state empty",
            "code=abc&state=".to_owned(),
            "state_missing",
            REFUSED,
        ),
        (
            "state made up",
            "code=abc&state=made-up".to_owned(),
            "state_refused",
            REFUSED,
        ),
        (
            "state cut short",
            format!("code=abc&state={cut}"),
            "state_refused",
            REFUSED,
        ),
        (
            "state lengthened",
            format!("code=abc&state={longer}"),
            "state_refused",
            REFUSED,
        ),
        (
            "state backwards",
            format!("code=abc&state={swapped}"),
            "state_refused",
            REFUSED,
        ),
        (
            "state of 1,025 characters",
            format!("code=abc&state={huge}"),
            "response_malformed",
            REFUSED,
        ),
        (
            "state twice",
            format!("code=abc&state={state}&state={state}"),
            "parameter_repeated",
            ODD,
        ),
        (
            "code empty",
            format!("code=&state={state}"),
            "response_malformed",
            REFUSED,
        ),
        (
            "code repeated",
            format!("code=abc&code=abc&state={state}"),
            "parameter_repeated",
            ODD,
        ),
        (
            "code repeated under an escaped name",
            format!("code=abc&%63ode=abc&state={state}"),
            "parameter_repeated",
            ODD,
        ),
        (
            "code of 5 KiB",
            format!("code={long_code}&state={state}"),
            "response_malformed",
            REFUSED,
        ),
        (
            "code of 9 KiB",
            format!("code={longest}&state={state}"),
            "parameter_too_long",
            ODD,
        ),
        (
            "code that is not UTF-8",
            format!("code=%ff&state={state}"),
            "parameter_malformed",
            ODD,
        ),
        (
            "code with a broken escape",
            format!("code=%zz&state={state}"),
            "parameter_malformed",
            ODD,
        ),
        (
            "code with a line break",
            format!("code=a%0d%0ab&state={state}"),
            "response_malformed",
            REFUSED,
        ),
        (
            "neither code nor error",
            format!("state={state}"),
            "response_malformed",
            REFUSED,
        ),
        (
            "both code and error",
            format!("code=abc&error=access_denied&state={state}"),
            "response_malformed",
            REFUSED,
        ),
        (
            "iss of another provider",
            format!("code=abc&state={state}&iss=https://evil.example"),
            "issuer_mismatch",
            REFUSED,
        ),
        (
            "iss empty",
            format!("code=abc&state={state}&iss="),
            "issuer_mismatch",
            REFUSED,
        ),
    ] {
        println!("{what}");
        let answer = browser
            .get(format!("/auth/callback?{query}"))
            .navigate()
            .await;
        world
            .assert_failed(&browser, &answer, code, 400, title)
            .await;
        world.assert_signed_out(&browser).await;
    }
    assert_eq!(
        (
            world.provider.counts().token,
            world.provider.counts().userinfo
        ),
        (0, 0)
    );
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    assert_eq!(
        browser.follow(answered, 1).await.header("location"),
        Some("/profile"),
        "and then the true one still works"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_altered_in_any_character_is_refused() {
    let world = World::start().await;
    let browser = world.browser();
    let state = world.fresh_state(&browser).await;
    for at in (0..state.len()).step_by(7).chain([state.len() - 1]) {
        let mut bytes = state.clone().into_bytes();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        let altered = String::from_utf8(bytes).unwrap();
        let answer = browser
            .get(format!("/auth/callback?code=abc&state={altered}"))
            .navigate()
            .await;
        assert_eq!(
            answer.location_param("code").as_deref(),
            Some("state_refused"),
            "character {at}"
        );
    }
    assert_eq!(world.provider.counts().token, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_64_kib_is_refused_before_anything_reads_it() {
    let world = World::start().await;
    let browser = world.browser();
    let state = world.fresh_state(&browser).await;
    let address = format!(
        "/auth/callback?state={state}&code={}",
        "A".repeat(64 * 1024)
    );
    let answer = browser.get(address).navigate().await;
    assert!(matches!(answer.status(), 414 | 431), "{}", answer.status());
    world.assert_signed_out(&browser).await;
    assert_eq!(world.provider.counts().token, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_used_elsewhere_or_made_up_or_has_expired_is_refused_by_the_provider() {
    for what in ["used", "made up", "expired"] {
        let world = World::start().await;
        let browser = world.browser();
        let answered = world
            .at_provider(&browser, "/auth/login?return_to=/profile")
            .await;
        let mut address = answered.location().unwrap();
        match what {
            "used" => {
                // The code of a sign-in that is over, under the state of another: a thief puts it into a flow of theirs.
                browser.follow(answered, 1).await;
                browser.remove_cookie(&world.session_cookie());
                let state = world.fresh_state(&browser).await;
                let code = world.provider.issued().codes.remove(0);
                address
                    .query_pairs_mut()
                    .clear()
                    .append_pair("code", &code)
                    .append_pair("state", &state);
            }
            "expired" => world.provider.set_time_offset(301),
            _ => {
                let state = address
                    .query_pairs()
                    .find(|(name, _)| name == "state")
                    .unwrap()
                    .1
                    .into_owned();
                address
                    .query_pairs_mut()
                    .clear()
                    .append_pair("code", "made-up")
                    .append_pair("state", &state);
            }
        }
        let before = world.provider.counts().token;
        let answer = browser.get(address).navigate().await;
        let page = world
            .assert_failed(&browser, &answer, "code_refused", 400, REFUSED)
            .await;
        assert!(
            page.text().contains("return_to=%2Fprofile"),
            "{what}: {}",
            page.text()
        );
        world.assert_signed_out(&browser).await;
        assert_eq!(
            world.provider.counts().token,
            before + 1,
            "{what}: asked once, and never again"
        );
        assert_eq!(world.provider.protocol_errors().len(), 1, "{what}");
        world.provider.clear_protocol_errors();
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_another_persons_sign_in_is_refused_by_pkce_and_nonce() {
    let world = World::start().await;
    let (victim, attacker) = (world.browser(), world.browser());
    let stolen = world
        .at_provider(&victim, "/auth/login")
        .await
        .location_param("code")
        .unwrap();
    let own = world.at_provider(&attacker, "/auth/login").await;
    let state = own.location_param("state").unwrap();
    let answer = attacker
        .get(format!("/auth/callback?code={stolen}&state={state}"))
        .navigate()
        .await;
    world
        .assert_failed(&attacker, &answer, "code_refused", 400, REFUSED)
        .await;
    world.assert_signed_out(&attacker).await;
    assert!(
        world.provider.protocol_errors()[0].contains("PKCE"),
        "{:?}",
        world.provider.protocol_errors()
    );
    world.provider.clear_protocol_errors();
    world.end().await;
}
