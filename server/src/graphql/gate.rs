//! The way every operation takes, by HTTP and by WebSocket: judged, charged, run, finished.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::futures_util::stream::BoxStream;
use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Request, Response, ServerError, Value};
use daraa_domain::actor::Actor;
use daraa_platform::fault::{FaultKind, Infra};
use daraa_platform::redis::{Allowance, RateRule};
use futures_util::{StreamExt as _, stream};
use tracing::{Instrument as _, info_span, warn};

use super::context::Caller;
use super::error::{ApiError, finish};
use super::limits::{Judged, MAX_TOKENS, Refusal, actual_cost, count_tokens, judge};
use crate::http::Api;

/// Units of query cost of one account: the dearest query ten times at once, then half of it a second.
pub const COST_PER_ACCOUNT: RateRule = RateRule::bucket("cost_account", 10_000, Duration::from_secs(20));
/// Units of one address. Wide: whole towns share the address of a mobile network.
pub const COST_PER_ADDRESS: RateRule = RateRule::bucket("cost_address", 100_000, Duration::from_secs(20));
/// Differences below this are not worth a correction.
const WORTH_CORRECTING: u32 = 10;
/// An operation that takes longer is logged.
const SLOW: Duration = Duration::from_secs(1);

/// A finished answer and the kind of failure that kept it from running, if any.
#[derive(Debug)]
pub struct Answer {
    /// What is sent.
    pub response: Response,
    /// Why nothing ran.
    pub refused: Option<FaultKind>,
}

impl Answer {
    /// Nothing ran.
    #[must_use]
    pub fn refusal(error: ApiError, caller: &Caller) -> Self {
        let kind = error.fault().kind();
        let mut response = Response::from_errors(vec![error.into_server_error()]);
        finish(&mut response.errors, caller.lang, &caller.request_id);
        Self { response, refused: Some(kind) }
    }
}

/// An operation that may run.
struct Admitted {
    request: Request,
    document: ExecutableDocument,
    judged: Judged,
    allowance: Allowance,
}

/// Runs a query or mutation.
pub async fn execute(api: &Api, caller: Caller, request: Request) -> Answer {
    let admitted = match admit(api, &caller, request).await {
        Ok(admitted) if admitted.judged.operation == OperationType::Subscription => {
            return Answer::refusal(Refusal::SubscriptionOverHttp.into(), &caller);
        }
        Ok(admitted) => admitted,
        Err(e) => return Answer::refusal(e, &caller),
    };
    let response = run(api, &caller, admitted).await;
    Answer { response, refused: None }
}

/// Runs any operation of a WebSocket; a query or mutation answers once.
pub fn execute_stream(api: Arc<Api>, caller: Caller, request: Request) -> BoxStream<'static, Response> {
    let start = async move {
        let admitted = match admit(&api, &caller, request).await {
            Ok(admitted) => admitted,
            Err(e) => return stream::once(async move { Answer::refusal(e, &caller).response }).boxed(),
        };
        if admitted.judged.operation != OperationType::Subscription {
            return stream::once(async move { run(&api, &caller, admitted).await }).boxed();
        }
        metrics::counter!("daraa_graphql_subscriptions_total").increment(1);
        let request = admitted.request.data(caller.clone());
        let events = api.schema().execute_stream(request);
        events
            .map(move |mut response| {
                finish(&mut response.errors, caller.lang, &caller.request_id);
                response
            })
            .boxed()
    };
    stream::once(start).flatten().boxed()
}

async fn admit(api: &Api, caller: &Caller, mut request: Request) -> Result<Admitted, ApiError> {
    if count_tokens(&request.query, MAX_TOKENS) > MAX_TOKENS {
        return Err(Refusal::TooManyTokens.into());
    }
    let document =
        request.parsed_query().map_err(|e| Refusal::BadQuery(e.message)).map_err(ApiError::from)?.clone();
    let name = request.operation_name.as_deref();
    let judged = judge(api.map(), &caller.actor, &document, name, &request.variables)?;
    let allowance = charge(api, caller, judged.cost).await?;
    Ok(Admitted { request, document, judged, allowance })
}

