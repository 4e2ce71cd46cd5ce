//! What an access token must say (RFC 9068 section 4, RFC 7662 section 2.2, Okta's access tokens).

use std::fmt;
use std::sync::Arc;

use cloakroom_oidc::{JwtError, json};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;

/// The largest access token that is read, in bytes: more than the headers of most servers take.
pub const MAX_TOKEN: usize = 64 * 1024;

/// An access token that was found good. It holds the claims and not the token.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedToken {
    /// `iss`, one of the configured issuers.
    pub issuer: String,
    /// `sub`; where the client acts for itself, the client. Empty where an introspection answer has none.
    pub subject: String,
    /// `client_id`, or Okta's `cid`.
    pub client_id: String,
    /// `scope`, or Okta's `scp`.
    pub scopes: Vec<String>,
    /// `exp`, in Unix seconds.
    pub expires_at: u64,
    /// All claims as they are.
    pub claims: Arc<Map<String, Value>>,
}

// Claims are about people.
impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl VerifiedToken {
    /// Whether the token has this scope, compared by its exact characters (RFC 6749 section 3.3).
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|has| has == scope)
    }

    /// The claims as a type of the application's.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Claims {
    ///     uid: String,
    ///     #[serde(default)]
    ///     groups: Vec<String>,
    /// }
    ///
    /// fn is_staff(token: &cloakroom_resource::VerifiedToken) -> bool {
    ///     token.claims_as::<Claims>().is_ok_and(|claims| claims.groups.contains(&"staff".to_owned()))
    /// }
    /// ```
    pub fn claims_as<T: DeserializeOwned>(&self) -> Result<T, TokenRefusal> {
        // What serde says would quote the claims.
        T::deserialize(&*self.claims).map_err(|_| TokenRefusal::ForeignClaims {
            expected: std::any::type_name::<T>(),
        })
    }
}

/// Why a token is not good. Callers are told `invalid_token` for all of them (RFC 6750 section 3.1).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// More than [`MAX_TOKEN`] bytes.
    #[error(
        "the access token is larger than 64 KiB; issue smaller ones, with fewer groups for instance"
    )]
    TooLarge,
    /// Not a JWT, and there is not exactly one issuer that introspects (RFC 7662 section 2).
    #[error(
        "the access token is opaque, and not exactly one issuer here introspects. Okta's org authorization server (an issuer without /oauth2/) issues tokens that only Okta can read: use a custom one, such as /oauth2/default, or introspection"
    )]
    Opaque,
    /// `iss` is the org authorization server beside a configured custom one (Okta's access tokens).
    #[error(
        "the access token is of Okta's org authorization server, and only Okta can check it: ask for it at the custom one, whose issuer ends in /oauth2/default or the like"
    )]
    OktaOrg,
    /// `iss` is none of the configured issuers (RFC 9068 section 4).
    #[error("the access token is of an issuer that is not trusted here; compare issuers exactly")]
    UnknownIssuer,
    /// Not a JWT, wrongly signed, or of another type (RFC 9068 sections 2.1 and 4).
    #[error("the access token cannot be trusted: {0}")]
    Jwt(#[from] JwtError),
    /// `active` is false: expired, revoked or never issued (RFC 7662 section 2.2).
    #[error("the provider says that the access token is not active")]
    Inactive,
    /// A required claim is missing or has the wrong type (RFC 9068 section 2.2).
    #[error(
        "{0} in the access token is missing or has the wrong type; look at the issuer's profile"
    )]
    Claim(&'static str),
    /// `iss` is not the issuer that was asked (RFC 7662 section 2.2).
    #[error("the access token is of another issuer than the one that vouches for it")]
    IssuerMismatch,
    /// `aud` does not name this API (RFC 9068 section 4).
    #[error(
        "the access token is for another API; compare the configured audience with the token's aud"
    )]
    AudienceMismatch,
    /// `exp` has passed (RFC 7519 section 4.1.4).
    #[error("the access token has expired")]
    Expired,
    /// `nbf` or `iat` is in the future (RFC 7519 sections 4.1.5 and 4.1.6).
    #[error("the access token is not good yet; check this machine's clock")]
    NotYetValid,
    /// An ID token or a logout token (RFC 9068 section 5, RFC 8725 section 3.12).
    #[error("this is another kind of token, an ID token most likely; send the access token")]
    NotAnAccessToken,
    /// Bound to a key (`cnf`, RFC 7800) or of another type than Bearer (RFC 9449 section 7.1).
    #[error("the access token is bound to a key and was presented without a proof of it")]
    SenderConstrained,
    /// The claims are not of the type that the application reads them as.
    #[error(
        "the access token's claims cannot be read as {expected}; compare its fields with the token's claims"
    )]
    ForeignClaims {
        /// The type's name.
        expected: &'static str,
    },
}

error_codes!(TokenRefusal {
    Self::TooLarge => "token_too_large",
    Self::Opaque => "token_opaque",
    Self::OktaOrg => "token_okta_org",
    Self::UnknownIssuer => "token_unknown_issuer",
    Self::Inactive => "token_inactive",
    Self::Claim(_) => "token_claim",
    Self::IssuerMismatch => "token_issuer_mismatch",
    Self::AudienceMismatch => "token_audience_mismatch",
    Self::Expired => "token_expired",
    Self::NotYetValid => "token_not_yet_valid",
    Self::NotAnAccessToken => "token_not_an_access_token",
    Self::SenderConstrained => "token_sender_constrained",
    Self::ForeignClaims { .. } => "token_foreign_claims",
} via {
    Self::Jwt(inner) => inner.code(),
});

