//! What the application promises, as specifications. Modules mirror `src`.

mod api;
mod auth;
mod shell;
