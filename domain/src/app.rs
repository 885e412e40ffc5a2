//! What every use case is given: the database, the clock, the random source, the ids. Made once in `main`.

use daraa_platform::clock::Clock;
use daraa_platform::ids::Ids;
use daraa_platform::mongo::Mongo;
use daraa_platform::ports::Ports;
use daraa_platform::random::Random;

/// The shared parts of one process.
#[derive(Debug)]
pub struct App {
    /// The database.
    pub mongo: Mongo,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// New ids.
    pub ids: Ids,
    /// Other processes: SMS gateway, payment provider.
    pub ports: Ports,
}
