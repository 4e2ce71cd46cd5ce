//! Client assertions: every algorithm is accepted at every endpoint, and what Okta refuses is refused in its words.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding,
};
use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cloakroom_testkit::provider::{AssertionAudience, Builder};
use cloakroom_testkit::{Browser, Provider, Response, leaks};
use serde_json::{Value, json};

use crate::relying_party::*;

const CLIENT: &str = "signer";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A client's key: signs, and shows its public half.
enum Key {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Secret(&'static str),
}

impl Key {
    fn generate(alg: &str) -> Self {
        let ec = |by| Self::Ec(EcdsaKeyPair::generate(by).unwrap());
        match alg {
            "ES256" => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            "ES512" => ec(&ECDSA_P521_SHA512_FIXED_SIGNING),
            "EdDSA" | "Ed25519" => Self::Ed(Ed25519KeyPair::generate().unwrap()),
            "HS256" | "HS384" | "HS512" => Self::Secret(Provider::CLIENT_SECRET),
            _ => Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a test has randomness of its own"
    )]
    fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match alg {
                    "RS256" => &signature::RSA_PKCS1_SHA256,
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    _ => &signature::RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Secret(secret) => {
                let hash = match alg {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                let key = hmac::Key::new(hash, secret.as_bytes());
                hmac::sign(&key, message).as_ref().to_vec()
            }
        }
    }

    fn jwks(&self) -> Value {
        let mut jwk = match self {
            Self::Rsa(pair) => {
                // RSAPublicKey of 2,048 bits (RFC 8017, appendix A.1.1): the modulus comes after nine bytes.
                let modulus = &pair.public_key().as_ref()[9..265];
                json!({"kty": "RSA", "n": base64url(modulus), "e": "AQAB"})
            }
            Self::Ec(pair) => {
                let (x, y) =
                    pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
                let curve = match x.len() {
                    32 => "P-256",
                    48 => "P-384",
                    _ => "P-521",
                };
                json!({"kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y)})
            }
            Self::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key().as_ref())})
            }
            Self::Secret(_) => return json!({"keys": []}),
        };
        jwk["kid"] = json!("one");
        jwk["use"] = json!("sig");
        json!({ "keys": [jwk] })
    }

    fn assertion(&self, alg: &str, claims: &Value) -> String {
        self.assertion_with(json!({"alg": alg, "kid": "one"}), claims)
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is made for the call")]
    fn assertion_with(&self, header: Value, claims: &Value) -> String {
        let input = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(claims.to_string().as_bytes())
        );
        let alg = header["alg"].as_str().unwrap_or_default();
        format!("{input}.{}", base64url(&self.sign(alg, input.as_bytes())))
    }
}

/// Right claims for an endpoint of this provider.
fn claims(provider: &Provider, client: &str, audience: &str, jti: &str) -> Value {
    let now = provider.now();
    json!({"iss": client, "sub": client, "aud": audience, "iat": now, "exp": now + 60, "jti": jti})
}

async fn send(browser: &Browser, path: &str, assertion: &str, more: &[(&str, &str)]) -> Response {
    let fields = [
        &[
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion),
        ],
        more,
    ]
    .concat();
    browser.post_form(path, &fields).bare().await
}

/// The signing client's provider and browser.
async fn signing(key: &Key, change: impl FnOnce(Builder) -> Builder) -> (Provider, Browser) {
    let builder = Provider::builder()
        .private_key_client(CLIENT, "", "")
        .client_jwks(key.jwks());
    started(change(builder)).await
}

#[tokio::test]
async fn every_algorithm_signs_a_client_in_at_the_token_endpoint() {
    for alg in [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
        "Ed25519", "HS256", "HS384", "HS512",
    ] {
        let key = Key::generate(alg);
        let is_secret = alg.starts_with("HS");
        let (provider, browser) = if is_secret {
            started(Provider::builder().client_auth_method("client_secret_jwt")).await
        } else {
            signing(&key, |builder| builder.client_assertion_alg(alg)).await
        };
        let client = provider.client_id();
        let request = authorization_request_with("client_id", &client);
        let code = authorize(&browser, &request)
            .await
            .location_param("code")
            .unwrap();
        let audience = format!("{}/v1/token", provider.issuer());
        let assertion = key.assertion(alg, &claims(&provider, &client, &audience, "j-1"));
        let answer = send(&browser, "v1/token", &assertion, &exchange_fields(&code)).await;
        assert_eq!(answer.status(), 200, "{alg}: {}", answer.text());
        provider.assert_clean();
        let received = provider.received().assertions.remove(0);
        assert_eq!(
            (received.endpoint.as_str(), &received.header["alg"]),
            ("/v1/token", &json!(alg))
        );
        assert_eq!(received.claims["jti"], "j-1");
        assert!(!leaks(received.raw.as_bytes(), &provider.secrets()).is_empty());
    }
}

