//! Sealing: opens only whole, in its place, with its secret (NIST SP 800-38D).

use cloakroom_vault::{OpenError, SealHeader};
use proptest::prelude::*;

use crate::support::ring;

const PURPOSE: &str = "test";
/// Format, key id and seal id.
const SEAL_HEADER: usize = 1 + 6 + 16;

#[test]
fn what_was_sealed_opens_in_the_same_place() {
    let ring = ring(&[1]);
    for plaintext in [b"".as_slice(), b"x", &[7; 10_000]] {
        let sealed = ring.seal(PURPOSE, b"secret", &[b"a", b"b"], plaintext, [9; 16]);
        assert_eq!(sealed.len(), SEAL_HEADER + plaintext.len() + 16);
        assert_eq!(
            *ring
                .open(PURPOSE, b"secret", &[b"a", b"b"], &sealed)
                .unwrap(),
            plaintext
        );
    }
}

#[test]
fn the_header_is_format_key_id_and_seal_id() {
    let ring = ring(&[1]);
    let sealed = ring.seal(PURPOSE, b"", &[], b"plain", [9; 16]);
    assert_eq!(sealed[0], 1);
    assert_eq!(&sealed[1..7], ring.sealing_key().id().as_bytes());
    assert_eq!(&sealed[7..SEAL_HEADER], [9; 16]);
    let header = SealHeader::parse(&sealed).unwrap();
    assert_eq!(header.key_id, ring.sealing_key().id());
    assert_eq!(header.seal_id, [9; 16]);
    assert!(SealHeader::parse(&sealed[..SEAL_HEADER]).is_none());
}

#[test]
fn another_place_is_refused() {
    let ring = ring(&[1]);
    let sealed = ring.seal(PURPOSE, b"secret", &[b"a", b"b"], b"plain", [9; 16]);
    let refused = [
        ring.open("other", b"secret", &[b"a", b"b"], &sealed),
        ring.open(PURPOSE, b"Secret", &[b"a", b"b"], &sealed),
        ring.open(PURPOSE, b"", &[b"a", b"b"], &sealed),
        ring.open(PURPOSE, b"secret", &[b"a"], &sealed),
        ring.open(PURPOSE, b"secret", &[b"ab"], &sealed),
        ring.open(PURPOSE, b"secret", &[b"ab", b""], &sealed),
        ring.open(PURPOSE, b"secret", &[b"b", b"a"], &sealed),
    ];
    for answer in refused {
        assert_eq!(answer.unwrap_err(), OpenError::Refused);
    }
}

#[test]
fn every_key_of_the_ring_opens_and_an_unknown_one_is_named() {
    let old = ring(&[1]);
    let sealed = old.seal(PURPOSE, b"", &[], b"plain", [9; 16]);
    assert_eq!(
        *ring(&[2, 1]).open(PURPOSE, b"", &[], &sealed).unwrap(),
        b"plain"
    );
    let error = ring(&[2]).open(PURPOSE, b"", &[], &sealed).unwrap_err();
    assert_eq!(
        error,
        OpenError::UnknownKey {
            key: old.sealing_key().id()
        }
    );
    assert!(
        error
            .to_string()
            .contains(&old.sealing_key().id().to_string())
    );
    // The other key's name does not make it the other key's seal.
    let mut renamed = sealed;
    renamed[1..7].copy_from_slice(ring(&[2]).sealing_key().id().as_bytes());
    assert_eq!(
        ring(&[2]).open(PURPOSE, b"", &[], &renamed).unwrap_err(),
        OpenError::Refused
    );
    assert_eq!(
        ring(&[2, 1]).open(PURPOSE, b"", &[], &renamed).unwrap_err(),
        OpenError::Refused
    );
}

#[test]
fn each_seal_has_its_own_key() {
    let ring = ring(&[1]);
    let one = ring.seal(PURPOSE, b"secret", &[], &[0; 64], [1; 16]);
    let two = ring.seal(PURPOSE, b"secret", &[], &[0; 64], [2; 16]);
    let three = ring.seal(PURPOSE, b"other", &[], &[0; 64], [1; 16]);
    let four = ring.seal("other", b"secret", &[], &[0; 64], [1; 16]);
    // Of zeros the ciphertext is the key stream: the same one twice would be one key twice.
    let streams = [&one, &two, &three, &four].map(|sealed| &sealed[SEAL_HEADER..SEAL_HEADER + 64]);
    for (index, stream) in streams.iter().enumerate() {
        assert!(!streams[..index].contains(stream));
    }
}

#[test]
fn what_is_cut_off_or_of_another_format_is_malformed() {
    let ring = ring(&[1]);
    let sealed = ring.seal(PURPOSE, b"", &[], b"", [9; 16]);
    for length in 0..sealed.len() {
        assert_eq!(
            ring.open(PURPOSE, b"", &[], &sealed[..length]).unwrap_err(),
            OpenError::Malformed,
            "{length}"
        );
    }
    let mut newer = sealed;
    newer[0] = 2;
    assert_eq!(
        ring.open(PURPOSE, b"", &[], &newer).unwrap_err(),
        OpenError::Malformed
    );
}

proptest! {
    #[test]
    fn any_flipped_bit_is_refused(plaintext: Vec<u8>, at: prop::sample::Index, bit in 0..8u8) {
        let ring = ring(&[1, 2]);
        let mut sealed = ring.seal(PURPOSE, b"secret", &[b"aad"], &plaintext, [9; 16]);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(ring.open(PURPOSE, b"secret", &[b"aad"], &sealed).is_err());
    }

    #[test]
    fn any_cut_or_added_byte_is_refused(plaintext: Vec<u8>, cut in 1..40usize, added: u8) {
        let ring = ring(&[1]);
        let sealed = ring.seal(PURPOSE, b"secret", &[], &plaintext, [9; 16]);
        prop_assert!(ring.open(PURPOSE, b"secret", &[], &sealed[..sealed.len().saturating_sub(cut)]).is_err());
        let longer = [sealed, vec![added]].concat();
        prop_assert!(ring.open(PURPOSE, b"secret", &[], &longer).is_err());
    }

    #[test]
    fn no_bytes_open_by_chance(bytes: Vec<u8>) {
        prop_assert!(ring(&[1]).open(PURPOSE, b"secret", &[], &bytes).is_err());
    }
}
