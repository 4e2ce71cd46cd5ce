//! Index terms: what they are found under, and that they are not printed.

use std::sync::Arc;

use cloakroom_vault::{IndexTerm, MemoryStore, Vault};

use crate::support::{DEADLINES, LIMITS, NOW, ring, seal_id, ticket};

#[tokio::test]
async fn kind_and_parts_count_for_themselves() {
    let vault = Vault::new(Arc::new(MemoryStore::new(LIMITS)), ring(&[1]));
    let term = IndexTerm::new("kind", &["ab", "c"]);
    vault
        .create(
            &ticket(1),
            b"",
            std::slice::from_ref(&term),
            DEADLINES,
            NOW,
            seal_id(),
        )
        .await
        .unwrap();
    for other in [
        IndexTerm::new("kind", &["a", "bc"]),
        IndexTerm::new("kind", &["abc"]),
        IndexTerm::new("kind", &["ab", "c", ""]),
        IndexTerm::new("kindab", &["c"]),
        IndexTerm::new("other", &["ab", "c"]),
    ] {
        assert!(vault.list_by_index(&other, NOW).await.unwrap().is_empty());
    }
    assert_eq!(vault.list_by_index(&term, NOW).await.unwrap().len(), 1);
}

#[test]
fn its_debug_does_not_show_it() {
    let printed = format!("{:?}", IndexTerm::new("subject", &["alice@example.com"]));
    assert_eq!(printed, "IndexTerm(..)");
}
