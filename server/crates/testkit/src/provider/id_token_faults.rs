//! What the faults make of an ID token: its claims (OpenID Connect Core 1.0, section 3.1.3.7), its header and key
//! (RFC 7515, RFC 8725), and its text (RFC 7519, section 7.2).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Fault;
use super::decoy::SYMMETRIC;
use super::keys::{Alg, SigningKey, Which, base64url, random_token};
use super::mint::{Signer, object, unsigned};
use super::state::{Grant, Shared, State};
use super::weak_rsa;

const HOUR: u64 = 3_600;

/// [`Fault::DeepClaim`], in arrays.
pub(super) const DEEP: usize = 10_000;

/// [`Fault::HugeIdToken`], in characters.
const HUGE: usize = 1_100_000;

/// A number that no [`Value`] holds, written out by [`raw_numbers`].
fn raw(number: &str) -> Value {
    json!(format!("@number:{number}@"))
}

/// The text with what [`raw`] stands for in its place.
fn raw_numbers(text: String) -> String {
    let mut text = text;
    while let Some(start) = text.find("\"@number:") {
        let number = start + "\"@number:".len();
        let Some(length) = text[number..].find("@\"") else {
            break;
        };
        let written = text[number..number + length].to_owned();
        text.replace_range(start..number + length + 2, &written);
    }
    text
}

pub(super) fn spoil_claims(
    claims: &mut Map<String, Value>,
    fault: &Fault,
    grant: &Grant,
    alg: Alg,
    now: u64,
    code: Option<&str>,
) {
    let client = &grant.client_id;
    let issuer = claims["iss"].as_str().unwrap_or_default().to_owned();
    let (name, value) = match fault {
        Fault::WrongIss => ("iss", json!("https://attacker.example/oauth2/default")),
        Fault::IssTrailingSlash => ("iss", json!(format!("{issuer}/"))),
        Fault::WrongAud => ("aud", json!("another-client")),
        Fault::ExtraAud | Fault::ExtraAudWithAzp => ("aud", json!([client, "another-client"])),
        Fault::AudArray => ("aud", json!([client])),
        Fault::AudEmpty => ("aud", json!([])),
        Fault::AudNumber => ("aud", json!([client, 7])),
        Fault::WrongAzp => ("azp", json!("another-client")),
        Fault::RightAzp => ("azp", json!(client)),
        Fault::WrongNonce => ("nonce", json!(random_token())),
        Fault::NonceNumber => ("nonce", json!(1_234_567_890)),
        Fault::Expired => ("exp", json!(now.saturating_sub(HOUR))),
        Fault::ExpZero => ("exp", json!(0)),
        Fault::ExpNegative => ("exp", json!(-1)),
        Fault::ExpInfinite => ("exp", raw("1e400")),
        Fault::ExpHuge => ("exp", raw("1180591620717411303424")),
        Fault::ExpString => ("exp", json!((now + HOUR).to_string())),
        Fault::IssuedInFuture => ("iat", json!(now + HOUR)),
        Fault::IatString => ("iat", json!(now.to_string())),
        Fault::IatNegative => ("iat", json!(-1)),
        Fault::IatInfinite => ("iat", raw("1e400")),
        Fault::IatFarPast => ("iat", json!(now.saturating_sub(10 * 365 * 24 * HOUR))),
        Fault::NbfInFuture => ("nbf", json!(now + HOUR)),
        Fault::NbfString => ("nbf", json!(now.to_string())),
        Fault::NonStringSub => ("sub", json!(12_345)),
        Fault::OtherSub => ("sub", json!("00u-somebody-else")),
        Fault::SubEmpty => ("sub", json!("")),
        Fault::SubTooLong => ("sub", json!("s".repeat(256))),
        Fault::SubNonAscii => ("sub", json!("00u\u{fc}")),
        Fault::WrongAtHash => ("at_hash", json!(alg.half_hash("another access token"))),
        Fault::AtHashNumber => ("at_hash", json!(7)),
        Fault::WrongCHash => ("c_hash", json!(alg.half_hash("another code"))),
        Fault::RightCHash => match code {
            Some(code) => ("c_hash", json!(alg.half_hash(code))),
            None => return,
        },
        Fault::StaleAuthTime => ("auth_time", json!(now.saturating_sub(24 * HOUR))),
        Fault::WrongAcr => ("acr", json!("urn:example:weaker")),
        Fault::HugeIdToken => ("padding", json!("A".repeat(HUGE))),
        Fault::UnknownClaims => ("_claim_names", json!({"address": "src1", "credit": "src2"})),
        _ => return spoil_more(claims, fault),
    };
    claims.insert(name.to_owned(), value);
    let mut also = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    match fault {
        Fault::Expired => drop(also("iat", json!(now.saturating_sub(2 * HOUR)))),
        Fault::IssuedInFuture => drop(also("exp", json!(now + 2 * HOUR))),
        Fault::ExtraAudWithAzp => drop(also("azp", json!(client))),
        Fault::UnknownClaims => {
            let sources = json!({
                "src1": {"JWT": "e30.e30.AA"},
                "src2": {"endpoint": "https://attacker.example/claims", "access_token": "for-nobody"},
            });
            also("_claim_sources", sources);
            also(
                "urn:example:new",
                json!({"nested": [1, null, {"deep": true}]}),
            );
        }
        _ => {}
    }
}

