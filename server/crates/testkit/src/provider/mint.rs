//! Tokens: ID tokens (OpenID Connect Core 1.0, section 2) and access tokens, in the form of an Okta custom
//! authorization server (`cid` and `scp`, no `typ`) or in that of RFC 9068.

use serde_json::{Map, Value, json};

use super::id_token_faults as faults;
use super::keys::{self, Alg, SigningKey, Which, base64url, random_token};
use super::state::{Grant, Shared, State};
use super::weak_rsa;
use super::{AccessTokenForm, Fault};

/// What a token is signed with.
pub(super) enum Signer {
    /// A key of the provider's, or of a stranger.
    Key(SigningKey),
    /// An HMAC under these bytes.
    Secret(Alg, Vec<u8>),
    /// The key of 1,024 bits.
    Weak,
}

impl Signer {
    /// What signs an honest token for this client.
    pub(super) fn honest(alg: Alg, state: &State, client_id: &str) -> Self {
        if alg.is_symmetric() {
            let client = state.client(client_id);
            let secret = client.and_then(|client| client.secret.clone());
            Self::Secret(alg, secret.unwrap_or_default().into_bytes())
        } else {
            Self::Key(SigningKey::get(alg, state.signing_place()))
        }
    }

    /// The header of an honest token: `alg` and `kid`, as Okta's; only `alg` under a secret.
    pub(super) fn header(&self) -> Map<String, Value> {
        match self {
            Self::Key(key) => header(key),
            Self::Secret(alg, _) => object(json!({"alg": alg.name()})),
            Self::Weak => object(json!({"alg": "RS256", "kid": weak_rsa::KID})),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Key(key) => key.sign(message),
            Self::Secret(alg, secret) => keys::hmac_tag(*alg, message, secret),
            Self::Weak => weak_rsa::sign(message),
        }
    }

    /// The compact form of two texts, which need not be JSON.
    pub(super) fn compact(&self, header: &str, claims: &str) -> String {
        let input = unsigned(header, claims);
        format!("{input}.{}", base64url(&self.sign(input.as_bytes())))
    }
}

/// What is signed (RFC 7515, section 5.1), from texts.
pub(super) fn unsigned(header: &str, claims: &str) -> String {
    format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(claims.as_bytes())
    )
}

/// The header of an honest token: `alg` and `kid`, as Okta's.
pub(super) fn header(key: &SigningKey) -> Map<String, Value> {
    object(json!({"alg": key.alg.name(), "kid": key.kid}))
}

impl State {
    /// Which of the keys signs.
    pub(super) fn signing_place(&self) -> Which {
        if self.next_key_signs {
            Which::Next
        } else {
            Which::Current
        }
    }
}

/// An access token for `api://default`. Always honest: relying parties must not look into it.
pub(super) fn access_token(shared: &Shared, state: &State, grant: &Grant, now: u64) -> String {
    let form = shared.settings.access_token_form;
    if form == AccessTokenForm::Opaque {
        return random_token();
    }
    let key = SigningKey::get(shared.settings.alg, state.signing_place());
    let mut header = header(&key);
    let mut claims = object(json!({
        "jti": format!("AT.{}", random_token()),
        "iss": shared.issuer,
        "aud": "api://default",
        "iat": now,
        "exp": now + shared.settings.access_token_lifetime,
        "auth_time": grant.auth_time,
        "sub": grant.user.email,
    }));
    if form == AccessTokenForm::Okta {
        claims.extend(object(json!({
            "ver": 1, "cid": grant.client_id, "uid": grant.user.sub, "scp": grant.scope,
        })));
    } else {
        header.insert("typ".to_owned(), json!("at+jwt"));
        claims.insert("client_id".to_owned(), json!(grant.client_id));
        claims.insert("scope".to_owned(), json!(grant.scope.join(" ")));
    }
    claims.extend(about_the_user(grant));
    keys::compact(&header, &claims, &key)
}

/// What an access token and the answer about one say of the sign-in beyond what they must.
pub(super) fn about_the_user(grant: &Grant) -> Map<String, Value> {
    let mut claims = Map::new();
    if grant.scope.iter().any(|scope| scope == "groups") {
        claims.insert("groups".to_owned(), json!(grant.user.groups));
    }
    if let Some(acr) = &grant.acr {
        claims.insert("acr".to_owned(), json!(acr));
    }
    claims
}

/// An ID token, honest or as the fault has it. `code` is what it was exchanged for; none for a refresh.
pub(super) fn id_token(
    shared: &Shared,
    state: &mut State,
    grant: &Grant,
    access_token: &str,
    code: Option<&str>,
) -> String {
    let (alg, now) = (shared.settings.alg, state.now());
    let fault = state.fault.clone();
    let mut claims = id_token_claims(shared, grant, access_token, now);
    if let Some(code) = code.filter(|_| shared.settings.c_hash) {
        claims.insert("c_hash".to_owned(), json!(alg.half_hash(code)));
    }
    let mut signer = Signer::honest(alg, state, &grant.client_id);
    let Some(fault) = fault else {
        let header = Value::Object(signer.header()).to_string();
        return signer.compact(&header, &Value::Object(claims).to_string());
    };
    if fault == Fault::RotatedKey {
        state.next_key_published = true;
    }
    faults::spoil_claims(&mut claims, &fault, grant, alg, now, code);
    let header = faults::spoil_signer(shared, state, &mut signer, &fault, grant);
    let header = faults::header_text(header, &fault);
    let claims = faults::claims_text(claims, &fault);
    faults::compact(&signer, &header, &claims, &fault)
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

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
