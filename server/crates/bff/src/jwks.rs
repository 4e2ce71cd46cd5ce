//! `GET /auth/jwks.json`: the public halves of the keys that this client proves itself with, for the provider to fetch
//! (`jwks_uri`, OpenID Connect Dynamic Client Registration 1.0 section 2, RFC 7517 section 5).

use axum::Extension;

use crate::answer::Answer;
use crate::code::Code;
use crate::extract::refusal;
use crate::visit::Visit;

/// How long a provider may keep the set, in seconds. A new key is added here this long before it signs.
const MAX_AGE: u32 = 300;

/// 200 with a JWK set, the same for everybody; 404 where this client has no keys.
pub(crate) async fn jwks(Extension(visit): Extension<Visit>) -> Answer {
    match visit.bff().client_auth().keys() {
        // Not application/jwk-set+json: some providers take nothing but the plain name.
        Some(keys) => Answer::shared_json(keys.public_key_set(), MAX_AGE),
        None => refusal(&visit, Code::NotFound),
    }
}
