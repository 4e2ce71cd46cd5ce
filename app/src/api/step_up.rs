//! What a stronger or more recent sign-in has to be (RFC 9470 section 3).

use std::fmt::Write as _;

use serde_json::Value;

use super::challenge::Challenge;

/// The longest `acr_values` that `/auth/login` takes, in bytes.
const MAX_ACR_VALUES: usize = 128;
/// The largest `max_age` that it takes, in seconds.
const MAX_MAX_AGE: u64 = (1 << 31) - 1;

/// How the person has to be authenticated: by one of `acr_values`, where there are any, and at most `max_age` seconds ago.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepUp {
    /// Authentication context class references, any of which will do (OpenID Connect Core section 3.1.2.1).
    pub acr_values: Vec<String>,
    /// Seconds since the person was authenticated, at most.
    pub max_age: Option<u64>,
}

impl StepUp {
    /// What this challenge asks for. `None` where it is about something else, or asks for what no sign-in of ours can
    /// ask for.
    pub fn of(challenge: &Challenge) -> Option<Self> {
        if challenge.error() != Some("insufficient_user_authentication") {
            return None;
        }
        let max_age = match challenge.parameter("max_age") {
            None => None,
            Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(text.parse().ok()?)
            }
            Some(_) => return None,
        };
        Self {
            acr_values: challenge
                .parameter("acr_values")
                .unwrap_or_default()
                .split_ascii_whitespace()
                .map(str::to_owned)
                .collect(),
            max_age,
        }
        .sound()
    }

    /// What an object with `acr_values`, a list, and `max_age` asks for, as a problem document of ours has them.
    pub(crate) fn of_members(value: &Value) -> Option<Self> {
        let max_age = match value.get("max_age") {
            None | Some(Value::Null) => None,
            Some(age) => Some(age.as_u64()?),
        };
        let acr_values = match value.get("acr_values") {
            None | Some(Value::Null) => Vec::new(),
            Some(list) => list
                .as_array()?
                .iter()
                .map(|acr| acr.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
        };
        Self {
            acr_values,
            max_age,
        }
        .sound()
    }

    /// What can be asked for as it is. A demand that names nothing is for a new authentication.
    pub(crate) fn sound(mut self) -> Option<Self> {
        let plain =
            |value: &String| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
        let is_sound = self.acr_values.iter().all(plain)
            && self.acr_values.join(" ").len() <= MAX_ACR_VALUES
            && self.max_age.is_none_or(|age| age <= MAX_MAX_AGE);
        if self.acr_values.is_empty() && self.max_age.is_none() {
            self.max_age = Some(0);
        }
        is_sound.then_some(self)
    }

    /// The address that asks for it; `sign_in` is one that begins a sign-in.
    pub(crate) fn added_to(&self, sign_in: &str) -> String {
        let mut address = sign_in.to_owned();
        let mut add = |name: &str, value: &str| {
            address.push(if address.contains('?') { '&' } else { '?' });
            address.push_str(name);
            address.push('=');
            encode(value, &mut address);
        };
        if !self.acr_values.is_empty() {
            add("acr_values", &self.acr_values.join(" "));
        }
        if let Some(age) = self.max_age {
            add("max_age", &age.to_string());
        }
        address
    }
}

/// As in a form (`application/x-www-form-urlencoded`, WHATWG URL section 5.2).
pub(crate) fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                into.push(char::from(byte));
            }
            b' ' => into.push('+'),
            // Writing to a String does not fail.
            _ => drop(write!(into, "%{byte:02X}")),
        }
    }
}
