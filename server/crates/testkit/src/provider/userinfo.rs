//! `/v1/userinfo` (OpenID Connect Core 1.0, section 5.3), as JSON or as a signed JWT (section 5.3.2), and its faults.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::Fault;
use super::http::{json_text, no_store_json, page, redirect};
use super::id_token_faults::{encrypted_looking, with_bad_signature};
use super::keys::{Alg, SigningKey, Which};
use super::mint::{Signer, unsigned};
use super::state::{Access, Shared, State as Memory};

/// More than any relying party should read, in bytes.
const HUGE: usize = 2_000_000;

pub(super) async fn userinfo(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut state = shared.state();
    state.counts.userinfo += 1;
    if parts
        .uri
        .query()
        .is_some_and(|query| query.contains("access_token="))
    {
        state.object("userinfo request: the access token is in the query");
    }
    if !shared.settings.userinfo {
        state.object("userinfo request: the metadata name no such endpoint");
        return StatusCode::NOT_FOUND.into_response();
    }
    let now = state.now();
    let access = bearer(&parts.headers).and_then(|token| state.access.get(token));
    let Some(access) = access.filter(|access| access.expires_at > now).cloned() else {
        state.object("userinfo request: the access token is missing, unknown or expired");
        return challenge(StatusCode::UNAUTHORIZED, "invalid_token");
    };
    let fault = state.fault.clone();
    let mut claims = access.grant.user.claims(&access.grant.scope);
    claims.insert("sub".to_owned(), json!(access.grant.user.sub));
    if let Some(answer) = fault.as_ref().and_then(|fault| refusal(&shared, fault)) {
        return answer;
    }
    spoil(&mut claims, fault.as_ref());
    if let Some(alg) = signing_alg(&shared, fault.as_ref()) {
        return jwt(signed(
            &shared,
            &state,
            &access,
            claims,
            alg,
            fault.as_ref(),
        ));
    }
    if fault == Some(Fault::UserinfoIsIdToken) {
        return jwt(state.issued.id_tokens.last().cloned().unwrap_or_default());
    }
    drop(state);
    plain(claims, fault.as_ref())
}

/// The faults that answer without looking at the claims.
fn refusal(shared: &Shared, fault: &Fault) -> Option<Response> {
    Some(match fault {
        Fault::Userinfo401 => challenge(StatusCode::UNAUTHORIZED, "invalid_token"),
        Fault::Userinfo403 => challenge(StatusCode::FORBIDDEN, "insufficient_scope"),
        Fault::Userinfo500 => page(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong at the provider.",
        ),
        Fault::UserinfoHtml => page(StatusCode::OK, "A page of the company's proxy."),
        Fault::UserinfoEmpty => StatusCode::OK.into_response(),
        Fault::UserinfoRedirect => redirect(
            StatusCode::TEMPORARY_REDIRECT,
            &format!("{}/v1/elsewhere", shared.issuer),
        ),
        _ => return None,
    })
}

fn spoil(claims: &mut Map<String, Value>, fault: Option<&Fault>) {
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    match fault {
        Some(Fault::UserinfoWrongSub | Fault::UserinfoSignedWrongSub) => {
            set("sub", json!("00u-somebody-else"));
            set("name", json!("Somebody Else"));
        }
        Some(Fault::UserinfoNumericSub) => drop(set("sub", json!(12_345))),
        Some(Fault::UserinfoHuge) => drop(set("padding", json!("A".repeat(HUGE)))),
        Some(Fault::UserinfoNoSub) => drop(claims.remove("sub")),
        _ => {}
    }
}

/// How the answer is signed, if it is: as the builder chose, and under the faults of a signature in any case.
fn signing_alg(shared: &Shared, fault: Option<&Fault>) -> Option<Alg> {
    let about_signatures = matches!(
        fault,
        Some(
            Fault::UserinfoBadSignature
                | Fault::UserinfoAlgNone
                | Fault::UserinfoAlgHs256WithPublicKey
                | Fault::UserinfoWrongIss
                | Fault::UserinfoWrongAud
                | Fault::UserinfoUnknownKid
                | Fault::UserinfoExpired
                | Fault::UserinfoSignedWrongSub
                | Fault::UserinfoEncrypted
        )
    );
    let chosen = shared.settings.userinfo_alg;
    chosen.or_else(|| about_signatures.then_some(shared.settings.alg))
}

fn signed(
    shared: &Shared,
    state: &Memory,
    access: &Access,
    mut claims: Map<String, Value>,
    alg: Alg,
    fault: Option<&Fault>,
) -> String {
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", json!(shared.issuer));
    set("aud", json!(access.grant.client_id));
    let mut signer = Signer::honest(alg, state, &access.grant.client_id);
    match fault {
        Some(Fault::UserinfoWrongIss) => {
            set("iss", json!("https://attacker.example/oauth2/default"));
        }
        Some(Fault::UserinfoWrongAud) => drop(set("aud", json!("another-client"))),
        Some(Fault::UserinfoExpired) => {
            set("exp", json!(state.now().saturating_sub(3_600)));
        }
        Some(Fault::UserinfoUnknownKid) => {
            signer = Signer::Key(SigningKey::get(alg.asymmetric(), Which::Stranger));
        }
        Some(Fault::UserinfoAlgHs256WithPublicKey) => {
            let own = SigningKey::get(alg.asymmetric(), state.signing_place());
            signer = Signer::Secret(Alg::Hs256, own.public_pem().into_bytes());
        }
        _ => {}
    }
    let header = Value::Object(signer.header()).to_string();
    let claims = Value::Object(claims).to_string();
    match fault {
        Some(Fault::UserinfoAlgNone) => format!("{}.", unsigned("{\"alg\":\"none\"}", &claims)),
        Some(Fault::UserinfoBadSignature) => with_bad_signature(&signer.compact(&header, &claims)),
        Some(Fault::UserinfoEncrypted) => encrypted_looking(&signer.compact(&header, &claims)),
        _ => signer.compact(&header, &claims),
    }
}

fn jwt(token: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/jwt"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, token).into_response()
}

fn plain(claims: Map<String, Value>, fault: Option<&Fault>) -> Response {
    let claims = Value::Object(claims);
    match fault {
        Some(Fault::UserinfoArray) => no_store_json(StatusCode::OK, &json!([claims])),
        Some(Fault::UserinfoDuplicateSub) => {
            let twice = claims
                .to_string()
                .replacen('{', "{\"sub\":\"00u-somebody-else\",", 1);
            json_text(StatusCode::OK, twice)
        }
        Some(Fault::UserinfoWrongContentType) => {
            let content_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (content_type, claims.to_string()).into_response()
        }
        _ => no_store_json(StatusCode::OK, &claims),
    }
}

/// The token of a Bearer header (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// RFC 6750, section 3.
fn challenge(status: StatusCode, error: &str) -> Response {
    let challenge =
        format!("Bearer error=\"{error}\", error_description=\"The access token is not enough.\"");
    (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}
