//! Where the settings and the provider's metadata do not fit together, in words for the log
//! (OpenID Connect Discovery section 3, RFC 8414 section 2).

use cloakroom_oidc::ProviderMetadata;

use crate::bff::Bff;
use crate::settings::{Par, ResponseMode};

impl Bff {
    /// What an operator should look at, each with what to do. Metadata are often incomplete: nothing is refused for it.
    pub fn remarks(&self, metadata: &ProviderMetadata) -> Vec<String> {
        let settings = self.settings();
        let auth = self.client_auth().at(metadata);
        let mut remarks = Vec::new();
        if !auth.is_method_listed(metadata) {
            remarks.push(format!(
                "the provider does not list {} among its token_endpoint_auth_methods_supported: where it refuses this client, choose another method, or set this one there",
                auth.method()
            ));
        }
        if !auth.is_signing_alg_listed(metadata) {
            remarks.push(format!(
                "the provider does not list {} among its token_endpoint_auth_signing_alg_values_supported: where it refuses this client, choose another algorithm or key",
                auth.signing_alg(metadata).unwrap_or_default()
            ));
        }
        if settings.response_mode == ResponseMode::FormPost
            && metadata
                .response_modes_supported
                .as_ref()
                .is_some_and(|modes| !modes.iter().any(|mode| mode == "form_post"))
        {
            remarks.push("the provider does not list form_post among its response_modes_supported: where it answers otherwise, choose query".to_owned());
        }
        let endpoint = metadata.pushed_authorization_request_endpoint.is_some();
        match settings.par {
            Par::Always if !endpoint => remarks.push("authorization requests are to be pushed always, but the provider names no pushed_authorization_request_endpoint: no sign-in can begin".to_owned()),
            Par::Off if metadata.require_pushed_authorization_requests => remarks.push("the provider requires pushed authorization requests, and they are switched off: it will refuse sign-ins".to_owned()),
            _ => {}
        }
        if self.id_token_algs(metadata).is_empty() {
            remarks.push("the provider lists no asymmetric algorithm for ID tokens: name the one that it signs with".to_owned());
        }
        remarks
    }
}
