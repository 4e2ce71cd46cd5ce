//! Proof Key for Code Exchange, method S256 and no other (RFC 7636, RFC 9700 section 2.1.1).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::CodeVerifier;

impl CodeVerifier {
    /// A verifier of 43 characters out of 32 random bytes, as RFC 7636 section 4.1 recommends.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self::new(URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The code challenge: base64url without padding of SHA-256 of the verifier's ASCII (RFC 7636 section 4.2).
pub fn challenge(verifier: &CodeVerifier) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(
        &digest::SHA256,
        verifier.expose().as_bytes(),
    ))
}
