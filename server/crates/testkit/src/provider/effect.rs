//! How far a sign-in gets under each fault, and what a relying party must be like to meet it.

use super::fault::Fault;
use super::fault_table::table;

/// How far a sign-in gets under a [`Fault`]: which requests the provider may see, and whether a session comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// The browser is never sent to the provider: the relying party has no metadata that it may use.
    NoStart,
    /// The browser is never sent to the provider: the pushed authorization request got no usable answer.
    RefusedAtPush,
    /// The browser is sent to the provider, and stays there with a page.
    EndsAtProvider,
    /// Refused at the callback: no token request, no session.
    RefusedAtCallback,
    /// The token request gets no usable answer: no userinfo request, no session.
    RefusedAtToken,
    /// The ID token is refused: no userinfo request, no session.
    RefusedIdToken,
    /// The userinfo answer must not be used. Whether the sign-in goes on without it is the relying party's choice.
    UserinfoUnusable,
    /// Refused like [`RefusedIdToken`](Self::RefusedIdToken), but only where the request asked for what is missing.
    RefusedWhereAsked,
    /// Either is right: refused like [`RefusedIdToken`](Self::RefusedIdToken), or a sign-in that succeeds.
    EitherWay,
    /// The sign-in succeeds.
    Succeeds,
}

/// What a relying party, or the test, must be like for a [`Fault`] to bite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing: any sign-in meets it.
    Nothing,
    /// The relying party has fetched neither metadata nor keys yet.
    FreshStart,
    /// The relying party fetches the key set under the fault: it has none yet, or asks again for an unknown `kid`. One that
    /// holds an older set refuses, or tolerates, for another reason.
    FreshKeys,
    /// The provider announces `iss` ([`Builder::announce_iss`](super::Builder::announce_iss)).
    AnnouncedIss,
    /// The relying party pushes its authorization requests (RFC 9126).
    Pushing,
    /// The relying party asks for `response_mode=form_post`.
    FormPost,
    /// The relying party asks for `response_mode=query`, and the test submits forms
    /// ([`Browser::submit_form`](crate::Browser::submit_form)).
    FormSubmission,
    /// The request has `max_age` and `acr_values`.
    Asking,
    /// Patience: it takes as long as the relying party waits.
    Patience,
}

impl Effect {
    /// Whether the provider may see a token request in the course of the sign-in.
    pub fn token_request(self) -> bool {
        !matches!(
            self,
            Self::NoStart | Self::RefusedAtPush | Self::EndsAtProvider | Self::RefusedAtCallback
        )
    }

    /// Whether the provider may see a userinfo request in the course of the sign-in.
    pub fn userinfo_request(self) -> bool {
        matches!(
            self,
            Self::UserinfoUnusable | Self::RefusedWhereAsked | Self::EitherWay | Self::Succeeds
        )
    }

    /// Whether a session may come of it.
    pub fn session(self) -> bool {
        matches!(
            self,
            Self::UserinfoUnusable | Self::RefusedWhereAsked | Self::EitherWay | Self::Succeeds
        )
    }
}

impl Fault {
    /// Every fault that makes a sign-in fail, with how far it gets: for tests that walk the table.
    ///
    /// Not among them: what is wrong only where it was asked for, what may be taken either way, and what is unusual
    /// and right ([`tolerated`](Self::tolerated)). Some bite only under a condition: [`needs`](Self::needs) says which.
    pub fn all() -> impl Iterator<Item = (Self, Effect)> {
        let failing = |effect: &Effect| {
            !matches!(
                effect,
                Effect::Succeeds | Effect::RefusedWhereAsked | Effect::EitherWay
            )
        };
        table()
            .into_iter()
            .filter(move |(_, effect, _)| failing(effect))
            .map(|(fault, effect, _)| (fault, effect))
    }

    /// What is unusual and right: under each of these a sign-in succeeds.
    pub fn tolerated() -> impl Iterator<Item = Self> {
        table()
            .into_iter()
            .filter(|(_, effect, _)| *effect == Effect::Succeeds)
            .map(|(fault, ..)| fault)
    }

    /// Every fault there is; those with a value, with some that say what it is for.
    pub fn every() -> Vec<Self> {
        table().into_iter().map(|(fault, ..)| fault).collect()
    }

    /// How far a sign-in gets under this fault.
    pub fn effect(&self) -> Effect {
        self.row().0
    }

    /// What it takes for this fault to bite.
    pub fn needs(&self) -> Needs {
        self.row().1
    }

    fn row(&self) -> (Effect, Needs) {
        let kind = std::mem::discriminant(self);
        table()
            .into_iter()
            .find(|(fault, ..)| std::mem::discriminant(fault) == kind)
            .map(|(_, effect, needs)| (effect, needs))
            .expect("every fault has a row")
    }
}
