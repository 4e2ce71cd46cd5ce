//! Client assertions: `client_secret_jwt` and `private_key_jwt` (OpenID Connect Core 1.0, section 9; RFC 7523,
//! section 3), with Okta's rules and Okta's words where it has some.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::client_auth::{Endpoint, Refusal, refused};
use super::client_keys::Fetched;
use super::record::Assertion;
use super::settings::AssertionAudience;
use super::state::{Client, Shared, State};
use super::verify::Jws;

/// RFC 7523, section 2.2.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Okta: the secret has at least this many characters.
const SHORTEST_SECRET: usize = 32;

/// Okta: an assertion ends within the hour.
const LONGEST: f64 = 3_600.0;

const FAILED: &str =
    "Client authentication failed. Either the client or the client credentials are invalid.";

/// The client that an assertion is from, once everything about it is right.
pub(super) fn authenticate(
    shared: &Shared,
    state: &mut State,
    endpoint: Endpoint,
    raw: &str,
    fetched: Option<&Fetched>,
) -> Result<(String, &'static str), Refusal> {
    let jws = Jws::parse(raw).ok_or(refused("The client_assertion is not a signed JWT."))?;
    state.received.assertions.push(Assertion {
        endpoint: endpoint.path().to_owned(),
        header: jws.header.clone(),
        claims: jws.claims.clone(),
        raw: raw.to_owned(),
    });
    let text = |name: &str| jws.claims.get(name).and_then(Value::as_str);
    let id = text("sub")
        .filter(|sub| text("iss") == Some(sub))
        .ok_or(refused(
            "Both iss and sub of the client_assertion must be the client_id.",
        ))?
        .to_owned();
    let client = state.client(&id).ok_or(refused(FAILED))?;
    let alg = jws.header("alg").unwrap_or_default();
    let listed = shared.settings.assertion_algs.iter();
    if !listed.clone().any(|known| known == alg) {
        return Err(refused(
            "The client_assertion's alg is not in the metadata.",
        ));
    }
    if client
        .assertion_alg
        .as_deref()
        .is_some_and(|registered| registered != alg)
    {
        return Err(refused(
            "The client_assertion's alg is not the client's registered one.",
        ));
    }
    check_header(&jws)?;
    let method = if alg.starts_with("HS") {
        check_tag(&jws, alg, client)?;
        "client_secret_jwt"
    } else {
        check_signature(&jws, alg, client, fetched)?;
        "private_key_jwt"
    };
    // From here on the jti is spent, whatever else is wrong (RFC 7523, section 3, item 7).
    let jti = text("jti").filter(|jti| !jti.is_empty());
    let jti = jti.ok_or(refused("The client_assertion has no jti."))?;
    let fresh = state.assertion_ids.insert(format!("{id} {jti}"));
    check_audience(shared, endpoint, &jws.claims)?;
    check_times(&jws.claims, state.now())?;
    if !fresh {
        return Err(refused("The client_assertion token has already been used."));
    }
    Ok((id, method))
}

/// `typ` may be left out; extensions that must be understood are not (RFC 7515, section 4.1.11).
fn check_header(jws: &Jws<'_>) -> Result<(), Refusal> {
    if jws.header.contains_key("crit") {
        return Err(refused(
            "The client_assertion has a critical header nobody knows.",
        ));
    }
    match jws.header("typ") {
        None if !jws.header.contains_key("typ") => Ok(()),
        Some(typ)
            if typ.eq_ignore_ascii_case("JWT")
                || typ.eq_ignore_ascii_case("client-authentication+jwt") =>
        {
            Ok(())
        }
        _ => Err(refused(
            "The client_assertion's typ is that of another kind of token.",
        )),
    }
}

fn check_tag(jws: &Jws<'_>, alg: &str, client: &Client) -> Result<(), Refusal> {
    let secret = client.secret.as_deref().ok_or(refused(FAILED))?;
    if secret.len() < SHORTEST_SECRET {
        return Err(refused(
            "The client secret is too short to verify a JWT HMAC.",
        ));
    }
    if jws.is_tagged_with(alg, secret) {
        Ok(())
    } else {
        Err(refused("The client_assertion signature is invalid."))
    }
}

