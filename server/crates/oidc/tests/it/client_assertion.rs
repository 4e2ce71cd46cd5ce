//! Client assertions: what they say, whom they are for, and that anybody with the published key can verify them.

use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use cloakroom_oidc::jwt::{self, Policy};
use cloakroom_oidc::revocation::{self, RevocableToken};
use cloakroom_oidc::token_request::{authorization_code, refresh_token};
use cloakroom_oidc::{
    AssertionAudience, AuthorizationCode, ClientAuth, ClientKeyOptions, ClientKeys, ClientSecret,
    CodeVerifier, Freshness, KeySet, ProviderMetadata, RefreshToken, RelyingParty, SecretJwt,
    SecretJwtError, SigningAlg,
};
use http::Request;
use serde_json::{Value, json};
use url::Url;

use crate::support::{CLIENT_ID, ISSUER, NOW, client, form, fresh, metadata, metadata_with};

const RSA: &str = include_str!("../keys/rfc7515-a2.jwk.json");
const P256: &str = include_str!("../keys/rfc7515-a3.jwk.json");
const P384: &str = include_str!("../keys/p384-pkcs8.pem");
const ED25519_KEY: &str = include_str!("../keys/rfc8037-a1.jwk.json");

fn keys(file: &str, alg: &str) -> Arc<ClientKeys> {
    let options = ClientKeyOptions {
        kid: Some("key-1"),
        alg: Some(alg),
    };
    Arc::new(ClientKeys::parse(file.as_bytes(), &options).unwrap())
}

fn private_key_jwt() -> RelyingParty {
    client(ClientAuth::PrivateKeyJwt(keys(P256, "ES256")))
}

fn secret(length: usize) -> ClientSecret {
    ClientSecret::new("s".repeat(length))
}

fn request(client: &RelyingParty, fresh: Freshness) -> Request<Bytes> {
    refresh_token(
        &metadata(),
        client,
        &RefreshToken::new("r"),
        None,
        None,
        fresh,
    )
    .unwrap()
}

fn parameter(request: &Request<Bytes>, name: &str) -> Option<String> {
    let mut values = form(request)
        .into_iter()
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value);
    let value = values.next();
    assert_eq!(values.next(), None, "{name} is there once");
    value
}

fn assertion(request: &Request<Bytes>) -> String {
    assert_eq!(
        parameter(request, "client_assertion_type").as_deref(),
        Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    );
    parameter(request, "client_assertion").unwrap()
}

/// Header, claims, message and signature.
fn read(assertion: &str) -> (Value, Value, &str, Vec<u8>) {
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    (json(header), json(claims), message, signature)
}

fn claims(request: &Request<Bytes>) -> Value {
    read(&assertion(request)).1
}

#[test]
fn it_says_who_is_asking_whom_and_for_how_long() {
    let request = request(&private_key_jwt(), Freshness::new(NOW, [0xAB; 16]));
    let assertion = assertion(&request);
    let (header, claims, ..) = read(&assertion);
    assert_eq!(header, json!({"alg": "ES256", "kid": "key-1"}));
    assert_eq!(
        claims,
        json!({
            "iss": CLIENT_ID,
            "sub": CLIENT_ID,
            "aud": format!("{ISSUER}/v1/token"),
            "jti": URL_SAFE_NO_PAD.encode([0xAB; 16]),
            "iat": NOW,
            "exp": NOW + 60,
        })
    );
}

#[test]
fn it_comes_with_the_client_id_and_no_other_credential() {
    let secret_jwt = SecretJwt::new(secret(32), None).unwrap();
    for client in [private_key_jwt(), client(ClientAuth::SecretJwt(secret_jwt))] {
        let request = request(&client, fresh());
        assert!(!request.headers().contains_key("authorization"));
        assert_eq!(parameter(&request, "client_id").as_deref(), Some(CLIENT_ID));
        assert_eq!(parameter(&request, "client_secret"), None);
        assert!(
            !form(&request)
                .iter()
                .any(|(_, value)| value.contains("sss"))
        );
        assertion(&request);
    }
}

