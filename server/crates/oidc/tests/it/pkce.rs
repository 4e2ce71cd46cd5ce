//! Proof Key for Code Exchange.

use cloakroom_oidc::CodeVerifier;
use cloakroom_oidc::pkce::challenge;

#[test]
fn rfc_7636_appendix_b() {
    let octets = [
        116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37,
        77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
    ];
    let verifier = CodeVerifier::from_bytes(&octets);
    assert_eq!(
        verifier.expose(),
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    assert_eq!(
        challenge(&verifier),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
}

#[test]
fn a_verifier_has_43_unreserved_characters() {
    for bytes in [[0; 32], [255; 32], [62; 32]] {
        let verifier = CodeVerifier::from_bytes(&bytes);
        assert_eq!(verifier.expose().len(), 43);
        assert!(
            verifier
                .expose()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
    }
}
