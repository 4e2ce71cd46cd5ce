//! Every fault of the ID token does what it says, and nothing else.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use cloakroom_testkit::{Effect, Fault, Provider};
use serde_json::{Value, json};

use crate::faults::token_answer;
use crate::relying_party::*;
use crate::tokens::{published, verifies};

/// Provider, ID token, its header and claims, under a fault.
async fn id_token(fault: Fault) -> (Provider, String, Value, Value) {
    let (provider, _, _, answer) = token_answer(fault).await;
    let token = text(&answer.json(), "id_token").to_owned();
    let (header, claims) = decoded(&token);
    (provider, token, header, claims)
}

#[tokio::test]
async fn id_token_claim_faults_change_that_claim_and_keep_the_signature_good() {
    for fault in Fault::every() {
        let (provider, token) = match fault.effect() {
            Effect::RefusedIdToken | Effect::RefusedWhereAsked | Effect::Succeeds => {
                let (provider, _, _, answer) = token_answer(fault.clone()).await;
                (provider, text(&answer.json(), "id_token").to_owned())
            }
            _ => continue,
        };
        // Those that no JSON parser reads have tests of their own.
        let Some((header, claims)) = try_decoded(&token) else {
            continue;
        };
        let number = |name: &str| {
            claims[name].as_i64().unwrap_or_default() - i64::try_from(provider.now()).unwrap()
        };
        match &fault {
            Fault::WrongIss => assert_eq!(claims["iss"], "https://attacker.example/oauth2/default"),
            Fault::NoIssClaim => assert!(claims.get("iss").is_none()),
            Fault::WrongAud => assert_eq!(claims["aud"], "another-client"),
            Fault::ExtraAud => {
                assert_eq!(
                    claims["aud"],
                    json!([Provider::CLIENT_ID, "another-client"])
                );
                assert!(claims.get("azp").is_none());
            }
            Fault::AudArray => assert_eq!(claims["aud"], json!([Provider::CLIENT_ID])),
            Fault::MissingAud => assert!(claims.get("aud").is_none()),
            Fault::WrongAzp => assert_eq!(claims["azp"], "another-client"),
            Fault::WrongNonce => assert!(claims["nonce"].is_string() && claims["nonce"] != NONCE),
            Fault::MissingNonce => assert!(claims.get("nonce").is_none()),
            Fault::Expired => assert!(number("exp") <= -3_600),
            Fault::MissingExp => assert!(claims.get("exp").is_none()),
            Fault::IssuedInFuture => assert!(number("iat") > 3_500 && number("exp") > 7_000),
            Fault::NbfInFuture => assert!(number("nbf") > 3_500),
            Fault::MissingIat => assert!(claims.get("iat").is_none()),
            Fault::MissingSub => assert!(claims.get("sub").is_none()),
            Fault::NonStringSub => assert!(claims["sub"].is_number()),
            Fault::WrongAtHash => assert_eq!(claims["at_hash"].as_str().unwrap().len(), 22),
            Fault::ExpString => assert!(claims["exp"].is_string()),
            Fault::StaleAuthTime => assert!(number("auth_time") <= -86_400),
            Fault::MissingAuthTime => assert!(claims.get("auth_time").is_none()),
            Fault::WrongAcr => assert_eq!(claims["acr"], "urn:example:weaker"),
            Fault::FractionalTimes => assert!(claims["exp"].is_f64() && claims["iat"].is_f64()),
            Fault::CritHeader => assert_eq!(header["crit"], json!(["urn:example:must-understand"])),
            Fault::TokenTypeCase | Fault::NoExpiresIn => {}
            // What is wrong with the signature has tests of its own.
            _ => continue,
        }
        let jwk =
            published(&provider, &header["kid"]).unwrap_or_else(|| panic!("{fault:?}: no key"));
        assert!(verifies(&token, &jwk, "RS256"), "{fault:?}");
    }
}

#[tokio::test]
async fn a_wrong_at_hash_is_really_another() {
    let (_, honest_token, ..) = id_token(Fault::NoKid).await;
    let (_, _, _, answer) = token_answer(Fault::WrongAtHash).await;
    let answer = answer.json();
    let wrong = decoded(text(&answer, "id_token")).1["at_hash"].clone();
    let hash = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        text(&answer, "access_token").as_bytes(),
    );
    let right = BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]);
    assert_ne!(wrong, right);
    assert!(decoded(&honest_token).1["at_hash"].is_string());
}

#[tokio::test]
async fn a_bad_signature_is_one_bit_off_under_the_right_key() {
    let (provider, token, header, _) = id_token(Fault::BadSignature).await;
    let jwk = published(&provider, &header["kid"]).unwrap();
    assert!(!verifies(&token, &jwk, "RS256"));
}

#[tokio::test]
async fn alg_none_has_no_signature() {
    let (_, token, header, claims) = id_token(Fault::AlgNone).await;
    assert_eq!(header, json!({"alg": "none"}));
    assert!(token.ends_with('.') && token.matches('.').count() == 2);
    assert_eq!(claims["nonce"], NONCE);
}

#[tokio::test]
async fn hs256_is_keyed_with_the_public_key() {
    let (provider, token, header, _) = id_token(Fault::AlgHs256WithPublicKey).await;
    assert_eq!(header["alg"], "HS256");
    // The attacker's way: from the published n and e to SubjectPublicKeyInfo to PEM.
    let jwk = published(&provider, &header["kid"]).unwrap();
    let n = BASE64_URL_SAFE_NO_PAD
        .decode(jwk["n"].as_str().unwrap())
        .unwrap();
    let mut spki = b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00\x30\x82\x01\x0a\x02\x82\x01\x01\x00".to_vec();
    spki.extend(n);
    spki.extend(b"\x02\x03\x01\x00\x01");
    let encoded = BASE64_STANDARD.encode(spki);
    let lines: Vec<_> = encoded
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    );
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, pem.as_bytes());
    assert!(hmac::verify(&key, input.as_bytes(), &signature).is_ok());
}

#[tokio::test]
async fn unknown_rotated_alternate_and_embedded_keys() {
    let (provider, _, header, _) = id_token(Fault::UnknownKid).await;
    assert_eq!(published(&provider, &header["kid"]), None);

    let (provider, token, header, _) = id_token(Fault::RotatedKey).await;
    assert_eq!(header["kid"], "RS256-next");
    let jwk = published(&provider, &header["kid"]).expect("published from now on");
    assert!(verifies(&token, &jwk, "RS256"));
    let before = Provider::start().await;
    assert_eq!(published(&before, &header["kid"]), None);

    let (provider, token, header, _) = id_token(Fault::NoKid).await;
    assert!(header.get("kid").is_none());
    assert!(verifies(
        &token,
        &published(&provider, &json!("RS256-current")).unwrap(),
        "RS256"
    ));

    let (provider, token, header, _) = id_token(Fault::AlternateAlg).await;
    assert_eq!(header["alg"], "ES256");
    assert!(verifies(
        &token,
        &published(&provider, &header["kid"]).unwrap(),
        "ES256"
    ));

    let (provider, token, header, _) = id_token(Fault::EmbeddedJwk).await;
    assert!(verifies(&token, &header["jwk"], "RS256"));
    assert!(!verifies(
        &token,
        &published(&provider, &json!("RS256-current")).unwrap(),
        "RS256"
    ));
}
