//! Axum extractors: who is signed in, and a refusal in the form the caller understands where nobody is.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::access::AccessError;
use crate::answer::Answer;
use crate::code::Code;
use crate::failure::{sign_in_path, step_up_path};
use crate::fetch_metadata::Caller;
use crate::problem;
use crate::return_to::ReturnTo;
use crate::session::Session;
use crate::visit::Visit;

/// The session of a request that needs one. Extracting it from a request without one leads a navigation to sign in
/// and back, and answers anything else 401.
///
/// `Option<SignedIn>` is for routes that serve both; it still answers 503 where the store does not answer.
///
/// ```
/// use axum::{Router, routing::get};
/// use cloakroom_bff::SignedIn;
///
/// async fn hello(session: SignedIn) -> String {
///     format!("Hello, {}", session.display_name())
/// }
///
/// let router: Router = Router::new().route("/hello", get(hello));
/// # let _ = router;
/// ```
#[derive(Debug, Clone)]
pub struct SignedIn(pub Arc<Session>);

impl Deref for SignedIn {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Answer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Answer> {
        let visit = visit(parts)?;
        visit
            .require_session()
            .await
            .map(Self)
            .map_err(|error| denied(&visit, &error))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = Answer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Answer> {
        let visit = visit(parts)?;
        let session = visit
            .session()
            .await
            .map_err(|error| denied(&visit, &error))?;
        Ok(session.map(Self))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Answer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Answer> {
        visit(parts)
    }
}

#[expect(
    clippy::result_large_err,
    reason = "the error is the answer itself, made once for a router that is put together wrong"
)]
fn visit(parts: &Parts) -> Result<Visit, Answer> {
    parts.extensions.get::<Visit>().cloned().ok_or_else(|| {
        tracing::error!("a route needs the session, but the router is not wrapped by Bff::install");
        problem::refusal(Code::Internal, "", &parts.headers)
    })
}

/// The refusal that fits the caller: a navigation without a session is led to sign in and back to this page. Who has
/// one that is too weak is not sent away unasked: a page says so, with a link to the sign-in that mends it, and a
/// program gets `acr_values` and `max_age` in the problem document. There is no `WWW-Authenticate`: what a browser
/// answers with is a cookie, which is no scheme of RFC 9110.
pub fn denied(visit: &Visit, error: &AccessError) -> Answer {
    let is_page = visit.caller() == Caller::Navigation;
    let here = || {
        let came_by_link = visit.method() == http::Method::GET;
        came_by_link
            .then(|| ReturnTo::parse(visit.path_and_query()).ok())
            .flatten()
            .unwrap_or_else(ReturnTo::root)
    };
    match error {
        AccessError::SignedOut if is_page && visit.method() == http::Method::GET => {
            Answer::see_other(&sign_in_path(&here()))
        }
        AccessError::StepUp(step_up) if is_page => {
            let link = step_up_path(&here(), step_up);
            problem::page_with_link(error.code(), visit.reference(), &link, "Confirm it is you")
        }
        AccessError::StepUp(step_up) => problem::step_up_document(step_up, visit.reference()),
        _ => refusal(visit, error.code()),
    }
}

/// A refusal where no visit was made, for layers outside of [`crate::Bff::install`].
pub fn refusal_outside(caller: Caller, code: Code) -> Answer {
    problem::refusal_for(caller, code, "")
}

/// A refusal of this code, as a page for a navigation and as a problem document for anything else.
pub fn refusal(visit: &Visit, code: Code) -> Answer {
    problem::refusal(code, visit.reference(), visit.headers())
}
