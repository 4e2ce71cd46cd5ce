//! Settings by which the program could not prove itself stop the start: exit code 78 (`EX_CONFIG`), what to do in words,
//! and nothing of a secret (RFC 7518 section 3.2, RFC 7517, OpenID Connect Core section 9).

use std::net::TcpListener;

use cloakroom_testkit::leaks;
use serde_json::json;

use crate::client_auth::{
    ALG, ED25519_JWK, KEY_FILE, LONG_SECRET, METHOD, P256_JWK, RSA_PKCS8, named,
};
use crate::program::{Ended, Program, Variables};

/// Starts with these settings, which must not do.
async fn refused(settings: &[(&str, &str)], file: Option<&str>) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut variables: Variables = vec![
        (
            "CLOAKROOM_ISSUER".to_owned(),
            "http://127.0.0.1:9/op".to_owned(),
        ),
        ("CLOAKROOM_CLIENT_ID".to_owned(), "me".to_owned()),
        ("CLOAKROOM_STORE".to_owned(), "memory:".to_owned()),
        // Where it starts after all, it ends at once, with another code.
        (
            "CLOAKROOM_LISTEN".to_owned(),
            taken.local_addr().unwrap().to_string(),
        ),
    ];
    variables.extend(
        settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    if let Some(content) = file {
        let path = folder.path().join("key");
        std::fs::write(&path, content).unwrap();
        variables.push((KEY_FILE.to_owned(), path.display().to_string()));
    }
    Program::spawn(&variables, &[]).ended().await
}

fn assert_says(ended: &Ended, name: &str, words: &str, secrets: &[&str]) {
    assert_eq!(
        ended.status.code(),
        Some(78),
        "{name}, {words}: {}",
        ended.complaints
    );
    assert_eq!(ended.log, "");
    let about: Vec<&str> = ended
        .complaints
        .lines()
        .filter(|line| line.trim_start_matches([' ', '-']).starts_with(name))
        .collect();
    assert!(
        about.iter().any(|line| line.contains(words)),
        "{name} should say {words:?}: {}",
        ended.complaints
    );
    let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    assert_eq!(leaks(ended.complaints.as_bytes(), &secrets), [""; 0]);
}

#[tokio::test]
async fn a_secret_that_cannot_do_what_it_is_for_stops_the_start() {
    const SECRET: &str = "CLOAKROOM_CLIENT_SECRET";
    let short = "only-thirty-one-bytes-of-secret";
    let middle = "forty-seven-bytes-of-a-secret-are-not-enough-xx";
    for (alg, secret, words) in [
        ("", short, "at least 32"),
        ("HS256", short, "at least 32"),
        ("HS384", middle, "at least 48"),
        ("HS512", middle, "at least 64"),
    ] {
        let settings = [(METHOD, "client_secret_jwt"), (SECRET, secret), (ALG, alg)];
        let ended = refused(&settings, None).await;
        assert_says(&ended, SECRET, words, &[secret]);
    }
    let settings = [("CLOAKROOM_ID_TOKEN_ALG", "HS256"), (SECRET, short)];
    assert_says(
        &refused(&settings, None).await,
        "CLOAKROOM_ID_TOKEN_ALG",
        "32 bytes",
        &[short],
    );
}

