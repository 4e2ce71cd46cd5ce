//! A minute restores the budget of failed code exchanges.

use crate::app::App;

#[tokio::test]
async fn a_minute_restores_the_budget_of_an_address() {
    let app = App::with(
        |settings| settings.failed_exchanges_a_minute = 2,
        |builder| builder,
    )
    .await;
    let browser = app.browser();
    let made_up = async || {
        let begun = browser.get("/auth/login").navigate().await;
        let state = begun.location_param("state").unwrap();
        let answer = browser
            .get(format!("/auth/callback?code=made-up&state={state}"))
            .navigate()
            .await;
        app.provider.clear_protocol_errors();
        answer.location_param("code").unwrap()
    };
    assert_eq!(
        (made_up().await, made_up().await, made_up().await),
        pages("code_refused", "code_refused", "too_many_attempts")
    );
    let page = browser.visit("/auth/error?code=too_many_attempts").await;
    assert_eq!(page.status(), 429);
    app.advance(59);
    assert_eq!(made_up().await, "too_many_attempts");
    app.advance(1);
    assert_eq!(made_up().await, "code_refused");
    assert_eq!(app.provider.counts().token, 3);
    app.sign_in(&browser).await;
    app.end(&[&browser]).await;
}

fn pages(one: &str, two: &str, three: &str) -> (String, String, String) {
    (one.to_owned(), two.to_owned(), three.to_owned())
}
