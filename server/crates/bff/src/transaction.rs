//! A sign-in under way, carried whole in `state` and bound to one browser: nothing is stored until it is spent
//! (RFC 6749 section 10.12, RFC 9700 section 4.7, RFC 7636).
//!
//! `state` is base64url of one sealed value, at most 1,024 characters: in the clear the ring key's id and a random
//! transaction id, which is the seal's own id, then the payload. The PKCE verifier and the nonce are derived from the
//! ring key, the transaction id and the browser's binding, so they need no place to be kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_oidc::{CodeVerifier, Nonce};
use cloakroom_vault::{KeyRing, OpenError, RingKey, SealHeader};
use thiserror::Error;

use crate::return_to::ReturnTo;

/// How long a sign-in may take, in seconds.
pub(crate) const TRANSACTION_SECONDS: u64 = 30 * 60;
/// The longest `state`, in characters.
pub(crate) const MAX_STATE: usize = 1024;

const SEAL: &str = "cloakroom sign-in state";
const BINDING: &str = "cloakroom sign-in binding";
const VERIFIER: &str = "cloakroom pkce verifier";
const NONCE: &str = "cloakroom nonce";
/// The top bit of the return path's length says that the sign-in is silent. No length comes near it, and a `state` that
/// an older program sealed has it unset.
const SILENT: u16 = 1 << 15;
/// The longest list of `acr_values` that fits into `state`, in bytes.
pub(crate) const MAX_ACR_VALUES: usize = 128;
const MAC_BYTES: usize = 32;
const PROVIDER_BYTES: usize = 8;
const ID_BYTES: usize = 16;

/// The browser's half of every sign-in it begins: 256 random bits, as they stand in the binding cookie.
#[derive(Clone)]
pub(crate) struct Binding(String);

impl Binding {
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The cookie's value, where it is one that we set.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Binding(..)")
    }
}

/// What is to be remembered between `/auth/login` and `/auth/callback`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The provider it was begun at: the first bytes of a hash of its issuer identifier.
    pub(crate) provider: [u8; PROVIDER_BYTES],
    pub(crate) return_to: ReturnTo,
    /// Unix time in seconds.
    pub(crate) begun_at: u64,
    /// To be verified in the ID token (OpenID Connect Core section 3.1.2.1).
    pub(crate) max_age: Option<u64>,
    /// Any of these satisfies; empty: any at all.
    pub(crate) acr_values: Vec<String>,
    /// `prompt=none` was sent: that the provider would have to ask is then an answer (section 3.1.2.6).
    pub(crate) silent: bool,
}

/// A transaction that was begun or opened, with what is derived for it.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) asked: Asked,
    id: [u8; ID_BYTES],
    key: RingKey,
    mac: [u8; MAC_BYTES],
}

/// Why a `state` is not one of ours.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum StateError {
    #[error("the state does not have the form of one sealed here")]
    Malformed,
    #[error(
        "the state names a key that is not in the ring: was a key taken out while sign-ins were under way?"
    )]
    UnknownKey,
    #[error("the state was altered or was sealed elsewhere")]
    Refused,
}

impl StateError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "state_malformed",
            Self::UnknownKey => "state_unknown_key",
            Self::Refused => "state_altered",
        }
    }
}

impl Transaction {
    /// Begins one for this browser. The text is the `state` to send.
    pub(crate) fn begin(
        ring: &KeyRing,
        asked: Asked,
        binding: &Binding,
        id: [u8; ID_BYTES],
    ) -> (Self, String) {
        let key = ring.sealing_key().clone();
        let mac = key.mac(BINDING, &[&id, binding.as_str().as_bytes()]);
        let state = URL_SAFE_NO_PAD.encode(ring.seal(SEAL, &[], &[], &encode(&asked, &mac), id));
        (
            Self {
                asked,
                id,
                key,
                mac,
            },
            state,
        )
    }

    /// Opens a `state` that came back. Says nothing yet of the browser it came back in: see [`Self::is_bound_to`].
    pub(crate) fn open(ring: &KeyRing, state: &str) -> Result<Self, StateError> {
        if state.len() > MAX_STATE {
            return Err(StateError::Malformed);
        }
        let sealed = URL_SAFE_NO_PAD
            .decode(state)
            .map_err(|_| StateError::Malformed)?;
        let header = SealHeader::parse(&sealed).ok_or(StateError::Malformed)?;
        let key = ring
            .key(header.key_id)
            .ok_or(StateError::UnknownKey)?
            .clone();
        let payload = ring
            .open(SEAL, &[], &[], &sealed)
            .map_err(|error| match error {
                OpenError::UnknownKey { .. } => StateError::UnknownKey,
                OpenError::Malformed => StateError::Malformed,
                _ => StateError::Refused,
            })?;
        let (asked, mac) = decode(&payload).ok_or(StateError::Refused)?;
        Ok(Self {
            asked,
            id: header.seal_id,
            key,
            mac,
        })
    }

