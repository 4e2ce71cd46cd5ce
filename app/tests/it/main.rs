//! What the application promises, as specifications. Modules mirror `src`.

mod auth;
mod shell;