/// The registered key under this `kid`, which must be there, be for signatures, and fit (Okta).
fn check_signature(
    jws: &Jws<'_>,
    alg: &str,
    client: &Client,
    fetched: Option<&Fetched>,
) -> Result<(), Refusal> {
    let keys = match (&client.jwks, fetched) {
        (Some(keys), _) | (None, Some(Ok(keys))) => keys,
        (None, Some(Err(_))) => {
            return Err(refused("The JWKS of the client's jwks_uri cannot be had."));
        }
        (None, None) => return Err(refused("The client has no registered JWKS.")),
    };
    let kid = jws.header("kid").ok_or(refused(
        "The client_assertion has no kid: the JWKS cannot be searched.",
    ))?;
    let found: Vec<&Value> = keys["keys"].as_array().into_iter().flatten().collect();
    let found: Vec<&Value> = found.into_iter().filter(|key| key["kid"] == kid).collect();
    let [key] = found[..] else {
        return Err(refused(
            "The client's JWKS has not exactly one key under this kid.",
        ));
    };
    if key.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err(refused(
            "The key of the client_assertion is not for signatures.",
        ));
    }
    if key.get("alg").is_some_and(|only| only != alg) {
        return Err(refused(
            "The key of the client_assertion is for another alg.",
        ));
    }
    if ["d", "p", "q", "dp", "dq", "qi", "k"]
        .iter()
        .any(|name| key.get(name).is_some())
    {
        return Err(refused("The client's JWKS has a private key in it."));
    }
    if jws.is_signed_by(alg, key) {
        Ok(())
    } else {
        Err(refused("The client_assertion signature is invalid."))
    }
}

fn check_audience(
    shared: &Shared,
    endpoint: Endpoint,
    claims: &Map<String, Value>,
) -> Result<(), Refusal> {
    let here = endpoint.url(shared);
    let token = Endpoint::Token.url(shared);
    let issuer = shared.issuer.clone();
    let (right, why): (&[String], _) = match shared.settings.assertion_audience {
        AssertionAudience::Endpoint => (
            &[here],
            "The audience claim for client_assertion must be the endpoint invoked for the request.",
        ),
        AssertionAudience::Issuer => (
            &[issuer],
            "The audience claim for client_assertion must be the issuer identifier.",
        ),
        AssertionAudience::TokenEndpoint => (
            &[token],
            "The audience claim for client_assertion must be the token endpoint.",
        ),
        AssertionAudience::Any => (
            &[here, issuer, token],
            "The audience claim for client_assertion names neither the endpoint nor the issuer.",
        ),
    };
    let is_right = |value: &Value| right.iter().any(|known| value == known);
    match claims.get("aud") {
        Some(Value::Array(all)) if !all.is_empty() && all.iter().all(is_right) => Ok(()),
        // rfc7523bis and FAPI 2.0: the issuer as a plain string, and nothing beside it.
        Some(one @ Value::String(_)) if is_right(one) => Ok(()),
        _ => Err(refused(why)),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 are exact in a double"
)]
fn check_times(claims: &Map<String, Value>, now: u64) -> Result<(), Refusal> {
    let now = now as f64;
    let time = |name: &'static str| claims.get(name).map(Value::as_f64);
    let Some(Some(expires)) = time("exp") else {
        return Err(refused(
            "The client_assertion has no exp, or one that is not a number.",
        ));
    };
    if expires <= now {
        return Err(refused("The client_assertion token is expired."));
    }
    if expires > now + LONGEST {
        return Err(refused(
            "The client_assertion token has an expiration too far into the future.",
        ));
    }
    for (name, why) in [
        ("iat", "The client_assertion token is issued in the future."),
        ("nbf", "The client_assertion token is not good yet."),
    ] {
        match time(name) {
            None => {}
            Some(Some(since)) if since <= now => {}
            _ => return Err((StatusCode::UNAUTHORIZED, "invalid_client", why)),
        }
    }
    Ok(())
}
