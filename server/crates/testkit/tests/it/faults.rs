//! Every fault of an endpoint does what it says, and nothing else. Those of the ID token are in `id_token_faults`.

use std::collections::HashSet;
use std::time::Duration;

use cloakroom_testkit::{Browser, BrowserError, Effect, Fault, Provider, Response};
use serde_json::Value;

use crate::relying_party::*;

/// The callback's parameters under a fault.
async fn callback(fault: Fault) -> Vec<(String, String)> {
    let (provider, browser) = provider().await;
    provider.set_fault(fault);
    let answer = authorize(&browser, &authorization_request()).await;
    let location = answer.location().expect("a redirect");
    provider.assert_clean();
    location.query_pairs().into_owned().collect()
}

fn values<'a>(params: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    params
        .iter()
        .filter(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
        .collect()
}

#[tokio::test]
async fn authorization_response_faults() {
    let description = "<b>no</b> & \u{e9}".to_owned();
    let denied = callback(Fault::AccessDenied {
        description: description.clone(),
    })
    .await;
    assert_eq!(values(&denied, "error"), ["access_denied"]);
    assert_eq!(values(&denied, "error_description"), [description]);
    assert_eq!(
        (values(&denied, "state"), values(&denied, "code").len()),
        (vec![STATE], 0)
    );

    let dropped = callback(Fault::DropState).await;
    assert_eq!(
        (
            values(&dropped, "state").len(),
            values(&dropped, "code").len()
        ),
        (0, 1)
    );

    let altered = callback(Fault::AlterState).await;
    let altered = values(&altered, "state")[0];
    let different = altered
        .bytes()
        .zip(STATE.bytes())
        .filter(|(one, other)| one != other)
        .count();
    assert_eq!((altered.len(), different), (STATE.len(), 1));

    let wrong = callback(Fault::ResponseWrongIss).await;
    assert_eq!(
        values(&wrong, "iss"),
        ["https://attacker.example/oauth2/default"]
    );
    assert_eq!(
        values(&callback(Fault::ResponseMissingIss).await, "iss").len(),
        0
    );

    let repeated = callback(Fault::RepeatCode).await;
    assert_eq!(values(&repeated, "code").len(), 2);
    let both = callback(Fault::CodeAndError).await;
    assert_eq!(
        (values(&both, "code").len(), values(&both, "error").len()),
        (1, 1)
    );
    assert_eq!(values(&callback(Fault::EmptyCode).await, "code"), [""]);
    assert_eq!(
        values(&callback(Fault::HugeCode).await, "code")[0].len(),
        65_536
    );
}

#[tokio::test]
async fn a_missing_iss_is_announced_all_the_same() {
    let (provider, browser) = provider().await;
    provider.set_fault(Fault::ResponseMissingIss);
    let metadata = browser.get(".well-known/openid-configuration").await.json();
    assert_eq!(
        metadata["authorization_response_iss_parameter_supported"],
        true
    );
}

/// The token endpoint's answer under a fault that is set after the code was had.
pub(crate) async fn token_answer(fault: Fault) -> (Provider, Browser, String, Response) {
    let (provider, browser) = provider().await;
    let code = code(&browser).await;
    provider.set_fault(fault);
    let answer = exchange(&browser, &code).await;
    provider.assert_clean();
    (provider, browser, code, answer)
}

