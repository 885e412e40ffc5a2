//! What the cache counts; docs/CACHE.md explains each.

use std::time::Instant;

use metrics::SharedString;

/// Reads by how they were answered.
pub(super) fn reads(kind: &'static str, outcome: &'static str, count: usize) {
    if count > 0 {
        metrics::counter!("daraa_cache_reads_total", "entity" => kind, "outcome" => outcome)
            .increment(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

/// One read.
pub(super) fn read(kind: &'static str, outcome: &'static str) {
    reads(kind, outcome, 1);
}

/// One read that the cache answered; "there is no such thing" counts apart.
pub(super) fn hit(kind: &'static str, outcome: &'static str, negative: bool) {
    read(kind, if negative { "negative" } else { outcome });
}

/// A load from the database, well or ill.
pub(super) fn load<T, E>(kind: &'static str, since: Instant, outcome: &Result<T, E>) {
    metrics::histogram!("daraa_cache_load_seconds", "entity" => kind).record(since.elapsed().as_secs_f64());
    if outcome.is_err() {
        error(kind, "load", 1);
    }
}

/// What became of a loaded value that was to be written.
pub(super) fn fill(kind: &'static str, outcome: &'static str) {
    metrics::counter!("daraa_cache_fills_total", "entity" => kind, "outcome" => outcome).increment(1);
}

/// How large a loaded value is as it is written.
pub(super) fn size(kind: &'static str, entry: &str) {
    metrics::histogram!("daraa_cache_entry_bytes", "entity" => kind)
        .record(f64::from(u32::try_from(entry.len()).unwrap_or(u32::MAX)));
}

/// A value kept near had to make room for another.
pub(super) fn near_evicted() {
    metrics::counter!("daraa_cache_near_evictions_total").increment(1);
}

/// How much is kept near.
pub(super) fn near_bytes(bytes: u64) {
    metrics::gauge!("daraa_cache_near_bytes").set(f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)));
}

/// What went wrong.
pub(super) fn error(kind: impl Into<SharedString>, what: &'static str, count: u64) {
    metrics::counter!("daraa_cache_errors_total", "entity" => kind.into(), "what" => what).increment(count);
}

/// Invalidations that could not be made at once.
pub(super) fn put_off(names: &[String]) {
    for name in names {
        let kind = name.split(':').next().unwrap_or_default();
        error(kind.to_owned(), "put_off", 1);
    }
}

/// How many invalidations wait for Redis now.
pub(super) fn waiting(count: usize) {
    metrics::gauge!("daraa_cache_put_off").set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}
