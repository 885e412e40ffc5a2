//! J2: what is old and may go.

use daraa_domain::maintenance::cleanup::{Cleaned, clean_up};
use daraa_platform::fault::Infra;
use mongodb::bson::Bson;

use super::{TaskResult, Work, fault};

/// Removes what is past its time, batch by batch.
pub(crate) async fn cleanup(work: &Work) -> TaskResult {
    let Cleaned { removed, mut failures } = clean_up(&work.app).await;
    // One failure fails the run as it is, several as a list.
    if failures.len() > 1 {
        let list: Vec<String> = failures.iter().map(|(what, e)| format!("{what}: {e}")).collect();
        return Err(fault(Infra::defect(list.join("; "))));
    }
    if let Some((_, e)) = failures.pop() {
        return Err(e);
    }
    let count = |n: u64| Bson::Int64(i64::try_from(n).unwrap_or(i64::MAX));
    Ok(removed.into_iter().map(|(what, n)| (what.to_owned(), count(n))).collect())
}
