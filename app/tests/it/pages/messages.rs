//! The page of the messages, as it comes from the server: before WebAssembly, and without it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use cloakroom_testkit::Browser;

use crate::world::World;

async fn page(browser: &Browser, address: &str) -> String {
    let page = browser.get(address).navigate().await;
    assert_eq!(page.status(), 200, "{}", page.text());
    page.text()
}

/// The page's address after a form that failed, as Leptos writes it.
fn after(function: &str, error: &str) -> String {
    let path = function.replace('/', "%2F");
    let error = URL_SAFE.encode(error).replace('=', "%3D");
    format!("/messages?__path={path}&__err={error}")
}

/// What stands between these two, where the first is in it.
fn between<'a>(html: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = html.split_once(from).unwrap();
    rest.split_once(to).unwrap().0
}

#[tokio::test]
async fn a_visitor_is_led_to_sign_in_and_back() {
    let world = World::without_api().await;
    let browser = world.browser();
    let answer = browser.get("/messages").navigate().await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/auth/login?return_to=%2Fmessages"))
    );
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn forms_work_without_webassembly() {
    let world = World::without_api().await;
    let browser = world.signed_in().await;
    let html = page(&browser, "/messages").await;
    for part in [
        "method=\"post\" action=\"/_fn/messages/send\"",
        "method=\"post\" action=\"/_fn/messages/clear\"",
        "<label for=\"message-text\"",
        "id=\"message-text\"",
        "name=\"text\"",
        "href=\"/messages\"",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("data-testid=\"step-up-offer\""), "{html}");
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn what_needs_webassembly_waits_for_it_and_says_nothing_untrue() {
    let world = World::without_api().await;
    let browser = world.signed_in().await;
    let html = page(&browser, "/messages").await;
    let list = between(&html, "data-testid=\"messages-list\"", "</ul>");
    assert!(!list.contains("<li"), "{list}");
    for empty in ["api-notice", "draft-restored"] {
        let inside = between(&html, &format!("data-testid=\"{empty}\""), "</");
        let text = inside.split_once('>').expect("a tag").1;
        assert_eq!(text.replace("<!>", ""), "", "{empty}");
    }
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn where_the_api_is_not_set_up_the_page_says_how_it_is() {
    let world = World::without_api().await;
    let browser = world.signed_in().await;
    let html = page(&browser, "/messages").await;
    let said = between(&html, "data-testid=\"messages-server\"", "</div>");
    assert!(
        said.contains("The sample API is not set up here."),
        "{said}"
    );
    assert!(
        said.contains("CLOAKROOM_API_SAMPLE=http://127.0.0.1:4001/api"),
        "{said}"
    );
    assert!(
        said.contains("CLOAKROOM_SCOPES=") && said.contains("messages:write"),
        "{said}"
    );
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn a_form_that_needs_a_stronger_sign_in_offers_it() {
    let world = World::without_api().await;
    let browser = world.signed_in().await;
    let error = r#"{"code":"insufficient_user_authentication","acr_values":["urn:okta:loa:2fa:any"],"max_age":300}"#;
    let html = page(&browser, &after("/_fn/messages/clear", error)).await;
    let offer = between(&html, "data-testid=\"step-up-offer\"", "</section>");
    let way = "href=\"/auth/login?return_to=%2Fmessages&amp;acr_values=urn%3Aokta%3Aloa%3A2fa%3Aany&amp;max_age=300\"";
    assert!(offer.contains(way), "{offer}");
    assert!(
        offer.contains("Confirm it is you<"),
        "it repeats nothing: {offer}"
    );
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn a_form_that_failed_says_why_in_our_words() {
    let world = World::without_api().await;
    let browser = world.signed_in().await;
    for (error, text) in [
        (
            r#"{"code":"upstream_unreachable"}"#,
            "cannot be reached just now",
        ),
        (
            r#"{"code":"sign_in_again"}"#,
            "data-testid=\"sign-in-again\"",
        ),
        (r#"{"code":"of_tomorrow"}"#, "Something went wrong here"),
        ("rubbish", "Something went wrong here"),
        (
            r#"{"code":"upstream_error","upstream":{"status":422,"title":"Call 555-EVIL","detail":"Call 555-EVIL","code":"EVIL"}}"#,
            "The service did not take this.",
        ),
    ] {
        let html = page(&browser, &after("/_fn/messages/send", error)).await;
        let notice = between(&html, "data-testid=\"api-notice\"", "Your message");
        assert!(notice.contains(text), "{error}: {notice}");
        let shown = between(&html, "<body", "</main>");
        assert!(
            !shown.contains("EVIL"),
            "anybody can write an address: {shown}"
        );
    }
    world.end(&[&browser]).await;
}

#[tokio::test]
async fn what_another_form_came_to_is_not_said_here() {
    let world = World::without_api().await;
    let browser = world.signed_in().await;
    let html = page(&browser, &after("/_fn/profile", r#"{"code":"forbidden"}"#)).await;
    assert!(!html.contains("does not have what this needs"), "{html}");
    world.end(&[&browser]).await;
}
