//! The provider's metadata: what is used, and what is refused.

use cloakroom_oidc::{Issuer, JsonError, MetadataError, ProviderMetadata, SigningAlg};
use serde_json::{Value, json};

use crate::support::{ISSUER, document, document_with, metadata, metadata_with};

fn refusal(members: Value) -> MetadataError {
    let issuer = Issuer::parse(ISSUER).unwrap();
    ProviderMetadata::parse(&issuer, document_with(members).to_string().as_bytes()).unwrap_err()
}

#[test]
fn oidcc_client_test_discovery_openid_config() {
    let metadata = metadata();
    assert_eq!(metadata.issuer, ISSUER);
    assert_eq!(
        metadata.token_endpoint.as_str(),
        format!("{ISSUER}/v1/token")
    );
    assert_eq!(
        metadata.userinfo_endpoint.as_ref().unwrap().path(),
        "/oauth2/default/v1/userinfo"
    );
    assert_eq!(metadata.id_token_signing_alg_values_supported, ["RS256"]);
    assert!(!metadata.authorization_response_iss_parameter_supported);
    assert!(metadata.lists_scope("offline_access") && !metadata.lists_scope("groups"));
}

#[test]
fn oidcc_client_test_discovery_issuer_mismatch() {
    for other in [
        format!("{ISSUER}/"),
        ISSUER.to_uppercase(),
        ISSUER.replace("https", "http"),
        "https://evil.example".to_owned(),
    ] {
        assert_eq!(
            refusal(json!({ "issuer": other })),
            MetadataError::IssuerMismatch { found: other }
        );
    }
}

#[test]
fn required_members_are_required() {
    for name in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
    ] {
        assert_eq!(
            refusal(json!({ name: null })),
            MetadataError::MissingMember(name)
        );
        assert_eq!(refusal(json!({ name: 1 })), MetadataError::WrongType(name));
    }
}

#[test]
fn what_uncertified_providers_leave_out_has_a_default_but_counts_where_it_is_said() {
    let mut document = document();
    for name in [
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    ] {
        document[name] = Value::Null;
    }
    let issuer = Issuer::parse(ISSUER).unwrap();
    let metadata = ProviderMetadata::parse(&issuer, document.to_string().as_bytes()).unwrap();
    assert_eq!(
        SigningAlg::default_for(&metadata.id_token_signing_alg_values_supported),
        [SigningAlg::RS256]
    );
    for name in [
        "response_types_supported",
        "id_token_signing_alg_values_supported",
    ] {
        assert_eq!(refusal(json!({ name: 1 })), MetadataError::WrongType(name));
    }
}

#[test]
fn optional_members_are_optional_and_null_counts_as_absent() {
    let mut document = document();
    for name in [
        "userinfo_endpoint",
        "end_session_endpoint",
        "revocation_endpoint",
        "scopes_supported",
    ] {
        document[name] = Value::Null;
    }
    let issuer = Issuer::parse(ISSUER).unwrap();
    let metadata = ProviderMetadata::parse(&issuer, document.to_string().as_bytes()).unwrap();
    assert!(metadata.userinfo_endpoint.is_none() && metadata.end_session_endpoint.is_none());
    assert!(metadata.revocation_endpoint.is_none() && metadata.scopes_supported.is_none());
    assert_eq!(
        refusal(json!({"authorization_response_iss_parameter_supported": "true"})),
        MetadataError::WrongType("authorization_response_iss_parameter_supported")
    );
    assert_eq!(
        refusal(json!({"scopes_supported": ["a", 1]})),
        MetadataError::WrongType("scopes_supported")
    );
}

#[test]
fn endpoints_are_https_and_plain() {
    for bad in [
        "http://id.example.com/token",
        "http://127.0.0.1/token",
        "javascript:alert(1)",
        "/token",
        "",
        "https://id.example.com/token#x",
        "https://user@id.example.com/token",
    ] {
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "end_session_endpoint",
        ] {
            assert_eq!(
                refusal(json!({ name: bad })),
                MetadataError::UnusableEndpoint(name),
                "{bad}"
            );
        }
    }
    let elsewhere = metadata_with(json!({"jwks_uri": "https://keys.example.net/jwks?v=2"}));
    assert_eq!(
        elsewhere.jwks_uri.as_str(),
        "https://keys.example.net/jwks?v=2"
    );
}

#[test]
fn an_issuer_on_loopback_may_have_http_endpoints_on_loopback_only() {
    let issuer = Issuer::parse("http://127.0.0.1:9000").unwrap();
    let with = |endpoint: &str| {
        let mut document = document();
        document["issuer"] = json!("http://127.0.0.1:9000");
        document["token_endpoint"] = json!(endpoint);
        ProviderMetadata::parse(&issuer, document.to_string().as_bytes())
    };
    assert!(with("http://localhost:9000/token").is_ok());
    assert!(with("https://id.example.com/token").is_ok());
    assert_eq!(
        with("http://id.example.com/token").unwrap_err(),
        MetadataError::UnusableEndpoint("token_endpoint")
    );
}

