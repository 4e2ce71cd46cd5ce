//! The claims of an ID token, read by type (OpenID Connect Core 1.0 section 2, RFC 7519 section 4.1).

use serde_json::{Map, Value};

use super::IdTokenError;
use crate::json;

/// Claims read by type. `null` is a wrong type: a claim without a value is left out (OpenID Connect Core section 5.3.2).
#[derive(Clone, Copy)]
pub(super) struct Claims<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Claims<'a> {
    pub(super) fn string(self, name: &'static str) -> Result<Option<&'a str>, IdTokenError> {
        self.0
            .get(name)
            .map(|value| value.as_str().ok_or(IdTokenError::WrongType(name)))
            .transpose()
    }

    pub(super) fn required_string(self, name: &'static str) -> Result<&'a str, IdTokenError> {
        self.string(name)?.ok_or(IdTokenError::MissingClaim(name))
    }

    pub(super) fn time(self, name: &'static str) -> Result<Option<u64>, IdTokenError> {
        self.0
            .get(name)
            .map(|value| json::numeric_date(value).ok_or(IdTokenError::WrongType(name)))
            .transpose()
    }

    /// One string, or an array of them; empty where the claim is absent.
    pub(super) fn strings(self, name: &'static str) -> Result<Vec<&'a str>, IdTokenError> {
        match self.0.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(several)) => several
                .iter()
                .map(|item| item.as_str().ok_or(IdTokenError::WrongType(name)))
                .collect(),
            Some(_) => Err(IdTokenError::WrongType(name)),
        }
    }
}
