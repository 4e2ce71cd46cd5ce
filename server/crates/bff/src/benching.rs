//! What benchmarks call of this crate's inside: sign-in state, sealed at `/auth/login` and opened at the callback.
//!
//! No part of the public interface: nothing here is kept compatible.

use cloakroom_vault::KeyRing;

use crate::return_to::ReturnTo;
use crate::transaction::{Asked, Binding, Transaction, provider_tag};

/// One browser's wish to sign in.
#[derive(Debug, Clone)]
pub struct Begun {
    asked: Asked,
    binding: Binding,
}

impl Begun {
    /// To come back to this path, which is `/` where it cannot be a return path.
    pub fn to(path: &str) -> Self {
        Self {
            asked: Asked {
                provider: provider_tag("https://id.example.com/oauth2/default"),
                return_to: ReturnTo::parse(path).unwrap_or_else(|_| ReturnTo::root()),
                begun_at: 1_800_000_000,
                max_age: Some(300),
                acr_values: vec!["urn:okta:loa:2fa:any".to_owned()],
                silent: false,
            },
            binding: Binding::from_bytes([7; 32]),
        }
    }

    /// As `/auth/login` does: seals the `state`, and derives what goes along with it. Gives the state and how many
    /// bytes were derived.
    pub fn seal(&self, ring: &KeyRing, id: [u8; 16]) -> (String, usize) {
        let (transaction, state) = Transaction::begin(ring, self.asked.clone(), &self.binding, id);
        let derived = self.derive(&transaction);
        (state, derived)
    }

    /// As the callback does: opens the `state`, checks whose it is, and derives what the exchange needs. `None` where it
    /// is not this browser's.
    pub fn open(&self, ring: &KeyRing, state: &str) -> Option<usize> {
        let transaction = Transaction::open(ring, state).ok()?;
        transaction
            .is_bound_to(&self.binding)
            .then(|| self.derive(&transaction))
    }

    fn derive(&self, transaction: &Transaction) -> usize {
        let verifier = transaction.verifier(&self.binding);
        let nonce = transaction.nonce(&self.binding);
        verifier.expose().len() + nonce.expose().len()
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_vault::KeyRing;

    use super::Begun;

    #[test]
    fn what_is_measured_is_what_works() {
        let ring = KeyRing::from_keys(vec![[1; 32]]).expect("a ring");
        let begun = Begun::to("/profile");
        let (state, derived) = begun.seal(&ring, [9; 16]);
        assert_eq!(derived, 86);
        assert_eq!(begun.open(&ring, &state), Some(86));
        assert_eq!(begun.open(&ring, "x"), None);
    }
}
