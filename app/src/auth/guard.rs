//! What the application's own server functions ask before they answer. Every server function is a public endpoint: one
//! without such a line answers anybody.

use std::sync::Arc;

use cloakroom_bff::{Requirement, Session};

use crate::auth::AuthError;
use crate::http::{deny, visit};

/// Who is signed in, if anybody; for functions that answer both. [`AuthError::StoreDown`] (503) where nobody knows.
pub async fn current_user() -> Result<Option<Arc<Session>>, AuthError> {
    let visit = visit().ok_or(AuthError::Internal)?;
    visit.session().await.map_err(|error| deny(&error))
}

/// The session, or [`AuthError::SignedOut`] (401). The answer gets the status that goes with the error.
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
pub async fn require_session() -> Result<Arc<Session>, AuthError> {
    let visit = visit().ok_or(AuthError::Internal)?;
    visit.require_session().await.map_err(|error| deny(&error))
}

/// The session, if it has what is required: else [`AuthError::SignedOut`] (401), which signing in mends, or
/// [`AuthError::Forbidden`] (403), which it does not.
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
pub async fn require(requirement: &Requirement) -> Result<Arc<Session>, AuthError> {
    let visit = visit().ok_or(AuthError::Internal)?;
    visit
        .require(requirement)
        .await
        .map_err(|error| deny(&error))
}
