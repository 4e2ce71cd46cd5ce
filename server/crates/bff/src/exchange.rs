//! From a code to a session's record: the token request, the checks on what comes back, userinfo
//! (OpenID Connect Core sections 3.1.3 and 5.3).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloakroom_oidc::client::{ProviderError, TransportError};
use cloakroom_oidc::{
    AuthorizationCode, CodeVerifier, IdToken, IdTokenClaims, IdTokenError, IdTokenExpectations,
    KeySet, Nonce, Policy, ProviderMetadata, RelyingParty, TokenError, TokenResponse,
    UserinfoError, id_token, redact, token_request, userinfo,
};
use http::Request;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::bff::Bff;
use crate::code::Code;
use crate::record::Record;
use crate::session::user_claims;
use crate::transaction::Asked;

/// Seconds by which clocks may differ.
const LEEWAY: u64 = 60;

/// Why a code did not become a session.
#[derive(Debug, Error)]
pub(crate) enum ExchangeError {
    #[error("the provider's metadata or keys cannot be had: {0}")]
    Provider(#[from] ProviderError),
    #[error("the provider cannot be reached: {0}")]
    Transport(#[from] TransportError),
    #[error("{0}")]
    Token(#[from] TokenError),
    #[error(
        "the token endpoint's answer has no ID token: is openid among the scopes, and is this an OpenID Provider?"
    )]
    NoIdToken,
    #[error("the ID token was refused: {0}")]
    IdToken(#[from] IdTokenError),
    #[error("the userinfo answer was refused: {0}")]
    Userinfo(#[from] UserinfoError),
}

impl ExchangeError {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Provider(_) | Self::Transport(_) => Code::ProviderDown,
            Self::Token(error) if error.is_transient() => Code::ProviderDown,
            Self::Token(error) if error.is_invalid_grant() => Code::CodeRefused,
            Self::Token(TokenError::Refused { .. }) => Code::ClientRefused,
            Self::Token(_) | Self::NoIdToken => Code::ProviderAnswer,
            Self::IdToken(_) => Code::IdTokenRefused,
            Self::Userinfo(_) => Code::UserinfoRefused,
        }
    }

    /// The finer code, for the log.
    pub(crate) fn detail(&self) -> &'static str {
        match self {
            Self::Provider(error) => error.code(),
            Self::Transport(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::NoIdToken => "token_no_id_token",
            Self::IdToken(error) => error.code(),
            Self::Userinfo(error) => error.code(),
        }
    }

    /// What an operator may change.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Token(error) => error.hint(),
            _ => None,
        }
    }
}

impl Bff {
    /// Sends the code with client authentication and the verifier, checks everything that comes back, and makes of it
    /// what the server keeps.
    pub(crate) async fn exchange(
        &self,
        metadata: &ProviderMetadata,
        code: &AuthorizationCode,
        verifier: &CodeVerifier,
        nonce: &Nonce,
        asked: &Asked,
    ) -> Result<Record, ExchangeError> {
        let http = self.provider().http();
        let relying_party = self.relying_party(metadata);
        let request = token_request::authorization_code(metadata, &relying_party, code, verifier);
        // A provider may quote what it was sent: what it says goes to the log, what it was sent must not.
        let sent = secrets_of(&request, &[code.expose(), verifier.expose()]);
        let tokens = TokenResponse::parse(&http.send(request).await?)
            .map_err(|error| error.without(&sent))?;
        let received_at = self.now();
        let raw = tokens.id_token.as_ref().ok_or(ExchangeError::NoIdToken)?;
        let expectations = IdTokenExpectations {
            issuer: &metadata.issuer,
            client_id: &self.settings().client_id,
            nonce: Some(nonce),
            now: received_at,
            leeway: LEEWAY,
            max_age: asked.max_age,
            acr_values: &asked.acr_values,
            access_token: Some(&tokens.access_token),
            code: Some(code),
            trusted_audiences: &self.settings().trusted_audiences,
        };
        // Boxed: each holds an HTTP call's state, which need not stand in every future above it.
        let claims =
            Box::pin(self.verify_id_token(metadata, &relying_party, raw, &expectations)).await?;
        let userinfo = Box::pin(self.userinfo(metadata, &tokens, &claims)).await?;
        Ok(Record {
            user: user_claims(
                &claims.all,
                userinfo.as_ref(),
                &self.settings().hidden_claims,
            ),
            subject: claims.subject,
            issuer: claims.issuer,
            provider_session: claims.sid,
            acr: claims.acr,
            auth_time: claims.auth_time,
            id_token: raw.clone(),
            access_token: tokens.access_token,
            access_token_expires_at: tokens
                .expires_in
                .map(|seconds| received_at.saturating_add(seconds)),
            refresh_token: tokens.refresh_token,
            scope: tokens.scope,
        })
    }

    /// Verifies with the keys at hand; on an unknown key, once more with a fresh set (OpenID Connect Core section 10.1.1).
    async fn verify_id_token(
        &self,
        metadata: &ProviderMetadata,
        relying_party: &RelyingParty,
        raw: &IdToken,
        expectations: &IdTokenExpectations<'_>,
    ) -> Result<IdTokenClaims, ExchangeError> {
        let algs = self.id_token_algs(metadata);
        let policy = Policy {
            client_secret: relying_party.auth.secret(),
            ..Policy::new(&algs)
        };
        let verify = |keys: &Arc<KeySet>| id_token::verify(raw, keys, &policy, expectations);
        let keys = self.provider().keys().await?;
        match verify(&keys) {
            Err(IdTokenError::Jwt(error)) if error.may_be_a_new_key() => {
                let fresh = self.provider().keys_after_unknown_kid().await?;
                Ok(verify(&fresh)?)
            }
            other => Ok(other?),
        }
    }

    /// Userinfo, where the provider has it. Only asked once the ID token is known to be good.
    async fn userinfo(
        &self,
        metadata: &ProviderMetadata,
        tokens: &TokenResponse,
        claims: &IdTokenClaims,
    ) -> Result<Option<Map<String, Value>>, ExchangeError> {
        if metadata.userinfo_endpoint.is_none() {
            return Ok(None);
        }
        let request = userinfo::request(metadata, &tokens.access_token)?;
        let response = self.provider().http().send(request).await?;
        let said = userinfo::parse(&response, &claims.subject).map_err(|error| match error {
            // It may quote the token that it does not take.
            UserinfoError::Unauthorized { status, error } => UserinfoError::Unauthorized {
                status,
                error: error
                    .map(|words| redact::without_secrets(&words, &[tokens.access_token.expose()])),
            },
            other => other,
        })?;
        Ok(Some(said))
    }
}

/// Everything secret in a token request, in the spellings that it was sent in.
fn secrets_of(request: &Request<Bytes>, more: &[&str]) -> Zeroizing<Vec<String>> {
    let mut secrets: Vec<String> = more.iter().map(|secret| (*secret).to_owned()).collect();
    let credentials = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if let Some(basic) = credentials.and_then(|value| value.strip_prefix("Basic ")) {
        secrets.push(basic.to_owned());
        let pair = STANDARD
            .decode(basic)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((_, secret)) = pair.as_deref().and_then(|pair| pair.split_once(':')) {
            secrets.push(secret.to_owned());
            secrets.push(
                percent_decode_str(&secret.replace('+', " "))
                    .decode_utf8_lossy()
                    .into_owned(),
            );
        }
    }
    for (name, value) in form_urlencoded::parse(request.body()) {
        if name == "client_secret" {
            secrets.push(value.into_owned());
        }
    }
    Zeroizing::new(secrets)
}
