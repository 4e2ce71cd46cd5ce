//! The algorithms that the provider signs with (RFC 7518, section 3.1; RFC 8037; RFC 9864).

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};

use super::keys::base64url;

/// How the provider signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256: Okta's, and OpenID Connect's default.
    #[default]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// Ed25519 under its fully specified name (RFC 9864, section 2.2).
    Ed25519,
    /// HMAC with SHA-256 under the client's secret.
    Hs256,
    /// HMAC with SHA-384 under the client's secret.
    Hs384,
    /// HMAC with SHA-512 under the client's secret.
    Hs512,
}

impl Alg {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        [
            Self::Rs256,
            Self::Rs384,
            Self::Rs512,
            Self::Ps256,
            Self::Ps384,
            Self::Ps512,
            Self::Es256,
            Self::Es384,
            Self::Es512,
            Self::EdDsa,
            Self::Ed25519,
            Self::Hs256,
            Self::Hs384,
            Self::Hs512,
        ]
        .into_iter()
    }

    /// The `alg` value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// Whether the key is the client's secret.
    pub(super) fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    /// This algorithm, or RS256 in place of one that has no key to publish.
    pub(super) fn asymmetric(self) -> Self {
        if self.is_symmetric() {
            Self::Rs256
        } else {
            self
        }
    }

    /// An algorithm of another key type, which no honest token is signed with.
    pub(super) fn alternate(self) -> Self {
        match self {
            Self::Es256 | Self::Es384 | Self::Es512 => Self::EdDsa,
            _ => Self::Es256,
        }
    }

    /// The left half of the hash that goes with this algorithm, as `at_hash` and `c_hash` want it (OpenID Connect
    /// Core 1.0, section 3.1.3.6). For Ed25519 that is SHA-512, its own hash.
    pub(super) fn half_hash(self, text: &str) -> String {
        let algorithm = match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 | Self::Hs256 => &SHA256,
            Self::Rs384 | Self::Ps384 | Self::Es384 | Self::Hs384 => &SHA384,
            _ => &SHA512,
        };
        let hash = digest::digest(algorithm, text.as_bytes());
        base64url(&hash.as_ref()[..hash.as_ref().len() / 2])
    }
}
