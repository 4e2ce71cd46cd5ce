//! ID tokens that a refresh brings.

use cloakroom_oidc::id_token::{OriginalIdToken, verify_refreshed};

use super::*;

fn check(more: Value, original: OriginalIdToken<'_>) -> Result<(), IdTokenError> {
    let nonce = Nonce::new("n-1");
    let mut expectations = IdTokenExpectations::new(ISSUER, CLIENT_ID, NOW);
    expectations.nonce = Some(&nonce);
    let keys = key_set(&[rsa().jwk(json!({"kid": "k1"}))]);
    let policy = Policy::new(&[SigningAlg::RS256]);
    verify_refreshed(&raw(more), &keys, &policy, &expectations, &original).map(|_| ())
}

const ORIGINAL: OriginalIdToken<'static> = OriginalIdToken {
    subject: "00u1",
    audiences: &[],
    authorized_party: None,
    issued_at: 0,
    auth_time: Some(NOW - 600),
};

#[test]
fn oidcc_client_test_refresh_token() {
    assert_eq!(check(json!({"nonce": null}), ORIGINAL), Ok(()));
    assert_eq!(check(json!({"auth_time": NOW - 600}), ORIGINAL), Ok(()));
    assert_eq!(
        check(json!({"nonce": "n-2"}), ORIGINAL),
        Err(IdTokenError::NonceMismatch)
    );
    assert_eq!(
        check(json!({"auth_time": NOW}), ORIGINAL),
        Err(IdTokenError::AuthTimeChanged)
    );
}

#[test]
fn oidcc_client_test_refresh_token_invalid_issuer() {
    assert_eq!(
        check(json!({"iss": "https://evil.example"}), ORIGINAL),
        Err(IdTokenError::IssuerMismatch)
    );
}

#[test]
fn oidcc_client_test_refresh_token_invalid_sub() {
    assert_eq!(
        check(json!({"sub": "00u2"}), ORIGINAL),
        Err(IdTokenError::SubjectChanged)
    );
}
