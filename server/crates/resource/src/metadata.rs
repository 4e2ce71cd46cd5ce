//! Protected resource metadata (RFC 9728).

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use crate::server::ResourceServer;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Why a text is no resource identifier.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceError {
    /// Not https (http on a loopback host is accepted), or with a query, fragment or user name (RFC 9728 section 1.2).
    #[error(
        "the resource identifier must be an https address without query, fragment and user name, such as https://api.example.com"
    )]
    Unusable,
}

error_codes!(ResourceError {
    Self::Unusable => "resource_unusable",
});

/// What this API says about itself.
///
/// ```
/// use cloakroom_resource::ProtectedResource;
///
/// let resource = ProtectedResource::new("https://api.example.com/v1")?.scopes(["messages:read"]);
/// assert_eq!(
///     resource.address(),
///     "https://api.example.com/.well-known/oauth-protected-resource/v1"
/// );
/// # Ok::<_, cloakroom_resource::ResourceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedResource {
    resource: String,
    path: String,
    address: String,
    scopes: Vec<String>,
}

impl ProtectedResource {
    /// `resource` is kept to the letter, for clients compare it so (RFC 9728 section 3.3).
    pub fn new(resource: &str) -> Result<Self, ResourceError> {
        let mut url = Url::parse(resource).map_err(|_| ResourceError::Unusable)?;
        let host = url.host_str().unwrap_or_default();
        let loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if !(url.scheme() == "https" || url.scheme() == "http" && loopback)
            || resource.contains(['?', '#', '@', '{', '}'])
            || resource
                .chars()
                .any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(ResourceError::Unusable);
        }
        // A slash right after the host goes, any other stays (RFC 9728 section 3.1).
        let path = Some(url.path()).filter(|path| *path != "/");
        let path = format!("{WELL_KNOWN}{}", path.unwrap_or_default());
        url.set_path(&path);
        Ok(Self {
            resource: resource.to_owned(),
            path: url.path().to_owned(),
            address: url.into(),
            scopes: Vec::new(),
        })
    }

    /// `scopes_supported`.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Where the document is: the well-known path between host and path (RFC 9728 section 3.1).
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The path of that address.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn document(&self, issuers: &[&str]) -> Value {
        let mut document = json!({
            "resource": self.resource,
            "authorization_servers": issuers,
            "bearer_methods_supported": ["header"],
        });
        // An empty array would say that there are none (RFC 9728 section 3.2).
        if !self.scopes.is_empty() {
            document["scopes_supported"] = json!(self.scopes);
        }
        document
    }
}

impl ResourceServer {
    /// A router with the metadata at its path, to merge at the origin's root, outside the layer; empty where none is published.
    pub fn metadata_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let (Some(metadata), Some(document)) = (self.metadata(), self.metadata_document()) else {
            return Router::new();
        };
        let document = document.to_string();
        let answer = move || async move {
            let mut response = Response::new(Body::from(document));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        };
        // A colon in the identifier's path is a colon.
        let router = Router::new().without_v07_checks();
        router.route(metadata.path(), get(answer))
    }
}
