//! ID token validation (OpenID Connect Core 1.0 sections 2, 3.1.3.7, 3.1.3.8 and 12.2).

mod claims;

use std::fmt;

use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use thiserror::Error;

use self::claims::Claims;
use crate::jwk::KeySet;
use crate::jwt::{self, JwtError, Policy, VerifiedJwt};
use crate::secret::{AccessToken, IdToken, Nonce};

/// What an ID token must say.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenExpectations<'a> {
    /// The issuer that was asked.
    pub issuer: &'a str,
    /// This client.
    pub client_id: &'a str,
    /// The nonce that was sent. Without one, a token that carries one is refused.
    pub nonce: Option<&'a Nonce>,
    /// Now, in Unix seconds.
    pub now: u64,
    /// How far clocks may differ, in seconds.
    pub leeway: u64,
    /// The `max_age` that was sent, in seconds.
    pub max_age: Option<u64>,
    /// The `acr` values that are required; empty where none is.
    pub acr_values: &'a [String],
    /// The access token that came with it, for `at_hash`.
    pub access_token: Option<&'a AccessToken>,
    /// Audiences beside this client that are trusted (OpenID Connect Core section 3.1.3.7, step 3). Empty unless
    /// the provider is known to add some.
    pub trusted_audiences: &'a [String],
}

impl<'a> IdTokenExpectations<'a> {
    /// Issuer, client and time; 60 seconds leeway; nothing else expected.
    pub fn new(issuer: &'a str, client_id: &'a str, now: u64) -> Self {
        Self {
            issuer,
            client_id,
            nonce: None,
            now,
            leeway: 60,
            max_age: None,
            acr_values: &[],
            access_token: None,
            trusted_audiences: &[],
        }
    }
}

/// What the ID token of the sign-in said, which one that a refresh brings must not contradict
/// (OpenID Connect Core section 12.2).
#[derive(Clone, Copy, Debug)]
pub struct OriginalIdToken<'a> {
    /// Its `sub`.
    pub subject: &'a str,
    /// Its `auth_time`.
    pub auth_time: Option<u64>,
}

/// The claims of an ID token that has passed every check.
#[derive(Clone)]
#[non_exhaustive]
pub struct IdTokenClaims {
    /// `sub`: who, 1 to 255 ASCII characters, unique and never reassigned at this issuer.
    pub subject: String,
    /// `iss`.
    pub issuer: String,
    /// `exp`, Unix seconds.
    pub expires_at: u64,
    /// `iat`, Unix seconds.
    pub issued_at: u64,
    /// `auth_time`, Unix seconds: when the user last proved who they are.
    pub auth_time: Option<u64>,
    /// `acr`.
    pub acr: Option<String>,
    /// `amr`; empty where the token does not say.
    pub amr: Vec<String>,
    /// `sid`: the provider's session, for logout (OpenID Connect Front-Channel Logout section 3).
    pub sid: Option<String>,
    /// All claims as they came.
    pub all: Map<String, Value>,
}

// Claims are about people.
impl fmt::Debug for IdTokenClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenClaims")
            .field("issuer", &self.issuer)
            .field("expires_at", &self.expires_at)
            .field("issued_at", &self.issued_at)
            .finish_non_exhaustive()
    }
}

/// Why an ID token was refused. Nobody is signed in, and userinfo is not asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdTokenError {
    /// Not a token, or not signed as it must be (OpenID Connect Core section 3.1.3.7, steps 1, 6, 7 and 8).
    #[error(transparent)]
    Jwt(#[from] JwtError),
    /// A required claim is not there (OpenID Connect Core section 2).
    #[error("the ID token has no {0}; this is for the provider to mend")]
    MissingClaim(&'static str),
    /// A claim with another type or form than the specification gives it (OpenID Connect Core section 2).
    #[error("{0} in the ID token has the wrong type or form; this is for the provider to mend")]
    WrongType(&'static str),
    /// `iss` is another issuer (step 2).
    #[error(
        "the ID token was issued by another issuer than the configured one; compare the two to the letter"
    )]
    IssuerMismatch,
    /// `aud` does not name this client (step 3).
    #[error("the ID token is for another client; check the client id")]
    AudienceMismatch,
    /// `aud` names others beside this client (step 3).
    #[error("the ID token is for others too, and they are not trusted here")]
    UntrustedAudience,
    /// `azp` is another client (steps 4 and 5).
    #[error("the ID token was issued to another client; check the client id")]
    AuthorizedPartyMismatch,
    /// `exp` has passed (step 9).
    #[error("the ID token has expired; check this machine's clock")]
    Expired,
    /// `iat` is in the future (step 10).
    #[error("the ID token was issued in the future; check this machine's clock")]
    IssuedInTheFuture,
    /// `nbf` is in the future (RFC 7519 section 4.1.5).
    #[error("the ID token is not good yet; check this machine's clock")]
    NotYetValid,
    /// `nonce` is another one (step 11).
    #[error("the ID token belongs to another sign-in; start the sign-in again")]
    NonceMismatch,
    /// A nonce where none was sent (step 11).
    #[error("the ID token has a nonce though none was sent; start the sign-in again")]
    UnexpectedNonce,
    /// `at_hash` is of another access token (section 3.1.3.8).
    #[error("the ID token does not belong to the access token that came with it")]
    AccessTokenMismatch,
    /// `acr` is none of those asked for (step 12).
    #[error("the user has not signed in as strongly as was asked for")]
    AcrNotSatisfied,
    /// `auth_time` is longer ago than `max_age` (step 13).
    #[error("the user signed in longer ago than was asked for")]
    AuthenticationTooOld,
    /// A refresh brought an ID token of another user (section 12.2).
    #[error("the refreshed ID token is about another user")]
    SubjectChanged,
    /// A refresh brought an ID token with another `auth_time` (section 12.2).
    #[error("the refreshed ID token has another authentication time")]
    AuthTimeChanged,
}