fn spoil_more(claims: &mut Map<String, Value>, fault: &Fault) {
    let missing = match fault {
        Fault::NoIssClaim => "iss",
        Fault::MissingAud => "aud",
        Fault::MissingNonce => "nonce",
        Fault::MissingExp => "exp",
        Fault::MissingIat => "iat",
        Fault::MissingSub => "sub",
        Fault::MissingAuthTime => "auth_time",
        Fault::MissingAcr => "acr",
        Fault::MissingAtHash => "at_hash",
        Fault::MissingCHash => "c_hash",
        // A whole second and a half: seconds since 1970 are exact in a double, and so is the half.
        Fault::FractionalTimes => {
            for name in ["iat", "exp"] {
                let text = format!("{}.5", claims[name]);
                claims.insert(
                    name.to_owned(),
                    serde_json::from_str(&text).unwrap_or_default(),
                );
            }
            return;
        }
        _ => return,
    };
    claims.remove(missing);
}

/// Chooses the key, and gives the header that goes with it.
pub(super) fn spoil_signer(
    shared: &Shared,
    state: &State,
    signer: &mut Signer,
    fault: &Fault,
    grant: &Grant,
) -> Map<String, Value> {
    let alg = shared.settings.alg.asymmetric();
    let own = SigningKey::get(alg, state.signing_place());
    let key = |which| Signer::Key(SigningKey::get(alg, which));
    let hs256 = |secret: Vec<u8>| Signer::Secret(Alg::Hs256, secret);
    let replacement = match fault {
        Fault::RotatedKey => key(Which::Next),
        Fault::UnknownKid
        | Fault::EmbeddedJwk
        | Fault::EmbeddedJku
        | Fault::EmbeddedX5u
        | Fault::EmbeddedX5c => key(Which::Stranger),
        Fault::EncryptionKey => key(Which::Encryption),
        Fault::AlternateAlg => Signer::Key(SigningKey::get(alg.alternate(), Which::Current)),
        Fault::SmallRsaKey => Signer::Weak,
        Fault::AlgHs256WithPublicKey => hs256(own.public_pem().into_bytes()),
        Fault::AlgHs256WithPublicKeyDer => hs256(own.public_der()),
        Fault::AlgHs256WithSecret => Signer::honest(Alg::Hs256, state, &grant.client_id),
        Fault::AlgHs256WithPublishedKey => {
            hs256(BASE64_URL_SAFE_NO_PAD.decode(SYMMETRIC).unwrap_or_default())
        }
        _ => return spoil_header(shared, signer.header(), fault, alg),
    };
    *signer = replacement;
    let mut header = signer.header();
    let kid = match fault {
        Fault::AlgHs256WithPublishedKey => "decoy-oct".to_owned(),
        Fault::EncryptionKey => "decoy-enc".to_owned(),
        Fault::SmallRsaKey => weak_rsa::KID.to_owned(),
        Fault::AlgHs256WithPublicKey
        | Fault::AlgHs256WithPublicKeyDer
        | Fault::AlgHs256WithSecret => own.kid.clone(),
        _ => return spoil_header(shared, header, fault, alg),
    };
    header.insert("kid".to_owned(), json!(kid));
    header
}

