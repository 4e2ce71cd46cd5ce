//! Tokens: ID tokens (OpenID Connect Core 1.0, section 2) and access tokens in the form of an Okta custom
//! authorization server, which is not RFC 9068's (`cid` and `scp`, no `typ`); and what each fault makes of them.

use serde_json::{Map, Value, json};

use super::Fault;
use super::keys::{self, Alg, SigningKey, Which, random_token};
use super::state::{Grant, Shared, State};

const HOUR: u64 = 3_600;

/// The header of an honest token: `alg` and `kid`, as Okta's.
pub(super) fn header(key: &SigningKey) -> Map<String, Value> {
    object(json!({"alg": key.alg.name(), "kid": key.kid}))
}

/// An access token for Okta's `api://default`. Always honest: relying parties must not look into it.
pub(super) fn access_token(shared: &Shared, grant: &Grant, now: u64) -> String {
    let key = SigningKey::get(shared.settings.alg, Which::Current);
    let mut claims = object(json!({
        "ver": 1,
        "jti": format!("AT.{}", random_token()),
        "iss": shared.issuer,
        "aud": "api://default",
        "iat": now,
        "exp": now + shared.settings.access_token_lifetime,
        "cid": grant.client_id,
        "uid": grant.user.sub,
        "scp": grant.scope,
        "auth_time": grant.auth_time,
        "sub": grant.user.email,
    }));
    if grant.scope.iter().any(|scope| scope == "groups") {
        claims.insert("groups".to_owned(), json!(grant.user.groups));
    }
    if let Some(acr) = &grant.acr {
        claims.insert("acr".to_owned(), json!(acr));
    }
    keys::compact(&header(&key), &claims, &key)
}

/// An ID token, honest or as the fault has it.
pub(super) fn id_token(
    shared: &Shared,
    state: &mut State,
    grant: &Grant,
    access_token: &str,
) -> String {
    let (alg, now) = (shared.settings.alg, state.now());
    let mut claims = id_token_claims(shared, grant, access_token, now);
    let mut key = SigningKey::get(alg, Which::Current);
    let fault = state.fault.clone();
    if let Some(fault) = &fault {
        spoil_claims(&mut claims, fault, grant, now);
    }
    match &fault {
        Some(Fault::RotatedKey) => {
            state.next_key_published = true;
            key = SigningKey::get(alg, Which::Next);
        }
        Some(Fault::UnknownKid | Fault::EmbeddedJwk) => key = SigningKey::get(alg, Which::Stranger),
        Some(Fault::AlternateAlg) => key = SigningKey::get(alternate(alg), Which::Current),
        _ => {}
    }
    let mut header = header(&key);
    match &fault {
        Some(Fault::AlgNone) => {
            header = object(json!({"alg": "none"}));
            return format!("{}.", keys::signing_input(&header, &claims));
        }
        Some(Fault::AlgHs256WithPublicKey) => {
            header.insert("alg".to_owned(), json!("HS256"));
            return keys::compact_hs256(&header, &claims, key.public_pem().as_bytes());
        }
        Some(Fault::NoKid) => {
            header.remove("kid");
        }
        Some(Fault::EmbeddedJwk) => {
            header.remove("kid");
            header.insert("jwk".to_owned(), key.jwk());
        }
        Some(Fault::CritHeader) => {
            header.insert("crit".to_owned(), json!(["urn:example:must-understand"]));
            header.insert("urn:example:must-understand".to_owned(), json!(true));
        }
        _ => {}
    }
    let token = keys::compact(&header, &claims, &key);
    if fault == Some(Fault::BadSignature) {
        with_bad_signature(&token)
    } else {
        token
    }
}

/// The published key of another algorithm, which no honest token is signed with.
pub(super) fn alternate(alg: Alg) -> Alg {
    if alg == Alg::Es256 {
        Alg::EdDsa
    } else {
        Alg::Es256
    }
}

fn id_token_claims(
    shared: &Shared,
    grant: &Grant,
    access_token: &str,
    now: u64,
) -> Map<String, Value> {
    let mut claims = object(json!({
        "ver": 1,
        "jti": format!("ID.{}", random_token()),
        "iss": shared.issuer,
        "sub": grant.user.sub,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + shared.settings.id_token_lifetime,
        "auth_time": grant.auth_time,
        "amr": ["pwd"],
        "idp": "00otestkit",
        "sid": grant.sid,
        "at_hash": shared.settings.alg.half_hash(access_token),
    }));
    if let Some(nonce) = &grant.nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    if let Some(acr) = &grant.acr {
        claims.insert("acr".to_owned(), json!(acr));
    }
    claims.extend(grant.user.claims(&grant.scope));
    claims
}

fn spoil_claims(claims: &mut Map<String, Value>, fault: &Fault, grant: &Grant, now: u64) {
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    match fault {
        Fault::WrongIss => drop(set("iss", json!("https://attacker.example/oauth2/default"))),
        Fault::WrongAud => drop(set("aud", json!("another-client"))),
        Fault::ExtraAud => drop(set("aud", json!([grant.client_id, "another-client"]))),
        Fault::AudArray => drop(set("aud", json!([grant.client_id]))),
        Fault::WrongAzp => drop(set("azp", json!("another-client"))),
        Fault::WrongNonce => drop(set("nonce", json!(random_token()))),
        Fault::Expired => {
            set("iat", json!(now.saturating_sub(2 * HOUR)));
            set("exp", json!(now.saturating_sub(HOUR)));
        }
        Fault::IssuedInFuture => {
            set("iat", json!(now + HOUR));
            set("exp", json!(now + 2 * HOUR));
        }
        Fault::NbfInFuture => drop(set("nbf", json!(now + HOUR))),
        Fault::NonStringSub => drop(set("sub", json!(12_345))),
        Fault::WrongAtHash => drop(set(
            "at_hash",
            json!(Alg::Rs256.half_hash("another access token")),
        )),
        Fault::ExpString => drop(set("exp", json!((now + HOUR).to_string()))),
        Fault::StaleAuthTime => drop(set("auth_time", json!(now.saturating_sub(24 * HOUR)))),
        Fault::WrongAcr => drop(set("acr", json!("urn:example:weaker"))),
        // A whole second and a half: seconds since 1970 are exact in a double, and so is the half.
        Fault::FractionalTimes => {
            for name in ["iat", "exp"] {
                let text = format!("{}.5", claims[name]);
                claims.insert(
                    name.to_owned(),
                    serde_json::from_str(&text).unwrap_or_default(),
                );
            }
        }
        Fault::NoIssClaim => drop(claims.remove("iss")),
        Fault::MissingAud => drop(claims.remove("aud")),
        Fault::MissingNonce => drop(claims.remove("nonce")),
        Fault::MissingExp => drop(claims.remove("exp")),
        Fault::MissingIat => drop(claims.remove("iat")),
        Fault::MissingSub => drop(claims.remove("sub")),
        Fault::MissingAuthTime => drop(claims.remove("auth_time")),
        _ => {}
    }
}

/// `token` with one bit of its signature turned. The encoding stays canonical, so that nothing else is wrong.
fn with_bad_signature(token: &str) -> String {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let (input, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let mut signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    let middle = signature.len() / 2;
    if let Some(byte) = signature.get_mut(middle) {
        *byte ^= 1;
    }
    format!("{input}.{}", keys::base64url(&signature))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
