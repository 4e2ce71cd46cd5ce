//! The APIs behind the proxy: `[api.NAME]` tables of the configuration file under `CLOAKROOM_API_NAME` variables, which
//! say a base URL and nothing else (draft-ietf-oauth-browser-based-apps section 6.1.3.3).

mod given;
mod headers;
mod routes;
mod rules;
mod table;

use std::collections::BTreeSet;

use cloakroom_bff::{Upstream, UpstreamError, UpstreamName};

pub(crate) use self::given::{Given, PREFIX};
use self::given::{Variable, variable_of};
use self::table::Table;
use super::sources::Problem;

/// Every key of an `[api.NAME]` table with its meaning, for `--help`; the README's table is the same.
pub(crate) const KEYS: &[(&str, &str)] = &[
    (
        "base",
        "Base URL, such as https://api.example.com/v1: what stands after /api/NAME is appended to its path. CLOAKROOM_API_NAME goes over it",
    ),
    (
        "routes",
        "What may be called: a list of { prefix = \"/orders\", methods = [\"GET\", \"POST\"] }. A prefix covers itself and what is below it, whole segments only; without methods, all of them [default: everything below the base]",
    ),
    (
        "token",
        "Whose access token goes with a call: user (nobody else may call), user-if-signed-in or none [default: user]",
    ),
    (
        "scopes",
        "A list of scopes that the token must have been granted; sign-ins ask for them too [default: none]",
    ),
    (
        "resource",
        "Resource indicator (RFC 8707) under which the provider is asked for a token for this API alone [default: the session's token is sent]",
    ),
    (
        "headers",
        "Headers of every call, over what the browser sends: { \"X-Api-Key\" = \"value\" }, or { \"X-Api-Key\" = { file = \"path\" } } for a secret [default: none]",
    ),
    (
        "connect_timeout",
        "How long connecting may take, TLS included, such as 5s or 250ms [default: 5s]",
    ),
    (
        "answer_timeout",
        "How long the answer may take to begin once the request is sent; event streams may take as long as they like [default: 30s]",
    ),
    (
        "pause_timeout",
        "The longest pause within a body, either way; event streams and WebSockets may pause as long as they like [default: 60s]",
    ),
    (
        "max_body",
        "The largest body of a request, such as 64KiB or 1GiB, or unlimited [default: 16MiB]",
    ),
    (
        "max_calls",
        "Calls under way at once, open streams among them [default: 1000]",
    ),
    (
        "forward_address",
        "Whether X-Forwarded-For says the browser's address, with X-Forwarded-Proto and X-Forwarded-Host of the public URL [default: false]",
    ),
    (
        "forward_user",
        "Header that says the user's subject identifier, such as X-User-Id [default: none]",
    ),
    (
        "protocol",
        "auto, http1 or http2, which over plain http means prior knowledge [default: auto, by ALPN]",
    ),
    (
        "danger_plain_http",
        "Whether the base may be plain http on another machine: access tokens can be read on the way [default: false]",
    ),
];

/// What somebody might write for a key of another name.
const INSTEAD: &[(&str, &str)] = &[
    ("url", "the base URL is called base"),
    (
        "methods",
        "methods belong to a route, such as routes = [{ prefix = \"/\", methods = [\"GET\"] }]",
    ),
    (
        "prefix",
        "a prefix belongs to a route, such as routes = [{ prefix = \"/orders\" }]",
    ),
    (
        "timeout",
        "there are three: connect_timeout, answer_timeout and pause_timeout",
    ),
    (
        "headers_file",
        "a file is named header by header, such as headers = { \"X-Api-Key\" = { file = \"path\" } }",
    ),
    ("audience", "a token of its own is asked for by resource"),
];

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Apis {
    pub(crate) upstreams: Vec<Upstream>,
    /// Unsafe choices that have an effect, such as `api.orders.danger_plain_http`.
    pub(crate) dangers: Vec<String>,
}

/// Reads every API that the file or the environment names; every problem is added to `problems`.
pub(crate) fn read(given: &Given, problems: &mut Vec<Problem>) -> Apis {
    let mut apis = Apis::default();
    let names: BTreeSet<&String> = given.tables.keys().chain(given.variables.keys()).collect();
    for name in names {
        apis.read_one(name, given, problems);
    }
    apis
}

impl Apis {
    fn read_one(&mut self, name: &str, given: &Given, problems: &mut Vec<Problem>) {
        let before = problems.len();
        let variable = given.variables.get(name);
        let no_table = toml::Table::new();
        let entries = match given.tables.get(name) {
            None => Some(&no_table),
            Some(toml::Value::Table(entries)) => Some(entries),
            Some(_) => {
                problems.push(Problem::new(
                    given.place(name),
                    "is not a table: write [api.NAME] and its keys below it",
                ));
                None
            }
        };
        let parsed = UpstreamName::parse(name)
            .map_err(|error| {
                let place = match variable {
                    Some(variable) if !given.tables.contains_key(name) => variable.name.clone(),
                    _ => given.place(name),
                };
                problems.push(Problem::new(place, error.to_string()));
            })
            .ok();
        let (Some(entries), Some(parsed)) = (entries, parsed) else {
            return;
        };
        let mut table = Table::new(entries, format!("api.{name}"), &given.file, problems);
        let known: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
        table.only(&known, INSTEAD);
        let base = self.base(&mut table, &parsed, variable);
        // Whatever is wrong with the base, the rest is read too: one start names every problem.
        let stand_in = || Upstream::new(parsed.clone(), "https://stand-in.invalid", false).ok();
        if let Some(mut upstream) = base.or_else(stand_in) {
            rules::read(&mut table, &mut upstream);
            if problems.len() == before {
                self.upstreams.push(upstream);
            }
        }
    }

    /// The upstream at its base, with the defaults for everything else.
    fn base(
        &mut self,
        table: &mut Table<'_, '_>,
        name: &UpstreamName,
        variable: Option<&Variable>,
    ) -> Option<Upstream> {
        let in_file = table.text("base");
        let dared = table.flag("danger_plain_http").unwrap_or(false);
        let (text, place) = match (variable, in_file) {
            (Some(variable), _) => (variable.base.as_str(), variable.name.clone()),
            (None, Some(text)) => (text, table.place("base")),
            (None, None) => {
                if !table.has("base") {
                    let variable = variable_of(name.as_str());
                    table.wrong("base", format!("is required: where the API is, such as https://api.example.com/v1, here or in {variable}"));
                }
                return None;
            }
        };
        match Upstream::new(name.clone(), text, false) {
            Ok(upstream) => {
                // A variable may lead a developer's program to this machine; the file is then right for others.
                if dared && variable.is_none() {
                    table.wrong("danger_plain_http", "allows what is not done here, the base being https or this machine's own: leave it out");
                }
                Some(upstream)
            }
            Err(UpstreamError::PlainHttp) if dared => {
                self.dangers.push(format!("api.{name}.danger_plain_http"));
                Upstream::new(name.clone(), text, true).ok()
            }
            Err(error) => {
                table.wrong_at(place, error.to_string());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
