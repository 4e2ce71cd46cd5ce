//! Calls to APIs.

mod call;
mod challenge;
mod error;
mod step_up;
