//! The README's table of error codes is the code's.

use std::collections::BTreeSet;

use cloakroom_resource::{BuildError, Denied, IntrospectionError, ResourceError, TokenRefusal};

fn codes() -> Vec<&'static str> {
    [
        BuildError::CODES,
        ResourceError::CODES,
        Denied::CODES,
        TokenRefusal::CODES,
        IntrospectionError::CODES,
    ]
    .concat()
}

/// The first cells of the table's rows: `` | `code` | ... ``.
fn documented() -> Vec<&'static str> {
    include_str!("../../README.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(code, _)| code)
        .filter(|code| {
            code.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
        .collect()
}

#[test]
fn every_code_is_in_the_table_once_and_nothing_else() {
    let (known, table): (BTreeSet<_>, BTreeSet<_>) = (
        codes().into_iter().collect(),
        documented().into_iter().collect(),
    );
    assert_eq!(known, table);
    assert_eq!(codes().len(), known.len(), "codes are unique");
    assert_eq!(documented().len(), table.len(), "no code has two rows");
}

#[test]
fn codes_are_snake_case() {
    for code in codes() {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        assert!(code.bytes().all(plain), "{code}");
    }
}
