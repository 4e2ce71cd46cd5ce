//! JSON that is read one way only: no duplicate members, bounded size and depth (RFC 8259 section 4, RFC 8725 section 2.4).

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// The deepest nesting of objects and arrays that is read.
pub const MAX_DEPTH: usize = 32;

/// The largest document that is read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The last second of the year 9999: a later time stamp is a mistake or an attack.
const LAST_NUMERIC_DATE: u64 = 253_402_300_799;

/// Why a document was not read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// More than the size that this kind of document may have.
    #[error("the document is larger than the limit")]
    TooLarge,
    /// Not JSON (RFC 8259), or a number that no double can hold.
    #[error("the document is not JSON")]
    Syntax,
    /// The same member name twice in one object (RFC 8259 section 4, RFC 7519 section 4): two readers could see two values.
    #[error("the document has the same member twice in one object")]
    DuplicateMember,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("the document is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// JSON, but not an object.
    #[error("the document is not a JSON object")]
    NotAnObject,
}

error_codes!(JsonError {
    Self::TooLarge => "json_too_large",
    Self::Syntax => "json_syntax",
    Self::DuplicateMember => "json_duplicate_member",
    Self::TooDeep => "json_too_deep",
    Self::NotAnObject => "json_not_an_object",
});

/// Reads one JSON object of at most `max` bytes with nothing after it.
pub fn parse_object(bytes: &[u8], max: usize) -> Result<Map<String, Value>, JsonError> {
    if bytes.len() > max {
        return Err(JsonError::TooLarge);
    }
    let reason = Cell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let seed = Strict {
        depth: 0,
        reason: &reason,
    };
    let value = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|_| reason.get().unwrap_or(JsonError::Syntax))?;
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(JsonError::NotAnObject),
    }
}

/// A `NumericDate` (RFC 7519 section 2): seconds since 1970, not negative, a fraction cut off. Strings are not numbers.
pub fn numeric_date(value: &Value) -> Option<u64> {
    seconds(value).filter(|&seconds| seconds <= LAST_NUMERIC_DATE)
}

/// A number of seconds, not negative, a fraction cut off; no strings. `None` for anything else.
pub fn seconds(value: &Value) -> Option<u64> {
    let Value::Number(number) = value else {
        return None;
    };
    if let Some(whole) = number.as_u64() {
        return Some(whole);
    }
    let float = number.as_f64()?;
    // 2^53, above which a double no longer counts single seconds.
    if !(0.0..=9_007_199_254_740_992.0).contains(&float) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked, and cutting the fraction off is the point"
    )]
    let whole = float as u64;
    Some(whole)
}

/// Reads one value; `reason` carries what serde's own error type has no room for.
struct Strict<'a> {
    depth: usize,
    reason: &'a Cell<Option<JsonError>>,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(&self) -> Result<Strict<'_>, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.refuse(JsonError::TooDeep));
        }
        Ok(Strict {
            depth: self.depth + 1,
            reason: self.reason,
        })
    }

    fn refuse<E: serde::de::Error>(&self, reason: JsonError) -> E {
        self.reason.set(Some(reason));
        E::custom(reason)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper()?)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match object.entry(name) {
                Entry::Occupied(_) => return Err(self.refuse(JsonError::DuplicateMember)),
                Entry::Vacant(free) => {
                    free.insert(members.next_value_seed(self.deeper()?)?);
                }
            }
        }
        Ok(Value::Object(object))
    }
}
