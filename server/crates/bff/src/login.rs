//! `GET /auth/login`: begins a sign-in and leads the browser to the provider
//! (OpenID Connect Core section 3.1.2.1, RFC 7636 section 4.3).

use cloakroom_oidc::client::ProviderError;
use cloakroom_oidc::{AuthorizationRequest, pkce};
use http::StatusCode;
use serde_json::json;
use thiserror::Error;

use crate::answer::Answer;
use crate::bff::Bff;
use crate::code::Code;
use crate::failure;
use crate::fetch_metadata::{Caller, Site};
use crate::problem;
use crate::query;
use crate::return_to::{ReturnTo, ReturnToError};
use crate::time::random_bytes;
use crate::transaction::{Asked, Binding, MAX_ACR_VALUES, Transaction, provider_tag};
use crate::visit::Visit;

/// The longest `login_hint`, in bytes: an email address has at most 254.
const MAX_LOGIN_HINT: usize = 256;
/// The largest `max_age`, in seconds: Okta's bound.
const MAX_MAX_AGE: u64 = (1 << 31) - 1;

/// Why a sign-in could not begin.
#[derive(Debug, Error)]
enum LoginError {
    #[error("the return path was refused: {0}")]
    ReturnTo(#[from] ReturnToError),
    /// A parameter of the sign-in link that the provider should not be bothered with.
    #[error("the parameter {0} of the sign-in link is not one that can be sent on")]
    Parameter(&'static str),
    /// Discovery failed (OpenID Connect Discovery 1.0 section 4).
    #[error("the provider's metadata cannot be had: {0}")]
    Provider(#[from] ProviderError),
}

impl LoginError {
    fn code(&self) -> Code {
        match self {
            Self::ReturnTo(_) => Code::ReturnToRefused,
            Self::Parameter(_) => Code::ParameterMalformed,
            Self::Provider(_) => Code::ProviderDown,
        }
    }
}

/// What the sign-in link may ask for.
#[derive(Debug)]
struct Wish {
    return_to: ReturnTo,
    prompt: Option<String>,
    login_hint: Option<String>,
    max_age: Option<u64>,
    acr_values: Vec<String>,
}

impl Bff {
    /// Begins a sign-in. A navigation is led to the provider (303); a fetch of ours gets 200 and the address as
    /// `{"location": "https://.."}`, for the page to go there itself. Frames, images and prefetches get 403 and no cookie.
    pub async fn login(&self, visit: &Visit) -> Answer {
        let caller = visit.caller();
        match (caller, visit.site()) {
            (Caller::Embedded, _) => {
                return problem::document(Code::NotANavigation, visit.reference());
            }
            (Caller::Fetch, Site::Other) => {
                return problem::document(Code::CrossSite, visit.reference());
            }
            _ => {}
        }
        match self.begin(visit).await {
            Ok((location, binding)) => {
                let answer = match caller {
                    Caller::Fetch => Answer::json(StatusCode::OK, &json!({ "location": location })),
                    _ => Answer::see_other(&location),
                };
                answer.cookie(self.cookies().set_binding(binding.as_str()))
            }
            Err(error) => {
                let code = error.code();
                tracing::warn!(code = code.as_str(), %error, "a sign-in could not begin");
                let return_to = wish(visit).ok().map(|wish| wish.return_to);
                failure::answer(self, visit, code, return_to.as_ref(), None)
            }
        }
    }

    async fn begin(&self, visit: &Visit) -> Result<(String, Binding), LoginError> {
        let wish = wish(visit)?;
        let metadata = self.provider().metadata().await?;
        let binding = self
            .cookies()
            .binding(visit.headers())
            .and_then(Binding::parse)
            .unwrap_or_else(|| Binding::from_bytes(random_bytes(self.random())));
        let asked = Asked {
            provider: provider_tag(&metadata.issuer),
            return_to: wish.return_to,
            begun_at: self.now(),
            max_age: wish.max_age,
            acr_values: wish.acr_values.clone(),
        };
        let (transaction, state) =
            Transaction::begin(self.ring(), asked, &binding, random_bytes(self.random()));
        let redirect_uri = self.settings().public_url.redirect_uri();
        let scope = self.scope(&metadata);
        let acr_values = wish.acr_values.join(" ");
        let url = AuthorizationRequest {
            client_id: &self.settings().client_id,
            redirect_uri: &redirect_uri,
            scope: (!scope.is_empty()).then_some(scope.as_str()),
            state: &state,
            nonce: &transaction.nonce(&binding),
            code_challenge: &pkce::challenge(&transaction.verifier(&binding)),
            prompt: wish.prompt.as_deref(),
            login_hint: wish.login_hint.as_deref(),
            max_age: wish.max_age,
            acr_values: (!acr_values.is_empty()).then_some(acr_values.as_str()),
            ui_locales: None,
            extra: &[],
        }
        .url(&metadata);
        Ok((url.into(), binding))
    }
}

fn wish(visit: &Visit) -> Result<Wish, LoginError> {
    let query = visit.query();
    let acr_values = query::get(query, "acr_values").unwrap_or_default();
    if acr_values.len() > MAX_ACR_VALUES
        || !acr_values
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return Err(LoginError::Parameter("acr_values"));
    }
    let login_hint = query::get(query, "login_hint").filter(|hint| !hint.is_empty());
    if login_hint
        .as_ref()
        .is_some_and(|hint| hint.len() > MAX_LOGIN_HINT || hint.chars().any(char::is_control))
    {
        return Err(LoginError::Parameter("login_hint"));
    }
    let prompt = query::get(query, "prompt").filter(|prompt| !prompt.is_empty());
    if prompt.as_deref().is_some_and(|prompt| !is_prompt(prompt)) {
        return Err(LoginError::Parameter("prompt"));
    }
    let max_age = match query::get(query, "max_age").as_deref() {
        None | Some("") => None,
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => Some(
            text.parse()
                .ok()
                .filter(|age| *age <= MAX_MAX_AGE)
                .ok_or(LoginError::Parameter("max_age"))?,
        ),
        Some(_) => return Err(LoginError::Parameter("max_age")),
    };
    Ok(Wish {
        return_to: return_to(visit)?,
        prompt,
        login_hint,
        max_age,
        acr_values: acr_values
            .split_ascii_whitespace()
            .map(str::to_owned)
            .collect(),
    })
}

/// The path asked for; without one, a script of ours comes back to the page it ran on.
fn return_to(visit: &Visit) -> Result<ReturnTo, LoginError> {
    match query::get(visit.query(), "return_to") {
        Some(text) if text.is_empty() => Ok(ReturnTo::root()),
        Some(text) => Ok(ReturnTo::parse(&text)?),
        None if visit.caller() == Caller::Fetch => {
            Ok(own_referer(visit).unwrap_or_else(ReturnTo::root))
        }
        None => Ok(ReturnTo::root()),
    }
}

fn own_referer(visit: &Visit) -> Option<ReturnTo> {
    let referer = visit.headers().get(http::header::REFERER)?.to_str().ok()?;
    let path = referer.strip_prefix(visit.bff().settings().public_url.origin())?;
    ReturnTo::parse(path).ok()
}

/// The values of OpenID Connect Core section 3.1.2.1 (and `create`, Initiating User Registration 1.0); `none` stands alone.
fn is_prompt(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    words == ["none"]
        || words
            .iter()
            .all(|word| matches!(*word, "login" | "consent" | "select_account" | "create"))
}

#[cfg(test)]
mod tests {
    use super::is_prompt;

    #[test]
    fn prompt_is_one_of_the_standards_words() {
        for good in [
            "none",
            "login",
            "consent",
            "login consent",
            "select_account",
        ] {
            assert!(is_prompt(good));
        }
        for bad in [
            "",
            "none login",
            "login  consent",
            "Login",
            "login&x=y",
            "frob",
        ] {
            assert!(!is_prompt(bad), "{bad}");
        }
    }
}
