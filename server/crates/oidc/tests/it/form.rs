//! The strict form reader.

use std::collections::BTreeSet;

use cloakroom_oidc::form::{Form, MAX_BYTES, MAX_VALUE, only, pairs};
use cloakroom_oidc::{AuthorizationRequest, ClientAuth, FormError, Nonce, RefreshToken};
use proptest::prelude::*;

use crate::support::{CLIENT_ID, REDIRECT_URI, client, form, fresh, metadata};

fn refused(text: &str) -> FormError {
    Form::parse(text).unwrap_err()
}

#[test]
fn values_are_decoded_once_and_kept_in_order() {
    let form = Form::parse("a=1&return_to=%2Fa%2520b%3Fc+d&&flag&empty=&e=%C3%A9&x=y=z").unwrap();
    assert_eq!(
        form.iter().collect::<Vec<_>>(),
        [
            ("a", "1"),
            ("return_to", "/a%20b?c d"),
            ("flag", ""),
            ("empty", ""),
            ("e", "\u{e9}"),
            ("x", "y=z"),
        ]
    );
    assert_eq!(form.get("return_to"), Some("/a%20b?c d"));
    assert_eq!(form.get("flag"), Some(""));
    assert_eq!(form.get("b"), None);
    assert!(Form::parse("").unwrap().iter().next().is_none());
}

#[test]
fn each_parameter_comes_once_however_it_is_spelt_or_unknown() {
    for text in [
        "a=1&a=1",
        "a=1&b=2&a=3",
        "code=a&%63ode=b",
        "x+y=1&x%20y=2",
        "a&a",
    ] {
        assert_eq!(refused(text), FormError::RepeatedParameter, "{text}");
    }
}

#[test]
fn encoding_is_not_repaired() {
    for text in [
        "a=%", "a=%2", "a=%zz", "a=%f", "a=%ff", "%ff=a", "a=%C3%28", "a=%+1",
    ] {
        assert_eq!(refused(text), FormError::Malformed, "{text}");
        assert!(pairs(text).any(|pair| pair.is_none()), "{text}");
    }
    assert_eq!(
        Form::parse_bytes(b"a=\xff").unwrap_err(),
        FormError::Malformed
    );
    assert_eq!(Form::parse_bytes(b"a=b").unwrap().get("a"), Some("b"));
}

#[test]
fn lengths_are_bounded() {
    let value = |length: usize| format!("a={}", "x".repeat(length));
    assert!(Form::parse(&value(MAX_VALUE)).is_ok());
    assert_eq!(refused(&value(MAX_VALUE + 1)), FormError::TooLong);
    let many = "a=b&".repeat(MAX_BYTES / 4 + 1);
    assert_eq!(refused(&many), FormError::TooLong);
    assert_eq!(
        Form::parse_bytes(many.as_bytes()).unwrap_err(),
        FormError::TooLong
    );
}

#[test]
fn one_value_is_found_however_broken_the_rest_is() {
    let found = |text: &str| only(text, "state", 8).map(std::borrow::Cow::into_owned);
    assert_eq!(found("state=s&a=%zz&b=1&b=2").as_deref(), Some("s"));
    assert_eq!(found("st%61te=a+b").as_deref(), Some("a b"));
    for text in [
        "",
        "a=1",
        "state=a&state=b",
        "state=a&%73tate=a",
        "state=%ff",
        "state=123456789",
    ] {
        assert_eq!(found(text), None, "{text}");
    }
}

#[test]
fn values_do_not_show_in_debug() {
    let form = Form::parse("code=hush").unwrap();
    assert!(!format!("{form:?}").contains("hush"));
}

proptest! {
    #[test]
    fn whatever_was_encoded_comes_back(
        sent in proptest::collection::btree_map(".{1,20}", ".{0,40}", 0..12)
    ) {
        let text: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&sent)
            .finish();
        let form = Form::parse(&text).unwrap();
        let read: Vec<_> = form.iter().collect();
        let sent: Vec<_> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn what_is_accepted_is_what_every_decoder_reads(text in "([a-c%=&+é]|%[0-9a-f]{2}){0,40}") {
        if let Ok(form) = Form::parse(&text) {
            let other: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            let read: Vec<_> = form
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            prop_assert_eq!(&read, &other);
            let names: BTreeSet<_> = read.iter().map(|(name, _)| name).collect();
            prop_assert_eq!(names.len(), read.len());
        }
    }

    #[test]
    fn a_scope_arrives_as_it_was_configured(
        scopes in proptest::collection::vec("[!#-\\[\\]-~]{1,20}", 1..6),
        state in ".{1,40}",
        hint in ".{0,40}",
    ) {
        let scope = scopes.join(" ");
        let nonce = Nonce::new("n");
        let url = AuthorizationRequest {
            client_id: CLIENT_ID,
            redirect_uri: REDIRECT_URI,
            scope: Some(&scope),
            state: &state,
            nonce: &nonce,
            code_challenge: "c",
            prompt: None,
            login_hint: Some(&hint),
            max_age: None,
            acr_values: None,
            ui_locales: None,
            extra: &[],
        }
        .url(&metadata());
        let query = Form::parse(url.query().unwrap()).unwrap();
        prop_assert_eq!(query.get("scope"), Some(scope.as_str()));
        prop_assert_eq!(query.get("state"), Some(state.as_str()));
        prop_assert_eq!(query.get("login_hint"), Some(hint.as_str()));
        prop_assert_eq!(query.get("redirect_uri"), Some(REDIRECT_URI));
        let refresh = cloakroom_oidc::token_request::refresh_token(
            &metadata(),
            &client(ClientAuth::None),
            &RefreshToken::new(state.as_str()),
            Some(&scope),
            None,
            fresh(),
        )
        .unwrap();
        let sent = form(&refresh);
        prop_assert_eq!(&sent[1].1, &state);
        prop_assert_eq!(&sent[2].1, &scope);
    }
}
