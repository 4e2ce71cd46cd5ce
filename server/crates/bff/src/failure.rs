//! A sign-in that failed: where the person is led, and what the page there says.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::access::StepUp;
use crate::answer::Answer;
use crate::bff::Bff;
use crate::code::Code;
use crate::fetch_metadata::Caller;
use crate::problem;
use crate::query;
use crate::reference;
use crate::return_to::ReturnTo;
use crate::time::random_bytes;
use crate::transaction::Binding;
use crate::visit::Visit;

/// Under this address the application shows what happened.
pub const ERROR_PATH: &str = "/auth/error";
const DETAIL: &str = "cloakroom error detail";
/// The longest text of a provider that is shown, in bytes.
const MAX_DETAIL: usize = 512;

/// What the error page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable code.
    pub code: Code,
    /// The correlation id of the request that failed.
    pub reference: Option<String>,
    /// Where the sign-in was to lead.
    pub return_to: ReturnTo,
    /// What the provider said, as text from outside: show it as text, and as somebody else's words.
    pub detail: Option<String>,
}

impl Failure {
    /// A link that starts again and leads where the first one was to lead.
    pub fn try_again(&self) -> String {
        sign_in_path(&self.return_to)
    }
}

/// The sign-in link that comes back to `return_to`.
pub fn sign_in_path(return_to: &ReturnTo) -> String {
    if *return_to == ReturnTo::root() {
        return "/auth/login".to_owned();
    }
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", return_to.as_str())
        .finish();
    format!("/auth/login?{query}")
}

/// The sign-in link that asks for a stronger or more recent authentication (RFC 9470 section 4) and comes back to
/// `return_to`.
pub fn step_up_path(return_to: &ReturnTo, step_up: &StepUp) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if *return_to != ReturnTo::root() {
        query.append_pair("return_to", return_to.as_str());
    }
    if !step_up.acr_values.is_empty() {
        query.append_pair("acr_values", &step_up.acr_values.join(" "));
    }
    if let Some(seconds) = step_up.max_age {
        query.append_pair("max_age", &seconds.to_string());
    }
    let query = query.finish();
    if query.is_empty() {
        return sign_in_path(return_to);
    }
    format!("/auth/login?{query}")
}

/// Leads a person to the error page; tells a program by a problem document.
pub(crate) fn answer(
    bff: &Bff,
    visit: &Visit,
    code: Code,
    return_to: Option<&ReturnTo>,
    detail: Option<&str>,
) -> Answer {
    if visit.caller() != Caller::Navigation {
        return problem::document(code, visit.reference());
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("code", code.as_str())
        .append_pair("ref", visit.reference());
    if let Some(path) = return_to.filter(|path| **path != ReturnTo::root()) {
        query.append_pair("return_to", path.as_str());
    }
    if let Some(sealed) = detail.and_then(|detail| seal_detail(bff, visit, detail)) {
        query.append_pair("detail", &sealed);
    }
    Answer::see_other(&format!("{ERROR_PATH}?{}", query.finish()))
        .header(problem::ERROR_HEADER, code.as_str())
}

/// A provider's words travel sealed to this browser: nobody can put words of their own on our error page by a link.
fn seal_detail(bff: &Bff, visit: &Visit, detail: &str) -> Option<String> {
    let binding = bff
        .cookies()
        .binding(visit.headers())
        .and_then(Binding::parse)?;
    let mut end = detail.len().min(MAX_DETAIL);
    while !detail.is_char_boundary(end) {
        end -= 1;
    }
    let sealed = bff.ring().seal(
        DETAIL,
        binding.as_str().as_bytes(),
        &[],
        &detail.as_bytes()[..end],
        random_bytes(bff.random()),
    );
    Some(URL_SAFE_NO_PAD.encode(sealed))
}

impl Bff {
    /// What the error page is to say, read from its own address. Whatever stands there, the answer is made of our
    /// own words, a reference of ours, a path on this origin, and a text that we sealed for this browser.
    pub fn failure(&self, visit: &Visit) -> Failure {
        let raw = visit.query();
        let query = if query::check(raw).is_ok() { raw } else { "" };
        Failure {
            code: query::get(query, "code")
                .and_then(|code| Code::parse(&code))
                .unwrap_or(Code::ResponseMalformed),
            reference: query::get(query, "ref").filter(|text| reference::is_one(text)),
            return_to: query::get(query, "return_to")
                .and_then(|path| ReturnTo::parse(&path).ok())
                .unwrap_or_else(ReturnTo::root),
            detail: query::get(query, "detail").and_then(|sealed| self.open_detail(visit, &sealed)),
        }
    }

    fn open_detail(&self, visit: &Visit, sealed: &str) -> Option<String> {
        let binding = self
            .cookies()
            .binding(visit.headers())
            .and_then(Binding::parse)?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let opened = self
            .ring()
            .open(DETAIL, binding.as_str().as_bytes(), &[], &sealed)
            .ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }
}
