//! The first level: what is read most, kept in this process for a moment.
//!
//! Every name has a turn, which is raised whenever the name is forgotten here. A reader notes the turn before it looks
//! anywhere, and what it keeps is good only as long as the turn is the same: a value that was read before an
//! invalidation cannot be kept behind it, whichever of the two comes first.

use std::any::Any;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::notification::RemovalCause;

use super::{Wish, seen};

/// How long a value is kept: also the longest it can be used after an invalidation that was not heard here.
pub const NEAR_LIFE: Duration = Duration::from_secs(1);
/// All values together, as JSON. In memory they take two or three times that: a server has 60 MiB under load.
const NEAR_BYTES: u64 = 8 << 20;
/// What an entry takes besides its value.
const ENTRY_BYTES: usize = 200;
/// Names share so many turns; two that share one are forgotten together, which costs a look into Redis.
const TURNS: usize = 4_096;

#[derive(Debug, Clone)]
struct Kept {
    value: Arc<dyn Any + Send + Sync>,
    /// "There is no such thing".
    negative: bool,
    turn: u64,
    bytes: u32,
}

/// The values one process keeps.
#[derive(Debug)]
pub(super) struct Near {
    /// Which kinds of keys are worth it.
    kinds: Vec<&'static str>,
    values: moka::future::Cache<String, Kept>,
    turns: Vec<AtomicU64>,
    /// Raised when everything is forgotten.
    all: AtomicU64,
    hasher: RandomState,
}

impl Near {
    pub(super) fn of(kinds: &[&'static str]) -> Self {
        Self {
            kinds: kinds.to_vec(),
            values: moka::future::Cache::builder()
                .time_to_live(NEAR_LIFE)
                .max_capacity(NEAR_BYTES)
                .weigher(|_, kept: &Kept| kept.bytes)
                .eviction_listener(|_, _, cause| {
                    if cause == RemovalCause::Size {
                        seen::near_evicted();
                    }
                })
                .build(),
            turns: (0..TURNS).map(|_| AtomicU64::new(0)).collect(),
            all: AtomicU64::new(0),
            hasher: RandomState::new(),
        }
    }

    /// Noted before a value is looked for; both numbers only grow, so their sum is the same only while both are.
    pub(super) fn turn(&self, name: &str) -> u64 {
        let own = self.own_turn(name).map_or(0, |turn| turn.load(Ordering::SeqCst));
        own.wrapping_add(self.all.load(Ordering::SeqCst))
    }

    fn own_turn(&self, name: &str) -> Option<&AtomicU64> {
        let turns = u64::try_from(TURNS).ok()?;
        let slot = self.hasher.hash_one(name).checked_rem(turns)?;
        self.turns.get(usize::try_from(slot).ok()?)
    }

    /// The value and whether it says that there is none.
    pub(super) async fn get<V: Clone + 'static>(&self, wish: Wish<'_>) -> Option<(V, bool)> {
        if !self.kinds.contains(&wish.kind) {
            return None;
        }
        let kept = self.values.get(wish.name).await.filter(|kept| kept.turn == self.turn(wish.name))?;
        Some((kept.value.downcast_ref::<V>()?.clone(), kept.negative))
    }

    /// Keeps a value that was looked for when it was `turn`.
    pub(super) async fn keep<V: Clone + Send + Sync + 'static>(
        &self,
        wish: Wish<'_>,
        turn: u64,
        value: &V,
        json: &str,
    ) {
        if !self.kinds.contains(&wish.kind) || turn != self.turn(wish.name) {
            return;
        }
        let bytes = u32::try_from(json.len() + wish.name.len() + ENTRY_BYTES).unwrap_or(u32::MAX);
        let kept = Kept { value: Arc::new(value.clone()), negative: json == super::NOTHING, turn, bytes };
        self.values.insert(wish.name.to_owned(), kept).await;
        seen::near_bytes(self.values.weighted_size());
    }

    pub(super) async fn forget(&self, name: &str) {
        if let Some(turn) = self.own_turn(name) {
            turn.fetch_add(1, Ordering::SeqCst);
        }
        self.values.invalidate(name).await;
    }

    pub(super) fn forget_all(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
        self.values.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOT: Wish<'_> = Wish { name: "store:v1:a", kind: "store" };

    async fn kept(near: &Near) -> Option<i64> {
        near.get::<i64>(HOT).await.map(|(value, _)| value)
    }

    #[tokio::test]
    async fn what_was_looked_for_before_it_was_forgotten_is_not_kept() {
        let near = Near::of(&["store"]);
        let before = near.turn(HOT.name);
        near.forget(HOT.name).await;
        near.keep(HOT, before, &1_i64, "1").await;
        assert_eq!(kept(&near).await, None);
        near.keep(HOT, near.turn(HOT.name), &2_i64, "2").await;
        assert_eq!(kept(&near).await, Some(2));
        near.forget_all();
        assert_eq!(kept(&near).await, None);
    }

    #[tokio::test]
    async fn only_what_is_worth_it_is_kept() {
        let near = Near::of(&["store"]);
        let order = Wish { name: "order:v1:a", kind: "order" };
        near.keep(order, near.turn(order.name), &1_i64, "1").await;
        assert_eq!(near.get::<i64>(order).await, None);
        // A value of another form under the same name is not mistaken for this one.
        near.keep(HOT, near.turn(HOT.name), &1_i64, "1").await;
        assert_eq!(near.get::<String>(HOT).await, None);
        near.keep(HOT, near.turn(HOT.name), &None::<i64>, super::super::NOTHING).await;
        assert_eq!(near.get::<Option<i64>>(HOT).await, Some((None, true)));
    }
}
