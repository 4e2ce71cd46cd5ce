//! Every fault of the ID token does what it says, and nothing else.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use cloakroom_testkit::{Effect, Fault, Needs, Provider};
use serde_json::{Value, json};

use crate::faults::token_answer;
use crate::relying_party::*;
use crate::tokens::{published, verifies};

/// `SubjectPublicKeyInfo` of an RSA key of 2,048 bits (RFC 5280, section 4.1), as an attacker puts it together.
fn spki(n: &[u8]) -> Vec<u8> {
    let head = b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00\x30\x82\x01\x0a\x02\x82\x01\x01\x00";
    [&head[..], n, b"\x02\x03\x01\x00\x01"].concat()
}

/// Provider, ID token, its header and claims, under a fault.
async fn id_token(fault: Fault) -> (Provider, String, Value, Value) {
    let (provider, _, _, answer) = token_answer(fault).await;
    let token = text(&answer.json(), "id_token").to_owned();
    let (header, claims) = decoded(&token);
    (provider, token, header, claims)
}

/// Those that the tests below, `id_token_text_faults`, `token_faults`, `callback_faults`, `authorize` and `userinfo` look at.
fn has_a_test_of_its_own(fault: &Fault) -> bool {
    let debug = format!("{fault:?}");
    let sources = [
        include_str!("id_token_text_faults.rs"),
        include_str!("token_faults.rs"),
        include_str!("faults.rs"),
        include_str!("callback_faults.rs"),
        include_str!("authorize.rs"),
        include_str!("userinfo.rs"),
        include_str!("discovery.rs"),
        include_str!("id_token_faults.rs"),
    ];
    let named = format!("Fault::{debug}");
    sources.iter().any(|source| {
        let mut rest = *source;
        while let Some(at) = rest.find(&named) {
            rest = &rest[at + named.len()..];
            if !rest.starts_with(|next: char| next.is_ascii_alphanumeric()) {
                return true;
            }
        }
        false
    })
}

#[tokio::test]
async fn id_token_claim_faults_change_that_claim_and_keep_the_signature_good() {
    for fault in Fault::every() {
        let (provider, token) = match fault.effect() {
            _ if fault.needs() == Needs::FreshStart => continue,
            Effect::RefusedIdToken
            | Effect::RefusedWhereAsked
            | Effect::EitherWay
            | Effect::Succeeds => {
                let (provider, _, _, answer) = token_answer(fault.clone()).await;
                (provider, text(&answer.json(), "id_token").to_owned())
            }
            _ if fault == Fault::OtherSub => {
                let (provider, token, ..) = id_token(fault.clone()).await;
                (provider, token)
            }
            _ => continue,
        };
        // Those that no JSON parser reads have tests of their own.
        let Some((header, claims)) = try_decoded(&token) else {
            assert!(has_a_test_of_its_own(&fault), "nobody looks at {fault:?}");
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
            Fault::IssTrailingSlash => assert_eq!(claims["iss"], format!("{}/", provider.issuer())),
            Fault::ExtraAudWithAzp => {
                let client = Provider::CLIENT_ID;
                assert_eq!(
                    (&claims["aud"], &claims["azp"]),
                    (&json!([client, "another-client"]), &json!(client))
                );
            }
            Fault::AudEmpty => assert_eq!(claims["aud"], json!([])),
            Fault::AudNumber => assert_eq!(claims["aud"], json!([Provider::CLIENT_ID, 7])),
            Fault::RightAzp => assert_eq!(claims["azp"], Provider::CLIENT_ID),
            Fault::NonceNumber => assert!(claims["nonce"].is_number()),
            Fault::ExpZero => assert_eq!(claims["exp"], 0),
            Fault::ExpNegative => assert_eq!(claims["exp"], -1),
            Fault::IatString => assert!(claims["iat"].is_string()),
            Fault::IatNegative => assert_eq!(claims["iat"], -1),
            Fault::IatFarPast => assert!(number("iat") < -300_000_000 && number("exp") > 0),
            Fault::NbfString => assert!(claims["nbf"].is_string()),
            Fault::OtherSub => assert_eq!(claims["sub"], "00u-somebody-else"),
            Fault::SubEmpty => assert_eq!(claims["sub"], ""),
            Fault::SubTooLong => assert_eq!(claims["sub"].as_str().unwrap().len(), 256),
            Fault::SubNonAscii => assert!(!claims["sub"].as_str().unwrap().is_ascii()),
            Fault::AtHashNumber => assert!(claims["at_hash"].is_number()),
            Fault::MissingAcr => assert!(claims.get("acr").is_none()),
            // What is wrong below the claims, and with the answer around them, has tests of its own.
            _ => {
                assert!(has_a_test_of_its_own(&fault), "nobody looks at {fault:?}");
                continue;
            }
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
    let encoded = BASE64_STANDARD.encode(spki(&n));
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
async fn hs256_is_keyed_with_the_public_keys_der_too() {
    let (provider, token, header, _) = id_token(Fault::AlgHs256WithPublicKeyDer).await;
    assert_eq!(header["alg"], "HS256");
    let jwk = published(&provider, &header["kid"]).unwrap();
    let n = BASE64_URL_SAFE_NO_PAD
        .decode(jwk["n"].as_str().unwrap())
        .unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &spki(&n));
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(hmac::verify(&key, input.as_bytes(), &signature).is_ok());
}

#[tokio::test]
async fn every_decoy_is_published_under_its_fault() {
    let (provider, token, header, _) = id_token(Fault::DecoyKeys).await;
    assert!(provider.key_set()["keys"].as_array().unwrap().len() > 10);
    let rsa = published(&provider, &json!("RS256-1024-bits")).unwrap();
    assert!(!verifies(&token, &rsa, "RS256 of 1,024 bits"));
    assert_eq!(header["kid"], "RS256-current");
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
