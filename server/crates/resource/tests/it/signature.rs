//! Whose signature counts: RFC 7515, RFC 8725, and keys that change.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_oidc::SigningAlg;
use cloakroom_resource::{MAX_TOKEN, TrustedIssuer};
use cloakroom_testkit::{Alg, Provider};
use serde_json::{Value, json};

use crate::support::World;

/// The parts of a good token.
fn parts(token: &str) -> (Value, Value, String) {
    let mut parts = token.split('.');
    let mut json = || {
        let part = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        serde_json::from_slice(&part).unwrap()
    };
    let (header, claims) = (json(), json());
    (header, claims, parts.next().unwrap().to_owned())
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test]
async fn unsigned_changed_and_cut_tokens_are_refused() {
    let world = World::new();
    let server = world.okta();
    let good = world.okta_token(json!({}));
    assert!(server.verify(&good).await.is_ok());
    let (header, mut claims, signature) = parts(&good);
    let (kid, whole) = (&header["kid"], claims.to_string());
    claims["groups"] = json!(["administrators"]);
    let with = |alg: &str| encode(&json!({"alg": alg, "kid": kid}).to_string());
    let (rs256, claims, whole) = (with("RS256"), encode(&claims.to_string()), encode(&whole));
    for (token, code) in [
        (format!("{}.{whole}.", with("none")), "jwt_unsigned"),
        (
            format!("{}.{whole}.{signature}", with("None")),
            "jwt_unsigned",
        ),
        (
            format!("{}.{whole}.{signature}", with("HS256")),
            "jwt_algorithm_not_allowed",
        ),
        (
            format!("{}.{whole}.{signature}", with("ES256")),
            "jwt_algorithm_not_allowed",
        ),
        (
            format!("{}.{whole}.{signature}", with("RS512")),
            "jwt_algorithm_not_allowed",
        ),
        (
            format!("{rs256}.{claims}.{signature}"),
            "jwt_invalid_signature",
        ),
        (format!("{rs256}.{whole}."), "jwt_invalid_signature"),
        (
            format!("{rs256}.{whole}.{}", "A".repeat(342)),
            "jwt_invalid_signature",
        ),
        (format!("{rs256}.{whole}.{signature}="), "jwt_encoding"),
        (format!("{rs256}.{whole}=.{signature}"), "jwt_encoding"),
        (format!("{rs256}.{whole}"), "token_opaque"),
        (format!("{rs256}.{whole}.{signature}.x"), "token_opaque"),
        (format!("{rs256}.{whole}.{signature}.x.y"), "jwt_encrypted"),
    ] {
        let denied = server.verify(&token).await.unwrap_err();
        assert_eq!(
            (denied.code(), denied.status().as_u16()),
            (code, 401),
            "{token}"
        );
    }
}

#[tokio::test]
async fn a_strangers_key_under_any_name_verifies_nothing() {
    let (world, other) = (World::new(), World::new());
    let server = world.okta();
    let (header, _, _) = parts(&world.okta_token(json!({})));
    // From now on another key than the one that our provider publishes.
    other.provider.rotate_key();
    for (named, code) in [
        (json!({}), "jwt_unknown_key"),
        (json!({"kid": "another"}), "jwt_unknown_key"),
        (json!({"kid": ""}), "jwt_unknown_key"),
        (json!({"kid": header["kid"]}), "jwt_invalid_signature"),
        (json!({"kid": 5}), "jwt_malformed_header"),
    ] {
        let foreign = other.okta_token_with(named.clone(), json!({}));
        assert_eq!(
            server.verify(&foreign).await.unwrap_err().code(),
            code,
            "{named}"
        );
    }
    // Keys and addresses of keys in the token itself are not looked at.
    let keys = other.provider.key_set();
    let key = keys["keys"].as_array().unwrap().last().unwrap().clone();
    let jku = format!("{}/v1/keys", other.provider.issuer());
    let embedded = json!({"kid": header["kid"], "jwk": key, "jku": jku});
    let foreign = other.okta_token_with(embedded, json!({}));
    assert_eq!(
        server.verify(&foreign).await.unwrap_err().code(),
        "jwt_invalid_signature"
    );
    assert_eq!(other.provider.counts().jwks, 0);
}

#[tokio::test]
async fn what_a_header_says_is_critical_must_be_understood_and_is_not() {
    let world = World::new();
    let server = world.okta();
    for header in [
        json!({"crit": ["exp"], "exp": 9}),
        json!({"crit": []}),
        json!({"b64": false}),
    ] {
        let token = world.okta_token_with(header.clone(), json!({}));
        assert_eq!(
            server.verify(&token).await.unwrap_err().code(),
            "jwt_critical_extension",
            "{header}"
        );
    }
}