#[tokio::test]
async fn token_endpoint_refusals_leave_the_code_good() {
    for (fault, status, content_type) in [
        (
            Fault::Token400("invalid_grant".to_owned()),
            400,
            "application/json",
        ),
        (
            Fault::Token400("unauthorized_client".to_owned()),
            400,
            "application/json",
        ),
        (Fault::Token401, 401, "application/json"),
        (Fault::Token500, 500, "text/html; charset=utf-8"),
        (Fault::TokenHtml, 200, "text/html; charset=utf-8"),
        (Fault::TokenNotJson, 200, "application/json"),
        (Fault::Token429InvalidGrant, 429, "application/json"),
        (Fault::OktaJsonError, 429, "application/json"),
    ] {
        let (provider, browser, code, answer) = token_answer(fault.clone()).await;
        assert_eq!(
            (answer.status(), answer.header("content-type")),
            (status, Some(content_type)),
            "{fault:?}"
        );
        match &fault {
            Fault::Token400(error) => assert_eq!(answer.json()["error"], error.as_str()),
            Fault::Token401 => assert_eq!(answer.json()["error"], "invalid_client"),
            Fault::Token429InvalidGrant => assert_eq!(answer.json()["error"], "invalid_grant"),
            Fault::OktaJsonError => {
                assert_eq!(answer.json()["errorCode"], "E0000047");
                assert_eq!(answer.header("x-rate-limit-remaining"), Some("0"));
            }
            _ => assert!(serde_json::from_slice::<Value>(answer.body()).is_err()),
        }
        assert!(provider.issued().tokens().is_empty(), "{fault:?}");
        provider.clear_fault();
        assert_eq!(exchange(&browser, &code).await.status(), 200, "{fault:?}");
    }
}

#[tokio::test]
async fn a_bad_request_is_refused_and_recorded_under_a_token_fault_too() {
    let (provider, browser) = provider().await;
    provider.set_fault(Fault::Token500);
    assert_eq!(exchange(&browser, "no-such-code").await.status(), 400);
    assert_eq!(provider.protocol_errors().len(), 1);
}

#[tokio::test]
async fn following_the_token_endpoints_redirect_is_noticed() {
    let (provider, browser, _, answer) = token_answer(Fault::TokenRedirect).await;
    assert_eq!(answer.status(), 307);
    let followed = browser.follow(answer, 1).await;
    assert_eq!(followed.json()["access_token"], "from-elsewhere");
    assert_eq!(provider.counts().redirect_followed, 1);
    assert_eq!(provider.protocol_errors().len(), 1);
}

