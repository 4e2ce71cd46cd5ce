//! Algorithms and what is chosen when nothing is configured.

use cloakroom_oidc::SigningAlg;

fn default_for(supported: &[&str]) -> Vec<SigningAlg> {
    let supported: Vec<String> = supported.iter().map(|name| (*name).to_owned()).collect();
    SigningAlg::default_for(&supported)
}

#[test]
fn names_are_the_registered_ones_to_the_letter() {
    for alg in SigningAlg::ALL {
        assert_eq!(SigningAlg::parse(alg.as_str()), Some(alg));
        assert_eq!(alg.to_string(), alg.as_str());
    }
    assert_eq!(SigningAlg::parse("Ed25519"), Some(SigningAlg::EdDSA));
    for name in ["none", "rs256", "RS256 ", "", "ES521", "ES256K", "HS1"] {
        assert_eq!(SigningAlg::parse(name), None, "{name}");
    }
}

#[test]
fn rs256_where_listed_else_the_asymmetric_ones() {
    use SigningAlg::{ES256, EdDSA, PS256, RS256};
    assert_eq!(default_for(&["ES256", "RS256", "HS256"]), [RS256]);
    assert_eq!(
        default_for(&["PS256", "ES256", "EdDSA", "Ed25519", "none", "HS256", "XX"]),
        [PS256, ES256, EdDSA]
    );
    assert_eq!(default_for(&["HS256", "none"]), []);
}
