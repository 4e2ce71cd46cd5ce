//! The provider's metadata (OpenID Connect Discovery 1.0 sections 3 and 4.3).

use http::Uri;
use serde_json::Value;
use url::{Host, Url};

use super::{ISSUER, is_code, is_legible};
use crate::{AccessToken, EndSessionRequest, Issuer, MetadataError, ProviderMetadata, userinfo};

/// An issuer on this machine, whose endpoints may be plain http on this machine.
const LOOPBACK: &str = "http://127.0.0.1:4000";

/// Reads a document as that of a distant issuer, and as that of one on this machine.
pub fn metadata(data: &[u8]) -> bool {
    let distant = read(ISSUER, data);
    let near = read(LOOPBACK, data);
    assert!(!(distant && near), "one document, two issuers");
    distant || near
}

fn read(issuer: &str, data: &[u8]) -> bool {
    let configured = Issuer::parse(issuer).expect("an issuer");
    match ProviderMetadata::parse(&configured, data) {
        Ok(metadata) => {
            check(&metadata, issuer, data);
            true
        }
        Err(error) => {
            assert!(is_code(error.code()));
            let found = match &error {
                MetadataError::IssuerMismatch { found } => found.as_str(),
                _ => "",
            };
            assert!(is_legible(found, 512) && is_legible(&error.to_string(), 768));
            false
        }
    }
}

fn check(metadata: &ProviderMetadata, issuer: &str, data: &[u8]) {
    let document: Value = serde_json::from_slice(data).expect("JSON");
    assert_eq!(metadata.issuer, issuer);
    assert_eq!(document["issuer"], issuer);
    let endpoints = [
        (
            "authorization_endpoint",
            Some(&metadata.authorization_endpoint),
        ),
        ("token_endpoint", Some(&metadata.token_endpoint)),
        ("jwks_uri", Some(&metadata.jwks_uri)),
        ("userinfo_endpoint", metadata.userinfo_endpoint.as_ref()),
        (
            "end_session_endpoint",
            metadata.end_session_endpoint.as_ref(),
        ),
        ("revocation_endpoint", metadata.revocation_endpoint.as_ref()),
        (
            "introspection_endpoint",
            metadata.introspection_endpoint.as_ref(),
        ),
        (
            "pushed_authorization_request_endpoint",
            metadata.pushed_authorization_request_endpoint.as_ref(),
        ),
    ];
    for (name, url) in endpoints {
        let stated = &document[name];
        match url {
            Some(url) => check_endpoint(url, stated, issuer == LOOPBACK),
            None => assert!(stated.is_null(), "{name} was passed over"),
        }
    }
    assert!(lists(&document["response_types_supported"], "code"));
    assert!(lists(&document["code_challenge_methods_supported"], "S256"));
    check_requests(metadata);
}

/// Absent, empty (as some write what they leave open), or with that value.
fn lists(member: &Value, value: &str) -> bool {
    match member {
        Value::Null => true,
        Value::Array(values) => values.is_empty() || values.iter().any(|one| one == value),
        _ => false,
    }
}

fn check_endpoint(url: &Url, stated: &Value, near: bool) {
    let text = stated.as_str().expect("text");
    assert_eq!(Url::parse(text).as_ref(), Ok(url));
    let on_this_machine = match url.host().expect("a host") {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.octets()[0] == 127,
        Host::Ipv6(address) => address.segments() == [0, 0, 0, 0, 0, 0, 0, 1],
    };
    assert!(url.scheme() == "https" || (url.scheme() == "http" && near && on_this_machine));
    assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
    // What is sent goes where the URL says.
    let target: Uri = url.as_str().parse().expect("a request target");
    assert_eq!(target.scheme_str(), Some(url.scheme()));
    assert_eq!(target.host(), url.host_str());
    assert_eq!(target.port_u16(), url.port());
    assert_eq!(target.path(), url.path());
    assert_eq!(target.query(), url.query());
}

fn check_requests(metadata: &ProviderMetadata) {
    let request = userinfo::request(metadata, &AccessToken::new("token"));
    assert_eq!(request.is_ok(), metadata.userinfo_endpoint.is_some());
    if let (Ok(request), Some(endpoint)) = (request, &metadata.userinfo_endpoint) {
        assert_eq!(request.uri().host(), endpoint.host_str());
    }
    let logout = EndSessionRequest {
        id_token_hint: None,
        client_id: "client-1",
        post_logout_redirect_uri: "https://app.example.com/",
        state: Some("a b&c=d"),
    }
    .url(metadata);
    if let (Some(url), Some(endpoint)) = (&logout, &metadata.end_session_endpoint) {
        assert_eq!(url.origin(), endpoint.origin());
        assert_eq!(url.path(), endpoint.path());
        let last: Vec<_> = url.query_pairs().collect();
        assert_eq!(
            last.last(),
            Some(&("state".into(), "a b&c=d".into())),
            "whatever the endpoint's own query"
        );
        assert!(
            url.query()
                .unwrap_or_default()
                .starts_with(endpoint.query().unwrap_or_default())
        );
    }
}
