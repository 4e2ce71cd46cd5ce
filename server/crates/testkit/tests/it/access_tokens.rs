//! Access tokens in each of their forms: what they say, and what introspection (RFC 7662) says of them.

use cloakroom_testkit::{AccessTokenForm, Provider};
use serde_json::{Value, json};

use crate::relying_party::*;
use crate::tokens::{published, verifies};

async fn issued(form: AccessTokenForm) -> (Provider, String, Value) {
    let (provider, browser) = started(Provider::builder().access_tokens(form)).await;
    let sign_in = tokens(&browser).await;
    let token = text(&sign_in, "access_token").to_owned();
    let answer = browser
        .post_form("v1/introspect", &[("token", token.as_str())])
        .bare()
        .header("authorization", &basic())
        .await
        .json();
    assert_eq!(
        (&answer["active"], &answer["iss"], &answer["aud"]),
        (
            &json!(true),
            &json!(provider.issuer()),
            &json!("api://default")
        )
    );
    assert_eq!(answer["groups"], json!(["Everyone", "staff"]));
    assert!(answer["auth_time"].is_u64() && answer["exp"].is_u64());
    (provider, token, answer)
}

#[tokio::test]
async fn oktas_and_rfc_9068s_name_the_same_things_differently() {
    let (provider, okta, _) = issued(AccessTokenForm::Okta).await;
    let (header, claims) = decoded(&okta);
    assert_eq!(header.get("typ"), None);
    assert_eq!(claims["cid"], provider.client_id());
    assert_eq!(
        claims["scp"],
        json!(["openid", "profile", "email", "groups", "offline_access"])
    );
    assert_eq!((claims.get("client_id"), claims.get("scope")), (None, None));

    let (provider, rfc9068, introspected) = issued(AccessTokenForm::Rfc9068).await;
    let (header, claims) = decoded(&rfc9068);
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(claims["client_id"], provider.client_id());
    assert_eq!(claims["scope"], SCOPE);
    assert_eq!((claims.get("cid"), claims.get("scp")), (None, None));
    assert_eq!(claims["sub"], introspected["sub"]);
    let jwk = published(&provider, &header["kid"]).unwrap();
    assert!(verifies(&rfc9068, &jwk, "RS256"));
}

#[tokio::test]
async fn an_opaque_one_says_nothing_and_is_good_for_userinfo() {
    let (provider, browser) =
        started(Provider::builder().access_tokens(AccessTokenForm::Opaque)).await;
    let sign_in = tokens(&browser).await;
    let token = text(&sign_in, "access_token");
    assert!(!token.contains('.'));
    let answer = browser
        .get("v1/userinfo")
        .bare()
        .header("authorization", &format!("Bearer {token}"))
        .await;
    assert_eq!(
        (answer.status(), answer.json()["sub"].as_str()),
        (200, Some("00u1test"))
    );
    provider.assert_clean();
}