    /// Whether this is the browser that began it, compared in constant time.
    pub(crate) fn is_bound_to(&self, binding: &Binding) -> bool {
        self.key
            .verify_mac(BINDING, &[&self.id, binding.as_str().as_bytes()], &self.mac)
    }

    /// The id that is good once.
    pub(crate) fn id(&self) -> &[u8; ID_BYTES] {
        &self.id
    }

    /// When it is late, Unix time in seconds.
    pub(crate) fn late_at(&self) -> u64 {
        self.asked.begun_at.saturating_add(TRANSACTION_SECONDS)
    }

    /// The PKCE code verifier (RFC 7636 section 4.1).
    pub(crate) fn verifier(&self, binding: &Binding) -> CodeVerifier {
        CodeVerifier::from_bytes(
            &self
                .key
                .derive(VERIFIER, &[&self.id, binding.as_str().as_bytes()]),
        )
    }

    /// The nonce (OpenID Connect Core section 3.1.2.1).
    pub(crate) fn nonce(&self, binding: &Binding) -> Nonce {
        let bytes = self
            .key
            .derive(NONCE, &[&self.id, binding.as_str().as_bytes()]);
        Nonce::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
    }
}

/// Which provider, in a few bytes.
pub(crate) fn provider_tag(issuer: &str) -> [u8; PROVIDER_BYTES] {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, issuer.as_bytes());
    let mut tag = [0; PROVIDER_BYTES];
    tag.copy_from_slice(&hash.as_ref()[..PROVIDER_BYTES]);
    tag
}

/// `mac | provider | begun_at | max_age + 1, or 0 | length of the return path and the silent bit | return path | acr
/// values`, the last space-separated.
fn encode(asked: &Asked, mac: &[u8; MAC_BYTES]) -> Vec<u8> {
    let path = asked.return_to.as_str().as_bytes();
    let acr_values = asked.acr_values.join(" ");
    let mut payload =
        Vec::with_capacity(MAC_BYTES + PROVIDER_BYTES + 18 + path.len() + acr_values.len());
    payload.extend_from_slice(mac);
    payload.extend_from_slice(&asked.provider);
    payload.extend_from_slice(&asked.begun_at.to_be_bytes());
    payload.extend_from_slice(
        &asked
            .max_age
            .map_or(0, |age| age.saturating_add(1))
            .to_be_bytes(),
    );
    let silent = if asked.silent { SILENT } else { 0 };
    let length = u16::try_from(path.len()).unwrap_or(0) | silent;
    payload.extend_from_slice(&length.to_be_bytes());
    payload.extend_from_slice(path);
    payload.extend_from_slice(acr_values.as_bytes());
    payload
}

