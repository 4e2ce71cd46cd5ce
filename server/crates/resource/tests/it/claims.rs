//! What `@okta/jwt-verifier`'s own tests ask of claims, case by case.

use cloakroom_resource::{BuildError, Requirement, ResourceServer, TrustedIssuer};
use serde_json::{Value, json};

use crate::support::World;

async fn audience(world: &World, claim: Value, expected: &[&str]) -> Result<(), &'static str> {
    let builder = ResourceServer::builder(expected.iter().copied(), world.clock.as_fn());
    let server = builder
        .issuer(TrustedIssuer::okta(world.op()))
        .build()
        .unwrap();
    let token = world.okta_token(json!({"aud": claim}));
    server
        .verify(&token)
        .await
        .map(|_| ())
        .map_err(|denied| denied.code())
}

#[tokio::test]
async fn audiences_one_or_several_meet_expectations_one_or_several() {
    let world = World::new();
    let mismatch = Err("token_audience_mismatch");
    for (claim, expected, result) in [
        (json!("api://a"), &["api://a"][..], Ok(())),
        (json!("api://a"), &["api://b"], mismatch),
        (json!("api://a"), &["api://b", "api://a"], Ok(())),
        (json!("api://a"), &["api://b", "api://c"], mismatch),
        (json!(["api://a", "api://x"]), &["api://a"], Ok(())),
        (json!(["api://a", "api://x"]), &["api://b"], mismatch),
        (
            json!(["api://a", "api://x"]),
            &["api://b", "api://x"],
            Ok(()),
        ),
        (
            json!(["api://a", "api://x"]),
            &["api://b", "api://c"],
            mismatch,
        ),
        // Whole names, letter by letter.
        (json!("api://a"), &["api://A"], mismatch),
        (json!("api://a"), &["api://"], mismatch),
        (json!("api://a api://b"), &["api://b"], mismatch),
        (json!([]), &["api://a"], mismatch),
        (json!(["api://a", 5]), &["api://a"], Err("token_claim")),
        (json!({"api://a": true}), &["api://a"], Err("token_claim")),
    ] {
        assert_eq!(
            audience(&world, claim.clone(), expected).await,
            result,
            "{claim} {expected:?}"
        );
    }
}

#[test]
fn an_empty_expectation_is_no_expectation() {
    let world = World::new();
    for (servers, issuers) in [
        (vec![], None),
        (vec![""], None),
        (vec!["api://a", ""], None),
        (vec!["api://a"], Some(vec![])),
        (vec!["api://a"], Some(vec![""])),
    ] {
        let issuer = TrustedIssuer::okta(world.op());
        let issuer = match issuers {
            Some(names) => issuer.audiences(names),
            None => issuer,
        };
        let builder = ResourceServer::builder(servers, world.clock.as_fn()).issuer(issuer);
        assert_eq!(builder.build().map(|_| ()), Err(BuildError::NoAudience));
    }
}

#[tokio::test]
async fn claims_flat_or_arrays_include_one_value_or_several() {
    let world = World::new();
    let server = world.okta();
    for (claim, wanted, met) in [
        (json!("Everyone"), &["Everyone"][..], true),
        (json!("Everyone"), &["Admins"], false),
        (json!("Everyone"), &["Everyone", "Admins"], false),
        (json!("Everyone, Admins"), &["Everyone", "Admins"], false),
        (json!(["Everyone", "Admins"]), &["Admins"], true),
        (json!(["Everyone", "Admins"]), &["Owners"], false),
        (
            json!(["Everyone", "Admins", "Owners"]),
            &["Owners", "Everyone"],
            true,
        ),
        (
            json!(["Everyone", "Admins"]),
            &["Everyone", "Owners"],
            false,
        ),
        (json!("Everyone"), &["Every"], false),
        (json!(["everyone"]), &["Everyone"], false),
        (json!(null), &["Everyone"], false),
    ] {
        let token = server
            .verify(&world.okta_token(json!({"groups": claim})))
            .await
            .unwrap();
        let requirement = Requirement::new().includes("groups", wanted.iter().copied());
        let denied = requirement
            .check(&token, world.clock.now())
            .map_err(|denied| denied.code());
        let expected = if met {
            Ok(())
        } else {
            Err("insufficient_claim")
        };
        assert_eq!(denied, expected, "{claim} {wanted:?}");
    }
}

#[tokio::test]
async fn a_claim_may_be_of_any_type() {
    let world = World::new();
    let members = json!({"level": 3, "admin": true, "list": [1, [2]], "tree": {"a": 1}});
    let token = world
        .okta()
        .verify(&world.okta_token(members))
        .await
        .unwrap();
    let is = |name: &str, value: Value| {
        let requirement = Requirement::new().claim(name, value);
        requirement.check(&token, world.clock.now()).is_ok()
    };
    assert!(is("level", json!(3)) && !is("level", json!("3")));
    assert!(is("admin", json!(true)) && !is("admin", json!(1)));
    assert!(is("list", json!(1)) && is("list", json!([1, [2]])) && !is("list", json!([2])));
    assert!(is("tree", json!({"a": 1})) && !is("tree", json!({})));
    assert!(!is("absent", json!(null)));
}