/// Where claims come from, which decides their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Rfc9068,
    Okta,
    Introspected,
}

/// What is known before the token is read.
#[derive(Clone, Copy)]
pub(crate) struct Expectations<'a> {
    pub(crate) form: Form,
    pub(crate) issuer: &'a str,
    pub(crate) audiences: &'a [String],
    pub(crate) now: u64,
}

/// How far the issuer's clock and this one may differ, in seconds.
const LEEWAY: u64 = 60;

/// Judges claims whose signature is good, or which the provider answered.
pub(crate) fn judge(
    claims: Arc<Map<String, Value>>,
    expected: &Expectations<'_>,
) -> Result<VerifiedToken, TokenRefusal> {
    let form = expected.form;
    // What only other tokens have. A nonce in an access token would be one that nobody checks.
    let has = |name: &&str| claims.contains_key(*name);
    if ["nonce", "at_hash", "c_hash", "events"].iter().any(has) {
        return Err(TokenRefusal::NotAnAccessToken);
    }
    // What only access tokens have, where the header does not say what this is.
    if form == Form::Okta && !["cid", "scp"].iter().any(has) {
        return Err(TokenRefusal::NotAnAccessToken);
    }
    if required(&claims, "iss")? != expected.issuer {
        return Err(TokenRefusal::IssuerMismatch);
    }
    let client_id = required(
        &claims,
        if form == Form::Okta {
            "cid"
        } else {
            "client_id"
        },
    )?;
    check_audience(&claims, form, client_id, expected.audiences)?;
    let expires_at = check_times(&claims, expected)?;
    check_binding(&claims)?;
    let subject = match claims.get("sub") {
        None if form == Form::Introspected => "",
        _ => required(&claims, "sub")?,
    };
    if form != Form::Introspected {
        required(&claims, "jti")?;
    }
    Ok(VerifiedToken {
        issuer: expected.issuer.to_owned(),
        subject: subject.to_owned(),
        client_id: client_id.to_owned(),
        scopes: scopes(&claims, form)?,
        expires_at,
        claims,
    })
}

fn required<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a str, TokenRefusal> {
    claims
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or(TokenRefusal::Claim(name))
}

fn check_audience(
    claims: &Map<String, Value>,
    form: Form,
    client_id: &str,
    ours: &[String],
) -> Result<(), TokenRefusal> {
    let aud = strings(claims.get("aud")).ok_or(TokenRefusal::Claim("aud"))?;
    // An ID token's audience is its client. RFC 9068 tells them apart by `typ`.
    if form != Form::Rfc9068 && aud == [client_id] {
        return Err(TokenRefusal::NotAnAccessToken);
    }
    if aud.iter().any(|name| ours.iter().any(|our| our == name)) {
        Ok(())
    } else {
        Err(TokenRefusal::AudienceMismatch)
    }
}

fn check_times(
    claims: &Map<String, Value>,
    expected: &Expectations<'_>,
) -> Result<u64, TokenRefusal> {
    let time = |name: &'static str| {
        claims
            .get(name)
            .map(|value| json::numeric_date(value).ok_or(TokenRefusal::Claim(name)))
            .transpose()
    };
    let expires_at = time("exp")?.ok_or(TokenRefusal::Claim("exp"))?;
    // The issuer's word is good until its end and no longer (RFC 7662 section 4).
    let leeway = if expected.form == Form::Introspected {
        0
    } else {
        LEEWAY
    };
    if expires_at.saturating_add(leeway) <= expected.now {
        return Err(TokenRefusal::Expired);
    }
    let issued_at = time("iat")?;
    if issued_at.is_none() && expected.form != Form::Introspected {
        return Err(TokenRefusal::Claim("iat"));
    }
    let latest = expected.now.saturating_add(LEEWAY);
    if [time("nbf")?, issued_at]
        .into_iter()
        .flatten()
        .any(|at| at > latest)
    {
        return Err(TokenRefusal::NotYetValid);
    }
    Ok(expires_at)
}

/// Any `cnf` is one that a bearer cannot prove (RFC 7800 section 3.1, RFC 9449 section 6, RFC 8705 section 3).
fn check_binding(claims: &Map<String, Value>) -> Result<(), TokenRefusal> {
    let bearer = claims.get("token_type").is_none_or(|kind| {
        kind.as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))
    });
    if claims.contains_key("cnf")
        || claims
            .get("token_type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("dpop"))
    {
        Err(TokenRefusal::SenderConstrained)
    } else if bearer {
        Ok(())
    } else {
        // A refresh token is active too, and good for nothing here (RFC 7662 section 2.2).
        Err(TokenRefusal::NotAnAccessToken)
    }
}

fn scopes(claims: &Map<String, Value>, form: Form) -> Result<Vec<String>, TokenRefusal> {
    if form == Form::Okta {
        return match claims.get("scp") {
            scp @ Some(Value::Array(_)) => strings(scp)
                .map(|scopes| scopes.into_iter().map(str::to_owned).collect())
                .ok_or(TokenRefusal::Claim("scp")),
            _ => Err(TokenRefusal::Claim("scp")),
        };
    }
    match claims.get("scope") {
        None => Ok(Vec::new()),
        Some(Value::String(scope)) => {
            Ok(scope.split_ascii_whitespace().map(str::to_owned).collect())
        }
        Some(_) => Err(TokenRefusal::Claim("scope")),
    }
}

/// One string, or an array of nothing but strings.
fn strings(value: Option<&Value>) -> Option<Vec<&str>> {
    match value? {
        Value::String(one) => Some(vec![one]),
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        _ => None,
    }
}
