//! What an operator should look at when a provider says no (RFC 6749 sections 4.1.2.1 and 5.2, and Okta's own descriptions).
//!
//! Providers' words differ; these hints go by the words Okta uses where the code alone does not tell, and by
//! the code otherwise. They are for logs and documentation, never for visitors.

/// For 429, whatever the body says.
pub const RATE_LIMITED: &str = "The provider limits how many requests this client or user may make. Wait; if it keeps happening, look at the rate limits in the provider's console.";

/// For a client that must prove possession of a key.
pub const DPOP_REQUIRED: &str = "The provider wants DPoP for this client. Switch \"Require DPoP\" off for the application there.";

/// For an address that takes no pushed requests.
pub const NO_PUSHED_REQUESTS: &str = "The provider takes no pushed authorization requests at the address that its metadata names. Switch pushed requests off, or correct the provider.";

/// For a client assertion whose key the provider does not know.
const BAD_SIGNATURE: &str = "The provider cannot verify the client assertion. Register the public key set, /auth/jwks.json, for the application there, compare the kid, and wait until the provider has fetched it before a new key moves first.";

/// One row: the error code, words that the description holds (in lower case; none fits every description), and the hint.
type Row = (&'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    (
        "access_denied",
        "not assigned",
        "The user is not assigned to the application: assign the user or a group on the application's Assignments page.",
    ),
    (
        "access_denied",
        "policy evaluation failed",
        "No access policy lets this sign-in through. On a custom authorization server (also the one named default on new Okta organisations), add an access policy and a rule for this client.",
    ),
    (
        "access_denied",
        "",
        "The provider or the user declined. Look at the provider's system log for the reason.",
    ),
    (
        "invalid_scope",
        "",
        "A scope is not configured at this authorization server. Compare the configured scopes with those the provider lists; a custom scope must be added there first.",
    ),
    (
        "no_default_scopes",
        "",
        "No scope was asked for and the authorization server has no default ones. Configure at least openid.",
    ),
    (
        "openid_scope_required",
        "",
        "The scope openid is missing. Add it to the configured scopes.",
    ),
    (
        "unmet_authentication_requirements",
        "",
        "The user has no authenticator that satisfies the requested acr_values. Enrol one, or ask for less.",
    ),
    (
        "login_required",
        "",
        "Nobody is signed in at the provider and it was told not to ask. Sign in without prompt=none.",
    ),
    (
        "consent_required",
        "",
        "The user has not consented and the provider was told not to ask. Sign in without prompt=none.",
    ),
    (
        "interaction_required",
        "",
        "The provider must show a page and was told not to. Sign in without prompt=none.",
    ),
    (
        "invalid_request",
        "redirect",
        "The redirect URI is not registered. Register the public URL followed by /auth/callback, to the letter.",
    ),
    (
        "invalid_request",
        "request_uri",
        "The reference to the pushed request is not good: it was used, or is too old, or is sent where none may be. Start the sign-in again; many at once point to a proxy that repeats requests.",
    ),
    (
        "invalid_request",
        "pushed",
        "The application takes pushed authorization requests only. Set pushed requests to always, or switch the demand off there.",
    ),
    (
        "invalid_request",
        "credentials",
        "The provider saw two kinds of client credentials, or some in the address. Something between here and there adds to requests.",
    ),
    (
        "invalid_request",
        "",
        "The provider did not accept a parameter. The description in the log says which.",
    ),
    (
        "invalid_request_uri",
        "",
        "The pushed request was used before or has expired, as after the back button. Start the sign-in again.",
    ),
    (
        "invalid_request_object",
        "",
        "The application wants signed request objects, which are not sent. Switch them off for the application there.",
    ),
    (
        "account_selection_required",
        "",
        "The user has several sessions at the provider and it was told not to ask which. Sign in without prompt=none.",
    ),
    (
        "invalid_target",
        "",
        "The provider does not know the resource that was asked for. Compare it with those registered there.",
    ),
    (
        "unsupported_response_type",
        "",
        "The application does not allow the authorization code flow. Create it as a web application, or tick Authorization Code there.",
    ),
    (
        "invalid_grant",
        "pkce",
        "The code verifier does not fit the code. All instances must share the same key ring, and only one of them may answer for a sign-in.",
    ),
    (
        "invalid_grant",
        "redirect",
        "The redirect URI differs from the one the sign-in began with. The public URL must be the same on every instance.",
    ),
    (
        "invalid_grant",
        "client",
        "The code or refresh token was issued to another client. The client id must be the same on every instance; after a change of client everybody signs in again.",
    ),
    (
        "invalid_grant",
        "authorization code",
        "The code was used, is too old, or belongs to another client or issuer. One occurrence is a reloaded page; many point to clocks, or to a proxy that repeats requests.",
    ),
    (
        "invalid_grant",
        "refresh token",
        "The refresh token expired, was revoked, or was used before under rotation. The session ends; the user signs in again.",
    ),
    (
        "invalid_grant",
        "",
        "The code or refresh token is not good any more. The user signs in again.",
    ),
    (
        "invalid_client",
        "client_assertion token is expired",
        "The client assertion was too old on arrival. Check this machine's clock.",
    ),
    (
        "invalid_client",
        "already been used",
        "The client assertion was sent twice. Something between here and the provider repeats requests.",
    ),
    (
        "invalid_client",
        "too far into the future",
        "The client assertion expires too late for the provider. Check this machine's clock.",
    ),
    (
        "invalid_client",
        "audience",
        "The client assertion is addressed to something else than the provider expects. Set the assertion audience: Okta wants the endpoint itself.",
    ),
    ("invalid_client", "signature", BAD_SIGNATURE),
    ("invalid_client", "kid", BAD_SIGNATURE),
    ("invalid_client", "jwk", BAD_SIGNATURE),
    (
        "invalid_client",
        "algorithm",
        "The client assertion is signed with another algorithm than the application is registered with. Configure that one, or change it there.",
    ),
    (
        "invalid_client",
        "too short",
        "The client secret is too short for client_secret_jwt, which wants 32 characters or more. Let the provider make a new one, or use client_secret_basic.",
    ),
    (
        "invalid_client",
        "method",
        "The application is registered with another authentication method. Configure that one, or change it there.",
    ),
    (
        "invalid_client",
        "no client credentials",
        "The client sent no credentials, and the provider wants some. Configure the client secret, or make the application public there.",
    ),
    (
        "invalid_client",
        "secret",
        "The client secret is wrong. Copy it again, without white space; after a rotation the old one must stay active until every instance has the new one.",
    ),
    (
        "invalid_client",
        "",
        "The provider does not accept this client's credentials. Check client id, secret or key, and the authentication method registered there.",
    ),
    (
        "unauthorized_client",
        "",
        "The application may not use this grant. Tick Authorization Code, and Refresh Token for offline_access, in its settings.",
    ),
    (
        "unsupported_grant_type",
        "",
        "The provider does not offer this grant. Tick Authorization Code, and Refresh Token for offline_access, in the application's settings.",
    ),
    ("use_dpop_nonce", "", DPOP_REQUIRED),
    ("invalid_dpop_proof", "", DPOP_REQUIRED),
    ("E0000047", "", RATE_LIMITED),
    (
        "E0000007",
        "",
        "The provider knows no such authorization server. Check the part of the issuer after /oauth2/.",
    ),
    (
        "E0000011",
        "",
        "The provider did not accept the credentials of the request. Check client id and secret.",
    ),
    (
        "server_error",
        "groups",
        "The groups claim has more than 100 groups. Filter it at the authorization server.",
    ),
    (
        "server_error",
        "",
        "The provider failed. If it lasts, look at its status page and system log.",
    ),
    (
        "temporarily_unavailable",
        "",
        "The provider is overloaded or in maintenance. Try again later.",
    ),
];

/// The hint for an answer of the status 5xx, or an error that means the same, with the provider's words.
pub(crate) fn for_unavailable(status: u16, description: Option<&str>) -> Option<&'static str> {
    let error = if status == 503 {
        "temporarily_unavailable"
    } else {
        "server_error"
    };
    for_error(error, description)
}

/// The hint for an `error` and its `error_description`, from the authorization, the token or the pushed authorization
/// request endpoint.
pub fn for_error(error: &str, description: Option<&str>) -> Option<&'static str> {
    let words = description.unwrap_or_default().to_lowercase();
    ROWS.iter()
        .find(|(code, part, _)| *code == error && words.contains(part))
        .map(|(_, _, hint)| *hint)
}
