//! The OpenID Foundation's relying-party modules, the client modules of FAPI 2.0 that apply without its profile, and
//! Okta's own scenarios, each a test under its own name. Self-tested with the test kit: this is no certification.
//!
//! What a module expects is asserted the same way for all: how far the sign-in gets, which requests the provider sees,
//! that there is no session where there must be none, and that an honest provider is not refused afterwards.

mod fapi2;
mod oidcc;
mod okta;
mod table;
mod walk;

use cloakroom_testkit::provider::Builder;
use cloakroom_testkit::{Effect, Fault};

use crate::faults::{meet, needs_a_new_program};
use crate::start::Start;
use crate::world::World;

/// One provider that is wrong in one way, and one sign-in: refused where the fault is one, done where it is tolerated.
async fn module(choose: impl FnOnce(Builder) -> Builder, fault: Fault) {
    module_asking(choose, fault, "/auth/login").await;
}

/// The same, by a sign-in link with parameters.
async fn module_asking(choose: impl FnOnce(Builder) -> Builder, fault: Fault, link: &str) {
    let start = Start::default().provider(choose);
    let effect = match fault.effect() {
        Effect::RefusedWhereAsked => Effect::RefusedIdToken,
        effect => effect,
    };
    let world = if needs_a_new_program(&fault) || effect == Effect::Succeeds {
        start.fault(fault.clone()).go().await
    } else {
        start.go().await
    };
    if effect == Effect::Succeeds {
        world.provider.reset_counts();
        world.sign_in(&world.browser()).await;
        signed_in_with_one_request_each(&world);
    } else {
        meet(&world, &fault, effect, link).await;
    }
    world.provider.clear_fault();
    if !needs_a_new_program(&fault) {
        world.sign_in(&world.browser()).await;
    }
    world.end().await;
}

fn signed_in_with_one_request_each(world: &World) {
    let counts = world.provider.counts();
    assert_eq!(
        (counts.authorize, counts.token, counts.userinfo),
        (1, 1, 1),
        "one request each to authorize, token and userinfo"
    );
}

/// Tests of one fault each: name, provider, fault. The documentation of each is its line in the table.
macro_rules! modules {
    ($($(#[doc = $doc:literal])+ $name:ident: $fault:expr $(, $choose:expr)?;)+) => {
        $(
            $(#[doc = $doc])+
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                $crate::conformance::module($crate::conformance::provider!($($choose)?), $fault).await;
            }
        )+
    };
}

/// The provider of a module: the usual one, where none is chosen.
macro_rules! provider {
    () => {
        |usual| usual
    };
    ($choose:expr) => {
        $choose
    };
}

use {modules, provider};