#[tokio::test]
async fn every_endpoint_wants_itself_as_the_audience_and_a_jti_of_its_own() {
    let key = Key::generate("ES256");
    let (provider, browser) = signing(&key, |builder| builder).await;
    let endpoints = ["v1/token", "v1/revoke", "v1/introspect", "v1/par"];
    for (index, path) in endpoints.iter().enumerate() {
        let audience = format!("{}/{path}", provider.issuer());
        let good = key.assertion(
            "ES256",
            &claims(&provider, CLIENT, &audience, &format!("j{index}")),
        );
        let answer = send(&browser, path, &good, &[("token", "x")]).await;
        assert_ne!(answer.status(), 401, "{path}: {}", answer.text());
        let other = endpoints[(index + 1) % 4];
        let astray = send(&browser, other, &good, &[("token", "x")]).await;
        assert_eq!(
            astray.json()["error_description"],
            "The audience claim for client_assertion must be the endpoint invoked for the request."
        );
        let again = send(&browser, path, &good, &[("token", "x")]).await;
        assert_eq!(
            (again.status(), &again.json()["error_description"]),
            (
                401,
                &json!("The client_assertion token has already been used.")
            )
        );
    }
    // Over endpoints too: the audience is another, the jti is not.
    let audience = format!("{}/v1/revoke", provider.issuer());
    let reused = key.assertion("ES256", &claims(&provider, CLIENT, &audience, "j0"));
    let answer = send(&browser, "v1/revoke", &reused, &[("token", "x")]).await;
    assert_eq!(
        answer.json()["error_description"],
        "The client_assertion token has already been used."
    );
}

