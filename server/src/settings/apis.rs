//! The APIs behind the proxy: `[api.NAME]` tables of the configuration file, under `CLOAKROOM_API_NAME` variables, which
//! name a base URL alone.

use std::collections::BTreeSet;
use std::time::Duration;

use cloakroom_bff::{
    Upstream, UpstreamError, UpstreamName, UpstreamProtocol, UpstreamRoute, WhoseToken,
};
use http::{HeaderName, HeaderValue, Method, header};
use toml::Value;

use super::api_table::{Table, words};
use super::parse::{parse_duration, parse_size};
use super::secret_file::read_secret_file;
use super::sources::{Problem, Sources};

/// Every key of an `[api.NAME]` table, with what it means; the README has the same table.
pub(crate) const KEYS: &[(&str, &str)] = &[
    (
        "base",
        "Where it is, such as https://api.example.com/v1. What stands after /api/NAME is appended to its path",
    ),
    (
        "routes",
        "What may be called: a list of { prefix = \"/orders\", methods = [\"GET\", \"POST\"] }. A prefix covers whole segments [default: everything below the base]",
    ),
    (
        "token",
        "Whose access token goes along: user, user-if-signed-in or none [default: user]",
    ),
    (
        "scopes",
        "Scopes that the token must have; they are asked for at sign-in too [default: none]",
    ),
    (
        "resource",
        "The resource indicator (RFC 8707) under which a token of its own is asked for [default: the session's first token]",
    ),
    (
        "headers",
        "Headers of every call: { \"X-Api-Key\" = \"value\" }, or { file = \"path\" } in place of a value [default: none]",
    ),
    ("connect_timeout", "To connect, TLS included [default: 5s]"),
    (
        "answer_timeout",
        "Until the answer begins, not counting what the browser takes to send [default: 30s]",
    ),
    (
        "pause_timeout",
        "The longest pause within a body, either way; event streams and WebSockets may pause as they like [default: 60s]",
    ),
    (
        "max_body",
        "The largest body of a request, such as 16MiB, or unlimited [default: 16MiB]",
    ),
    ("max_calls", "Calls under way at once [default: 1000]"),
    (
        "forward_address",
        "Whether X-Forwarded-For says the browser's address, with -Proto and -Host [default: false]",
    ),
    (
        "forward_user",
        "The header that says the user's subject identifier, such as X-User-Id [default: none]",
    ),
    (
        "protocol",
        "auto, http1, or http2 (without TLS too) [default: auto, by ALPN]",
    ),
    (
        "danger_plain_http",
        "Allows http:// to another machine: everybody on the way can read the access tokens [default: false]",
    ),
];

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Apis {
    pub(crate) upstreams: Vec<Upstream>,
    /// Unsafe choices by their names, such as `api.orders.danger_plain_http`.
    pub(crate) dangers: Vec<String>,
}

/// Reads every API that file or environment names.
pub(crate) fn read(sources: &Sources, problems: &mut Vec<Problem>) -> Apis {
    let mut apis = Apis::default();
    let names: BTreeSet<&String> = sources
        .api_tables
        .keys()
        .chain(sources.api_variables.keys())
        .collect();
    for name in names {
        let before = problems.len();
        let table = sources.api_tables.get(name);
        let variable = sources.api_variables.get(name);
        let upstream = one(sources, name, table, variable, &mut apis.dangers, problems);
        if problems.len() == before {
            apis.upstreams.extend(upstream);
        }
    }
    apis
}

fn one(
    sources: &Sources,
    name: &str,
    table: Option<&Value>,
    variable: Option<&(String, String)>,
    dangers: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) -> Option<Upstream> {
    let place = match (variable, table) {
        (Some((variable, _)), None) => variable.clone(),
        _ => sources.api_place(name),
    };
    let parsed = match UpstreamName::parse(name) {
        Ok(parsed) => parsed,
        Err(error) => {
            problems.push(Problem::new(place, format!("{name:?} {error}")));
            return None;
        }
    };
    let empty = Value::Table(toml::Table::new());
    let mut table = Table::open(table.unwrap_or(&empty), place.clone(), problems)?;
    table.only(&KEYS.iter().map(|(key, _)| *key).collect::<Vec<_>>());
    let plain_http = table.flag("danger_plain_http").unwrap_or(false);
    let in_file = table.text("base");
    let (base, base_place) = match (variable, in_file) {
        (Some((variable, base)), _) => (base.clone(), variable.clone()),
        (None, Some(base)) => (base, table.place("base")),
        (None, None) => {
            table.wrong(
                "base",
                format!(
                    "is required: where the API is, such as https://api.example.com (or set {})",
                    variable_of(name)
                ),
            );
            return None;
        }
    };
    let mut upstream = match Upstream::new(parsed, &base, plain_http) {
        Ok(upstream) => upstream,
        Err(error) => {
            table.problem(base_place, error.to_string());
            return None;
        }
    };
    if plain_http {
        if Upstream::new(upstream.name.clone(), &base, false) == Err(UpstreamError::PlainHttp) {
            dangers.push(format!("api.{name}.danger_plain_http"));
        } else {
            table.wrong(
                "danger_plain_http",
                "is not needed: the base is https, or on this machine; leave it out",
            );
        }
    }
    routes(&mut table, &mut upstream);
    authority(&mut table, &mut upstream);
    headers(&mut table, &mut upstream);
    bounds(&mut table, &mut upstream);
    Some(upstream)
}