error_codes!(IdTokenError {
    Self::MissingClaim(_) => "id_token_missing_claim",
    Self::WrongType(_) => "id_token_wrong_type",
    Self::IssuerMismatch => "id_token_issuer_mismatch",
    Self::AudienceMismatch => "id_token_audience_mismatch",
    Self::UntrustedAudience => "id_token_untrusted_audience",
    Self::AuthorizedPartyMismatch => "id_token_authorized_party_mismatch",
    Self::Expired => "id_token_expired",
    Self::IssuedInTheFuture => "id_token_issued_in_the_future",
    Self::NotYetValid => "id_token_not_yet_valid",
    Self::NonceMismatch => "id_token_nonce_mismatch",
    Self::UnexpectedNonce => "id_token_unexpected_nonce",
    Self::AccessTokenMismatch => "id_token_access_token_mismatch",
    Self::AcrNotSatisfied => "id_token_acr_not_satisfied",
    Self::AuthenticationTooOld => "id_token_authentication_too_old",
    Self::SubjectChanged => "id_token_subject_changed",
    Self::AuthTimeChanged => "id_token_auth_time_changed",
} via {
    Self::Jwt(inner) => inner.code(),
});

impl IdTokenError {
    /// Whether a newer key set may have the key: refetch once, under a throttle, and verify again.
    pub fn may_be_a_new_key(&self) -> bool {
        matches!(self, Self::Jwt(inner) if inner.may_be_a_new_key())
    }
}

/// Verifies the signature and then every claim.
pub fn verify(
    raw: &IdToken,
    keys: &KeySet,
    policy: &Policy<'_>,
    expectations: &IdTokenExpectations<'_>,
) -> Result<IdTokenClaims, IdTokenError> {
    let verified = jwt::verify_compact(raw.expose(), keys, policy)?;
    validate(&verified, expectations)
}

/// Judges the claims of a token whose signature is good.
pub fn validate(
    token: &VerifiedJwt,
    expectations: &IdTokenExpectations<'_>,
) -> Result<IdTokenClaims, IdTokenError> {
    let claims = Claims(&token.claims);
    check_nonce(claims, expectations.nonce, false)?;
    check_rest(token, expectations)
}

/// Verifies an ID token that came with a refresh: the same rules, but that the nonce may be left out, and user
/// and authentication time must be those of the sign-in.
pub fn verify_refreshed(
    raw: &IdToken,
    keys: &KeySet,
    policy: &Policy<'_>,
    expectations: &IdTokenExpectations<'_>,
    original: &OriginalIdToken<'_>,
) -> Result<IdTokenClaims, IdTokenError> {
    let token = jwt::verify_compact(raw.expose(), keys, policy)?;
    check_nonce(Claims(&token.claims), expectations.nonce, true)?;
    let claims = check_rest(&token, expectations)?;
    if claims.subject != original.subject {
        return Err(IdTokenError::SubjectChanged);
    }
    match (claims.auth_time, original.auth_time) {
        (Some(now), Some(then)) if now != then => Err(IdTokenError::AuthTimeChanged),
        _ => Ok(claims),
    }
}

fn check_nonce(
    claims: Claims<'_>,
    sent: Option<&Nonce>,
    may_be_absent: bool,
) -> Result<(), IdTokenError> {
    match (sent, claims.string("nonce")?) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(IdTokenError::UnexpectedNonce),
        (Some(_), None) if may_be_absent => Ok(()),
        (Some(_), None) => Err(IdTokenError::MissingClaim("nonce")),
        (Some(sent), Some(found)) if sent.matches(found) => Ok(()),
        (Some(_), Some(_)) => Err(IdTokenError::NonceMismatch),
    }
}

