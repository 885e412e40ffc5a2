//! Relay connections from the platform's pages.

use async_graphql::OutputType;
use async_graphql::connection::{Connection, ConnectionNameType, Edge, EdgeNameType, EmptyFields};
use daraa_platform::paging::{Page, PageRequest};

use super::error::ApiError;

/// A list of `T`: `edges {cursor node}`, `nodes`, `pageInfo`.
pub type ConnectionOf<T> = Connection<String, T>;

/// A list of `T` whose edges carry more, e.g. the distance. `N` names it: a plain list of `T` has other edges.
pub type ConnectionWith<T, E, N> = Connection<String, T, EmptyFields, E, N, N>;

/// Names the list of stores around a place: `StoreNearbyConnection`, `StoreNearbyEdge`.
#[derive(Debug)]
pub struct Near;

impl ConnectionNameType for Near {
    fn type_name<T: OutputType>() -> String {
        format!("{}NearbyConnection", T::type_name())
    }
}

impl EdgeNameType for Near {
    fn type_name<T: OutputType>() -> String {
        format!("{}NearbyEdge", T::type_name())
    }
}

/// Reads the four Relay arguments (`first` ≤ 100, cursors of ours only).
///
/// # Errors
/// `BAD_PAGE_SIZE`, `MALFORMED_CURSOR`.
pub fn page_request(
    first: Option<i32>,
    after: Option<&str>,
    last: Option<i32>,
    before: Option<&str>,
) -> Result<PageRequest, ApiError> {
    Ok(PageRequest::from_relay(first, after, last, before)?)
}

/// A page as a connection.
pub fn connection<T, N: OutputType>(page: Page<T>, node: impl Fn(T) -> N) -> ConnectionOf<N> {
    let mut out = Connection::new(page.has_previous, page.has_next);
    out.edges = page.rows.into_iter().map(|(cursor, row)| Edge::new(cursor.encode(), node(row))).collect();
    out
}

/// A page as a connection whose edges carry more.
pub fn connection_with<
    T,
    N: OutputType,
    E: async_graphql::ObjectType,
    L: ConnectionNameType + EdgeNameType,
>(
    page: Page<T>,
    edge: impl Fn(T) -> (N, E),
) -> ConnectionWith<N, E, L> {
    let mut out = Connection::new(page.has_previous, page.has_next);
    out.edges = page
        .rows
        .into_iter()
        .map(|(cursor, row)| {
            let (node, more) = edge(row);
            Edge::with_additional_fields(cursor.encode(), node, more)
        })
        .collect();
    out
}
