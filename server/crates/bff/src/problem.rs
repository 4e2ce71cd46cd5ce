//! How a refusal is said: problem documents for programs (RFC 9457), plain pages for people.

use http::{HeaderMap, HeaderName, header};
use serde_json::{Value, json};

use crate::access::StepUp;
use crate::answer::Answer;
use crate::code::Code;
use crate::failure::step_up_path;
use crate::fetch_metadata::Caller;
use crate::return_to::ReturnTo;

/// Names the code on every refusal of ours, so that a program can tell it from an answer of an API behind the proxy.
pub const ERROR_HEADER: HeaderName = HeaderName::from_static("cloakroom-error");

/// The refusal in the form that this caller can use.
pub(crate) fn refusal(code: Code, reference: &str, headers: &HeaderMap) -> Answer {
    refusal_for(Caller::of(headers), code, reference)
}

/// The refusal for a caller that is known.
pub(crate) fn refusal_for(caller: Caller, code: Code, reference: &str) -> Answer {
    match caller {
        Caller::Navigation => page(code, reference),
        Caller::Fetch | Caller::Embedded => document(code, reference),
    }
}

/// `application/problem+json` with a stable `code`.
pub(crate) fn document(code: Code, reference: &str) -> Answer {
    document_with(code, reference, "/auth/login", &[])
}

/// As [`document`], with what a sign-in has to ask for (RFC 9470 section 4).
pub(crate) fn step_up_document(step_up: &StepUp, reference: &str) -> Answer {
    let code = Code::InsufficientUserAuthentication;
    let sign_in = step_up_path(&ReturnTo::root(), step_up);
    let members = [
        ("acr_values", json!(step_up.acr_values)),
        ("max_age", json!(step_up.max_age)),
    ];
    document_with(code, reference, &sign_in, &members)
}

fn document_with(code: Code, reference: &str, sign_in: &str, more: &[(&str, Value)]) -> Answer {
    let mut body = json!({
        "type": "about:blank",
        "title": code.title(),
        "status": code.status().as_u16(),
        "detail": code.text(),
        "code": code.as_str(),
        "ref": reference,
    });
    if let Some(members) = body.as_object_mut() {
        if code.is_mended_by_signing_in() {
            members.insert("sign_in".to_owned(), json!(sign_in));
        }
        let said = more.iter().filter(|(_, value)| !value.is_null());
        members.extend(said.map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    with_headers(
        Answer::json(code.status(), &body).header(header::CONTENT_TYPE, "application/problem+json"),
        code,
    )
}

/// A page that needs nothing but itself, for refusals that come before the application's own pages.
pub(crate) fn page(code: Code, reference: &str) -> Answer {
    page_with_link(code, reference, "/", "Go to the start page")
}

/// As [`page`], with the one link that goes on.
pub(crate) fn page_with_link(code: Code, reference: &str, href: &str, words: &str) -> Answer {
    // A page that tries again by itself: nobody should have to guess when to press reload.
    let refresh = if code.retry_after().is_some() {
        "<meta http-equiv=\"refresh\" content=\"5\">"
    } else {
        ""
    };
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">{refresh}\
         <link rel=\"stylesheet\" href=\"/pkg/cloakroom.css\"><title>{title}</title></head>\
         <body><main class=\"notice-page\"><h1>{title}</h1><p>{text}</p>\
         <p><a class=\"button\" href=\"{href}\">{words}</a></p>\
         {reference}\
         </main></body></html>",
        title = escape(code.title()),
        text = escape(code.text()),
        href = escape(href),
        words = escape(words),
        reference = if reference.is_empty() {
            String::new()
        } else {
            format!(
                "<p class=\"reference\">Reference <code data-testid=\"error-reference\">{}</code></p>",
                escape(reference)
            )
        },
    );
    with_headers(Answer::html(code.status(), body), code)
}

fn with_headers(answer: Answer, code: Code) -> Answer {
    let answer = answer.header(ERROR_HEADER, code.as_str());
    match code.retry_after() {
        Some(seconds) => answer.header(header::RETRY_AFTER, seconds),
        None => answer,
    }
}

/// Text as text in HTML, also in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::{ERROR_HEADER, document, escape, page};
    use crate::code::Code;

    #[test]
    fn a_problem_document_names_code_status_and_reference() {
        let answer = document(Code::SignedOut, "r1");
        let body: serde_json::Value = serde_json::from_slice(answer.body()).expect("JSON");
        assert_eq!(answer.status(), 401);
        assert_eq!(body["code"], "signed_out");
        assert_eq!(body["status"], 401);
        assert_eq!(body["ref"], "r1");
        assert_eq!(body["sign_in"], "/auth/login");
        assert_eq!(answer.headers()[ERROR_HEADER], "signed_out");
        assert_eq!(
            answer.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    }

    #[test]
    fn what_may_pass_says_when_to_ask_again() {
        assert_eq!(
            document(Code::StoreDown, "r").headers()[header::RETRY_AFTER],
            "5"
        );
        assert!(
            !document(Code::Forbidden, "r")
                .headers()
                .contains_key(header::RETRY_AFTER)
        );
        assert!(
            String::from_utf8_lossy(page(Code::StoreDown, "r").body())
                .contains("http-equiv=\"refresh\"")
        );
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escape("<a href=\"x\">&'"),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"
        );
    }
}
