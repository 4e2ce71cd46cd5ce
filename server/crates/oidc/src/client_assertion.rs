//! Client assertions: the JWT by which `private_key_jwt` and `client_secret_jwt` prove who is asking (RFC 7523 section 3, RFC 7521 section 4.2, OpenID Connect Core section 9).

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;
use zeroize::Zeroizing;

use crate::metadata::ProviderMetadata;
use crate::relying_party::{ClientAuth, RelyingParty};
use crate::secret::ClientSecret;
use crate::signing_alg::SigningAlg;

/// `client_assertion_type` (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Seconds that an assertion is good for: enough for one request, with some room for clocks. Okta takes up to an
/// hour; FAPI recommends minutes at most.
pub const LIFETIME: u64 = 60;

/// What makes one request unlike every other: the time, and random bits that were never used before.
///
/// An assertion carries both (`iat`, `exp`, `jti`), and a provider refuses one that it has seen. The value can be
/// neither copied nor cloned, and is used up by the function that builds a request, so that no two requests can share
/// an assertion: take a new one for every endpoint and for every try. Requests without an assertion take one too and do
/// not depend on it.
///
/// ```compile_fail,E0382
/// use cloakroom_oidc::{Freshness, RefreshToken, token_request};
/// # fn twice(metadata: &cloakroom_oidc::ProviderMetadata, client: &cloakroom_oidc::RelyingParty) {
/// let token = RefreshToken::new("r");
/// let fresh = Freshness::new(1_700_000_000, [7; 16]);
/// let first = token_request::refresh_token(metadata, client, &token, None, None, fresh);
/// let second = token_request::refresh_token(metadata, client, &token, None, None, fresh); // used up
/// # }
/// ```
pub struct Freshness {
    now: u64,
    random: [u8; 16],
}

impl Freshness {
    /// `now` in Unix seconds, and 128 bits from a secure source that were used for nothing else.
    pub fn new(now: u64, random: [u8; 16]) -> Self {
        Self { now, random }
    }

    /// Uses it up.
    fn into_parts(self) -> (u64, [u8; 16]) {
        (self.now, self.random)
    }
}

impl fmt::Debug for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freshness")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// To whom an assertion is addressed: its one `aud`, a plain string. Specifications and providers differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssertionAudience {
    /// The endpoint that the request goes to, as Okta demands: another at the token, the revocation, the introspection
    /// and the pushed authorization endpoint.
    #[default]
    Endpoint,
    /// The issuer identifier (FAPI 2.0 Security Profile section 5.3.3.1).
    Issuer,
    /// The token endpoint, whichever endpoint is called (OpenID Connect Core section 9).
    TokenEndpoint,
}

impl AssertionAudience {
    /// Reads the name that configuration gives it.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Endpoint, Self::Issuer, Self::TokenEndpoint]
            .into_iter()
            .find(|audience| audience.as_str() == name)
    }

    /// `endpoint`, `issuer` or `token_endpoint`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::Issuer => "issuer",
            Self::TokenEndpoint => "token_endpoint",
        }
    }

    fn of<'a>(self, metadata: &'a ProviderMetadata, endpoint: &'a Url) -> &'a str {
        match self {
            Self::Endpoint => endpoint.as_str(),
            Self::Issuer => &metadata.issuer,
            Self::TokenEndpoint => metadata.token_endpoint.as_str(),
        }
    }
}

/// A client secret that signs assertions, for `client_secret_jwt`. It is never sent.
#[derive(Clone, Debug)]
pub struct SecretJwt {
    secret: ClientSecret,
    alg: Option<SigningAlg>,
}

/// Why a client secret cannot sign assertions.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretJwtError {
    /// Fewer bytes than the hash gives (RFC 7518 section 3.2).
    #[error(
        "the client secret has {length} bytes, and {alg} wants at least {least}; let the provider make a longer one, or use client_secret_basic"
    )]
    TooShort {
        /// The algorithm it was meant for.
        alg: SigningAlg,
        /// Bytes that it has.
        length: usize,
        /// Bytes that it must have.
        least: usize,
    },
    /// An algorithm that is not HS256, HS384 or HS512 (OpenID Connect Core section 9).
    #[error(
        "{alg} cannot be keyed by a client secret; choose HS256, HS384 or HS512, or private_key_jwt with a key"
    )]
    NotSymmetric {
        /// The algorithm that was asked for.
        alg: SigningAlg,
    },
}