/// `CLOAKROOM_API_ORDERS`
fn variable_of(name: &str) -> String {
    format!(
        "CLOAKROOM_API_{}",
        name.to_ascii_uppercase().replace('-', "_")
    )
}

fn routes(table: &mut Table<'_>, upstream: &mut Upstream) {
    let Some(listed) = table.list("routes") else {
        return;
    };
    if listed.is_empty() {
        table.wrong("routes", "is empty, so nothing could be called: name a route, or leave it out to allow everything");
    }
    for (at, value) in listed.iter().enumerate() {
        let key = format!("routes[{at}]");
        let Some(mut route) = table.within(&key, value) else {
            continue;
        };
        route.only(&["prefix", "methods"]);
        let mut methods = Vec::new();
        for text in route.texts("methods").unwrap_or_default() {
            match text.parse::<Method>() {
                Ok(method) if is_method(&method) && !methods.contains(&method) => methods.push(method),
                Ok(method) if methods.contains(&method) => {
                    route.wrong("methods", format!("{text} stands twice: keep one"));
                }
                _ => route.wrong("methods", format!("{text:?} is no method that is forwarded: write GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS")),
            }
        }
        let Some(prefix) = route.text("prefix") else {
            if !route.has("prefix") {
                route.wrong(
                    "prefix",
                    "is required: a path below the base, such as /orders, or / for everything",
                );
            }
            continue;
        };
        match UpstreamRoute::new(methods, &prefix) {
            Ok(new) => {
                if let Some(other) = upstream.routes.iter().position(|old| makes_vain(old, &new)) {
                    route.wrong(
                        "prefix",
                        format!("says nothing new: routes[{other}] allows the same; leave one out"),
                    );
                }
                upstream.routes.push(new);
            }
            Err(error) => route.wrong("prefix", error.to_string()),
        }
    }
}

fn is_method(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ]
    .contains(method)
}

/// Whether all that `new` allows, `old` allows too.
fn makes_vain(old: &UpstreamRoute, new: &UpstreamRoute) -> bool {
    let same_place = new
        .prefix
        .strip_prefix(&old.prefix)
        .is_some_and(|rest| rest.is_empty() || old.prefix.ends_with('/') || rest.starts_with('/'));
    let same_methods = old.methods.is_empty()
        || (!new.methods.is_empty()
            && new
                .methods
                .iter()
                .all(|method| old.methods.contains(method)));
    same_place && same_methods
}

fn authority(table: &mut Table<'_>, upstream: &mut Upstream) {
    match table.text("token").as_deref() {
        None | Some("user") => {}
        Some("user-if-signed-in") => upstream.token = WhoseToken::UserIfSignedIn,
        Some("none") => upstream.token = WhoseToken::None,
        Some(_) => table.wrong("token", "write user, user-if-signed-in or none"),
    }
    let scopes = table.texts("scopes").unwrap_or_default();
    for scope in scopes.iter().flat_map(|text| words(text)) {
        // RFC 6749 section 3.3.
        let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        if !scope.bytes().all(plain) {
            table.wrong(
                "scopes",
                format!("{scope:?} is no scope (RFC 6749 section 3.3)"),
            );
        } else if !upstream.scopes.contains(&scope) {
            upstream.scopes.push(scope);
        }
    }
    if let Some(resource) = table.text("resource") {
        // RFC 8707 section 2: an absolute URI without a fragment.
        match url::Url::parse(&resource) {
            Ok(url) if url.fragment().is_none() => upstream.resource = Some(resource),
            _ => table.wrong("resource", "is no resource indicator: write an absolute URI without a fragment, as the provider knows it (RFC 8707 section 2)"),
        }
    }
    if upstream.token == WhoseToken::None {
        for key in ["scopes", "resource", "forward_user"] {
            if table.has(key) {
                table.wrong(key, "means nothing where no token goes along (token = \"none\"): leave it out, or choose another token");
            }
        }
    }
}

