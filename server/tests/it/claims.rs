//! Claims that are named like what must stay on the server stay there, whatever a provider puts into them
//! (OpenID Connect Core sections 3.1.3.6 and 5.1; design, invariant 1).

use cloakroom_testkit::User;

use crate::world::World;

/// Names under which providers send tokens and hashes along.
const NAMES: &[&str] = &[
    "access_token",
    "refresh_token",
    "id_token",
    "idp_access_token",
    "x_hash",
];

fn value(name: &str) -> String {
    format!("what-stands-in-{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_that_are_named_like_tokens_or_hashes_reach_neither_the_session_nor_a_page() {
    let world = World::start().await;
    let mut user = User::default().with_claim("department", "Coats");
    for name in NAMES {
        user = user.with_claim(*name, value(name));
    }
    world.provider.set_user(user);
    let browser = world.browser();
    world.sign_in(&browser).await;
    let session = world.session(&browser).await;
    let claims = session["user"].as_object().unwrap();
    assert_eq!(claims["department"], "Coats", "other claims are there");
    for name in NAMES {
        assert!(!claims.contains_key(*name), "{name}: {session}");
    }
    let function = browser.get("/_fn/profile").fetch().await;
    for (what, text) in [
        ("/auth/session", session.to_string()),
        ("/_fn/profile", function.text()),
        ("/", browser.visit("/").await.text()),
        ("/profile", browser.visit("/profile").await.text()),
        ("/nowhere", browser.visit("/nowhere").await.text()),
    ] {
        for name in NAMES {
            assert!(!text.contains(&value(name)), "{what} says {name}: {text}");
            assert!(!text.contains(*name), "{what} names {name}: {text}");
        }
    }
    let received = browser.transcript();
    let secrets: Vec<String> = NAMES.iter().map(|name| value(name)).collect();
    assert_eq!(cloakroom_testkit::leaks(&received, &secrets), [""; 0]);
    world.end().await;
}
