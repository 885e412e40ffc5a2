#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test may panic")]

use super::*;

fn ask(reference: &str, token: &str, amount_minor: i64) -> Authorise {
    Authorise {
        reference: reference.to_owned(),
        token: token.to_owned(),
        amount_minor,
        currency: "SYP".to_owned(),
        description: String::new(),
    }
}

fn change(reference: &str, amount_minor: i64) -> Change {
    Change { reference: reference.to_owned(), amount_minor, currency: "SYP".to_owned() }
}

#[test]
fn one_reference_has_one_effect_and_books_never_overdraw() {
    let mut book = Book::default();
    let first = book.authorise(1, "", &ask("r1", "tok_ok", 100)).unwrap();
    let again = book.authorise(2, "", &ask("r1", "tok_ok", 100)).unwrap();
    assert_eq!((first.payment.clone(), true), (again.payment, again.fresh.is_none()));
    assert_eq!(book.authorise(3, "", &ask("r1", "tok_ok", 101)).unwrap_err(), Refusal::ReferenceReused);
    let id = first.payment.id;
    book.change(4, &id, Kind::Capture, &change("c1", 60)).unwrap();
    book.change(5, &id, Kind::Capture, &change("c1", 60)).unwrap();
    assert_eq!(book.change(6, &id, Kind::Void, &change("v1", 41)).unwrap_err(), Refusal::Amount);
    book.change(7, &id, Kind::Void, &change("v2", 40)).unwrap();
    assert_eq!(book.change(8, &id, Kind::Capture, &change("c2", 1)).unwrap_err(), Refusal::State);
    assert_eq!(book.change(9, &id, Kind::Refund, &change("f1", 61)).unwrap_err(), Refusal::Amount);
    let refunded = book.change(10, &id, Kind::Refund, &change("f2", 60)).unwrap();
    assert_eq!(refunded.payment.state, book::State::Refunded);
    assert_eq!(book.log_after(0, 100).len(), 4, "only effects are logged");
    assert_eq!(book.log_after(3, 100)[0].seq, 4);
}

#[test]
fn a_waiting_payment_is_confirmed_or_refused_once() {
    let mut book = Book::default();
    let id = book.authorise(1, "http://x", &ask("r", "tok_requires_action", 5)).unwrap().payment.id;
    assert_eq!(book.change(2, &id, Kind::Capture, &change("c", 5)).unwrap_err(), Refusal::State);
    assert!(book.confirm(3, &id, true).unwrap().fresh.is_some());
    assert!(book.confirm(4, &id, true).unwrap().fresh.is_none());
    assert_eq!(book.confirm(5, &id, false).unwrap_err(), Refusal::State);
    assert_eq!(book.lookup("r").unwrap().operation.status, book::Status::Succeeded);
}

#[test]
fn the_log_file_restores_the_books() {
    let file = std::env::temp_dir().join(format!("daraa-paysim-{}.jsonl", std::process::id()));
    std::fs::remove_file(&file).ok();
    let mut book = Book::open(Some(&file)).unwrap();
    let id = book.authorise(1, "", &ask("r1", "tok_ok", 100)).unwrap().payment.id;
    book.change(2, &id, Kind::Capture, &change("c1", 70)).unwrap();
    let mut reopened = Book::open(Some(&file)).unwrap();
    assert_eq!(reopened.log_after(0, 10), book.log_after(0, 10));
    assert!(reopened.change(3, &id, Kind::Capture, &change("c1", 70)).unwrap().fresh.is_none());
    std::fs::remove_file(&file).ok();
}

#[tokio::test]
async fn answers_over_http_lose_what_they_should_and_tell_later() {
    let running = start(Config::in_process("key")).await.unwrap();
    let client = reqwest::Client::new();
    let url = format!("{}/v1/payments", running.base_url());
    let body = serde_json::json!({ "reference": "r1", "token": "tok_lost_answer", "amount_minor": 5, "currency": "SYP" });
    let unsigned = client.post(&url).json(&body).send().await.unwrap();
    assert_eq!(unsigned.status(), 401);
    let lost = client.post(&url).bearer_auth("key").json(&body).send().await;
    let lost = match lost {
        Ok(answer) => answer.bytes().await.map(|_| ()),
        Err(e) => Err(e),
    };
    assert!(lost.is_err(), "the answer must not arrive");
    let url = format!("{}/v1/operations/r1", running.base_url());
    let found: Value = client.get(url).bearer_auth("key").send().await.unwrap().json().await.unwrap();
    assert_eq!(found["payment"]["state"], "authorised");
    assert_eq!(running.log().len(), 1);
    assert_eq!(running.take_webhooks().len(), 1);
}