fn spoil_header(
    shared: &Shared,
    mut header: Map<String, Value>,
    fault: &Fault,
    alg: Alg,
) -> Map<String, Value> {
    let elsewhere = json!(format!("{}/v1/embedded-keys", shared.issuer));
    let stranger = SigningKey::get(alg, Which::Stranger);
    let (name, value) = match fault {
        Fault::AlgNone => return object(json!({"alg": "none"})),
        Fault::AlgNoneCase => return object(json!({"alg": "nOnE"})),
        Fault::NoAlg => {
            header.remove("alg");
            return header;
        }
        Fault::NoKid | Fault::NoKidSeveralKeys => {
            header.remove("kid");
            return header;
        }
        Fault::UnknownAlg => ("alg", json!("XS256")),
        Fault::KidOfAnotherKey => (
            "kid",
            json!(SigningKey::get(alg.alternate(), Which::Current).kid),
        ),
        Fault::EmbeddedJwk => ("jwk", stranger.jwk()),
        Fault::EmbeddedJku => ("jku", elsewhere),
        Fault::EmbeddedX5u => ("x5u", elsewhere),
        Fault::EmbeddedX5c => {
            let der = base64::prelude::BASE64_STANDARD.encode(stranger.public_der());
            ("x5c", json!([der]))
        }
        Fault::CritHeader => ("crit", json!(["urn:example:must-understand"])),
        Fault::UnencodedPayload => ("crit", json!(["b64"])),
        Fault::TypLogout => ("typ", json!("logout+jwt")),
        Fault::TypAccessToken => ("typ", json!("at+jwt")),
        Fault::TypJwt => ("typ", json!("JWT")),
        Fault::TypJwtCase => ("typ", json!("jwt")),
        _ => return header,
    };
    header.insert(name.to_owned(), value);
    match fault {
        // An embedded key is all that there is to choose by.
        Fault::EmbeddedJwk => drop(header.remove("kid")),
        Fault::CritHeader => {
            header.insert("urn:example:must-understand".to_owned(), json!(true));
        }
        Fault::UnencodedPayload => drop(header.insert("b64".to_owned(), json!(false))),
        _ => {}
    }
    header
}

pub(super) fn header_text(header: Map<String, Value>, fault: &Fault) -> String {
    let text = Value::Object(header).to_string();
    match fault {
        Fault::DuplicateHeader => text.replacen('{', "{\"alg\":\"none\",", 1),
        _ => text,
    }
}

pub(super) fn claims_text(claims: Map<String, Value>, fault: &Fault) -> String {
    let text = raw_numbers(Value::Object(claims).to_string());
    match fault {
        Fault::DuplicateClaim => text.replacen('{', "{\"sub\":\"00u-somebody-else\",", 1),
        Fault::DeepClaim => text.replacen('{', &format!("{{\"deep\":{},", deep()), 1),
        Fault::ClaimsArray => format!("[{text}]"),
        _ => text,
    }
}

/// Arrays in arrays.
pub(super) fn deep() -> String {
    format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP))
}

/// The compact form, right but for what the fault does to it.
pub(super) fn compact(signer: &Signer, header: &str, claims: &str, fault: &Fault) -> String {
    let token = signer.compact(header, claims);
    let (input, signature) = token.rsplit_once('.').unwrap_or((&token, ""));
    match fault {
        Fault::AlgNone | Fault::AlgNoneCase | Fault::EmptySignature => {
            format!("{}.", unsigned(header, claims))
        }
        Fault::ZeroSignature => {
            let length = BASE64_URL_SAFE_NO_PAD
                .decode(signature)
                .map_or(0, |it| it.len());
            format!("{input}.{}", base64url(&vec![0; length]))
        }
        Fault::BadSignature => with_bad_signature(&token),
        Fault::PaddedBase64 => {
            let padded = token.split('.').map(|part| {
                let missing = part.len().next_multiple_of(4) - part.len();
                format!("{part}{}", "=".repeat(missing))
            });
            padded.collect::<Vec<_>>().join(".")
        }
        Fault::NonCanonicalBase64 => non_canonical(&token),
        Fault::WhitespaceInToken => {
            let middle = input.len() + 1 + signature.len() / 2;
            format!("{}\n{}", &token[..middle], &token[middle..])
        }
        Fault::TwoSegments => input.to_owned(),
        Fault::FourSegments => format!("{token}.e30"),
        Fault::EncryptedIdToken => encrypted_looking(&token),
        Fault::EmptyIdToken => String::new(),
        _ => token,
    }
}

/// Five segments with the header of an encrypted JWT (RFC 7516, section 7.1), and nothing behind it.
pub(super) fn encrypted_looking(token: &str) -> String {
    let header = json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT"}).to_string();
    let text = token.split('.').nth(1).unwrap_or_default();
    let filler = random_token;
    format!(
        "{}.{}.{}.{text}.{}",
        base64url(header.as_bytes()),
        filler(),
        filler(),
        filler()
    )
}

/// `token` with one bit of its signature turned. The encoding stays canonical, so that nothing else is wrong.
pub(super) fn with_bad_signature(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let mut signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    let middle = signature.len() / 2;
    if let Some(byte) = signature.get_mut(middle) {
        *byte ^= 1;
    }
    format!("{input}.{}", base64url(&signature))
}

/// The lowest bit of the last character set. Where the signature fills its characters, one that fills none is added.
fn non_canonical(token: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let signature = token.rsplit('.').next().unwrap_or_default();
    let mut bytes = token.as_bytes().to_vec();
    match bytes
        .last()
        .and_then(|last| ALPHABET.iter().position(|known| known == last))
    {
        Some(index) if !signature.len().is_multiple_of(4) => {
            let last = bytes.len() - 1;
            bytes[last] = ALPHABET[index | 1];
        }
        _ => bytes.push(b'A'),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
