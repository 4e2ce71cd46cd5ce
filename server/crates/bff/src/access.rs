//! What a page or function may ask of a session. Signed out and lacking are different errors: one is mended by signing
//! in, the other is not.

use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::code::Code;

/// A claim or group that is needed.
///
/// ```
/// use cloakroom_bff::Requirement;
///
/// let staff = Requirement::group("staff");
/// let verified = Requirement::claim("email_verified", true);
/// # let _ = (staff, verified);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    claim: String,
    value: Value,
}

impl Requirement {
    /// The claim has this value, or is a list that holds it.
    pub fn claim(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            claim: name.into(),
            value: value.into(),
        }
    }

    /// The `groups` claim holds this group (Okta's name for it, and that of most providers).
    pub fn group(name: impl Into<String>) -> Self {
        Self::claim("groups", name.into())
    }

    pub(crate) fn is_met_by(&self, user: &Map<String, Value>) -> bool {
        match user.get(&self.claim) {
            Some(Value::Array(values)) => values.contains(&self.value),
            Some(value) => *value == self.value,
            None => false,
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.claim, self.value)
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
    fn a_group_is_one_of_a_list_never_a_part_of_a_name() {
        let staff = Requirement::group("staff");
        assert!(staff.is_met_by(&user(json!({"groups": ["everyone", "staff"]}))));
        assert!(staff.is_met_by(&user(json!({"groups": "staff"}))));
        assert!(!staff.is_met_by(&user(json!({"groups": ["staffing"]}))));
        assert!(!staff.is_met_by(&user(json!({"groups": []}))));
    }
}
