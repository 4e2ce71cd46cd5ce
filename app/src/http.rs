//! The request in hand, on the server: the one file that knows `leptos_axum`. `browser` is its counterpart.
//!
//! [`router`] is everything of the application that a request can reach; wrap it with `Bff::install`.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use cloakroom_bff::{
    AccessError, Answer, Caller, Code, ERROR_HEADER, ERROR_PATH, Notice as Left, Visit, denied,
    refusal,
};
use http::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERER, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use leptos::prelude::*;
use leptos::server::ServerActionError;
use leptos::server_fn::error::{FromServerFnError, SERVER_FN_ERROR_HEADER, ServerFnUrlError};
use leptos_axum::{LeptosRoutes, ResponseOptions};
use serde_json::Value;

use crate::App;
use crate::api::{ApiError, Call, Reply, StepUp};
use crate::auth::SessionView;
use crate::csp;
use crate::pages::error::FailureView;
use crate::pages::home::Notice;
use crate::shell::{WATCHED, shell};

/// The longest error of a server function, in bytes: a code, and what an API says of itself.
const MAX_ERROR: usize = 64 * 1024;

/// The pages, every server function at its own path, and a page for what is not there.
///
/// `Bff::install` must be around it: it makes the [`Visit`] that everything here works with.
pub fn router(options: LeptosOptions) -> Router {
    let pages = leptos_axum::generate_route_list(App);
    let mut router = Router::new().leptos_routes_with_handler(pages, page);
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        match MethodFilter::try_from(method) {
            Ok(filter) => router = router.route(path, on(filter, server_function)),
            Err(error) => tracing::error!(path, %error, "a server function cannot be reached"),
        }
    }
    router
        .fallback(page)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(options)
}

/// Renders a page. The session is looked up before: rendering knows it from the first byte on, and where the store
/// does not answer, nobody is shown a page that takes them for signed out.
async fn page(State(options): State<LeptosOptions>, visit: Visit, request: Request) -> Response {
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD)
        && request.uri().path().starts_with('/');
    if !is_page
        || (request
            .extensions()
            .get::<axum::extract::MatchedPath>()
            .is_none()
            && visit.caller() != Caller::Navigation)
    {
        // Nobody looks at a page here: a program, an image, a form to nowhere.
        return refusal(&visit, Code::NotFound).into_response();
    }
    if let Err(error) = visit.session().await
        && request.uri().path() != ERROR_PATH
    {
        return denied(&visit, &error).into_response();
    }
    let provider = visit.bff().provider_origins();
    let context = move || {
        provide_context(visit.clone());
        secure(&provider);
    };
    leptos_axum::render_app_async_with_context(context, move || shell(options.clone()))(request)
        .await
}

/// Runs a server function, and has the answer say by status and headers what its error says.
async fn server_function(visit: Visit, mut request: Request) -> Response {
    if request.uri().path().starts_with("/auth/") {
        // These read the raw query or form from the visit and have no arguments. Leptos must not parse any: where that
        // fails, it redirects to the Referer, which after a sign-in is the provider (server_fn 0.8).
        *request.uri_mut() = Uri::try_from(request.uri().path()).unwrap_or_default();
        *request.body_mut() = Body::empty();
    }
    let is_of_our_own = is_of_our_own(&visit, &request);
    if is_of_our_own {
        // What an earlier form left there to be said is not said again (server_fn 0.8 adds to it).
        without_failure(request.headers_mut());
    } else {
        // Leptos answers a navigation with a redirect to the Referer, with the error in its address. That is for a form
        // on a page of ours; another site would learn by it who is signed in. Without it the answer is plain JSON.
        request.headers_mut().remove(REFERER);
        request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
    }
    let is_form = is_of_our_own
        && text(request.headers(), ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    let response = leptos_axum::handle_server_fns_with_context(
        move || provide_context(visit.clone()),
        request,
    )
    .await
    .into_response();
    if is_form && response.headers().contains_key(LOCATION) {
        return back_to_the_page(response);
    }
    if response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return with_status_of_error(response).await;
    }
    response
}

/// A form without WebAssembly goes back to its page by GET (RFC 9110 section 15.4.4), whatever status its error has.
fn back_to_the_page(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::SEE_OTHER;
    // What is left of the query where an earlier failure was all of it.
    let plain = text(response.headers(), LOCATION)
        .and_then(|page| page.strip_suffix('?'))
        .and_then(|page| HeaderValue::try_from(page).ok());
    if let Some(page) = plain {
        response.headers_mut().insert(LOCATION, page);
    }
    response.headers_mut().remove(ERROR_HEADER);
    response.headers_mut().remove(RETRY_AFTER);
    response
}

/// Leptos alone would answer 500 for every error (`server_fn` 0.8).
async fn with_status_of_error(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_ERROR).await.unwrap_or_default();
    let error = ApiError::de(body.clone());
    // Errors of a function's own type may have codes that this one does not know.
    let code = serde_json::from_slice::<Value>(&body)
        .ok()
        .and_then(|members| Code::parse(members.get("code")?.as_str()?));
    match (error, code) {
        (ApiError::Upstream(problem), _) => {
            parts.status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_GATEWAY);
        }
        (ApiError::Malformed, _) => parts.status = StatusCode::BAD_GATEWAY,
        (_, Some(code)) => {
            parts.status = code.status();
            parts
                .headers
                .insert(ERROR_HEADER, HeaderValue::from_static(code.as_str()));
            if let Some(seconds) = code.retry_after() {
                parts
                    .headers
                    .insert(RETRY_AFTER, HeaderValue::from_static(seconds));
            }
        }
        (_, None) => {}
    }
    Response::from_parts(parts, Body::from(body))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Takes the failure of an earlier form out of the Referer's query.
