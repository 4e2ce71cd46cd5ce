//! Issuer identifiers: what is accepted, and what people paste instead.

use cloakroom_oidc::{Issuer, IssuerError};

#[test]
fn the_text_is_kept_to_the_letter() {
    for text in [
        "https://id.example.com",
        "https://id.example.com/",
        "https://ID.example.com:443/oauth2/default",
        "https://example.okta.com/oauth2/aus123",
        "http://localhost:9000/oauth2/default",
        "http://127.0.0.1:9000",
        "http://127.8.9.1/x",
        "http://[::1]:9000/",
    ] {
        let issuer = Issuer::parse(text).unwrap();
        assert_eq!(issuer.as_str(), text);
        assert_eq!(issuer.to_string(), text);
    }
}

#[test]
fn discovery_strips_one_trailing_slash_and_no_more() {
    let at = |text| Issuer::parse(text).unwrap().discovery_url().to_string();
    assert_eq!(
        at("https://a.example"),
        "https://a.example/.well-known/openid-configuration"
    );
    assert_eq!(
        at("https://a.example/"),
        "https://a.example/.well-known/openid-configuration"
    );
    assert_eq!(
        at("https://a.example/t/"),
        "https://a.example/t/.well-known/openid-configuration"
    );
    assert_eq!(
        at("https://a.example/t//"),
        "https://a.example/t//.well-known/openid-configuration"
    );
    assert_eq!(
        at("https://a.example/oauth2/default"),
        "https://a.example/oauth2/default/.well-known/openid-configuration"
    );
}

#[test]
fn what_people_paste_instead_is_named() {
    for (text, error) in [
        (
            "https://{yourOktaDomain}/oauth2/default",
            IssuerError::Placeholder,
        ),
        (
            "https://${yourOktaDomain}/oauth2/default",
            IssuerError::Placeholder,
        ),
        (
            "https://yourOktaDomain/oauth2/default",
            IssuerError::Placeholder,
        ),
        ("https://<tenant>.example.com", IssuerError::Placeholder),
        ("https://dev-1-admin.okta.com/", IssuerError::OktaAdmin),
        (
            "https://dev-1-admin.oktapreview.com/oauth2/default",
            IssuerError::OktaAdmin,
        ),
        ("https://dev-1-admin.okta-emea.com", IssuerError::OktaAdmin),
        (
            "https://a.example/.well-known/openid-configuration",
            IssuerError::DiscoveryUrl,
        ),
        (
            "https://a.example/.well-known/oauth-authorization-server/x",
            IssuerError::DiscoveryUrl,
        ),
        ("http://a.example", IssuerError::Insecure),
        ("http://localhost.a.example", IssuerError::Insecure),
        ("http://127.0.0.1.a.example", IssuerError::Insecure),
        ("http://10.0.0.1", IssuerError::Insecure),
        ("http://[::2]", IssuerError::Insecure),
        ("https://a.example?tenant=1", IssuerError::QueryOrFragment),
        ("https://a.example/#top", IssuerError::QueryOrFragment),
        ("https://user:pass@a.example", IssuerError::UserInfo),
        ("https://@a.example", IssuerError::UserInfo),
        ("", IssuerError::NotAUrl),
        ("a.example", IssuerError::NotAUrl),
        ("ftp://a.example", IssuerError::NotAUrl),
        ("https:a.example", IssuerError::NotAUrl),
        ("https:///a.example", IssuerError::NotAUrl),
        ("https:\\\\a.example", IssuerError::NotAUrl),
        (" https://a.example", IssuerError::NotAUrl),
        ("https://a.exa\tmple", IssuerError::NotAUrl),
        ("https://a.example\n", IssuerError::NotAUrl),
        ("https://", IssuerError::NotAUrl),
    ] {
        assert_eq!(Issuer::parse(text).unwrap_err(), error, "{text:?}");
    }
}

#[test]
fn a_plain_oauth_server_has_its_metadata_between_host_and_path() {
    for (issuer, inserted, appended) in [
        (
            "https://a.example",
            "https://a.example/.well-known/oauth-authorization-server",
            "https://a.example/.well-known/oauth-authorization-server",
        ),
        (
            "https://a.example/",
            "https://a.example/.well-known/oauth-authorization-server",
            "https://a.example/.well-known/oauth-authorization-server",
        ),
        (
            "https://a.example:8443/oauth2/default",
            "https://a.example:8443/.well-known/oauth-authorization-server/oauth2/default",
            "https://a.example:8443/oauth2/default/.well-known/oauth-authorization-server",
        ),
        (
            "https://a.example/tenant/",
            "https://a.example/.well-known/oauth-authorization-server/tenant",
            "https://a.example/tenant/.well-known/oauth-authorization-server",
        ),
    ] {
        let issuer = Issuer::parse(issuer).unwrap();
        assert_eq!(
            issuer.authorization_server_metadata_url().as_str(),
            inserted
        );
        assert_eq!(
            issuer.appended_authorization_server_metadata_url().as_str(),
            appended
        );
    }
}

#[test]
fn an_at_sign_in_the_path_is_not_user_info() {
    assert!(Issuer::parse("https://a.example/@tenant").is_ok());
}
