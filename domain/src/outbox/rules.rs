//! Pure decisions about events.

use super::model::EventRow;

/// Which state of its object an event tells of; not every event says.
fn version(event: &EventRow) -> Option<i64> {
    event.data.get_i64("version").ok()
}

/// Events of one subject, which come in the order of the times their writers saw, in the order they happened. Machines
/// disagree about the time, so where events carry the version of their object, that decides; the others keep their
/// places.
pub(super) fn in_order(events: Vec<EventRow>) -> Vec<EventRow> {
    let versioned: Vec<bool> = events.iter().map(|event| version(event).is_some()).collect();
    let (mut dated, others): (Vec<EventRow>, Vec<EventRow>) =
        events.into_iter().partition(|event| version(event).is_some());
    // Stable: several events of one version stay in the order they were written.
    dated.sort_by_key(version);
    let (mut dated, mut others) = (dated.into_iter(), others.into_iter());
    versioned.into_iter().filter_map(|dates| if dates { dated.next() } else { others.next() }).collect()
}
