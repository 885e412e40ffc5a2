//! The members of the tests' replica set as processes and as a set.

use daraa_platform::mongo::Mongo;
use mongodb::bson::doc;

/// `host:port` of the primary.
///
/// # Panics
/// When the set has none.
pub async fn primary(mongo: &Mongo) -> String {
    let hello = mongo.client().database("admin").run_command(doc! { "hello": 1 }).await.expect("hello");
    hello.get_str("primary").expect("a primary").to_owned()
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
