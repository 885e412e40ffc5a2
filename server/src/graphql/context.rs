//! What a resolver finds in its context.

use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use daraa_domain::actor::Actor;
use daraa_domain::app::App;
use daraa_platform::fault::Lang;

/// Who asks and in which language; made once a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who asks.
    pub actor: Actor,
    /// The language of messages.
    pub lang: Lang,
    /// The address the request came from.
    pub address: std::net::IpAddr,
    /// Ties the answer to the log; echoed to the client.
    pub request_id: Arc<str>,
    /// The guest cart the request came with (`X-Cart-Token`).
    pub cart_token: Option<String>,
}

/// Short ways to what every resolver needs.
pub trait Ctx<'c> {
    /// The shared parts.
    fn app(&self) -> &'c App;
    /// The shared parts, to be kept (streams, loaders).
    fn app_arc(&self) -> Arc<App>;
    /// Who asks.
    fn actor(&self) -> &'c Actor;
    /// The language of messages.
    fn lang(&self) -> Lang;
    /// Everything known about the request.
    fn caller(&self) -> &'c Caller;
    /// A dataloader that was registered in `root::with_loaders`.
    fn loader<L: Loader<K>, K: Send + Sync + Eq + std::hash::Hash + Clone + 'static>(
        &self,
    ) -> &'c DataLoader<L>;
}

const WIRED: &str = "put into the schema or the request by this crate before any resolver runs";

#[expect(clippy::expect_used, reason = "a missing part is a wiring defect that every test would hit")]
impl<'c> Ctx<'c> for Context<'c> {
    fn app(&self) -> &'c App {
        self.data_opt::<Arc<App>>().expect(WIRED)
    }

    fn app_arc(&self) -> Arc<App> {
        Arc::clone(self.data_opt::<Arc<App>>().expect(WIRED))
    }

    fn actor(&self) -> &'c Actor {
        &self.caller().actor
    }

    fn lang(&self) -> Lang {
        self.caller().lang
    }

    fn caller(&self) -> &'c Caller {
        self.data_opt::<Caller>().expect(WIRED)
    }

    fn loader<L: Loader<K>, K: Send + Sync + Eq + std::hash::Hash + Clone + 'static>(
        &self,
    ) -> &'c DataLoader<L> {
        self.data_opt::<DataLoader<L>>().expect(WIRED)
    }
}
