//! `POST /auth/logout`: ends the session here, then leads a person to the provider to end it there
//! (OpenID Connect RP-Initiated Logout 1.0 section 2).

use cloakroom_oidc::EndSessionRequest;
use http::StatusCode;

use crate::access::AccessError;
use crate::answer::Answer;
use crate::bff::Bff;
use crate::code::Code;
use crate::failure;
use crate::fetch_metadata::Caller;
use crate::record::Record;
use crate::visit::{Notice, Visit};

impl Bff {
    /// Signs out. The session is gone from the store before anything else happens. A form's navigation gets 303 to the
    /// provider's end-session endpoint, or to `/`; a fetch gets 204 and never sees the provider's address.
    pub async fn logout(&self, visit: &Visit) -> Answer {
        visit.forget_session();
        let records = match self.end(visit).await {
            Ok(records) => records,
            Err(error) => {
                let code = if error == AccessError::StoreDown {
                    Code::SignOutIncomplete
                } else {
                    error.code()
                };
                return failure::answer(self, visit, code, None, None);
            }
        };
        let end_session = match records.first() {
            Some(record) if visit.caller() == Caller::Navigation => {
                self.end_session_url(record).await
            }
            _ => None,
        };
        let was_signed_in = !records.is_empty();
        for record in records {
            self.revoke_in_background(record);
        }
        if visit.caller() != Caller::Navigation {
            return Answer::empty(StatusCode::NO_CONTENT);
        }
        let (location, notice) = match (end_session, was_signed_in) {
            (Some(url), _) => (url, Notice::SignedOut),
            (None, false) => ("/".to_owned(), Notice::SignedOut),
            (None, true) => ("/".to_owned(), Notice::SignedOutHere),
        };
        Answer::see_other(&location).cookie(self.cookies().set_notice(notice.as_str()))
    }

    /// Deletes every session whose ticket this request shows, and gives back what they held, the believed one's first.
    async fn end(&self, visit: &Visit) -> Result<Vec<Record>, AccessError> {
        let mut records = Vec::new();
        for ticket in visit.presented_tickets() {
            let opened = visit.open(&ticket).await;
            // Also where it could not be opened: a record that cannot be read is still to be gone.
            self.end_session(&ticket).await.map_err(|error| {
                tracing::error!(%error, "a session could not be ended");
                AccessError::StoreDown
            })?;
            if let Ok(Some((_, record))) = opened {
                tracing::info!("signed out");
                records.push(record);
            }
        }
        Ok(records)
    }

    /// The provider's end-session address with the hint that says who: the one place where an ID token goes to a
    /// browser, once the session it belongs to has ended.
    async fn end_session_url(&self, record: &Record) -> Option<String> {
        let metadata = self
            .provider()
            .metadata()
            .await
            .inspect_err(|error| tracing::warn!(%error, "signed out here only: the provider's metadata cannot be had"))
            .ok()?;
        EndSessionRequest {
            id_token_hint: Some(&record.id_token),
            client_id: &self.settings().client_id,
            post_logout_redirect_uri: &self.settings().public_url.post_logout_redirect_uri(),
            state: None,
        }
        .url(&metadata)
        .map(Into::into)
    }
}
