//! This client and how it proves itself to the provider (RFC 6749 section 2.3, OpenID Connect Core section 9).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use zeroize::Zeroizing;

use crate::client_assertion::{
    self, ASSERTION_TYPE, AssertionAudience, ClientAuthError, Freshness, SecretJwt,
};
use crate::client_keys::ClientKeys;
use crate::metadata::ProviderMetadata;
use crate::secret::ClientSecret;

/// This client as it is registered at one provider.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    /// `client_id`.
    pub client_id: String,
    /// How requests to the token, revocation, introspection and pushed authorization endpoints are authenticated.
    pub auth: ClientAuth,
    /// Where authorization answers go, exactly as registered.
    pub redirect_uri: String,
    /// To whom client assertions are addressed; without meaning for the methods that send none.
    pub assertion_audience: AssertionAudience,
}

/// One way for the client to authenticate; exactly one is applied to a request (RFC 6749 section 2.3).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientAuth {
    /// `client_secret_basic`: the `Authorization` header (RFC 6749 section 2.3.1).
    SecretBasic(ClientSecret),
    /// `client_secret_post`: in the form (RFC 6749 section 2.3.1).
    SecretPost(ClientSecret),
    /// `client_secret_jwt`: an assertion with an HMAC keyed by the secret (OpenID Connect Core section 9).
    SecretJwt(SecretJwt),
    /// `private_key_jwt`: an assertion signed with a private key (OpenID Connect Core section 9).
    PrivateKeyJwt(Arc<ClientKeys>),
    /// `none`: a public client that only says who it is (RFC 6749 section 3.2.1).
    None,
}

impl ClientAuth {
    /// The method's registered name, as in `token_endpoint_auth_methods_supported`.
    pub fn method(&self) -> &'static str {
        match self {
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::SecretJwt(_) => "client_secret_jwt",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
            Self::None => "none",
        }
    }

    /// The client secret, where there is one; it is also the key of HS256 ID tokens (OpenID Connect Core section 10.1).
    pub fn secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::SecretBasic(secret) | Self::SecretPost(secret) => Some(secret),
            Self::SecretJwt(jwt) => Some(jwt.secret()),
            Self::PrivateKeyJwt(_) | Self::None => None,
        }
    }

    /// Whether the provider lists the method in `token_endpoint_auth_methods_supported`; a list that is absent means
    /// `client_secret_basic` (OpenID Connect Discovery section 3). One that is not listed is used all the same, for
    /// lists are often incomplete; it is worth a warning.
    pub fn is_method_listed(&self, metadata: &ProviderMetadata) -> bool {
        match &metadata.token_endpoint_auth_methods_supported {
            Some(methods) => methods.iter().any(|method| method == self.method()),
            None => self.method() == "client_secret_basic",
        }
    }

    /// The `alg` of assertions to this provider; `None` for the methods that send none.
    pub fn signing_alg(&self, metadata: &ProviderMetadata) -> Option<&'static str> {
        let supported = metadata
            .token_endpoint_auth_signing_alg_values_supported
            .as_deref();
        match self {
            Self::PrivateKeyJwt(keys) => Some(keys.algorithm(supported)),
            Self::SecretJwt(secret) => Some(secret.algorithm(supported).as_str()),
            Self::SecretBasic(_) | Self::SecretPost(_) | Self::None => None,
        }
    }

    /// Whether [`signing_alg`](Self::signing_alg) is among `token_endpoint_auth_signing_alg_values_supported`
    /// (RFC 8414 section 2); true where the provider lists none, or no assertion is sent. One that is not listed is
    /// used all the same; it is worth a warning.
    pub fn is_signing_alg_listed(&self, metadata: &ProviderMetadata) -> bool {
        let listed = &metadata.token_endpoint_auth_signing_alg_values_supported;
        match (self.signing_alg(metadata), listed) {
            (Some(alg), Some(names)) => names.iter().any(|name| name == alg),
            _ => true,
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
    /// A client whose assertions, if it sends any, are addressed to the endpoint that they go to.
    pub fn new(
        client_id: impl Into<String>,
        auth: ClientAuth,
        redirect_uri: impl Into<String>,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            auth,
            redirect_uri: redirect_uri.into(),
            assertion_audience: AssertionAudience::default(),
        }
    }

    /// A form-encoded POST to one of the provider's endpoints, authenticated as this client and asking for JSON.
    ///
    /// The functions of this crate build the requests that it knows; this is for others, such as introspection
    /// (RFC 7662 section 2.1). `client_id` and what proves it are written here: a parameter of that name in
    /// `parameters` is for requests that want it beside Basic credentials too, and must be this client's.
    pub fn post(
        &self,
        metadata: &ProviderMetadata,
        endpoint: &Url,
        parameters: &[(&str, &str)],
        fresh: Freshness,
    ) -> Result<Request<Bytes>, ClientAuthError> {
        let assertion = client_assertion::for_request(self, metadata, endpoint, fresh)?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(parameters);
        let named = parameters.iter().any(|(name, _)| *name == "client_id");
        if !named && !matches!(self.auth, ClientAuth::SecretBasic(_)) {
            // Beside an assertion too: nobody has to read that to know who is asking (RFC 7521 section 4.2).
            form.append_pair("client_id", &self.client_id);
        }
        let mut authorization = None;
        match &self.auth {
            ClientAuth::SecretBasic(secret) => authorization = basic(&self.client_id, secret),
            ClientAuth::SecretPost(secret) => {
                form.append_pair("client_secret", secret.expose());
            }
            ClientAuth::SecretJwt(_) | ClientAuth::PrivateKeyJwt(_) | ClientAuth::None => {}
        }
        if let Some(assertion) = assertion {
            form.append_pair("client_assertion_type", ASSERTION_TYPE)
                .append_pair("client_assertion", &assertion);
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
        Ok(request)
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
