//! How this client proves itself at the provider, by setting, and what the provider's metadata make of it
//! (OpenID Connect Core section 9, RFC 7523).

use std::sync::Arc;

use cloakroom_oidc::{ClientAuth, ClientKeys, ClientSecret, ProviderMetadata, SecretJwt};

/// How this client proves itself at the token, revocation and pushed authorization endpoints.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ClientAuthSetting {
    /// `client_secret_basic`, or `client_secret_post` where the metadata has only that.
    Secret(ClientSecret),
    /// `client_secret_basic`, whatever the metadata says.
    SecretBasic(ClientSecret),
    /// `client_secret_post`, whatever the metadata says.
    SecretPost(ClientSecret),
    /// `client_secret_jwt`: the secret signs assertions and is never sent.
    SecretJwt(SecretJwt),
    /// `private_key_jwt`: the first key signs assertions, all are published at `/auth/jwks.json`.
    PrivateKeyJwt {
        /// This client's keys.
        keys: Arc<ClientKeys>,
        /// The secret that ID tokens are signed with, where [`crate::Settings::id_token_algs`] names an HS algorithm
        /// (OpenID Connect Core section 10.1). It proves nothing else.
        id_token_secret: Option<ClientSecret>,
    },
    /// `none`: a public client, with PKCE alone.
    None,
}

impl ClientAuthSetting {
    /// `private_key_jwt` with these keys.
    pub fn private_key_jwt(keys: ClientKeys) -> Self {
        Self::PrivateKeyJwt {
            keys: Arc::new(keys),
            id_token_secret: None,
        }
    }

    /// As the provider wants it.
    pub(crate) fn at(&self, metadata: &ProviderMetadata) -> ClientAuth {
        match self {
            Self::Secret(secret) if takes_only_post(metadata) => {
                ClientAuth::SecretPost(secret.clone())
            }
            Self::Secret(secret) | Self::SecretBasic(secret) => {
                ClientAuth::SecretBasic(secret.clone())
            }
            Self::SecretPost(secret) => ClientAuth::SecretPost(secret.clone()),
            Self::SecretJwt(secret) => ClientAuth::SecretJwt(secret.clone()),
            Self::PrivateKeyJwt { keys, .. } => ClientAuth::PrivateKeyJwt(Arc::clone(keys)),
            Self::None => ClientAuth::None,
        }
    }

    /// The key of ID tokens that are signed with an HS algorithm (OpenID Connect Core section 10.1).
    pub(crate) fn id_token_secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::Secret(secret) | Self::SecretBasic(secret) | Self::SecretPost(secret) => {
                Some(secret)
            }
            Self::SecretJwt(secret) => Some(secret.secret()),
            Self::PrivateKeyJwt {
                id_token_secret, ..
            } => id_token_secret.as_ref(),
            Self::None => None,
        }
    }

    /// This client's own keys, where it has some.
    pub fn keys(&self) -> Option<&ClientKeys> {
        match self {
            Self::PrivateKeyJwt { keys, .. } => Some(keys),
            _ => None,
        }
    }
}

/// Left out, the list means `client_secret_basic` alone (OpenID Connect Discovery section 3).
fn takes_only_post(metadata: &ProviderMetadata) -> bool {
    let has = |name: &str| {
        metadata
            .token_endpoint_auth_methods_supported
            .as_ref()
            .is_some_and(|methods| methods.iter().any(|method| method == name))
    };
    has("client_secret_post") && !has("client_secret_basic")
}
