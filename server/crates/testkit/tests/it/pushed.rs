//! Pushed authorization requests: honest ones work, wrong ones are refused and recorded, and every fault does what it says.

use std::time::Duration;

use cloakroom_testkit::{Browser, BrowserError, Effect, Fault, Needs, Provider, Response};
use serde_json::Value;

use crate::relying_party::*;

async fn push(browser: &Browser, params: &[(&'static str, String)]) -> Response {
    let fields: Vec<_> = params
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    browser
        .post_form("v1/par", &fields)
        .bare()
        .header("authorization", &basic())
        .await
}

async fn authorize_pushed(
    browser: &Browser,
    request_uri: &str,
    more: &[(&'static str, String)],
) -> Response {
    let params = [
        &[
            ("client_id", Provider::CLIENT_ID.to_owned()),
            ("request_uri", request_uri.to_owned()),
        ],
        more,
    ]
    .concat();
    authorize(browser, &params).await
}

#[tokio::test]
async fn what_was_pushed_is_what_is_authorized() {
    let (provider, browser) =
        started(Provider::builder().require_pushed_authorization_requests()).await;
    let metadata = browser.get(".well-known/openid-configuration").await.json();
    assert_eq!(metadata["require_pushed_authorization_requests"], true);
    assert_eq!(
        metadata["pushed_authorization_request_endpoint"],
        format!("{}/v1/par", provider.issuer())
    );
    let pushed = push(&browser, &authorization_request()).await;
    assert_eq!(
        (pushed.status(), pushed.header("cache-control")),
        (201, Some("no-store"))
    );
    assert_eq!(pushed.json()["expires_in"], 60);
    let request_uri = text(&pushed.json(), "request_uri").to_owned();
    assert!(request_uri.starts_with("urn:okta:"));
    let callback = authorize_pushed(&browser, &request_uri, &[]).await;
    assert_eq!(callback.location_param("state").unwrap(), STATE);
    let code = callback.location_param("code").unwrap();
    assert_eq!(exchange(&browser, &code).await.status(), 200);
    provider.assert_clean();
    assert_eq!(provider.counts().par, 1);
    let received = provider.received();
    assert_eq!(received.pushed_requests[0]["nonce"], NONCE);
    assert_eq!(received.authorize_requests[0].len(), 2);

    let again = authorize_pushed(&browser, &request_uri, &[]).await;
    assert_eq!(again.status(), 400, "it is good once");
    assert!(provider.protocol_errors()[0].contains("used before"));
    assert_eq!(
        authorize(&browser, &authorization_request()).await.status(),
        400,
        "it must be pushed"
    );
}

#[tokio::test]
async fn wrong_pushes_and_wrong_uses_are_refused_and_recorded() {
    let (provider, browser) = started(Provider::builder().pushed_authorization_status(200)).await;
    for (name, value, error) in [
        ("request_uri", "urn:okta:x", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("scope", "openid everything", "invalid_scope"),
        (
            "redirect_uri",
            "https://attacker.example/",
            "invalid_request",
        ),
    ] {
        let refused = push(&browser, &authorization_request_with(name, value)).await;
        assert_eq!(
            (refused.status(), &refused.json()["error"]),
            (400, &Value::from(error)),
            "{name}"
        );
        assert_eq!(provider.protocol_errors().len(), 1);
        provider.clear_protocol_errors();
    }
    let unknown = browser
        .post_form("v1/par", &[("client_id", "x")])
        .bare()
        .await;
    assert_eq!(unknown.status(), 401);
    provider.clear_protocol_errors();

    let uri = |answer: &Response| text(&answer.json(), "request_uri").to_owned();
    let pushed = push(&browser, &authorization_request()).await;
    assert_eq!(pushed.status(), 200);
    let more = [("scope", "openid".to_owned())];
    assert_eq!(
        authorize_pushed(&browser, &uri(&pushed), &more)
            .await
            .status(),
        400
    );
    assert!(
        provider.protocol_errors()[0].contains("beside client_id and request_uri there is scope")
    );
    let late = push(&browser, &authorization_request()).await;
    provider.set_time_offset(61);
    assert_eq!(
        authorize_pushed(&browser, &uri(&late), &[]).await.status(),
        400
    );
    assert!(provider.protocol_errors()[1].contains("expired"));
}

#[tokio::test]
async fn every_fault_of_the_endpoint_does_what_it_says() {
    for fault in Fault::every() {
        if fault.needs() != Needs::Pushing || fault == Fault::ParHang {
            continue;
        }
        let (provider, browser) = provider().await;
        provider.set_fault(fault.clone());
        let answer = push(&browser, &authorization_request()).await;
        provider.assert_clean();
        let json: Option<Value> = serde_json::from_slice(answer.body()).ok();
        let member = |name: &str| json.as_ref().and_then(|json| json.get(name)).cloned();
        match &fault {
            Fault::Par400(error) => assert_eq!(member("error").unwrap(), error.as_str()),
            Fault::Par401 => assert_eq!(member("error").unwrap(), "invalid_client"),
            Fault::Par429 => assert!(answer.header("x-rate-limit-reset").is_some()),
            Fault::ParHtml => assert_eq!(
                answer.header("content-type"),
                Some("text/html; charset=utf-8")
            ),
            Fault::ParNotJson => {
                assert!(
                    json.is_none() && answer.header("content-type") == Some("application/json")
                );
            }
            Fault::ParNoRequestUri => {
                assert!(member("request_uri").is_none() && member("expires_in").is_some());
            }
            Fault::ParEmptyRequestUri => assert_eq!(member("request_uri").unwrap(), ""),
            Fault::ParExpiresInString => assert!(member("expires_in").unwrap().is_string()),
            Fault::ParExpired => {
                assert_eq!(fault.effect(), Effect::EndsAtProvider);
                let uri = member("request_uri").unwrap();
                let page = authorize_pushed(&browser, uri.as_str().unwrap(), &[]).await;
                assert_eq!((page.status(), page.location()), (400, None));
                provider.assert_clean();
            }
            _ => assert!(json.is_none(), "{fault:?}"),
        }
        let status = match fault {
            Fault::Par400(_) | Fault::ParEmpty => 400,
            Fault::Par401 => 401,
            Fault::Par405 => 405,
            Fault::Par413 => 413,
            Fault::Par429 => 429,
            Fault::Par500 => 500,
            Fault::ParHtml => 200,
            Fault::ParRedirect => 307,
            _ => 201,
        };
        assert_eq!(answer.status(), status, "{fault:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_answers_when_it_is_released() {
    let (provider, browser) = provider().await;
    provider.set_fault(Fault::ParHang);
    let impatient = browser.clone().timeout(Duration::from_millis(50));
    let request = impatient
        .post_form("v1/par", &[("token", "x")])
        .bare()
        .header("authorization", &basic());
    assert!(matches!(
        request.send().await,
        Err(BrowserError::Timeout { .. })
    ));
    let request = authorization_request();
    let (answer, ()) = tokio::join!(push(&browser, &request), async {
        while provider.counts().par < 2 {
            tokio::task::yield_now().await;
        }
        provider.release();
    });
    assert_eq!(answer.status(), 201);
}

#[tokio::test]
async fn the_endpoint_can_be_absent() {
    let (provider, browser) =
        started(Provider::builder().without_pushed_authorization_requests()).await;
    let metadata = browser.get(".well-known/openid-configuration").await.json();
    assert!(
        metadata
            .get("pushed_authorization_request_endpoint")
            .is_none()
    );
    assert_eq!(push(&browser, &authorization_request()).await.status(), 404);
    assert_eq!(provider.protocol_errors().len(), 1);
}
