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
        let record = match self.end(visit).await {
            Ok(record) => record,
            Err(error) => {
                let code = if error == AccessError::StoreDown {
                    Code::SignOutIncomplete
                } else {
                    error.code()
                };
                return failure::answer(self, visit, code, None, None);
            }
        };
        if visit.caller() != Caller::Navigation {
            if let Some(record) = record {
                self.revoke_in_background(record);
            }
            return Answer::empty(StatusCode::NO_CONTENT);
        }
        let Some(record) = record else {
            return Answer::see_other("/")
                .cookie(self.cookies().set_notice(Notice::SignedOut.as_str()));
        };
        let end_session = self.end_session_url(&record).await;
        self.revoke_in_background(record);
        match end_session {
            Some(url) => Answer::see_other(&url)
                .cookie(self.cookies().set_notice(Notice::SignedOut.as_str())),
            None => Answer::see_other("/")
                .cookie(self.cookies().set_notice(Notice::SignedOutHere.as_str())),
        }
    }

    /// Deletes the session of this request and gives back what it held.
    async fn end(&self, visit: &Visit) -> Result<Option<Record>, AccessError> {
        let Some(ticket) = visit.ticket() else {
            return Ok(None);
        };
        let opened = visit.open(&ticket).await;
        // Also where it could not be opened: a record that cannot be read is still to be gone.
        self.vault().delete(&ticket).await.map_err(|error| {
            tracing::error!(%error, "a session could not be ended");
            AccessError::StoreDown
        })?;
        if opened.is_ok() {
            tracing::info!("signed out");
        }
        Ok(opened.ok().flatten().map(|(_, record)| record))
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