async fn charge(api: &Api, caller: &Caller, cost: u32) -> Result<Allowance, Infra> {
    let (account, address) = subjects(caller);
    match &account {
        Some(account) => {
            let buckets = [(&COST_PER_ACCOUNT, account.as_str()), (&COST_PER_ADDRESS, address.as_str())];
            api.app().limits.check_buckets(&buckets, cost).await
        }
        None => api.app().limits.check(&COST_PER_ADDRESS, &address, cost).await,
    }
}

fn subjects(caller: &Caller) -> (Option<String>, String) {
    let account = match &caller.actor {
        Actor::Person(person) => Some(person.account_id.to_string()),
        _ => None,
    };
    (account, crate::http::address_subject(caller.address))
}

async fn run(api: &Api, caller: &Caller, admitted: Admitted) -> Response {
    let Admitted { request, document, judged, allowance } = admitted;
    let name = request.operation_name.clone();
    let field = first_field(&document, name.as_deref());
    let kind = match judged.operation {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    };
    let span = info_span!("gql", operation = kind, field = %field, request.id = %caller.request_id);
    let started = Instant::now();
    let mut response = api.schema().execute(request.data(caller.clone())).instrument(span).await;
    let took = started.elapsed();
    metrics::histogram!("daraa_graphql_operation_seconds", "operation" => kind).record(took.as_secs_f64());
    if !response.errors.is_empty() {
        metrics::counter!("daraa_graphql_errors_total", "operation" => kind).increment(1);
    }
    if took > SLOW {
        warn!(field = %field, took_ms = took.as_millis(), request.id = %caller.request_id, "slow operation");
    }
    // What validation refused never ran: its errors carry no path.
    let ran = response.errors.iter().all(|e: &ServerError| !e.path.is_empty()) || response.errors.is_empty();
    let actual = match &response.data {
        _ if !ran => 1,
        // A failure that emptied the whole answer tells nothing of the work before it.
        Value::Null => judged.cost,
        data => actual_cost(api.map(), &document, name.as_deref(), data),
    };
    if actual.abs_diff(judged.cost) >= WORTH_CORRECTING {
        correct(api, caller, i64::from(actual) - i64::from(judged.cost));
    }
    finish(&mut response.errors, caller.lang, &caller.request_id);
    let available = allowance.remaining.saturating_add(judged.cost).saturating_sub(actual);
    #[expect(clippy::cast_possible_truncation, reason = "a rate of at most millions a second")]
    let restore_rate = allowance.restore_rate.round() as i64;
    let cost = Value::Object(
        [
            ("requested", Value::from(judged.cost)),
            ("actual", Value::from(actual)),
            ("available", Value::from(available)),
            ("restoreRate", Value::from(restore_rate)),
        ]
        .into_iter()
        .map(|(name, value)| (async_graphql::Name::new(name), value))
        .collect(),
    );
    response.extension("cost", cost)
}

fn correct(api: &Api, caller: &Caller, units: i64) {
    let limits = api.app().limits.clone();
    let (account, address) = subjects(caller);
    api.life().track(async move {
        let mut buckets = vec![(&COST_PER_ADDRESS, address.as_str())];
        if let Some(account) = &account {
            buckets.push((&COST_PER_ACCOUNT, account.as_str()));
        }
        limits.correct(&buckets, units).await;
    });
}

/// The first root field, for spans and the slow log.
fn first_field(document: &ExecutableDocument, name: Option<&str>) -> String {
    use async_graphql::parser::types::Selection;
    document
        .operations
        .iter()
        .find(|(n, _)| name.is_none() || n.map(async_graphql::Name::as_str) == name)
        .and_then(|(_, operation)| {
            operation.node.selection_set.node.items.iter().find_map(|selection| match &selection.node {
                Selection::Field(field) => Some(field.node.name.node.to_string()),
                _ => None,
            })
        })
        .unwrap_or_default()
}
