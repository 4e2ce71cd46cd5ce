//! What it costs to check an access token, from the request's headers to the claims: JWTs by RFC 9068 under RS256 and
//! ES256, and an opaque one whose introspection (RFC 7662) is kept.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use cloakroom_oidc::client::{Clock, HttpClient, Provider as Op};
use cloakroom_oidc::{ClientAuth, ClientSecret, Issuer, RelyingParty};
use cloakroom_resource::{ResourceServer, TrustedIssuer};
use cloakroom_testkit::{Alg, Provider};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{Request, Response};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

const NOW: u64 = 1_800_000_000;

/// A server, and a request that it lets in.
struct Check {
    name: &'static str,
    server: ResourceServer,
    request: Parts,
}

impl Check {
    fn new(name: &'static str, issuer: TrustedIssuer, token: &str) -> Self {
        let builder = ResourceServer::builder(["https://api.example.com"], clock()).issuer(issuer);
        let server = builder.build().unwrap();
        let request = Request::get("https://api.example.com/messages?page=2")
            .header("host", "api.example.com")
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64)")
            .header("accept", "application/json")
            .header("accept-encoding", "gzip, br")
            .header("authorization", format!("Bearer {token}"))
            .body(());
        let (request, ()) = request.unwrap().into_parts();
        // Keys and answers come once, as at the start of a program.
        let first = Runtime::new()
            .unwrap()
            .block_on(server.authenticate(&request));
        assert_eq!(first.unwrap().subject, "00u1b2c3d4e5f6g7h8i9");
        Self {
            name,
            server,
            request,
        }
    }

    fn jwt(name: &'static str, alg: Alg) -> Self {
        let provider = Arc::new(Provider::builder().algorithm(alg).offline());
        let issuer = Issuer::parse(&provider.issuer()).unwrap();
        let token = provider.sign(&object(&json!({"typ": "at+jwt"})), &claims(issuer.as_str()));
        let http = HttpClient::over(move |request: Request<Bytes>| {
            let provider = Arc::clone(&provider);
            async move { Ok(provider.answer(request).await) }
        });
        let op = Op::new(issuer, http, clock());
        Self::new(name, TrustedIssuer::rfc9068(op), &token)
    }

    fn introspected(name: &'static str) -> Self {
        let issuer = "https://id.example.com";
        let mut answer = claims(issuer);
        answer.insert("active".to_owned(), json!(true));
        answer.insert("token_type".to_owned(), json!("Bearer"));
        let answer = Value::Object(answer).to_string();
        let metadata = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
            "introspection_endpoint": format!("{issuer}/introspect"), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        });
        let http = HttpClient::over(move |request: Request<Bytes>| {
            let asked = request.uri().path() == "/introspect";
            let body = if asked {
                answer.clone()
            } else {
                metadata.to_string()
            };
            let response = Response::builder().header("content-type", "application/json");
            async move { Ok(response.body(Bytes::from(body)).unwrap()) }
        });
        let op = Op::new(Issuer::parse(issuer).unwrap(), http, clock());
        let auth = ClientAuth::SecretBasic(ClientSecret::new("secret"));
        let client = RelyingParty::new("api", auth, "");
        let trusted = TrustedIssuer::introspected(op, client, Arc::new(|| [7; 16]));
        Self::new(name, trusted, &"opaque1".repeat(9))
    }

    /// Nothing is waited for: keys and answers are there.
    fn run(&self) {
        let checked = self.server.authenticate(black_box(&self.request));
        assert!(checked.now_or_never().unwrap().is_ok());
    }
}

/// An access token's claims as they are in practice.
fn claims(issuer: &str) -> Map<String, Value> {
    object(&json!({
        "iss": issuer,
        "aud": ["https://api.example.com", format!("{issuer}/v1/userinfo")],
        "sub": "00u1b2c3d4e5f6g7h8i9",
        "client_id": "0oa1b2c3d4e5f6g7h8i9",
        "iat": NOW - 5,
        "exp": NOW + 3_600,
        "jti": "AT.4eAWJOCMB3SX8XewDfVR_1q2w3e4r5t6y7u8i9o0p1A",
        "auth_time": NOW - 20,
        "acr": "urn:okta:loa:2fa:any",
        "scope": "openid profile email messages:read messages:write",
        "groups": ["Everyone", "staff", "editors"],
    }))
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn clock() -> Clock {
    Arc::new(|| NOW)
}

fn checks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("check an access token");
    group.throughput(Throughput::Elements(1));
    for check in [
        Check::jwt("RS256", Alg::Rs256),
        Check::jwt("ES256", Alg::Es256),
        Check::introspected("introspection, kept"),
    ] {
        group.bench_function(check.name, |bencher| bencher.iter(|| check.run()));
    }
    group.finish();
}

criterion_group!(benches, checks);
criterion_main!(benches);