#[tokio::test]
async fn a_member_that_is_there_twice_makes_a_token_unreadable_whoever_signed_it() {
    let world = World::new();
    let server = world.okta();
    let (header, claims, _) = parts(&world.okta_token(json!({})));
    let (header, claims) = (header.to_string(), claims.to_string());
    let with = |member: &str| claims.replacen('{', &format!("{{{member},"), 1);
    let issuer = world.provider.issuer();
    let deep = format!(r#""x":{}1{}"#, "[".repeat(40), "]".repeat(40));
    for (claims, code) in [
        (with(r#""aud":"api://default""#), "json_duplicate_member"),
        (with(r#""groups":[]"#), "json_duplicate_member"),
        (
            with(&format!(r#""iss":"{issuer}""#)),
            "json_duplicate_member",
        ),
        (with(r#""address":{"a":1,"a":2}"#), "json_duplicate_member"),
        (with(&deep), "json_too_deep"),
        (with(r#""x":1e999"#), "json_syntax"),
        (format!("[{claims}]"), "json_not_an_object"),
        (format!("{claims} {claims}"), "json_syntax"),
        (String::new(), "json_syntax"),
    ] {
        let token = world.provider.sign_text(&header, &claims);
        let denied = server.verify(&token).await.unwrap_err();
        assert_eq!(denied.code(), code, "{claims}");
    }
    let twice = header.replacen('{', r#"{"alg":"RS256","#, 1);
    let token = world.provider.sign_text(&twice, &claims);
    assert_eq!(server.verify(&token).await.unwrap_err().status(), 401);
    let token = world.provider.sign_text(&header, &with(r#""x":[1]"#));
    assert!(server.verify(&token).await.is_ok());
}

#[tokio::test]
async fn huge_tokens_are_not_read() {
    let world = World::new();
    let server = world.okta();
    let fits = world.okta_token(json!({"groups": vec!["a group of many"; 2_000]}));
    assert!(fits.len() > 32 * 1024 && fits.len() <= MAX_TOKEN);
    assert!(server.verify(&fits).await.is_ok());
    let huge = world.okta_token(json!({"groups": vec!["a group of many"; 4_000]}));
    assert!(huge.len() > MAX_TOKEN);
    assert_eq!(
        server.verify(&huge).await.unwrap_err().code(),
        "token_too_large"
    );
    let opaque = "a".repeat(MAX_TOKEN + 1);
    assert_eq!(
        server.verify(&opaque).await.unwrap_err().code(),
        "token_too_large"
    );
}

#[tokio::test]
async fn an_unknown_kid_leads_to_one_new_key_set_under_a_throttle() {
    let world = World::new();
    let server = world.okta();
    let old = world.okta_token(json!({}));
    server.verify(&old).await.unwrap();
    assert_eq!(world.provider.counts().jwks, 1);
    world.provider.rotate_key();
    server.verify(&world.okta_token(json!({}))).await.unwrap();
    server.verify(&old).await.unwrap();
    assert_eq!(world.provider.counts().jwks, 2);
    for _ in 0..20 {
        let unknown = world.okta_token_with(json!({"kid": "made up"}), json!({}));
        assert_eq!(
            server.verify(&unknown).await.unwrap_err().code(),
            "jwt_unknown_key"
        );
    }
    assert_eq!(world.provider.counts().jwks, 2);
    world.clock.advance(10);
    let unknown = world.okta_token_with(json!({"kid": "made up"}), json!({}));
    assert!(server.verify(&unknown).await.is_err());
    assert_eq!(world.provider.counts().jwks, 3);
}

#[tokio::test]
async fn a_key_that_was_withdrawn_verifies_nothing_once_its_set_is_too_old() {
    let world = World::new();
    let server = world.okta();
    let stolen = world.okta_token(json!({"exp": world.clock.now() + 90_000}));
    server.verify(&stolen).await.unwrap();
    world.provider.rotate_key();
    world.provider.withdraw_old_key();
    world.clock.advance(3_600);
    assert_eq!(
        server.verify(&stolen).await.unwrap_err().code(),
        "jwt_unknown_key"
    );
}

#[tokio::test]
async fn algorithms_are_those_of_the_profile_or_those_that_were_chosen() {
    for (alg, rfc9068, okta) in [
        (Alg::Rs256, true, true),
        (Alg::Ps256, true, false),
        (Alg::Es256, true, false),
        (Alg::Ed25519, true, false),
    ] {
        let world = World::of(Provider::builder().algorithm(alg).offline());
        let token = world.rfc9068_token(json!({"typ": "at+jwt"}), json!({}));
        assert_eq!(
            world.rfc9068().verify(&token).await.is_ok(),
            rfc9068,
            "{alg:?}"
        );
        let token = world.okta_token(json!({}));
        assert_eq!(world.okta().verify(&token).await.is_ok(), okta, "{alg:?}");
    }
    let world = World::new();
    let fapi = [SigningAlg::PS256, SigningAlg::ES256, SigningAlg::EdDSA];
    let server = world.server(TrustedIssuer::rfc9068(world.op()).algorithms(&fapi));
    let token = world.rfc9068_token(json!({"typ": "at+jwt"}), json!({}));
    assert_eq!(
        server.verify(&token).await.unwrap_err().code(),
        "jwt_algorithm_not_allowed"
    );
}