#[test]
fn the_code_flow_with_s256_must_be_on_offer() {
    assert_eq!(
        refusal(json!({"response_types_supported": ["id_token", "code token"]})),
        MetadataError::CodeFlowNotSupported
    );
    assert_eq!(
        refusal(json!({"code_challenge_methods_supported": ["plain"]})),
        MetadataError::S256NotSupported
    );
    metadata_with(json!({"code_challenge_methods_supported": null}));
    metadata_with(json!({"code_challenge_methods_supported": []}));
}

#[test]
fn what_cannot_be_read_one_way_is_refused() {
    let issuer = Issuer::parse(ISSUER).unwrap();
    let parse = |body: &str| ProviderMetadata::parse(&issuer, body.as_bytes()).unwrap_err();
    let doubled =
        document()
            .to_string()
            .replacen('{', "{\"token_endpoint\":\"https://evil.example\",", 1);
    assert_eq!(
        parse(&doubled),
        MetadataError::Json(JsonError::DuplicateMember)
    );
    assert_eq!(parse("<html>"), MetadataError::Json(JsonError::Syntax));
    let padded = format!("{}{}", document(), " ".repeat(1024 * 1024));
    assert_eq!(parse(&padded), MetadataError::Json(JsonError::TooLarge));
}

#[test]
fn the_document_of_rfc_8414_fills_what_the_openid_one_lacks_and_no_more() {
    let issuer = Issuer::parse(ISSUER).unwrap();
    let both = |first: Value, second: Value| {
        ProviderMetadata::parse_both(
            &issuer,
            document_with(first).to_string().as_bytes(),
            second.to_string().as_bytes(),
        )
    };
    let par = format!("{ISSUER}/v1/par");
    let second = json!({
        "issuer": ISSUER,
        "token_endpoint": "https://other.example/token",
        "revocation_endpoint": "https://other.example/revoke",
        "pushed_authorization_request_endpoint": par,
        "code_challenge_methods_supported": ["plain"],
    });
    let metadata = both(json!({"revocation_endpoint": null}), second.clone()).unwrap();
    assert_eq!(
        metadata.token_endpoint.as_str(),
        format!("{ISSUER}/v1/token"),
        "what the OpenID document says counts"
    );
    assert_eq!(
        metadata.revocation_endpoint.unwrap().as_str(),
        "https://other.example/revoke"
    );
    assert_eq!(
        metadata
            .pushed_authorization_request_endpoint
            .unwrap()
            .as_str(),
        par
    );
    // A member that is null is not there.
    let mut document = document();
    document["revocation_endpoint"] = Value::Null;
    let metadata = ProviderMetadata::parse_both(
        &issuer,
        document.to_string().as_bytes(),
        second.to_string().as_bytes(),
    )
    .unwrap();
    assert!(metadata.revocation_endpoint.is_some());
    // Required members may come from either.
    assert!(
        both(
            json!({"jwks_uri": null}),
            json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys")})
        )
        .is_ok()
    );
    assert_eq!(
        both(json!({"jwks_uri": null}), json!({"issuer": ISSUER})).unwrap_err(),
        MetadataError::MissingMember("jwks_uri")
    );
}

#[test]
fn both_documents_are_of_the_configured_issuer() {
    let issuer = Issuer::parse(ISSUER).unwrap();
    let other = "https://evil.example";
    let parse = |first: &str, second: &str| {
        let first = document_with(json!({"issuer": first})).to_string();
        let second = json!({"issuer": second}).to_string();
        ProviderMetadata::parse_both(&issuer, first.as_bytes(), second.as_bytes()).map(|_| ())
    };
    let mismatch = Err(MetadataError::IssuerMismatch {
        found: other.to_owned(),
    });
    assert_eq!(parse(ISSUER, ISSUER), Ok(()));
    assert_eq!(parse(other, ISSUER), mismatch);
    assert_eq!(parse(ISSUER, other), mismatch);
    let first = document().to_string();
    for second in ["{}", "<html>", "[]"] {
        assert!(
            ProviderMetadata::parse_both(&issuer, first.as_bytes(), second.as_bytes()).is_err()
        );
    }
}

#[test]
fn a_missing_optional_endpoint_is_no_error_but_can_be_asked_about() {
    let par = json!({"pushed_authorization_request_endpoint": format!("{ISSUER}/v1/par")});
    assert!(metadata().lacks_endpoints());
    assert!(!metadata_with(par.clone()).lacks_endpoints());
    for name in [
        "userinfo_endpoint",
        "end_session_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
    ] {
        let mut members = par.clone();
        members[name] = Value::Null;
        assert!(metadata_with(members).lacks_endpoints(), "{name}");
    }
}
