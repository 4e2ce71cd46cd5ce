//! ID tokens: every claim that is judged.

mod refreshed;

use std::sync::LazyLock;

use aws_lc_rs::digest;
use cloakroom_oidc::id_token::verify;
use cloakroom_oidc::{
    AccessToken, AuthorizationCode, IdToken, IdTokenClaims, IdTokenError, IdTokenExpectations,
    JsonError, JwtError, Nonce, Policy, SigningAlg,
};
use serde_json::{Value, json};

use crate::keys::{Key, b64, ed25519, key_set, p384, rsa, token};
use crate::support::{CLIENT_ID, ISSUER, merge};

const NOW: u64 = 1_800_000_000;

static NONCE: LazyLock<Nonce> = LazyLock::new(|| Nonce::new("n-1"));

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "00u1", "aud": CLIENT_ID, "iat": NOW - 5, "exp": NOW + 3600, "nonce": "n-1",
    })
}

fn raw(more: Value) -> IdToken {
    let mut claims = claims();
    merge(&mut claims, more);
    IdToken::new(token(&json!({"alg": "RS256", "kid": "k1"}), &claims, rsa()))
}

fn check_with<'a>(
    more: Value,
    adjust: impl FnOnce(&mut IdTokenExpectations<'a>),
) -> Result<IdTokenClaims, IdTokenError> {
    let mut expectations = IdTokenExpectations::new(ISSUER, CLIENT_ID, NOW);
    expectations.nonce = Some(&NONCE);
    adjust(&mut expectations);
    let keys = key_set(&[rsa().jwk(json!({"kid": "k1"}))]);
    verify(
        &raw(more),
        &keys,
        &Policy::new(&[SigningAlg::RS256]),
        &expectations,
    )
}

fn check(more: Value) -> Result<IdTokenClaims, IdTokenError> {
    check_with(more, |_| {})
}

fn refusal(more: Value) -> IdTokenError {
    check(more).unwrap_err()
}

#[test]
fn oidcc_client_test() {
    let claims = check(json!({
        "auth_time": NOW - 60, "acr": "urn:okta:loa:2fa:any", "amr": ["pwd", "otp"], "sid": "s-1", "azp": CLIENT_ID,
        "email": "a@example.com",
    }))
    .unwrap();
    assert_eq!(
        (claims.subject.as_str(), claims.issuer.as_str()),
        ("00u1", ISSUER)
    );
    assert_eq!(
        (claims.expires_at, claims.issued_at, claims.auth_time),
        (NOW + 3600, NOW - 5, Some(NOW - 60))
    );
    assert_eq!(claims.acr.as_deref(), Some("urn:okta:loa:2fa:any"));
    assert_eq!(claims.amr, ["pwd", "otp"]);
    assert_eq!(claims.sid.as_deref(), Some("s-1"));
    assert_eq!(claims.audiences, [CLIENT_ID]);
    assert_eq!(claims.authorized_party.as_deref(), Some(CLIENT_ID));
    assert_eq!(claims.all["email"], "a@example.com");
    assert!(
        !format!("{claims:?}").contains("00u1"),
        "claims are not for logs"
    );
}

#[test]
fn oidcc_client_test_invalid_iss() {
    for iss in [
        "https://evil.example",
        "",
        "https://id.example.com/oauth2/default/",
        "https://ID.example.com/oauth2/default",
    ] {
        assert_eq!(
            refusal(json!({ "iss": iss })),
            IdTokenError::IssuerMismatch,
            "{iss}"
        );
    }
    assert_eq!(
        refusal(json!({"iss": null})),
        IdTokenError::MissingClaim("iss")
    );
    assert_eq!(
        refusal(json!({"iss": [ISSUER]})),
        IdTokenError::WrongType("iss")
    );
}

#[test]
fn oidcc_client_test_invalid_aud() {
    assert_eq!(
        refusal(json!({"aud": "other"})),
        IdTokenError::AudienceMismatch
    );
    assert_eq!(
        refusal(json!({"aud": ["other"]})),
        IdTokenError::AudienceMismatch
    );
    assert_eq!(
        refusal(json!({"aud": [CLIENT_ID, 7]})),
        IdTokenError::WrongType("aud")
    );
    assert_eq!(
        refusal(json!({"aud": {"a": CLIENT_ID}})),
        IdTokenError::WrongType("aud")
    );
}

#[test]
fn oidcc_client_test_missing_aud() {
    assert_eq!(
        refusal(json!({"aud": null})),
        IdTokenError::MissingClaim("aud")
    );
    assert_eq!(
        refusal(json!({"aud": []})),
        IdTokenError::MissingClaim("aud")
    );
}

