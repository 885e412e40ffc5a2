//! The rooms of the marketplace: what it knows and decides. No axum, no GraphQL resolvers.
