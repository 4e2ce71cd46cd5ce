//! One mistake at a time, in a table that is right otherwise.

use super::given;

/// What is wrong with these lines in the table of an API that is right otherwise.
fn wrong_with(lines: &str) -> Vec<String> {
    given(
        &format!("[api.a]\nbase = \"https://a.example\"\n{lines}"),
        &[],
    )
    .1
}

/// A table's one problem: where, and words of it.
pub(super) fn assert_wrong(lines: &str, place: &str, words: &str) {
    let problems = wrong_with(lines);
    assert!(
        problems.len() == 1
            && problems[0].starts_with(&format!("api.a.{place} in FILE: "))
            && problems[0].contains(words),
        "{lines} should be wrong at {place} and say {words:?}: {problems:?}"
    );
}

#[test]
fn each_mistake_is_named_with_its_place_and_what_to_do() {
    for (lines, place, words) in [
        ("rout = []", "rout", "did you mean routes?"),
        ("scope = []", "scope", "did you mean scopes?"),
        ("url = 'x'", "url", "is called base"),
        ("methods = ['GET']", "methods", "belong to a route"),
        ("timeout = '5s'", "timeout", "answer_timeout"),
        ("headers_file = 'x'", "headers_file", "file = \"path\""),
        ("colour = 'red'", "colour", "there is no such setting"),
        ("token = 'me'", "token", "user-if-signed-in"),
        ("token = true", "token", "user-if-signed-in"),
        ("token = ''", "token", "user-if-signed-in"),
        ("scopes = 'a b'", "scopes", "square brackets"),
        ("scopes = ['a b']", "scopes[0]", "RFC 6749 section 3.3"),
        (
            "scopes = ['a', 'b\"c']",
            "scopes[1]",
            "RFC 6749 section 3.3",
        ),
        ("scopes = ['a', 1]", "scopes[1]", "in quotes"),
        ("scopes = ['a', 'a']", "scopes[1]", "keep one"),
        ("resource = 'orders'", "resource", "RFC 8707 section 2"),
        (
            "resource = 'https://x/#f'",
            "resource",
            "without a fragment",
        ),
        ("connect_timeout = 'soon'", "connect_timeout", "250ms"),
        ("answer_timeout = '0s'", "answer_timeout", "250ms"),
        ("pause_timeout = -1", "pause_timeout", "250ms"),
        ("pause_timeout = 1.5", "pause_timeout", "250ms"),
        (
            "connect_timeout = '1m'",
            "connect_timeout",
            "answer_timeout",
        ),
        ("max_body = 'big'", "max_body", "16MiB"),
        ("max_body = 0", "max_body", "unlimited"),
        ("max_calls = 0", "max_calls", "at least 1"),
        ("max_calls = 'many'", "max_calls", "at least 1"),
        (
            "forward_address = 'yes'",
            "forward_address",
            "true or false",
        ),
        ("protocol = 'h3'", "protocol", "http1"),
        (
            "danger_plain_http = 1",
            "danger_plain_http",
            "true or false",
        ),
    ] {
        assert_wrong(lines, place, words);
    }
}

