//! Transport: HTTP, WebSocket and GraphQL over the rooms of `daraa-domain`. No decision about the
//! marketplace is made here.
// `MergedObject` nests one type per room.
#![recursion_limit = "512"]

pub mod cli;
pub mod graphql;
pub mod http;
