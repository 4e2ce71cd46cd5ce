//! What a test changes while the provider runs: registrations, the user, faults, keys, time.

use serde_json::Value;

use super::fault::Fault;
use super::record::User;
use super::{Alg, Provider};

impl Provider {
    /// Replaces the first client's secret, as an operator does.
    pub fn set_client_secret(&self, secret: impl Into<String>) {
        self.shared.state().clients[0].secret = Some(secret.into());
    }

    /// Registers a redirect URI for every client: an application's port is known later than the provider's.
    pub fn register_redirect_uri(&self, uri: impl Into<String>) {
        let uri = uri.into();
        for client in &mut self.shared.state().clients {
            client.redirect_uris.push(uri.clone());
        }
    }

    /// Registers a post-logout redirect URI for every client.
    pub fn register_post_logout_redirect_uri(&self, uri: impl Into<String>) {
        let uri = uri.into();
        for client in &mut self.shared.state().clients {
            client.post_logout_redirect_uris.push(uri.clone());
        }
    }

    /// Registers `{public_url}/auth/callback` and `{public_url}/`, Cloakroom's two addresses.
    pub fn register_app(&self, public_url: &str) {
        let public_url = public_url.trim_end_matches('/');
        self.register_redirect_uri(format!("{public_url}/auth/callback"));
        self.register_post_logout_redirect_uri(format!("{public_url}/"));
    }

    /// From now on this user is signed in here, and sign-ins are theirs.
    pub fn set_user(&self, user: User) {
        self.shared.state().user = Some(user);
    }

    /// From now on nobody is signed in here: `prompt=none` gets `login_required`, anything else a page.
    pub fn sign_out_user(&self) {
        self.shared.state().user = None;
    }

    /// The provider is wrong in this way until [`clear_fault`](Self::clear_fault) or another fault.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.state().fault = Some(fault);
        self.shared.changed.send_modify(|changes| *changes += 1);
    }

    /// The provider is honest again, and answers what it held back ([`Fault::TokenHang`]).
    pub fn clear_fault(&self) {
        self.shared.state().fault = None;
        self.shared.changed.send_modify(|changes| *changes += 1);
    }

    /// [`clear_fault`](Self::clear_fault), by the name that fits [`Fault::TokenHang`].
    pub fn release(&self) {
        self.clear_fault();
    }

    /// The provider's clock is this many seconds before (negative) or after (positive) the system's.
    pub fn set_time_offset(&self, seconds: i64) {
        self.shared.state().offset = seconds;
    }

    /// Ends what every refresh token allows, as an administrator does: the next refresh gets `invalid_grant`.
    pub fn revoke_refresh_tokens(&self) {
        self.shared.state().refresh.clear();
    }

    /// The first client's public keys, by value: for an application whose keys are known later than the provider's start.
    /// They take the place of those at its `jwks_uri`.
    pub fn set_client_jwks(&self, jwks: Value) {
        self.shared.state().clients[0].jwks = Some(jwks);
    }

    /// The first client's public keys, by address: `{public_url}/auth/jwks.json` for Cloakroom. Fetched at each assertion.
    pub fn set_client_jwks_uri(&self, uri: impl Into<String>) {
        let mut state = self.shared.state();
        state.clients[0].jwks = None;
        state.clients[0].jwks_uri = Some(uri.into());
    }

    /// The first client authenticates in this way and no other.
    pub fn set_client_auth_method(&self, method: impl Into<String>) {
        self.shared.state().clients[0].auth_method = Some(method.into());
    }

    /// The user signed in this many seconds ago: `max_age` may ask for a new authentication, which `prompt=none` refuses.
    pub fn set_authentication_age(&self, seconds: u64) {
        self.shared.state().authentication_age = seconds;
    }

    /// From now on `prompt=none` gets this error although somebody is signed in: `consent_required`,
    /// `interaction_required`, `account_selection_required` (OpenID Connect Core 1.0, section 3.1.2.6). None ends it.
    pub fn set_silent_error(&self, error: Option<&str>) {
        self.shared.state().silent_error = error.map(str::to_owned);
    }

    /// From now on no more than these scopes are granted, whatever is asked for; the token answer says so (RFC 6749,
    /// section 3.3). None ends it.
    pub fn set_granted_scopes(&self, scopes: Option<&[&str]>) {
        let scopes = scopes.map(|scopes| scopes.iter().map(|&scope| scope.to_owned()).collect());
        self.shared.state().granted_scopes = scopes;
    }

    /// The key set's `Cache-Control` from now on; `max-age=3600, must-revalidate` at the start. Okta's is short near a rotation.
    pub fn set_keys_cache_control(&self, value: impl Into<String>) {
        self.shared.state().keys_cache_control = value.into();
    }

    /// The next signing key is in the key set from now on, and signs nothing yet.
    pub fn publish_next_key(&self) {
        self.shared.state().next_key_published = true;
    }

    /// From now on the next key signs, and is in the key set; the one before it stays there
    /// (`oidcc-client-test-signing-key-rotation`).
    pub fn rotate_key(&self) {
        let mut state = self.shared.state();
        state.next_key_published = true;
        state.next_key_signs = true;
    }

    /// Takes the key from before [`rotate_key`](Self::rotate_key) out of the key set, as in an emergency.
    pub fn withdraw_old_key(&self) {
        self.shared.state().current_key_published = false;
    }

    /// Takes [`rotate_key`](Self::rotate_key) back: the first key signs again. The next one stays published.
    pub fn rotate_key_back(&self) {
        self.shared.state().next_key_signs = false;
    }

    pub(crate) fn announces_iss(&self) -> bool {
        self.shared.settings.announce_iss
    }

    pub(crate) fn algorithm(&self) -> Alg {
        self.shared.settings.alg
    }

    pub(crate) fn signs_userinfo(&self) -> bool {
        self.shared.settings.userinfo_alg.is_some()
    }
}
