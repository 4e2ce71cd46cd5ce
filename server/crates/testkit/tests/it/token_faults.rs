//! Every fault of the token answer does what it says: the table is walked, and a fault that nobody looks at fails.

use std::time::Duration;

use cloakroom_testkit::{BrowserError, Effect, Fault, Needs, Response};
use serde_json::{Value, json};

use crate::faults::token_answer;
use crate::relying_party::*;

/// Those that have tests of their own in `faults`.
fn has_a_test_of_its_own(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::TokenAnswerLost | Fault::TokenRedirect | Fault::TokenHuge
    )
}

#[tokio::test]
async fn every_fault_of_the_token_answer_does_what_it_says() {
    for fault in Fault::every() {
        let looked_at = fault.effect() == Effect::RefusedAtToken && fault.needs() == Needs::Nothing;
        if !looked_at || has_a_test_of_its_own(&fault) {
            continue;
        }
        let (provider, browser, code, answer) = token_answer(fault.clone()).await;
        look(&fault, &answer);
        let carried_out = !provider.issued().access_tokens.is_empty();
        assert_eq!(
            carried_out,
            answer.status() == 200 && is_spoiled(&fault),
            "{fault:?}"
        );
        if !carried_out {
            provider.clear_fault();
            assert_eq!(
                exchange(&browser, &code).await.status(),
                200,
                "{fault:?}: the code stays good"
            );
        }
    }
}

/// Whether the fault spoils an answer to a request that was carried out.
fn is_spoiled(fault: &Fault) -> bool {
    !matches!(
        fault,
        Fault::TokenHtml | Fault::TokenNotJson | Fault::Token200Empty | Fault::TokenError200
    )
}

fn look(fault: &Fault, answer: &Response) {
    let json: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let status = answer.status();
    let html = answer.header("content-type") == Some("text/html; charset=utf-8");
    let reset = answer
        .header("x-rate-limit-reset")
        .map(|text| text.parse::<u64>().unwrap());
    match fault {
        Fault::Token400(error) => assert_eq!((status, &json["error"]), (400, &json!(error))),
        Fault::Token401 => assert_eq!(
            (status, answer.header("www-authenticate").is_some()),
            (401, true)
        ),
        Fault::Token401Empty => {
            assert_eq!((status, answer.body().len()), (401, 0));
            assert_eq!(answer.header("www-authenticate"), None);
        }
        Fault::Token400Empty => assert_eq!((status, answer.body().len()), (400, 0)),
        Fault::Token400Array => assert!(status == 400 && json.is_array()),
        Fault::Token403 => assert!(status == 403 && html),
        Fault::Token500 => assert!(status == 500 && html),
        Fault::Token503 => assert_eq!((status, answer.header("retry-after")), (503, Some("7"))),
        Fault::Token200Empty => assert_eq!((status, answer.body().len()), (200, 0)),
        Fault::TokenError200 => {
            assert_eq!((status, &json["error"]), (200, &json!("invalid_grant")));
        }
        Fault::TokenErrorMarkup => {
            let text = json["error_description"].as_str().unwrap();
            assert!(status == 400 && text.contains("<script>") && text.contains('\0'));
            assert!(text.len() > 20_000 && text.contains("\r\n"));
        }
        Fault::TokenHtml => assert!(status == 200 && html),
        Fault::Token302 => assert!(status == 302 && answer.location().is_some()),
        Fault::TokenNotJson => assert!(status == 200 && json.is_null() && !html),
        Fault::TokenWrongContentType => {
            assert_eq!(
                answer.header("content-type"),
                Some("text/plain; charset=utf-8")
            );
            assert!(json["access_token"].is_string());
        }
        Fault::TokenArray => assert!(json[0]["access_token"].is_string()),
        Fault::TokenBom => assert!(answer.body().starts_with(b"\xef\xbb\xbf{")),
        Fault::TokenGzip => {
            assert_eq!(answer.header("content-encoding"), Some("gzip"));
            assert!(answer.body().starts_with(&[0x1f, 0x8b]));
        }
        Fault::TokenDeep => assert!(answer.text().contains(&"[".repeat(10_000))),
        Fault::TokenTypeMac => assert_eq!(json["token_type"], "mac"),
        Fault::NoTokenType => {
            assert!(json.get("token_type").is_none() && json["id_token"].is_string());
        }
        Fault::NoAccessToken => {
            assert!(json.get("access_token").is_none() && json["id_token"].is_string());
        }
        Fault::AccessTokenNumber => assert!(json["access_token"].is_number()),
        Fault::EmptyAccessToken => assert_eq!(json["access_token"], ""),
        Fault::NoIdToken => {
            assert!(json.get("id_token").is_none() && json["access_token"].is_string());
        }
        Fault::IdTokenNumber => assert!(json["id_token"].is_number()),
        Fault::RefreshTokenNumber => assert!(json["refresh_token"].is_number()),
        Fault::ExpiresInString => assert_eq!(json["expires_in"], "3600"),
        Fault::ExpiresInNegative => assert_eq!(json["expires_in"], -1),
        Fault::ExpiresInInfinite => assert!(answer.text().contains("\"expires_in\":1e400")),
        Fault::DuplicateMember => assert_eq!(answer.text().matches("\"access_token\":").count(), 2),
        Fault::Token429InvalidGrant => {
            assert_eq!((status, &json["error"]), (429, &json!("invalid_grant")));
        }
        Fault::OktaJsonError => {
            assert!(status == 429 && json["errorCode"] == "E0000047" && reset.is_some());
        }
        Fault::RateLimitedWithoutReset => assert!(status == 429 && reset.is_none()),
        Fault::RateLimitedResetInPast => assert!(status == 429 && reset < Some(1_900_000_000 * 4)),
        Fault::RateLimitedResetAbsurd => assert!(status == 429 && reset > Some(4_000_000_000)),
        _ => panic!("nobody looks at {fault:?}"),
    }
}

