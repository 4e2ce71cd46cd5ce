//! The signature algorithms that are ever accepted (RFC 7518 section 3.1, RFC 8037 section 3.1). `none` is not among them.

use std::fmt;

use aws_lc_rs::{digest, hmac};

/// A JWS algorithm. There is no value for `none`, so no policy can name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SigningAlg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// Ed25519.
    EdDSA,
    /// HMAC with SHA-256, keyed by the client secret (OpenID Connect Core section 10.1).
    HS256,
    /// HMAC with SHA-384, keyed by the client secret.
    HS384,
    /// HMAC with SHA-512, keyed by the client secret.
    HS512,
}

impl SigningAlg {
    /// All of them, the asymmetric ones first.
    pub const ALL: [Self; 13] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
        Self::HS256,
        Self::HS384,
        Self::HS512,
    ];

    /// The algorithm of a registered name, to the letter. `Ed25519` is the newer name of what `EdDSA` means
    /// here (RFC 9864 section 2.2).
    pub fn parse(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDSA);
        }
        Self::ALL.into_iter().find(|alg| alg.as_str() == name)
    }

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
        }
    }

    /// Whether the key is the client secret rather than one of the provider's public keys.
    pub fn is_symmetric(self) -> bool {
        self.hmac().is_some()
    }

    /// The HMAC of a symmetric algorithm (RFC 7518 section 3.2).
    pub(crate) fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            Self::HS256 => Some(hmac::HMAC_SHA256),
            Self::HS384 => Some(hmac::HMAC_SHA384),
            Self::HS512 => Some(hmac::HMAC_SHA512),
            _ => None,
        }
    }

    /// What ID tokens may be signed with when nothing is configured: RS256 where the provider lists it, else
    /// the asymmetric ones that it lists (OpenID Connect Core section 3.1.3.7, step 7). A provider that lists none
    /// signs with RS256, the default of OpenID Connect Dynamic Client Registration section 2.
    pub fn default_for(supported: &[String]) -> Vec<Self> {
        if supported.is_empty() || supported.iter().any(|name| name == "RS256") {
            return vec![Self::RS256];
        }
        let mut algorithms = Vec::new();
        for alg in supported.iter().filter_map(|name| Self::parse(name)) {
            if !alg.is_symmetric() && !algorithms.contains(&alg) {
                algorithms.push(alg);
            }
        }
        algorithms
    }

    /// The hash of `at_hash` and `c_hash` (OpenID Connect Core section 3.1.3.6); Ed25519 hashes with SHA-512 inside.
    pub(crate) fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::RS256 | Self::PS256 | Self::ES256 | Self::HS256 => &digest::SHA256,
            Self::RS384 | Self::PS384 | Self::ES384 | Self::HS384 => &digest::SHA384,
            Self::RS512 | Self::PS512 | Self::ES512 | Self::EdDSA | Self::HS512 => &digest::SHA512,
        }
    }
}

impl fmt::Display for SigningAlg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
