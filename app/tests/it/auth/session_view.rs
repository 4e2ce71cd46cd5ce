//! The session as the page knows it.

use app::auth::SessionView;
use serde_json::json;

#[test]
fn nobody_is_signed_in_until_the_server_says_so() {
    let view = SessionView::default();
    assert!(!view.signed_in);
    assert_eq!(view.name, None);
    assert_eq!(view.claim("email"), None);
}

#[test]
fn a_view_comes_to_the_browser_as_it_left_the_server() {
    let view: SessionView = serde_json::from_value(json!({
        "signed_in": true, "name": "Ada", "claims": {"email": "ada@example.test", "age": 41}, "expires_in": 1800
    }))
    .expect("a view");
    let again: SessionView =
        serde_json::from_str(&serde_json::to_string(&view).expect("JSON")).expect("a view");
    assert_eq!(view, again);
    assert_eq!(view.claim("email"), Some("ada@example.test"));
    assert_eq!(view.claim("age"), None, "only text is text");
}

#[test]
fn debug_shows_nobody() {
    let view: SessionView = serde_json::from_value(
        json!({"signed_in": true, "name": "Ada", "claims": {"sub": "00u1"}, "expires_in": 1}),
    )
    .expect("a view");
    let text = format!("{view:?}");
    assert!(!text.contains("Ada") && !text.contains("00u1"), "{text}");
}