#[test]
fn each_mistake_in_routes_is_named() {
    for (routes, place, words) in [
        ("'/a'", "routes", "square brackets"),
        ("[]", "routes", "nothing could be called"),
        ("['/a']", "routes[0]", "not a table"),
        ("[{}]", "routes[0].prefix", "is required"),
        ("[{ prefix = 7 }]", "routes[0].prefix", "in quotes"),
        ("[{ prefix = 'a' }]", "routes[0].prefix", "begin with /"),
        ("[{ prefix = '/a/../b' }]", "routes[0].prefix", "plainly"),
        ("[{ prefix = '/a%2fb' }]", "routes[0].prefix", "plainly"),
        ("[{ prefix = '/a/*' }]", "routes[0].prefix", "without a *"),
        (
            "[{ prefix = '/a', path = '/b' }]",
            "routes[0].path",
            "no such setting",
        ),
        (
            "[{ prefix = '/a', method = ['GET'] }]",
            "routes[0].method",
            "did you mean methods?",
        ),
        (
            "[{ prefix = '/a', methods = 'GET' }]",
            "routes[0].methods",
            "square brackets",
        ),
        (
            "[{ prefix = '/a', methods = [] }]",
            "routes[0].methods",
            "allow them all",
        ),
        (
            "[{ prefix = '/a', methods = ['GET', 'FETCH'] }]",
            "routes[0].methods[1]",
            "not a method of HTTP",
        ),
        (
            "[{ prefix = '/a', methods = ['get'] }]",
            "routes[0].methods[0]",
            "in capitals: GET",
        ),
        (
            "[{ prefix = '/a', methods = ['trace'] }]",
            "routes[0].methods[0]",
            "never forwarded",
        ),
        (
            "[{ prefix = '/a', methods = ['G T'] }]",
            "routes[0].methods[0]",
            "not a method",
        ),
        (
            "[{ prefix = '/a', methods = ['GET', 'GET'] }]",
            "routes[0].methods[1]",
            "keep one",
        ),
        (
            "[{ prefix = '/a' }, { prefix = '/b' }, { prefix = '/a' }]",
            "routes[2]",
            "nothing that routes[0] does not",
        ),
        (
            "[{ prefix = '/a/b', methods = ['GET'] }, { prefix = '/a' }]",
            "routes[0]",
            "nothing that routes[1] does not",
        ),
    ] {
        assert_wrong(&format!("routes = {routes}"), place, words);
    }
}

#[test]
fn each_mistake_in_headers_is_named() {
    for (lines, place, words) in [
        ("headers = 'X-Key: x'", "headers", "not a table"),
        ("headers = { X_Key = 'x' }", "headers.X_Key", "hyphens"),
        ("headers = { Host = 'x' }", "headers.Host", "from the base"),
        ("headers = { TE = 'x' }", "headers.TE", "the connection"),
        (
            "headers = { Content-Type = 'x' }",
            "headers.Content-Type",
            "the body",
        ),
        (
            "headers = { X-Forwarded-For = 'x' }",
            "headers.X-Forwarded-For",
            "forward_address",
        ),
        (
            "headers = { Authorization = 'x' }",
            "headers.Authorization",
            "token = \"none\"",
        ),
        ("headers = { X-Key = '' }", "headers.X-Key", "no value"),
        ("headers = { X-Key = 7 }", "headers.X-Key", "write a string"),
        (
            "headers = { X-Key = {} }",
            "headers.X-Key.file",
            "is required",
        ),
        (
            "headers = { X-Key = { file = '/does/not/exist' } }",
            "headers.X-Key.file",
            "cannot be read",
        ),
        (
            "headers = { X-Key = { file = '/dev/null' } }",
            "headers.X-Key.file",
            "is empty",
        ),
        (
            "headers = { X-Key = 'a', x-key = 'b' }",
            "headers.x-key",
            "keep one",
        ),
        (
            "forward_user = 'X-User'\nheaders = { x-user = 'a' }",
            "headers.x-user",
            "forward_user",
        ),
        ("forward_user = 'X User'", "forward_user", "hyphens"),
        ("forward_user = true", "forward_user", "hyphens"),
        ("forward_user = 'From'", "forward_user", "X-User-Id"),
        ("forward_user = 'Cookie'", "forward_user", "X-User-Id"),
        (
            "forward_user = 'Accept-Language'",
            "forward_user",
            "X-User-Id",
        ),
        (
            "forward_user = 'Connection'",
            "forward_user",
            "the connection",
        ),
        (
            "token = 'user-if-signed-in'\nforward_user = 'Authorization'",
            "forward_user",
            "X-User-Id",
        ),
    ] {
        assert_wrong(lines, place, words);
    }
    let problems = wrong_with("headers = { X-Key = { path = 'x', file = '/dev/null' } }");
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn what_is_about_the_user_contradicts_calls_that_are_nobody_s() {
    for (line, key) in [
        ("scopes = ['a']", "scopes"),
        ("resource = 'urn:a'", "resource"),
        ("forward_user = 'X-User-Id'", "forward_user"),
    ] {
        assert_wrong(
            &format!("token = 'none'\n{line}"),
            key,
            "leave one of the two out",
        );
        assert_eq!(
            wrong_with(&format!("token = 'user-if-signed-in'\n{line}")),
            [""; 0]
        );
    }
}
