//! What is refused before any handler sees it: another host, other methods, and queries that could be read two ways.

use http::{HeaderMap, Method, StatusCode, header};

use crate::answer::Answer;
use crate::code::Code;
use crate::failure;
use crate::fetch_metadata::Caller;
use crate::problem;
use crate::public_url::PublicUrl;
use crate::query;
use crate::transaction::Transaction;
use crate::visit::Visit;

/// The protocol's endpoints, whose parameters come from other sites.
const PROTOCOL: &[(&str, &Method)] = &[
    ("/auth/login", &Method::GET),
    ("/auth/callback", &Method::GET),
    ("/auth/logout", &Method::POST),
];

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
    Some(problem::refusal(
        Code::MisdirectedRequest,
        visit.reference(),
        visit.headers(),
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

fn wrong_form(visit: &Visit) -> Option<Answer> {
    let (_, expected) = PROTOCOL.iter().find(|(path, _)| *path == visit.path())?;
    if visit.method() != *expected {
        let answer = problem::refusal(Code::MethodNotAllowed, visit.reference(), visit.headers());
        return Some(answer.header(header::ALLOW, expected.as_str()));
    }
    let code = query::check(visit.query()).err()?;
    // Where the state can still be read, starting again leads where this sign-in was to lead.
    let return_to = query::only(visit.query(), "state")
        .and_then(|state| Transaction::open(visit.bff().ring(), &state).ok())
        .map(|transaction| transaction.asked.return_to);
    Some(failure::answer(
        visit.bff(),
        visit,
        code,
        return_to.as_ref(),
        None,
    ))
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
