//! Signed tokens (RFC 7515 section 5.2, RFC 8725 section 3).

use std::sync::OnceLock;

use serde_json::Value;

use super::{is_code, is_legible, keys};
use crate::jwt::{Policy, Typ, verify_compact};
use crate::{JwtError, SigningAlg};

const ACCEPTED: &[SigningAlg] = &[
    SigningAlg::RS256,
    SigningAlg::ES256,
    SigningAlg::EdDSA,
    SigningAlg::HS256,
];

fn policy() -> Policy<'static> {
    Policy {
        client_secret: Some(keys::client_secret()),
        ..Policy::new(ACCEPTED)
    }
}

/// The tokens that are signed with the keys of the set, in their one spelling.
fn known() -> &'static [String] {
    static KNOWN: OnceLock<Vec<String>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        vec![
            keys::RS256_TOKEN.to_owned(),
            keys::ES256_TOKEN.to_owned(),
            keys::sign(br#"{"alg":"EdDSA","kid":"ed"}"#, br#"{"sub":"u"}"#),
            keys::sign(br#"{"alg":"Ed25519","typ":"JWT"}"#, br#"{"sub":"u"}"#),
            keys::hs256(br#"{"alg":"HS256"}"#, br#"{"sub":"u"}"#),
        ]
    })
}

/// Verifies a token to the letter. Nobody can sign, so what is accepted is one of the known tokens and no other
/// spelling of one.
pub fn jwt(data: &[u8]) -> bool {
    let Ok(token) = std::str::from_utf8(data) else {
        return false;
    };
    match verify_compact(token, keys::key_set(), &policy()) {
        Ok(verified) => {
            assert!(
                known().iter().any(|good| good == token),
                "a token that nobody signed"
            );
            let header = token.split('.').next().and_then(keys::un_b64);
            let header: Value =
                serde_json::from_slice(&header.expect("base64url")).expect("a JSON header");
            assert!(is_named(verified.header.alg, &header["alg"]));
            true
        }
        Err(error) => {
            check_error(&error);
            assert!(
                !known().iter().any(|good| good == token),
                "{error}: a good token was refused"
            );
            false
        }
    }
}

/// Header and claims, separated by a line break, with a signature that is good: what is behind the signature.
pub fn signed_jwt(data: &[u8]) -> bool {
    let at = data.iter().position(|byte| *byte == b'\n');
    let (header, claims) = at.map_or((data, &[][..]), |at| (&data[..at], &data[at + 1..]));
    let token = keys::sign(header, claims);
    let result = verify_compact(&token, keys::key_set(), &policy());
    let verified = match result {
        Ok(verified) => verified,
        Err(error) => {
            check_error(&error);
            assert!(
                header != br#"{"alg":"EdDSA"}"# || matches!(error, JwtError::Json(_)),
                "{error}: nothing but the claims can be wrong"
            );
            return false;
        }
    };
    let members: Value = serde_json::from_slice(header).expect("a JSON header");
    assert!(is_named(verified.header.alg, &members["alg"]));
    assert_eq!(verified.header.alg, SigningAlg::EdDSA);
    assert!(members.get("crit").is_none());
    assert!(members.get("kid").is_none_or(|kid| kid == "ed"));
    assert_eq!(
        verified.header.kid.as_deref(),
        members.get("kid").and_then(Value::as_str)
    );
    let typ = members.get("typ").map(|typ| typ.as_str().expect("text"));
    assert!(typ.is_none_or(|typ| !typ.to_ascii_lowercase().ends_with("+jwt")));
    assert_eq!(verified.header.typ.as_deref(), typ);
    let read: Value = serde_json::from_slice(claims).expect("JSON claims");
    assert_eq!(Value::Object(verified.claims), read);
    let again = |typ: Typ<'_>| {
        let other = Policy { typ, ..policy() };
        verify_compact(&token, keys::key_set(), &other).is_ok()
    };
    assert!(!again(Typ::Exactly("logout+jwt")), "one kind for another");
    assert!(again(Typ::OrUntyped("logout+jwt")));
    assert!(!is_accepted(&format!("{token}=")));
    assert!(
        !is_accepted(&second_spelling(&token)),
        "bits that no byte has"
    );
    true
}

fn is_accepted(token: &str) -> bool {
    verify_compact(token, keys::key_set(), &policy()).is_ok()
}

/// The last character of 64 bytes in base64url has four bits that count for nothing.
fn second_spelling(token: &str) -> String {
    let (start, last) = token.split_at(token.len() - 1);
    let next = match last {
        "A" => 'B',
        "Q" => 'R',
        "g" => 'h',
        _ => 'x',
    };
    format!("{start}{next}")
}

fn is_named(alg: SigningAlg, name: &Value) -> bool {
    name.as_str().and_then(SigningAlg::parse) == Some(alg)
}

fn check_error(error: &JwtError) {
    assert!(is_code(error.code()));
    assert!(is_legible(&error.to_string(), 512));
}
