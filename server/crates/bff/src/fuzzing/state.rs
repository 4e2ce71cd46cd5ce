//! Sealed sign-in state (RFC 6749 section 10.12, RFC 9700 section 4.7).

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_vault::KeyRing;

use crate::return_to::ReturnTo;
use crate::transaction::{Asked, Binding, MAX_STATE, Transaction, provider_tag};

/// The purpose that the state is sealed for. Written out once more: a seal for another purpose must not open.
const SEAL: &str = "cloakroom sign-in state";
const NOW: u64 = 1_800_000_000;

fn ring() -> &'static KeyRing {
    static RING: OnceLock<KeyRing> = OnceLock::new();
    RING.get_or_init(|| KeyRing::from_keys(vec![[1; 32], [2; 32]]).expect("a ring"))
}

fn binding() -> Binding {
    Binding::from_bytes([7; 32])
}

fn begin(path: &str, acr_values: &[&str], id: [u8; 16]) -> String {
    let asked = Asked {
        provider: provider_tag("https://id.example.com/oauth2/default"),
        return_to: ReturnTo::parse(path).expect("a path"),
        begun_at: NOW,
        max_age: Some(300),
        acr_values: acr_values.iter().map(|&value| value.to_owned()).collect(),
        silent: false,
    };
    Transaction::begin(ring(), asked, &binding(), id).1
}

/// Every state that was sealed with this ring: nobody else has the key. The corpus holds them, as `sealed-0` and so on.
pub fn known_states() -> &'static [String] {
    static KNOWN: OnceLock<Vec<String>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        vec![
            begin("/", &[], [9; 16]),
            begin(
                "/profile?tab=keys#last",
                &["phr", "urn:okta:loa:2fa:any"],
                [8; 16],
            ),
        ]
    })
}

/// Opens a state. What opens is one that was sealed here, to the letter.
pub fn state(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let known = known_states().iter().any(|state| state == text);
    match Transaction::open(ring(), text) {
        Ok(transaction) => {
            assert!(known, "a state that nobody sealed");
            assert!(transaction.is_bound_to(&binding()));
            assert!(!transaction.is_bound_to(&Binding::from_bytes([8; 32])));
            true
        }
        Err(error) => {
            assert!(!known, "{error}: a good state was refused");
            assert!(!error.code().is_empty());
            false
        }
    }
}

/// Opens a state of any payload, sealed as ours are: what is behind the seal.
pub fn state_payload(data: &[u8]) -> bool {
    let id = [6; 16];
    let state = URL_SAFE_NO_PAD.encode(ring().seal(SEAL, &[], &[], data, id));
    let Ok(transaction) = Transaction::open(ring(), &state) else {
        return false;
    };
    assert!(state.len() <= MAX_STATE);
    assert_eq!(transaction.id(), &id);
    assert!(transaction.late_at() >= transaction.asked.begun_at);
    let path = &transaction.asked.return_to;
    assert_eq!(ReturnTo::parse(path.as_str()).as_ref(), Ok(path));
    // Begun again with the same wishes, it comes back the same, bound to its browser.
    let (_, again) = Transaction::begin(ring(), transaction.asked.clone(), &binding(), id);
    if again.len() <= MAX_STATE {
        let opened = Transaction::open(ring(), &again).expect("it opens");
        assert_eq!(opened.asked, transaction.asked);
        assert!(opened.is_bound_to(&binding()));
    }
    assert!(!transaction.is_bound_to(&Binding::from_bytes([8; 32])));
    true
}
