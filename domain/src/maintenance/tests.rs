//! Lines as MongoDB 6.0 writes them.

use super::rules::slow_queries;

fn line(ns: &str, command: &str, plan: &str, docs: i64, ms: i64) -> String {
    format!(
        r#"{{"t":{{"$date":"2026-01-04T04:00:00.000+00:00"}},"s":"I","c":"COMMAND","id":51803,"ctx":"conn7","msg":"Slow query",
        "attr":{{"type":"command","ns":"{ns}","command":{{"{command}":"orders","filter":{{"customer_name":"Rama"}}}},
        "planSummary":"{plan}","keysExamined":3,"docsExamined":{docs},"nreturned":1,"durationMillis":{ms}}}}}"#
    )
}

#[test]
fn slow_operations_are_counted_by_shape_and_keep_no_value() {
    let lines = [
        line("daraa.orders", "find", "COLLSCAN", 1_000, 120),
        line("daraa.orders", "find", "COLLSCAN", 5_000, 300),
        line("daraa.products", "aggregate", "IXSCAN { store_id: 1 }", 2, 900),
        line("other.orders", "find", "COLLSCAN", 1, 9_999),
        r#"{"s":"I","c":"NETWORK","msg":"Connection accepted","attr":{"remote":"127.0.0.1:1"}}"#.to_owned(),
        "not a line of a log".to_owned(),
    ];
    let slow = slow_queries(lines.iter().map(String::as_str), "daraa");
    let seen: Vec<_> = slow.iter().map(|s| (s.collection.as_str(), s.count, s.max_ms, s.total_ms)).collect();
    assert_eq!(seen, [("products", 1, 900, 900), ("orders", 2, 300, 420)]);
    let scan = slow.last().map(|s| (s.plan.as_str(), s.max_docs_examined));
    assert_eq!(scan, Some(("COLLSCAN", 5_000)));
    assert!(!format!("{slow:?}").contains("Rama"));
}
