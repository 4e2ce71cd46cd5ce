//! Userinfo, signed or not, and every fault of it: the table is walked, and a fault that nobody looks at fails.

use cloakroom_testkit::{Alg, Browser, Effect, Fault, Provider, Response};
use serde_json::{Value, json};

use crate::relying_party::*;
use crate::tokens::{published, verifies};

async fn ask(browser: &Browser, access_token: &str) -> Response {
    let bearer = format!("Bearer {access_token}");
    browser
        .get("v1/userinfo")
        .bare()
        .header("authorization", &bearer)
        .await
}

#[tokio::test]
async fn signed_userinfo_verifies_in_every_algorithm_and_names_issuer_and_audience() {
    for alg in Alg::all() {
        let (provider, browser) = started(Provider::builder().signed_userinfo(alg)).await;
        let metadata = browser.get(".well-known/openid-configuration").await.json();
        assert_eq!(
            metadata["userinfo_signing_alg_values_supported"],
            json!([alg.name()])
        );
        let token = text(&tokens(&browser).await, "access_token").to_owned();
        let answer = ask(&browser, &token).await;
        assert_eq!(answer.header("content-type"), Some("application/jwt"));
        let (header, claims) = decoded(&answer.text());
        assert_eq!(header["alg"], alg.name());
        assert_eq!(
            (&claims["iss"], &claims["aud"], &claims["sub"]),
            (
                &json!(provider.issuer()),
                &json!(Provider::CLIENT_ID),
                &json!("00u1test")
            )
        );
        let jwk = if alg.name().starts_with("HS") {
            json!({"secret": Provider::CLIENT_SECRET})
        } else {
            published(&provider, &header["kid"]).expect("the key is published")
        };
        assert!(verifies(&answer.text(), &jwk, alg.name()), "{alg:?}");
        provider.assert_clean();
    }
}

#[tokio::test]
async fn every_fault_of_userinfo_does_what_it_says() {
    let (provider, browser) = provider().await;
    let sign_in = tokens(&browser).await;
    let (token, id_token) = (text(&sign_in, "access_token"), text(&sign_in, "id_token"));
    for fault in Fault::every() {
        let about_userinfo =
            matches!(fault.effect(), Effect::UserinfoUnusable) || fault == Fault::UserinfoIsIdToken;
        if !about_userinfo || fault == Fault::OtherSub {
            continue;
        }
        provider.set_fault(fault.clone());
        let answer = ask(&browser, token).await;
        let json: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let jwt = answer.text();
        let (header, claims) = try_decoded(&jwt).unwrap_or_default();
        let good = |header: &Value| {
            published(&provider, &header["kid"]).is_some_and(|jwk| verifies(&jwt, &jwk, "RS256"))
        };
        match &fault {
            Fault::UserinfoWrongSub => assert_eq!(json["sub"], "00u-somebody-else"),
            Fault::Userinfo401 => assert_eq!(answer.status(), 401),
            Fault::Userinfo403 => {
                assert_eq!(answer.status(), 403);
                assert!(
                    answer
                        .header("www-authenticate")
                        .unwrap()
                        .contains("insufficient_scope")
                );
            }
            Fault::Userinfo500 => assert_eq!(answer.status(), 500),
            Fault::UserinfoHtml => assert_eq!(
                answer.header("content-type"),
                Some("text/html; charset=utf-8")
            ),
            Fault::UserinfoNoSub => assert!(json.get("sub").is_none() && json["name"].is_string()),
            Fault::UserinfoNumericSub => assert!(json["sub"].is_number()),
            Fault::UserinfoArray => assert!(json[0]["sub"].is_string()),
            Fault::UserinfoEmpty => assert_eq!((answer.status(), answer.body().len()), (200, 0)),
            Fault::UserinfoWrongContentType => {
                assert!(json["sub"].is_string());
                assert_eq!(
                    answer.header("content-type"),
                    Some("text/plain; charset=utf-8")
                );
            }
            Fault::UserinfoDuplicateSub => assert_eq!(jwt.matches("\"sub\":").count(), 2),
            Fault::UserinfoHuge => assert!(answer.body().len() > 2_000_000),
            Fault::UserinfoRedirect => {
                assert!(answer.status() == 307 && answer.location().is_some());
            }
            Fault::UserinfoBadSignature => assert!(claims["sub"] == "00u1test" && !good(&header)),
            Fault::UserinfoAlgNone => {
                assert!(header == json!({"alg": "none"}) && jwt.ends_with('.'));
            }
            Fault::UserinfoAlgHs256WithPublicKey => assert_eq!(header["alg"], "HS256"),
            Fault::UserinfoWrongIss => {
                assert!(
                    good(&header) && claims["iss"] == "https://attacker.example/oauth2/default"
                );
            }
            Fault::UserinfoWrongAud => assert!(good(&header) && claims["aud"] == "another-client"),
            Fault::UserinfoUnknownKid => assert_eq!(published(&provider, &header["kid"]), None),
            Fault::UserinfoExpired => {
                assert!(good(&header) && claims["exp"].as_u64().unwrap() < provider.now());
            }
            Fault::UserinfoSignedWrongSub => {
                assert!(good(&header) && claims["sub"] == "00u-somebody-else");
            }
            Fault::UserinfoEncrypted => assert_eq!(jwt.split('.').count(), 5),
            Fault::UserinfoIsIdToken => assert_eq!(jwt, id_token),
            _ => panic!("nobody looks at {fault:?}"),
        }
    }
    provider.assert_clean();
}