mod signature {
    use super::*;

    fn verify(alg: &'static dyn VerificationAlgorithm, jwk: &Value, message: &str, made: &[u8]) {
        let octets = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let key = match jwk["kty"].as_str().unwrap() {
            "EC" => [&[4][..], &octets("x"), &octets("y")].concat(),
            "OKP" => octets("x"),
            kty => panic!("{kty}"),
        };
        UnparsedPublicKey::new(alg, key)
            .verify(message.as_bytes(), made)
            .unwrap();
    }

    #[test]
    fn every_algorithm_is_verified_with_the_published_key() {
        for alg in [
            "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
            "Ed25519",
        ] {
            let file = match alg {
                "ES256" => P256,
                "ES384" => P384,
                "EdDSA" | "Ed25519" => ED25519_KEY,
                _ => RSA,
            };
            let keys = keys(file, alg);
            let request = request(&client(ClientAuth::PrivateKeyJwt(keys.clone())), fresh());
            let assertion = assertion(&request);
            let (header, _, message, made) = read(&assertion);
            assert_eq!(header["alg"], alg);
            let set: Value = serde_json::from_str(&keys.public_key_set()).unwrap();
            let jwk = &set["keys"][0];
            assert_eq!(jwk["alg"], alg);
            let rsa = match alg {
                "RS256" => Some(&RSA_PKCS1_2048_8192_SHA256),
                "RS384" => Some(&RSA_PKCS1_2048_8192_SHA384),
                "RS512" => Some(&RSA_PKCS1_2048_8192_SHA512),
                "PS256" => Some(&RSA_PSS_2048_8192_SHA256),
                "PS384" => Some(&RSA_PSS_2048_8192_SHA384),
                "PS512" => Some(&RSA_PSS_2048_8192_SHA512),
                _ => None,
            };
            match (rsa, alg) {
                (Some(parameters), _) => {
                    let octets =
                        |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
                    RsaPublicKeyComponents {
                        n: octets("n"),
                        e: octets("e"),
                    }
                    .verify(parameters, message.as_bytes(), &made)
                    .unwrap();
                }
                (None, "ES256") => verify(&ECDSA_P256_SHA256_FIXED, jwk, message, &made),
                (None, "ES384") => verify(&ECDSA_P384_SHA384_FIXED, jwk, message, &made),
                (None, _) => verify(&ED25519, jwk, message, &made),
            }
            // And by this crate's own reader, which finds the key by its kid.
            let published = KeySet::parse(keys.public_key_set().as_bytes()).unwrap();
            let algorithms = [SigningAlg::parse(alg).unwrap()];
            jwt::verify_compact(&assertion, &published, &Policy::new(&algorithms)).unwrap();
        }
    }

    #[test]
    fn secrets_are_the_keys_of_their_hmac() {
        for (alg, algorithm, length) in [
            (SigningAlg::HS256, hmac::HMAC_SHA256, 32),
            (SigningAlg::HS384, hmac::HMAC_SHA384, 48),
            (SigningAlg::HS512, hmac::HMAC_SHA512, 64),
        ] {
            let jwt = SecretJwt::new(secret(length), Some(alg)).unwrap();
            let request = request(&client(ClientAuth::SecretJwt(jwt)), fresh());
            let assertion = assertion(&request);
            let (header, _, message, made) = read(&assertion);
            assert_eq!(header, json!({"alg": alg.as_str()}));
            let key = hmac::Key::new(algorithm, secret(length).expose().as_bytes());
            hmac::verify(&key, message.as_bytes(), &made).unwrap();
        }
    }
}

mod freshness {
    use super::*;

    #[test]
    fn no_two_assertions_have_the_same_jti() {
        let client = private_key_jwt();
        let jti = |random: u8| {
            let request = request(&client, Freshness::new(NOW, [random; 16]));
            claims(&request)["jti"].as_str().unwrap().to_owned()
        };
        assert_ne!(jti(1), jti(2));
        assert_eq!(jti(1).len(), 22);
    }

