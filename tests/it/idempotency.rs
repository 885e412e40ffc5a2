//! One key, one effect, one answer: also when the same request comes twice at once.

use daraa_domain::actor::Actor;
use daraa_domain::app::App;
use daraa_domain::idempotency::{IdempotentRequest, MAX_KEY_CHARS, Replay, find, raced, record_in_tx};
use daraa_domain::ids::AccountId;
use daraa_domain::order::OrderError;
use daraa_platform::mongo::DbError;
use daraa_platform::transact;
use daraa_tests::World;
use futures_util::future::join_all;
use mongodb::bson::doc;
use serde_json::json;

fn request(account: AccountId, body: i64) -> IdempotentRequest {
    IdempotentRequest::new(account, "test", "k1", &json!({ "n": body })).unwrap()
}

async fn record(app: &App, request: &IdempotentRequest, answer: i64) -> Result<(), OrderError> {
    transact!(&app.mongo, "test.record", OrderError, |tx| {
        record_in_tx(app, tx, request, doc! { "answer": answer }).await?;
        Ok(())
    })
}

#[tokio::test]
async fn a_key_replays_its_answer_and_refuses_another_request() {
    let app = World::new().await.app;
    let account = app.ids.next();
    assert_eq!(find(&app, &request(account, 1)).await.unwrap(), Replay::New);
    record(&app, &request(account, 1), 7).await.unwrap();
    assert_eq!(find(&app, &request(account, 1)).await.unwrap(), Replay::Done(doc! { "answer": 7_i64 }));
    assert_eq!(find(&app, &request(account, 2)).await.unwrap(), Replay::KeyReused);
    assert_eq!(
        find(&app, &request(app.ids.next(), 1)).await.unwrap(),
        Replay::New,
        "keys belong to accounts"
    );
}

#[tokio::test]
async fn of_twenty_at_once_one_records() {
    let app = World::new().await.app;
    let account = app.ids.next();
    let same = request(account, 1);
    let outcomes = join_all((0..20).map(|n| record(&app, &same, n))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes {
        if let Err(OrderError::Infra(daraa_platform::fault::Infra::Db(e))) = outcome {
            assert!(raced(&e), "{e}");
        }
    }
}

#[test]
fn keys_have_a_length() {
    let account: AccountId = mongodb::bson::oid::ObjectId::from_bytes([1; 12]).into();
    let of = |key: &str| IdempotentRequest::new(account, "test", key, &json!({}));
    assert!(of("").is_none());
    assert!(of(&"k".repeat(MAX_KEY_CHARS)).is_some());
    assert!(of(&"k".repeat(MAX_KEY_CHARS + 1)).is_none());
    assert!(!raced(&DbError::Deadline { op: "x" }));
    assert_eq!(Actor::System("x").label(), "system:x");
}
