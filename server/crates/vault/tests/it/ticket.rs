//! The ticket: one text for each, and nothing printed.

use cloakroom_vault::Ticket;
use proptest::prelude::*;

#[test]
fn only_the_canonical_text_is_a_ticket() {
    let text = Ticket::from_bytes([0; 16]).to_text();
    assert_eq!(*text, "AAAAAAAAAAAAAAAAAAAAAA");
    for bad in [
        "",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAA==",
        // The last character has four bits to spare: they must be zero, or one ticket had sixteen texts.
        "AAAAAAAAAAAAAAAAAAAAAB",
        "AAAAAAAAAAAAAAAAAAAA+A",
        "AAAAAAAAAAAAAAAAAAAA/A",
        " AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAA\u{e9}",
    ] {
        assert_eq!(
            Ticket::parse(bad).unwrap_err().code(),
            "ticket_malformed",
            "{bad}"
        );
    }
    assert!(Ticket::parse(&"A".repeat(1_000_000)).is_err());
}

#[test]
fn its_debug_and_its_store_key_do_not_show_it() {
    let ticket = Ticket::from_bytes(*b"sixteen  letters");
    assert_eq!(format!("{ticket:?}"), "Ticket(..)");
    assert_eq!(format!("{:?}", ticket.store_key()), "StoreKey(..)");
    assert_ne!(&ticket.store_key().as_bytes()[..16], ticket.bytes());
    assert_ne!(ticket.store_key(), Ticket::from_bytes([0; 16]).store_key());
}

proptest! {
    #[test]
    fn a_ticket_reads_back(bytes: [u8; 16]) {
        let ticket = Ticket::from_bytes(bytes);
        let text = ticket.to_text();
        prop_assert_eq!(text.len(), 22);
        let read = Ticket::parse(&text).unwrap();
        prop_assert_eq!(read.bytes(), &bytes);
    }

    #[test]
    fn what_reads_as_a_ticket_is_its_text(text in "[A-Za-z0-9_=+/-]{20,24}") {
        if let Ok(ticket) = Ticket::parse(&text) {
            let written = ticket.to_text();
            prop_assert_eq!(written.as_str(), text);
        }
    }
}