#[tokio::test]
async fn a_token_endpoint_that_hangs_answers_when_it_is_released() {
    let (provider, browser) = provider().await;
    let code = code(&browser).await;
    provider.set_fault(Fault::TokenHang);
    let impatient = browser.clone().timeout(Duration::from_millis(100));
    let fields = exchange_fields(&code);
    let request = impatient
        .post_form("v1/token", &fields)
        .bare()
        .header("authorization", &basic());
    assert!(matches!(
        request.send().await,
        Err(BrowserError::Timeout { .. })
    ));
    assert_eq!(provider.counts().token, 1);

    let (answer, ()) = tokio::join!(exchange(&browser, &code), async {
        while provider.counts().token < 2 {
            tokio::task::yield_now().await;
        }
        provider.release();
    });
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn token_answers_that_are_spoiled() {
    let good = token_answer(Fault::NoKid).await.3.json();
    let names = |answer: &Value| {
        answer
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    for (fault, missing) in [
        (Fault::NoAccessToken, "access_token"),
        (Fault::NoIdToken, "id_token"),
        (Fault::NoExpiresIn, "expires_in"),
    ] {
        let answer = token_answer(fault).await.3.json();
        let expected: Vec<_> = names(&good)
            .into_iter()
            .filter(|name| name != missing)
            .collect();
        assert_eq!(names(&answer), expected);
    }
    assert_eq!(
        token_answer(Fault::TokenTypeMac).await.3.json()["token_type"],
        "mac"
    );
    assert_eq!(
        token_answer(Fault::TokenTypeCase).await.3.json()["token_type"],
        "bEARER"
    );
    assert_eq!(
        token_answer(Fault::ExpiresInString).await.3.json()["expires_in"],
        "3600"
    );
    let twice = token_answer(Fault::DuplicateMember).await.3;
    assert_eq!(twice.text().matches("\"access_token\":").count(), 2);
    let huge = token_answer(Fault::TokenHuge).await.3;
    assert!(huge.body().len() > 10_000_000 && huge.json()["id_token"].is_string());
}

#[tokio::test]
async fn an_answer_that_is_lost_was_carried_out() {
    let (provider, browser) = provider().await;
    let code = code(&browser).await;
    provider.set_fault(Fault::TokenAnswerLost);
    let fields = exchange_fields(&code);
    let request = browser
        .post_form("v1/token", &fields)
        .bare()
        .header("authorization", &basic());
    assert!(matches!(
        request.send().await,
        Err(BrowserError::Connection { .. })
    ));
    assert_eq!(provider.issued().access_tokens.len(), 1);
}

#[tokio::test]
async fn userinfo_faults() {
    let (provider, browser) = provider().await;
    let bearer = format!("Bearer {}", text(&tokens(&browser).await, "access_token"));
    let mut answers = Vec::new();
    for fault in [
        Fault::UserinfoWrongSub,
        Fault::Userinfo401,
        Fault::Userinfo500,
        Fault::UserinfoHtml,
    ] {
        provider.set_fault(fault);
        answers.push(
            browser
                .get("v1/userinfo")
                .bare()
                .header("authorization", &bearer)
                .await,
        );
    }
    assert_eq!(
        answers.iter().map(Response::status).collect::<Vec<_>>(),
        [200, 401, 500, 200]
    );
    assert_eq!(answers[0].json()["sub"], "00u-somebody-else");
    assert_eq!(
        answers[3].header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(provider.counts().userinfo, 4);
    provider.assert_clean();
}

#[tokio::test]
async fn discovery_faults() {
    let (provider, browser) = provider().await;
    provider.set_fault(Fault::DiscoveryIssuerMismatch);
    let metadata = browser.get(".well-known/openid-configuration").await;
    assert_eq!(
        metadata.json()["issuer"],
        "https://attacker.example/oauth2/default"
    );
    provider.set_fault(Fault::DiscoveryDown);
    assert_eq!(
        browser
            .get(".well-known/openid-configuration")
            .await
            .status(),
        503
    );
    provider.set_fault(Fault::JwksDown);
    assert_eq!(
        browser
            .get(".well-known/openid-configuration")
            .await
            .status(),
        200
    );
    assert_eq!(browser.get("v1/keys").await.status(), 503);
    provider.clear_fault();
    assert_eq!(browser.get("v1/keys").await.json(), provider.key_set());
    assert_eq!(
        (provider.counts().discovery, provider.counts().jwks),
        (3, 2)
    );
}

#[test]
fn the_table_has_every_fault_once_and_says_how_far_each_gets() {
    let every = Fault::every();
    for (index, fault) in every.iter().enumerate() {
        assert!(!every[..index].contains(fault), "{fault:?} twice");
    }
    let neither = every.iter().filter(|fault| {
        matches!(
            fault.effect(),
            Effect::RefusedWhereAsked | Effect::EitherWay
        )
    });
    let failing = Fault::all().count();
    assert_eq!(
        failing + neither.count() + Fault::tolerated().count(),
        every.len()
    );
    assert!(Fault::all().all(|(fault, effect)| fault.effect() == effect));
    assert!(!Effect::RefusedAtCallback.token_request() && Effect::RefusedAtToken.token_request());
    assert!(
        !Effect::RefusedIdToken.userinfo_request() && Effect::UserinfoUnusable.userinfo_request()
    );
    // The enum's variants are counted in its source: one that is not in the table would never be tried.
    let source = include_str!("../../src/provider/fault.rs");
    let body = source
        .split_once("pub enum Fault {")
        .unwrap()
        .1
        .split_once("\n}\n")
        .unwrap()
        .0;
    let variants = body
        .lines()
        .filter(|line| {
            line.starts_with("    ")
                && line
                    .trim_start()
                    .starts_with(|first: char| first.is_ascii_uppercase())
        })
        .filter(|line| line.ends_with(',') || line.ends_with('{'))
        .count();
    let kinds: HashSet<_> = every.iter().map(std::mem::discriminant).collect();
    assert_eq!(kinds.len(), variants);
}