fn headers(table: &mut Table<'_>, upstream: &mut Upstream) {
    if let Some(name) = table.text("forward_user") {
        match header_name(&name) {
            Ok(name) => upstream.forward_user = Some(name),
            Err(error) => table.wrong("forward_user", error),
        }
    }
    let Some(value) = table.value("headers") else {
        return;
    };
    let Some(mut given) = table.within("headers", &value) else {
        return;
    };
    for key in given.keys() {
        let name = match header_name(&key) {
            Ok(name) if name == header::AUTHORIZATION && upstream.token != WhoseToken::None => {
                given.wrong(
                    &key,
                    "is where the user's token goes: leave it out, or say token = \"none\"",
                );
                continue;
            }
            Ok(name) => name,
            Err(error) => {
                given.wrong(&key, error);
                continue;
            }
        };
        if upstream.forward_user.as_ref() == Some(&name) {
            given.wrong(
                &key,
                "is the header of forward_user too: choose another name for one of them",
            );
            continue;
        }
        let Some(text) = header_text(&mut given, &key) else {
            continue;
        };
        // The value is not quoted: it may be a secret.
        match HeaderValue::from_str(text.trim()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                if upstream.headers.iter().any(|(known, _)| *known == name) {
                    given.wrong(&key, "stands twice, spelled differently: keep one");
                } else {
                    upstream.headers.push((name, value));
                }
            }
            Err(_) => given.wrong(&key, "has a value with characters that no header may have"),
        }
    }
}

/// A value, or what the file holds that `{ file = "path" }` names.
fn header_text(given: &mut Table<'_>, key: &str) -> Option<zeroize::Zeroizing<String>> {
    let value = given.value(key)?;
    if !value.is_table() {
        return given.text(key).map(zeroize::Zeroizing::new);
    }
    let mut named = given.within(key, &value)?;
    named.only(&["file"]);
    let Some(path) = named.text("file") else {
        if !named.has("file") {
            named.wrong(
                "file",
                "is required: the path of the file that holds the value",
            );
        }
        return None;
    };
    match read_secret_file(std::path::Path::new(&path)) {
        Ok(text) => Some(text),
        Err(error) => {
            named.wrong("file", error);
            None
        }
    }
}

