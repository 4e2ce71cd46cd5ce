//! Every way the provider can be wrong, and what comes of it: how far the sign-in gets, which page the person sees, and
//! that nobody is signed in. Named after the OpenID Foundation's relying-party modules in the test kit.

use std::collections::HashSet;

use cloakroom_testkit::provider::{Counts, Needs};
use cloakroom_testkit::{Effect, Fault};

use crate::start::Start;
use crate::world::{World, new_session};

/// The code, status and words of the page that a fault leads to.
type Page = (&'static str, u16, &'static str);

const MALFORMED: Page = ("response_malformed", 400, "Sign-in did not complete");
const STATE_MISSING: Page = ("state_missing", 400, "Sign-in did not complete");
const STATE_REFUSED: Page = ("state_refused", 400, "Sign-in did not complete");
const ISSUER: Page = ("issuer_mismatch", 400, "Sign-in did not complete");
const REPEATED: Page = ("parameter_repeated", 400, "This address is not right");
const DENIED: Page = ("access_denied", 403, "Sign-in was not allowed");
const DOWN: Page = ("provider_down", 503, "The sign-in service does not answer");
const CODE: Page = ("code_refused", 400, "Sign-in did not complete");
const CLIENT: Page = (
    "client_refused",
    502,
    "The sign-in service does not accept this application",
);
const ANSWER: Page = (
    "provider_answer",
    502,
    "The sign-in service gave an answer we cannot use",
);
const ID_TOKEN: Page = (
    "id_token_refused",
    502,
    "Your sign-in could not be verified",
);
const PROVIDER_ERROR: Page = (
    "provider_error",
    502,
    "The sign-in service reports an error",
);
const NOT_MET: Page = (
    "unmet_authentication_requirements",
    403,
    "A stronger sign-in is needed",
);
const NOT_UTF8: Page = ("parameter_malformed", 400, "This address is not right");
const USERINFO: Page = (
    "userinfo_refused",
    502,
    "Your sign-in could not be verified",
);

/// Where a fault leads. `None`: the connection's own limits refuse it, before there is anybody to make a page.
fn page(fault: &Fault, effect: Effect) -> Option<Page> {
    Some(match effect {
        Effect::RefusedAtCallback => return callback_page(fault),
        Effect::RefusedAtToken => token_page(fault),
        Effect::NoStart => DOWN,
        Effect::RefusedIdToken | Effect::RefusedWhereAsked if needs_a_new_program(fault) => {
            keys_page(fault)
        }
        // The answer that it comes in is too large to be read.
        Effect::RefusedIdToken if *fault == Fault::HugeIdToken => DOWN,
        // No token has these characters: the answer is refused before anybody looks into it.
        Effect::RefusedIdToken
            if matches!(fault, Fault::WhitespaceInToken | Fault::EmptyIdToken) =>
        {
            ANSWER
        }
        Effect::RefusedIdToken | Effect::RefusedWhereAsked => ID_TOKEN,
        Effect::UserinfoUnusable => userinfo_page(fault),
        _ => panic!("nobody said where {fault:?} leads"),
    })
}

fn callback_page(fault: &Fault) -> Option<Page> {
    Some(match fault {
        Fault::HugeCode => return None,
        Fault::AccessDenied { .. } | Fault::ErrorWithoutIss => DENIED,
        Fault::AuthorizationError(code) => match code.as_str() {
            "temporarily_unavailable" => DOWN,
            "unmet_authentication_requirements" => NOT_MET,
            _ => PROVIDER_ERROR,
        },
        // A fragment stays in the browser: what comes is an empty answer.
        Fault::DropState | Fault::FragmentResponse => STATE_MISSING,
        Fault::AlterState => STATE_REFUSED,
        Fault::ResponseWrongIss | Fault::ResponseMissingIss | Fault::ErrorWrongIss => ISSUER,
        Fault::RepeatCode | Fault::RepeatState | Fault::RepeatIss => REPEATED,
        Fault::NonUtf8Code => NOT_UTF8,
        Fault::CodeAndError | Fault::EmptyCode | Fault::NoCode => MALFORMED,
        _ => panic!("nobody said where {fault:?} leads"),
    })
}

