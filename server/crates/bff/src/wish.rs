//! What a sign-in link may ask for, checked before any of it is sent on (OpenID Connect Core section 3.1.2.1).

use thiserror::Error;

use crate::fetch_metadata::Caller;
use crate::parameter_name::ParameterName;
use crate::query;
use crate::return_to::{ReturnTo, ReturnToError};
use crate::transaction::MAX_ACR_VALUES;
use crate::visit::Visit;

/// The longest `login_hint`, in bytes: an email address has at most 254.
const MAX_LOGIN_HINT: usize = 256;
/// The largest `max_age`, in seconds: Okta's bound.
const MAX_MAX_AGE: u64 = (1 << 31) - 1;
/// The longest `ui_locales`, in bytes: room for a dozen language tags.
const MAX_UI_LOCALES: usize = 128;
/// The longest `idp`, in bytes. Okta's have twenty.
const MAX_IDP: usize = 128;
/// The longest value of a parameter that a setting allows, in bytes.
const MAX_ADDED: usize = 512;

/// What a sign-in asks for.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) return_to: ReturnTo,
    pub(crate) prompt: Option<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) max_age: Option<u64>,
    pub(crate) acr_values: Vec<String>,
    pub(crate) ui_locales: Option<String>,
    /// Parameters of no meaning here: Okta's `idp`, and those that a setting allows.
    pub(crate) added: Vec<(String, String)>,
}

/// Why a sign-in link was refused.
#[derive(Debug, Error)]
pub(crate) enum WishError {
    #[error("the return path was refused: {0}")]
    ReturnTo(#[from] ReturnToError),
    /// A parameter that the provider should not be bothered with.
    #[error("the parameter {0} of the sign-in link is not one that can be sent on")]
    Parameter(String),
}

impl Wish {
    /// To come back to this page, and nothing more.
    pub(crate) fn to(return_to: ReturnTo) -> Self {
        Self {
            return_to,
            prompt: None,
            login_hint: None,
            max_age: None,
            acr_values: Vec::new(),
            ui_locales: None,
            added: Vec::new(),
        }
    }

    /// Reads the link that the request followed.
    pub(crate) fn read(visit: &Visit) -> Result<Self, WishError> {
        let query = visit.query();
        let acr_values = sound(query, "acr_values", |text| {
            text.len() <= MAX_ACR_VALUES
                && text
                    .bytes()
                    .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        })?;
        let prompt = sound(query, "prompt", is_prompt)?;
        let ui_locales = sound(query, "ui_locales", is_ui_locales)?;
        let max_age = match sound(query, "max_age", |text| {
            text.bytes().all(|byte| byte.is_ascii_digit())
        })? {
            None => None,
            Some(text) => Some(
                text.parse()
                    .ok()
                    .filter(|age| *age <= MAX_MAX_AGE)
                    .ok_or_else(|| WishError::Parameter("max_age".to_owned()))?,
            ),
        };
        let idp = sound(query, "idp", |text| {
            text.len() <= MAX_IDP && text.bytes().all(|byte| byte.is_ascii_graphic())
        })?;
        let mut added: Vec<(String, String)> =
            idp.map(|idp| ("idp".to_owned(), idp)).into_iter().collect();
        for name in &visit.bff().settings().login_parameters {
            let value = sound(query, name.as_str(), |text| {
                text.len() <= MAX_ADDED && !text.chars().any(char::is_control)
            })?;
            added.extend(value.map(|value| (name.as_str().to_owned(), value)));
        }
        Ok(Self {
            return_to: return_to(visit)?,
            prompt,
            login_hint: login_hint(query)?,
            max_age,
            acr_values: acr_values
                .unwrap_or_default()
                .split_ascii_whitespace()
                .map(str::to_owned)
                .collect(),
            ui_locales,
            added,
        })
    }

    /// Whether nobody is to be asked anything: what the provider would have to ask for is then an answer.
    pub(crate) fn is_silent(&self) -> bool {
        self.prompt.as_deref() == Some("none")
    }

