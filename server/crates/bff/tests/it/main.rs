//! The counter in an application without Leptos (`examples/plain_axum.rs`), with a clock that the tests hold: what
//! depends on time, and what an application has its say in.
#![expect(clippy::unwrap_used, reason = "tests")]

mod app;
mod budget;
mod client_auth;
mod corpus;
mod form_post;
mod hooks;
mod initiate;
mod late;
mod lifetimes;
mod plain_axum;
mod proxy_bodies;
mod proxy_call_api;
mod proxy_csrf;
mod proxy_headers;
mod proxy_paths;
mod proxy_property;
mod proxy_retry;
mod proxy_smuggling;
mod proxy_store;
mod proxy_streams;
mod proxy_tokens;
mod proxy_transport;
mod pushed;
mod refresh_writes;
mod silent;
mod step_up;
mod upstream;
mod userinfo;
mod watched_store;
mod wish;
