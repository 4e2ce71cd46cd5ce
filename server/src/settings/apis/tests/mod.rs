//! Whole tables and variables, as an operator writes them.

mod mistakes;
mod readme;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use cloakroom_bff::{UpstreamProtocol, WhoseToken};
use http::Method;

use self::mistakes::assert_wrong;
use super::{Apis, read};
use crate::settings::sources::{Problem, Sources};

/// What is read, and what is wrong: the file is called FILE.
fn given(file: &str, variables: &[(&str, &str)]) -> (Apis, Vec<String>) {
    let mut written = tempfile::NamedTempFile::new().expect("a file");
    written.write_all(file.as_bytes()).expect("written");
    let mut problems = Vec::new();
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let sources = Sources::read(
        Some(written.path()),
        variables,
        BTreeMap::new(),
        &mut problems,
    );
    let apis = read(&sources.apis, &mut problems);
    let path = written.path().display().to_string();
    let problems = problems
        .iter()
        .map(Problem::to_string)
        .map(|said| said.replace(&path, "FILE"))
        .collect();
    (apis, problems)
}

fn good(file: &str, variables: &[(&str, &str)]) -> Apis {
    let (apis, problems) = given(file, variables);
    assert_eq!(problems, [""; 0]);
    apis
}

#[test]
fn a_variable_makes_an_api_with_the_defaults() {
    let apis = good(
        "",
        &[
            ("CLOAKROOM_API_MY_ORDERS", " https://api.example.com/v1 "),
            ("CLOAKROOM_API_UNSET", ""),
        ],
    );
    let [upstream] = &apis.upstreams[..] else {
        panic!("one API: {apis:?}")
    };
    assert_eq!(upstream.name.as_str(), "my-orders");
    assert_eq!(upstream.base.as_str(), "https://api.example.com/v1");
    assert_eq!(upstream.token, WhoseToken::User);
    assert_eq!(
        (upstream.max_body, upstream.max_calls),
        (Some(16 * 1024 * 1024), 1000)
    );
    assert!(upstream.routes.is_empty() && upstream.scopes.is_empty());
    assert_eq!(apis.dangers, [""; 0]);
}

#[test]
fn a_table_says_everything() {
    let apis = good(
        r#"
        [api.orders]
        base = "https://api.example.com"
        routes = [{ prefix = "/orders", methods = ["GET", "POST"] }, { prefix = "/health" }]
        token = "user-if-signed-in"
        scopes = ["orders:read", "orders:write"]
        resource = "https://api.example.com"
        headers = { X-Api-Key = "hunter2", "User-Agent" = "coats" }
        connect_timeout = "250ms"
        answer_timeout = "2m"
        pause_timeout = 7
        max_body = "unlimited"
        max_calls = 5
        forward_address = true
        forward_user = "X-User-Id"
        protocol = "http2"

        [api.public]
        base = "http://127.0.0.1:4001/api"
        token = "none"
        headers = { Authorization = "Basic aHVudGVyMg==" }
        max_body = 4096
        danger_plain_http = false
        "#,
        &[],
    );
    let [orders, public] = &apis.upstreams[..] else {
        panic!("two APIs: {apis:?}")
    };
    assert_eq!(orders.routes[0].methods, [Method::GET, Method::POST]);
    assert_eq!(orders.routes[0].prefix, "/orders");
    assert!(orders.routes[1].methods.is_empty());
    assert_eq!(orders.token, WhoseToken::UserIfSignedIn);
    assert_eq!(orders.scopes, ["orders:read", "orders:write"]);
    // To the letter: the provider compares it.
    assert_eq!(orders.resource.as_deref(), Some("https://api.example.com"));
    let headers: Vec<(&str, &[u8])> = orders
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    assert_eq!(
        headers,
        [("user-agent", &b"coats"[..]), ("x-api-key", b"hunter2")]
    );
    assert_eq!(orders.timeouts.connect, Duration::from_millis(250));
    assert_eq!(orders.timeouts.answer, Duration::from_mins(2));
    assert_eq!(orders.timeouts.pause, Duration::from_secs(7));
    assert_eq!((orders.max_body, orders.max_calls), (None, 5));
    assert!(orders.forward_address);
    assert_eq!(
        orders.forward_user.as_ref().map(http::HeaderName::as_str),
        Some("x-user-id")
    );
    assert_eq!(orders.protocol, UpstreamProtocol::Http2);
    assert_eq!(public.token, WhoseToken::None);
    assert_eq!(public.max_body, Some(4096));
    assert_eq!(public.headers[0].0, "authorization");
}

#[test]
fn a_variable_goes_over_the_base_of_a_table_and_over_nothing_else() {
    let file = "[api.orders]\nbase = \"https://api.example.com\"\nscopes = [\"orders:read\"]";
    let apis = good(file, &[("CLOAKROOM_API_ORDERS", "http://127.0.0.1:9000")]);
    assert_eq!(apis.upstreams.len(), 1);
    assert_eq!(apis.upstreams[0].base.as_str(), "http://127.0.0.1:9000/");
    assert_eq!(apis.upstreams[0].scopes, ["orders:read"]);
    let no_base = "[api.orders]\nscopes = [\"orders:read\"]";
    let apis = good(no_base, &[("CLOAKROOM_API_ORDERS", "https://b.example")]);
    assert_eq!(apis.upstreams[0].base.as_str(), "https://b.example/");
    // Not set, so the file's counts.
    let apis = good(file, &[("CLOAKROOM_API_ORDERS", "")]);
    assert_eq!(apis.upstreams[0].base.as_str(), "https://api.example.com/");
}

