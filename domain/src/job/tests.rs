//! Unit tests of the rules.

use daraa_platform::time::Timestamp;

use super::{CatchUp, DECLARATIONS, Dueness, decide};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(secs * 1000)
}

#[test]
fn a_tick_is_run_once_and_by_policy() {
    let rule = |tick, last, paused, policy, now| decide(at(tick), last, at(100), paused, policy, at(now));
    assert_eq!(rule(100, None, false, CatchUp::Once, 101), Dueness::Nothing, "before the job was known");
    assert_eq!(rule(200, None, false, CatchUp::Once, 200), Dueness::OnTime);
    assert_eq!(rule(200, Some(at(200)), false, CatchUp::Once, 201), Dueness::Nothing, "dealt with");
    assert_eq!(rule(200, Some(at(150)), false, CatchUp::Once, 320), Dueness::OnTime);
    assert_eq!(rule(200, Some(at(150)), false, CatchUp::Once, 321), Dueness::Late);
    assert_eq!(rule(200, Some(at(150)), false, CatchUp::Skip, 321), Dueness::Missed);
    assert_eq!(rule(200, Some(at(150)), true, CatchUp::Once, 200), Dueness::Paused);
}

#[test]
fn declarations_are_sorted_and_unique() {
    assert!(DECLARATIONS.windows(2).all(|pair| matches!(pair, [a, b] if a.name < b.name)));
}