#[test]
fn fapi2_valid_aud_as_array() {
    assert!(check(json!({"aud": [CLIENT_ID]})).is_ok());
}

#[test]
fn fapi2_invalid_secondary_aud() {
    let two = json!({"aud": [CLIENT_ID, "project-1"], "azp": CLIENT_ID});
    assert_eq!(
        refusal(two.clone()),
        IdTokenError::UntrustedAudience,
        "whatever azp says"
    );
    let trusted = ["project-1".to_owned()];
    assert!(check_with(two, |e| e.trusted_audiences = &trusted).is_ok());
    let error = check_with(json!({"aud": "project-1"}), |e| {
        e.trusted_audiences = &trusted;
    })
    .unwrap_err();
    assert_eq!(
        error,
        IdTokenError::AudienceMismatch,
        "this client is always among them"
    );
}

#[test]
fn azp_is_this_client_where_it_is_there() {
    assert!(check(json!({"azp": CLIENT_ID})).is_ok());
    assert_eq!(
        refusal(json!({"azp": "other"})),
        IdTokenError::AuthorizedPartyMismatch
    );
    assert_eq!(
        refusal(json!({"azp": [CLIENT_ID]})),
        IdTokenError::WrongType("azp")
    );
}

#[test]
fn fapi2_invalid_expired_exp() {
    assert_eq!(refusal(json!({"exp": NOW - 1800})), IdTokenError::Expired);
    assert_eq!(refusal(json!({"exp": NOW - 60})), IdTokenError::Expired);
    assert!(check(json!({"exp": NOW - 59})).is_ok(), "within the leeway");
    let error = check_with(json!({"exp": NOW}), |e| e.leeway = 0).unwrap_err();
    assert_eq!(
        error,
        IdTokenError::Expired,
        "the current time is before exp, not at it"
    );
}

#[test]
fn fapi2_invalid_missing_exp() {
    assert_eq!(
        refusal(json!({"exp": null})),
        IdTokenError::MissingClaim("exp")
    );
}

#[test]
fn oidcc_client_test_missing_iat() {
    assert_eq!(
        refusal(json!({"iat": null})),
        IdTokenError::MissingClaim("iat")
    );
}

#[test]
fn okta_tck_issued_in_the_future() {
    assert_eq!(
        refusal(json!({"iat": NOW + 3600})),
        IdTokenError::IssuedInTheFuture
    );
    assert_eq!(
        refusal(json!({"iat": NOW + 61})),
        IdTokenError::IssuedInTheFuture
    );
    assert!(check(json!({"iat": NOW + 60})).is_ok());
}

#[test]
fn okta_tck_not_before_in_the_future() {
    assert_eq!(refusal(json!({"nbf": NOW + 61})), IdTokenError::NotYetValid);
    assert!(check(json!({"nbf": NOW + 60})).is_ok());
}

#[test]
fn times_are_numbers_that_make_sense() {
    for name in ["exp", "iat", "nbf", "auth_time"] {
        for value in [
            json!(NOW.to_string()),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
            json!(true),
            json!([NOW]),
        ] {
            assert_eq!(
                refusal(json!({ name: value })),
                IdTokenError::WrongType(name),
                "{name}"
            );
        }
    }
    assert!(
        check(json!({"exp": 1_800_003_600.5, "iat": 1_799_999_999.5})).is_ok(),
        "fractions are numbers"
    );
}

#[test]
fn oidcc_client_test_nonce_invalid() {
    for other in ["", "n-2", "N-1", "n-1 "] {
        assert_eq!(
            refusal(json!({ "nonce": other })),
            IdTokenError::NonceMismatch,
            "{other}"
        );
    }
    assert_eq!(
        refusal(json!({"nonce": 1})),
        IdTokenError::WrongType("nonce")
    );
}

#[test]
fn fapi2_invalid_missing_nonce() {
    assert_eq!(
        refusal(json!({"nonce": null})),
        IdTokenError::MissingClaim("nonce")
    );
}

#[test]
fn a_nonce_that_was_not_sent_is_refused() {
    assert_eq!(
        check_with(json!({}), |e| e.nonce = None).unwrap_err(),
        IdTokenError::UnexpectedNonce
    );
    assert!(check_with(json!({"nonce": null}), |e| e.nonce = None).is_ok());
}

#[test]
fn oidcc_client_test_missing_sub() {
    assert_eq!(
        refusal(json!({"sub": null})),
        IdTokenError::MissingClaim("sub")
    );
    for sub in [json!(""), json!(7), json!("a".repeat(256)), json!("\u{e9}")] {
        assert_eq!(
            refusal(json!({ "sub": sub })),
            IdTokenError::WrongType("sub")
        );
    }
    assert!(check(json!({"sub": "a".repeat(255)})).is_ok());
}

