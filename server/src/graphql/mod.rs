//! The GraphQL schema: one folder a room, mirroring `daraa_domain`.
//!
//! # How to add a room
//! `server/src/graphql/<room>/{mod,types,query,mutation,subscription,loader}.rs` (only those it needs), then
//! one line each in [`root`]: its `XQuery`, `XMutation`, `XSubscription` in the merged objects, its loaders
//! in `root::with_loaders`, its objects in `node`.
//!
//! A resolver parses its input, makes one call and wraps the result; at most 15 lines:
//!
//! ```ignore
//! #[derive(Default)]
//! pub struct OrderMutation;
//!
//! #[Object]
//! impl OrderMutation {
//!     /// A store takes an order and promises when it will be ready.
//!     #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations]))]
//!     async fn order_accept(&self, ctx: &Context<'_>, input: OrderAcceptInput) -> Result<OrderAcceptPayload, ApiError> {
//!         let outcome = async { order::accept(ctx.app(), ctx.actor(), input.parse()?).await }.await;
//!         OrderAcceptPayload::answer(ctx, outcome.map(OrderObject::from))
//!     }
//! }
//!
//! crate::user_errors!(
//!     /// What was wrong with a request about an order.
//!     OrderUserError, OrderError, OrderErrorCode
//! );
//! crate::payload!(
//!     /// What `orderAccept` answers.
//!     OrderAcceptPayload, OrderError, {
//!         /// The order as it is now; null when there are `userErrors`.
//!         order: OrderObject
//!     }
//! );
//! ```
//!
//! - **Rights** ([`access`]): every field of Query, Mutation and Subscription carries
//!   `directive = requires::apply(vec![Role::…])`; so do sensitive object fields (`storeCode`). The whole
//!   operation is judged before anything runs; a root field without the directive is refused and fails a
//!   test. The directive says who may ask *at all*; whose object it is, the room decides.
//! - **Errors** ([`error`]): resolvers return `Result<_, ApiError>`. Only [`Fault`](daraa_platform::fault::Fault)
//!   types convert into it. Query fields use [`error::found`], so that "not found" is `null`.
//! - **Context** ([`context::Ctx`]): `ctx.app()`, `ctx.actor()`, `ctx.lang()`, `ctx.loader::<L>()`.
//! - **Lists** ([`paging`]): `page_request(first, after, last, before)?`, then `connection(page, OrderObject::from)`.
//! - **Scalars** ([`scalars`]): [`BigInt`](scalars::BigInt) for 64-bit numbers and amounts,
//!   [`MoneyObject`](scalars::MoneyObject), [`LocalTextObject`](scalars::LocalTextObject),
//!   [`PointInput`](scalars::PointInput), [`GeoPoint`](scalars::GeoPoint). Ids are `ID`, written and read by
//!   the typed id's `Display` and `FromStr`.
//! - **Objects** are newtypes over the stored struct (`struct OrderObject(Arc<Order>)`) whose `#[Object]` lists
//!   the fields; never derive `SimpleObject` on a stored struct.

pub mod access;
pub mod account;
pub mod address;
pub mod audit;
pub mod cart;
pub mod catalog;
pub mod check;
pub mod context;
pub mod courier;
pub mod delivery;
pub mod error;
pub mod feed;
pub mod gate;
pub mod job;
pub mod limits;
pub mod map;
pub mod node;
pub mod notification;
pub mod order;
pub mod paging;
pub mod payload;
pub mod payment;
pub mod pricing;
pub mod promotion;
pub mod review;
pub mod root;
pub mod scalars;
pub mod search;
pub mod session;
pub mod settings;
pub mod store;
pub mod wallet;

pub use root::{ApiSchema, schema, sdl};
