//! The faults of an ID token that lie below its claims: text, encoding, header, key.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cloakroom_testkit::{Alg, Fault, Provider};
use serde_json::{Value, json};

use crate::faults::token_answer;
use crate::relying_party::*;
use crate::tokens::{published, verifies};

async fn token(fault: Fault) -> (Provider, String) {
    let (provider, _, _, answer) = token_answer(fault).await;
    let token = text(&answer.json(), "id_token").to_owned();
    (provider, token)
}

fn part(token: &str, index: usize) -> String {
    let part = token.split('.').nth(index).unwrap();
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Whether the signature is right under the key that the header names.
fn is_good(provider: &Provider, token: &str) -> bool {
    let kid = serde_json::from_str::<Value>(&part(token, 0))
        .map_or(json!("RS256-current"), |header| header["kid"].clone());
    verifies(
        token,
        &published(provider, &kid).expect("the key is published"),
        "RS256",
    )
}

#[tokio::test]
async fn numbers_that_no_double_holds_are_signed_as_they_are() {
    for (fault, written) in [
        (Fault::ExpInfinite, "\"exp\":1e400"),
        (Fault::IatInfinite, "\"iat\":1e400"),
        (Fault::ExpHuge, "\"exp\":1180591620717411303424"),
    ] {
        let (provider, token) = token(fault.clone()).await;
        assert!(
            part(&token, 1).contains(written),
            "{fault:?}: {}",
            part(&token, 1)
        );
        assert!(is_good(&provider, &token), "{fault:?}");
    }
}

#[tokio::test]
async fn doubled_and_deep_members_are_signed_as_they_are() {
    let (provider, twice) = token(Fault::DuplicateClaim).await;
    assert_eq!(part(&twice, 1).matches("\"sub\":").count(), 2);
    assert!(is_good(&provider, &twice));
    let (provider, header) = token(Fault::DuplicateHeader).await;
    assert!(part(&header, 0).starts_with("{\"alg\":\"none\",\"alg\":\"RS256\""));
    assert!(verifies(
        &header,
        &published(&provider, &json!("RS256-current")).unwrap(),
        "RS256"
    ));
    let (provider, deep) = token(Fault::DeepClaim).await;
    assert!(part(&deep, 1).contains(&"[".repeat(10_000)) && is_good(&provider, &deep));
    let (provider, huge) = token(Fault::HugeIdToken).await;
    assert!(huge.len() > 1024 * 1024 && is_good(&provider, &huge));
    let (provider, array) = token(Fault::ClaimsArray).await;
    assert!(part(&array, 1).starts_with("[{") && is_good(&provider, &array));
}

#[tokio::test]
async fn encodings_that_are_off_are_off_in_one_way() {
    let (_, padded) = token(Fault::PaddedBase64).await;
    assert!(padded.ends_with("=="));
    let (provider, loose) = token(Fault::NonCanonicalBase64).await;
    let signature = loose.rsplit('.').next().unwrap();
    assert!(
        BASE64_URL_SAFE_NO_PAD.decode(signature).is_err(),
        "a strict decoder refuses it"
    );
    // The same bytes under a forgiving one: the last character's low bits set back.
    let index = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = index.find(signature.chars().last().unwrap()).unwrap();
    let canonical = format!("{}{}", &loose[..loose.len() - 1], &index[last - 1..last]);
    assert!(is_good(&provider, &canonical));
    let (provider, broken) = token(Fault::WhitespaceInToken).await;
    assert!(broken.contains('\n') && is_good(&provider, &broken.replace('\n', "")));
    for (fault, segments) in [
        (Fault::TwoSegments, 2),
        (Fault::FourSegments, 4),
        (Fault::EncryptedIdToken, 5),
        (Fault::EmptyIdToken, 1),
    ] {
        assert_eq!(
            token(fault.clone()).await.1.split('.').count(),
            segments,
            "{fault:?}"
        );
    }
    let (_, encrypted) = token(Fault::EncryptedIdToken).await;
    assert!(part(&encrypted, 0).contains("\"enc\":\"A256GCM\""));
}

#[tokio::test]
async fn signatures_that_are_none() {
    for fault in [Fault::AlgNone, Fault::AlgNoneCase, Fault::EmptySignature] {
        let (_, token) = token(fault.clone()).await;
        assert!(token.ends_with('.'), "{fault:?}");
        let alg = match fault {
            Fault::AlgNone => "none",
            Fault::AlgNoneCase => "nOnE",
            _ => "RS256",
        };
        assert!(part(&token, 0).contains(&format!("\"alg\":\"{alg}\"")));
    }
    let (_, zeros) = token(Fault::ZeroSignature).await;
    let signature = BASE64_URL_SAFE_NO_PAD
        .decode(zeros.rsplit('.').next().unwrap())
        .unwrap();
    assert_eq!(signature, vec![0; 256]);
    let header = |token: &str| serde_json::from_str::<Value>(&part(token, 0)).unwrap();
    let (_, unknown) = token(Fault::UnknownAlg).await;
    assert_eq!(header(&unknown)["alg"], "XS256");
    let (_, missing) = token(Fault::NoAlg).await;
    assert_eq!(header(&missing), json!({"kid": "RS256-current"}));
}

#[tokio::test]
async fn keys_that_must_not_sign_really_sign() {
    let (provider, weak) = token(Fault::SmallRsaKey).await;
    let jwk = published(&provider, &json!("RS256-1024-bits")).unwrap();
    let (header, _) = decoded(&weak);
    assert_eq!(header["kid"], "RS256-1024-bits");
    assert!(
        verifies(&weak, &jwk, "RS256 of 1,024 bits"),
        "the signature is right, and the key too small"
    );

    let (provider, encryption) = token(Fault::EncryptionKey).await;
    let jwk = published(&provider, &json!("decoy-enc")).unwrap();
    assert!(jwk["use"] == "enc" && verifies(&encryption, &jwk, "RS256"));

    let (provider, symmetric) = token(Fault::AlgHs256WithPublishedKey).await;
    let jwk = published(&provider, &decoded(&symmetric).0["kid"]).unwrap();
    let secret = BASE64_URL_SAFE_NO_PAD
        .decode(jwk["k"].as_str().unwrap())
        .unwrap();
    let secret = String::from_utf8(secret).unwrap();
    assert!(verifies(&symmetric, &json!({"secret": secret}), "HS256"));

    let (_, secret) = token(Fault::AlgHs256WithSecret).await;
    assert!(verifies(
        &secret,
        &json!({"secret": Provider::CLIENT_SECRET}),
        "HS256"
    ));
    assert_eq!(decoded(&secret).0["kid"], "RS256-current");

    let (provider, astray) = token(Fault::KidOfAnotherKey).await;
    assert_eq!(decoded(&astray).0["kid"], "ES256-current");
    assert!(verifies(
        &astray,
        &published(&provider, &json!("RS256-current")).unwrap(),
        "RS256"
    ));

    let (provider, several) = token(Fault::NoKidSeveralKeys).await;
    assert!(decoded(&several).0.get("kid").is_none());
    let rsa = provider.key_set()["keys"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|key| key["kty"] == "RSA")
        .count();
    assert_eq!(rsa, 2);

    let (provider, same) = token(Fault::DuplicateKid).await;
    let kid = decoded(&same).0["kid"].clone();
    let set = provider.key_set();
    let found: Vec<_> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|key| key["kid"] == kid)
        .collect();
    assert_eq!(found.len(), 2);
    assert!(verifies(&same, found[1], "RS256"));
}