#[tokio::test]
async fn the_audience_is_the_builders_choice() {
    let key = Key::generate("ES256");
    for (audience, right, wrong) in [
        (AssertionAudience::Issuer, "", "/v1/revoke"),
        (AssertionAudience::TokenEndpoint, "/v1/token", ""),
        (AssertionAudience::Any, "/v1/token", "/v1/authorize"),
    ] {
        let (provider, browser) =
            signing(&key, |builder| builder.assertion_audience(audience)).await;
        for (jti, end, status) in [("right", right, 200), ("wrong", wrong, 401)] {
            let named = format!("{}{end}", provider.issuer());
            let assertion = key.assertion("ES256", &claims(&provider, CLIENT, &named, jti));
            let answer = send(&browser, "v1/revoke", &assertion, &[("token", "x")]).await;
            assert_eq!(answer.status(), status, "{audience:?} {end}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_assertion_is_refused_in_oktas_words() {
    let key = Key::generate("ES256");
    let (provider, browser) = signing(&key, |builder| builder).await;
    let audience = format!("{}/v1/revoke", provider.issuer());
    let now = provider.now();
    for (index, (name, value, description)) in [
        (
            "exp",
            json!(now - 1),
            "The client_assertion token is expired.",
        ),
        (
            "exp",
            json!(now + 3_700),
            "The client_assertion token has an expiration too far into the future.",
        ),
        ("exp", Value::Null, "no exp"),
        ("iat", json!(now + 60), "issued in the future"),
        ("nbf", json!(now + 60), "not good yet"),
        ("jti", Value::Null, "no jti"),
        ("iss", json!("somebody-else"), "client_id"),
        ("sub", json!("somebody-else"), "client_id"),
        (
            "aud",
            json!([&audience, "https://another.example"]),
            "audience",
        ),
        ("aud", json!([]), "audience"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut wrong = claims(&provider, CLIENT, &audience, &format!("w{index}"));
        wrong[name] = value;
        if wrong[name].is_null() {
            wrong.as_object_mut().unwrap().remove(name);
        }
        let assertion = key.assertion("ES256", &wrong);
        let answer = send(&browser, "v1/revoke", &assertion, &[("token", "x")])
            .await
            .json();
        assert_eq!(answer["error"], "invalid_client");
        let text = answer["error_description"].as_str().unwrap();
        assert!(text.contains(description), "{name}: {text}");
    }
    let good = |jti: &str| claims(&provider, CLIENT, &audience, jti);
    for (header, description) in [
        (json!({"alg": "ES256"}), "no kid"),
        (json!({"alg": "ES256", "kid": "two"}), "exactly one key"),
        (json!({"alg": "ES384", "kid": "one"}), "signature"),
        (json!({"alg": "none", "kid": "one"}), "alg"),
        (
            json!({"alg": "ES256", "kid": "one", "typ": "at+jwt"}),
            "typ",
        ),
        (
            json!({"alg": "ES256", "kid": "one", "crit": ["x"], "x": 1}),
            "critical",
        ),
    ] {
        let assertion = key.assertion_with(header.clone(), &good(&header.to_string()));
        let answer = send(&browser, "v1/revoke", &assertion, &[("token", "x")])
            .await
            .json();
        let text = answer["error_description"].as_str().unwrap();
        assert!(text.contains(description), "{header}: {text}");
    }
    let stranger = Key::generate("ES256").assertion("ES256", &good("stranger"));
    let answer = send(&browser, "v1/revoke", &stranger, &[("token", "x")])
        .await
        .json();
    assert_eq!(
        answer["error_description"],
        "The client_assertion signature is invalid."
    );
    assert_eq!(provider.protocol_errors().len(), 17);
}

#[tokio::test]
async fn there_is_one_method_in_a_request_and_it_is_the_registered_one() {
    let key = Key::generate("ES256");
    let (provider, browser) = signing(&key, |builder| {
        builder
            .client("basic", "s3cret-of-the-basic-client", "", "")
            .client_auth_method("client_secret_basic")
    })
    .await;
    let audience = format!("{}/v1/revoke", provider.issuer());
    let fresh = |jti: &str| key.assertion("ES256", &claims(&provider, CLIENT, &audience, jti));
    let two = send(
        &browser,
        "v1/revoke",
        &fresh("a"),
        &[("client_secret", "x")],
    )
    .await
    .json();
    assert!(
        two["error_description"]
            .as_str()
            .unwrap()
            .starts_with("Cannot supply multiple client credentials.")
    );
    let other_type = [
        ("client_assertion", fresh("b")),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:saml2-bearer".to_owned(),
        ),
    ];
    let fields = other_type
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let refused = browser.post_form("v1/revoke", &fields).bare().await.json();
    assert!(
        refused["error_description"]
            .as_str()
            .unwrap()
            .contains("client_assertion_type")
    );
    let another = send(
        &browser,
        "v1/revoke",
        &fresh("c"),
        &[("client_id", "basic")],
    )
    .await;
    assert_eq!(another.status(), 401);
    // No secret and no assertion is not enough for a client that has keys.
    let bare = browser
        .post_form("v1/revoke", &[("client_id", CLIENT), ("token", "x")])
        .bare()
        .await;
    assert_eq!(bare.status(), 401);
    let posted = [
        ("client_id", "basic"),
        ("client_secret", "s3cret-of-the-basic-client"),
        ("token", "x"),
    ];
    let posted = browser.post_form("v1/revoke", &posted).bare().await.json();
    assert!(
        posted["error_description"]
            .as_str()
            .unwrap()
            .contains("registered")
    );
}

#[tokio::test]
async fn a_secret_of_fewer_than_32_characters_is_too_short_for_an_hmac() {
    let (provider, browser) =
        started(Provider::builder().client("short", "thirty-one-characters-are-short", "", ""))
            .await;
    let key = Key::Secret("thirty-one-characters-are-short");
    let audience = format!("{}/v1/token", provider.issuer());
    let assertion = key.assertion("HS256", &claims(&provider, "short", &audience, "one"));
    let answer = send(&browser, "v1/token", &assertion, &[]).await.json();
    assert_eq!(
        answer["error_description"],
        "The client secret is too short to verify a JWT HMAC."
    );
}

#[tokio::test]
async fn a_clients_keys_are_fetched_from_its_jwks_uri_at_each_assertion() {
    let (first, second) = (Key::generate("ES256"), Key::generate("ES256"));
    let shown = std::sync::Arc::new(std::sync::Mutex::new(first.jwks()));
    let app = {
        let shown = shown.clone();
        Router::new().route(
            "/auth/jwks.json",
            get(move || async move { shown.lock().unwrap().to_string() }),
        )
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });

    let (provider, browser) = started(Provider::builder().private_key_client(CLIENT, "", "")).await;
    provider.set_client_jwks_uri(format!("http://localhost:{port}/auth/jwks.json"));
    let audience = format!("{}/v1/revoke", provider.issuer());
    let with =
        |key: &Key, jti: &str| key.assertion("ES256", &claims(&provider, CLIENT, &audience, jti));
    let token = [("token", "x")];
    assert_eq!(
        send(&browser, "v1/revoke", &with(&first, "1"), &token)
            .await
            .status(),
        200
    );
    assert_eq!(
        send(&browser, "v1/revoke", &with(&second, "2"), &token)
            .await
            .status(),
        401
    );
    *shown.lock().unwrap() = second.jwks();
    assert_eq!(
        send(&browser, "v1/revoke", &with(&second, "3"), &token)
            .await
            .status(),
        200
    );
    assert_eq!(provider.counts().client_keys, 3);

    let mut private = second.jwks();
    private["keys"][0]["d"] = json!("AA");
    *shown.lock().unwrap() = private;
    let answer = send(&browser, "v1/revoke", &with(&second, "4"), &token)
        .await
        .json();
    assert!(
        answer["error_description"]
            .as_str()
            .unwrap()
            .contains("private key")
    );
    provider.set_client_jwks_uri("https://keys.example/jwks.json");
    let answer = send(&browser, "v1/revoke", &with(&second, "5"), &token).await;
    assert_eq!(answer.status(), 401, "other hosts are not asked");
}