fn token_page(fault: &Fault) -> Page {
    match fault {
        Fault::Token400(_) => CODE,
        Fault::Token401 | Fault::Token401Empty | Fault::TokenError200 | Fault::TokenErrorMarkup => {
            CLIENT
        }
        Fault::Token500
        | Fault::Token503
        | Fault::TokenHang
        | Fault::TokenDrip
        | Fault::TokenHuge
        | Fault::TokenGzip
        | Fault::TokenAnswerLost
        | Fault::Token429InvalidGrant
        | Fault::OktaJsonError
        | Fault::RateLimitedWithoutReset
        | Fault::RateLimitedResetInPast
        | Fault::RateLimitedResetAbsurd => DOWN,
        _ => ANSWER,
    }
}

fn keys_page(fault: &Fault) -> Page {
    match fault {
        Fault::JwksDown | Fault::JwksHtml | Fault::JwksHuge | Fault::JwksRedirect => DOWN,
        // A set is there, and the token's key is not in it, or is no good.
        _ => ID_TOKEN,
    }
}

fn userinfo_page(fault: &Fault) -> Page {
    match fault {
        Fault::UserinfoHuge => DOWN,
        _ => USERINFO,
    }
}

/// Faults that a relying party meets only before it has fetched metadata or keys.
pub(crate) fn needs_a_new_program(fault: &Fault) -> bool {
    matches!(fault.needs(), Needs::FreshStart | Needs::FreshKeys)
}

/// Faults that a sign-in without wishes of its own meets, with a program that has its settings from nobody.
fn is_met_by_anybody(fault: &Fault) -> bool {
    matches!(fault.needs(), Needs::Nothing | Needs::AnnouncedIss)
}

async fn usual() -> World {
    Start::default()
        .provider(|provider| provider.announce_iss(true))
        .set("CLOAKROOM_FAILED_EXCHANGES_A_MINUTE", "1000")
        .go()
        .await
}

/// One sign-in under the fault, by somebody new.
pub(crate) async fn meet(world: &World, fault: &Fault, effect: Effect, link: &str) {
    println!("{fault:?}");
    let browser = world.browser();
    world.provider.reset_counts();
    world.provider.set_fault(fault.clone());
    let answer = if effect == Effect::NoStart {
        browser.get(link).navigate().await
    } else {
        world.at_callback(&browser, link).await
    };
    match page(fault, effect) {
        Some((code, status, title)) => {
            let page = world
                .assert_failed(&browser, &answer, code, status, title)
                .await;
            assert!(
                page.text().contains("Try again"),
                "{fault:?}: there is a way to start again"
            );
        }
        None => assert!(
            matches!(answer.status(), 414 | 431),
            "{fault:?}: {}",
            answer.status()
        ),
    }
    world.provider.clear_fault();
    world.assert_signed_out(&browser).await;
    assert_eq!(world.ticket(&browser), None, "{fault:?}");
    assert!(
        new_session(&answer, &world.session_cookie()).is_none(),
        "{fault:?}"
    );
    let Counts {
        authorize,
        token,
        userinfo,
        redirect_followed,
        ..
    } = world.provider.counts();
    let expected = (
        usize::from(effect != Effect::NoStart),
        usize::from(effect.token_request()),
        usize::from(effect == Effect::UserinfoUnusable),
        0,
    );
    assert_eq!(
        (authorize, token, userinfo, redirect_followed),
        expected,
        "{fault:?}: authorize, token, userinfo, followed"
    );
}

