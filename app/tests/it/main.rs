//! What the application promises, as specifications. Modules mirror `src`.
#![expect(clippy::unwrap_used, reason = "tests")]

mod api;
mod auth;
mod http;
mod messages;
mod pages;
mod shell;
mod world;
