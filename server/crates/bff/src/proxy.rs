//! Stands in for the proxy's own `Visit::call_api` until it is merged: every call answers that no API is configured.

use bytes::Bytes;
use http::{Request, Response};
use thiserror::Error;

use crate::code::Code;
use crate::visit::Visit;

/// Why a call was not made, or has no answer.
#[derive(Debug, Error)]
#[error("the call is not allowed: no API is configured")]
pub struct CallError;

impl CallError {
    /// The stable code.
    pub fn code(&self) -> Code {
        Code::RouteNotAllowed
    }
}

impl Visit {
    /// Calls an upstream with the token of whoever this request comes from.
    pub async fn call_api(
        &self,
        name: &str,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, CallError> {
        let _ = (name, request);
        std::future::ready(Err(CallError)).await
    }
}
