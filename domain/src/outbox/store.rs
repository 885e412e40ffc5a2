//! The outbox collection.

use daraa_platform::mongo::{DbError, Tx};

use super::model::{COLLECTION, EventRow};
use crate::app::App;

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, row: &EventRow) -> Result<(), DbError> {
    app.mongo.coll::<EventRow>(COLLECTION).insert_in_tx(tx, "db.outbox.insert", row).await
}
