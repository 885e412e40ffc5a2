//! The members of the tests' replica set as processes and as a set.

use daraa_platform::mongo::Mongo;
use mongodb::bson::{Bson, doc};

/// Looks of up to a second each; an election takes about two seconds.
const ELECTION_LOOKS: u32 = 15;

/// `host:port` of the primary.
///
/// # Panics
/// When the set has none.
pub async fn primary(mongo: &Mongo) -> String {
    // Right after an election nobody may know the new primary yet; the server answers when that changes.
    let mut known = Bson::Null;
    for _ in 0..ELECTION_LOOKS {
        let mut hello = doc! { "hello": 1 };
        if known != Bson::Null {
            hello.extend(doc! { "topologyVersion": known, "maxAwaitTimeMS": 1_000_i64 });
        }
        let answer = mongo.client().database("admin").run_command(hello).await.expect("hello");
        if let Ok(primary) = answer.get_str("primary") {
            return primary.to_owned();
        }
        known = answer.get("topologyVersion").cloned().unwrap_or(Bson::Null);
    }
    panic!("the set has no primary");
}

/// Makes the primary step down, as before maintenance; ends when the command was taken.
///
/// # Panics
/// When it is refused.
pub async fn step_down(mongo: &Mongo) {
    let command = doc! { "replSetStepDown": 2, "secondaryCatchUpPeriodSecs": 1 };
    match mongo.client().database("admin").run_command(command).await {
        Ok(_) => {}
        // The connection may be closed before the answer comes.
        Err(e) if matches!(*e.kind, mongodb::error::ErrorKind::Io(_)) => {}
        Err(e) => panic!("the primary did not step down: {e}"),
    }
}
