//! The logout request that the browser carries to the provider (OpenID Connect RP-Initiated Logout 1.0 section 2).

use url::Url;

use crate::metadata::ProviderMetadata;
use crate::secret::IdToken;

/// What signing out at the provider says. The address holds the ID token where one is given: send it to
/// nobody but the browser whose session has just ended, and log it nowhere.
#[derive(Clone, Copy, Debug)]
pub struct EndSessionRequest<'a> {
    /// The ID token of the session that ended; recommended, and required by Okta. An expired one is good too.
    pub id_token_hint: Option<&'a IdToken>,
    /// This client at the provider.
    pub client_id: &'a str,
    /// Where the browser comes back to, exactly as registered.
    pub post_logout_redirect_uri: &'a str,
    /// Comes back unchanged.
    pub state: Option<&'a str>,
}

impl EndSessionRequest<'_> {
    /// The address to send the browser to, or `None` where the provider has no end-session endpoint and
    /// signing out here is all there is. The endpoint's own query is kept.
    pub fn url(&self, metadata: &ProviderMetadata) -> Option<Url> {
        let mut url = metadata.end_session_endpoint.clone()?;
        {
            let mut query = url.query_pairs_mut();
            if let Some(id_token) = self.id_token_hint {
                query.append_pair("id_token_hint", id_token.expose());
            }
            query
                .append_pair("client_id", self.client_id)
                .append_pair("post_logout_redirect_uri", self.post_logout_redirect_uri);
            if let Some(state) = self.state {
                query.append_pair("state", state);
            }
        }
        Some(url)
    }
}
