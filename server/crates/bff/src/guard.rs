//! What is refused before any handler sees it: another host, other methods, and queries and forms that could be read two
//! ways.

use axum::extract::Request;
use http::{HeaderMap, Method, StatusCode, header};

use crate::answer::Answer;
use crate::arrival::ARRIVAL_PATH;
use crate::callback::CALLBACK_PATH;
use crate::code::Code;
use crate::failure;
use crate::fetch_metadata::Caller;
use crate::form;
use crate::initiate::INITIATE_PATH;
use crate::problem;
use crate::public_url::PublicUrl;
use crate::query;
use crate::settings::ResponseMode;
use crate::transaction::Transaction;
use crate::visit::Visit;

/// The refusal for a request that must not reach a handler.
pub(crate) fn refuse(visit: &Visit) -> Option<Answer> {
    wrong_host(visit).or_else(|| wrong_form(visit))
}

/// Under another name than the public one a navigation is sent to it before any cookie is set; anything else gets 421
/// (RFC 9110 section 15.5.20).
fn wrong_host(visit: &Visit) -> Option<Answer> {
    let public = &visit.bff().settings().public_url;
    if is_named(public, visit.headers(), visit.authority()) {
        return None;
    }
    if visit.caller() == Caller::Navigation
        && visit.method() == Method::GET
        && visit.path_and_query().starts_with('/')
    {
        let location = format!("{}{}", public.origin(), visit.path_and_query());
        return Some(
            Answer::empty(StatusCode::TEMPORARY_REDIRECT).header(header::LOCATION, &location),
        );
    }
    Some(problem::refusal_for(
        visit.caller(),
        Code::MisdirectedRequest,
        visit.reference(),
    ))
}

/// Whether the request names the public URL's host: in `Host`, or in an HTTP/2 request's `:authority`, or both alike.
fn is_named(public: &PublicUrl, headers: &HeaderMap, authority: Option<&str>) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return false,
        (Some(value), None) => match value.to_str() {
            Ok(text) => Some(text),
            Err(_) => return false,
        },
        (None, None) => None,
    };
    (host.is_some() || authority.is_some())
        && [host, authority]
            .into_iter()
            .flatten()
            .all(|name| public.is_host(name))
}

/// What the protocol's endpoints, whose parameters come from other sites, are asked with.
fn methods(visit: &Visit) -> Option<&'static [Method]> {
    const GET: &[Method] = &[Method::GET];
    const POST: &[Method] = &[Method::POST];
    const BOTH: &[Method] = &[Method::GET, Method::POST];
    match visit.path() {
        "/auth/login" | ARRIVAL_PATH => Some(GET),
        CALLBACK_PATH => match visit.bff().settings().response_mode {
            ResponseMode::Query => Some(GET),
            // A provider that does not know form_post says so in the query. A code never comes there.
            ResponseMode::FormPost if query::holds(visit.query(), "code") => Some(POST),
            ResponseMode::FormPost => Some(BOTH),
        },
        "/auth/logout" => Some(POST),
        INITIATE_PATH => Some(BOTH),
        _ => None,
    }
}

/// Whether other sites post forms to this address, each of which proves itself otherwise than by its origin: the
/// provider's answer by `state` and binding cookie, third-party-initiated login by doing no more than any link does.
pub(crate) fn takes_forms(response_mode: ResponseMode, method: &Method, path: &str) -> bool {
    method == Method::POST
        && (path == INITIATE_PATH
            || (path == CALLBACK_PATH && response_mode == ResponseMode::FormPost))
}

fn wrong_form(visit: &Visit) -> Option<Answer> {
    let methods = methods(visit)?;
    if !methods.contains(visit.method()) {
        let answer = problem::refusal(Code::MethodNotAllowed, visit.reference(), visit.headers());
        let allowed: Vec<&str> = methods.iter().map(Method::as_str).collect();
        return Some(answer.header(header::ALLOW, &allowed.join(", ")));
    }
    if takes_forms(
        visit.bff().settings().response_mode,
        visit.method(),
        visit.path(),
    ) {
        // What stands in the address is not read.
        return None;
    }
    let code = query::check(visit.query()).err()?;
    Some(refuse_parameters(visit, code, visit.query()))
}

/// The refusal for parameters that are not as they should be. Where the state can still be read, starting again leads
/// where this sign-in was to lead.
fn refuse_parameters(visit: &Visit, code: Code, parameters: &str) -> Answer {
    let return_to = query::only(parameters, "state")
        .and_then(|state| Transaction::open(visit.bff().ring(), &state).ok())
        .map(|transaction| transaction.asked.return_to);
    failure::answer(visit.bff(), visit, code, return_to.as_ref(), None)
}

/// Takes the form that another site posts to one of our endpoints, and leaves the request without a body. An answer is
/// the refusal of one that is not as it should be.
pub(crate) async fn take_form(visit: &Visit, request: &mut Request) -> Option<Answer> {
    let mode = visit.bff().settings().response_mode;
    if !takes_forms(mode, visit.method(), visit.path()) {
        return None;
    }
    match form::take(request).await {
        Ok(form) => {
            visit.take_form(form);
            None
        }
        Err((code, text)) => Some(refuse_parameters(visit, code, &text)),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::is_named;
    use crate::public_url::PublicUrl;

    #[test]
    fn host_and_authority_must_both_be_right() {
        let public = PublicUrl::parse("https://app.example.com").expect("a URL");
        let with = |hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            headers
        };
        assert!(is_named(&public, &with(&["app.example.com"]), None));
        assert!(is_named(&public, &with(&[]), Some("app.example.com")));
        assert!(is_named(
            &public,
            &with(&["app.example.com"]),
            Some("app.example.com:443")
        ));
        assert!(!is_named(
            &public,
            &with(&["app.example.com"]),
            Some("evil.example")
        ));
        assert!(!is_named(
            &public,
            &with(&["evil.example"]),
            Some("app.example.com")
        ));
        assert!(!is_named(
            &public,
            &with(&["app.example.com", "app.example.com"]),
            None
        ));
        assert!(!is_named(&public, &with(&[]), None));
    }
}
