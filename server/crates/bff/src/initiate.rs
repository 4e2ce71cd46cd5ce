//! `/auth/initiate`: another site, such as a provider's dashboard, asks that a sign-in begin here
//! (OpenID Connect Core section 4).

use http::Method;
use thiserror::Error;
use url::Url;

use crate::answer::Answer;
use crate::bff::Bff;
use crate::code::Code;
use crate::failure;
use crate::fetch_metadata::Caller;
use crate::login::LoginError;
use crate::problem;
use crate::public_url::PublicUrl;
use crate::query;
use crate::return_to::{ReturnTo, ReturnToError};
use crate::visit::Visit;
use crate::wish::{self, Wish, WishError};

/// The address to register as `initiate_login_uri`.
pub(crate) const INITIATE_PATH: &str = "/auth/initiate";
/// What is taken of a request; everything else is ignored, as section 4 says.
const PARAMETERS: [&str; 3] = ["iss", "login_hint", "target_link_uri"];

/// Why another site's wish was refused.
#[derive(Debug, Error)]
enum InitiateError {
    /// No `iss`, or not the issuer that is configured.
    #[error("the request names another issuer than the one configured, or none")]
    Issuer,
    /// `target_link_uri` leads elsewhere: it must be verified, for this would be an open redirector.
    #[error("target_link_uri was refused: {0}")]
    Target(ReturnToError),
    #[error("{0}")]
    Wish(#[from] WishError),
    #[error("{0}")]
    Login(#[from] LoginError),
}

impl InitiateError {
    fn code(&self) -> Code {
        match self {
            Self::Issuer => Code::IssuerUnknown,
            Self::Target(_) => Code::ReturnToRefused,
            Self::Wish(_) => Code::ParameterMalformed,
            Self::Login(error) => error.code(),
        }
    }

    /// The finer code, for the log.
    fn detail(&self) -> &'static str {
        match self {
            Self::Login(error) => error.detail(),
            other => other.code().as_str(),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Login(error) => error.hint(),
            _ => None,
        }
    }
}

impl Bff {
    /// Begins a sign-in that another site asks for: 303 to the provider, as any sign-in. It has no say but in whom to
    /// expect and where to go afterwards, and it signs nobody in: the provider still asks the person.
    ///
    /// A POST gets 303 to the same address first: with it the browser sent no cookie of ours.
    pub async fn initiate(&self, visit: &Visit) -> Answer {
        if visit.caller() != Caller::Navigation {
            return problem::document(Code::NotANavigation, visit.reference());
        }
        if visit.method() == Method::POST {
            return Answer::see_other(&again(visit.parameters()));
        }
        match self.begin_for_another_site(visit).await {
            Ok(answer) => answer,
            Err(error) => {
                let code = error.code();
                tracing::warn!(code = code.as_str(), detail = error.detail(), hint = error.hint(), %error, "a sign-in that another site asked for could not begin");
                let return_to = target(visit).ok();
                failure::answer(self, visit, code, return_to.as_ref(), None)
            }
        }
    }

    async fn begin_for_another_site(&self, visit: &Visit) -> Result<Answer, InitiateError> {
        let issuer = query::get(visit.query(), "iss");
        if issuer.as_deref() != Some(self.settings().issuer.as_str()) {
            return Err(InitiateError::Issuer);
        }
        let wish = Wish {
            login_hint: wish::login_hint(visit.query())?,
            ..Wish::to(target(visit).map_err(InitiateError::Target)?)
        };
        let (location, binding) = self.begin(visit, wish).await?;
        Ok(Answer::see_other(&location).cookie(self.cookies().set_binding(binding.as_str())))
    }
}

/// The same wish as a GET: the three parameters, written again.
fn again(parameters: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in PARAMETERS {
        if let Some(value) = query::get(parameters, name) {
            query.append_pair(name, &value);
        }
    }
    format!("{INITIATE_PATH}?{}", query.finish())
}

fn target(visit: &Visit) -> Result<ReturnTo, ReturnToError> {
    match query::get(visit.query(), "target_link_uri") {
        Some(text) if !text.is_empty() => own_path(&visit.bff().settings().public_url, &text),
        _ => Ok(ReturnTo::root()),
    }
}

/// The path of an absolute address of this origin, parsed as any return path is.
fn own_path(public: &PublicUrl, text: &str) -> Result<ReturnTo, ReturnToError> {
    // The URL parser repairs these; who writes them means to be read in two ways.
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return Err(ReturnToError::Characters);
    }
    let url = Url::parse(text).map_err(|_| ReturnToError::OtherOrigin)?;
    if url.origin().ascii_serialization() != public.origin()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(ReturnToError::OtherOrigin);
    }
    ReturnTo::parse(&url[url::Position::BeforePath..])
}

#[cfg(test)]
mod tests {
    use super::{again, own_path};
    use crate::public_url::PublicUrl;
    use crate::return_to::ReturnToError;

    fn path(text: &str) -> Result<String, ReturnToError> {
        let public = PublicUrl::parse("https://app.example.com").expect("a public URL");
        own_path(&public, text).map(|path| path.as_str().to_owned())
    }

    #[test]
    fn an_address_of_this_origin_is_a_return_path() {
        for (target, expected) in [
            ("https://app.example.com", "/"),
            ("https://app.example.com/", "/"),
            (
                "https://APP.example.com:443/orders?page=2#end",
                "/orders?page=2#end",
            ),
        ] {
            assert_eq!(path(target).as_deref(), Ok(expected), "{target}");
        }
    }

    #[test]
    fn every_other_address_is_refused() {
        for target in [
            "/orders",
            "//app.example.com/orders",
            "http://app.example.com/orders",
            "https://app.example.com:444/",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "https://me@app.example.com/",
            "https://evil.example/https://app.example.com/",
            "https:\\\\app.example.com\\orders",
            "https://app.example.com\t/",
            "javascript:alert(1)",
            "https://app.example.com//evil.example",
            "https://app.example.com/auth/callback?code=x",
            "https://app.example.com/a/..%2fauth/logout",
        ] {
            assert!(path(target).is_err(), "{target}");
        }
    }

    #[test]
    fn a_post_is_written_again_with_what_is_taken_and_nothing_else() {
        assert_eq!(
            again(
                "iss=https%3A%2F%2Fop.example&prompt=none&login_hint=a%26b&return_to=%2Fx&target_link_uri=https%3A%2F%2Fa"
            ),
            "/auth/initiate?iss=https%3A%2F%2Fop.example&login_hint=a%26b&target_link_uri=https%3A%2F%2Fa"
        );
        assert_eq!(again(""), "/auth/initiate?");
    }
}
