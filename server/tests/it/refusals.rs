//! The provider says no (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6): its words are text from outside.

use cloakroom_testkit::{Fault, leaks};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_says_no_with_is_shown_as_text_and_as_its_words() {
    let world = World::start().await;
    let browser = world.browser();
    let description =
        "<script>alert('no')</script> & \"policy\" <a href=https://evil.example>call us</a>";
    world.provider.set_fault(Fault::AccessDenied {
        description: description.to_owned(),
    });
    let answer = world
        .at_callback(&browser, "/auth/login?return_to=/profile")
        .await;
    let page = world
        .assert_failed(
            &browser,
            &answer,
            "access_denied",
            403,
            "Sign-in was not allowed",
        )
        .await;
    let text = page.text();
    assert!(text.contains("The sign-in service says"), "{text}");
    assert!(
        text.contains("&lt;script&gt;alert")
            && !text.contains("<script>alert")
            && !text.contains("<a href=https"),
        "{text}"
    );
    assert!(text.contains("return_to=%2Fprofile"), "{text}");
    let elsewhere = world
        .browser()
        .get(answer.location().unwrap())
        .navigate()
        .await;
    assert!(
        !elsewhere.text().contains("alert"),
        "the words travel sealed to this browser: nobody can link to them"
    );
    assert_eq!(
        (
            world.provider.counts().token,
            world.provider.counts().userinfo
        ),
        (0, 0)
    );
    world.assert_signed_out(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_the_provider_is_a_page_with_its_own_words_and_status() {
    let world = World::start().await;
    let browser = world.browser();
    for (error, code, status, title) in [
        (
            "access_denied",
            "access_denied",
            403,
            "Sign-in was not allowed",
        ),
        (
            "login_required",
            "interaction_required",
            401,
            "You need to sign in",
        ),
        (
            "consent_required",
            "interaction_required",
            401,
            "You need to sign in",
        ),
        (
            "interaction_required",
            "interaction_required",
            401,
            "You need to sign in",
        ),
        (
            "unmet_authentication_requirements",
            "unmet_authentication_requirements",
            403,
            "A stronger sign-in is needed",
        ),
        (
            "temporarily_unavailable",
            "provider_down",
            503,
            "The sign-in service does not answer",
        ),
        (
            "server_error",
            "provider_down",
            503,
            "The sign-in service does not answer",
        ),
        (
            "invalid_scope",
            "provider_error",
            502,
            "The sign-in service reports an error",
        ),
        (
            "unauthorized_client",
            "provider_error",
            502,
            "The sign-in service reports an error",
        ),
        (
            "no_such_error",
            "provider_error",
            502,
            "The sign-in service reports an error",
        ),
    ] {
        let state = world.fresh_state(&browser).await;
        let answer = browser
            .get(format!(
                "/auth/callback?error={error}&error_description=why&state={state}"
            ))
            .navigate()
            .await;
        world
            .assert_failed(&browser, &answer, code, status, title)
            .await;
        let again = browser
            .get(format!("/auth/callback?error={error}&state={state}"))
            .navigate()
            .await;
        assert_eq!(
            again.location_param("code").as_deref(),
            Some(code),
            "an error spends nothing: it says the same again"
        );
    }
    assert_eq!(world.provider.counts().token, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_says_of_a_state_is_logged_without_it_whole_or_cut_off() {
    let mut world = World::start().await;
    let browser = world.browser();
    for step in 0..8 {
        let state = world.fresh_state(&browser).await;
        // Wherever a long text is cut, one of these is cut behind its middle.
        let said = format!("{}{}", "-".repeat(state.len() * step / 8), state.repeat(4));
        let answer = browser
            .get(format!(
                "/auth/callback?error=invalid_request&error_description=state%20{said}&state={state}"
            ))
            .navigate()
            .await;
        assert_eq!(
            answer.location_param("code").as_deref(),
            Some("provider_error")
        );
        let reference = answer.location_param("ref").unwrap();
        world
            .until_logged(|line| {
                line["span"]["ref"] == reference.as_str() && line["code"] == "provider_error"
            })
            .await;
        // What a state begins with is the key's id, which every state has.
        let middle = [state[64..104].to_owned()];
        assert_eq!(
            leaks(world.program().log().as_bytes(), &middle),
            [""; 0],
            "step {step}: {}",
            world.program().log()
        );
    }
    world.end().await;
}
