//! The form of a token: compact, canonical, read one way.

use cloakroom_oidc::jwt::{MAX_TOKEN, Policy, verify_compact};
use cloakroom_oidc::{JsonError, JwtError};
use proptest::prelude::*;
use serde_json::json;

use super::{good, header, set, verify};
use crate::keys::{b64, rsa, token_of};

#[test]
fn the_form_is_compact_and_canonical() {
    let text = good();
    for segments in ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e.f", "....."] {
        assert_eq!(
            verify(segments).unwrap_err(),
            JwtError::NotCompact,
            "{segments}"
        );
    }
    assert_eq!(verify("a.b.c.d.e").unwrap_err(), JwtError::Encrypted);
    assert_eq!(verify(&format!("{text}=")).unwrap_err(), JwtError::Encoding);
    assert_eq!(
        verify(&format!("{text}\n")).unwrap_err(),
        JwtError::Encoding
    );
    assert_eq!(verify(&format!(" {text}")).unwrap_err(), JwtError::Encoding);
    assert_eq!(
        verify(&text.replacen('.', "+.", 1)).unwrap_err(),
        JwtError::Encoding
    );
    // 256 bytes of signature end in a character with four unused bits; setting one is a second spelling.
    let last = text.chars().last().unwrap();
    let next = char::from(u8::try_from(u32::from(last)).unwrap() + 1);
    assert_eq!(
        verify(&format!("{}{next}", &text[..text.len() - 1])).unwrap_err(),
        JwtError::Encoding
    );
    assert_eq!(
        verify(&"a".repeat(MAX_TOKEN + 1)).unwrap_err(),
        JwtError::TooLarge
    );
}

#[test]
fn header_and_claims_are_read_one_way() {
    let with_header = |header: &str| verify(&token_of(header, "{}", "RS256", rsa())).unwrap_err();
    assert_eq!(
        with_header(r#"{"alg":"RS256","alg":"none"}"#),
        JwtError::Json(JsonError::DuplicateMember)
    );
    assert_eq!(with_header("[]"), JwtError::Json(JsonError::NotAnObject));
    assert_eq!(with_header("{}"), JwtError::MalformedHeader("alg"));
    assert_eq!(
        with_header(r#"{"alg":256}"#),
        JwtError::MalformedHeader("alg")
    );
    assert_eq!(
        with_header(r#"{"alg":"RS256","kid":1}"#),
        JwtError::MalformedHeader("kid")
    );
    assert_eq!(
        with_header(r#"{"alg":"RS256","typ":[]}"#),
        JwtError::MalformedHeader("typ")
    );
    let with_claims = |claims: &str| {
        verify(&token_of(&header().to_string(), claims, "RS256", rsa())).unwrap_err()
    };
    assert_eq!(
        with_claims(r#"{"sub":"a","sub":"b"}"#),
        JwtError::Json(JsonError::DuplicateMember)
    );
    assert_eq!(
        with_claims(r#"{"exp":1e400}"#),
        JwtError::Json(JsonError::Syntax)
    );
    assert_eq!(
        with_claims("\"text\""),
        JwtError::Json(JsonError::NotAnObject)
    );
    assert_eq!(
        with_claims(&format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64))),
        JwtError::Json(JsonError::TooDeep)
    );
}

#[test]
fn the_header_is_read_as_strictly_as_the_claims() {
    let with_header = |header: &str| verify(&token_of(header, "{}", "RS256", rsa())).unwrap_err();
    for (header, error) in [
        (
            r#"{"alg":"RS256","kid":"k1","jwk":{"kty":"RSA","kty":"oct"}}"#.to_owned(),
            JsonError::DuplicateMember,
        ),
        (
            r#"{"alg":"RS256","alg":"RS256"}"#.to_owned(),
            JsonError::DuplicateMember,
        ),
        (
            format!(
                "{{\"alg\":\"RS256\",\"x\":{}{}}}",
                "[".repeat(64),
                "]".repeat(64)
            ),
            JsonError::TooDeep,
        ),
        (r#"{"alg":"RS256","x":1e400}"#.to_owned(), JsonError::Syntax),
        (r#"{"alg":"RS256"} "#.to_owned() + "{}", JsonError::Syntax),
    ] {
        assert_eq!(with_header(&header), JwtError::Json(error), "{header}");
    }
}

#[test]
fn a_token_of_one_mebibyte_is_read_and_no_larger_one() {
    let of = |claims: usize| {
        let claims = format!("{{\"a\":\"{}\"}}", "x".repeat(claims));
        token_of(&header().to_string(), &claims, "RS256", rsa())
    };
    let small = of(3 * 1024);
    let overhead = small.len() - 4 * 1024;
    let largest = of((MAX_TOKEN - overhead) / 4 * 3);
    assert!(largest.len() <= MAX_TOKEN && largest.len() > MAX_TOKEN - 8);
    assert!(verify(&largest).is_ok());
    assert_eq!(verify(&of(MAX_TOKEN)).unwrap_err(), JwtError::TooLarge);
}

#[test]
fn an_empty_policy_accepts_nothing() {
    assert!(verify_compact(&good(), &set(), &Policy::new(&[])).is_err());
}

#[test]
fn an_unknown_algorithm_is_shown_in_bounds() {
    let text = format!(
        "{}.{}.AAAA",
        b64(json!({"alg": format!("x\n{}", "y".repeat(999))}).to_string()),
        b64("{}")
    );
    let JwtError::AlgorithmNotAllowed { alg } = verify(&text).unwrap_err() else {
        panic!()
    };
    assert!(alg.starts_with("x\u{FFFD}y") && alg.chars().count() == 128);
}

proptest! {
    #[test]
    fn nothing_makes_the_parser_panic(text in ".{0,200}") {
        prop_assert!(verify(&text).is_err());
    }

    #[test]
    fn nothing_shaped_like_a_token_makes_the_parser_panic(
        header in r#"\{?("alg"|"kid"|"crit"|:|,|"RS256"|"none"|[0-9e.\-]|\[|\]|\{|\}){0,12}\}?"#,
        claims in r#"\{?("a"|:|,|[0-9e.\-]|\[|\]){0,12}\}?"#,
        signature in "[A-Za-z0-9_-]{0,20}",
    ) {
        let text = format!("{}.{}.{signature}", b64(header), b64(claims));
        prop_assert!(verify(&text).is_err());
    }

    #[test]
    fn one_changed_character_is_refused(at in 0_usize..300, replacement in "[A-Za-z0-9_.=-]") {
        let mut text: Vec<char> = good().chars().collect();
        let at = at % text.len();
        let replacement = replacement.chars().next().unwrap();
        prop_assume!(text[at] != replacement);
        text[at] = replacement;
        prop_assert!(verify(&text.into_iter().collect::<String>()).is_err());
    }
}
