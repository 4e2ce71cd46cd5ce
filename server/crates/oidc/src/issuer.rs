//! The issuer identifier, exactly as configured (OpenID Connect Discovery 1.0 sections 4.1 and 4.3, RFC 8414 section 2).

use std::fmt;

use thiserror::Error;
use url::{Host, Url};

const AUTHORIZATION_SERVER: &str = ".well-known/oauth-authorization-server";

/// An issuer identifier that may be used: https, or http on a loopback host, and nothing after the path.
///
/// The configured text is kept to the letter, for that is what `iss` is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer {
    text: String,
    url: Url,
}

/// Why a text is not an issuer identifier.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerError {
    /// Not an absolute http(s) URL (OpenID Connect Discovery section 4.1).
    #[error(
        "the issuer is not a URL; write it as the provider shows it, such as https://id.example.com/oauth2/default"
    )]
    NotAUrl,
    /// A placeholder out of a guide, such as `{yourOktaDomain}`.
    #[error(
        "the issuer still holds a placeholder of the guide; put your provider's own host name there"
    )]
    Placeholder,
    /// The address of the metadata document instead of the issuer (OpenID Connect Discovery section 4).
    #[error(
        "this is the address of the metadata document; the issuer is the part before /.well-known/"
    )]
    DiscoveryUrl,
    /// Neither https nor http on a loopback host (OpenID Connect Discovery section 7.1).
    #[error("the issuer must be https; http is accepted on localhost, 127.0.0.0/8 and [::1] only")]
    Insecure,
    /// A query or fragment (OpenID Connect Discovery section 4.1).
    #[error(
        "the issuer must have no query and no fragment; remove everything from the first ? or #"
    )]
    QueryOrFragment,
    /// A user name or password before the host.
    #[error("the issuer must not hold a user name or password; remove everything up to the @")]
    UserInfo,
    /// An Okta administration console, which issues nothing.
    #[error(
        "this is the address of Okta's administration console; remove -admin from the host name"
    )]
    OktaAdmin,
}

error_codes!(IssuerError {
    Self::NotAUrl => "issuer_not_a_url",
    Self::Placeholder => "issuer_placeholder",
    Self::DiscoveryUrl => "issuer_is_discovery_url",
    Self::Insecure => "issuer_insecure",
    Self::QueryOrFragment => "issuer_query_or_fragment",
    Self::UserInfo => "issuer_userinfo",
    Self::OktaAdmin => "issuer_okta_admin",
});

impl Issuer {
    /// Reads an issuer identifier as an operator typed it, and says what is wrong with it where something is.
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        if text.contains(['{', '}', '<', '>'])
            || text.to_ascii_lowercase().contains("youroktadomain")
        {
            return Err(IssuerError::Placeholder);
        }
        // The URL parser repairs white space and backslashes; an identifier is compared, not repaired.
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
        {
            return Err(IssuerError::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| IssuerError::NotAUrl)?;
        if !matches!(url.scheme(), "https" | "http") || !has_authority(text) {
            return Err(IssuerError::NotAUrl);
        }
        if text.contains("/.well-known/") {
            return Err(IssuerError::DiscoveryUrl);
        }
        if text.contains(['?', '#']) {
            return Err(IssuerError::QueryOrFragment);
        }
        if has_user_info(text) {
            return Err(IssuerError::UserInfo);
        }
        if !is_secure(&url) {
            return Err(IssuerError::Insecure);
        }
        if url.host_str().is_some_and(is_okta_admin) {
            return Err(IssuerError::OktaAdmin);
        }
        Ok(Self {
            text: text.to_owned(),
            url,
        })
    }

    /// The identifier to the letter.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The identifier as a URL, for its host and origin. Compare with [`as_str`](Self::as_str), not with this.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where the metadata is: the issuer without one trailing slash, and the well-known path behind it
    /// (OpenID Connect Discovery section 4).
    pub fn discovery_url(&self) -> Url {
        let mut url = self.url.clone();
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        url.set_path(&format!("{path}/.well-known/openid-configuration"));
        url
    }

    /// Where the metadata of a plain OAuth server is: the well-known path between host and path (RFC 8414 section 3.1).
    pub fn authorization_server_metadata_url(&self) -> Url {
        let mut url = self.url.clone();
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        url.set_path(&format!("/{AUTHORIZATION_SERVER}{path}"));
        url
    }

    /// Where some servers have it instead, older ones of Okta among them: the well-known path behind the issuer,
    /// as OpenID Connect does it (RFC 8414 section 5). The same address where the issuer has no path.
    pub fn appended_authorization_server_metadata_url(&self) -> Url {
        let mut url = self.url.clone();
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        url.set_path(&format!("{path}/{AUTHORIZATION_SERVER}"));
        url
    }

    /// Whether the issuer is on this machine, where plain http is accepted.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// https anywhere, http on a loopback host.
pub(crate) fn is_secure(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

/// `localhost`, 127.0.0.0/8 and `[::1]` (RFC 8252 section 8.3). Names under `.localhost` are left out:
/// not every resolver keeps them on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The URL parser accepts `https:host` and `https:/host` too.
fn has_authority(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(_, rest)| rest.starts_with("//") && !rest.starts_with("///"))
}

/// An `@` in the authority, even one with nothing before it, which the URL parser drops.
fn has_user_info(text: &str) -> bool {
    text.split("://")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .is_some_and(|authority| authority.contains('@'))
}

fn is_okta_admin(host: &str) -> bool {
    [
        "okta.com",
        "oktapreview.com",
        "okta-emea.com",
        "okta-gov.com",
    ]
    .iter()
    .any(|domain| host.ends_with(&format!("-admin.{domain}")))
}