fn check_rest(
    token: &VerifiedJwt,
    expectations: &IdTokenExpectations<'_>,
) -> Result<IdTokenClaims, IdTokenError> {
    let claims = Claims(&token.claims);
    let issuer = claims.required_string("iss")?;
    if issuer != expectations.issuer {
        return Err(IdTokenError::IssuerMismatch);
    }
    check_audience(claims, expectations)?;
    let (expires_at, issued_at) = check_times(claims, expectations)?;
    let subject = claims.required_string("sub")?;
    if !(1..=255).contains(&subject.len()) || !subject.is_ascii() {
        return Err(IdTokenError::WrongType("sub"));
    }
    check_access_token(token, expectations.access_token)?;
    let acr = claims.string("acr")?;
    if !expectations.acr_values.is_empty()
        && !acr.is_some_and(|acr| expectations.acr_values.iter().any(|wanted| wanted == acr))
    {
        return Err(IdTokenError::AcrNotSatisfied);
    }
    let auth_time = check_auth_time(claims, expectations)?;
    Ok(IdTokenClaims {
        subject: subject.to_owned(),
        issuer: issuer.to_owned(),
        expires_at,
        issued_at,
        auth_time,
        acr: acr.map(str::to_owned),
        amr: claims
            .strings("amr")?
            .into_iter()
            .map(str::to_owned)
            .collect(),
        sid: claims.string("sid")?.map(str::to_owned),
        all: token.claims.clone(),
    })
}

/// Other audiences are refused whatever `azp` says: `azp` tells who asked, not whom to trust.
fn check_audience(
    claims: Claims<'_>,
    expectations: &IdTokenExpectations<'_>,
) -> Result<(), IdTokenError> {
    let audiences = claims.strings("aud")?;
    if audiences.is_empty() {
        return Err(IdTokenError::MissingClaim("aud"));
    }
    if !audiences.contains(&expectations.client_id) {
        return Err(IdTokenError::AudienceMismatch);
    }
    let trusted = |audience: &&str| {
        *audience == expectations.client_id
            || expectations
                .trusted_audiences
                .iter()
                .any(|known| known == audience)
    };
    if !audiences.iter().all(trusted) {
        return Err(IdTokenError::UntrustedAudience);
    }
    match claims.string("azp")? {
        Some(azp) if azp != expectations.client_id => Err(IdTokenError::AuthorizedPartyMismatch),
        _ => Ok(()),
    }
}

/// `exp` and `iat`, both required.
fn check_times(
    claims: Claims<'_>,
    expectations: &IdTokenExpectations<'_>,
) -> Result<(u64, u64), IdTokenError> {
    let latest = expectations.now.saturating_add(expectations.leeway);
    let expires_at = claims
        .time("exp")?
        .ok_or(IdTokenError::MissingClaim("exp"))?;
    if expires_at.saturating_add(expectations.leeway) <= expectations.now {
        return Err(IdTokenError::Expired);
    }
    let issued_at = claims
        .time("iat")?
        .ok_or(IdTokenError::MissingClaim("iat"))?;
    if issued_at > latest {
        return Err(IdTokenError::IssuedInTheFuture);
    }
    if claims
        .time("nbf")?
        .is_some_and(|not_before| not_before > latest)
    {
        return Err(IdTokenError::NotYetValid);
    }
    Ok((expires_at, issued_at))
}

fn check_auth_time(
    claims: Claims<'_>,
    expectations: &IdTokenExpectations<'_>,
) -> Result<Option<u64>, IdTokenError> {
    let auth_time = claims.time("auth_time")?;
    let Some(max_age) = expectations.max_age else {
        return Ok(auth_time);
    };
    let authenticated = auth_time.ok_or(IdTokenError::MissingClaim("auth_time"))?;
    if authenticated > expectations.now.saturating_add(expectations.leeway) {
        return Err(IdTokenError::IssuedInTheFuture);
    }
    let good_until = authenticated
        .saturating_add(max_age)
        .saturating_add(expectations.leeway);
    if good_until < expectations.now {
        return Err(IdTokenError::AuthenticationTooOld);
    }
    Ok(auth_time)
}

/// `at_hash`: the left half of the hash that the signature algorithm uses, over the access token's ASCII.
fn check_access_token(
    token: &VerifiedJwt,
    access_token: Option<&AccessToken>,
) -> Result<(), IdTokenError> {
    let (Some(stated), Some(access_token)) =
        (Claims(&token.claims).string("at_hash")?, access_token)
    else {
        return Ok(());
    };
    let hash = digest::digest(token.header.alg.hash(), access_token.expose().as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    let expected = URL_SAFE_NO_PAD.encode(left);
    constant_time::verify_slices_are_equal(expected.as_bytes(), stated.as_bytes())
        .map_err(|_| IdTokenError::AccessTokenMismatch)
}
