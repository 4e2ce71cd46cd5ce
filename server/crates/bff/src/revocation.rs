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

    pub(crate) async fn revoke(&self, record: &Record) {
        let Ok(metadata) = self.provider().metadata().await else {
            tracing::warn!("tokens are not revoked: the provider's metadata cannot be had");
            return;
        };
        let relying_party = self.relying_party(&self.client_auth(), &metadata);
        // The refresh token first: it is the one that would live on (RFC 7009 section 2.1).
        let refresh = record.refresh_token.as_ref().map(RevocableToken::Refresh);
        let tokens = [
            ("refresh_token", refresh),
            (
                "access_token",
                Some(RevocableToken::Access(&record.access_token)),
            ),
        ];
        for (kind, token) in tokens {
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
