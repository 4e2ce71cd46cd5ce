//! The provider in process: the same answers without a network.

use bytes::Bytes;
use cloakroom_testkit::{Fault, Provider};
use http::Request;
use serde_json::Value;

use crate::relying_party::*;

fn query(params: &[(&'static str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish()
}

async fn signed_in(provider: &Provider) -> Value {
    let address = format!(
        "{}/v1/authorize?{}",
        provider.issuer(),
        query(&authorization_request())
    );
    let answer = provider
        .answer(Request::get(address).body(Bytes::new()).unwrap())
        .await;
    let location = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    let code = location
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    let fields = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(exchange_fields(&code))
        .finish();
    let request = Request::post(format!("{}/v1/token", provider.issuer()))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", basic())
        .body(Bytes::from(fields))
        .unwrap();
    let answer = provider.answer(request).await;
    assert_eq!(answer.status(), 200);
    serde_json::from_slice(answer.body()).unwrap()
}

#[tokio::test]
async fn a_sign_in_works_without_a_network() {
    let provider = Provider::offline();
    provider.register_app("http://localhost:3000");
    assert_eq!(
        provider.issuer(),
        "https://op.testkit.example/oauth2/default"
    );
    let tokens = signed_in(&provider).await;
    let request = Request::get(format!("{}/v1/userinfo", provider.issuer()))
        .header(
            "authorization",
            format!("Bearer {}", text(&tokens, "access_token")),
        )
        .body(Bytes::new())
        .unwrap();
    let userinfo = provider.answer(request).await;
    let userinfo: Value = serde_json::from_slice(userinfo.body()).unwrap();
    assert_eq!(userinfo["sub"], "00u1test");
    assert_eq!(
        decoded(text(&tokens, "id_token")).1["iss"],
        provider.issuer()
    );
    provider.assert_clean();
    assert_eq!(
        (provider.counts().token, provider.counts().userinfo),
        (1, 1)
    );
}

#[tokio::test]
async fn other_addresses_are_not_answered() {
    let provider = Provider::offline();
    for address in [
        "https://attacker.example/oauth2/default/v1/keys",
        "http://op.testkit.example/oauth2/default/v1/keys",
        "/oauth2/default/v1/keys",
    ] {
        let answer = provider
            .answer(Request::get(address).body(Bytes::new()).unwrap())
            .await;
        assert_eq!(answer.status(), 502, "{address}");
    }
    assert_eq!(provider.protocol_errors().len(), 3);
    assert_eq!(provider.counts().jwks, 0);
}

#[tokio::test]
async fn a_provider_with_a_network_answers_in_process_too() {
    let (provider, browser) = provider().await;
    let address = format!("{}/v1/keys", provider.issuer());
    let here = provider
        .answer(Request::get(&address).body(Bytes::new()).unwrap())
        .await;
    assert_eq!(here.body(), browser.get(&address).await.body());
}

#[tokio::test]
async fn an_answer_that_is_lost_is_shorter_than_it_says() {
    let provider = Provider::offline();
    provider.register_app("http://localhost:3000");
    let address = format!(
        "{}/v1/authorize?{}",
        provider.issuer(),
        query(&authorization_request())
    );
    let answer = provider
        .answer(Request::get(address).body(Bytes::new()).unwrap())
        .await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    provider.set_fault(Fault::TokenAnswerLost);
    let code = url::Url::parse(&location).unwrap();
    let code = code
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    let fields = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(exchange_fields(&code))
        .finish();
    let request = Request::post(format!("{}/v1/token", provider.issuer()))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", basic())
        .body(Bytes::from(fields))
        .unwrap();
    let answer = provider.answer(request).await;
    let promised: usize = answer.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(answer.body().len() < promised);
    assert_eq!(
        provider.issued().access_tokens.len(),
        1,
        "it was carried out"
    );
}