    #[test]
    fn requests_without_an_assertion_do_not_depend_on_it() {
        for auth in [
            ClientAuth::SecretBasic(secret(8)),
            ClientAuth::SecretPost(secret(8)),
            ClientAuth::None,
        ] {
            let client = client(auth);
            let one = request(&client, Freshness::new(1, [1; 16]));
            let two = request(&client, Freshness::new(2, [2; 16]));
            assert_eq!(one.body(), two.body());
            assert_eq!(one.headers(), two.headers());
            assert_eq!(parameter(&one, "client_assertion"), None);
        }
    }

    #[test]
    fn a_clock_at_the_end_of_time_does_not_overflow() {
        let request = request(&private_key_jwt(), Freshness::new(u64::MAX, [7; 16]));
        assert_eq!(claims(&request)["exp"], u64::MAX);
    }

    #[test]
    fn its_random_bits_are_not_shown() {
        assert_eq!(
            format!("{:?}", Freshness::new(5, [7; 16])),
            "Freshness { now: 5, .. }"
        );
    }
}

mod audience {
    use super::*;

    fn audiences(audience: AssertionAudience, metadata: &ProviderMetadata) -> [Value; 4] {
        let client = RelyingParty {
            assertion_audience: audience,
            ..private_key_jwt()
        };
        let code = authorization_code(
            metadata,
            &client,
            &AuthorizationCode::new("c"),
            &CodeVerifier::new("v"),
            fresh(),
        );
        let token = RefreshToken::new("r");
        let refresh = refresh_token(metadata, &client, &token, None, None, fresh());
        let revoke =
            revocation::request(metadata, &client, RevocableToken::Refresh(&token), fresh());
        let introspection = metadata.introspection_endpoint.as_ref().unwrap();
        let introspect = client.post(metadata, introspection, &[("token", "t")], fresh());
        [
            code.unwrap(),
            refresh.unwrap(),
            revoke.unwrap().unwrap(),
            introspect.unwrap(),
        ]
        .map(|request| claims(&request)["aud"].clone())
    }

    #[test]
    fn it_is_one_plain_string_and_the_endpoint_unless_configured() {
        let endpoint = |name: &str| Value::from(format!("{ISSUER}/v1/{name}"));
        let (token, revoke, introspect) = (
            endpoint("token"),
            endpoint("revoke"),
            endpoint("introspect"),
        );
        assert_eq!(AssertionAudience::default(), AssertionAudience::Endpoint);
        assert_eq!(
            audiences(AssertionAudience::Endpoint, &metadata()),
            [token.clone(), token.clone(), revoke, introspect]
        );
        assert_eq!(
            audiences(AssertionAudience::Issuer, &metadata()),
            [ISSUER, ISSUER, ISSUER, ISSUER].map(Value::from)
        );
        assert_eq!(
            audiences(AssertionAudience::TokenEndpoint, &metadata()),
            [token.clone(), token.clone(), token.clone(), token]
        );
    }

    #[test]
    fn its_names_are_those_of_the_setting() {
        for audience in [
            AssertionAudience::Endpoint,
            AssertionAudience::Issuer,
            AssertionAudience::TokenEndpoint,
        ] {
            assert_eq!(AssertionAudience::parse(audience.as_str()), Some(audience));
        }
        assert_eq!(AssertionAudience::parse("Issuer"), None);
    }
}

mod algorithm {
    use super::*;

    fn listing(names: &[&str]) -> ProviderMetadata {
        metadata_with(json!({"token_endpoint_auth_signing_alg_values_supported": names}))
    }