#[test]
fn oidcc_client_test_invalid_athash() {
    let access_token = AccessToken::new("at-1");
    let hash = digest::digest(&digest::SHA256, b"at-1");
    let right = b64(&hash.as_ref()[..16]);
    let with = |value: Value| {
        check_with(json!({ "at_hash": value }), |e| {
            e.access_token = Some(&access_token);
        })
        .map(|_| ())
    };
    assert_eq!(with(json!(right)), Ok(()));
    assert_eq!(
        with(json!(b64([0; 16]))),
        Err(IdTokenError::AccessTokenMismatch)
    );
    assert_eq!(
        with(json!(b64(hash))),
        Err(IdTokenError::AccessTokenMismatch)
    );
    assert_eq!(with(json!("")), Err(IdTokenError::AccessTokenMismatch));
    assert_eq!(with(json!(1)), Err(IdTokenError::WrongType("at_hash")));
}

#[test]
fn oidcc_client_test_missing_athash() {
    let access_token = AccessToken::new("at-1");
    assert!(
        check_with(json!({}), |e| e.access_token = Some(&access_token)).is_ok(),
        "optional in the code flow"
    );
}

#[test]
fn at_hash_uses_the_hash_of_the_signature() {
    let check = |alg: &str, key: &Key, algorithm: &'static digest::Algorithm| {
        let hash = digest::digest(algorithm, b"at-1");
        let mut claims = claims();
        claims["at_hash"] = json!(b64(&hash.as_ref()[..hash.as_ref().len() / 2]));
        let raw = IdToken::new(token(&json!({"alg": alg}), &claims, key));
        let (nonce, access_token) = (Nonce::new("n-1"), AccessToken::new("at-1"));
        let mut expectations = IdTokenExpectations::new(ISSUER, CLIENT_ID, NOW);
        expectations.nonce = Some(&nonce);
        expectations.access_token = Some(&access_token);
        let one = [SigningAlg::parse(alg).unwrap()];
        verify(
            &raw,
            &key_set(&[key.jwk(json!({}))]),
            &Policy::new(&one),
            &expectations,
        )
        .map(|_| ())
    };
    assert_eq!(check("ES384", p384(), &digest::SHA384), Ok(()));
    assert_eq!(
        check("ES384", p384(), &digest::SHA256),
        Err(IdTokenError::AccessTokenMismatch)
    );
    assert_eq!(check("PS512", rsa(), &digest::SHA512), Ok(()));
    assert_eq!(check("EdDSA", ed25519(), &digest::SHA512), Ok(()));
}

#[test]
fn oidcc_client_test_invalid_chash() {
    let code = AuthorizationCode::new("c-1");
    let hash = digest::digest(&digest::SHA256, b"c-1");
    let with =
        |value: Value| check_with(json!({ "c_hash": value }), |e| e.code = Some(&code)).map(|_| ());
    assert_eq!(with(json!(b64(&hash.as_ref()[..16]))), Ok(()));
    for wrong in [
        b64([0; 16]),
        b64(&hash.as_ref()[16..]),
        b64(hash),
        String::new(),
    ] {
        assert_eq!(with(json!(wrong)), Err(IdTokenError::CodeMismatch));
    }
    assert_eq!(with(json!(1)), Err(IdTokenError::WrongType("c_hash")));
    assert!(
        check(json!({"c_hash": b64([0; 16])})).is_ok(),
        "of a code that is not known here"
    );
}

#[test]
fn oidcc_client_test_missing_chash() {
    let code = AuthorizationCode::new("c-1");
    assert!(
        check_with(json!({}), |e| e.code = Some(&code)).is_ok(),
        "optional in the code flow"
    );
}

#[test]
fn several_audiences_need_an_azp() {
    let trusted = ["project-1".to_owned()];
    let with = |more: Value| check_with(more, |e| e.trusted_audiences = &trusted).map(|_| ());
    let two = json!([CLIENT_ID, "project-1"]);
    assert_eq!(
        with(json!({"aud": two})),
        Err(IdTokenError::MissingClaim("azp"))
    );
    assert_eq!(
        with(json!({"aud": two, "azp": "project-1"})),
        Err(IdTokenError::AuthorizedPartyMismatch)
    );
    assert_eq!(with(json!({"aud": two, "azp": CLIENT_ID})), Ok(()));
    assert_eq!(
        with(json!({"aud": [CLIENT_ID, CLIENT_ID]})),
        Ok(()),
        "one audience, said twice"
    );
}

