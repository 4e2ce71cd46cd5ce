//! Challenges (RFC 9110 section 11.6.1): what is one is read whole, what is none not at all.

use app::api::challenge::{Challenge, parse};
use proptest::prelude::*;

/// Scheme, `token68` and parameters, as they are compared.
type Read = (String, Option<String>, Vec<(String, String)>);

fn read(field: &str, names: &[&str]) -> Option<Vec<Read>> {
    let one = |challenge: &Challenge| {
        let parameters = names
            .iter()
            .filter_map(|name| {
                let value = challenge.parameter(name)?;
                Some(((*name).to_owned(), value.to_owned()))
            })
            .collect();
        let token68 = challenge.token68().map(str::to_owned);
        (challenge.scheme().to_owned(), token68, parameters)
    };
    parse(field).map(|challenges| challenges.iter().map(one).collect())
}

fn schemes(field: &str) -> Option<Vec<String>> {
    let challenges = parse(field)?;
    Some(
        challenges
            .iter()
            .map(|one| one.scheme().to_owned())
            .collect(),
    )
}

#[test]
fn the_challenge_of_a_step_up_is_read() {
    let field = r#"Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR other", max_age="5""#;
    let challenges = parse(field).expect("challenges");
    let [challenge] = challenges.as_slice() else {
        panic!("one challenge: {challenges:?}")
    };
    assert!(challenge.is("bearer") && challenge.is("BEARER") && !challenge.is("Basic"));
    assert_eq!(challenge.error(), Some("insufficient_user_authentication"));
    assert_eq!(challenge.parameter("ACR_Values"), Some("myACR other"));
    assert_eq!(challenge.parameter("max_age"), Some("5"));
    assert_eq!(challenge.parameter("scope"), None);
}

#[test]
fn several_challenges_are_told_apart_though_commas_stand_everywhere() {
    // The example of RFC 9110 section 11.6.1, and one with a token68.
    let field = r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"", Negotiate YWJj==, Bearer"#;
    assert_eq!(
        read(field, &["realm", "type", "title"]),
        Some(vec![
            (
                "Basic".to_owned(),
                None,
                vec![("realm".to_owned(), "simple".to_owned())]
            ),
            (
                "Newauth".to_owned(),
                None,
                vec![
                    ("realm".to_owned(), "apps".to_owned()),
                    ("type".to_owned(), "1".to_owned()),
                    ("title".to_owned(), "Login to \"apps\"".to_owned()),
                ]
            ),
            ("Negotiate".to_owned(), Some("YWJj==".to_owned()), vec![]),
            ("Bearer".to_owned(), None, vec![]),
        ])
    );
}

#[test]
fn what_stands_in_quotes_is_text() {
    let field = r#"Bearer realm="a, Basic b", x="error=\"invalid_token\"", y="tab	\\ back", z="""#;
    assert_eq!(
        read(field, &["error", "realm", "x", "y", "z"]),
        Some(vec![(
            "Bearer".to_owned(),
            None,
            vec![
                ("realm".to_owned(), "a, Basic b".to_owned()),
                ("x".to_owned(), "error=\"invalid_token\"".to_owned()),
                ("y".to_owned(), "tab\t\\ back".to_owned()),
                ("z".to_owned(), String::new()),
            ]
        )])
    );
}

#[test]
fn blanks_and_empty_elements_are_where_the_grammar_has_them() {
    for field in [
        "Bearer a=b,c=d",
        "Bearer a=b , c=d",
        "Bearer  a=b,\tc=d",
        "Bearer a = b, c\t=\td",
        ",, Bearer a=b,, ,c=d,",
        "  Bearer a=b, c=\"d\"  ",
        "Bearer , a=b, c=d",
    ] {
        let both = vec![
            ("a".to_owned(), "b".to_owned()),
            ("c".to_owned(), "d".to_owned()),
        ];
        let whole = Some(vec![("Bearer".to_owned(), None, both)]);
        assert_eq!(read(field, &["a", "c"]), whole, "{field}");
    }
    assert_eq!(schemes(""), Some(vec![]));
    assert_eq!(schemes(" , ,"), Some(vec![]));
}

