//! Axum extractors for what the layer found out.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::Extensions;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::denied::Denied;
use crate::layer::Checked;
use crate::token::VerifiedToken;

/// The access token that the layer found good. Without a layer over the route the answer is 500.
///
/// ```
/// use cloakroom_resource::Access;
///
/// async fn whoami(token: Access) -> String {
///     format!("{} by way of {}", token.subject, token.client_id)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Access(pub Arc<VerifiedToken>);

impl Access {
    /// The same for services without axum's extractors; `None` without a layer.
    ///
    /// ```
    /// use cloakroom_resource::Access;
    ///
    /// fn subject<B>(request: &http::Request<B>) -> Option<String> {
    ///     Access::of(request.extensions()).map(|token| token.subject.clone())
    /// }
    /// # assert_eq!(subject(&http::Request::new(())), None);
    /// ```
    pub fn of(extensions: &Extensions) -> Option<Self> {
        let checked = extensions.get::<Checked>()?;
        Some(checked.access.clone())
    }
}

impl Deref for Access {
    type Target = VerifiedToken;

    fn deref(&self) -> &VerifiedToken {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Access {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        checked(parts).map(|checked| checked.access.clone())
    }
}

/// The token's claims as a type of the application's. A token whose claims are not of that type is not good here:
/// 401, and the log names the type.
///
/// ```
/// use cloakroom_resource::AccessTokenClaims;
///
/// #[derive(serde::Deserialize)]
/// struct Claims {
///     uid: String,
/// }
///
/// async fn uid(AccessTokenClaims(claims): AccessTokenClaims<Claims>) -> String {
///     claims.uid
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AccessTokenClaims<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for AccessTokenClaims<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let checked = checked(parts)?;
        checked.access.claims_as().map(Self).map_err(|refusal| {
            let denied = Denied::from(refusal);
            denied.log();
            denied.response(checked.server.resource_metadata())
        })
    }
}

#[expect(
    clippy::result_large_err,
    reason = "axum's rejections are whole answers"
)]
fn checked(parts: &Parts) -> Result<&Checked, Response> {
    parts.extensions.get::<Checked>().ok_or_else(|| {
        Denied::NoLayer.log();
        Denied::NoLayer.response(None)
    })
}
