//! Keys and tokens whose private halves are published (RFC 7515 appendices A.1 to A.3, RFC 8037 appendix A.1): good for
//! nothing but tests.

use std::sync::OnceLock;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{ClientSecret, KeySet};

/// RFC 7515 appendix A.2.
pub(super) const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
/// RFC 7515 appendix A.3.
pub(super) const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
/// RFC 7515 appendix A.3.
pub(super) const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
/// RFC 8037 appendix A.1.
pub(super) const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const ED_D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

/// RFC 7515 appendix A.2.1.
pub(super) const RS256_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
/// RFC 7515 appendix A.3.1. ECDSA has a second good signature of the same message (r, n - s), which takes knowing the
/// group's order to find.
pub(super) const ES256_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// A client secret, and the key of the HS256 token.
pub(super) const SECRET: &str = "hush-5f1e9c-is-what-nobody-may-see";

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn un_b64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The three public keys, none with a `kid` but the last.
pub(super) fn key_set() -> &'static KeySet {
    static KEYS: OnceLock<KeySet> = OnceLock::new();
    KEYS.get_or_init(|| {
        let document = serde_json::json!({"keys": [
            {"kty": "RSA", "n": RSA_N, "e": "AQAB"},
            {"kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y},
            {"kty": "OKP", "crv": "Ed25519", "x": ED_X, "kid": "ed"},
        ]});
        KeySet::parse(document.to_string().as_bytes()).expect("a key set")
    })
}

pub(super) fn client_secret() -> &'static ClientSecret {
    static SECRET_KEY: OnceLock<ClientSecret> = OnceLock::new();
    SECRET_KEY.get_or_init(|| ClientSecret::new(SECRET))
}

/// Header and claims to the letter, signed with the Ed25519 key.
pub(super) fn sign(header: &[u8], claims: &[u8]) -> String {
    static KEY: OnceLock<Ed25519KeyPair> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        let seed = un_b64(ED_D).expect("base64url");
        Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key pair")
    });
    let message = format!("{}.{}", b64(header), b64(claims));
    let signature = b64(key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// Header and claims to the letter, with an HMAC under the client secret.
pub(super) fn hs256(header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", b64(header), b64(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = b64(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{tag}")
}
