//! What a page or function may ask of a session. Signed out, lacking and too weak are different errors: the first is
//! mended by signing in, the second is not, the third by signing in more strongly (RFC 9470).

use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::code::Code;
use crate::session::Session;

/// What a session must have: a claim, a group, or an authentication that is strong or recent enough.
///
/// ```
/// use cloakroom_bff::Requirement;
///
/// let staff = Requirement::group("staff");
/// let verified = Requirement::claim("email_verified", true);
/// let confirmed = Requirement::acr(["urn:okta:loa:2fa:any"]).within(300);
/// # let _ = (staff, verified, confirmed);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    claim: Option<(String, Value)>,
    step_up: StepUp,
}

/// How a person has to be authenticated (RFC 9470 section 3): by one of `acr_values`, where there are any, and at most
/// `max_age` seconds ago.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepUp {
    /// Authentication context class references, any of which will do (OpenID Connect Core section 3.1.2.1). A sign-in can
    /// ask for 128 bytes of them.
    pub acr_values: Vec<String>,
    /// Seconds since the person was authenticated, at most.
    pub max_age: Option<u64>,
}

impl Requirement {
    /// The claim has this value, or is a list that holds it.
    pub fn claim(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            claim: Some((name.into(), value.into())),
            step_up: StepUp::default(),
        }
    }

    /// The `groups` claim holds this group (Okta's name for it, and that of most providers).
    pub fn group(name: impl Into<String>) -> Self {
        Self::claim("groups", name.into())
    }

    /// The person was authenticated in one of these ways (`acr`, OpenID Connect Core section 2).
    pub fn acr<A: Into<String>>(values: impl IntoIterator<Item = A>) -> Self {
        Self {
            claim: None,
            step_up: StepUp {
                acr_values: values.into_iter().map(Into::into).collect(),
                max_age: None,
            },
        }
    }

    /// The person was authenticated at most this many seconds ago (`auth_time`, OpenID Connect Core section 2). A
    /// provider that does not say when it was never satisfies this; asked for `max_age`, it has to say.
    pub fn max_age(seconds: u64) -> Self {
        Self::acr([] as [&str; 0]).within(seconds)
    }

    /// And at most this many seconds ago.
    #[must_use]
    pub fn within(mut self, seconds: u64) -> Self {
        self.step_up.max_age = Some(seconds);
        self
    }

    /// Whether a session has it; `now` in Unix seconds. A claim that is lacking is told first: no other sign-in of this
    /// person mends that.
    pub(crate) fn check(&self, session: &Session, now: u64) -> Result<(), AccessError> {
        if !self.is_met_by(session.claims()) {
            return Err(AccessError::Lacking(self.to_string()));
        }
        let StepUp {
            acr_values,
            max_age,
        } = &self.step_up;
        if session.satisfies(acr_values, *max_age, now) {
            Ok(())
        } else {
            Err(AccessError::StepUp(self.step_up.clone()))
        }
    }

    fn is_met_by(&self, user: &Map<String, Value>) -> bool {
        let Some((name, wanted)) = &self.claim else {
            return true;
        };
        match user.get(name) {
            Some(Value::Array(values)) => values.contains(wanted),
            Some(value) => value == wanted,
            None => false,
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some((name, value)) = &self.claim {
            parts.push(format!("{name} = {value}"));
        }
        if !self.step_up.acr_values.is_empty() {
            parts.push(format!("acr = {}", self.step_up.acr_values.join(" or ")));
        }
        if let Some(seconds) = self.step_up.max_age {
            parts.push(format!("auth_time within {seconds} s"));
        }
        f.write_str(&parts.join(", "))
    }
}

/// Why a request may not have what it asks for.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessError {
    /// Nobody is signed in: sign in and try again.
    #[error("nobody is signed in: lead the person to /auth/login")]
    SignedOut,
    /// Somebody is, but without what is needed: signing in again does not help.
    #[error("the session lacks {0}")]
    Lacking(String),
    /// Somebody is, but was authenticated too weakly or too long ago: a sign-in that asks for this helps.
    #[error(
        "the session was authenticated too weakly or too long ago: lead the person to a sign-in that asks for more"
    )]
    StepUp(StepUp),
    /// The store does not answer: nobody knows. Ask again later; do not treat it as signed out.
    #[error("the session store does not answer: try again later")]
    StoreDown,
}

impl AccessError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::SignedOut => Code::SignedOut,
            Self::Lacking(_) => Code::Forbidden,
            Self::StepUp(_) => Code::InsufficientUserAuthentication,
            Self::StoreDown => Code::StoreDown,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::Requirement;

    fn user(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    #[test]
    fn a_claim_is_compared_whole_and_with_its_type() {
        let verified = Requirement::claim("email_verified", true);
        assert!(verified.is_met_by(&user(json!({"email_verified": true}))));
        for other in [
            json!({"email_verified": "true"}),
            json!({"email_verified": 1}),
            json!({"email_verified": false}),
            json!({}),
        ] {
            assert!(!verified.is_met_by(&user(other)));
        }
    }

    #[test]
    fn a_requirement_says_what_it_is() {
        for (requirement, text) in [
            (Requirement::group("staff"), "groups = \"staff\""),
            (Requirement::acr(["a", "b"]), "acr = a or b"),
            (Requirement::max_age(60), "auth_time within 60 s"),
            (
                Requirement::group("staff").within(60),
                "groups = \"staff\", auth_time within 60 s",
            ),
        ] {
            assert_eq!(requirement.to_string(), text);
        }
    }

    #[test]
    fn a_group_is_one_of_a_list_never_a_part_of_a_name() {
        let staff = Requirement::group("staff");
        assert!(staff.is_met_by(&user(json!({"groups": ["everyone", "staff"]}))));
        assert!(staff.is_met_by(&user(json!({"groups": "staff"}))));
        assert!(!staff.is_met_by(&user(json!({"groups": ["staffing"]}))));
        assert!(!staff.is_met_by(&user(json!({"groups": []}))));
    }
}