#[test]
fn times_in_odd_forms() {
    // To the letter: a JSON library would write some of these another way.
    let with = |name: &str, number: &str| {
        let text = claims()
            .to_string()
            .replacen('{', &format!("{{\"{name}\":{number},"), 1);
        let raw = IdToken::new(crate::keys::token_of(
            r#"{"alg":"RS256"}"#,
            &text,
            "RS256",
            rsa(),
        ));
        let mut expectations = IdTokenExpectations::new(ISSUER, CLIENT_ID, NOW);
        expectations.nonce = Some(&NONCE);
        let keys = key_set(&[rsa().jwk(json!({"kid": "k1"}))]);
        let policy = Policy::new(&[SigningAlg::RS256]);
        verify(&raw, &keys, &policy, &expectations).map(|_| ())
    };
    for number in ["1.8e9", "1.8E+9", "1800000000.5", "18e8", "0", "1e3"] {
        assert_eq!(with("nbf", number), Ok(()), "{number}");
    }
    for number in [
        "-1",
        "-1.5",
        "1e300",
        "99999999999999999999999",
        "\"1800000000\"",
    ] {
        assert_eq!(
            with("nbf", number),
            Err(IdTokenError::WrongType("nbf")),
            "{number}"
        );
    }
    for number in ["1e400", "-1e400", "0x10", "NaN", "01"] {
        assert_eq!(
            with("nbf", number),
            Err(IdTokenError::Jwt(JwtError::Json(JsonError::Syntax))),
            "{number}"
        );
    }
    assert_eq!(
        with("sub", "\"someone else\""),
        Err(IdTokenError::Jwt(JwtError::Json(
            JsonError::DuplicateMember
        )))
    );
}

#[test]
fn max_age_needs_a_recent_auth_time() {
    let with =
        |more: Value, max_age: u64| check_with(more, |e| e.max_age = Some(max_age)).map(|_| ());
    assert_eq!(
        with(json!({}), 300),
        Err(IdTokenError::MissingClaim("auth_time"))
    );
    assert_eq!(with(json!({"auth_time": NOW - 300}), 300), Ok(()));
    assert_eq!(with(json!({"auth_time": NOW - 360}), 300), Ok(()), "leeway");
    assert_eq!(
        with(json!({"auth_time": NOW - 361}), 300),
        Err(IdTokenError::AuthenticationTooOld)
    );
    assert_eq!(with(json!({"auth_time": NOW - 10}), 0), Ok(()));
    assert_eq!(
        with(json!({"auth_time": NOW + 61}), 300),
        Err(IdTokenError::IssuedInTheFuture)
    );
    assert_eq!(
        with(json!({"auth_time": 5}), u64::MAX),
        Ok(()),
        "no overflow"
    );
    assert!(
        check(json!({"auth_time": 5})).is_ok(),
        "not judged unless asked for"
    );
}

#[test]
fn acr_is_one_of_those_asked_for() {
    let asked = ["phr".to_owned(), "phrh".to_owned()];
    let with = |more: Value| check_with(more, |e| e.acr_values = &asked).map(|_| ());
    assert_eq!(with(json!({"acr": "phrh"})), Ok(()));
    assert_eq!(
        with(json!({"acr": "urn:okta:loa:1fa:any"})),
        Err(IdTokenError::AcrNotSatisfied)
    );
    assert_eq!(with(json!({})), Err(IdTokenError::AcrNotSatisfied));
    assert!(check(json!({"acr": "anything"})).is_ok());
}

#[test]
fn optional_claims_have_their_types() {
    assert_eq!(refusal(json!({"sid": 1})), IdTokenError::WrongType("sid"));
    assert_eq!(refusal(json!({"acr": 1})), IdTokenError::WrongType("acr"));
    assert_eq!(refusal(json!({"amr": 1})), IdTokenError::WrongType("amr"));
    assert_eq!(check(json!({"amr": "pwd"})).unwrap().amr, ["pwd"]);
}

#[test]
fn the_signature_comes_first() {
    let keys = key_set(&[rsa().jwk(json!({"kid": "another"}))]);
    let expectations = IdTokenExpectations::new("https://other.example", "other", 0);
    let error = verify(
        &raw(json!({})),
        &keys,
        &Policy::new(&[SigningAlg::RS256]),
        &expectations,
    )
    .unwrap_err();
    assert_eq!(error, IdTokenError::Jwt(JwtError::UnknownKey));
    assert!(error.may_be_a_new_key());
    assert_eq!(error.code(), "jwt_unknown_key");
}
