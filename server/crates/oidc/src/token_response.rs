//! The token endpoint's answer (RFC 6749 sections 5.1 and 5.2, OpenID Connect Core section 3.1.3.3).

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::json::{self, JsonError};
use crate::oauth_error::{self, Refusal};
use crate::secret::{AccessToken, IdToken, RefreshToken};
use crate::{hint, redact, text};

/// Tokens as the provider gave them. The ID token is not verified yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenResponse {
    /// A bearer token.
    pub access_token: AccessToken,
    /// Absent on a refresh means that the old one stays good (RFC 6749 section 6).
    pub refresh_token: Option<RefreshToken>,
    /// Always there after a code exchange with scope `openid`; a refresh may leave it out.
    pub id_token: Option<IdToken>,
    /// Seconds that the access token is good for; absent leaves it to a default.
    pub expires_in: Option<u64>,
    /// What was granted; absent means what was asked for.
    pub scope: Option<String>,
}

/// Why there are no tokens.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// An OAuth error answer (RFC 6749 section 5.2), or one in Okta's own shape.
    #[error("the provider refused: {error} (status {status}); {}", .description.as_deref().unwrap_or("it gives no reason"))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The `error` code, bounded, without control characters.
        error: String,
        /// The provider's words, bounded, without control characters. For logs, or escaped.
        description: Option<String>,
    },
    /// 429 (RFC 6585 section 4), with whatever body: code and refresh token may still be good.
    #[error("the provider limits the rate of token requests; wait before the next one")]
    RateLimited {
        /// Seconds to wait, where the provider says so; at most an hour.
        retry_after: Option<u64>,
        /// The provider's words, bounded, without control characters.
        description: Option<String>,
    },
    /// A server error, or `server_error` or `temporarily_unavailable` (RFC 6749 section 4.1.2.1).
    #[error("the provider cannot issue tokens now (status {status}); try again later")]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// Seconds to wait, where the provider says so; at most an hour.
        retry_after: Option<u64>,
        /// The provider's words, bounded, without control characters.
        description: Option<String>,
    },
    /// 401 without an OAuth error in body or challenge: the client's credentials were not accepted (RFC 6749 section 5.2).
    #[error(
        "the provider does not accept this client's credentials and gives no reason (status 401); check client id, credentials and method"
    )]
    Unauthorized,
    /// A redirect, which is never followed: it would carry credentials elsewhere.
    #[error(
        "the token endpoint answered with a redirect (status {status}); check the issuer and any proxy between"
    )]
    Redirected {
        /// The HTTP status.
        status: u16,
    },
    /// Neither success nor an error of a known shape (RFC 6749 section 5).
    #[error(
        "the token endpoint answered with status {status} and no OAuth error; check the issuer and any proxy between"
    )]
    UnexpectedAnswer {
        /// The HTTP status.
        status: u16,
    },
    /// A success that is declared as something else than JSON (RFC 6749 section 5.1).
    #[error(
        "the token endpoint answered with {content_type} instead of JSON; check the issuer and any proxy between"
    )]
    MalformedContentType {
        /// What it says it is, bounded.
        content_type: String,
    },
    /// A success that is not one JSON object without duplicate members (RFC 6749 section 5.1).
    #[error("the token endpoint's answer cannot be read: {0}")]
    MalformedJson(#[from] JsonError),
    /// A member that must be there is not (RFC 6749 section 5.1).
    #[error("the token endpoint's answer has no {0}; this is for the provider to mend")]
    MissingMember(&'static str),
    /// A member with another type or other characters than the specification gives it (RFC 6749 section 5.1, appendix A).
    #[error(
        "{0} in the token endpoint's answer has the wrong type or form; this is for the provider to mend"
    )]
    WrongType(&'static str),
    /// A token type that this client cannot use (RFC 6749 section 7.1).
    #[error(
        "the provider issued a token of type {token_type}; set the client to plain bearer tokens there"
    )]
    UnsupportedTokenType {
        /// The type, bounded.
        token_type: String,
    },
}

error_codes!(TokenError {
    Self::Refused { .. } => "token_refused",
    Self::RateLimited { .. } => "token_rate_limited",
    Self::Unavailable { .. } => "token_unavailable",
    Self::Unauthorized => "token_unauthorized",
    Self::Redirected { .. } => "token_redirected",
    Self::UnexpectedAnswer { .. } => "token_unexpected_answer",
    Self::MalformedContentType { .. } => "token_malformed_content_type",
    Self::MalformedJson(_) => "token_malformed_json",
    Self::MissingMember(_) => "token_missing_member",
    Self::WrongType(_) => "token_wrong_type",
    Self::UnsupportedTokenType { .. } => "token_unsupported_token_type",
});

impl TokenError {
    /// The same error with these secrets taken out of the provider's own words. See [`crate::redact`].
    #[must_use]
    pub fn without<S: AsRef<str>>(mut self, secrets: &[S]) -> Self {
        let clean = |words: &mut String| *words = redact::without_secrets(words, secrets);
        match &mut self {
            Self::Refused {
                error, description, ..
            } => {
                clean(error);
                description.iter_mut().for_each(clean);
            }
            Self::RateLimited { description, .. } | Self::Unavailable { description, .. } => {
                description.iter_mut().for_each(clean);
            }
            Self::UnsupportedTokenType { token_type } => clean(token_type),
            Self::MalformedContentType { content_type } => clean(content_type),
            _ => {}
        }
        self
    }

    /// Whether the code or refresh token is dead for good: `invalid_grant` with a 4xx other than 429.
    pub fn is_invalid_grant(&self) -> bool {
        // 429 is RateLimited, whatever its body says; an error object with 200, or with no status of any class, is
        // not what RFC 6749 section 5.2 describes, and too little to end a session for.
        matches!(self, Self::Refused { status: 400..=499, error, .. } if error == "invalid_grant")
    }

