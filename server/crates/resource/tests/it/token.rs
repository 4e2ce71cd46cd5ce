//! Which tokens are good: RFC 9068, Okta's profile, and the scenarios of okta-oidc-tck.

use cloakroom_oidc::client::{HttpClient, Provider as Op};
use cloakroom_oidc::{Issuer, SigningAlg};
use cloakroom_resource::{BuildError, ResourceServer, ResourceServerBuilder, TrustedIssuer};
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn an_okta_access_token_is_good() {
    let world = World::new();
    let token = world
        .okta()
        .verify(&world.okta_token(json!({})))
        .await
        .unwrap();
    assert_eq!(token.subject, "ada@example.com");
    assert_eq!(token.client_id, "client");
    assert!(token.has_scope("messages.read") && !token.has_scope("messages"));
    assert!(!format!("{token:?}").contains("ada"));
}

#[tokio::test]
async fn every_claim_of_an_okta_access_token_is_checked() {
    let world = World::new();
    let (server, now) = (world.okta(), world.clock.now());
    for (members, code) in [
        (
            json!({"iss": "https://elsewhere.example.com"}),
            "token_unknown_issuer",
        ),
        (json!({"iss": null}), "token_claim"),
        (json!({"iss": 5}), "token_claim"),
        (json!({"aud": "api://other"}), "token_audience_mismatch"),
        (json!({"aud": null}), "token_claim"),
        (json!({"aud": "client"}), "token_not_an_access_token"),
        (json!({"exp": null}), "token_claim"),
        (json!({"exp": "soon"}), "token_claim"),
        (json!({"exp": now - 60}), "token_expired"),
        (json!({"nbf": now + 3600}), "token_not_yet_valid"),
        (json!({"iat": now + 3600}), "token_not_yet_valid"),
        (json!({"iat": null}), "token_claim"),
        (json!({"jti": null}), "token_claim"),
        (json!({"sub": null}), "token_claim"),
        (json!({"cid": null}), "token_claim"),
        (
            json!({"cid": null, "scp": null}),
            "token_not_an_access_token",
        ),
        (json!({"scp": null}), "token_claim"),
        (json!({"scp": "openid"}), "token_claim"),
        (json!({"events": {}}), "token_not_an_access_token"),
        (json!({"nonce": "n"}), "token_not_an_access_token"),
        (json!({"at_hash": "h"}), "token_not_an_access_token"),
        (json!({"cnf": {"jkt": "x"}}), "token_sender_constrained"),
        (
            json!({"cnf": {"x5t#S256": "x"}}),
            "token_sender_constrained",
        ),
        (
            json!({"cnf": null, "token_type": "DPoP"}),
            "token_sender_constrained",
        ),
    ] {
        let denied = server
            .verify(&world.okta_token(members.clone()))
            .await
            .unwrap_err();
        assert_eq!(denied.code(), code, "{members}");
        assert_eq!(denied.error(), Some("invalid_token"), "{members}");
    }
    for (name, value) in [
        ("nbf", json!(now + 61)),
        ("iat", json!(now + 61)),
        ("exp", json!(-1)),
    ] {
        let token = world.okta_token(json!({name: value}));
        assert!(server.verify(&token).await.is_err(), "{name}");
    }
    let within = json!({"exp": now - 59, "nbf": now + 60, "iat": now + 60});
    assert!(server.verify(&world.okta_token(within)).await.is_ok());
}

#[tokio::test]
async fn rfc_9068_needs_its_type_and_all_its_claims() {
    let world = World::new();
    let server = world.rfc9068();
    for typ in ["at+jwt", "application/at+jwt", "AT+JWT"] {
        let token = world.rfc9068_token(json!({"typ": typ}), json!({}));
        assert_eq!(
            server.verify(&token).await.unwrap().scopes.len(),
            2,
            "{typ}"
        );
    }
    for header in [
        json!({}),
        json!({"typ": "JWT"}),
        json!({"typ": "logout+jwt"}),
    ] {
        let denied = server.verify(&world.rfc9068_token(header, json!({}))).await;
        assert_eq!(denied.unwrap_err().code(), "jwt_unexpected_type");
    }
    for name in ["aud", "exp", "sub", "client_id", "iat", "jti"] {
        let token = world.rfc9068_token(json!({"typ": "at+jwt"}), json!({name: null}));
        assert_eq!(
            server.verify(&token).await.unwrap_err().code(),
            "token_claim",
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_provider_that_is_down_makes_no_token_bad() {
    let world = World::new();
    let server = world.okta();
    world.set_down(true);
    let denied = server
        .verify(&world.okta_token(json!({})))
        .await
        .unwrap_err();
    assert_eq!(denied.status(), 503);
}

#[test]
fn what_cannot_work_is_refused_at_the_start() {
    let world = World::new();
    let clock = world.clock.as_fn();
    let at = |issuer: &str| {
        let http = HttpClient::over(|_| async { panic!("nothing is fetched") });
        Op::new(Issuer::parse(issuer).unwrap(), http, world.clock.as_fn())
    };
    let build = |issuers: Vec<TrustedIssuer>| {
        let builder = ResourceServer::builder(["api"], clock.clone());
        let builder = issuers
            .into_iter()
            .fold(builder, ResourceServerBuilder::issuer);
        builder.build().map(|_| ())
    };
    for org in [
        TrustedIssuer::okta(at("https://id.example.com")),
        TrustedIssuer::rfc9068(at("https://dev-1.okta.com")),
    ] {
        assert!(matches!(build(vec![org]), Err(BuildError::OktaOrg(_))));
    }
    assert!(build(vec![TrustedIssuer::rfc9068(at("https://notokta.com"))]).is_ok());
    assert_eq!(build(vec![]), Err(BuildError::NoIssuer));
    let twice = || TrustedIssuer::rfc9068(at("https://a.example.com"));
    assert!(matches!(
        build(vec![twice(), twice()]),
        Err(BuildError::IssuerTwice(_))
    ));
    let symmetric = twice().algorithms(&[SigningAlg::HS256]);
    assert!(matches!(
        build(vec![symmetric]),
        Err(BuildError::Algorithms(_))
    ));
}