    #[test]
    fn it_is_one_that_the_provider_lists_where_there_is_a_choice() {
        let rsa = ClientKeys::parse(RSA.as_bytes(), &ClientKeyOptions::default()).unwrap();
        let auth = ClientAuth::PrivateKeyJwt(Arc::new(rsa));
        let chosen = |names: &[&str]| {
            let metadata = listing(names);
            let request = refresh_token(
                &metadata,
                &client(auth.clone()),
                &RefreshToken::new("r"),
                None,
                None,
                fresh(),
            );
            let (header, ..) = read(&assertion(&request.unwrap()));
            let alg = auth.signing_alg(&metadata).unwrap();
            assert_eq!(header["alg"], alg);
            (alg, auth.is_signing_alg_listed(&metadata))
        };
        assert_eq!(chosen(&["ES256", "PS256"]), ("PS256", true));
        assert_eq!(chosen(&["PS256", "RS256"]), ("RS256", true));
        assert_eq!(chosen(&["ES256"]), ("RS256", false));
        assert!(
            auth.is_signing_alg_listed(&metadata()),
            "no list says nothing"
        );
    }

    #[test]
    fn a_secret_signs_with_a_listed_one_that_it_is_long_enough_for() {
        let chosen = |length: usize, names: &[&str]| {
            let auth = ClientAuth::SecretJwt(SecretJwt::new(secret(length), None).unwrap());
            let metadata = listing(names);
            (
                auth.signing_alg(&metadata).unwrap(),
                auth.is_signing_alg_listed(&metadata),
            )
        };
        assert_eq!(chosen(64, &["HS512"]), ("HS512", true));
        assert_eq!(chosen(48, &["HS512", "HS384"]), ("HS384", true));
        assert_eq!(chosen(32, &["HS512"]), ("HS256", false));
        assert_eq!(chosen(64, &["RS256", "HS256", "HS512"]), ("HS256", true));
    }

    #[test]
    fn the_other_methods_have_none() {
        for auth in [
            ClientAuth::SecretBasic(secret(8)),
            ClientAuth::SecretPost(secret(8)),
            ClientAuth::None,
        ] {
            assert_eq!(auth.signing_alg(&listing(&["RS256"])), None);
            assert!(auth.is_signing_alg_listed(&listing(&[])));
        }
    }
}

#[test]
fn a_secret_that_is_shorter_than_the_hash_is_refused() {
    for (alg, least) in [
        (SigningAlg::HS256, 32),
        (SigningAlg::HS384, 48),
        (SigningAlg::HS512, 64),
    ] {
        assert!(SecretJwt::new(secret(least), Some(alg)).is_ok());
        let error = SecretJwt::new(secret(least - 1), Some(alg)).unwrap_err();
        assert_eq!(
            error,
            SecretJwtError::TooShort {
                alg,
                length: least - 1,
                least
            }
        );
        assert!(error.to_string().contains(&least.to_string()));
        assert!(!format!("{error} {error:?}").contains("sss"));
    }
    assert!(SecretJwt::new(secret(31), None).is_err());
    assert_eq!(
        SecretJwt::new(secret(64), Some(SigningAlg::RS256)).unwrap_err(),
        SecretJwtError::NotSymmetric {
            alg: SigningAlg::RS256
        }
    );
}

#[test]
fn nothing_secret_shows_in_debug() {
    let jwt = SecretJwt::new(ClientSecret::new("hush".repeat(8)), None).unwrap();
    let party = client(ClientAuth::SecretJwt(jwt));
    let shown = format!("{party:?} {:?}", private_key_jwt());
    assert!(
        !shown.contains("hush") && shown.contains("key-1"),
        "{shown}"
    );
}

#[test]
fn an_endpoint_outside_the_metadata_is_authenticated_the_same_way() {
    let endpoint = Url::parse("https://id.example.com/other?tenant=1").unwrap();
    let request = private_key_jwt()
        .post(&metadata(), &endpoint, &[("token", "t")], fresh())
        .unwrap();
    assert_eq!(request.uri(), endpoint.as_str());
    assert_eq!(claims(&request)["aud"], endpoint.as_str());
}
