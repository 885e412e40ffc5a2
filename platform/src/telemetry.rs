//! Log lines and metrics. Spans are named `layer.room.verb`; nothing personal is ever a field.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{ConfigError, LogFormat};

/// Bounds of latency histograms, in seconds: fine around the goals, coarse beyond.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// In the text format that Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds recorded values into the histograms; called every few seconds, or memory grows.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }

    /// A registry that is not the process's own: for tests that call the router in-process.
    #[must_use]
    pub fn detached() -> Self {
        Self(PrometheusBuilder::new().build_recorder().handle())
    }
}

/// Sets up logging for the process; called once, first in `main`. Logs go to standard error.
///
/// # Errors
/// A log filter that cannot be read, or logging was set up already.
pub fn init_logs(filter: &str, format: LogFormat) -> Result<(), ConfigError> {
    let wrong = |problem: String| ConfigError::Variable { variable: "DARAA_LOG".to_owned(), problem };
    let filter = EnvFilter::try_new(filter).map_err(|e| wrong(e.to_string()))?;
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_writer(std::io::stderr),
            )
            .try_init(),
        LogFormat::Text => {
            registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).try_init()
        }
    }
    .map_err(|e| wrong(e.to_string()))
}

/// Sets up metrics for the process; called once.
///
/// # Errors
/// A recorder was installed already.
pub fn init_metrics() -> Result<Metrics, ConfigError> {
    let wrong = |e: metrics_exporter_prometheus::BuildError| ConfigError::Variable {
        variable: "metrics".to_owned(),
        problem: e.to_string(),
    };
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .map_err(wrong)?
        .install_recorder()
        .map_err(wrong)?;
    Ok(Metrics(handle))
}
