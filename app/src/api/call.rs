//! A call to an API: what is sent, and how it is sent from wherever the program runs.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::host;

/// A method (RFC 9110 section 9, RFC 5789).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Do, or add.
    Post,
    /// Put in place.
    Put,
    /// Change a part.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A call that can be made, and made again.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    method: Method,
    path: String,
    body: Option<String>,
}

impl Call {
    /// A call without a body. `path` is `/api/{name}/..`, with its query.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            body: None,
        }
    }

    /// A call with a JSON body; [`ApiError::ParameterMalformed`] for what JSON cannot say.
    pub fn with_body<B: Serialize + ?Sized>(
        method: Method,
        path: impl Into<String>,
        body: &B,
    ) -> Result<Self, ApiError> {
        let body = serde_json::to_string(body).map_err(|_| ApiError::ParameterMalformed)?;
        Ok(Self {
            body: Some(body),
            ..Self::new(method, path)
        })
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The path on this origin, with its query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The JSON body.
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// The API's name, and the path at the API.
    pub(crate) fn upstream(&self) -> Option<(&str, &str)> {
        let rest = self.path.strip_prefix("/api/")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (name, path) = rest.split_at(end);
        match path.chars().next() {
            _ if name.is_empty() => None,
            Some('/') => Some((name, path)),
            // The API's own address: `/api/orders`, without a slash, which a query cannot follow.
            None => Some((name, "/")),
            Some(_) => None,
        }
    }

    /// As it is kept, to be made again.
    #[cfg(any(test, not(feature = "ssr")))]
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "method": self.method.as_str(),
            "path": self.path,
            "body": self.body,
        })
    }

    /// What was kept.
    #[cfg(any(test, not(feature = "ssr")))]
    pub(crate) fn of_json(value: &serde_json::Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str();
        let method = text("method")?;
        Some(Self {
            method: *Method::ALL.iter().find(|known| known.as_str() == method)?,
            path: text("path")?.to_owned(),
            body: text("body").map(str::to_owned),
        })
    }

    /// Makes the call. An answer without a body is read as `()` or `None`. A call that is dropped is broken off.
    pub async fn send<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if self.upstream().is_none() {
            return Err(ApiError::RouteNotAllowed);
        }
        host::call(self).await?.read()
    }
}

impl fmt::Debug for Call {
    /// Bodies are what people wrote: they stay out of logs and the console.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}

/// Reads what is at `/api/{name}/..`.
pub async fn get<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    Call::new(Method::Get, path).send().await
}

/// Sends JSON and reads the answer.
pub async fn post<B, T>(path: &str, body: &B) -> Result<T, ApiError>
where
    B: Serialize + ?Sized,
    T: DeserializeOwned,
{
    Call::with_body(Method::Post, path, body)?.send().await
}

/// Puts JSON in place of what is there, and reads the answer.
pub async fn put<B, T>(path: &str, body: &B) -> Result<T, ApiError>
where
    B: Serialize + ?Sized,
    T: DeserializeOwned,
{
    Call::with_body(Method::Put, path, body)?.send().await
}

/// Changes a part of what is there, and reads the answer.
pub async fn patch<B, T>(path: &str, body: &B) -> Result<T, ApiError>
where
    B: Serialize + ?Sized,
    T: DeserializeOwned,
{
    Call::with_body(Method::Patch, path, body)?.send().await
}

/// Removes what is there.
pub async fn delete(path: &str) -> Result<(), ApiError> {
    Call::new(Method::Delete, path).send().await
}
