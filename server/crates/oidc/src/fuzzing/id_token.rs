//! The claims of an ID token (OpenID Connect Core 1.0 sections 2, 3.1.3.7, 3.1.3.8 and 12.2).

use std::sync::OnceLock;

use serde_json::Value;

use super::{ISSUER, MARKER, is_code, keys};
use crate::id_token::{self, OriginalIdToken};
use crate::jwt::{self, Policy, VerifiedJwt};
use crate::{
    AccessToken, IdToken, IdTokenClaims, IdTokenError, IdTokenExpectations, Nonce, SigningAlg,
};

const CLIENT_ID: &str = "client-1";
const TRUSTED: &str = "trusted-api";
const NOW: u64 = 1_800_000_000;
const LEEWAY: u64 = 60;
const MAX_AGE: u64 = 300;
const ACR: &str = "phr";
const NONCE: &str = "n-0S6_WzA2Mj";
/// The access token and `at_hash` of OpenID Connect Core 1.0 appendix A.3, here under Ed25519, which hashes with SHA-512.
const ACCESS_TOKEN: &str = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";

const POLICY: Policy<'static> = Policy {
    algorithms: &[SigningAlg::EdDSA],
    typ: jwt::Typ::Untyped,
    client_secret: None,
};

/// What was asked for at a sign-in.
struct Asked {
    nonce: Nonce,
    access_token: AccessToken,
    acr_values: [String; 1],
    trusted: [String; 1],
}

fn asked() -> &'static Asked {
    static ASKED: OnceLock<Asked> = OnceLock::new();
    ASKED.get_or_init(|| Asked {
        nonce: Nonce::new(NONCE),
        access_token: AccessToken::new(ACCESS_TOKEN),
        acr_values: [ACR.to_owned()],
        trusted: [TRUSTED.to_owned()],
    })
}

