//! Who is signed in, as the application sees it: claims and deadlines, never a token.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::access::{AccessError, Requirement};

/// A signed-in session, as it was when this request came.
///
/// It holds what an application may show or decide by. Tokens are not in it and cannot be had from it.
#[derive(Clone)]
pub struct Session {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) user: Map<String, Value>,
    pub(crate) acr: Option<String>,
    pub(crate) auth_time: Option<u64>,
    pub(crate) signed_in_at: u64,
    pub(crate) idle_until: u64,
    pub(crate) absolute_until: u64,
    /// Until when APIs can be called, where that cannot be renewed.
    pub(crate) api_until: Option<u64>,
}

impl Session {
    /// The subject identifier, unique and never reassigned within the issuer (OpenID Connect Core section 2).
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The issuer identifier of the provider that vouched for this person.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What the ID token and userinfo say of the person, without protocol claims.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.user
    }

    /// One claim.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.user.get(name)
    }

    /// A name to greet by: `name`, `given_name`, `preferred_username`, `email`, else the subject.
    pub fn display_name(&self) -> &str {
        ["name", "given_name", "preferred_username", "email"]
            .iter()
            .filter_map(|claim| self.user.get(*claim).and_then(Value::as_str))
            .find(|text| !text.trim().is_empty())
            .unwrap_or(&self.subject)
    }

    /// How strongly the person was authenticated (`acr`, OpenID Connect Core section 2).
    pub fn acr(&self) -> Option<&str> {
        self.acr.as_deref()
    }

    /// When the person was authenticated, Unix time in seconds, where the provider says so.
    pub fn auth_time(&self) -> Option<u64> {
        self.auth_time
    }

    /// When this session began, Unix time in seconds.
    pub fn signed_in_at(&self) -> u64 {
        self.signed_in_at
    }

    /// Seconds until this session ends if nothing more is done in it.
    pub fn expires_in(&self, now: u64) -> u64 {
        self.idle_until.min(self.absolute_until).saturating_sub(now)
    }

    /// A name for the person that is the same in each of their sessions and says nothing about them: of issuer and
    /// subject, a hash. For what an application keeps apart by person where the subject itself has no business.
    pub fn pseudonym(&self) -> String {
        let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for part in [&self.issuer, &self.subject] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(&hash.finish().as_ref()[..16])
    }

    /// Whether the session has what is required; `now` in Unix seconds.
    pub fn require(&self, requirement: &Requirement, now: u64) -> Result<(), AccessError> {
        requirement.check(self, now)
    }

    /// Whether it satisfies what a sign-in asked for: any of `acr_values`, and an authentication not older than `max_age`.
    pub(crate) fn satisfies(&self, acr_values: &[String], max_age: Option<u64>, now: u64) -> bool {
        let strong = acr_values.is_empty()
            || self
                .acr
                .as_ref()
                .is_some_and(|acr| acr_values.contains(acr));
        let recent = max_age.is_none_or(|age| {
            self.auth_time
                .is_some_and(|time| time.saturating_add(age) >= now)
        });
        strong && recent
    }

    /// The JSON of `GET /auth/session`.
    pub(crate) fn to_json(&self, now: u64) -> Value {
        let mut session = json!({
            "signed_in": true,
            "user": self.user,
            "expires_in": self.expires_in(now),
            "session_expires_in": self.absolute_until.saturating_sub(now),
            "sign_in_again": self.must_sign_in_again(now),
        });
        if let (Some(until), Some(members)) = (self.api_until, session.as_object_mut()) {
            members.insert(
                "api_expires_in".to_owned(),
                until.saturating_sub(now).into(),
            );
        }
        session
    }

    /// Whether APIs cannot be called for this person until they sign in again: the access token has expired, and the
    /// provider gave no refresh token.
    pub fn must_sign_in_again(&self, now: u64) -> bool {
        self.api_until.is_some_and(|until| until <= now)
    }
}

impl fmt::Debug for Session {
    /// Claims are personal data: they stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("idle_until", &self.idle_until)
            .field("absolute_until", &self.absolute_until)
            .finish_non_exhaustive()
    }
}

/// Claims that are about the protocol, not about the person.
const PROTOCOL_CLAIMS: &[&str] = &[
    "sid",
    "nonce",
    "jti",
    "at_hash",
    "c_hash",
    "s_hash",
    "azp",
    "aud",
    "exp",
    "iat",
    "nbf",
    "auth_time",
    "typ",
    // Aggregated and distributed claims carry tokens (OpenID Connect Core section 5.6.2).
    "_claim_names",
    "_claim_sources",
];

