//! What routes need: RFC 6750 section 3.1 and RFC 9470.

use cloakroom_resource::Requirement;
use serde_json::json;

use crate::support::{World, api, challenge, get_with};

#[tokio::test]
async fn routes_get_what_they_need_or_say_what_it_is() {
    let world = World::new();
    let need = Requirement::new;
    let step_up = "Bearer error=\"insufficient_user_authentication\", error_description=\"this route needs a more recent or a stronger sign-in\"";
    let lacking = "Bearer error=\"insufficient_scope\", error_description=\"a claim of the access token is not as this route needs it\"";
    for (requirement, status, expected) in [
        (
            need().scope("openid").scope("messages.read"),
            200,
            String::new(),
        ),
        (
            need().scope("openid").scope("a\"b"),
            403,
            "Bearer error=\"insufficient_scope\", error_description=\"the access token lacks scopes; this route needs openid a'b\", scope=\"openid a\\\"b\"".to_owned(),
        ),
        (need().claim("groups", "everyone"), 200, String::new()),
        (need().group("everyone"), 200, String::new()),
        (
            need().claim("groups", "invalidGroup"),
            403,
            lacking.to_owned(),
        ),
        (
            need().claim("ver", 2),
            403,
            lacking.to_owned(),
        ),
        (
            need().acr("urn:two").acr("urn:one").max_age(100),
            200,
            String::new(),
        ),
        (
            need().acr("urn:two").acr("urn:three"),
            401,
            format!("{step_up}, acr_values=\"urn:two urn:three\""),
        ),
        (
            need().max_age(99),
            401,
            format!("{step_up}, max_age=\"99\""),
        ),
    ] {
        let api = api(&world.okta(), requirement.clone());
        let answer = get_with(&api, &world.okta_token(json!({}))).await;
        assert_eq!(answer.status(), status, "{requirement:?}");
        if status != 200 {
            assert_eq!(challenge(&answer), expected);
        }
    }
}

#[tokio::test]
async fn a_token_without_auth_time_and_acr_is_not_enough() {
    let world = World::new();
    let token = world.okta_token(json!({"auth_time": null, "acr": null}));
    for requirement in [
        Requirement::new().max_age(9_999),
        Requirement::new().acr("urn:one"),
    ] {
        let api = api(&world.okta(), requirement);
        assert_eq!(get_with(&api, &token).await.status(), 401);
    }
}
