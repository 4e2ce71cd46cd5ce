//! Calls to the APIs behind `/api/{name}/`, written once: in the browser they go through the proxy, on the server
//! straight to the upstream with the user's token. Both end in the same [`ApiError`], so that no page has to guess what
//! a 401 means.
//!
//! ```no_run
//! use app::api::{self, ApiError};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Order {
//!     number: u64,
//! }
//!
//! async fn first_order() -> Result<Option<u64>, ApiError> {
//!     let orders: Vec<Order> = api::get("/api/orders?page=1").await?;
//!     Ok(orders.first().map(|order| order.number))
//! }
//! # let _ = first_order;
//! ```
//!
//! Specifications: RFC 9110 section 11 (challenges), RFC 9457 (problem documents), RFC 6750 and RFC 9470 (what a 401 of
//! an API says).

mod call;
pub mod challenge;
mod error;
#[cfg(not(feature = "ssr"))]
mod events;
mod problem;
mod reply;
mod step_up;

pub use call::{Call, Method, delete, get, patch, post, put};
pub use error::ApiError;
pub use problem::Problem;
pub use step_up::StepUp;

#[cfg(not(feature = "ssr"))]
pub(crate) use events::{Event, Events};
pub(crate) use reply::Reply;
#[cfg(any(test, not(feature = "ssr")))]
pub(crate) use step_up::encode;
