//! `GET /auth/session`: is anybody signed in, and who (draft-ietf-oauth-browser-based-apps section 6.1.2.3).

use axum::Extension;
use http::StatusCode;
use serde_json::json;

use crate::answer::Answer;
use crate::problem;
use crate::query;
use crate::visit::Visit;

/// 200 with `{"signed_in":false}`, or `{"signed_in":true,"user":{..},"expires_in":seconds,..}`; 503 where the store
/// does not answer. `?touch=false` does not extend the session.
pub(crate) async fn session(Extension(visit): Extension<Visit>) -> Answer {
    let touch = query::get(visit.query(), "touch").as_deref() != Some("false");
    let found = if touch {
        visit.session().await
    } else {
        visit.session_untouched().await
    };
    match found {
        Ok(Some(session)) => Answer::json(StatusCode::OK, &session.to_json(visit.bff().now())),
        Ok(None) => Answer::json(StatusCode::OK, &json!({ "signed_in": false })),
        Err(error) => problem::document(error.code(), visit.reference()),
    }
}
