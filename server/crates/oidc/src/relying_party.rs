//! This client and how it proves itself to the provider (RFC 6749 section 2.3, OpenID Connect Core section 9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use zeroize::Zeroizing;

use crate::secret::ClientSecret;

/// This client as it is registered at one provider.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    /// `client_id`.
    pub client_id: String,
    /// How requests to the token and revocation endpoints are authenticated.
    pub auth: ClientAuth,
    /// Where authorization answers go, exactly as registered.
    pub redirect_uri: String,
}

/// One way for the client to authenticate; exactly one is applied to a request (RFC 6749 section 2.3).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientAuth {
    /// `client_secret_basic`: the `Authorization` header (RFC 6749 section 2.3.1).
    SecretBasic(ClientSecret),
    /// `client_secret_post`: in the form (RFC 6749 section 2.3.1).
    SecretPost(ClientSecret),
    /// `none`: a public client that only says who it is (RFC 6749 section 3.2.1).
    None,
}

impl ClientAuth {
    /// The method's registered name, as in `token_endpoint_auth_methods_supported`.
    pub fn method(&self) -> &'static str {
        match self {
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::None => "none",
        }
    }

    /// The client secret, where there is one; it is also the key of HS256 ID tokens (OpenID Connect Core section 10.1).
    pub fn secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::SecretBasic(secret) | Self::SecretPost(secret) => Some(secret),
            Self::None => None,
        }
    }
}

/// All but `A-Za-z0-9-._~`: the characters that no decoder, however broken, reads as anything but themselves.
const FORM: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl RelyingParty {
    /// A form-encoded POST to `endpoint`, authenticated as this client and asking for JSON.
    pub(crate) fn post(&self, endpoint: &Url, parameters: &[(&str, &str)]) -> Request<Bytes> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(parameters);
        let mut authorization = None;
        match &self.auth {
            ClientAuth::SecretBasic(secret) => {
                authorization = basic(&self.client_id, secret);
            }
            ClientAuth::SecretPost(secret) => {
                form.append_pair("client_id", &self.client_id)
                    .append_pair("client_secret", secret.expose());
            }
            ClientAuth::None => {
                form.append_pair("client_id", &self.client_id);
            }
        }
        let mut request = Request::new(Bytes::from(form.finish()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri(endpoint);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value);
        }
        request
    }
}

/// The endpoint as a request target. [`crate::ProviderMetadata::parse`] refuses those that are none; the
/// empty one that stands in here has no host, so that no transport sends it anywhere.
pub(crate) fn uri(endpoint: &Url) -> Uri {
    endpoint.as_str().parse().unwrap_or_default()
}

/// Id and secret form-encoded, joined by a colon, in base64 (RFC 6749 section 2.3.1). Base64 is a header
/// value always, so `None` does not happen.
fn basic(client_id: &str, secret: &ClientSecret) -> Option<HeaderValue> {
    let pair = Zeroizing::new(format!(
        "{}:{}",
        form_encode(client_id),
        form_encode(secret.expose())
    ));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `application/x-www-form-urlencoded` (RFC 6749 appendix B) with a space as `+`.
fn form_encode(text: &str) -> String {
    utf8_percent_encode(text, &FORM)
        .to_string()
        .replace("%20", "+")
}
