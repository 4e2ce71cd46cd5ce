//! Where an application has its say in a sign-in.

use std::fmt;

use async_trait::async_trait;
use serde_json::{Map, Value};

/// A sign-in that every check has passed, before its session is made.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignIn<'a> {
    /// The subject identifier (OpenID Connect Core section 2).
    pub subject: &'a str,
    /// The issuer identifier.
    pub issuer: &'a str,
    /// What the application will know of the person. A hook may add, change and remove claims; `sub` is put back.
    pub claims: &'a mut Map<String, Value>,
}

/// An application's own rule says no. The text goes to the log, not to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

impl Refused {
    /// Refuses, and says why in the log.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Called once for each sign-in: may enrich what is known of the person, or refuse.
///
/// ```
/// use cloakroom_bff::{OnSignIn, Refused, SignIn};
///
/// #[derive(Debug)]
/// struct StaffOnly;
///
/// #[async_trait::async_trait]
/// impl OnSignIn for StaffOnly {
///     async fn on_sign_in(&self, sign_in: &mut SignIn<'_>) -> Result<(), Refused> {
///         let email = sign_in.claims.get("email").and_then(|email| email.as_str()).unwrap_or_default();
///         if !email.ends_with("@example.com") {
///             return Err(Refused::because("not one of ours"));
///         }
///         sign_in.claims.insert("role".into(), "member".into());
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait OnSignIn: fmt::Debug + Send + Sync + 'static {
    /// Decides about one sign-in. It is awaited before the session is made: keep it short.
    async fn on_sign_in(&self, sign_in: &mut SignIn<'_>) -> Result<(), Refused>;
}
