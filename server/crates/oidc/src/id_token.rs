//! ID token validation (OpenID Connect Core 1.0 sections 2, 3.1.3.7, 3.1.3.8, 3.3.2.11 and 12.2).

mod claims;
mod error;

use std::fmt;

use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use self::claims::Claims;
pub use self::error::IdTokenError;
use crate::jwk::KeySet;
use crate::jwt::{self, Policy, VerifiedJwt};
use crate::secret::{AccessToken, AuthorizationCode, IdToken, Nonce};
use crate::signing_alg::SigningAlg;

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
    /// The code that it was exchanged for, for `c_hash`; `None` after a refresh.
    pub code: Option<&'a AuthorizationCode>,
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
            code: None,
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
    /// Its `aud`, in any order; empty where it was not kept, and then only the rules for every ID token hold.
    pub audiences: &'a [String],
    /// Its `azp`; compared where `audiences` was kept too.
    pub authorized_party: Option<&'a str>,
    /// Its `iat`, Unix seconds; 0 where it was not kept.
    pub issued_at: u64,
    /// Its `auth_time`, Unix seconds.
    pub auth_time: Option<u64>,
}

impl<'a> From<&'a IdTokenClaims> for OriginalIdToken<'a> {
    fn from(claims: &'a IdTokenClaims) -> Self {
        Self {
            subject: &claims.subject,
            audiences: &claims.audiences,
            authorized_party: claims.authorized_party.as_deref(),
            issued_at: claims.issued_at,
            auth_time: claims.auth_time,
        }
    }
}

