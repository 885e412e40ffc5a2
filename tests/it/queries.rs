//! Every query the code can issue is served by an index, also on little data.

use daraa_domain::queries::{self, Check, Explained, Scale};
use daraa_tests::World;

#[tokio::test]
async fn every_query_is_served_by_an_index_and_none_sorts_in_memory() {
    let world = World::new().await;
    // A thousand orders: enough for an index to be worth it, few enough to be quick.
    let check = Check { mongo: world.app.mongo.clone(), clock: world.app.clock.clone(), scale: Scale(0.01) };
    queries::fill_database(&check, |_| ()).await.unwrap();
    let rows = queries::run(&check, |_| ()).await.unwrap();
    assert!(!rows.is_empty());
    let breaches: Vec<&Explained> =
        rows.iter().filter(|row| row.breach.is_some() && row.excused.is_none()).collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
}