/// A header that may be set for an upstream: not one that belongs to the connection, the body or the browser's session.
fn header_name(text: &str) -> Result<HeaderName, String> {
    const OURS: &[&str] = &[
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "origin",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-csrf",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    ];
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if text.is_empty() || !text.bytes().all(plain) {
        return Err(
            "is no name for a header: use letters, digits and - (some servers take _ for -)"
                .to_owned(),
        );
    }
    let name = HeaderName::try_from(text.to_ascii_lowercase())
        .map_err(|_| "is no name for a header".to_owned())?;
    if OURS.contains(&name.as_str()) {
        return Err("is written by the proxy itself: choose another name".to_owned());
    }
    Ok(name)
}

fn bounds(table: &mut Table<'_>, upstream: &mut Upstream) {
    let mut duration = |key: &'static str, into: &mut Duration| {
        if let Some(text) = table.text(key) {
            match parse_duration(&text) {
                Ok(duration) => *into = duration,
                Err(error) => table.wrong(key, error),
            }
        }
    };
    duration("connect_timeout", &mut upstream.timeouts.connect);
    duration("answer_timeout", &mut upstream.timeouts.answer);
    duration("pause_timeout", &mut upstream.timeouts.pause);
    if let Some(text) = table.text("max_body") {
        match parse_size(&text) {
            Ok(size) => upstream.max_body = size,
            Err(error) => table.wrong("max_body", error),
        }
    }
    if let Some(text) = table.text("max_calls") {
        match text.parse::<usize>() {
            Ok(calls) if calls > 0 => upstream.max_calls = calls,
            _ => table.wrong("max_calls", "write a number of at least 1"),
        }
    }
    if let Some(forward) = table.flag("forward_address") {
        upstream.forward_address = forward;
    }
    match table.text("protocol").as_deref() {
        None | Some("auto") => {}
        Some("http1") => upstream.protocol = UpstreamProtocol::Http1,
        Some("http2") => upstream.protocol = UpstreamProtocol::Http2,
        Some(_) => table.wrong("protocol", "write auto, http1 or http2"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write as _;

    use cloakroom_bff::{UpstreamProtocol, WhoseToken};

    use super::{Apis, KEYS, read};
    use crate::settings::sources::{Problem, Sources};

    fn parse(file: &str, variables: &[(&str, &str)]) -> (Apis, Vec<String>) {
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
        let apis = read(&sources, &mut problems);
        let name = written.path().display().to_string();
        let said = problems
            .iter()
            .map(|problem: &Problem| problem.to_string().replace(&name, "FILE"))
            .collect();
        (apis, said)
    }

    fn read_well(file: &str, variables: &[(&str, &str)]) -> Apis {
        let (apis, problems) = parse(file, variables);
        assert_eq!(problems, [""; 0]);
        apis
    }

    #[test]
    fn a_variable_is_enough() {
        let apis = read_well(
            "",
            &[("CLOAKROOM_API_MY_ORDERS", "https://api.example.com/v1")],
        );
        let [upstream] = &apis.upstreams[..] else {
            panic!("one API: {apis:?}");
        };
        assert_eq!(upstream.name.as_str(), "my-orders");
        assert_eq!(upstream.base.as_str(), "https://api.example.com/v1");
        assert_eq!(upstream.token, WhoseToken::User);
        assert!(upstream.routes.is_empty() && apis.dangers.is_empty());
    }

    #[test]
    fn a_table_says_the_finer_rules_and_a_variable_moves_the_base() {
        let file = r#"
            [api.orders]
            base = "https://api.example.com"
            routes = [{ prefix = "/orders", methods = ["GET", "POST"] }, { prefix = "/health" }]
            token = "user-if-signed-in"
            scopes = ["orders:read", "orders:write"]
            resource = "https://api.example.com/"
            headers = { "X-Api-Key" = "hunter2" }
            connect_timeout = "250ms"
            answer_timeout = "2m"
            pause_timeout = 7
            max_body = "unlimited"
            max_calls = 5
            forward_address = true
            forward_user = "X-User-Id"
            protocol = "http2"
        "#;
        let apis = read_well(file, &[("CLOAKROOM_API_ORDERS", "http://127.0.0.1:9000")]);
        let upstream = &apis.upstreams[0];
        assert_eq!(upstream.base.as_str(), "http://127.0.0.1:9000/");
        assert_eq!(upstream.routes.len(), 2);
        assert_eq!(upstream.routes[0].methods.len(), 2);
        assert_eq!(upstream.scopes, ["orders:read", "orders:write"]);
        assert_eq!(upstream.headers[0].0, "x-api-key");
        assert_eq!(upstream.timeouts.connect.as_millis(), 250);
        assert_eq!(upstream.timeouts.pause.as_secs(), 7);
        assert_eq!((upstream.max_body, upstream.max_calls), (None, 5));
        assert_eq!(upstream.protocol, UpstreamProtocol::Http2);
        assert!(upstream.forward_address && upstream.forward_user.is_some());
        assert!(!format!("{apis:?}").contains("hunter2"));
    }

    #[test]
    fn a_secret_header_comes_from_a_file() {
        let mut secret = tempfile::NamedTempFile::new().expect("a file");
        secret.write_all(b"hunter2\n").expect("written");
        let file = format!(
            "[api.a]\nbase = \"https://a.example\"\nheaders = {{ \"X-Key\" = {{ file = \"{}\" }} }}",
            secret.path().display()
        );
        let apis = read_well(&file, &[]);
        assert_eq!(apis.upstreams[0].headers[0].1, "hunter2");
    }

    #[test]
    fn plain_http_elsewhere_is_said_out_loud() {
        let file = "[api.a]\nbase = \"http://a.internal:8080\"";
        let (_, problems) = parse(file, &[]);
        assert!(
            problems[0].contains("danger_plain_http = true"),
            "{problems:?}"
        );
        let apis = read_well(&format!("{file}\ndanger_plain_http = true"), &[]);
        assert_eq!(apis.dangers, ["api.a.danger_plain_http"]);
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn each_mistake_is_named_with_its_place_and_what_to_do() {
        for (table, place, words) in [
            ("", "api.a.base in FILE", "is required"),
            ("base = 'a.example'", "api.a.base in FILE", "not a URL"),
            (
                "base = 'https://x'\nrout = []",
                "api.a.rout in FILE",
                "did you mean routes?",
            ),
            (
                "base = 'https://x'\nroutes = []",
                "api.a.routes in FILE",
                "nothing could be called",
            ),
            (
                "base = 'https://x'\nroutes = '/a'",
                "api.a.routes in FILE",
                "write a list",
            ),
            (
                "base = 'https://x'\nroutes = ['/a']",
                "api.a.routes[0] in FILE",
                "not a table",
            ),
            (
                "base = 'https://x'\nroutes = [{}]",
                "api.a.routes[0].prefix in FILE",
                "is required",
            ),
            (
                "base = 'https://x'\nroutes = [{prefix='/a/../b'}]",
                "api.a.routes[0].prefix in FILE",
                "written plainly",
            ),
            (
                "base = 'https://x'\nroutes = [{prefix='/a',path='/'}]",
                "api.a.routes[0].path in FILE",
                "no such setting",
            ),
            (
                "base = 'https://x'\nroutes = [{prefix='/a',methods=['FETCH']}]",
                "api.a.routes[0].methods in FILE",
                "no method",
            ),
            (
                "base = 'https://x'\nroutes = [{prefix='/a',methods=['GET','GET']}]",
                "api.a.routes[0].methods in FILE",
                "stands twice",
            ),
            (
                "base = 'https://x'\nroutes = [{prefix='/a'},{prefix='/a/b',methods=['GET']}]",
                "api.a.routes[1].prefix in FILE",
                "nothing new",
            ),
            (
                "base = 'https://x'\ntoken = 'me'",
                "api.a.token in FILE",
                "user-if-signed-in",
            ),
            (
                "base = 'https://x'\ntoken = 'none'\nscopes = ['a']",
                "api.a.scopes in FILE",
                "means nothing",
            ),
            (
                "base = 'https://x'\nscopes = ['a\"b']",
                "api.a.scopes in FILE",
                "RFC 6749",
            ),
            (
                "base = 'https://x'\nresource = 'orders'",
                "api.a.resource in FILE",
                "RFC 8707",
            ),
            (
                "base = 'https://x'\nresource = 'https://x#f'",
                "api.a.resource in FILE",
                "fragment",
            ),
            (
                "base = 'https://x'\nheaders = {Authorization='x'}",
                "api.a.headers.Authorization in FILE",
                "the user's token",
            ),
            (
                "base = 'https://x'\nheaders = {Host='x'}",
                "api.a.headers.Host in FILE",
                "the proxy itself",
            ),
            (
                "base = 'https://x'\nheaders = {X_Key='x'}",
                "api.a.headers.X_Key in FILE",
                "no name for a header",
            ),
            (
                "base = 'https://x'\nheaders = {X-Key='x',x-key='y'}",
                "in FILE",
                "stands twice",
            ),
            (
                "base = 'https://x'\nheaders = {X-Key={path='y'}}",
                "api.a.headers.X-Key.path in FILE",
                "no such setting",
            ),
            (
                "base = 'https://x'\nforward_user = 'Cookie'",
                "api.a.forward_user in FILE",
                "the proxy itself",
            ),
            (
                "base = 'https://x'\nconnect_timeout = 'soon'",
                "api.a.connect_timeout in FILE",
                "250ms",
            ),
            (
                "base = 'https://x'\nmax_body = 'big'",
                "api.a.max_body in FILE",
                "16MiB",
            ),
            (
                "base = 'https://x'\nmax_calls = 0",
                "api.a.max_calls in FILE",
                "at least 1",
            ),
            (
                "base = 'https://x'\nforward_address = 'yes'",
                "api.a.forward_address in FILE",
                "true or false",
            ),
            (
                "base = 'https://x'\nprotocol = 'h3'",
                "api.a.protocol in FILE",
                "http1",
            ),
            (
                "base = 'https://x'\ndanger_plain_http = true",
                "api.a.danger_plain_http in FILE",
                "not needed",
            ),
        ] {
            let (_, problems) = parse(&format!("[api.a]\n{table}"), &[]);
            assert!(
                problems
                    .iter()
                    .any(|said| said.contains(place) && said.contains(words)),
                "{table}: {problems:?}"
            );
        }
        let (_, problems) = parse("", &[("CLOAKROOM_API_ORDERS", "orders")]);
        assert!(
            problems[0].starts_with("CLOAKROOM_API_ORDERS: "),
            "{problems:?}"
        );
        let (_, problems) = parse("[api.Orders]\nbase = 'https://x'", &[]);
        assert!(problems[0].contains("no name for an API"), "{problems:?}");
    }

    #[test]
    fn no_problem_quotes_a_secret() {
        let (_, problems) = parse(
            "[api.a]\nbase = 'https://x'\nheaders = {X-Key=\"hun\\nter2\"}",
            &[],
        );
        assert!(!problems.concat().contains("ter2"), "{problems:?}");
    }

    #[test]
    fn the_readme_has_every_key() {
        let readme = include_str!("../../../README.md");
        for (key, meaning) in KEYS {
            let row = format!("| `{key}` | {meaning} |");
            assert!(readme.contains(&row), "README.md lacks: {row}");
        }
    }
}