/// The claims, signed with a good key: judged with everything expected that can be, and with as little as can be.
pub fn id_token(data: &[u8]) -> bool {
    let raw = IdToken::new(keys::sign(br#"{"alg":"EdDSA"}"#, data));
    let Ok(token) = jwt::verify_compact(raw.expose(), keys::key_set(), &POLICY) else {
        return false;
    };
    let least = IdTokenExpectations::new(ISSUER, CLIENT_ID, NOW);
    let with_nonce = IdTokenExpectations {
        nonce: Some(&asked().nonce),
        ..least
    };
    let most = IdTokenExpectations {
        max_age: Some(MAX_AGE),
        acr_values: &asked().acr_values,
        access_token: Some(&asked().access_token),
        ..with_nonce
    };
    let trusting = IdTokenExpectations {
        trusted_audiences: &asked().trusted,
        ..with_nonce
    };
    let [least_ok, nonce_ok, most_ok, trusting_ok] =
        [least, with_nonce, most, trusting].map(|expectations| judge(&token, &expectations));
    assert!(!(least_ok && nonce_ok), "with a nonce and without one");
    assert!(
        !most_ok || nonce_ok,
        "who expects more does not accept more"
    );
    assert!(!nonce_ok || trusting_ok, "who trusts more accepts as much");
    if nonce_ok || least_ok {
        refreshed(&raw, &token, &with_nonce);
    }
    least_ok || trusting_ok
}

fn judge(token: &VerifiedJwt, expectations: &IdTokenExpectations<'_>) -> bool {
    match id_token::validate(token, expectations) {
        Ok(claims) => {
            check(&claims, token, expectations);
            assert!(!format!("{claims:?}").contains(MARKER));
            true
        }
        Err(error) => {
            check_error(&error);
            false
        }
    }
}

fn check_error(error: &IdTokenError) {
    assert!(is_code(error.code()));
    assert!(!format!("{error} {error:?}").contains(MARKER));
    assert!(!error.may_be_a_new_key(), "the signature was good");
}

/// The specification's steps once more, on the JSON as it is.
fn check(claims: &IdTokenClaims, token: &VerifiedJwt, expected: &IdTokenExpectations<'_>) {
    let all = &token.claims;
    let text = |name: &str| all.get(name).and_then(Value::as_str);
    assert_eq!(text("iss"), Some(ISSUER));
    let audiences = match all.get("aud") {
        Some(Value::Array(several)) => several.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    assert!(audiences.iter().any(|audience| audience == CLIENT_ID));
    assert!(audiences.iter().all(|audience| audience == CLIENT_ID
        || (audience == TRUSTED && !expected.trusted_audiences.is_empty())));
    assert!(all.get("azp").is_none_or(|azp| azp == CLIENT_ID));
    assert_eq!(text("nonce"), expected.nonce.map(Nonce::expose));
    let now = as_f64(NOW);
    let leeway = as_f64(LEEWAY);
    let number = |name: &str| all.get(name).map(|value| value.as_f64().expect("a number"));
    let (exp, iat) = (number("exp").expect("exp"), number("iat").expect("iat"));
    // A fraction is cut off, so up to a second is given away.
    assert!(exp > now - leeway && (0.0..253_402_300_800.0).contains(&exp));
    assert!((0.0..now + leeway + 1.0).contains(&iat));
    assert!(number("nbf").is_none_or(|nbf| (0.0..now + leeway + 1.0).contains(&nbf)));
    assert!(as_f64(claims.expires_at) <= exp && as_f64(claims.issued_at) <= iat);
    assert_eq!(
        claims.auth_time.map(as_f64),
        number("auth_time").map(f64::trunc)
    );
    if expected.max_age.is_some() {
        let auth_time = number("auth_time").expect("auth_time where max_age was asked for");
        let oldest = now - as_f64(MAX_AGE) - leeway;
        assert!((oldest..now + leeway + 1.0).contains(&auth_time));
    }
    let subject = text("sub").expect("sub");
    assert_eq!(claims.subject, subject);
    assert!((1..=255).contains(&subject.len()) && subject.is_ascii());
    assert_eq!(claims.acr.as_deref(), text("acr"));
    assert!(expected.acr_values.is_empty() || text("acr") == Some(ACR));
    assert_eq!(claims.sid.as_deref(), text("sid"));
    if expected.access_token.is_some() && all.contains_key("at_hash") {
        assert_eq!(text("at_hash"), Some(at_hash()));
    }
    assert_eq!(&claims.all, all);
}

/// The same token by way of a refresh: for the same user at the same time, and for no other.
fn refreshed(raw: &IdToken, token: &VerifiedJwt, expectations: &IdTokenExpectations<'_>) {
    let subject = token.claims["sub"].as_str().expect("sub");
    let auth_time = token
        .claims
        .get("auth_time")
        .and_then(crate::json::numeric_date);
    let verify = |subject: &str, auth_time: Option<u64>| {
        let original = OriginalIdToken {
            subject,
            audiences: &[],
            authorized_party: None,
            issued_at: 0,
            auth_time,
        };
        id_token::verify_refreshed(raw, keys::key_set(), &POLICY, expectations, &original)
    };
    assert!(
        verify(subject, auth_time).is_ok(),
        "good at the sign-in, bad at the refresh"
    );
    let other = format!("{subject}x");
    assert_eq!(
        verify(&other, auth_time).err(),
        Some(IdTokenError::SubjectChanged)
    );
    if let Some(then) = auth_time {
        assert_eq!(
            verify(subject, Some(then + 1)).err(),
            Some(IdTokenError::AuthTimeChanged)
        );
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds, far below 2^53 wherever a number was accepted"
)]
fn as_f64(seconds: u64) -> f64 {
    seconds as f64
}

/// The left half of SHA-512 over the access token (section 3.1.3.6).
fn at_hash() -> &'static str {
    static AT_HASH: OnceLock<String> = OnceLock::new();
    AT_HASH.get_or_init(|| {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, ACCESS_TOKEN.as_bytes());
        keys::b64(&hash.as_ref()[..32])
    })
}
