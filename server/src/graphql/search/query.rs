//! Search.

use async_graphql::{Context, Object};
use daraa_domain::search::{self, SearchError, SearchQuery};
use daraa_platform::paging::DEFAULT_PAGE;

use super::types::SearchResultObject;
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::PointInput;

/// Search.
#[derive(Debug, Default)]
pub struct SearchRoot;

#[Object(name = "SearchQuery")]
impl SearchRoot {
    /// Active stores and published products whose words begin like all words of the text, in Arabic or English,
    /// whatever the spelling (أ or ا, ة or ه, É or e, the article). Open stores first, then by distance.
    #[graphql(directive = requires::apply(vec![Role::Public]))]
    async fn search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The words, at most 200 characters; the last one may be unfinished.")] text: String,
        #[graphql(desc = "Only what can be delivered here.")] near: Option<PointInput>,
        #[graphql(desc = "At most so many stores, and so many products; at most 100.")] first: Option<i32>,
    ) -> Result<SearchResultObject, ApiError> {
        let near = near.map(PointInput::parse).transpose().map_err(SearchError::from)?;
        let first = first.map_or(DEFAULT_PAGE, |n| u32::try_from(n).unwrap_or(0));
        let query = SearchQuery { text, near, first };
        Ok(search::stores_and_products(ctx.app(), &query).await?.into())
    }
}
