//! Signed userinfo answers.

use bytes::Bytes;
use cloakroom_oidc::userinfo::{UserinfoExpectations, algorithms, verify};
use cloakroom_oidc::{
    ClientSecret, JsonError, JwtError, KeySet, Policy, SigningAlg, UserinfoError,
};
use http::Response;
use serde_json::{Map, Value, json};

use crate::keys::{b64, hmac_token, key_set, other_rsa, p256, rsa, token};
use crate::support::{CLIENT_ID, ISSUER, answer, json_answer, metadata_with};

const NOW: u64 = 1_800_000_000;
const ALGORITHMS: &[SigningAlg] = &[SigningAlg::RS256];

fn keys() -> KeySet {
    key_set(&[rsa().jwk(json!({"kid": "k1"}))])
}

fn jwt(text: impl Into<Bytes>) -> Response<Bytes> {
    answer(200, "application/jwt", text)
}

fn signed(claims: &Value) -> Response<Bytes> {
    jwt(token(&json!({"alg": "RS256", "kid": "k1"}), claims, rsa()))
}

fn read(response: &Response<Bytes>) -> Result<Map<String, Value>, UserinfoError> {
    let expectations = UserinfoExpectations::new(ISSUER, CLIENT_ID, "u", NOW);
    verify(response, &keys(), &Policy::new(ALGORITHMS), &expectations)
}

fn refusal(response: &Response<Bytes>) -> UserinfoError {
    read(response).unwrap_err()
}

#[test]
fn oidcc_client_test_userinfo_signed() {
    let claims = json!({"iss": ISSUER, "aud": CLIENT_ID, "sub": "u", "email": "e"});
    assert_eq!(read(&signed(&claims)).unwrap()["email"], "e");
    let list = json!({"iss": ISSUER, "aud": ["another", CLIENT_ID], "sub": "u"});
    assert!(read(&signed(&list)).is_ok());
    assert!(
        read(&signed(&json!({"sub": "u"}))).is_ok(),
        "iss and aud should be there, and are not everywhere"
    );
    let mut typed = signed(&claims);
    typed.headers_mut().insert(
        "content-type",
        "Application/JWT; charset=utf-8".parse().unwrap(),
    );
    assert!(read(&typed).is_ok());
    let mut text = typed.into_body().to_vec();
    text.push(b'\n');
    assert!(read(&jwt(text)).is_ok(), "a line's end is no part of it");
}

#[test]
fn plain_answers_are_read_unless_a_signature_is_required() {
    let plain = json_answer(200, &json!({"sub": "u", "email": "e"}));
    assert_eq!(read(&plain).unwrap()["email"], "e");
    let mut expectations = UserinfoExpectations::new(ISSUER, CLIENT_ID, "u", NOW);
    expectations.signature_required = true;
    let policy = Policy::new(ALGORITHMS);
    assert_eq!(
        verify(&plain, &keys(), &policy, &expectations).unwrap_err(),
        UserinfoError::UnsignedResponse
    );
    assert!(
        verify(
            &signed(&json!({"sub": "u"})),
            &keys(),
            &policy,
            &expectations
        )
        .is_ok()
    );
}

#[test]
fn the_subject_is_that_of_the_id_token() {
    assert_eq!(
        refusal(&signed(&json!({"sub": "v"}))),
        UserinfoError::SubjectMismatch
    );
    assert_eq!(refusal(&signed(&json!({}))), UserinfoError::MissingSubject);
}

#[test]
fn issuer_and_audience_are_right_where_they_are_there() {
    let with = |name: &str, value: Value| refusal(&signed(&json!({"sub": "u", name: value})));
    for issuer in ["https://evil.example", "", &format!("{ISSUER}/")] {
        assert_eq!(with("iss", json!(issuer)), UserinfoError::IssuerMismatch);
    }
    for audience in [json!("another"), json!(["another"]), json!([]), json!("")] {
        assert_eq!(with("aud", audience), UserinfoError::AudienceMismatch);
    }
    for value in [json!(1), json!(null), json!({"a": CLIENT_ID})] {
        assert_eq!(with("iss", value.clone()), UserinfoError::WrongType("iss"));
        assert_eq!(with("aud", value), UserinfoError::WrongType("aud"));
    }
    assert_eq!(
        with("aud", json!([CLIENT_ID, 7])),
        UserinfoError::WrongType("aud")
    );
}

#[test]
fn times_count_where_they_are_there() {
    let with =
        |name: &str, value: Value| read(&signed(&json!({"sub": "u", name: value}))).map(|_| ());
    assert_eq!(with("exp", json!(NOW - 59)), Ok(()), "within the leeway");
    assert_eq!(
        with("exp", json!(NOW - 60)),
        Err(UserinfoError::NotValidNow)
    );
    assert_eq!(with("nbf", json!(NOW + 60)), Ok(()));
    assert_eq!(
        with("nbf", json!(NOW + 61)),
        Err(UserinfoError::NotValidNow)
    );
    assert_eq!(
        with("exp", json!("tomorrow")),
        Err(UserinfoError::WrongType("exp"))
    );
    assert_eq!(with("exp", json!(-1)), Err(UserinfoError::WrongType("exp")));
}

