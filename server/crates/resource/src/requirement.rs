//! What a route needs of an access token that is good (RFC 6750 section 3.1, RFC 9470).

use cloakroom_oidc::json;
use serde_json::Value;

use crate::denied::Denied;
use crate::token::VerifiedToken;

/// What a route needs beyond a good token. Everything named must be there.
///
/// ```
/// use cloakroom_resource::Requirement;
///
/// let write = Requirement::new().scope("messages:write").group("editors");
/// let clear = write.clone().acr("urn:okta:loa:2fa:any").max_age(300);
/// let tenant = Requirement::new().claim("tid", "4711").includes("roles", ["auditor", "reader"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requirement {
    scopes: Vec<String>,
    claims: Vec<(String, Wanted)>,
    acr_values: Vec<String>,
    max_age: Option<u64>,
}

/// What a claim must be.
#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    /// This value, or an array that has it.
    Value(Value),
    /// An array that has all of these.
    All(Vec<Value>),
}

impl Requirement {
    /// Needs nothing more than a good token.
    pub fn new() -> Self {
        Self::default()
    }

    /// Needs this scope too (RFC 6749 section 3.3).
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Needs a claim with this value, or with an array that has it.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let wanted = Wanted::Value(value.into());
        self.claims.push((name.into(), wanted));
        self
    }

    /// Needs a claim that has all of these values: an array with more, or the one value itself. Parts of a string
    /// count for nothing.
    #[must_use]
    pub fn includes<V: Into<Value>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let wanted = Wanted::All(values.into_iter().map(Into::into).collect());
        self.claims.push((name.into(), wanted));
        self
    }

    /// Needs this group in the claim `groups`.
    #[must_use]
    pub fn group(self, group: impl Into<String>) -> Self {
        self.claim("groups", group.into())
    }

    /// Accepts this `acr`; of several, one is enough (RFC 9470 section 3).
    #[must_use]
    pub fn acr(mut self, value: impl Into<String>) -> Self {
        self.acr_values.push(value.into());
        self
    }

    /// Needs a sign-in that is at most this many seconds ago by `auth_time` (RFC 9470 section 3).
    #[must_use]
    pub fn max_age(mut self, seconds: u64) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// Whether `token` is enough at `now`, in Unix seconds. Scopes and claims come first: a new sign-in
    /// would not help a caller who lacks them.
    pub fn check(&self, token: &VerifiedToken, now: u64) -> Result<(), Denied> {
        if !self.scopes.iter().all(|scope| token.has_scope(scope)) {
            return Err(Denied::InsufficientScope {
                scopes: self.scopes.clone(),
            });
        }
        for (name, wanted) in &self.claims {
            let has = |claim| wanted.is_met_by(claim);
            if !token.claims.get(name).is_some_and(has) {
                return Err(Denied::InsufficientClaim { name: name.clone() });
            }
        }
        if self.strong_enough(token) && self.recent_enough(token, now) {
            Ok(())
        } else {
            Err(Denied::InsufficientUserAuthentication {
                acr_values: self.acr_values.clone(),
                max_age: self.max_age,
            })
        }
    }

    fn strong_enough(&self, token: &VerifiedToken) -> bool {
        let acr = token.claims.get("acr").and_then(Value::as_str);
        self.acr_values.is_empty()
            || acr.is_some_and(|acr| self.acr_values.iter().any(|v| v == acr))
    }

    fn recent_enough(&self, token: &VerifiedToken, now: u64) -> bool {
        let auth_time = token.claims.get("auth_time").and_then(json::numeric_date);
        self.max_age
            .is_none_or(|max_age| auth_time.is_some_and(|at| at.saturating_add(max_age) >= now))
    }
}

impl Wanted {
    fn is_met_by(&self, claim: &Value) -> bool {
        let has = |wanted: &Value| match claim {
            Value::Array(several) if !wanted.is_array() => several.contains(wanted),
            claim => claim == wanted,
        };
        match self {
            Self::Value(wanted) => has(wanted),
            Self::All(wanted) => wanted.iter().all(has),
        }
    }
}