async fn meet_all(which: Effect) {
    let world = usual().await;
    let mut met = 0;
    for (fault, effect) in
        Fault::all().filter(|(fault, effect)| *effect == which && is_met_by_anybody(fault))
    {
        meet(&world, &fault, effect, "/auth/login?return_to=/profile").await;
        met += 1;
    }
    assert!(met > 3, "the table has rows");
    // Whatever it met, the program has not learnt to refuse an honest provider.
    world.sign_in(&world.browser()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_authorization_response_is_refused_without_a_token_request() {
    meet_all(Effect::RefusedAtCallback).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_answers_wrong_gets_one_request_and_nothing_after_it() {
    meet_all(Effect::RefusedAtToken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_id_token_is_refused_before_userinfo_is_asked() {
    meet_all(Effect::RefusedIdToken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn userinfo_that_does_not_fit_the_id_token_makes_no_session() {
    meet_all(Effect::UserinfoUnusable).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_has_fetched_nothing_does_not_send_anybody_to_a_provider_it_knows_nothing_of()
 {
    for (fault, effect) in Fault::all().filter(|(fault, _)| needs_a_new_program(fault)) {
        let world = Start::default().fault(fault.clone()).go().await;
        meet(&world, &fault, effect, "/auth/login").await;
        world.end().await;
    }
}

fn asked_for() -> Vec<Fault> {
    let asked = |fault: &Fault| fault.effect() == Effect::RefusedWhereAsked;
    Fault::every().into_iter().filter(asked).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_of_the_authentication_is_verified() {
    let world = usual().await;
    let link = "/auth/login?max_age=300&acr_values=phr";
    for fault in asked_for() {
        meet(&world, &fault, Effect::RefusedIdToken, link).await;
    }
    // The same answers are right where nothing was asked for.
    for fault in asked_for() {
        world.provider.set_fault(fault);
        world.sign_in(&world.browser()).await;
    }
    world.provider.clear_fault();
    let answer = world.at_callback(&world.browser(), link).await;
    assert_eq!(
        answer.header("location"),
        Some("/"),
        "and met, they sign in"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unusual_and_right_signs_in() {
    for fault in Fault::tolerated() {
        println!("{fault:?}");
        let world = Start::default().fault(fault.clone()).go().await;
        world.sign_in(&world.browser()).await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_kid_costs_one_refetch_of_the_keys_and_is_then_refused() {
    let world = usual().await;
    world.sign_in(&world.browser()).await;
    meet(
        &world,
        &Fault::UnknownKid,
        Effect::RefusedIdToken,
        "/auth/login",
    )
    .await;
    assert_eq!(world.provider.counts().jwks, 1, "one refetch");
    for _ in 0..3 {
        meet(
            &world,
            &Fault::UnknownKid,
            Effect::RefusedIdToken,
            "/auth/login",
        )
        .await;
        assert_eq!(
            world.provider.counts().jwks,
            0,
            "nobody can have the keys fetched again and again"
        );
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_is_found_by_a_program_that_held_the_old_ones() {
    let world = usual().await;
    world.sign_in(&world.browser()).await;
    world.provider.reset_counts();
    world.provider.set_fault(Fault::RotatedKey);
    world.sign_in(&world.browser()).await;
    assert_eq!(world.provider.counts().jwks, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_never_answers_is_given_up_after_ten_seconds_without_holding_anybody_else()
 {
    let world = usual().await;
    let (waiting, other) = (world.browser(), world.browser());
    let signed_in = world.browser();
    world.sign_in(&signed_in).await;
    world.provider.set_fault(Fault::TokenHang);
    world.provider.reset_counts();
    let answered = world
        .at_provider(&waiting, "/auth/login?return_to=/profile")
        .await;
    let begun = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(waiting.follow(answered, 1), async {
        world
            .until("the token request is under way", || {
                world.provider.counts().token == 1
            })
            .await;
        world.assert_signed_in(&signed_in).await;
        assert_eq!(
            other.visit("/").await.status(),
            200,
            "pages are served meanwhile"
        );
        let tab = waiting.get("/auth/login").navigate().await;
        assert_eq!(
            tab.status(),
            303,
            "also to the one who waits, in another tab"
        );
    });
    let took = begun.elapsed().as_secs();
    assert!((9..15).contains(&took), "{took} seconds");
    let (code, status, title) = DOWN;
    world
        .assert_failed(&waiting, &answer, code, status, title)
        .await;
    world.assert_signed_out(&waiting).await;
    assert_eq!(
        (
            world.provider.counts().token,
            world.provider.counts().userinfo
        ),
        (1, 0)
    );
    world.provider.clear_fault();
    world.end().await;
}

#[test]
fn the_tables_name_every_fault_there_is() {
    let named: HashSet<Fault> = Fault::all()
        .map(|(fault, _)| fault)
        .chain(Fault::tolerated())
        .collect();
    for fault in Fault::every() {
        assert!(
            named.contains(&fault)
                || matches!(
                    fault.effect(),
                    Effect::EitherWay | Effect::RefusedWhereAsked
                ),
            "{fault:?} is in no table"
        );
    }
    for (fault, effect) in Fault::all() {
        // Those of pushed requests and posted answers have tests of their own, in `pushed` and `form_post`.
        if is_met_by_anybody(&fault) || needs_a_new_program(&fault) {
            assert!(
                page(&fault, effect).is_some() || fault == Fault::HugeCode,
                "{fault:?} leads nowhere"
            );
        }
    }
}
