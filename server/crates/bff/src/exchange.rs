//! From a code to a session's record: the token request, the checks on what comes back, userinfo
//! (OpenID Connect Core sections 3.1.3 and 5.3).

use std::sync::Arc;

use cloakroom_oidc::client::{ProviderError, TransportError};
use cloakroom_oidc::userinfo::{self, UserinfoExpectations};
use cloakroom_oidc::{
    AuthorizationCode, ClientAuthError, ClientSecret, CodeVerifier, IdToken, IdTokenClaims,
    IdTokenError, IdTokenExpectations, KeySet, Nonce, Policy, ProviderMetadata, TokenError,
    TokenResponse, UserinfoError, id_token, redact, token_request,
};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::bff::Bff;
use crate::code::Code;
use crate::record::{Original, Record};
use crate::session::user_claims;
use crate::transaction::Asked;

/// Seconds by which clocks may differ.
pub(crate) const LEEWAY: u64 = 60;

/// Why a code did not become a session.
#[derive(Debug, Error)]
pub(crate) enum ExchangeError {
    #[error("the provider's metadata or keys cannot be had: {0}")]
    Provider(#[from] ProviderError),
    #[error("the provider cannot be reached: {0}")]
    Transport(#[from] TransportError),
    /// RFC 6749 section 2.3, RFC 7523 section 2.2.
    #[error("{0}")]
    ClientAuth(#[from] ClientAuthError),
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
            Self::Token(TokenError::Refused { .. } | TokenError::Unauthorized) => {
                Code::ClientRefused
            }
            Self::ClientAuth(_) => Code::Internal,
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
            Self::ClientAuth(error) => error.code(),
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
        // Read once: a secret that is replaced meanwhile is for the next exchange.
        let auth = self.client_auth();
        let relying_party = self.relying_party(&auth, metadata);
        let request = token_request::authorization_code(
            metadata,
            &relying_party,
            code,
            verifier,
            self.fresh(),
        )?;
        // A provider may quote what it was sent: what it says goes to the log, what it was sent must not.
        let sent = redact::secrets_in(&request);
        let tokens = TokenResponse::parse(&http.send(request).await?)
            .map_err(|error| error.without(&sent))?;
        let received_at = self.now();
        let withheld = tokens.withheld_scopes(&self.scope(metadata)).join(" ");
        if !withheld.is_empty() {
            tracing::info!(
                withheld,
                "the provider granted fewer scopes than were asked for"
            );
        }
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
            Box::pin(self.verify_id_token(metadata, auth.id_token_secret(), raw, &expectations))
                .await?;
        let userinfo = Box::pin(self.userinfo(metadata, &tokens, &claims)).await?;
        let resource = match &self.resources()[..] {
            [one] => Some((*one).to_owned()),
            // With several it is the provider's choice which of them the token is for.
            _ => None,
        };
        let original = Original {
            audiences: claims.audiences,
            authorized_party: claims.authorized_party,
            issued_at: claims.issued_at,
            nonce: Some(nonce.expose().to_owned()),
        };
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
            access_token_received_at: received_at,
            renewed_at: 0,
            resource,
            others: Vec::new(),
            refresh_token: tokens.refresh_token,
            scope: tokens.scope,
            original,
        })
    }

    /// Verifies with the keys at hand; on an unknown key, once more with a fresh set (OpenID Connect Core section 10.1.1).
    async fn verify_id_token(
        &self,
        metadata: &ProviderMetadata,
        client_secret: Option<&ClientSecret>,
        raw: &IdToken,
        expectations: &IdTokenExpectations<'_>,
    ) -> Result<IdTokenClaims, ExchangeError> {
        let algs = self.id_token_algs(metadata);
        let policy = Policy {
            client_secret,
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
        let sent = redact::secrets_in(&request);
        let response = self.provider().http().send(request).await?;
        let algs = match &self.settings().userinfo_algs {
            Some(named) => named.clone(),
            None => userinfo::algorithms(metadata),
        };
        let policy = Policy::new(&algs);
        let expectations = UserinfoExpectations {
            leeway: LEEWAY,
            signature_required: self.settings().userinfo_algs.is_some(),
            ..UserinfoExpectations::new(
                &metadata.issuer,
                &self.settings().client_id,
                &claims.subject,
                self.now(),
            )
        };
        let verify = |keys: &Arc<KeySet>| userinfo::verify(&response, keys, &policy, &expectations);
        let keys = self.provider().keys().await?;
        let said = match verify(&keys) {
            Err(error) if error.may_be_a_new_key() => {
                verify(&self.provider().keys_after_unknown_kid().await?)
            }
            said => said,
        };
        said.map(Some).map_err(|error| match error {
            // It may quote the token that it does not take.
            UserinfoError::Unauthorized { status, error } => UserinfoError::Unauthorized {
                status,
                error: error.map(|words| redact::without_secrets(&words, &sent)),
            }
            .into(),
            UserinfoError::MalformedContentType { content_type } => {
                UserinfoError::MalformedContentType {
                    content_type: redact::without_secrets(&content_type, &sent),
                }
                .into()
            }
            other => other.into(),
        })
    }
}