    /// Whether the same request may succeed later, so that nothing should be given up.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. })
    }

    /// What an operator should look at, for the mistakes that people make.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused {
                error, description, ..
            } => hint::for_error(error, description.as_deref()),
            Self::Unauthorized => hint::for_error("invalid_client", None),
            Self::RateLimited { .. } => Some(hint::RATE_LIMITED),
            Self::Unavailable {
                status,
                description,
                ..
            } => hint::for_unavailable(*status, description.as_deref()),
            Self::UnsupportedTokenType { token_type }
                if token_type.eq_ignore_ascii_case("DPoP") =>
            {
                Some(hint::DPOP_REQUIRED)
            }
            _ => None,
        }
    }
}

impl TokenResponse {
    /// Reads an answer of the token endpoint, to a code or to a refresh token.
    ///
    /// A missing `Content-Type` is tolerated, for the body is read as JSON and as nothing else; one that says
    /// anything but JSON is not. Members that are `null` count as absent.
    pub fn parse(response: &Response<Bytes>) -> Result<Self, TokenError> {
        let status = response.status().as_u16();
        if status != 200 {
            return Err(refusal(response, status));
        }
        if let Some(content_type) = other_than_json(response) {
            return Err(TokenError::MalformedContentType { content_type });
        }
        let body = json::parse_object(response.body(), json::MAX_BYTES)?;
        if !body.contains_key("access_token")
            && let Some((error, description)) = oauth_error::error_object(&body)
        {
            // Some providers say no with status 200.
            return Err(TokenError::Refused {
                status,
                error,
                description,
            });
        }
        let token_type = required(&body, "token_type")?;
        if !token_type.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::UnsupportedTokenType {
                token_type: text::bounded(token_type, text::NAME),
            });
        }
        Ok(Self {
            access_token: AccessToken::new(token(
                required(&body, "access_token")?,
                "access_token",
            )?),
            refresh_token: optional_token(&body, "refresh_token")?.map(RefreshToken::new),
            id_token: optional_token(&body, "id_token")?.map(IdToken::new),
            expires_in: present(&body, "expires_in")
                .map(|value| json::seconds(value).ok_or(TokenError::WrongType("expires_in")))
                .transpose()?,
            scope: optional(&body, "scope")?.map(str::to_owned),
        })
    }
}

impl TokenResponse {
    /// The ID token that a code exchange with scope `openid` must bring (OpenID Connect Core section 3.1.3.3).
    pub fn require_id_token(&self) -> Result<&IdToken, TokenError> {
        self.id_token
            .as_ref()
            .ok_or(TokenError::MissingMember("id_token"))
    }

    /// The scopes of those `asked` for that were not granted. A provider may grant fewer, and says so in `scope`; one
    /// that says nothing granted them all (RFC 6749 sections 3.3 and 5.1).
    pub fn withheld_scopes<'a>(&self, asked: &'a str) -> Vec<&'a str> {
        let Some(granted) = &self.scope else {
            return Vec::new();
        };
        asked
            .split_ascii_whitespace()
            .filter(|scope| !granted.split_ascii_whitespace().any(|name| name == *scope))
            .collect()
    }
}

fn refusal(response: &Response<Bytes>, status: u16) -> TokenError {
    if response.status().is_success() {
        return TokenError::UnexpectedAnswer { status };
    }
    match oauth_error::classify(response) {
        Refusal::RateLimited {
            retry_after,
            description,
        } => TokenError::RateLimited {
            retry_after,
            description,
        },
        Refusal::Unavailable {
            retry_after,
            description,
        } => TokenError::Unavailable {
            status,
            retry_after,
            description,
        },
        Refusal::Oauth { error, description } => TokenError::Refused {
            status,
            error,
            description,
        },
        Refusal::Unauthorized => TokenError::Unauthorized,
        Refusal::Redirect => TokenError::Redirected { status },
        Refusal::Unreadable => TokenError::UnexpectedAnswer { status },
    }
}

/// What the answer is declared as, bounded, where that is not JSON. A missing `Content-Type` is tolerated.
pub(crate) fn other_than_json(response: &Response<Bytes>) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?;
    let declared = || text::bounded(&String::from_utf8_lossy(value.as_bytes()), text::NAME);
    (!is_json(value.as_bytes())).then(declared)
}

/// `application/json` or `application/*+json`, whatever its parameters (RFC 6839 section 3.1).
pub(crate) fn is_json(content_type: &[u8]) -> bool {
    media_type(content_type).is_some_and(|name| {
        name == "application/json" || (name.starts_with("application/") && name.ends_with("+json"))
    })
}

/// The media type in lower case, without parameters.
pub(crate) fn media_type(content_type: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content_type).ok()?;
    let name = text.split(';').next()?.trim();
    Some(name.to_ascii_lowercase())
}

fn present<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

fn optional<'a>(
    body: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, TokenError> {
    present(body, name)
        .map(|value| value.as_str().ok_or(TokenError::WrongType(name)))
        .transpose()
}

fn required<'a>(body: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, TokenError> {
    optional(body, name)?.ok_or(TokenError::MissingMember(name))
}

fn optional_token(
    body: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, TokenError> {
    optional(body, name)?
        .map(|text| token(text, name))
        .transpose()
}

/// Visible ASCII only (RFC 6749 appendices A.12 and A.17, less the space): anything else could not be sent
/// as a header without changing the header.
fn token(text: &str, name: &'static str) -> Result<String, TokenError> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err(TokenError::WrongType(name))
    }
}