/// The claims to keep of a person. The signed ID token's word counts more than userinfo's.
pub(crate) fn user_claims(
    id_token: &Map<String, Value>,
    userinfo: Option<&Map<String, Value>>,
    hidden: &[String],
) -> Map<String, Value> {
    let mut user = userinfo.cloned().unwrap_or_default();
    user.extend(id_token.clone());
    user.retain(|name, _| {
        // Some providers put tokens of other systems into claims, such as idp_access_token.
        let is_protocol = PROTOCOL_CLAIMS.contains(&name.as_str())
            || name.ends_with("_token")
            || name.ends_with("_hash");
        !is_protocol && !hidden.iter().any(|hidden| hidden == name)
    });
    user
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{Session, user_claims};

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    fn session(user: Value, acr: Option<&str>, auth_time: Option<u64>) -> Session {
        Session {
            subject: "00u1".to_owned(),
            issuer: "https://op.example".to_owned(),
            user: map(user),
            acr: acr.map(str::to_owned),
            auth_time,
            signed_in_at: 0,
            idle_until: 200,
            absolute_until: 300,
            api_until: None,
        }
    }

    #[test]
    fn it_says_when_apis_can_no_longer_be_called() {
        let mut session = session(json!({}), None, None);
        assert_eq!(session.to_json(100)["sign_in_again"], false);
        assert_eq!(session.to_json(100).get("api_expires_in"), None);
        session.api_until = Some(150);
        assert_eq!(session.to_json(100)["api_expires_in"], 50);
        assert_eq!(session.to_json(149)["sign_in_again"], false);
        assert_eq!(session.to_json(150)["sign_in_again"], true);
    }

    #[test]
    fn protocol_claims_stay_on_the_server() {
        let id_token = map(
            json!({"sub": "00u1", "sid": "s", "nonce": "n", "at_hash": "h", "aud": "c", "exp": 1, "name": "Ada", "_claim_sources": {}}),
        );
        let userinfo = map(
            json!({"sub": "00u1", "name": "Other", "email": "ada@example.test", "secret_number": 1}),
        );
        let user = user_claims(&id_token, Some(&userinfo), &["secret_number".to_owned()]);
        assert_eq!(
            Value::Object(user),
            json!({"sub": "00u1", "name": "Ada", "email": "ada@example.test"})
        );
    }

    #[test]
    fn the_name_to_greet_by_is_the_best_there_is() {
        assert_eq!(
            session(json!({"email": "a@b.test", "name": "Ada L"}), None, None).display_name(),
            "Ada L"
        );
        assert_eq!(
            session(json!({"name": " ", "email": "a@b.test"}), None, None).display_name(),
            "a@b.test"
        );
        assert_eq!(session(json!({}), None, None).display_name(), "00u1");
    }

    #[test]
    fn strength_and_age_are_compared_with_what_was_asked() {
        let two = ["2fa".to_owned()];
        assert!(session(json!({}), None, None).satisfies(&[], None, 100));
        assert!(session(json!({}), Some("2fa"), None).satisfies(&two, None, 100));
        assert!(!session(json!({}), Some("1fa"), None).satisfies(&two, None, 100));
        assert!(!session(json!({}), None, None).satisfies(&[], Some(10), 100));
        assert!(session(json!({}), None, Some(90)).satisfies(&[], Some(10), 100));
        assert!(!session(json!({}), None, Some(89)).satisfies(&[], Some(10), 100));
    }

    #[test]
    fn a_pseudonym_is_of_the_person_and_says_nothing_of_them() {
        let ada = session(json!({"email": "ada@example.test"}), Some("2fa"), Some(90));
        let other = |issuer: &str, subject: &str| Session {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            ..session(json!({}), None, None)
        };
        assert_eq!(
            ada.pseudonym(),
            other("https://op.example", "00u1").pseudonym()
        );
        assert_ne!(
            ada.pseudonym(),
            other("https://op.example", "00u2").pseudonym()
        );
        assert_ne!(
            ada.pseudonym(),
            other("https://other.example", "00u1").pseudonym()
        );
        assert_ne!(
            other("https://op.example0", "0u1").pseudonym(),
            ada.pseudonym(),
            "where one ends and the other begins counts"
        );
        assert_eq!(ada.pseudonym().len(), 22);
    }

    #[test]
    fn the_nearer_deadline_counts() {
        assert_eq!(session(json!({}), None, None).expires_in(150), 50);
        assert_eq!(session(json!({}), None, None).expires_in(400), 0);
    }

    #[test]
    fn debug_shows_nobody() {
        let text = format!(
            "{:?}",
            session(json!({"email": "ada@example.test"}), None, None)
        );
        assert!(!text.contains("ada") && !text.contains("00u1"), "{text}");
    }
}
