//! What a refresh brought, and what of it goes into the record. What the answer leaves out is kept (RFC 6749 section 6);
//! an ID token in it must be the same person's (OpenID Connect Core section 12.2).

use cloakroom_oidc::{
    AccessToken, IdToken, IdTokenClaims, IdTokenError, IdTokenExpectations, KeySet, Nonce, Policy,
    ProviderMetadata, RefreshToken, TokenResponse,
    id_token::{self, OriginalIdToken},
};

use super::{NoToken, Wanted};
use crate::bff::Bff;
use crate::exchange::LEEWAY;
use crate::record::{OtherToken, Record};
use crate::session::user_claims;

/// The most tokens for resources of their own that a session keeps.
const MOST_OTHERS: usize = 16;

/// The answer to a refresh.
pub(super) struct Renewed {
    pub(super) access_token: AccessToken,
    pub(super) refresh_token: Option<RefreshToken>,
    id_token: Option<IdToken>,
    expires_at: Option<u64>,
    received_at: u64,
    scope: Option<String>,
    wanted: Wanted,
}

/// What the ID token of an answer is worth.
pub(super) enum Judged {
    NoIdToken,
    Good(Box<IdTokenClaims>),
    Refused(Box<IdTokenError>),
    /// The key it is signed with is not at hand.
    KeyUnknown,
}

impl Renewed {
    pub(super) fn new(tokens: TokenResponse, wanted: &Wanted, now: u64) -> Self {
        Self {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            id_token: tokens.id_token,
            expires_at: tokens.expires_in.map(|seconds| now.saturating_add(seconds)),
            received_at: now,
            scope: tokens.scope,
            wanted: wanted.clone(),
        }
    }

    /// Puts the new refresh token into the record, and nothing else.
    pub(super) fn rotate(&self, record: &mut Record) {
        if let Some(new) = &self.refresh_token {
            record.refresh_token = Some(new.clone());
        }
    }

    /// Puts all of it into the record.
    pub(super) fn apply(
        &self,
        record: &mut Record,
        claims: Option<&IdTokenClaims>,
        hidden: &[String],
    ) {
        self.rotate(record);
        if let (Some(raw), Some(claims)) = (&self.id_token, claims) {
            // What userinfo added at sign-in stays, where the ID token says nothing else.
            record.user = user_claims(&claims.all, Some(&record.user), hidden);
            record.id_token = raw.clone();
            if let Some(sid) = &claims.sid {
                record.provider_session = Some(sid.clone());
            }
        }
        let resource = self
            .wanted
            .as_token_for()
            .other_resource(record)
            .map(str::to_owned);
        let Some(resource) = resource else {
            record.access_token = self.access_token.clone();
            record.access_token_expires_at = self.expires_at;
            record.access_token_received_at = self.received_at;
            record.renewed_at = self.received_at;
            if self.scope.is_some() {
                record.scope.clone_from(&self.scope);
            }
            return;
        };
        let asked = &self.wanted.scopes;
        record
            .others
            .retain(|other| other.resource != resource || other.asked != *asked);
        if record.others.len() >= MOST_OTHERS {
            record.others.remove(0);
        }
        record.others.push(OtherToken {
            resource,
            asked: asked.clone(),
            access_token: self.access_token.clone(),
            expires_at: self.expires_at,
            received_at: self.received_at,
            scope: self.scope.clone(),
        });
    }
}

impl Bff {
    /// Judges the ID token with the keys at hand: nothing is waited for.
    pub(super) fn judge(
        &self,
        metadata: &ProviderMetadata,
        record: &Record,
        renewed: &Renewed,
    ) -> Judged {
        let Some(raw) = &renewed.id_token else {
            return Judged::NoIdToken;
        };
        let Some(keys) = self.provider().known_keys() else {
            return Judged::KeyUnknown;
        };
        match self.verify_refreshed(metadata, record, renewed, raw, &keys) {
            Ok(claims) => Judged::Good(Box::new(claims)),
            Err(IdTokenError::Jwt(error)) if error.may_be_a_new_key() => Judged::KeyUnknown,
            Err(error) => Judged::Refused(Box::new(error)),
        }
    }

    /// Judges it once more with a fresh key set.
    pub(super) async fn judge_with_fresh_keys(
        &self,
        metadata: &ProviderMetadata,
        record: &Record,
        renewed: &Renewed,
    ) -> Result<Box<IdTokenClaims>, NoToken> {
        let Some(raw) = &renewed.id_token else {
            return Err(NoToken::ProviderAnswer);
        };
        let keys = self
            .provider()
            .keys_after_unknown_kid()
            .await
            .map_err(|error| {
                tracing::warn!(%error, "renewed tokens are not used yet: the provider's keys cannot be had");
                NoToken::ProviderDown
            })?;
        self.verify_refreshed(metadata, record, renewed, raw, &keys)
            .map(Box::new)
            .map_err(|error| {
                tracing::error!(code = error.code(), %error, "the ID token that came with a refresh was refused");
                NoToken::ProviderAnswer
            })
    }

    fn verify_refreshed(
        &self,
        metadata: &ProviderMetadata,
        record: &Record,
        renewed: &Renewed,
        raw: &IdToken,
        keys: &KeySet,
    ) -> Result<IdTokenClaims, IdTokenError> {
        let auth = self.client_auth();
        let algs = self.id_token_algs(metadata);
        let policy = Policy {
            client_secret: auth.id_token_secret(),
            ..Policy::new(&algs)
        };
        let nonce = record.original.nonce.as_deref().map(Nonce::new);
        let expectations = IdTokenExpectations {
            nonce: nonce.as_ref(),
            leeway: LEEWAY,
            access_token: Some(&renewed.access_token),
            trusted_audiences: &self.settings().trusted_audiences,
            ..IdTokenExpectations::new(
                &metadata.issuer,
                &self.settings().client_id,
                renewed.received_at,
            )
        };
        let original = OriginalIdToken {
            subject: &record.subject,
            audiences: &record.original.audiences,
            authorized_party: record.original.authorized_party.as_deref(),
            issued_at: record.original.issued_at,
            auth_time: record.auth_time,
        };
        id_token::verify_refreshed(raw, keys, &policy, &expectations, &original)
    }
}
