//! The clock moves when it is moved, and only then.

use cloakroom_testkit::ManualClock;

#[test]
fn a_clock_stands_still_until_it_is_moved_and_its_clones_move_with_it() {
    let clock = ManualClock::new(1_000);
    let (other, function) = (clock.clone(), clock.as_fn());
    assert_eq!((clock.now(), function()), (1_000, 1_000));
    clock.advance(61);
    assert_eq!((other.now(), function()), (1_061, 1_061));
    other.set(5);
    assert_eq!(clock.now(), 5);
}
