//! The callback's query, or the body of a `form_post` answer (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207).

use std::sync::OnceLock;

use super::{ISSUER, MARKER, is_code, is_legible};
use crate::authorization_response::{MAX_CODE, MAX_QUERY, MAX_STATE};
use crate::{AuthorizationResponse, Issuer, ProviderMetadata};

/// The parameters that mean something.
const NAMES: [&str; 6] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
];

/// Reads a query. What is accepted has each parameter once and means what an ordinary form decoder reads.
pub fn authorization_response(data: &[u8]) -> bool {
    let Ok(query) = std::str::from_utf8(data) else {
        return false;
    };
    let form = Form(form_urlencoded::parse(data).into_owned().collect());
    match AuthorizationResponse::parse(query) {
        Ok(response) => {
            check(&response, &form);
            assert!(query.len() <= MAX_QUERY);
            check_plain_spelling(&response, &form);
            true
        }
        Err(error) => {
            if let Some(state) = error.state() {
                assert_eq!(form.only("state"), Some(state), "the state that is there");
                assert!(is_plain(state, MAX_STATE));
            }
            assert!(is_code(error.code()));
            assert!(!format!("{error} {error:?}").contains(MARKER));
            false
        }
    }
}

/// What an ordinary decoder makes of the query.
struct Form(Vec<(String, String)>);

impl Form {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn only<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut values = self.all(name);
        values.next().filter(|_| values.next().is_none())
    }
}

fn check(response: &AuthorizationResponse, form: &Form) {
    for name in NAMES {
        assert!(form.all(name).count() <= 1, "{name} stands there twice");
    }
    assert_eq!(form.only("state"), Some(response.state()));
    assert!(is_plain(response.state(), MAX_STATE));
    let iss = match response {
        AuthorizationResponse::Code { code, iss, .. } => {
            assert_eq!(form.only("code"), Some(code.expose()));
            assert_eq!(form.only("error"), None);
            assert!(is_plain(code.expose(), MAX_CODE));
            assert!(!format!("{response:?}").contains(MARKER) || has_marker(iss.as_deref()));
            iss
        }
        AuthorizationResponse::Error {
            error,
            description,
            uri,
            iss,
            ..
        } => {
            assert_eq!(form.only("code"), None);
            assert!(!error.is_empty() && is_legible(error, 128));
            for words in [description, uri].into_iter().flatten() {
                assert!(is_legible(words, 512));
            }
            assert_eq!(
                form.only("error_description").is_some(),
                description.is_some()
            );
            iss
        }
    };
    assert_eq!(form.only("iss"), iss.as_deref());
    if response.check_issuer(announcing()).is_ok() {
        let is_error = matches!(response, AuthorizationResponse::Error { .. });
        assert!(iss.as_deref() == Some(ISSUER) || (iss.is_none() && is_error));
    }
}

fn has_marker(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.contains(MARKER))
}

/// Visible ASCII and spaces, at least one character.
fn is_plain(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7F).contains(&byte))
}

/// Whatever the spelling, the plain one means the same, unless it is longer than may be read.
fn check_plain_spelling(response: &AuthorizationResponse, form: &Form) {
    let known = form.0.iter().filter(|(name, _)| NAMES.contains(&&**name));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(known)
        .finish();
    if query.len() <= MAX_QUERY {
        let again = AuthorizationResponse::parse(&query).expect("the plain spelling reads");
        assert_eq!(seen(&again), seen(response));
    }
}

fn seen(response: &AuthorizationResponse) -> [Option<String>; 6] {
    match response {
        AuthorizationResponse::Code { code, state, iss } => [
            Some(code.expose().to_owned()),
            Some(state.clone()),
            iss.clone(),
            None,
            None,
            None,
        ],
        AuthorizationResponse::Error {
            error,
            description,
            uri,
            state,
            iss,
        } => [
            None,
            Some(state.clone()),
            iss.clone(),
            Some(error.clone()),
            description.clone(),
            uri.clone(),
        ],
    }
}

/// The metadata of a provider that always says who answers.
fn announcing() -> &'static ProviderMetadata {
    static METADATA: OnceLock<ProviderMetadata> = OnceLock::new();
    METADATA.get_or_init(|| {
        let document = serde_json::json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/v1/authorize"),
            "token_endpoint": format!("{ISSUER}/v1/token"),
            "jwks_uri": format!("{ISSUER}/v1/keys"),
            "authorization_response_iss_parameter_supported": true,
        });
        let issuer = Issuer::parse(ISSUER).expect("an issuer");
        ProviderMetadata::parse(&issuer, document.to_string().as_bytes()).expect("metadata")
    })
}
