//! Metadata and key sets: conditional requests, RFC 8414, rotation, decoys; and every fault of both: the table is walked, and a
//! fault that nobody looks at fails.

use cloakroom_testkit::provider::{Builder, Decoy, OAuthMetadata};
use cloakroom_testkit::{Alg, Effect, Fault, Needs, Provider};
use serde_json::{Value, json};

use crate::relying_party::*;
use crate::tokens::{published, verifies};

const OPENID: &str = ".well-known/openid-configuration";

#[tokio::test]
async fn what_has_not_changed_is_answered_304_and_counted() {
    let (provider, browser) = provider().await;
    for path in [OPENID, "v1/keys"] {
        let first = browser.get(path).bare().await;
        let tag = first.header("etag").unwrap().to_owned();
        assert_eq!(
            first.header("cache-control"),
            Some("max-age=3600, must-revalidate")
        );
        let again = browser.get(path).bare().header("if-none-match", &tag).await;
        assert_eq!((again.status(), again.body().len()), (304, 0));
        assert_eq!(again.header("etag"), Some(tag.as_str()));
        let other = browser
            .get(path)
            .bare()
            .header("if-none-match", "\"other\"")
            .await;
        assert_eq!(other.status(), 200);
    }
    let counts = provider.counts();
    assert_eq!(
        (counts.discovery, counts.jwks, counts.not_modified),
        (3, 3, 2)
    );
    // A rotation is a change.
    let tag = browser
        .get("v1/keys")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    provider.publish_next_key();
    provider.set_keys_cache_control("max-age=15");
    let changed = browser
        .get("v1/keys")
        .bare()
        .header("if-none-match", &tag)
        .await;
    assert_eq!(
        (changed.status(), changed.header("cache-control")),
        (200, Some("max-age=15"))
    );

    let (_provider, browser) = started(Provider::builder().without_etags()).await;
    assert_eq!(browser.get(OPENID).await.header("etag"), None);
}

#[tokio::test]
async fn every_answer_has_oktas_limits_where_that_was_chosen() {
    let (_provider, browser) = started(Provider::builder().rate_limit_headers()).await;
    for path in [OPENID, "v1/keys"] {
        assert_eq!(
            browser.get(path).await.header("x-rate-limit-limit"),
            Some("600")
        );
    }
    assert_eq!(
        exchange(&browser, "unknown")
            .await
            .header("x-rate-limit-remaining"),
        Some("599")
    );
}

#[tokio::test]
async fn the_oauth_document_is_where_it_was_put_and_complete() {
    let origin_path = "/.well-known/oauth-authorization-server/oauth2/default";
    for (place, inserted, appended) in [
        (OAuthMetadata::Absent, 404, 404),
        (OAuthMetadata::PathInserted, 200, 404),
        (OAuthMetadata::Appended, 404, 200),
    ] {
        let (provider, browser) = started(
            Provider::builder()
                .oauth_metadata(place)
                .openid_metadata_without(["jwks_uri", "revocation_endpoint"]),
        )
        .await;
        let openid = browser.get(OPENID).await.json();
        assert!(openid.get("jwks_uri").is_none() && openid.get("revocation_endpoint").is_none());
        let at_origin = browser
            .get(format!("{}{origin_path}", provider.origin()))
            .await;
        let under_issuer = browser.get(".well-known/oauth-authorization-server").await;
        assert_eq!(
            (at_origin.status(), under_issuer.status()),
            (inserted, appended),
            "{place:?}"
        );
        for found in [at_origin, under_issuer] {
            match found.status() {
                200 => {
                    assert_eq!(found.json()["issuer"], provider.issuer());
                    assert!(found.json()["jwks_uri"].is_string());
                }
                _ => assert_eq!(found.json()["errorCode"], "E0000007"),
            }
        }
        assert_eq!(provider.counts().oauth_metadata, 2);
        provider.assert_clean();
    }
    let builder = Provider::builder()
        .without_openid_metadata()
        .oauth_metadata(OAuthMetadata::PathInserted);
    let (_provider, browser) = started(builder).await;
    assert_eq!(browser.get(OPENID).await.status(), 404);
}

#[tokio::test]
async fn a_rotation_goes_step_by_step() {
    let (provider, browser) = provider().await;
    let kid = async || decoded(text(&tokens(&browser).await, "id_token")).0["kid"].clone();
    assert_eq!(kid().await, "RS256-current");
    provider.publish_next_key();
    assert_eq!(
        kid().await,
        "RS256-current",
        "published ahead, and signs nothing yet"
    );
    assert!(published(&provider, &json!("RS256-next")).is_some());
    provider.rotate_key();
    assert_eq!(kid().await, "RS256-next");
    assert!(published(&provider, &json!("RS256-current")).is_some());
    provider.withdraw_old_key();
    assert_eq!(published(&provider, &json!("RS256-current")), None);
    let logout = provider.sign(&serde_json::Map::new(), &serde_json::Map::new());
    assert_eq!(decoded(&logout).0["kid"], "RS256-next");
}