#[tokio::test]
async fn the_resets_are_on_the_sides_of_now_that_they_say() {
    for (fault, sooner) in [
        (Fault::OktaJsonError, false),
        (Fault::RateLimitedResetInPast, true),
        (Fault::RateLimitedResetAbsurd, false),
    ] {
        let (provider, _, _, answer) = token_answer(fault.clone()).await;
        let reset: u64 = answer
            .header("x-rate-limit-reset")
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(reset < provider.now(), sooner, "{fault:?}");
    }
}

#[tokio::test]
async fn unusual_answers_that_are_right() {
    let (.., answer) = token_answer(Fault::NoRefreshToken).await;
    assert!(answer.json().get("refresh_token").is_none());
    let (.., answer) = token_answer(Fault::NoScopeInAnswer).await;
    assert!(answer.json().get("scope").is_none());
    let (.., answer) = token_answer(Fault::ExtraMembers).await;
    assert!(answer.json()["device_secret"].is_string());
    let (.., answer) = token_answer(Fault::ExpiresInFraction).await;
    assert_eq!(answer.json()["expires_in"], 3_599.5);
}

#[tokio::test]
async fn what_is_compressed_is_what_would_have_been_sent() {
    let (.., answer) = token_answer(Fault::TokenGzip).await;
    // Stored blocks: five bytes of head after the ten of the file's, and eight at the end (RFC 1951, RFC 1952).
    let bytes = answer.body();
    let inner: Value = serde_json::from_slice(&bytes[15..bytes.len() - 8]).unwrap();
    assert!(inner["access_token"].is_string());
    let length = u32::from_le_bytes(bytes[bytes.len() - 4..].try_into().unwrap());
    assert_eq!(length as usize, bytes.len() - 23);
}

#[tokio::test]
async fn an_answer_that_drips_is_whole_when_it_is_released() {
    let (provider, browser) = provider().await;
    let code = code(&browser).await;
    provider.set_fault(Fault::TokenDrip);
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
    assert_eq!(
        provider.issued().access_tokens.len(),
        1,
        "it was carried out"
    );
    let fresh = crate::relying_party::code(&browser).await;
    let (answer, ()) = tokio::join!(exchange(&browser, &fresh), async {
        while provider.issued().access_tokens.len() < 2 {
            tokio::task::yield_now().await;
        }
        provider.release();
    });
    assert!(answer.json()["id_token"].is_string());
}