#[tokio::test]
async fn headers_that_lead_elsewhere() {
    for (fault, name) in [(Fault::EmbeddedJku, "jku"), (Fault::EmbeddedX5u, "x5u")] {
        let (provider, browser) = provider().await;
        let code = code(&browser).await;
        provider.set_fault(fault);
        let answer = exchange(&browser, &code).await.json();
        let token = text(&answer, "id_token").to_owned();
        let (header, _) = decoded(&token);
        assert_eq!(published(&provider, &header["kid"]), None);
        let keys = browser.get(header[name].as_str().unwrap()).await.json();
        assert!(
            verifies(&token, &keys["keys"][0], "RS256"),
            "who goes there is deceived"
        );
        assert_eq!(provider.counts().embedded_keys_fetched, 1);
        assert_eq!(provider.protocol_errors().len(), 1);
    }
    let (_, chain) = token(Fault::EmbeddedX5c).await;
    assert!(decoded(&chain).0["x5c"][0].is_string());
    for (fault, typ) in [
        (Fault::TypLogout, "logout+jwt"),
        (Fault::TypAccessToken, "at+jwt"),
        (Fault::TypJwt, "JWT"),
        (Fault::TypJwtCase, "jwt"),
    ] {
        let (provider, token) = token(fault).await;
        assert!(decoded(&token).0["typ"] == typ && is_good(&provider, &token));
    }
    let (_, unencoded) = token(Fault::UnencodedPayload).await;
    let (header, _) = decoded(&unencoded);
    assert_eq!(
        (&header["crit"], &header["b64"]),
        (&json!(["b64"]), &json!(false))
    );
}

#[tokio::test]
async fn hashes_of_the_code() {
    let (provider, browser) = started(Provider::builder().c_hash().algorithm(Alg::Es512)).await;
    let claims = async |fault: Option<Fault>| {
        provider.clear_fault();
        let code = code(&browser).await;
        if let Some(fault) = fault {
            provider.set_fault(fault);
        }
        let answer = exchange(&browser, &code).await.json();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, code.as_bytes());
        let right = BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..32]);
        (decoded(text(&answer, "id_token")).1, right)
    };
    let (honest, right) = claims(None).await;
    assert_eq!(honest["c_hash"], right);
    let (wrong, right) = claims(Some(Fault::WrongCHash)).await;
    assert!(wrong["c_hash"].as_str().unwrap().len() == right.len() && wrong["c_hash"] != right);
    assert!(
        claims(Some(Fault::MissingCHash))
            .await
            .0
            .get("c_hash")
            .is_none()
    );
    assert!(
        claims(Some(Fault::MissingAtHash))
            .await
            .0
            .get("at_hash")
            .is_none()
    );
    let (.., answer) = token_answer(Fault::RightCHash).await;
    assert!(decoded(text(&answer.json(), "id_token")).1["c_hash"].is_string());
    let (.., answer) = token_answer(Fault::UnknownClaims).await;
    assert!(decoded(text(&answer.json(), "id_token")).1["_claim_sources"].is_object());
}
