//! An application has its say in a sign-in: it may enrich what is known of a person, or refuse them.

use async_trait::async_trait;
use cloakroom_bff::{OnSignIn, Refused, SignIn};
use cloakroom_testkit::User;

use crate::app::App;

/// Lets in whoever has an address of ours, and gives them a role.
#[derive(Debug)]
struct OursOnly;

#[async_trait]
impl OnSignIn for OursOnly {
    async fn on_sign_in(&self, sign_in: &mut SignIn<'_>) -> Result<(), Refused> {
        let email = sign_in
            .claims
            .get("email")
            .and_then(|email| email.as_str())
            .unwrap_or_default();
        if !email.ends_with("@example.com") {
            return Err(Refused::because("the-reason-is-for-the-log"));
        }
        assert_eq!(sign_in.claims["sub"], sign_in.subject);
        sign_in.claims.insert("role".to_owned(), "member".into());
        sign_in
            .claims
            .insert("sub".to_owned(), "somebody-else".into());
        sign_in.claims.remove("family_name");
        Ok(())
    }
}

#[tokio::test]
async fn a_hook_enriches_what_is_known_of_a_person_but_not_who_they_are() {
    let app = App::with(|_| {}, |builder| builder.on_sign_in(OursOnly)).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    let user = app.look(&browser).await["user"].clone();
    assert_eq!(
        (&user["role"], &user["sub"]),
        (&"member".into(), &"00u1test".into())
    );
    assert!(user.get("family_name").is_none());
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn whom_a_hook_refuses_has_no_session_and_what_was_fetched_for_them_is_revoked() {
    let app = App::with(|_| {}, |builder| builder.on_sign_in(OursOnly)).await;
    app.provider
        .set_user(User::new("00uelse", "Somebody Else", "else@example.org"));
    let browser = app.browser();
    let answer = app
        .at_callback(&browser, "/auth/login?return_to=/private")
        .await;
    let page = app
        .assert_failed(&browser, &answer, "refused_here", 403)
        .await;
    assert!(
        page.text().contains("This account may not sign in here"),
        "{}",
        page.text()
    );
    assert!(!page.text().contains("the-reason-is-for-the-log"));
    assert_eq!(app.look(&browser).await["signed_in"], false);
    let issued = app.provider.issued();
    while app.provider.received().revoked.len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        app.provider.received().revoked,
        [&issued.refresh_tokens[0][..], &issued.access_tokens[0]]
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_hook_that_refuses_somebody_new_leaves_the_session_that_was_there() {
    let app = App::with(|_| {}, |builder| builder.on_sign_in(OursOnly)).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    app.provider
        .set_user(User::new("00uelse", "Somebody Else", "else@example.org"));
    let answer = app.at_callback(&browser, "/auth/login").await;
    app.assert_failed(&browser, &answer, "refused_here", 403)
        .await;
    assert_eq!(app.look(&browser).await["user"]["sub"], "00u1test");
    app.end(&[&browser]).await;
}
