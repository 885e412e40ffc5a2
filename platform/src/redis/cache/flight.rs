//! Single flight: of all in this process who want a key that is not near, one looks for it and loads it if need be, and
//! the others wait for what it brings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

type Landing = Option<Arc<str>>;

/// What is under way, by key name.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<String, Flight>>);

#[derive(Debug)]
struct Flight {
    number: u64,
    landing: watch::Receiver<Landing>,
}

/// The part a reader plays.
pub(super) enum Seat<'f> {
    /// It looks and loads.
    Leader(Leader<'f>),
    /// It waits for the one who does.
    Passenger(Passenger),
}

/// The one who looks and loads. Dropped without [`Self::land`], the passengers look for a new leader.
pub(super) struct Leader<'f> {
    flights: &'f Flights,
    name: String,
    number: u64,
    landing: watch::Sender<Landing>,
}

/// One who waits.
pub(super) struct Passenger(watch::Receiver<Landing>);

impl Flights {
    /// Joins the flight of `name`, or starts it.
    pub(super) fn join(&self, name: &str) -> Seat<'_> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(name) {
            return Seat::Passenger(Passenger(flight.landing.clone()));
        }
        let (landing, seen) = watch::channel(None);
        let number = next_number();
        flights.insert(name.to_owned(), Flight { number, landing: seen });
        Seat::Leader(Leader { flights: self, name: name.to_owned(), number, landing })
    }

    /// Nobody joins the load of `name`, or of what is derived from it, any more: what it brings may be stale.
    pub(super) fn detach(&self, name: &str) {
        let derived = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|key, _| key != name && !derived(key));
    }

    /// Nobody joins any present load any more.
    pub(super) fn detach_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Leader<'_> {
    /// Hands the value to the passengers.
    pub(super) fn land(self, json: &Arc<str>) {
        self.landing.send_replace(Some(Arc::clone(json)));
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let mut flights = self.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        // After a detach another flight may be under way under the same name.
        if flights.get(&self.name).is_some_and(|flight| flight.number == self.number) {
            flights.remove(&self.name);
        }
    }
}

impl Passenger {
    /// The value, or `None` when the leader gave up.
    pub(super) async fn arrive(mut self) -> Landing {
        match self.0.wait_for(Option::is_some).await {
            Ok(landed) => landed.clone(),
            Err(_) => None,
        }
    }
}

fn next_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn leader<'f>(flights: &'f Flights, name: &str) -> Leader<'f> {
        match flights.join(name) {
            Seat::Leader(leader) => leader,
            Seat::Passenger(_) => panic!("nobody should be loading"),
        }
    }

    fn passenger(flights: &Flights, name: &str) -> Passenger {
        match flights.join(name) {
            Seat::Passenger(passenger) => passenger,
            Seat::Leader(_) => panic!("somebody should be loading"),
        }
    }

    #[tokio::test]
    async fn passengers_get_what_the_leader_brings() {
        let flights = Flights::default();
        let first = leader(&flights, "a");
        let second = passenger(&flights, "a");
        first.land(&"1".into());
        assert_eq!(second.arrive().await.as_deref(), Some("1"));
        drop(leader(&flights, "a"));
    }

    #[tokio::test]
    async fn a_leader_that_gives_up_frees_the_seat() {
        let flights = Flights::default();
        let first = leader(&flights, "a");
        let second = passenger(&flights, "a");
        drop(first);
        assert_eq!(second.arrive().await, None);
        drop(leader(&flights, "a"));
    }

    #[tokio::test]
    async fn after_a_detach_nobody_joins_the_old_load() {
        let flights = Flights::default();
        let old = leader(&flights, "a");
        flights.detach("a");
        let new = leader(&flights, "a");
        old.land(&"stale".into());
        let passenger = passenger(&flights, "a");
        new.land(&"fresh".into());
        assert_eq!(passenger.arrive().await.as_deref(), Some("fresh"));
    }
}
