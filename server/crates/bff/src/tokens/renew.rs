//! One renewal: the refresh request, once more where its answer was lost, and the write that keeps what came of it
//! (RFC 6749 section 6, RFC 9700 section 4.14).

use bytes::Bytes;
use cloakroom_oidc::client::TransportError;
use cloakroom_oidc::revocation::RevocableToken;
use cloakroom_oidc::{
    AccessToken, ProviderMetadata, RefreshToken, TokenError, TokenResponse, redact, token_request,
};
use cloakroom_vault::{DeletedAt, Ticket, UpdateError, Version};
use http::Response;

use super::flights::Failed;
use super::freshness::{Freshness, Kept};
use super::refreshed::{Judged, Renewed};
use super::{NoToken, Wanted};
use crate::bff::Bff;
use crate::record::Record;
use crate::time::random_bytes;

/// How often a write is tried again after a conflict with another one.
const WRITES: usize = 8;
/// How long a store that does not answer is waited for with new tokens in hand, in pauses of these milliseconds.
const STORE_PAUSES: [u64; 5] = [50, 200, 1_000, 3_000, 5_000];

/// How a refresh request fared.
enum Sent {
    Tokens(TokenResponse),
    Refused(TokenError),
    /// It may have had its effect, but what it brought is lost.
    Lost,
    /// Nothing was sent.
    Nothing,
}

impl Bff {
    /// Renews the token that is wanted, unless somebody else has just done so.
    pub(super) async fn renew(
        &self,
        ticket: &Ticket,
        wanted: &Wanted,
        refused_at: Option<Version>,
    ) -> Result<(), Failed> {
        let (record, version) = self.reread(ticket).await?;
        let token_for = wanted.as_token_for();
        let is_due = match (Kept::of(&record, token_for), refused_at) {
            (None, _) => true,
            (Some(_), Some(refused_at)) => version == refused_at,
            (Some(kept), None) => kept.freshness(self.now()) != Freshness::Good,
        };
        if !is_due {
            return Ok(());
        }
        let Some(refresh_token) = record.refresh_token.clone() else {
            return Err(NoToken::SignInAgain.into());
        };
        let metadata = self.provider().metadata().await.map_err(|error| {
            tracing::warn!(%error, "an access token cannot be renewed: the provider's metadata cannot be had");
            NoToken::ProviderDown
        })?;
        if metadata.issuer != record.issuer {
            // Another provider than the one that gave the token: it must not see it.
            tracing::warn!("a session of another provider cannot be renewed");
            return Err(NoToken::SignInAgain.into());
        }
        let resource = token_for.other_resource(&record);
        let scope = wanted.scopes.join(" ");
        let scope = resource
            .is_some()
            .then_some(scope.as_str())
            .filter(|scope| !scope.is_empty());
        let ask = Ask {
            metadata: &metadata,
            refresh_token: &refresh_token,
            resource,
            scope,
        };
        let mut sent = self.ask(&ask).await?;
        let was_lost = matches!(sent, Sent::Lost);
        if was_lost {
            tracing::warn!(
                "the answer to a refresh was lost: it is asked for once more with the old refresh token"
            );
            sent = self.ask(&ask).await?;
        }
        match sent {
            Sent::Tokens(tokens) => {
                self.keep(
                    ticket,
                    &metadata,
                    (record, version),
                    &refresh_token,
                    wanted,
                    tokens,
                )
                .await
            }
            Sent::Refused(error) => {
                self.refused(ticket, version, &refresh_token, &error, was_lost)
                    .await
            }
            Sent::Lost | Sent::Nothing => Err(NoToken::ProviderDown.into()),
        }
    }