error_codes!(SecretJwtError {
    Self::TooShort { .. } => "client_secret_jwt_too_short",
    Self::NotSymmetric { .. } => "client_secret_jwt_not_symmetric",
});

impl SecretJwt {
    /// Takes a secret of at least 32 bytes for HS256, 48 for HS384, 64 for HS512: as many as the hash gives
    /// (RFC 7518 section 3.2); Okta wants 32 too. Without `alg` it is the first of the three that the provider lists
    /// and the secret is long enough for, else HS256.
    pub fn new(secret: ClientSecret, alg: Option<SigningAlg>) -> Result<Self, SecretJwtError> {
        let wanted = alg.unwrap_or(SigningAlg::HS256);
        if !wanted.is_symmetric() {
            return Err(SecretJwtError::NotSymmetric { alg: wanted });
        }
        let (length, least) = (secret.expose().len(), wanted.hash().output_len());
        if length < least {
            return Err(SecretJwtError::TooShort {
                alg: wanted,
                length,
                least,
            });
        }
        Ok(Self { secret, alg })
    }

    /// The secret, which is also the key of HS256 ID tokens.
    pub fn secret(&self) -> &ClientSecret {
        &self.secret
    }

    /// What the next assertion is signed with.
    pub(crate) fn algorithm(&self, supported: Option<&[String]>) -> SigningAlg {
        self.alg.unwrap_or_else(|| {
            let length = self.secret.expose().len();
            [SigningAlg::HS256, SigningAlg::HS384, SigningAlg::HS512]
                .into_iter()
                .filter(|alg| alg.hash().output_len() <= length)
                .find(|alg| {
                    supported.is_some_and(|names| names.iter().any(|name| name == alg.as_str()))
                })
                .unwrap_or(SigningAlg::HS256)
        })
    }

    fn sign(&self, alg: SigningAlg, message: &[u8]) -> Option<Vec<u8>> {
        let algorithm = match alg {
            SigningAlg::HS256 => hmac::HMAC_SHA256,
            SigningAlg::HS384 => hmac::HMAC_SHA384,
            SigningAlg::HS512 => hmac::HMAC_SHA512,
            _ => return None,
        };
        let key = hmac::Key::new(algorithm, self.secret.expose().as_bytes());
        Some(hmac::sign(&key, message).as_ref().to_vec())
    }
}

/// Why a request could not be authenticated. Nothing was sent.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuthError {
    /// The assertion could not be signed (RFC 7515 section 5.1), though the key was good when it was read.
    #[error(
        "the client assertion could not be signed; the machine may be out of memory, or the key file may need to be read again"
    )]
    Signing,
}

error_codes!(ClientAuthError {
    Self::Signing => "client_auth_signing",
});

/// The assertion of one request to `endpoint`, for the methods that have one.
pub(crate) fn for_request(
    client: &RelyingParty,
    metadata: &ProviderMetadata,
    endpoint: &Url,
    fresh: Freshness,
) -> Result<Option<Zeroizing<String>>, ClientAuthError> {
    let supported = metadata
        .token_endpoint_auth_signing_alg_values_supported
        .as_deref();
    let audience = client.assertion_audience.of(metadata, endpoint);
    let claims = claims(&client.client_id, audience, fresh);
    match &client.auth {
        ClientAuth::PrivateKeyJwt(keys) => {
            let alg = keys.algorithm(supported);
            let header = json!({"alg": alg, "kid": keys.signing_kid()});
            compact(&header, &claims, |message| keys.sign(alg, message)).map(Some)
        }
        ClientAuth::SecretJwt(secret) => {
            let alg = secret.algorithm(supported);
            let header = json!({"alg": alg.as_str()});
            compact(&header, &claims, |message| secret.sign(alg, message)).map(Some)
        }
        ClientAuth::SecretBasic(_) | ClientAuth::SecretPost(_) | ClientAuth::None => Ok(None),
    }
}

fn claims(client_id: &str, audience: &str, fresh: Freshness) -> Value {
    let (now, random) = fresh.into_parts();
    json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": URL_SAFE_NO_PAD.encode(random),
        "iat": now,
        "exp": now.saturating_add(LIFETIME),
    })
}

/// The compact form (RFC 7515 section 7.1).
fn compact(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<Zeroizing<String>, ClientAuthError> {
    let mut token = Zeroizing::new(format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    ));
    let signature = sign(token.as_bytes()).ok_or(ClientAuthError::Signing)?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
