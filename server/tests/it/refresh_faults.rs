//! Every way the provider's answer to a refresh can be wrong: the session lives unless the provider itself ended it,
//! nothing of a wrong answer is used, and what is unusual and right is taken (OpenID Connect Core 1.0 section 12.2,
//! RFC 6749 section 5).

use std::collections::HashSet;

use cloakroom_testkit::provider::Needs;
use cloakroom_testkit::{Browser, Effect, Fault};

use crate::caller::{assert_passed, assert_refused, get};
use crate::refresh::{SHORT, bearers, lasting, until_expired, with_an_expired_token};
use crate::start::Start;
use crate::upstream::Upstream;
use crate::world::World;

/// What comes of a refresh under a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    /// Nothing that could be used; the session lives, and this is said.
    Nothing(u16, &'static str),
    /// The session is over.
    End,
    /// A new token: a refresh does not ask for what is missing.
    Token,
    /// Either is right.
    Either,
}

const DOWN: Comes = Comes::Nothing(503, "provider_down");
const ANSWER: Comes = Comes::Nothing(502, "provider_answer");
const CLIENT: Comes = Comes::Nothing(502, "client_refused");

fn comes_of(fault: &Fault) -> Comes {
    match fault {
        Fault::Token400(_) => Comes::End,
        Fault::Token401 | Fault::Token401Empty | Fault::TokenError200 | Fault::TokenErrorMarkup => {
            CLIENT
        }
        Fault::Token500
        | Fault::Token503
        | Fault::TokenHuge
        | Fault::TokenGzip
        | Fault::TokenAnswerLost
        | Fault::Token429InvalidGrant
        | Fault::OktaJsonError
        | Fault::RateLimitedWithoutReset
        | Fault::RateLimitedResetInPast
        | Fault::RateLimitedResetAbsurd
        | Fault::HugeIdToken => DOWN,
        // A refresh may leave the ID token out; one that comes should have no nonce, and has no code to hash.
        Fault::NoIdToken | Fault::MissingNonce => Comes::Token,
        Fault::WrongNonce | Fault::NonceNumber | Fault::WrongCHash => Comes::Either,
        _ => ANSWER,
    }
}

/// Every fault that a token answer can have, whoever asks and whatever they know.
fn faults() -> Vec<Fault> {
    Fault::all()
        .filter(|(fault, effect)| {
            matches!(effect, Effect::RefusedAtToken | Effect::RefusedIdToken)
                && fault.needs() == Needs::Nothing
        })
        .map(|(fault, _)| fault)
        // Right at a sign-in: a refreshed ID token has the first one's subject, and an `azp` where that had one.
        .chain([Fault::OtherSub, Fault::RightAzp])
        .collect()
}

/// A sign-in for each, whose access token has expired by now.
async fn people(world: &World, faults: Vec<Fault>) -> Vec<(Fault, Browser)> {
    let mut people = Vec::new();
    for fault in faults {
        let browser = world.browser();
        world.sign_in(&browser).await;
        people.push((fault, browser));
    }
    until_expired(world, SHORT).await;
    people
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_is_not_used_and_ends_no_session() {
    let upstream = Upstream::start().await;
    // Rotation would have some of these end the session at the next refresh: what was lost was spent.
    let world = Start::default()
        .provider(|provider| {
            provider
                .access_token_lifetime(SHORT)
                .static_refresh_tokens()
        })
        .api("up", &upstream)
        .go()
        .await;
    for (fault, browser) in people(&world, faults()).await {
        println!("{fault:?}");
        let before = (upstream.count(), world.provider.counts().redirect_followed);
        world.provider.set_fault(fault.clone());
        let answer = get(&browser, "/api/up/x").await;
        let sent = bearers(&upstream);
        world.provider.clear_fault();
        let what = format!("{fault:?}");
        match comes_of(&fault) {
            Comes::Nothing(status, code) => {
                assert_refused(&answer, status, code, &what);
                assert_eq!(
                    upstream.count(),
                    before.0,
                    "{what}: nothing is called with it"
                );
                world.assert_signed_in(&browser).await;
                let session = world.session(&browser).await;
                assert_eq!(session["user"]["sub"], "00u1test", "{what}");
            }
            Comes::End => {
                assert_refused(&answer, 401, "session_ended", &what);
                world.assert_signed_out(&browser).await;
            }
            Comes::Token => {
                assert_passed(&answer, 200, "hello");
                let new = world.provider.issued().access_tokens.pop();
                assert_eq!(sent.last(), new.as_ref(), "{what}");
            }
            Comes::Either => {
                if answer.status() != 200 {
                    assert_refused(&answer, 502, "provider_answer", &what);
                    world.assert_signed_in(&browser).await;
                }
            }
        }
        let followed = world.provider.counts().redirect_followed;
        assert_eq!(followed, before.1, "{what}: a redirect was followed");
    }
    world.provider.assert_clean();
    // Whatever it met, the program has not learnt to refuse an honest provider.
    let honest = with_an_expired_token(&world).await;
    assert_passed(&get(&honest, "/api/up/x").await, 200, "hello");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unusual_and_right_is_taken() {
    let upstream = Upstream::start().await;
    let world = lasting(SHORT, &upstream).go().await;
    let tolerated = Fault::tolerated()
        .filter(|fault| fault.needs() == Needs::Nothing)
        // The ID token of the sign-in had no `azp`, and then none may come later (OpenID Connect Core section 12.2).
        .filter(|fault| *fault != Fault::RightAzp)
        .collect();
    for (fault, browser) in people(&world, tolerated).await {
        println!("{fault:?}");
        world.provider.set_fault(fault.clone());
        let answer = get(&browser, "/api/up/x").await;
        world.provider.clear_fault();
        assert_passed(&answer, 200, "hello");
        let new = world.provider.issued().access_tokens.pop();
        assert_eq!(bearers(&upstream).pop(), new, "{fault:?}");
        world.assert_signed_in(&browser).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_come_with_another_persons_id_token_are_not_taken_and_are_revoked() {
    let upstream = Upstream::start().await;
    let world = lasting(SHORT, &upstream).go().await;
    for fault in [Fault::OtherSub, Fault::WrongIss, Fault::WrongAud] {
        let browser = with_an_expired_token(&world).await;
        let calls = upstream.count();
        world.provider.set_fault(fault.clone());
        let answer = get(&browser, "/api/up/x").await;
        world.provider.clear_fault();
        assert_refused(&answer, 502, "provider_answer", &format!("{fault:?}"));
        assert_eq!(upstream.count(), calls, "{fault:?}");
        let session = world.session(&browser).await;
        assert_eq!(
            (&session["signed_in"], &session["user"]["sub"]),
            (&true.into(), &"00u1test".into()),
            "{fault:?}"
        );
        let stranger = world.provider.issued().refresh_tokens.pop().unwrap();
        world
            .until("what came with it is revoked", || {
                world.provider.received().revoked.contains(&stranger)
            })
            .await;
    }
    world.end().await;
}

#[test]
fn the_table_names_every_fault_of_a_token_answer() {
    let faults = faults();
    let unique: HashSet<&Fault> = faults.iter().collect();
    assert_eq!(unique.len(), faults.len());
    assert!(faults.len() > 90, "{}", faults.len());
    let ends: Vec<&Fault> = faults
        .iter()
        .filter(|fault| comes_of(fault) == Comes::End)
        .collect();
    assert_eq!(
        ends,
        [&Fault::Token400("invalid_grant".to_owned())],
        "nothing else ends a session"
    );
}