fn decode(payload: &[u8]) -> Option<(Asked, [u8; MAC_BYTES])> {
    let (mac, rest) = payload.split_first_chunk::<MAC_BYTES>()?;
    let (provider, rest) = rest.split_first_chunk::<PROVIDER_BYTES>()?;
    let (begun_at, rest) = rest.split_first_chunk::<8>()?;
    let (max_age, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let length = u16::from_be_bytes(*length);
    let (path, acr_values) = rest.split_at_checked(usize::from(length & !SILENT))?;
    let asked = Asked {
        provider: *provider,
        // Parsed again: a path that an older program let through does not get past a newer rule.
        return_to: ReturnTo::parse(std::str::from_utf8(path).ok()?).ok()?,
        begun_at: u64::from_be_bytes(*begun_at),
        max_age: u64::from_be_bytes(*max_age).checked_sub(1),
        acr_values: std::str::from_utf8(acr_values)
            .ok()?
            .split_ascii_whitespace()
            .map(str::to_owned)
            .collect(),
        silent: length & SILENT != 0,
    };
    Some((asked, *mac))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use cloakroom_vault::KeyRing;
    use proptest::prelude::*;

    use super::{Asked, Binding, MAX_STATE, StateError, Transaction, provider_tag};
    use crate::return_to::{MAX_BYTES, ReturnTo};

    fn ring(seed: u8) -> KeyRing {
        KeyRing::from_keys(vec![[seed; 32]]).expect("a ring")
    }

    fn asked(path: &str) -> Asked {
        Asked {
            provider: provider_tag("https://op.example"),
            return_to: ReturnTo::parse(path).expect("a path"),
            begun_at: 1_800_000_000,
            max_age: Some(0),
            acr_values: vec!["urn:okta:loa:2fa:any".to_owned(), "phr".to_owned()],
            silent: false,
        }
    }

    #[test]
    fn a_state_comes_back_as_it_went() {
        let binding = Binding::from_bytes([7; 32]);
        let (begun, state) = Transaction::begin(&ring(1), asked("/profile?a=b"), &binding, [9; 16]);
        let opened = Transaction::open(&ring(1), &state).expect("it opens");
        assert_eq!(opened.asked, asked("/profile?a=b"));
        assert!(opened.is_bound_to(&binding));
        assert_eq!(
            opened.verifier(&binding).expose(),
            begun.verifier(&binding).expose()
        );
        assert_eq!(
            opened.nonce(&binding).expose(),
            begun.nonce(&binding).expose()
        );
    }

    #[test]
    fn the_longest_state_fits_and_uses_only_plain_characters() {
        let mut most = asked(&format!("/{}", "a".repeat(MAX_BYTES - 1)));
        most.silent = true;
        most.acr_values = vec!["x".repeat(super::MAX_ACR_VALUES)];
        let (_, state) = Transaction::begin(&ring(1), most, &Binding::from_bytes([0; 32]), [0; 16]);
        assert!(state.len() <= MAX_STATE, "{}", state.len());
        assert!(
            state
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        );
    }

    #[test]
    fn verifier_and_nonce_differ_by_transaction_and_by_browser() {
        let (one, other) = (Binding::from_bytes([1; 32]), Binding::from_bytes([2; 32]));
        let (a, _) = Transaction::begin(&ring(1), asked("/"), &one, [1; 16]);
        let (b, _) = Transaction::begin(&ring(1), asked("/"), &one, [2; 16]);
        assert_ne!(a.verifier(&one).expose(), a.verifier(&other).expose());
        assert_ne!(a.verifier(&one).expose(), b.verifier(&one).expose());
        assert_ne!(a.verifier(&one).expose(), a.nonce(&one).expose());
        assert_eq!(a.verifier(&one).expose().len(), 43);
    }

    #[test]
    fn a_key_that_joined_since_does_not_disturb_a_sign_in_under_way() {
        let binding = Binding::from_bytes([7; 32]);
        let (_, state) = Transaction::begin(&ring(1), asked("/"), &binding, [9; 16]);
        let newer = KeyRing::from_keys(vec![[2; 32], [1; 32]]).expect("a ring");
        assert!(Transaction::open(&newer, &state).is_ok_and(|opened| opened.is_bound_to(&binding)));
        assert_eq!(
            Transaction::open(&ring(2), &state).err(),
            Some(StateError::UnknownKey)
        );
    }

    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    proptest! {
        #[test]
        fn another_browser_is_refused(mine in any::<[u8; 32]>(), theirs in any::<[u8; 32]>(), id in any::<[u8; 16]>()) {
            prop_assume!(mine != theirs);
            let (_, state) = Transaction::begin(&ring(1), asked("/"), &Binding::from_bytes(mine), id);
            let opened = Transaction::open(&ring(1), &state).expect("it opens");
            prop_assert!(!opened.is_bound_to(&Binding::from_bytes(theirs)));
        }

        #[test]
        fn any_change_is_refused(position in 0usize..10_000, change in 1u8..64) {
            let binding = Binding::from_bytes([7; 32]);
            let (_, state) = Transaction::begin(&ring(1), asked("/profile"), &binding, [9; 16]);
            let mut bytes = state.clone().into_bytes();
            let at = position % bytes.len();
            let was = ALPHABET.iter().position(|c| *c == bytes[at]).expect("base64url");
            bytes[at] = ALPHABET[(was + usize::from(change)) % 64];
            let changed = String::from_utf8(bytes).expect("ASCII");
            prop_assert!(Transaction::open(&ring(1), &changed).is_err());
        }

        #[test]
        fn any_flipped_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0..8u8, id in any::<[u8; 16]>()) {
            let (_, state) = Transaction::begin(&ring(1), asked("/profile"), &Binding::from_bytes([7; 32]), id);
            let mut sealed = URL_SAFE_NO_PAD.decode(state).expect("base64url");
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(Transaction::open(&ring(1), &URL_SAFE_NO_PAD.encode(sealed)).is_err());
        }

        #[test]
        fn whatever_was_asked_comes_back(
            path in "/[a-z0-9%?&=#é]{0,60}", begun_at: u64, max_age in prop::option::of(0..u64::MAX),
            acr_values in prop::collection::vec("[!-~]{1,30}", 0..4), provider: [u8; 8], id: [u8; 16], binding: [u8; 32],
            silent: bool,
        ) {
            let Ok(return_to) = ReturnTo::parse(&path) else { return Ok(()) };
            let asked = Asked { provider, return_to, begun_at, max_age, acr_values, silent };
            let binding = Binding::from_bytes(binding);
            let (_, state) = Transaction::begin(&ring(1), asked.clone(), &binding, id);
            let opened = Transaction::open(&ring(1), &state).expect("it opens");
            prop_assert_eq!(&opened.asked, &asked);
            prop_assert_eq!(opened.id(), &id);
            prop_assert!(opened.is_bound_to(&binding));
        }

        #[test]
        fn nothing_from_outside_makes_it_panic(text in "\\PC{0,200}") {
            let _ = Transaction::open(&ring(1), &text);
        }
    }
}
