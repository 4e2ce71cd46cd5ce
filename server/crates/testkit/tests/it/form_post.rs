//! `response_mode=form_post`: the page, and what a browser sends when its form is submitted.

use cloakroom_testkit::{Browser, Fault, Provider};

use crate::browser::{header, mirror, set};
use crate::relying_party::*;

/// The provider's page for an application at this origin, and the browser that is on it.
async fn page_for(
    origin: &str,
    provider: &Provider,
    browser: &Browser,
) -> cloakroom_testkit::Response {
    provider.register_redirect_uri(format!("{origin}/auth/callback"));
    let mut params = authorization_request_with("response_mode", "form_post");
    params.retain(|(name, _)| *name != "redirect_uri");
    params.push(("redirect_uri", format!("{origin}/auth/callback")));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&params)
        .finish();
    browser
        .get(format!("{}/v1/authorize?{query}", provider.issuer()))
        .navigate()
        .await
}

#[tokio::test]
async fn the_form_is_posted_across_sites_with_none_cookies_only() {
    let provider = Provider::start().await;
    let origin = format!("http://localhost:{}", mirror().await.port());
    let browser = Browser::with_base(&origin);
    browser.get(set("lax=1; SameSite=Lax; Path=/")).await;
    browser.get(set("strict=1; SameSite=Strict; Path=/")).await;
    browser
        .get(set("none=1; SameSite=None; Secure; HttpOnly; Path=/"))
        .await;
    browser.get(set("unsaid=1; Path=/")).await;
    let page = page_for(&origin, &provider, &browser).await;
    assert_eq!(
        (page.status(), page.header("cache-control")),
        (200, Some("no-store"))
    );

    let posted = browser.submit_form(&page).await;
    let seen = posted.json();
    assert_eq!(
        (seen["method"].as_str(), seen["target"].as_str()),
        (Some("POST"), Some("/auth/callback"))
    );
    assert!(
        seen["body"]
            .as_str()
            .unwrap()
            .contains(&format!("state={STATE}"))
    );
    for (name, value) in [
        ("cookie", "none=1"),
        ("origin", provider.origin().as_str()),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-user", "absent"),
        ("content-type", "application/x-www-form-urlencoded"),
    ] {
        assert_eq!(header(&seen, name), value, "{name}");
    }
    provider.assert_clean();
}

#[tokio::test]
async fn a_redirect_after_the_post_is_a_cross_site_get_with_lax_cookies() {
    let origin = format!("http://localhost:{}", mirror().await.port());
    let browser = Browser::with_base(&origin);
    browser.get(set("lax=1; SameSite=Lax; Path=/")).await;
    browser.get(set("strict=1; SameSite=Strict; Path=/")).await;
    let posted = browser
        .post_form(
            "/callback?status=303&to=/arrive&set=new%3D1;%20SameSite%3DLax;%20Path%3D/",
            &[("code", "x")],
        )
        .from_page("http://127.0.0.1:9/form")
        .by_script()
        .await;
    let arrived = browser.follow(posted, 1).await.json();
    assert_eq!(arrived["method"], "GET");
    assert_eq!(header(&arrived, "cookie"), "lax=1; new=1");
    assert_eq!(
        (
            header(&arrived, "origin"),
            header(&arrived, "sec-fetch-site")
        ),
        ("absent", "cross-site")
    );
}

#[tokio::test]
async fn a_page_without_a_referrer_posts_from_a_null_origin() {
    let provider = Provider::builder()
        .form_post_without_referrer()
        .start()
        .await;
    let origin = format!("http://localhost:{}", mirror().await.port());
    let browser = Browser::with_base(&origin);
    let page = page_for(&origin, &provider, &browser).await;
    let seen = browser.submit_form(&page).await.json();
    assert_eq!(header(&seen, "origin"), "null");
}

#[tokio::test]
async fn errors_and_faults_come_by_form_too() {
    let provider = Provider::start().await;
    let browser = Browser::new();
    let fields = async |fault: Option<Fault>| {
        provider.clear_fault();
        if let Some(fault) = fault {
            provider.set_fault(fault);
        }
        let page = page_for("http://localhost:3000", &provider, &browser).await;
        let (action, fields) = page.form().expect("a form");
        assert_eq!(action.as_str(), "http://localhost:3000/auth/callback");
        fields.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(fields(None).await, ["code", "state"]);
    let denied = Fault::AccessDenied {
        description: "\"><script>".to_owned(),
    };
    assert_eq!(
        fields(Some(denied)).await,
        ["error", "error_description", "state"]
    );
    assert_eq!(fields(Some(Fault::DropState)).await, ["code"]);
    assert_eq!(
        fields(Some(Fault::RepeatCode)).await,
        ["code", "state", "code"]
    );

    provider.set_fault(Fault::QueryUnasked);
    let answer = page_for("http://localhost:3000", &provider, &browser).await;
    assert!(
        answer.location_param("code").is_some(),
        "in the query although a form was asked for"
    );
    provider.register_redirect_uri(REDIRECT_URI);
    provider.set_fault(Fault::FormPostUnasked);
    let at = Browser::with_base(format!("{}/", provider.issuer()));
    let answer = authorize(&at, &authorization_request()).await;
    assert!(answer.form().is_some(), "by form although nobody asked");
}
