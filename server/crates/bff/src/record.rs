//! A session with its tokens, and the one place that turns it into bytes for the vault and back: nothing else does.

use std::fmt;

use cloakroom_oidc::{AccessToken, IdToken, RefreshToken};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroizing;

/// The first byte of every record written by this program.
const FORMAT: u8 = 1;
/// The largest record, in bytes: groups claims can be long, but a session is no file store.
pub(crate) const MAX_BYTES: usize = 256 * 1024;

/// What the server keeps of a session.
pub(crate) struct Record {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// The provider's own session id (OpenID Connect Back-Channel Logout 1.0 section 2.1).
    pub(crate) provider_session: Option<String>,
    pub(crate) user: Map<String, Value>,
    pub(crate) acr: Option<String>,
    pub(crate) auth_time: Option<u64>,
    pub(crate) id_token: IdToken,
    pub(crate) access_token: AccessToken,
    /// Unix time in seconds, where the provider says.
    pub(crate) access_token_expires_at: Option<u64>,
    pub(crate) refresh_token: Option<RefreshToken>,
    pub(crate) scope: Option<String>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").finish_non_exhaustive()
    }
}

/// Why a record cannot be written or read.
#[derive(Debug, Error)]
pub(crate) enum RecordError {
    #[error(
        "the session is larger than {MAX_BYTES} bytes: have the provider send fewer claims (groups are the usual cause)"
    )]
    TooLarge,
    #[error(
        "the session was written by a newer program (format {0}): run that version, or sign in again"
    )]
    Format(u8),
    #[error("the session's record cannot be read: {0}")]
    Malformed(String),
}

/// The form on disk. Only this file names it, and it borrows: a token is copied into the sealed bytes and nowhere else.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(rename = "s", borrow)]
    subject: std::borrow::Cow<'a, str>,
    #[serde(rename = "i", borrow)]
    issuer: std::borrow::Cow<'a, str>,
    #[serde(rename = "p", borrow, skip_serializing_if = "Option::is_none")]
    provider_session: Option<std::borrow::Cow<'a, str>>,
    #[serde(rename = "u")]
    user: Map<String, Value>,
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(rename = "it", borrow)]
    id_token: std::borrow::Cow<'a, str>,
    #[serde(rename = "at", borrow)]
    access_token: std::borrow::Cow<'a, str>,
    #[serde(rename = "ax", skip_serializing_if = "Option::is_none")]
    access_token_expires_at: Option<u64>,
    #[serde(rename = "rt", borrow, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<std::borrow::Cow<'a, str>>,
    #[serde(rename = "sc", skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

impl Record {
    /// The bytes to seal. They hold tokens in the clear and are wiped when dropped.
    pub(crate) fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        let stored = Stored {
            subject: self.subject.as_str().into(),
            issuer: self.issuer.as_str().into(),
            provider_session: self.provider_session.as_deref().map(Into::into),
            user: self.user.clone(),
            acr: self.acr.clone(),
            auth_time: self.auth_time,
            id_token: self.id_token.expose().into(),
            access_token: self.access_token.expose().into(),
            access_token_expires_at: self.access_token_expires_at,
            refresh_token: self
                .refresh_token
                .as_ref()
                .map(|token| token.expose().into()),
            scope: self.scope.clone(),
        };
        // Room for all of it at once: a vector that grows leaves copies behind.
        let tokens = stored.id_token.len()
            + stored.access_token.len()
            + stored.refresh_token.as_ref().map_or(0, |token| token.len());
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * tokens + 16 * 1024));
        bytes.push(FORMAT);
        serde_json::to_writer(&mut *bytes, &stored).map_err(|error| malformed(&error))?;
        if bytes.len() > MAX_BYTES {
            return Err(RecordError::TooLarge);
        }
        Ok(bytes)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let (format, json) = bytes
            .split_first()
            .ok_or_else(|| RecordError::Malformed("it is empty".to_owned()))?;
        if *format != FORMAT {
            return Err(RecordError::Format(*format));
        }

        let stored: Stored<'_> = serde_json::from_slice(json).map_err(|error| malformed(&error))?;
        Ok(Self {
            subject: stored.subject.into_owned(),
            issuer: stored.issuer.into_owned(),
            provider_session: stored.provider_session.map(std::borrow::Cow::into_owned),
            user: stored.user,
            acr: stored.acr,
            auth_time: stored.auth_time,
            id_token: IdToken::new(stored.id_token),
            access_token: AccessToken::new(stored.access_token),
            access_token_expires_at: stored.access_token_expires_at,
            refresh_token: stored.refresh_token.map(RefreshToken::new),
            scope: stored.scope,
        })
    }
}

/// Where and of what kind, not what: `serde_json`'s own message can quote what it read.
fn malformed(error: &serde_json::Error) -> RecordError {
    RecordError::Malformed(format!(
        "{:?} error at byte {}",
        error.classify(),
        error.column()
    ))
}

#[cfg(test)]
mod tests {
    use cloakroom_oidc::{AccessToken, IdToken, RefreshToken};
    use serde_json::Map;

    use super::{MAX_BYTES, Record, RecordError};

    fn record(name: &str) -> Record {
        let mut user = Map::new();
        user.insert("name".to_owned(), name.into());
        Record {
            subject: "00u1".to_owned(),
            issuer: "https://op.example".to_owned(),
            provider_session: Some("sid-1".to_owned()),
            user,
            acr: Some("2fa".to_owned()),
            auth_time: Some(5),
            id_token: IdToken::new("header.payload.signature"),
            access_token: AccessToken::new("access \"quoted\" token"),
            access_token_expires_at: Some(3600),
            refresh_token: Some(RefreshToken::new("refresh")),
            scope: None,
        }
    }

    #[test]
    fn a_record_comes_back_as_it_went() {
        let read = Record::from_bytes(&record("Ada").to_bytes().expect("bytes")).expect("a record");
        assert_eq!(read.subject, "00u1");
        assert_eq!(read.provider_session.as_deref(), Some("sid-1"));
        assert_eq!(read.id_token.expose(), "header.payload.signature");
        assert_eq!(read.access_token.expose(), "access \"quoted\" token");
        assert_eq!(
            read.refresh_token
                .map(|token| token.expose().to_owned())
                .as_deref(),
            Some("refresh")
        );
        assert_eq!(
            (read.auth_time, read.access_token_expires_at, read.scope),
            (Some(5), Some(3600), None)
        );
        assert_eq!(read.user["name"], "Ada");
    }

    #[test]
    fn too_much_is_refused_before_it_is_stored() {
        assert!(matches!(
            record(&"x".repeat(MAX_BYTES)).to_bytes(),
            Err(RecordError::TooLarge)
        ));
    }

    #[test]
    fn another_format_and_broken_bytes_are_told_apart() {
        assert!(matches!(
            Record::from_bytes(&[9, b'{', b'}']),
            Err(RecordError::Format(9))
        ));
        assert!(matches!(
            Record::from_bytes(&[1, b'{', b'}']),
            Err(RecordError::Malformed(_))
        ));
        assert!(matches!(
            Record::from_bytes(&[]),
            Err(RecordError::Malformed(_))
        ));
    }

    #[test]
    fn debug_shows_no_token() {
        let text = format!("{:?}", record("Ada"));
        assert!(!text.contains("refresh") && !text.contains("Ada"), "{text}");
    }
}
