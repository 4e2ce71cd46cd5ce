//! What may be called of an API: its routes (draft-ietf-oauth-browser-based-apps section 6.1.3.3), with methods by their
//! registered names (RFC 9110 section 16.1).

use cloakroom_bff::UpstreamRoute;
use http::Method;

use super::table::Table;

/// The methods that IANA lists, but for CONNECT, TRACE and HTTP/2's PRI, which are never forwarded.
const METHODS: &[&str] = &[
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// The key `routes`; empty where it is not given.
pub(super) fn read(table: &mut Table<'_, '_>) -> Vec<UpstreamRoute> {
    let Some(listed) = table.list("routes") else {
        return Vec::new();
    };
    if listed.is_empty() {
        table.wrong(
            "routes",
            "is empty, by which nothing could be called: name a route, or leave it out to allow everything below the base",
        );
    }
    let mut routes = Vec::new();
    for (at, value) in listed.iter().enumerate() {
        let key = format!("routes[{at}]");
        if let Some(route) = table.within(&key, value).and_then(read_one) {
            routes.push((key, route));
        }
    }
    for (vain, by) in in_vain(&routes) {
        table.wrong(
            vain,
            format!("allows nothing that {by} does not: leave one of them out"),
        );
    }
    routes.into_iter().map(|(_, route)| route).collect()
}

fn read_one(mut table: Table<'_, '_>) -> Option<UpstreamRoute> {
    table.only(&["prefix", "methods"], &[]);
    let methods = methods(&mut table);
    let Some(prefix) = table.text("prefix") else {
        if !table.has("prefix") {
            table.wrong(
                "prefix",
                "is required: a path below the base, such as /orders, or / for everything",
            );
        }
        return None;
    };
    if !prefix.starts_with('/') {
        table.wrong("prefix", "must begin with /, such as /orders");
        return None;
    }
    if prefix.ends_with('*') {
        table.wrong(
            "prefix",
            "covers what is below it without a *: take it away",
        );
        return None;
    }
    UpstreamRoute::new(methods?, prefix)
        .map_err(|error| table.wrong("prefix", error.to_string()))
        .ok()
}

/// Empty for all; `None` where something is wrong with them.
fn methods(table: &mut Table<'_, '_>) -> Option<Vec<Method>> {
    let Some(named) = table.texts("methods") else {
        return (!table.has("methods")).then(Vec::new);
    };
    if named.is_empty() {
        table.wrong(
            "methods",
            "is empty: name a method, or leave it out to allow them all",
        );
        return None;
    }
    let mut methods = Vec::new();
    for (key, name) in &named {
        match name.parse::<Method>() {
            Ok(method) if !METHODS.contains(name) => table.wrong(key, refusal(&method)),
            Ok(method) if methods.contains(&method) => {
                table.wrong(key, format!("{name} stands there twice: keep one"));
            }
            Ok(method) => methods.push(method),
            Err(_) => table.wrong(
                key,
                "is not a method: write GET, POST, PUT, PATCH, DELETE, ..",
            ),
        }
    }
    (methods.len() == named.len()).then_some(methods)
}

fn refusal(method: &Method) -> String {
    let upper = method.as_str().to_ascii_uppercase();
    if ["CONNECT", "TRACE", "PRI"].contains(&upper.as_str()) {
        format!("{upper} is never forwarded: take it away")
    } else if METHODS.contains(&upper.as_str()) {
        format!("methods are written in capitals: {upper}")
    } else {
        format!("{method} is not a method of HTTP: write GET, POST, PUT, PATCH, DELETE, ..")
    }
}

/// Routes that allow nothing which others do not, with the one (or the first of several) that allows it.
fn in_vain(routes: &[(String, UpstreamRoute)]) -> Vec<(&str, &str)> {
    let mut vain: Vec<(usize, usize)> = Vec::new();
    // From the last, so that of two that are alike the first is kept.
    for (at, (_, route)) in routes.iter().enumerate().rev() {
        let others = || {
            routes
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at && vain.iter().all(|(gone, _)| gone != other))
                .filter(|(_, (_, other))| covers(&other.prefix, &route.prefix))
        };
        let by_all = others().find(|(_, (_, other))| other.methods.is_empty());
        let by_each = || {
            let by: Option<Vec<usize>> = route
                .methods
                .iter()
                .map(|method| {
                    others()
                        .find(|(_, (_, other))| other.methods.contains(method))
                        .map(|(other, _)| other)
                })
                .collect();
            by.and_then(|by| by.into_iter().min())
        };
        if let Some(by) = by_all.map(|(other, _)| other).or_else(by_each) {
            vain.push((at, by));
        }
    }
    vain.iter()
        .rev()
        .filter_map(|(at, by)| Some((routes.get(*at)?.0.as_str(), routes.get(*by)?.0.as_str())))
        .collect()
}

/// As the proxy sees it: whole segments.
fn covers(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use cloakroom_bff::UpstreamRoute;

    use super::{METHODS, in_vain};

    /// `GET,POST /orders`, or `* /orders`.
    fn vain(written: &[&str]) -> Vec<(String, String)> {
        let routes: Vec<(String, UpstreamRoute)> = written
            .iter()
            .map(|text| {
                let (methods, prefix) = text.split_once(' ').expect("methods and a prefix");
                let methods = methods
                    .split(',')
                    .filter(|name| *name != "*")
                    .map(|name| name.parse().expect("a method"))
                    .collect();
                let route = UpstreamRoute::new(methods, prefix).expect("a route");
                ((*text).to_owned(), route)
            })
            .collect();
        in_vain(&routes)
            .into_iter()
            .map(|(vain, by)| (vain.to_owned(), by.to_owned()))
            .collect()
    }

    #[test]
    fn a_route_is_in_vain_where_others_allow_all_of_it() {
        for (routes, expected) in [
            (&["* /a", "* /a"][..], &[("* /a", "* /a")][..]),
            (&["* /a", "GET /a/b"], &[("GET /a/b", "* /a")]),
            (&["GET /a/b", "* /a"], &[("GET /a/b", "* /a")]),
            (&["GET,POST /", "POST /x"], &[("POST /x", "GET,POST /")]),
            (
                &["GET /a", "POST /a", "GET,POST /a/b"],
                &[("GET,POST /a/b", "GET /a")],
            ),
            (
                &["* /", "GET /a", "PUT /b"],
                &[("GET /a", "* /"), ("PUT /b", "* /")],
            ),
        ] {
            let expected: Vec<(String, String)> = expected
                .iter()
                .map(|(vain, by)| ((*vain).to_owned(), (*by).to_owned()))
                .collect();
            assert_eq!(vain(routes), expected, "{routes:?}");
        }
    }

    #[test]
    fn a_route_that_allows_more_somewhere_is_not() {
        for routes in [
            &["GET /a", "POST /a"][..],
            &["GET /a", "GET,POST /a/b"],
            &["GET /a", "* /a/b"],
            &["* /orders", "* /orders-old"],
            &["* /orders/", "GET /orders"],
            &["* /a/b", "GET /a"],
        ] {
            assert_eq!(vain(routes), [], "{routes:?}");
        }
    }

    #[test]
    fn methods_are_in_order_and_none_is_dangerous() {
        assert!(METHODS.is_sorted());
        for never in ["CONNECT", "TRACE", "PRI"] {
            assert!(!METHODS.contains(&never), "{never}");
        }
    }
}
