//! Where browsers find this application: decides cookies, the redirect URI and origin checks.

use thiserror::Error;
use url::{Host, Url};

use crate::callback::CALLBACK_PATH;

/// The public address, `scheme://host[:port]`, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    authority: String,
    host: String,
    port: u16,
    https: bool,
    loopback: bool,
}

/// Why an address cannot be the public one.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PublicUrlError {
    /// It is no URL.
    #[error("the public URL is not a URL: write it as https://app.example.com")]
    Malformed,
    /// Another scheme than http or https.
    #[error("the public URL must begin with https:// (or http:// on localhost)")]
    Scheme,
    /// Plain http elsewhere than on loopback: cookies could be read and set by anyone on the way.
    #[error(
        "the public URL must be https:// unless its host is localhost, 127.0.0.1 or [::1]: a cookie sent in the clear can be stolen"
    )]
    PlainHttp,
    /// A path, query, fragment or user name.
    #[error("the public URL is an origin only: leave out path, query, fragment and user name")]
    NotAnOrigin,
}

impl PublicUrl {
    /// Parses `scheme://host[:port]`, with or without the trailing slash.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| PublicUrlError::Malformed)?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(PublicUrlError::Scheme),
        };
        if url.path() != "/"
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(PublicUrlError::NotAnOrigin);
        }
        let (host, port) = match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) if !host.is_empty() => (host.to_owned(), port),
            _ => return Err(PublicUrlError::Malformed),
        };
        let loopback = is_loopback(&url);
        if !https && !loopback {
            return Err(PublicUrlError::PlainHttp);
        }
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        Ok(Self {
            origin: format!("{}://{authority}", url.scheme()),
            authority,
            host,
            port,
            https,
            loopback,
        })
    }

    /// `scheme://host[:port]`, as a browser writes it in `Origin`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// `host[:port]`, as a browser writes it in `Host`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether browsers come by TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether the host is this machine's own.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The port browsers connect to, also where the URL leaves it out.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The redirect URI registered at the provider (RFC 6749 section 3.1.2).
    pub fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK_PATH}", self.origin)
    }

    /// The post-logout redirect URI registered at the provider (OpenID Connect RP-Initiated Logout 1.0, section 3).
    pub fn post_logout_redirect_uri(&self) -> String {
        format!("{}/", self.origin)
    }

    /// Whether `value`, a request's `Host` or `:authority`, names this place. A default port may be written out.
    pub fn is_host(&self, value: &str) -> bool {
        let (host, port) = match value.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => match port.parse::<u16>() {
                Ok(port) => (host, port),
                Err(_) => return false,
            },
            _ => (value, if self.https { 443 } else { 80 }),
        };
        port == self.port && host.eq_ignore_ascii_case(&self.host)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{PublicUrl, PublicUrlError};

    #[test]
    fn an_origin_is_kept_as_browsers_write_it() {
        for (text, origin, authority) in [
            (
                "https://App.Example.com",
                "https://app.example.com",
                "app.example.com",
            ),
            (
                "https://app.example.com:443/",
                "https://app.example.com",
                "app.example.com",
            ),
            (
                "http://localhost:3000",
                "http://localhost:3000",
                "localhost:3000",
            ),
            ("http://[::1]:3000", "http://[::1]:3000", "[::1]:3000"),
        ] {
            let url = PublicUrl::parse(text).ok();
            assert_eq!(url.as_ref().map(PublicUrl::origin), Some(origin));
            assert_eq!(url.as_ref().map(PublicUrl::authority), Some(authority));
        }
    }

    #[test]
    fn what_cannot_be_safe_is_refused() {
        for (text, error) in [
            ("app.example.com", PublicUrlError::Malformed),
            ("ftp://localhost", PublicUrlError::Scheme),
            ("http://app.example.com", PublicUrlError::PlainHttp),
            ("http://localhost.example.com", PublicUrlError::PlainHttp),
            ("https://app.example.com/base", PublicUrlError::NotAnOrigin),
            ("https://me@app.example.com", PublicUrlError::NotAnOrigin),
            ("https://app.example.com/?a=b", PublicUrlError::NotAnOrigin),
        ] {
            assert_eq!(PublicUrl::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn the_host_header_is_compared_with_its_port() {
        let url = PublicUrl::parse("https://app.example.com").ok();
        let is = |host: &str| url.as_ref().is_some_and(|url| url.is_host(host));
        assert!(is("app.example.com"));
        assert!(is("APP.example.com:443"));
        assert!(!is("app.example.com:80"));
        assert!(!is("app.example.com.evil.example"));
        assert!(!is("app.example.com:443:443"));
        assert!(!is(""));
        let six = PublicUrl::parse("http://[::1]:3000").ok();
        assert!(six.as_ref().is_some_and(|url| url.is_host("[::1]:3000")));
        assert!(!six.as_ref().is_some_and(|url| url.is_host("[::1]")));
    }
}