#[tokio::test]
async fn settings_that_contradict_each_other_stop_the_start() {
    const SECRET: (&str, &str) = ("CLOAKROOM_CLIENT_SECRET", LONG_SECRET);
    for (settings, file, name, words) in [
        (
            &[SECRET][..],
            Some(ED25519_JWK),
            METHOD,
            "nothing says which",
        ),
        (
            &[SECRET, (METHOD, "none")],
            None,
            METHOD,
            "take one of the two away",
        ),
        (
            &[(METHOD, "none")],
            Some(ED25519_JWK),
            METHOD,
            "take one of the two away",
        ),
        (
            &[SECRET, (METHOD, "private_key_jwt")],
            None,
            METHOD,
            KEY_FILE,
        ),
        (
            &[(METHOD, "client_secret_jwt")],
            Some(ED25519_JWK),
            METHOD,
            "CLOAKROOM_CLIENT_SECRET",
        ),
        (
            &[(METHOD, "client_secret_basic")],
            None,
            METHOD,
            "CLOAKROOM_CLIENT_SECRET",
        ),
        (
            &[SECRET, (METHOD, "tls_client_auth")],
            None,
            METHOD,
            "private_key_jwt or none",
        ),
        (&[SECRET, (ALG, "HS256")], None, ALG, "is for assertions"),
        (
            &[SECRET, (METHOD, "client_secret_jwt"), (ALG, "RS256")],
            None,
            "CLOAKROOM_CLIENT_SECRET",
            "HS256, HS384 or HS512",
        ),
        (
            &[SECRET, (METHOD, "client_secret_jwt"), (ALG, "none")],
            None,
            ALG,
            "HS256, HS384 or HS512",
        ),
        (
            &[SECRET, ("CLOAKROOM_CLIENT_KEY_ID", "k")],
            None,
            "CLOAKROOM_CLIENT_KEY_ID",
            KEY_FILE,
        ),
        (
            &[("CLOAKROOM_ASSERTION_AUDIENCE", "everybody")],
            Some(ED25519_JWK),
            "CLOAKROOM_ASSERTION_AUDIENCE",
            "endpoint, issuer or token_endpoint",
        ),
        (
            &[("CLOAKROOM_CLIENT_KEY", ED25519_JWK)],
            Some(ED25519_JWK),
            KEY_FILE,
            "keep one",
        ),
    ] {
        let ended = refused(settings, file).await;
        let secrets = [LONG_SECRET, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"];
        assert_says(&ended, name, words, &secrets);
    }
}

#[tokio::test]
async fn a_key_file_that_is_not_this_clients_private_key_stops_the_start() {
    macro_rules! file {
        ($name:literal) => {
            include_str!(concat!("../../crates/oidc/tests/keys/", $name))
        };
    }
    let twice =
        json!({ "keys": [named(ED25519_JWK, "same"), named(P256_JWK, "same")] }).to_string();
    let mut encrypts = named(ED25519_JWK, "k");
    encrypts["use"] = json!("enc");
    let mut public = named(ED25519_JWK, "k");
    public.as_object_mut().unwrap().remove("d");
    let mut other = named(ED25519_JWK, "k");
    other["x"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let symmetric = r#"{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}"#;
    for (content, words) in [
        (file!("rsa-pkcs8-encrypted.pem"), "encrypted"),
        (file!("rsa-pkcs1-encrypted.pem"), "encrypted"),
        (file!("certificate.pem"), "certificate"),
        (file!("rsa-public.pem"), "public key"),
        (file!("unsupported-rsa-1024.pem"), "2048"),
        (file!("unsupported-p521.pem"), "P-256, P-384 or Ed25519"),
        (
            file!("unsupported-secp256k1.pem"),
            "P-256, P-384 or Ed25519",
        ),
        (
            file!("unsupported-explicit-curve.pem"),
            "P-256, P-384 or Ed25519",
        ),
        (file!("unsupported-ed448.pem"), "Ed25519"),
        (file!("unsupported-x25519.pem"), "Ed25519"),
        (file!("unsupported-dsa.pem"), "make an RSA"),
        (file!("unsupported-rsa-pss.pem"), "make an RSA"),
        (symmetric, "symmetric"),
        (&*twice, "the kid same"),
        (&*encrypts.to_string(), "not for signing"),
        (&*public.to_string(), "public key"),
        (&*other.to_string(), "do not belong together"),
        (&ED25519_JWK[..60], "cannot be read"),
        (&RSA_PKCS8[..400], "broken PEM"),
        ("rubbish that nobody made a key of", "no private key"),
        ("{\"keys\":[]}", "no private key"),
        ("\n", "is empty"),
    ] {
        let ended = refused(&[], Some(content)).await;
        let secrets = [
            "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0",
        ];
        assert_says(&ended, KEY_FILE, words, &secrets);
        for line in content
            .lines()
            .filter(|line| line.len() >= 24 && !line.starts_with("---"))
        {
            assert!(!ended.complaints.contains(line), "{}", ended.complaints);
        }
    }
    let ended = refused(&[(KEY_FILE, "/nowhere/key.pem")], None).await;
    assert_says(&ended, KEY_FILE, "cannot be read", &[]);
    for (file, setting, words) in [
        (ED25519_JWK, (ALG, "ES256"), "cannot sign with ES256"),
        (RSA_PKCS8, (ALG, "HS256"), "cannot sign with HS256"),
        (
            &*named(ED25519_JWK, "own").to_string(),
            ("CLOAKROOM_CLIENT_KEY_ID", "other"),
            "the kid own",
        ),
    ] {
        assert_says(&refused(&[setting], Some(file)).await, KEY_FILE, words, &[]);
    }
}
