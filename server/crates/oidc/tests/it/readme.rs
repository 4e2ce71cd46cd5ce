//! The README's table of error codes is the code's.

use std::collections::BTreeSet;

use cloakroom_oidc::{
    AuthorizationResponseErrorKind, ClientAuthError, ClientKeysError, FormError, IdTokenError,
    IssuerError, JsonError, JwtError, KeySetError, MetadataError, PushedAuthorizationError,
    RevocationError, SecretJwtError, TokenError, UserinfoError,
};

fn codes() -> Vec<&'static str> {
    let all = vec![
        IssuerError::CODES,
        MetadataError::CODES,
        ClientKeysError::CODES,
        SecretJwtError::CODES,
        ClientAuthError::CODES,
        PushedAuthorizationError::CODES,
        FormError::CODES,
        AuthorizationResponseErrorKind::CODES,
        TokenError::CODES,
        RevocationError::CODES,
        KeySetError::CODES,
        JwtError::CODES,
        IdTokenError::CODES,
        UserinfoError::CODES,
        JsonError::CODES,
    ];
    #[cfg(feature = "client")]
    let all = [
        all,
        vec![
            cloakroom_oidc::client::TransportError::CODES,
            cloakroom_oidc::client::ProviderError::CODES,
        ],
    ]
    .concat();
    all.concat()
}

/// The first cells of the table's rows: `` | `code` | ... ``.
fn documented() -> Vec<String> {
    include_str!("../../README.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code.to_owned())
        // What only the feature has is compared where the feature is on.
        .filter(|code| {
            cfg!(feature = "client")
                || !(code.starts_with("transport_") || code.starts_with("provider_"))
        })
        .collect()
}

#[test]
fn every_code_is_in_the_table_and_nothing_else() {
    let known: BTreeSet<String> = codes().into_iter().map(str::to_owned).collect();
    let table: BTreeSet<String> = documented().into_iter().collect();
    assert_eq!(known, table);
}

#[test]
fn codes_are_unique_and_snake_case() {
    let all = codes();
    let unique: BTreeSet<_> = all.iter().collect();
    assert_eq!(all.len(), unique.len());
    assert_eq!(documented().len(), all.len(), "no code has two rows");
    for code in all {
        assert!(
            code.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
            "{code}"
        );
    }
}
