//! Why an ID token is refused, by the steps of OpenID Connect Core 1.0 section 3.1.3.7.

use thiserror::Error;

use crate::jwt::JwtError;

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
    /// `azp` is another client (steps 4 and 5). Where there are several audiences and no `azp`, it is missing.
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
    /// `c_hash` is of another code (section 3.3.2.11).
    #[error("the ID token does not belong to the code that it was exchanged for")]
    CodeMismatch,
    /// `acr` is none of those asked for (step 12).
    #[error("the user has not signed in as strongly as was asked for")]
    AcrNotSatisfied,
    /// `auth_time` is longer ago than `max_age` (step 13).
    #[error("the user signed in longer ago than was asked for")]
    AuthenticationTooOld,
    /// A refresh brought an ID token of another user (section 12.2).
    #[error("the refreshed ID token is about another user")]
    SubjectChanged,
    /// A refresh brought an ID token for another audience or authorized party (section 12.2).
    #[error("the refreshed ID token is for others than the first one")]
    AudienceChanged,
    /// A refresh brought an ID token that was issued before the first one (section 12.2).
    #[error("the refreshed ID token is older than the first one")]
    OlderThanOriginal,
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
    Self::CodeMismatch => "id_token_code_mismatch",
    Self::AcrNotSatisfied => "id_token_acr_not_satisfied",
    Self::AuthenticationTooOld => "id_token_authentication_too_old",
    Self::SubjectChanged => "id_token_subject_changed",
    Self::AudienceChanged => "id_token_audience_changed",
    Self::OlderThanOriginal => "id_token_older_than_original",
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
