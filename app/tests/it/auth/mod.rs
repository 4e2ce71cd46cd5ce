//! Who is signed in, and the server functions.

mod error;
mod functions;
mod session_view;
