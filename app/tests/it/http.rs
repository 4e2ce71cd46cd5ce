//! Server functions as they answer: with status and code to WebAssembly, with the way back to a form, and with neither
//! to a page of somebody else's.

use app::api::ApiError;
use app::auth::{AuthError, current_user, require};
use cloakroom_bff::Requirement;
use leptos::prelude::*;
use serde_json::json;

use crate::world::World;

const CODE: &str = "insufficient_user_authentication";
const STRONG: &str = "/auth/login?acr_values=urn%3Aokta%3Aloa%3A2fa%3Aany&max_age=300";

#[server(prefix = "/_fn", endpoint = "test/strong")]
pub(crate) async fn strong() -> Result<u8, ApiError> {
    require(&Requirement::acr(["urn:okta:loa:2fa:any"]).within(300)).await?;
    Ok(7)
}

#[server(prefix = "/_fn", endpoint = "test/strong_for_short")]
pub(crate) async fn strong_for_short() -> Result<u8, AuthError> {
    require(&Requirement::acr(["never"])).await?;
    Ok(7)
}

#[server(prefix = "/_fn", endpoint = "test/staff")]
pub(crate) async fn staff() -> Result<u8, ApiError> {
    require(&Requirement::group("nobody-is-in-it")).await?;
    Ok(7)
}

#[server(prefix = "/_fn", endpoint = "test/number")]
pub(crate) async fn number(wanted: u8) -> Result<u8, ApiError> {
    current_user().await?;
    Ok(wanted)
}

#[tokio::test]
async fn a_function_that_needs_a_stronger_sign_in_says_which() {
    let world = World::without_api().await;
    let browser = world.browser();
    let nobody = world.call(&browser, "/_fn/test/strong", &[]).await;
    assert_eq!(
        (nobody.status(), nobody.json()),
        (401, json!({"code": "signed_out"}))
    );

    world.sign_in(&browser, "/auth/login").await;
    let weak = world.call(&browser, "/_fn/test/strong", &[]).await;
    assert_eq!(weak.status(), 401);
    assert_eq!(weak.header("cloakroom-error"), Some(CODE));
    assert_eq!(
        weak.json(),
        json!({"code": CODE, "acr_values": ["urn:okta:loa:2fa:any"], "max_age": 300})
    );
    world.sign_in(&browser, STRONG).await;
    let done = world.call(&browser, "/_fn/test/strong", &[]).await;
    assert_eq!((done.status(), done.json()), (200, json!(7)));
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn other_errors_have_their_statuses_whatever_type_they_are() {
    let world = World::without_api().await;
    let browser = world.signed_in().await;
    for (function, fields, status, code) in [
        ("/_fn/test/strong_for_short", &[][..], 401, Some(CODE)),
        ("/_fn/test/staff", &[], 403, Some("forbidden")),
        ("/_fn/messages/clear", &[], 403, Some("route_not_allowed")),
        (
            "/_fn/test/number",
            &[("wanted", "many")],
            400,
            Some("parameter_malformed"),
        ),
        ("/_fn/test/number", &[("wanted", "7")], 200, None),
    ] {
        let answer = world.call(&browser, function, fields).await;
        assert_eq!(answer.status(), status, "{function}: {}", answer.text());
        assert_eq!(answer.header("cloakroom-error"), code, "{function}");
        assert_eq!(answer.json()["code"].as_str(), code, "{function}");
    }
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn a_form_is_led_back_to_its_page_with_what_it_came_to() {
    let world = World::without_api().await;
    let browser = world.signed_in().await;
    let page = "/messages?page=2";
    let answer = world.submit(&browser, page, "/_fn/test/strong", &[]).await;
    assert_eq!(answer.status(), 303, "{}", answer.text());
    assert_eq!(
        answer.header("cloakroom-error"),
        None,
        "it is a way, not an error"
    );
    let back = answer.location().expect("a page").to_string();
    let start = format!(
        "{}{page}&__path=%2F_fn%2Ftest%2Fstrong&__err=",
        world.public_url
    );
    assert!(back.starts_with(&start), "{back}");

    // Once more from there: what failed before is not said again.
    let from = back
        .strip_prefix(&world.public_url)
        .expect("of this origin");
    let answer = world.submit(&browser, from, "/_fn/test/staff", &[]).await;
    let again = answer.location().expect("a page").to_string();
    let start = format!(
        "{}{page}&__path=%2F_fn%2Ftest%2Fstaff&__err=",
        world.public_url
    );
    assert!(again.starts_with(&start), "{again}");
    assert_eq!(again.matches("__err=").count(), 1, "{again}");

    // And what is done leaves nothing to be said.
    let from = again
        .strip_prefix(&world.public_url)
        .expect("of this origin");
    let answer = world
        .submit(&browser, from, "/_fn/test/number", &[("wanted", "7")])
        .await;
    assert_eq!(answer.status(), 303);
    assert_eq!(
        answer.location().map(String::from),
        Some(format!("{}{page}", world.public_url))
    );
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn a_form_that_does_not_say_where_it_is_from_gets_the_answer_itself() {
    let world = World::without_api().await;
    let browser = world.signed_in().await;
    let answer = browser.post_form("/_fn/test/strong", &[]).await;
    assert_eq!((answer.status(), answer.header("location")), (401, None));
    assert_eq!(answer.json()["code"], CODE);
    world.end(&[&browser]).await;
}
