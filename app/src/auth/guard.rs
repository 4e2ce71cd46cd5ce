//! What the application's own server functions ask before they answer. Every server function is a public endpoint: one
//! without such a line answers anybody.
//!
//! They fail with [`ApiError`]; a function that declares [`AuthError`](crate::auth::AuthError) gets it by `?`.

use std::sync::Arc;

use cloakroom_bff::{Requirement, Session};

use crate::api::ApiError;
use crate::http::{deny, visit};

/// Who is signed in, if anybody; for functions that answer both. [`ApiError::StoreDown`] (503) where nobody knows.
pub async fn current_user() -> Result<Option<Arc<Session>>, ApiError> {
    let visit = visit().ok_or(ApiError::Internal)?;
    visit.session().await.map_err(|error| deny(&error))
}

/// The session, or [`ApiError::SignedOut`] (401). The answer gets the status that goes with the error.
///
/// ```
/// use app::auth::{AuthError, require_session};
/// use leptos::prelude::*;
///
/// #[server(prefix = "/_fn", endpoint = "greeting")]
/// pub async fn greeting() -> Result<String, AuthError> {
///     let session = require_session().await?;
///     Ok(format!("Hello, {}", session.display_name()))
/// }
/// ```
pub async fn require_session() -> Result<Arc<Session>, ApiError> {
    let visit = visit().ok_or(ApiError::Internal)?;
    visit.require_session().await.map_err(|error| deny(&error))
}

/// The session, if it has what is required: else [`ApiError::SignedOut`] (401), which signing in mends,
/// [`ApiError::StepUp`] (401), which signing in more strongly mends, or [`ApiError::Forbidden`] (403), which nothing of
/// that mends.
///
/// ```
/// use app::auth::{AuthError, require};
/// use cloakroom_bff::Requirement;
/// use leptos::prelude::*;
///
/// #[server(prefix = "/_fn", endpoint = "payroll")]
/// pub async fn payroll() -> Result<Vec<String>, AuthError> {
///     let session = require(&Requirement::group("staff")).await?;
///     Ok(vec![session.subject().to_owned()])
/// }
/// ```
///
/// With a second factor, at most five minutes ago. The page gets [`ApiError::StepUp`] and offers the sign-in that mends
/// it:
///
/// ```
/// use app::api::ApiError;
/// use app::auth::require;
/// use cloakroom_bff::Requirement;
/// use leptos::prelude::*;
///
/// #[server(prefix = "/_fn", endpoint = "close_account")]
/// pub async fn close_account() -> Result<(), ApiError> {
///     require(&Requirement::acr(["urn:okta:loa:2fa:any"]).within(300)).await?;
///     Ok(())
/// }
/// ```
pub async fn require(requirement: &Requirement) -> Result<Arc<Session>, ApiError> {
    let visit = visit().ok_or(ApiError::Internal)?;
    visit
        .require(requirement)
        .await
        .map_err(|error| deny(&error))
}