#[test]
fn what_breaks_the_grammar_is_no_challenge_at_all() {
    for field in [
        "a=b",
        "=b",
        "Bearer a=b, c=",
        "Bearer a=b c=d",
        "Bearer a=\"b",
        "Bearer a=\"b\\",
        "Bearer a=\"b\"c",
        "Bearer a=b=c",
        "Bearer @",
        "Bearer\ta=b",
        "Bearer a=b; c=d",
        "\"Bearer\"",
        "Bearer error=\"x\", @",
        "Bearer a=\"\u{0}\"",
        "Bearer a=\"\u{7f}\"",
        "Be\u{e4}rer",
        "Negotiate YWJj==, a=b",
        "Bearer a=b, A=c",
        "Bearer error=\"invalid_token\", error=\"insufficient_user_authentication\"",
    ] {
        assert_eq!(schemes(field), None, "{field}");
    }
}

#[test]
fn a_field_has_bounds() {
    let parameters = |count: usize| {
        let all: Vec<String> = (0..count).map(|at| format!("p{at}=x")).collect();
        format!("Bearer {}", all.join(", "))
    };
    assert_eq!(schemes(&parameters(16)).map(|all| all.len()), Some(1));
    assert_eq!(schemes(&parameters(17)), None);
    assert_eq!(
        schemes(&["Bearer"; 16].join(",")).map(|all| all.len()),
        Some(16)
    );
    assert_eq!(schemes(&["Bearer"; 17].join(",")), None);
    assert_eq!(schemes(&" ".repeat(8 * 1024)), Some(vec![]));
    assert_eq!(schemes(&" ".repeat(8 * 1024 + 1)), None);
}

/// Writes a parameter as a token where that may be, else in quotes.
fn write(name: &str, value: &str, quoted: bool) -> String {
    let is_token = !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_token && !quoted {
        return format!("{name}={value}");
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("{name}=\"{escaped}\"")
}

proptest! {
    #[test]
    fn what_was_written_is_what_is_read(
        challenges in prop::collection::vec(
            (
                "[A-Za-z][A-Za-z0-9-]{0,8}",
                prop::collection::vec(("[ -~\t\u{a0}-\u{ff}]{0,12}", any::<bool>()), 1..5),
            ),
            0..5,
        ),
    ) {
        let names = ["a", "error", "max_age", "x-y!"];
        let field: Vec<String> = challenges
            .iter()
            .map(|(scheme, values)| {
                let all: Vec<String> = names
                    .iter()
                    .zip(values)
                    .map(|(name, (value, quoted))| write(name, value, *quoted))
                    .collect();
                format!("{scheme} {}", all.join(", "))
            })
            .collect();
        let wanted: Vec<Read> = challenges
            .iter()
            .map(|(scheme, values)| {
                let all = names
                    .iter()
                    .zip(values)
                    .map(|(name, (value, _))| ((*name).to_owned(), value.clone()))
                    .collect();
                (scheme.clone(), None, all)
            })
            .collect();
        prop_assert_eq!(read(&field.join(", "), &names), Some(wanted));
    }

    #[test]
    fn nothing_makes_it_fail_and_nothing_is_made_up(field in "[A-Za-z=\",\\\\ \t~\u{0}\u{e9}-]{0,60}") {
        for challenge in parse(&field).unwrap_or_default() {
            prop_assert!(field.contains(challenge.scheme()));
            if let Some(token68) = challenge.token68() {
                prop_assert!(field.contains(token68));
            }
        }
    }

    #[test]
    fn a_quoted_text_is_never_a_demand(text in "[ -!#-\\[\\]-~]{0,40}") {
        let field = format!("Bearer realm=\"{text}, error=insufficient_user_authentication\"");
        let challenges = parse(&field).expect("one challenge");
        prop_assert_eq!(challenges.len(), 1);
        prop_assert_eq!(challenges[0].error(), None);
    }
}