    /// Sends one refresh request. Each proves this client anew.
    async fn ask(&self, ask: &Ask<'_>) -> Result<Sent, Failed> {
        let auth = self.client_auth();
        let relying_party = self.relying_party(&auth, ask.metadata);
        let request = token_request::refresh_token(
            ask.metadata,
            &relying_party,
            ask.refresh_token,
            ask.scope,
            ask.resource,
            self.fresh(),
        )
        .map_err(|error| {
            tracing::error!(%error, "a refresh request could not be made");
            NoToken::ClientRefused
        })?;
        // A provider may quote what it was sent: what it says goes to the log, what it was sent must not.
        let secrets = redact::secrets_in(&request);
        let response = match self.provider().http().send(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "a refresh was not answered");
                return Ok(if is_lost(&error) {
                    Sent::Lost
                } else {
                    Sent::Nothing
                });
            }
        };
        Ok(match TokenResponse::parse(&response) {
            Ok(tokens) => Sent::Tokens(tokens),
            Err(error) => {
                let error = error.without(&secrets);
                tracing::warn!(code = error.code(), hint = error.hint(), %error, "a refresh was refused");
                if is_a_gateway_s(&response) {
                    Sent::Lost
                } else {
                    Sent::Refused(error)
                }
            }
        })
    }

    /// What a refusal means. Only `invalid_grant` with a 4xx other than 429 ends the session, at the version whose
    /// token it is about.
    async fn refused(
        &self,
        ticket: &Ticket,
        version: Version,
        sent: &RefreshToken,
        error: &TokenError,
        was_lost: bool,
    ) -> Result<(), Failed> {
        if error.is_invalid_grant() {
            return self.provider_ended(ticket, version, sent, was_lost).await;
        }
        let retry_after = match error {
            TokenError::RateLimited { retry_after, .. }
            | TokenError::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        };
        let why = match error {
            error if error.is_transient() => NoToken::ProviderDown,
            TokenError::Refused { .. } | TokenError::Unauthorized => NoToken::ClientRefused,
            _ => NoToken::ProviderAnswer,
        };
        Err(Failed { why, retry_after })
    }

    async fn provider_ended(
        &self,
        ticket: &Ticket,
        mut version: Version,
        sent: &RefreshToken,
        was_lost: bool,
    ) -> Result<(), Failed> {
        for _ in 0..WRITES {
            let deleted = self
                .vault()
                .delete_at(ticket, version)
                .await
                .map_err(|error| {
                    tracing::error!(%error, "a session that the provider ended could not be deleted");
                    NoToken::StoreDown
                })?;
            match deleted {
                DeletedAt::Deleted => {
                    self.session_has_ended(ticket);
                    if was_lost {
                        tracing::warn!(
                            "a session has ended: the answer with its new refresh token was lost, and the provider does not take the old one again (no grace period for rotated refresh tokens)"
                        );
                    } else {
                        tracing::info!(
                            "a session has ended: the provider says that its refresh token is no longer good"
                        );
                    }
                    return Err(NoToken::SessionEnded.into());
                }
                DeletedAt::Gone => return Err(NoToken::SignedOut.into()),
                DeletedAt::Conflict => {
                    let (record, at) = self.reread(ticket).await?;
                    if !holds(&record, sent) {
                        // The refusal was about a token that is replaced already.
                        return Ok(());
                    }
                    version = at;
                }
            }
        }
        Err(NoToken::StoreDown.into())
    }

    /// Judges what came, and writes it. Where the ID token needs keys that have to be fetched, the new refresh token is
    /// written before anything is waited for.
    async fn keep(
        &self,
        ticket: &Ticket,
        metadata: &ProviderMetadata,
        mut held: (Record, Version),
        sent: &RefreshToken,
        wanted: &Wanted,
        tokens: TokenResponse,
    ) -> Result<(), Failed> {
        let renewed = Renewed::new(tokens, wanted, self.now());
        let claims = match self.judge(metadata, &held.0, &renewed) {
            Judged::NoIdToken => None,
            Judged::Good(claims) => Some(claims),
            Judged::Refused(error) => {
                tracing::error!(code = error.code(), %error, "the ID token that came with a refresh was refused: nothing of the answer is taken");
                self.revoke_in_turn(&renewed, sent);
                return Err(NoToken::ProviderAnswer.into());
            }
            Judged::KeyUnknown => {
                if renewed.refresh_token.is_some() {
                    let rotate = |record: &mut Record| renewed.rotate(record);
                    held = match self.write(ticket, held, sent, &renewed, rotate).await? {
                        Some(held) => held,
                        None => return Ok(()),
                    };
                }
                match self
                    .judge_with_fresh_keys(metadata, &held.0, &renewed)
                    .await
                {
                    Ok(claims) => Some(claims),
                    Err(why) => return Err(why.into()),
                }
            }
        };
        let now_holds = renewed
            .refresh_token
            .as_ref()
            .filter(|new| holds(&held.0, new));
        let expected = now_holds.unwrap_or(sent).clone();
        let hidden = &self.settings().hidden_claims;
        let apply = |record: &mut Record| renewed.apply(record, claims.as_deref(), hidden);
        self.write(ticket, held, &expected, &renewed, apply).await?;
        Ok(())
    }

    /// Writes a change to the record, and again after a conflict, as long as the record holds the refresh token that
    /// was sent. `None`: it holds a newer one, and that one stays. Gives the record as it is then.
    async fn write(
        &self,
        ticket: &Ticket,
        (mut record, mut version): (Record, Version),
        sent: &RefreshToken,
        renewed: &Renewed,
        change: impl Fn(&mut Record),
    ) -> Result<Option<(Record, Version)>, Failed> {
        let mut pauses = STORE_PAUSES.iter();
        for _ in 0..WRITES {
            change(&mut record);
            let bytes = record.to_bytes().map_err(|error| {
                tracing::error!(%error, "renewed tokens cannot be kept");
                NoToken::ProviderAnswer
            })?;
            let written = loop {
                let seal_id = random_bytes(self.random());
                match self
                    .vault()
                    .update(ticket, version, &bytes, self.now(), seal_id)
                    .await
                {
                    Err(UpdateError::Store(error)) => {
                        let Some(pause) = pauses.next() else {
                            tracing::error!(%error, "renewed tokens could not be written: where the provider rotates refresh tokens this session will have to begin anew");
                            return Err(NoToken::StoreDown.into());
                        };
                        tracing::warn!(%error, "renewed tokens could not be written yet");
                        tokio::time::sleep(std::time::Duration::from_millis(*pause)).await;
                    }
                    written => break written,
                }
            };
            match written {
                Ok(version) => return Ok(Some((record, version))),
                Err(UpdateError::Conflict) => match self.reread(ticket).await {
                    Ok((newer, at)) if holds(&newer, sent) => (record, version) = (newer, at),
                    Ok(_) => {
                        tracing::info!("renewed tokens are dropped: the session holds newer ones");
                        return Ok(None);
                    }
                    Err(NoToken::SignedOut) => return Err(self.came_too_late(renewed, sent)),
                    Err(error) => return Err(error.into()),
                },
                Err(UpdateError::Gone) => return Err(self.came_too_late(renewed, sent)),
                Err(error) => {
                    tracing::error!(%error, "renewed tokens could not be written");
                    return Err(NoToken::StoreDown.into());
                }
            }
        }
        tracing::error!("renewed tokens could not be written: others write all the time");
        Err(NoToken::StoreDown.into())
    }

    /// The session ended while its tokens were renewed: what came is nobody's.
    fn came_too_late(&self, renewed: &Renewed, sent: &RefreshToken) -> Failed {
        tracing::info!("a session ended while its tokens were renewed: the new ones are revoked");
        self.revoke_in_turn(renewed, sent);
        NoToken::SignedOut.into()
    }

    /// Revokes tokens that came and are not kept. A refresh token that is the one that was sent is not new.
    fn revoke_in_turn(&self, renewed: &Renewed, sent: &RefreshToken) {
        let refresh_token = renewed
            .refresh_token
            .clone()
            .filter(|new| !new.matches(sent.expose()));
        let access_token: AccessToken = renewed.access_token.clone();
        let bff = self.clone();
        self.in_background(async move {
            let refresh = refresh_token.as_ref().map(RevocableToken::Refresh);
            bff.revoke_tokens(refresh, RevocableToken::Access(&access_token))
                .await;
        });
    }
}

/// What a refresh request says.
struct Ask<'a> {
    metadata: &'a ProviderMetadata,
    refresh_token: &'a RefreshToken,
    resource: Option<&'a str>,
    scope: Option<&'a str>,
}

fn holds(record: &Record, token: &RefreshToken) -> bool {
    record
        .refresh_token
        .as_ref()
        .is_some_and(|held| held.matches(token.expose()))
}

/// Whether the provider may have acted on a request whose answer did not come.
fn is_lost(error: &TransportError) -> bool {
    !error.nothing_was_sent()
}

/// 502 and 504 come from something between: the provider itself may have answered (RFC 9110 sections 15.6.3 and 15.6.5).
fn is_a_gateway_s(response: &Response<Bytes>) -> bool {
    matches!(response.status().as_u16(), 502 | 504)
}
