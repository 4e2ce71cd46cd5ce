//! The server functions that call the sample API: the same rules and errors as through the proxy.

use serde_json::json;

use crate::world::World;

const TWO: &str = r#"{"messages":[{"id":1,"date":"2026-11-23T10:00:00Z","author":"robot","text":"Hello, <world>!"},{"id":2,"date":"2026-11-23T10:01:00Z","author":"robot","text":"I am a robot."}]}"#;
const CHALLENGE: &str = r#"Bearer error="insufficient_user_authentication", error_description="more", acr_values="urn:okta:loa:2fa:any", max_age="300""#;

#[tokio::test]
async fn the_messages_are_in_the_page_with_the_newest_first() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world
        .api
        .answers(200, &[("content-type", "application/json")], TWO);
    let html = browser.get("/messages").navigate().await.text();
    let (_, list) = html
        .split_once("data-testid=\"messages-server\"")
        .expect("the list");
    let newest = list.find("I am a robot.").expect("the second");
    let oldest = list
        .find("Hello, &lt;world&gt;!")
        .expect("the first, as text");
    assert!(newest < oldest, "{list}");
    assert!(list.contains("2026-11-23 10:01 UTC"), "{list}");
    let asked = world.api.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "GET /api/messages");
    let token = asked[0].headers["authorization"].to_str().unwrap();
    let issued = world.provider.issued().access_tokens;
    assert!(issued.contains(&token.trim_start_matches("Bearer ").to_owned()));
    assert!(!asked[0].headers.contains_key("cookie"));
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn a_form_sends_a_message_and_comes_back() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let message = r#"{"id":3,"date":"2026-11-23T10:02:00Z","author":"ada","text":"Hi & bye"}"#;
    world
        .api
        .answers(201, &[("content-type", "application/json")], message);
    let fields = [("text", "Hi & bye")];
    let answer = world
        .submit(&browser, "/messages", "/_fn/messages/send", &fields)
        .await;
    assert_eq!(answer.status(), 303, "{}", answer.text());
    assert_eq!(
        answer.location().map(String::from),
        Some(format!("{}/messages", world.public_url))
    );
    let asked = world.api.asked();
    assert_eq!(asked[0].line, "POST /api/messages");
    assert_eq!(asked[0].headers["content-type"], "application/json");
    assert_eq!(&asked[0].body[..], br#"{"text":"Hi & bye"}"#);
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn clearing_asks_for_the_sign_in_that_the_api_asks_for() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world
        .api
        .answers(401, &[("www-authenticate", CHALLENGE)], "");
    let answer = world.call(&browser, "/_fn/messages/clear", &[]).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(
        answer.json(),
        json!({
            "code": "insufficient_user_authentication",
            "acr_values": ["urn:okta:loa:2fa:any"],
            "max_age": 300,
        })
    );
    let answer = world
        .submit(&browser, "/messages", "/_fn/messages/clear", &[])
        .await;
    assert_eq!(answer.status(), 303);
    let page = browser.follow(answer, 1).await.text();
    assert!(page.contains("data-testid=\"step-up-offer\""), "{page}");
    assert!(
        page.contains("/auth/login?return_to=%2Fmessages&amp;acr_values=urn%3Aokta%3Aloa%3A2fa%3Aany&amp;max_age=300"),
        "{page}"
    );
    world.api.answers(204, &[], "");
    let answer = world.call(&browser, "/_fn/messages/clear", &[]).await;
    assert_eq!((answer.status(), answer.json()), (200, json!(null)));
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn errors_of_the_api_are_told_from_ours() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let problem = [("content-type", "application/problem+json")];
    let empty = r#"{"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"The text is empty; write something.","code":"text_empty"}"#;
    world.api.answers(422, &problem, empty);
    let answer = world
        .call(&browser, "/_fn/messages/send", &[("text", " ")])
        .await;
    assert_eq!(answer.status(), 422);
    assert_eq!(answer.header("cloakroom-error"), None);
    let body = answer.json();
    assert_eq!(body["code"], "upstream_error");
    assert_eq!(
        body["upstream"]["detail"],
        "The text is empty; write something."
    );

    for (status, headers, body, told) in [
        (200, &[][..], "<html>", (502, "answer_malformed")),
        (200, &[], r#"{"messages":7}"#, (502, "answer_malformed")),
        (500, &[], "", (500, "upstream_error")),
        (
            401,
            &[("www-authenticate", r#"Bearer error="invalid_token""#)],
            "",
            (401, "sign_in_again"),
        ),
        (
            403,
            &[(
                "www-authenticate",
                r#"Bearer error="insufficient_scope", scope="messages:read""#,
            )],
            "",
            (403, "scope_not_granted"),
        ),
        (
            401,
            &[("cloakroom-error", "signed_out")],
            r#"{"code":"signed_out"}"#,
            (401, "upstream_error"),
        ),
    ] {
        world.api.answers(status, headers, body);
        let answer = browser.get("/_fn/messages").fetch().await;
        let code = answer.json()["code"].as_str().map(str::to_owned);
        assert_eq!(
            (answer.status(), code.as_deref()),
            (told.0, Some(told.1)),
            "{status} {body}"
        );
    }
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn an_api_that_is_down_leaves_the_page_standing() {
    let world = World::with_dead_api().await;
    let browser = world.signed_in().await;
    let page = browser.get("/messages").navigate().await;
    assert_eq!(page.status(), 200);
    assert!(
        page.text().contains("cannot be reached just now"),
        "{}",
        page.text()
    );
    let answer = browser.get("/_fn/messages").fetch().await;
    assert_eq!(answer.status(), 502);
    assert_eq!(
        answer.header("cloakroom-error"),
        Some("upstream_unreachable")
    );
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn for_a_visitor_nobody_is_called() {
    let world = World::start().await;
    let browser = world.browser();
    let answer = browser.get("/_fn/messages").fetch().await;
    assert_eq!(
        (answer.status(), answer.json()),
        (401, json!({"code": "signed_out"}))
    );
    assert_eq!(answer.header("cloakroom-error"), Some("signed_out"));
    assert!(world.api.asked().is_empty());
    world.end(&[&browser]).await;
}
