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
    issued_at: NOW - 600,
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

#[test]
fn the_audience_stays_what_it_was() {
    let (us, two) = (
        [CLIENT_ID.to_owned()],
        ["project-1".to_owned(), CLIENT_ID.to_owned()],
    );
    let with = |more: Value, audiences: &[String], authorized_party: Option<&str>| {
        let trusted = ["project-1".to_owned()];
        let mut expectations = IdTokenExpectations::new(ISSUER, CLIENT_ID, NOW);
        expectations.nonce = Some(&NONCE);
        expectations.trusted_audiences = &trusted;
        let keys = key_set(&[rsa().jwk(json!({"kid": "k1"}))]);
        let policy = Policy::new(&[SigningAlg::RS256]);
        let original = OriginalIdToken {
            audiences,
            authorized_party,
            ..ORIGINAL
        };
        verify_refreshed(&raw(more), &keys, &policy, &expectations, &original).map(|_| ())
    };
    let both = json!({"aud": [CLIENT_ID, "project-1"], "azp": CLIENT_ID});
    assert_eq!(with(json!({}), &us, None), Ok(()));
    assert_eq!(
        with(both.clone(), &two, Some(CLIENT_ID)),
        Ok(()),
        "in any order"
    );
    for (more, audiences, authorized_party) in [
        (both, &us[..], Some(CLIENT_ID)),
        (json!({"azp": CLIENT_ID}), &two[..], Some(CLIENT_ID)),
        // If no azp was in the original, one must not be in the new one, and the other way round.
        (json!({"azp": CLIENT_ID}), &us[..], None),
        (json!({}), &us[..], Some(CLIENT_ID)),
    ] {
        assert_eq!(
            with(more.clone(), audiences, authorized_party),
            Err(IdTokenError::AudienceChanged),
            "{more}"
        );
    }
    assert_eq!(
        with(json!({"aud": "another"}), &us, None),
        Err(IdTokenError::AudienceMismatch)
    );
}

#[test]
fn it_is_not_older_than_the_first() {
    assert_eq!(
        check(json!({"iat": NOW - 660}), ORIGINAL),
        Ok(()),
        "within the leeway"
    );
    assert_eq!(
        check(json!({"iat": NOW - 661}), ORIGINAL),
        Err(IdTokenError::OlderThanOriginal)
    );
}

#[test]
fn the_claims_of_a_sign_in_are_the_original_of_its_refreshes() {
    let first = super::check(json!({"auth_time": NOW - 60, "azp": CLIENT_ID})).unwrap();
    let original = OriginalIdToken::from(&first);
    let again = json!({"auth_time": NOW - 60, "azp": CLIENT_ID, "iat": NOW, "nonce": null});
    assert_eq!(check(again, original), Ok(()));
    assert_eq!(
        check(json!({"auth_time": NOW - 60}), original),
        Err(IdTokenError::AudienceChanged)
    );
}
