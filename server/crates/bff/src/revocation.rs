//! Telling the provider that tokens are no longer needed (RFC 7009). Never in anybody's way: it happens after the
//! answer, within the transport's time-outs, and a failure is logged.

use bytes::Bytes;
use cloakroom_oidc::redact;
use cloakroom_oidc::revocation::{self, RevocableToken};
use http::Request;

use crate::bff::Bff;
use crate::record::Record;

impl Bff {
    /// Revokes the refresh token, then the access token, while the answer is on its way already.
    pub(crate) fn revoke_in_background(&self, record: Record) {
        let bff = self.clone();
        self.in_background(async move { bff.revoke(&record).await });
    }

    /// Also the access tokens for resources of their own.
    pub(crate) async fn revoke(&self, record: &Record) {
        let refresh = record.refresh_token.as_ref().map(RevocableToken::Refresh);
        self.revoke_tokens(refresh, RevocableToken::Access(&record.access_token))
            .await;
        for other in &record.others {
            self.revoke_tokens(None, RevocableToken::Access(&other.access_token))
                .await;
        }
    }

    pub(crate) async fn revoke_tokens(
        &self,
        refresh: Option<RevocableToken<'_>>,
        access: RevocableToken<'_>,
    ) {
        let Ok(metadata) = self.provider().metadata().await else {
            tracing::warn!("tokens are not revoked: the provider's metadata cannot be had");
            return;
        };
        let relying_party = self.relying_party(&self.client_auth(), &metadata);
        // The refresh token first: it is the one that would live on (RFC 7009 section 2.1).
        for (kind, token) in [("refresh_token", refresh), ("access_token", Some(access))] {
            let Some(token) = token else { continue };
            // Each request proves this client anew: an assertion is good once, at one endpoint.
            match revocation::request(&metadata, &relying_party, token, self.fresh()) {
                Ok(Some(request)) => self.send_revocation(kind, request).await,
                // The provider has no endpoint for it.
                Ok(None) => return,
                Err(error) => tracing::warn!(kind, %error, "a token could not be revoked"),
            }
        }
    }

    async fn send_revocation(&self, kind: &'static str, request: Request<Bytes>) {
        let sent = redact::secrets_in(&request);
        match self.provider().http().send(request).await {
            Ok(response) => {
                if let Err(error) = revocation::parse(&response) {
                    // A provider may quote the token that it does not take.
                    let error = redact::without_secrets(&error.to_string(), &sent);
                    tracing::warn!(kind, error, "a token could not be revoked");
                }
            }
            Err(error) => tracing::warn!(kind, %error, "a token could not be revoked"),
        }
    }
}
