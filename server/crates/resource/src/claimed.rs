//! Whose a token says it is, before anything of it is believed (RFC 9068 section 4): it only says whose keys to try.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_oidc::{JwtError, json};
use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::token::{MAX_TOKEN, TokenRefusal};

/// Whose a token says it is.
pub(crate) enum Claimed {
    By(String),
    /// With why it is refused, where nobody can be asked what it is.
    ByNobody(TokenRefusal),
}

/// A signed JWT that cannot be read is nobody's business; what is no signed JWT may be anything.
pub(crate) fn claimed_issuer(token: &str) -> Result<Claimed, TokenRefusal> {
    let mut segments = token.split('.');
    let header = segments.next().unwrap_or_default();
    let decode = |segment| {
        URL_SAFE_NO_PAD
            .decode(segment)
            .map_err(|_| JwtError::Encoding)
    };
    let is_jose =
        || decode(header).is_ok_and(|header| json::parse_object(&header, MAX_TOKEN).is_ok());
    let (claims, others) = (segments.next(), segments.count());
    match (claims, others) {
        (Some(claims), 1) if is_jose() => Ok(match issuer(&decode(claims)?)? {
            Some(Value::String(issuer)) => Claimed::By(issuer),
            _ => Claimed::ByNobody(TokenRefusal::Claim("iss")),
        }),
        (Some(_), 3) if is_jose() => Ok(Claimed::ByNobody(JwtError::Encrypted.into())),
        _ => Ok(Claimed::ByNobody(TokenRefusal::Opaque)),
    }
}

/// `iss` of an object that has one at most. The rest is passed over: whoever checks the signature reads it, strictly.
fn issuer(claims: &[u8]) -> Result<Option<Value>, JwtError> {
    let mut deserializer = serde_json::Deserializer::from_slice(claims);
    deserializer
        .deserialize_map(OnlyIssuer)
        .and_then(|issuer| deserializer.end().map(|()| issuer))
        .or_else(|_| {
            // Once more for the reason, and for what only the strict reader takes.
            let claims = json::parse_object(claims, MAX_TOKEN).map_err(JwtError::Json)?;
            Ok(claims.get("iss").cloned())
        })
}

struct OnlyIssuer;

impl<'de> Visitor<'de> for OnlyIssuer {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<Value>, A::Error> {
        let mut issuer = None;
        while let Some(name) = members.next_key::<std::borrow::Cow<'de, str>>()? {
            if name != "iss" {
                members.next_value::<IgnoredAny>()?;
            } else if issuer.replace(members.next_value()?).is_some() {
                return Err(A::Error::duplicate_field("iss"));
            }
        }
        Ok(issuer)
    }
}