fn without_failure(headers: &mut HeaderMap) {
    let parts = text(headers, REFERER).and_then(|referer| referer.split_once('?'));
    let Some((page, query)) = parts else {
        return;
    };
    let is_kept = |pair: &&str| !pair.starts_with("__path=") && !pair.starts_with("__err=");
    let kept: Vec<&str> = query.split('&').filter(is_kept).collect();
    let mark = if kept.is_empty() { "" } else { "?" };
    if let Ok(value) = HeaderValue::try_from(format!("{page}{mark}{}", kept.join("&"))) {
        headers.insert(REFERER, value);
    }
}

/// Whether a page of this origin sent the request, by its Referer.
fn is_of_our_own(visit: &Visit, request: &Request) -> bool {
    let origin = visit.bff().settings().public_url.origin();
    text(request.headers(), REFERER)
        .and_then(|referer| referer.strip_prefix(origin))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn method_not_allowed(visit: Visit) -> Answer {
    refusal(&visit, Code::MethodNotAllowed)
}

/// Sends the Content Security Policy with the nonce of this page.
fn secure(provider: &[String]) {
    let nonce = leptos::nonce::use_nonce();
    let policy = csp::policy(nonce.as_deref(), provider, WATCHED);
    if let (Some(response), Ok(policy)) = (
        use_context::<ResponseOptions>(),
        HeaderValue::try_from(policy),
    ) {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    } else {
        tracing::error!("a page goes out without its Content-Security-Policy");
    }
}

/// The request's handle, in a server function or while a page is rendered.
pub fn visit() -> Option<Visit> {
    use_context::<Visit>()
}

/// The error that goes with a refusal, with its status and code set on the answer under way.
pub fn deny(error: &AccessError) -> ApiError {
    let code = error.code();
    answer_with(code.status(), code);
    match error {
        AccessError::StepUp(wanted) => ApiError::StepUp(StepUp {
            acr_values: wanted.acr_values.clone(),
            max_age: wanted.max_age,
        }),
        _ => ApiError::from_code(code.as_str()),
    }
}

/// Makes a call in the name of whoever this request comes from.
pub(crate) async fn call(call: &Call) -> Result<Reply, ApiError> {
    let visit = visit().ok_or(ApiError::Internal)?;
    let (name, path) = call.upstream().ok_or(ApiError::RouteNotAllowed)?;
    let mut request = http::Request::builder()
        .method(call.method().as_str())
        .uri(path)
        .header(ACCEPT, "application/json");
    if call.body().is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = Bytes::from(call.body().unwrap_or_default().to_owned());
    let request = request.body(body).map_err(|_| ApiError::RouteNotAllowed)?;
    let response = visit.call_api(name, request).await.map_err(|error| {
        let code = error.code();
        tracing::info!(api = name, code = code.as_str(), %error, "a call to an API came to nothing");
        ApiError::from_code(code.as_str())
    })?;
    let headers = response.headers();
    let lines: Vec<&str> = headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    Ok(Reply {
        status: response.status().as_u16(),
        refused: None,
        challenges: (!lines.is_empty()).then(|| lines.join(", ")),
        retry_after: headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        body: String::from_utf8_lossy(response.body()).into_owned(),
    })
}

fn answer_with(status: StatusCode, code: Code) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
        response.insert_header(ERROR_HEADER, HeaderValue::from_static(code.as_str()));
        if let Some(seconds) = code.retry_after() {
            response.insert_header(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
    }
}

/// Who is signed in, for the first paint.
pub(crate) fn session() -> SessionView {
    visit()
        .and_then(|visit| {
            visit
                .known_session()
                .map(|session| SessionView::of(&session, visit.bff().now()))
        })
        .unwrap_or_default()
}

/// What the page before left to be said, once.
pub(crate) fn notice() -> Option<Notice> {
    let visit = visit()?;
    let is_signed_in = visit.known_session().is_some();
    visit.take_notice().and_then(|left| match left {
        Left::SignedOut => Some(Notice::SignedOut),
        Left::SignedOutHere => Some(Notice::SignedOutHere),
        // Who is signed in here has nothing to do about it.
        Left::NotSignedInSilently => (!is_signed_in).then_some(Notice::NotSignedInSilently),
        // The enum is not exhaustive: what has no words here is not shown.
        _ => None,
    })
}

/// What the error page says; the page gets the status that goes with it.
pub(crate) fn failure() -> FailureView {
    let Some(visit) = visit() else {
        return FailureView::default();
    };
    let failure = visit.bff().failure(&visit);
    answer_with(failure.code.status(), failure.code);
    FailureView {
        title: failure.code.title().to_owned(),
        text: failure.code.text().to_owned(),
        try_again: failure.try_again(),
        back: visit
            .known_session()
            .and(Some(failure.return_to.as_str()))
            .filter(|path| *path != "/")
            .map(str::to_owned),
        detail: failure.detail,
        reference: failure.reference,
    }
}

/// What the form that led back here was answered, without WebAssembly: the server function's path, and the error. It
/// stands in the page's address, so it holds no words but ours.
pub(crate) fn failed_form() -> Option<(String, ApiError)> {
    let failed = use_context::<ServerActionError>()?;
    let error = ServerFnUrlError::<ApiError>::decode_err(failed.err());
    Some((failed.path().to_owned(), error.without_words()))
}

/// Says that there is nothing at this address.
pub(crate) fn not_found() {
    answer_with(Code::NotFound.status(), Code::NotFound);
}

/// Leads to sign in and back, before a byte of the page is sent.
pub(crate) fn lead_to_sign_in() {
    if let Some(visit) = visit() {
        let answer = denied(&visit, &AccessError::SignedOut);
        visit.send(answer);
    }
}
