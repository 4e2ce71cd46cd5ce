//! This client's private keys, for `private_key_jwt` (RFC 7517, RFC 7518 section 6, RFC 8037 section 2, RFC 7468, RFC 7638).

mod der;
mod error;
mod jwk;
mod key;
mod pem;

use std::fmt;

use serde_json::{Value, json};

pub use self::error::ClientKeysError;
use self::key::Key;

/// The largest key file, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// The most keys that one file may hold. Rotation needs two.
pub const MAX_KEYS: usize = 16;

/// The longest `kid`, in bytes.
pub const MAX_KID: usize = 256;

/// What the operator says about the key file beside what it says itself. Both are about its first key, which signs.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientKeyOptions<'a> {
    /// The `kid` that the provider knows the key by. A JWK that has one must have the same.
    pub kid: Option<&'a str>,
    /// The name of the algorithm to sign with, such as `PS256`. A JWK that has one must have the same.
    pub alg: Option<&'a str>,
}

/// The private keys of one client: the first signs, all are published. A new key joins last, so that the provider
/// learns it, and then moves first.
pub struct ClientKeys {
    signing: Key,
    others: Vec<Key>,
}

impl ClientKeys {
    /// Reads a file of private keys: PEM (PKCS#8, PKCS#1 or SEC1, any number), one JWK, or a JWK set.
    ///
    /// RSA of 2048 to 8192 bits, P-256, P-384 and Ed25519. `kid` is the JWK's own, or the operator's for the first
    /// key, else the key's SHA-256 thumbprint (RFC 7638), which is the same whatever form the key comes in.
    pub fn parse(file: &[u8], options: &ClientKeyOptions<'_>) -> Result<Self, ClientKeysError> {
        if file.len() > MAX_BYTES {
            return Err(ClientKeysError::TooLarge);
        }
        let mut keys = match file.trim_ascii_start().first() {
            None => return Err(ClientKeysError::NoKey),
            Some(b'{') => jwk::read(file)?,
            Some(_) => pem::read(file)?,
        };
        if keys.len() > MAX_KEYS {
            return Err(ClientKeysError::TooManyKeys);
        }
        if keys.is_empty() {
            return Err(ClientKeysError::NoKey);
        }
        let mut signing = keys.remove(0);
        signing.apply(options)?;
        let keys = Self {
            signing,
            others: keys,
        };
        keys.check_kids()?;
        Ok(keys)
    }

    fn check_kids(&self) -> Result<(), ClientKeysError> {
        let kids: Vec<&str> = self.key_ids().collect();
        for (at, kid) in kids.iter().enumerate() {
            if kids[..at].contains(kid) {
                return Err(ClientKeysError::DuplicateKid {
                    kid: (*kid).to_owned(),
                });
            }
        }
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.signing).chain(&self.others)
    }

    /// How many keys there are, at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        1 + self.others.len()
    }

    /// The `kid` of each key, the signing one first.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.all().map(Key::kid)
    }

    /// The `kid` of the key that signs.
    pub fn signing_kid(&self) -> &str {
        self.signing.kid()
    }

    /// The `alg` that the signing key signs with at a provider whose `token_endpoint_auth_signing_alg_values_supported`
    /// is `supported`: the JWK's or the operator's choice; else the first that is listed of RS256, RS384, RS512,
    /// PS256, PS384, PS512 for RSA, or of `EdDSA` and `Ed25519` (RFC 9864 section 2.2); else the first of them.
    pub fn algorithm(&self, supported: Option<&[String]>) -> &'static str {
        self.signing.algorithm(supported)
    }

    /// The keys as the provider needs them, for the address registered as `jwks_uri` (RFC 7517 section 5): a JSON
    /// object with the public members, `kid`, `use` and, where a key is for one algorithm only, `alg`.
    pub fn public_key_set(&self) -> String {
        let keys: Vec<Value> = self.all().map(Key::public_jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// A signature of the signing key (RFC 7515 section 5.1), for an algorithm of [`algorithm`](Self::algorithm).
    pub(crate) fn sign(&self, alg: &str, message: &[u8]) -> Option<Vec<u8>> {
        self.signing.sign(alg, message)
    }
}

// Private keys are not for logs; their names are.
impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKeys")
            .field("kids", &self.key_ids().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::{ClientKeyOptions, ClientKeys};

    fn signature(jwk: &[u8], alg: &str, message: &str) -> String {
        let keys = ClientKeys::parse(jwk, &ClientKeyOptions::default()).unwrap();
        URL_SAFE_NO_PAD.encode(keys.sign(alg, message.as_bytes()).unwrap())
    }

    #[test]
    fn rs256_signs_as_rfc_7515_appendix_a_2_does() {
        let message = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        assert_eq!(
            signature(
                include_bytes!("../tests/keys/rfc7515-a2.jwk.json"),
                "RS256",
                message
            ),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        );
    }

    #[test]
    fn ed25519_signs_as_rfc_8037_appendix_a_4_does() {
        assert_eq!(
            signature(
                include_bytes!("../tests/keys/rfc8037-a1.jwk.json"),
                "EdDSA",
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
            ),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }
}
