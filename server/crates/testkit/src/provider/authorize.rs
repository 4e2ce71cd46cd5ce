//! `/v1/authorize`: the authorization endpoint (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section
//! 3.1.2; PKCE, RFC 7636). It approves at once, as the current user. A `request_uri` stands for what was pushed.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::Fault;
use super::authorize_check::{Problem, problems};
use super::http::{Params, Received, page};
use super::keys::random_token;
use super::par;
use super::respond::back;
use super::state::{Code, Grant, Shared, State as Memory};

/// What is granted, or `error` and `error_description` for the callback.
type Decision = Result<Grant, (String, String)>;

pub(super) async fn authorize(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let Received {
        params: sent,
        problems: how_it_was_sent,
        ..
    } = Received::read(request).await;
    let mut state = shared.state();
    state.counts.authorize += 1;
    state.received.authorize_requests.push(sent.by_name());
    let (params, mut found) = match sent.get("request_uri") {
        Some(uri) => match par::pushed(&shared, &mut state, &sent, uri) {
            Ok(params) => (params, Vec::new()),
            Err(problems) => (sent, problems),
        },
        None if shared.settings.require_par => {
            let text = "it was not pushed, and the metadata require that".to_owned();
            (sent, vec![Problem::Page(text)])
        }
        None => {
            let found = problems(&sent, &shared, &state);
            (sent, found)
        }
    };
    found.extend(how_it_was_sent.into_iter().map(Problem::Page));
    let fault = state.fault.clone();
    if !found.is_empty() {
        return refuse(&shared, &mut state, fault.as_ref(), &params, &found);
    }
    if state.user.is_none() && !is_silent(&params) && !is_error(fault.as_ref()) {
        return page(
            StatusCode::OK,
            "Nobody is signed in at the provider: this is where the form would be.",
        );
    }
    let answer = match decide(&shared, &state, fault.as_ref(), &params) {
        Err((error, description)) => vec![("error", error), ("error_description", description)],
        Ok(grant) => {
            let code = random_token();
            let expires_at = state.now() + shared.settings.code_lifetime;
            state.issued.codes.push(code.clone());
            let value = |name| params.get(name).unwrap_or_default().to_owned();
            let known = Code {
                grant,
                redirect_uri: value("redirect_uri"),
                challenge: value("code_challenge"),
                expires_at,
                spent: false,
            };
            state.codes.insert(code.clone(), known);
            vec![("code", code)]
        }
    };
    drop(state);
    back(&shared, fault.as_ref(), &params, answer)
}

/// A page where the address to go back to may be wrong, otherwise the error at the callback. Recorded in either case,
/// unless the fault is the provider's.
fn refuse(
    shared: &Shared,
    state: &mut Memory,
    fault: Option<&Fault>,
    params: &Params,
    found: &[Problem],
) -> Response {
    let texts: Vec<_> = found.iter().map(Problem::to_string).collect();
    let text = format!("authorization request: {}", texts.join("; "));
    match found {
        [Problem::ProvidersOwn(text)] => page(StatusCode::BAD_REQUEST, text),
        [Problem::Callback(error, description)] => {
            state.object(text);
            let answer = vec![
                ("error", (*error).to_owned()),
                ("error_description", (*description).to_owned()),
            ];
            back(shared, fault, params, answer)
        }
        _ => {
            state.object(text.clone());
            page(StatusCode::BAD_REQUEST, &text)
        }
    }
}

/// Whether the fault is an error whoever is signed in.
fn is_error(fault: Option<&Fault>) -> bool {
    matches!(
        fault,
        Some(
            Fault::AccessDenied { .. }
                | Fault::AuthorizationError(_)
                | Fault::ErrorWithoutIss
                | Fault::ErrorWrongIss
        )
    )
}

fn is_silent(params: &Params) -> bool {
    params.words("prompt").iter().any(|prompt| prompt == "none")
}

fn decide(shared: &Shared, state: &Memory, fault: Option<&Fault>, params: &Params) -> Decision {
    let error = |error: &str, description: &str| Err((error.to_owned(), description.to_owned()));
    match fault {
        Some(Fault::AccessDenied { description }) => return error("access_denied", description),
        Some(Fault::ErrorWithoutIss | Fault::ErrorWrongIss) => {
            return error(
                "access_denied",
                "User is not assigned to the client application.",
            );
        }
        Some(Fault::AuthorizationError(code)) => {
            return error(code, "The test asked for this error.");
        }
        _ => {}
    }
    let max_age = params
        .get("max_age")
        .and_then(|age| age.parse::<u64>().ok());
    let too_old =
        max_age.is_some_and(|age| age < state.authentication_age.max(u64::from(age == 0)));
    let silent = is_silent(params);
    let Some(user) = &state.user else {
        return error(
            "login_required",
            "The client specified not to prompt, but the user is not logged in.",
        );
    };
    if silent && let Some(code) = &state.silent_error {
        return error(
            code,
            "The client specified not to prompt, but a prompt is needed.",
        );
    }
    if silent && too_old {
        return error(
            "login_required",
            "The client specified not to prompt, but the authentication is too old.",
        );
    }
    let asked = params.words("acr_values");
    let known = &shared.settings.acr_values;
    let acr = asked
        .iter()
        .find(|value| known.is_empty() || known.contains(value));
    if acr.is_none() && !asked.is_empty() {
        return error(
            "unmet_authentication_requirements",
            "The user cannot fulfill the authentication requirements of this request.",
        );
    }
    let again = too_old
        || params
            .words("prompt")
            .iter()
            .any(|prompt| prompt == "login");
    let age = if again { 0 } else { state.authentication_age };
    let mut scope = params.words("scope");
    if scope.is_empty() {
        scope.clone_from(&shared.settings.default_scopes);
    }
    let granted = state.granted_scopes.as_ref();
    scope.retain(|word| granted.is_none_or(|granted| granted.contains(word)));
    if fault == Some(&Fault::NarrowerScope) {
        scope.retain(|word| word != "groups" && word != "email");
    }
    Ok(Grant {
        client_id: params.get("client_id").unwrap_or_default().to_owned(),
        scope,
        user: user.clone(),
        sid: random_token(),
        auth_time: state.now().saturating_sub(age),
        acr: acr.cloned(),
        nonce: params.get("nonce").map(str::to_owned),
    })
}