/// The claims of an ID token that has passed every check.
#[derive(Clone)]
#[non_exhaustive]
pub struct IdTokenClaims {
    /// `sub`: who, 1 to 255 ASCII characters, unique and never reassigned at this issuer.
    pub subject: String,
    /// `iss`.
    pub issuer: String,
    /// `aud`: this client, and trusted others.
    pub audiences: Vec<String>,
    /// `azp`: this client, where it is there.
    pub authorized_party: Option<String>,
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

/// Verifies the signature and then every claim.
pub fn verify(
    raw: &IdToken,
    keys: &KeySet,
    policy: &Policy<'_>,
    expectations: &IdTokenExpectations<'_>,
) -> Result<IdTokenClaims, IdTokenError> {
    judge(
        jwt::verify_compact(raw.expose(), keys, policy)?,
        expectations,
    )
}

/// Judges the claims of a token whose signature is good.
pub fn validate(
    token: &VerifiedJwt,
    expectations: &IdTokenExpectations<'_>,
) -> Result<IdTokenClaims, IdTokenError> {
    judge(token.clone(), expectations)
}

/// Verifies an ID token that came with a refresh: the same rules, but that the nonce may be left out, and user,
/// audience and authentication time must be those of the sign-in (OpenID Connect Core section 12.2).
///
/// Expect the `nonce` of the sign-in, which some providers repeat: a token with one is refused where none is expected.
/// Expect no `code` here, and no `max_age`: how long ago the user signed in was judged when they did.
pub fn verify_refreshed(
    raw: &IdToken,
    keys: &KeySet,
    policy: &Policy<'_>,
    expectations: &IdTokenExpectations<'_>,
    original: &OriginalIdToken<'_>,
) -> Result<IdTokenClaims, IdTokenError> {
    let token = jwt::verify_compact(raw.expose(), keys, policy)?;
    check_nonce(Claims(&token.claims), expectations.nonce, true)?;
    let claims = judge_rest(token, expectations)?;
    if claims.subject != original.subject {
        return Err(IdTokenError::SubjectChanged);
    }
    if !original.audiences.is_empty() {
        let same = |some: &[String], others: &[String]| some.iter().all(|one| others.contains(one));
        if !same(&claims.audiences, original.audiences)
            || !same(original.audiences, &claims.audiences)
            || claims.authorized_party.as_deref() != original.authorized_party
        {
            return Err(IdTokenError::AudienceChanged);
        }
    }
    if claims.issued_at.saturating_add(expectations.leeway) < original.issued_at {
        return Err(IdTokenError::OlderThanOriginal);
    }
    match (claims.auth_time, original.auth_time) {
        (Some(now), Some(then)) if now != then => Err(IdTokenError::AuthTimeChanged),
        _ => Ok(claims),
    }
}

fn judge(
    token: VerifiedJwt,
    expectations: &IdTokenExpectations<'_>,
) -> Result<IdTokenClaims, IdTokenError> {
    check_nonce(Claims(&token.claims), expectations.nonce, false)?;
    judge_rest(token, expectations)
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

/// Takes the token, so that its claims need not be copied.
fn judge_rest(
    token: VerifiedJwt,
    expectations: &IdTokenExpectations<'_>,
) -> Result<IdTokenClaims, IdTokenError> {
    let claims = Claims(&token.claims);
    let issuer = claims.required_string("iss")?;
    if issuer != expectations.issuer {
        return Err(IdTokenError::IssuerMismatch);
    }
    let audiences = check_audience(claims, expectations)?;
    let (expires_at, issued_at) = check_times(claims, expectations)?;
    let subject = claims.required_string("sub")?;
    if !(1..=255).contains(&subject.len()) || !subject.is_ascii() {
        return Err(IdTokenError::WrongType("sub"));
    }
    check_hashes(&token, expectations)?;
    let acr = claims.string("acr")?;
    if !expectations.acr_values.is_empty()
        && !acr.is_some_and(|acr| expectations.acr_values.iter().any(|wanted| wanted == acr))
    {
        return Err(IdTokenError::AcrNotSatisfied);
    }
    let auth_time = check_auth_time(claims, expectations)?;
    let owned = |text: &str| text.to_owned();
    Ok(IdTokenClaims {
        subject: owned(subject),
        issuer: owned(issuer),
        audiences: audiences.into_iter().map(owned).collect(),
        authorized_party: claims.string("azp")?.map(owned),
        expires_at,
        issued_at,
        auth_time,
        acr: acr.map(owned),
        amr: claims.strings("amr")?.into_iter().map(owned).collect(),
        sid: claims.string("sid")?.map(owned),
        all: token.claims,
    })
}

/// Other audiences are refused whatever `azp` says: `azp` tells who asked, not whom to trust.
fn check_audience<'a>(
    claims: Claims<'a>,
    expectations: &IdTokenExpectations<'_>,
) -> Result<Vec<&'a str>, IdTokenError> {
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
        None if audiences
            .iter()
            .any(|other| *other != expectations.client_id) =>
        {
            Err(IdTokenError::MissingClaim("azp"))
        }
        _ => Ok(audiences),
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

/// `at_hash` and `c_hash`, where they are there; both are optional in the code flow (section 3.1.3.6).
fn check_hashes(
    token: &VerifiedJwt,
    expectations: &IdTokenExpectations<'_>,
) -> Result<(), IdTokenError> {
    let claims = Claims(&token.claims);
    let alg = token.header.alg;
    let at_hash = claims.string("at_hash")?;
    if let (Some(stated), Some(access_token)) = (at_hash, expectations.access_token)
        && !is_half_hash(stated, access_token.expose(), alg)
    {
        return Err(IdTokenError::AccessTokenMismatch);
    }
    let c_hash = claims.string("c_hash")?;
    if let (Some(stated), Some(code)) = (c_hash, expectations.code)
        && !is_half_hash(stated, code.expose(), alg)
    {
        return Err(IdTokenError::CodeMismatch);
    }
    Ok(())
}

/// The left half of the hash that the signature algorithm uses, over the ASCII of what it is of, in base64url.
fn is_half_hash(stated: &str, of: &str, alg: SigningAlg) -> bool {
    let hash = digest::digest(alg.hash(), of.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    // 43 characters for half of the longest hash, on the stack.
    let mut expected = [0; 43];
    URL_SAFE_NO_PAD
        .encode_slice(left, &mut expected)
        .is_ok_and(|length| {
            constant_time::verify_slices_are_equal(&expected[..length], stated.as_bytes()).is_ok()
        })
}
