//! What the authorization endpoint objects to, pushed (RFC 9126, section 2.1) or not: RFC 6749, section 4.1.1; OpenID
//! Connect Core 1.0, section 3.1.2.1; RFC 7636, section 4.3; and Okta's rules for `state` and `scope`.

use std::fmt;

use super::http::Params;
use super::state::{Shared, State};

/// Something wrong with an authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// A page for the person: nobody is sent to an address that may be wrong.
    Page(String),
    /// An error for the relying party, at its callback: `error` and `error_description`.
    Callback(&'static str, &'static str),
    /// A page too, but the fault is the provider's.
    ProvidersOwn(String),
}

impl Problem {
    /// The error code of the pushed authorization request endpoint's answer.
    pub(super) fn error(&self) -> &'static str {
        match self {
            Self::Callback(error, _) => error,
            Self::Page(_) | Self::ProvidersOwn(_) => "invalid_request",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(text) | Self::ProvidersOwn(text) => formatter.write_str(text),
            Self::Callback(error, description) => write!(formatter, "{error}: {description}"),
        }
    }
}

/// `prompt` values (Core 1.0, section 3.1.2.1), and Okta's own.
const PROMPTS: [&str; 5] = [
    "none",
    "login",
    "consent",
    "select_account",
    "enroll_authenticator",
];

/// What is never part of an authorization request.
const SECRET: [&str; 4] = [
    "client_secret",
    "code_verifier",
    "client_assertion",
    "client_assertion_type",
];

/// Everything that is wrong with the request; pages first.
pub(super) fn problems(params: &Params, shared: &Shared, state: &State) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut need = |holds: bool, problem: &str| {
        if !holds {
            problems.push(Problem::Page(problem.to_owned()));
        }
    };
    let value = |name| params.get(name).unwrap_or_default();
    match state.client(value("client_id")) {
        None => need(false, "client_id is missing or unknown"),
        Some(client) => need(
            client
                .redirect_uris
                .iter()
                .any(|uri| uri == value("redirect_uri")),
            "redirect_uri is not exactly one that is registered",
        ),
    }
    need(params.repeated().is_none(), "a parameter is repeated");
    need(
        value("response_type") == "code",
        "response_type is not code",
    );
    need(
        value("code_challenge_method") == "S256",
        "code_challenge_method is not S256",
    );
    let challenge = value("code_challenge");
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    need(
        challenge.len() == 43 && challenge.bytes().all(base64url),
        "code_challenge is not a SHA-256 hash in base64url",
    );
    let sent = value("state");
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    need(
        (22..=1024).contains(&sent.len()),
        "state is shorter than 128 bits or longer than 1,024 characters",
    );
    need(
        sent.bytes().all(allowed),
        "state has characters beyond A-Z a-z 0-9 . _ -",
    );
    need(
        value("nonce").len() >= 22,
        "nonce is missing or shorter than 128 bits",
    );
    let mode = params.get("response_mode").unwrap_or("query");
    need(
        ["query", "form_post"].contains(&mode),
        "response_mode is neither query nor form_post",
    );
    need(
        params
            .get("max_age")
            // Okta: 0 to 2^31 - 1.
            .is_none_or(|age| age.parse::<u32>().is_ok_and(|age| age < 1 << 31)),
        "max_age is not a number of seconds",
    );
    let prompts = params.words("prompt");
    need(
        prompts
            .iter()
            .all(|prompt| PROMPTS.contains(&prompt.as_str())),
        "prompt has a value that nobody knows",
    );
    need(
        prompts.len() < 2 || !prompts.iter().any(|prompt| prompt == "none"),
        "prompt has another value beside none",
    );
    for name in SECRET {
        if params.get(name).is_some() {
            need(false, &format!("{name} is in an authorization request"));
        }
    }
    need(
        params.get("request").is_none(),
        "request objects are not supported",
    );
    problems.extend(scope(params, shared));
    problems
}

/// Okta sends these back to the relying party.
fn scope(params: &Params, shared: &Shared) -> Option<Problem> {
    let scope = params.words("scope");
    if scope.is_empty() && shared.settings.default_scopes.is_empty() {
        // Okta: no_default_scopes.
        return Some(Problem::Callback(
            "invalid_scope",
            "The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
        ));
    }
    if !scope
        .iter()
        .all(|word| shared.settings.scopes.contains(word))
    {
        return Some(Problem::Callback(
            "invalid_scope",
            "One or more scopes are not configured for the authorization server resource.",
        ));
    }
    // Okta: openid_scope_required.
    let openid = scope.is_empty() || scope.iter().any(|word| word == "openid");
    (!openid).then_some(Problem::Callback(
        "invalid_scope",
        "The 'openid' scope is required: scope is without openid.",
    ))
}
