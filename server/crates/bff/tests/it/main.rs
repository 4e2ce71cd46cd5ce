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
mod pushed;
mod silent;
mod step_up;
mod userinfo;
mod wish;