#[test]
fn a_header_s_value_may_stand_in_a_file_of_its_own() {
    let mut secret = tempfile::NamedTempFile::new().expect("a file");
    secret.write_all(b"hunter2\n").expect("written");
    let path = secret.path().to_str().expect("a path");
    let file = format!(
        "[api.a]\nbase = \"https://a.example\"\nheaders = {{ X-Key = {{ file = {path:?} }} }}"
    );
    assert_eq!(good(&file, &[]).upstreams[0].headers[0].1, "hunter2");
}

#[test]
fn plain_http_to_another_machine_is_dared_by_name() {
    let file = "[api.a]\nbase = \"http://a.internal:8080\"";
    let (_, problems) = given(file, &[]);
    assert!(
        problems[0].starts_with("api.a.base in FILE: ")
            && problems[0].contains("danger_plain_http = true"),
        "{problems:?}"
    );
    let dared = format!("{file}\ndanger_plain_http = true");
    let apis = good(&dared, &[]);
    assert_eq!(apis.dangers, ["api.a.danger_plain_http"]);
    assert_eq!(apis.upstreams[0].base.as_str(), "http://a.internal:8080/");
    // What is not done is no danger.
    let apis = good(&dared, &[("CLOAKROOM_API_A", "http://127.0.0.1:9000")]);
    assert_eq!(apis.dangers, [""; 0]);
    assert_wrong(
        "danger_plain_http = true",
        "danger_plain_http",
        "leave it out",
    );
    let (_, problems) = given("", &[("CLOAKROOM_API_A", "http://a.internal")]);
    assert!(
        problems[0].starts_with("CLOAKROOM_API_A: ") && problems[0].contains("use https"),
        "{problems:?}"
    );
}

#[test]
fn an_api_has_a_name_a_table_and_a_base() {
    for (file, variables, place, words) in [
        ("[api.a]", &[][..], "api.a.base in FILE", "CLOAKROOM_API_A"),
        (
            "[api.my-a]\ntoken = 'none'",
            &[],
            "api.my-a.base in FILE",
            "CLOAKROOM_API_MY_A",
        ),
        ("[api.a]\nbase = 7", &[], "api.a.base in FILE", "in quotes"),
        (
            "[api.a]\nbase = 'a.example'",
            &[],
            "api.a.base in FILE",
            "not a URL",
        ),
        (
            "api = 'https://a.example'",
            &[],
            "api in FILE",
            "[api.orders]",
        ),
        (
            "[[api]]\nbase = 'https://a'",
            &[],
            "api in FILE",
            "[api.orders]",
        ),
        (
            "[api]\na = 'https://a.example'",
            &[],
            "api.a in FILE",
            "not a table",
        ),
        (
            "[api.My_A]\nbase = 'https://a'",
            &[],
            "api.My_A in FILE",
            "no name for an API",
        ),
        (
            "",
            &[("CLOAKROOM_API_", "https://a")],
            "CLOAKROOM_API_",
            "no name for an API",
        ),
        (
            "",
            &[("CLOAKROOM_API_A.B", "https://a")],
            "CLOAKROOM_API_A.B",
            "no name for an API",
        ),
        (
            "",
            &[("CLOAKROOM_API_A", "a.example")],
            "CLOAKROOM_API_A",
            "not a URL",
        ),
        (
            "",
            &[
                ("CLOAKROOM_API_A_B", "https://a"),
                ("CLOAKROOM_API_a_b", "https://a"),
            ],
            "CLOAKROOM_API_a_b",
            "as CLOAKROOM_API_A_B does",
        ),
    ] {
        let (_, problems) = given(file, variables);
        assert!(
            problems.len() == 1
                && problems[0].starts_with(&format!("{place}: "))
                && problems[0].contains(words),
            "{file} {variables:?}: {problems:?}"
        );
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_nothing_of_it_is_made() {
    let (apis, problems) = given(
        "[api.a]\nbase = 'ftp://a'\ntoken = 'me'\nroutes = [{ prefix = 'x' }, {}]\n[api.b]\nrout = 1\n[api.c]\nbase = 'https://c.example'",
        &[("CLOAKROOM_API_D", "d")],
    );
    assert_eq!(problems.len(), 7, "{problems:?}");
    let made: Vec<&str> = apis.upstreams.iter().map(|api| api.name.as_str()).collect();
    assert_eq!(made, ["c"]);
}

#[test]
fn no_secret_is_shown() {
    const SECRET: &str = "hunter2";
    let shown = |file: &str, variables: &[(&str, &str)]| {
        let (apis, problems) = given(file, variables);
        format!("{apis:?} {apis:#?} {problems:?}")
    };
    for (file, variables) in [
        (
            "[api.a]\nbase = 'https://a'\nheaders = { X-Key = 'hunter2' }",
            &[][..],
        ),
        (
            "[api.a]\nbase = 'https://a'\nheaders = { X-Key = \"hunter2\\nhunter2\", X_Key = 'hunter2', Host = 'hunter2' }",
            &[],
        ),
        (
            "[api.a]\nbase = 'https://a'\nheaders = { X-Key = ['hunter2'] }",
            &[],
        ),
        ("[api.a]\nbase = 'https://me:hunter2@a'", &[]),
        ("", &[("CLOAKROOM_API_A", "https://me:hunter2@a")]),
        ("[api.a]\nheaders = 'hunter2'\ntoken = 'hunter2'", &[]),
        ("[api]\na = 'hunter2'", &[]),
    ] {
        let text = shown(file, variables);
        assert!(!text.contains(SECRET), "{file}: {text}");
    }
}