#[test]
fn the_signature_is_under_the_policy() {
    let claims = json!({"sub": "u"});
    let none = format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(claims.to_string()));
    assert_eq!(refusal(&jwt(none)), UserinfoError::Jwt(JwtError::Unsigned));
    let by_another = token(&json!({"alg": "RS256", "kid": "k1"}), &claims, other_rsa());
    assert_eq!(
        refusal(&jwt(by_another)),
        UserinfoError::Jwt(JwtError::InvalidSignature)
    );
    let es256 = token(&json!({"alg": "ES256", "kid": "k1"}), &claims, p256());
    assert_eq!(
        refusal(&jwt(es256)).code(),
        "jwt_algorithm_not_allowed",
        "however good its signature"
    );
    let confused = hmac_token(&json!({"alg": "HS256"}), &claims, &rsa().public_der());
    assert_eq!(refusal(&jwt(confused)).code(), "jwt_algorithm_not_allowed");
    let access_token = json!({"alg": "RS256", "kid": "k1", "typ": "at+jwt"});
    assert_eq!(
        refusal(&jwt(token(&access_token, &claims, rsa()))).code(),
        "jwt_unexpected_type"
    );
}

#[test]
fn a_client_that_chose_hs256_gets_what_its_secret_signed() {
    let secret = ClientSecret::new("0123456789abcdef0123456789abcdef");
    let policy = Policy {
        client_secret: Some(&secret),
        ..Policy::new(&[SigningAlg::HS256])
    };
    let expectations = UserinfoExpectations::new(ISSUER, CLIENT_ID, "u", NOW);
    let made = |key: &[u8]| {
        let text = hmac_token(&json!({"alg": "HS256"}), &json!({"sub": "u"}), key);
        verify(&jwt(text), &keys(), &policy, &expectations).map(|_| ())
    };
    assert_eq!(made(secret.expose().as_bytes()), Ok(()));
    assert_eq!(
        made(&[b'x'; 32]),
        Err(UserinfoError::Jwt(JwtError::InvalidSignature))
    );
}

#[test]
fn an_unknown_key_may_be_a_new_one() {
    let text = token(
        &json!({"alg": "RS256", "kid": "k2"}),
        &json!({"sub": "u"}),
        other_rsa(),
    );
    let error = refusal(&jwt(text.clone()));
    assert!(error.may_be_a_new_key());
    assert_eq!(error.code(), "jwt_unknown_key");
    let newer = key_set(&[other_rsa().jwk(json!({"kid": "k2"}))]);
    let expectations = UserinfoExpectations::new(ISSUER, CLIENT_ID, "u", NOW);
    assert!(verify(&jwt(text), &newer, &Policy::new(ALGORITHMS), &expectations).is_ok());
    assert!(!UserinfoError::SubjectMismatch.may_be_a_new_key());
}

#[test]
fn what_is_no_signed_token() {
    let error = refusal(&jwt("a.b.c.d.e"));
    assert_eq!(error, UserinfoError::Jwt(JwtError::Encrypted));
    assert!(
        error.to_string().contains("switch token encryption off"),
        "{error}"
    );
    assert_eq!(
        refusal(&jwt("{\"sub\":\"u\"}")),
        UserinfoError::Jwt(JwtError::NotCompact)
    );
    assert_eq!(refusal(&jwt("")), UserinfoError::Jwt(JwtError::NotCompact));
    assert_eq!(
        refusal(&jwt(&b"\xFF.a.b"[..])),
        UserinfoError::Jwt(JwtError::Encoding)
    );
    let text = signed(&json!({"sub": "u"})).into_body();
    assert_eq!(
        refusal(&answer(200, "application/json", text)),
        UserinfoError::MalformedJson(JsonError::Syntax),
        "declared as something else"
    );
    assert_eq!(
        refusal(&answer(401, "application/jwt", "a.b.c")).code(),
        "userinfo_unauthorized"
    );
}

#[test]
fn the_algorithms_are_those_listed_for_userinfo_else_the_id_tokens() {
    let of = |listed: Value| {
        algorithms(&metadata_with(
            json!({"userinfo_signing_alg_values_supported": listed}),
        ))
    };
    assert_eq!(
        of(json!(["none", "HS256", "ES256", "RS512", "ES256", "XX"])),
        [SigningAlg::ES256, SigningAlg::RS512]
    );
    for nothing in [json!(null), json!([]), json!(["none"])] {
        assert_eq!(of(nothing), [SigningAlg::RS256]);
    }
}