    /// Adds what a setting fixes for every sign-in. Where both name one, the link's value counts.
    pub(crate) fn add_fixed(&mut self, fixed: &[(ParameterName, String)]) {
        let of_link: Vec<String> = self.added.iter().map(|(name, _)| name.clone()).collect();
        for (name, value) in fixed {
            if name.as_str() == "ui_locales" {
                self.ui_locales.get_or_insert_with(|| value.clone());
            } else if !of_link.iter().any(|known| known == name.as_str()) {
                self.added.push((name.as_str().to_owned(), value.clone()));
            }
        }
    }
}

/// `login_hint`, as a link or another site gives it.
pub(crate) fn login_hint(parameters: &str) -> Result<Option<String>, WishError> {
    sound(parameters, "login_hint", |hint| {
        hint.len() <= MAX_LOGIN_HINT && !hint.chars().any(char::is_control)
    })
}

/// A parameter where it is there and not empty.
fn sound(
    query: &str,
    name: &str,
    is_sound: impl FnOnce(&str) -> bool,
) -> Result<Option<String>, WishError> {
    match query::get(query, name).filter(|value| !value.is_empty()) {
        Some(value) if !is_sound(&value) => Err(WishError::Parameter(name.to_owned())),
        value => Ok(value),
    }
}

/// The path asked for; without one, a script of ours comes back to the page it ran on.
fn return_to(visit: &Visit) -> Result<ReturnTo, ReturnToError> {
    match query::get(visit.query(), "return_to") {
        Some(text) if text.is_empty() => Ok(ReturnTo::root()),
        Some(text) => ReturnTo::parse(&text),
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

/// The values of OpenID Connect Core section 3.1.2.1 (and `create`, Initiating User Registration 1.0), each once; `none`
/// stands alone.
fn is_prompt(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let once = |word: &&str| words.iter().filter(|other| *other == word).count() == 1;
    words == ["none"]
        || words.iter().all(|word| {
            matches!(*word, "login" | "consent" | "select_account" | "create") && once(word)
        })
}

/// Language tags (BCP 47) separated by single spaces.
fn is_ui_locales(text: &str) -> bool {
    text.len() <= MAX_UI_LOCALES
        && text.split(' ').all(|tag| {
            tag.split('-').all(|part| {
                (1..=8).contains(&part.len())
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
        })
}

#[cfg(test)]
mod tests {
    use super::{Wish, is_prompt, is_ui_locales};
    use crate::parameter_name::ParameterName;
    use crate::return_to::ReturnTo;

    #[test]
    fn prompt_is_one_of_the_standards_words() {
        for good in [
            "none",
            "login",
            "consent",
            "login consent",
            "select_account",
            "create",
        ] {
            assert!(is_prompt(good));
        }
        for bad in [
            "",
            "none login",
            "login none",
            "login login",
            "login  consent",
            "Login",
            "login&x=y",
            "frob",
        ] {
            assert!(!is_prompt(bad), "{bad}");
        }
    }

    #[test]
    fn languages_are_tags_separated_by_spaces() {
        for good in ["de", "de-CH", "fr-CA fr en", "zh-Hant-TW", "x-klingon"] {
            assert!(is_ui_locales(good), "{good}");
        }
        for bad in [
            "de_CH",
            "de,en",
            "de  en",
            "-de",
            "de-",
            "languages1",
            "d\u{e9}",
            &"de ".repeat(50),
        ] {
            assert!(!is_ui_locales(bad), "{bad}");
        }
    }

    #[test]
    fn a_link_s_own_value_counts_before_a_fixed_one() {
        let fixed = |name: &str, value: &str| {
            (
                ParameterName::fixed(name).expect("a name"),
                value.to_owned(),
            )
        };
        let mut wish = Wish::to(ReturnTo::root());
        wish.added = vec![("idp".to_owned(), "0oa1".to_owned())];
        wish.add_fixed(&[
            fixed("idp", "0oa2"),
            fixed("resource", "https://a"),
            fixed("resource", "https://b"),
            fixed("ui_locales", "de"),
        ]);
        let added: Vec<(&str, &str)> = wish
            .added
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(
            added,
            [
                ("idp", "0oa1"),
                ("resource", "https://a"),
                ("resource", "https://b")
            ]
        );
        assert_eq!(wish.ui_locales.as_deref(), Some("de"));
        wish.add_fixed(&[fixed("ui_locales", "fr")]);
        assert_eq!(wish.ui_locales.as_deref(), Some("de"));
    }
}
