//! `GET /auth/session`: is anybody signed in, and who (draft-ietf-oauth-browser-based-apps section 6.1.2.3).

use axum::Extension;
use http::StatusCode;
use serde_json::json;

use crate::answer::Answer;
use crate::problem;
use crate::query;
use crate::visit::Visit;

/// 200 with `{"signed_in":false}`, or `{"signed_in":true,"user":{..},"expires_in":seconds,..}`; 503 where the store
/// does not answer. `?touch=false` does not extend the session. After a silent sign-in that the provider would have had
/// to ask for, `"silent_sign_in":"login_required"` is there once, so that a script does not try again and again.
pub(crate) async fn session(Extension(visit): Extension<Visit>) -> Answer {
    let touch = query::get(visit.query(), "touch").as_deref() != Some("false");
    let found = if touch {
        visit.session().await
    } else {
        visit.session_untouched().await
    };
    let mut body = match found {
        Ok(Some(session)) => session.to_json(visit.bff().now()),
        Ok(None) => json!({ "signed_in": false }),
        Err(error) => return problem::document(error.code(), visit.reference()),
    };
    if let (Some(silent), Some(members)) = (visit.take_silent_sign_in(), body.as_object_mut()) {
        members.insert("silent_sign_in".to_owned(), silent.as_str().into());
    }
    Answer::json(StatusCode::OK, &body)
}
