//! The built program `cloakroom`, over HTTP, against an identity provider that misbehaves on purpose: everything a
//! browser, a provider, an attacker and an operator can do to it from outside.
//!
//! Each test starts a provider and a program of its own and ends with [`world::World::end`], which asserts what holds
//! after every test: nothing was answered 500, no secret got out, and the program ended as it was told to.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests: what is printed is shown where one fails, and names the row of its table"
)]

mod arrival;
mod asked;
mod boundary;
mod budget;
mod callback;
mod caller;
mod claims;
mod client_auth;
mod client_auth_settings;
mod conformance;
mod cookies;
mod cookies_https;
mod cookies_odd;
mod credentials;
mod database;
mod discovery;
mod echo;
mod faults;
mod form_post;
mod form_post_odd;
mod framing;
mod headers;
mod hung_up;
mod initiate;
mod jwks;
mod limits;
mod logout;
mod outage;
mod pattern;
mod program;
mod provider_keys;
mod proxies;
mod proxy_answers;
mod proxy_answers_headers;
mod proxy_bodies;
mod proxy_broken_bodies;
mod proxy_csrf;
mod proxy_headers;
mod proxy_paths;
mod proxy_routes;
mod proxy_smuggling;
mod proxy_streams;
mod proxy_transport;
mod proxy_versions;
mod pushed;
mod raw;
mod received;
mod refresh;
mod refresh_faults;
mod refresh_odd;
mod refresh_refused;
mod refusals;
mod return_to;
mod session;
mod shutdown;
mod sign_in;
mod silent;
mod stand_in;
mod start;
mod start_up;
mod store;
mod transactions;
mod unreadable;
mod upstream;
mod userinfo;
mod world;
