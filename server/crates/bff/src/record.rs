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
    /// When the access token came, Unix time in seconds; 0 where it was not kept.
    pub(crate) access_token_received_at: u64,
    /// When it came by a refresh, Unix time in seconds; 0 where it is still the sign-in's.
    pub(crate) renewed_at: u64,
    /// The one resource that the access token was asked for at sign-in (RFC 8707), where there was one.
    pub(crate) resource: Option<String>,
    /// Access tokens for other resources.
    pub(crate) others: Vec<OtherToken>,
    pub(crate) refresh_token: Option<RefreshToken>,
    /// What was granted, where the provider says; otherwise what was asked for (RFC 6749 section 5.1).
    pub(crate) scope: Option<String>,
    /// What the first ID token said that later ones must not contradict.
    pub(crate) original: Original,
}

/// An access token for one resource (RFC 8707 section 2.2) with some scopes.
pub(crate) struct OtherToken {
    pub(crate) resource: String,
    /// The scopes that were asked for with it, in order.
    pub(crate) asked: Vec<String>,
    pub(crate) access_token: AccessToken,
    pub(crate) expires_at: Option<u64>,
    pub(crate) received_at: u64,
    pub(crate) scope: Option<String>,
}

/// Of the ID token of the sign-in (OpenID Connect Core section 12.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Original {
    pub(crate) audiences: Vec<String>,
    pub(crate) authorized_party: Option<String>,
    /// Unix time in seconds.
    pub(crate) issued_at: u64,
    pub(crate) nonce: Option<String>,
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
    // What follows came later: a record without it is read all the same.
    #[serde(rename = "ar", default)]
    access_token_received_at: u64,
    #[serde(rename = "rn", default, skip_serializing_if = "is_never")]
    renewed_at: u64,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(rename = "o", borrow, default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<StoredOther<'a>>,
    #[serde(rename = "oa", default, skip_serializing_if = "Vec::is_empty")]
    original_audiences: Vec<String>,
    #[serde(rename = "oz", default, skip_serializing_if = "Option::is_none")]
    original_authorized_party: Option<String>,
    #[serde(rename = "oi", default)]
    original_issued_at: u64,
    #[serde(rename = "on", default, skip_serializing_if = "Option::is_none")]
    original_nonce: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde calls"
)]
fn is_never(time: &u64) -> bool {
    *time == 0
}

#[derive(Serialize, Deserialize)]
struct StoredOther<'a> {
    #[serde(rename = "r")]
    resource: String,
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    asked: Vec<String>,
    #[serde(rename = "t", borrow)]
    access_token: std::borrow::Cow<'a, str>,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(rename = "at", default)]
    received_at: u64,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
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
            access_token_received_at: self.access_token_received_at,
            renewed_at: self.renewed_at,
            resource: self.resource.clone(),
            others: self.others.iter().map(OtherToken::stored).collect(),
            original_audiences: self.original.audiences.clone(),
            original_authorized_party: self.original.authorized_party.clone(),
            original_issued_at: self.original.issued_at,
            original_nonce: self.original.nonce.clone(),
        };
        // Room for all of it at once: a vector that grows leaves copies behind.
        let tokens = stored.id_token.len()
            + stored.access_token.len()
            + stored.refresh_token.as_ref().map_or(0, |token| token.len())
            + stored
                .others
                .iter()
                .map(|other| other.access_token.len())
                .sum::<usize>();
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
            access_token_received_at: stored.access_token_received_at,
            renewed_at: stored.renewed_at,
            resource: stored.resource,
            others: stored.others.into_iter().map(OtherToken::read).collect(),
            original: Original {
                audiences: stored.original_audiences,
                authorized_party: stored.original_authorized_party,
                issued_at: stored.original_issued_at,
                nonce: stored.original_nonce,
            },
        })
    }
}

impl OtherToken {
    fn stored(&self) -> StoredOther<'_> {
        StoredOther {
            resource: self.resource.clone(),
            asked: self.asked.clone(),
            access_token: self.access_token.expose().into(),
            expires_at: self.expires_at,
            received_at: self.received_at,
            scope: self.scope.clone(),
        }
    }

    fn read(stored: StoredOther<'_>) -> Self {
        Self {
            resource: stored.resource,
            asked: stored.asked,
            access_token: AccessToken::new(stored.access_token),
            expires_at: stored.expires_at,
            received_at: stored.received_at,
            scope: stored.scope,
        }
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

    use super::{MAX_BYTES, Original, OtherToken, Record, RecordError};

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
            access_token_received_at: 12,
            renewed_at: 12,
            resource: None,
            others: vec![OtherToken {
                resource: "https://api.example".to_owned(),
                asked: vec!["orders".to_owned()],
                access_token: AccessToken::new("other"),
                expires_at: Some(7),
                received_at: 6,
                scope: Some("orders".to_owned()),
            }],
            original: Original {
                audiences: vec!["me".to_owned()],
                authorized_party: None,
                issued_at: 4,
                nonce: Some("n".to_owned()),
            },
        }
    }

    #[test]
    fn a_record_of_before_there_was_a_refresh_is_read() {
        let old = br#"{"s":"00u1","i":"https://op.example","u":{},"it":"a.b.c","at":"token","ax":5,"rt":"refresh"}"#;
        let mut bytes = vec![super::FORMAT];
        bytes.extend_from_slice(old);
        let read = Record::from_bytes(&bytes).expect("a record");
        assert_eq!((read.access_token_received_at, read.others.len()), (0, 0));
        assert_eq!(read.original, Original::default());
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
        assert_eq!((read.access_token_received_at, read.renewed_at), (12, 12));
        assert_eq!(read.others[0].access_token.expose(), "other");
        assert_eq!(read.others[0].asked, ["orders"]);
        assert_eq!(read.original.nonce.as_deref(), Some("n"));
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