#[tokio::test]
async fn decoys_are_what_they_say_and_the_key_among_them_verifies() {
    let (provider, browser) = started(Provider::builder().decoys(Decoy::all())).await;
    let set = provider.key_set();
    let keys = set["keys"].as_array().unwrap();
    let of = |kid: &str| {
        keys.iter()
            .find(|key| key["kid"] == kid)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(of("decoy-enc")["use"], "enc");
    assert_eq!(
        (
            &of("decoy-key-ops")["key_ops"],
            of("decoy-key-ops").get("use")
        ),
        (&json!(["encrypt"]), None)
    );
    assert_eq!(of("decoy-oct")["kty"], "oct");
    assert_eq!(
        of("RS256-1024-bits")["n"].as_str().unwrap().len(),
        171,
        "1,024 bits"
    );
    assert_eq!(of("decoy-kty")["kty"], "urn:example:unknown");
    assert_eq!(of("decoy-crv")["crv"], "urn:example:curve");
    assert!(of("decoy-incomplete").get("x").is_none());
    assert!(keys.contains(&json!("not a key")));
    let same: Vec<_> = keys
        .iter()
        .filter(|key| key["kid"] == "RS256-current")
        .collect();
    assert_eq!(
        same.iter().map(|key| &key["kty"]).collect::<Vec<_>>(),
        ["EC", "RSA"]
    );
    assert!(
        keys.iter()
            .any(|key| key.is_object() && key.get("kid").is_none())
    );
    let token = tokens(&browser).await;
    assert!(verifies(text(&token, "id_token"), same[1], "RS256"));

    let (provider, _browser) = started(
        Provider::builder()
            .only_the_signing_key()
            .algorithm(Alg::Es384),
    )
    .await;
    assert_eq!(provider.key_set()["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_fault_of_metadata_and_key_set_does_what_it_says() {
    for fault in Fault::every() {
        if fault.needs() != Needs::FreshStart {
            continue;
        }
        let (provider, browser) = provider().await;
        provider.set_fault(fault.clone());
        let path = if fault.effect() == Effect::NoStart {
            OPENID
        } else {
            "v1/keys"
        };
        let answer = browser.get(path).bare().await;
        let json: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let html = answer.header("content-type") == Some("text/html; charset=utf-8");
        let keys = json["keys"].as_array().map_or(0, Vec::len);
        match &fault {
            Fault::DiscoveryIssuerMismatch => {
                assert_eq!(json["issuer"], "https://attacker.example/oauth2/default");
            }
            Fault::DiscoveryDown | Fault::JwksDown => assert_eq!(answer.status(), 503),
            Fault::MetadataWithout(member) => {
                assert!(json.get(member).is_none() && json.is_object());
            }
            Fault::MetadataHttpEndpoint => {
                assert!(
                    json["token_endpoint"]
                        .as_str()
                        .unwrap()
                        .starts_with("http://attacker.example/")
                );
            }
            Fault::MetadataTrailingSlash => {
                assert_eq!(json["issuer"], format!("{}/", provider.issuer()));
            }
            Fault::MetadataHtml => assert!(html && json["issuer"].is_string()),
            Fault::MetadataNotJson => assert!(!html && json.is_null()),
            Fault::MetadataArray => assert!(json[0]["issuer"].is_string()),
            Fault::MetadataRedirect | Fault::JwksRedirect => {
                assert_eq!(
                    answer.location().unwrap().host_str(),
                    Some("attacker.example")
                );
            }
            Fault::MetadataHuge | Fault::JwksHuge => assert!(answer.body().len() > 2_000_000),
            Fault::MetadataDuplicate => assert_eq!(answer.text().matches("\"issuer\":").count(), 2),
            Fault::MetadataUnknown => {
                assert_eq!(
                    (answer.status(), &json["errorCode"]),
                    (404, &json!("E0000007"))
                );
            }
            Fault::JwksHtml => assert!(html && json.is_null()),
            Fault::JwksEmpty => assert!(keys == 0 && json["keys"].is_array()),
            Fault::JwksOnlyDecoys => {
                let rsa = |key: &&Value| key["kty"] == "RSA" && key["kid"] == "RS256-current";
                assert!(keys > 5 && json["keys"].as_array().unwrap().iter().find(rsa).is_none());
            }
            _ => panic!("nobody looks at {fault:?}"),
        }
    }
}

#[tokio::test]
async fn builders_begin_with_the_same_choices() {
    // A builder by default and the provider's own are one.
    let provider = Builder::default().offline();
    assert_eq!(
        (
            provider.client_id().as_str(),
            provider.client_secret().as_str()
        ),
        (Provider::CLIENT_ID, Provider::CLIENT_SECRET)
    );
}
