//! Keyset paging on `(sort key, _id)`: cursors, page requests, pages. No offsets anywhere.

use base64::Engine as _;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};

use crate::time::Timestamp;

/// The largest page a client may ask for (api.md: `first` ≤ 100).
pub const MAX_PAGE: u32 = 100;
/// The page size when a client does not say.
pub const DEFAULT_PAGE: u32 = 20;

/// A page request that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// `first`/`last` is zero, negative or above [`MAX_PAGE`].
    #[error("page size must be 1 to {MAX_PAGE}")]
    Size,
    /// The cursor is not one of ours.
    #[error("malformed cursor")]
    Cursor,
    /// `first` and `last` at once have no meaning.
    #[error("first and last at once")]
    BothWays,
}

impl crate::fault::Fault for PageError {
    fn kind(&self) -> crate::fault::FaultKind {
        crate::fault::FaultKind::BadInput
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Size | Self::BothWays => "BAD_PAGE_SIZE",
            Self::Cursor => "MALFORMED_CURSOR",
        }
    }

    fn public(&self, lang: crate::fault::Lang) -> String {
        use crate::fault::Lang;
        match (self, lang) {
            (Self::Size, Lang::En) => format!("A page has 1 to {MAX_PAGE} rows."),
            (Self::Size, Lang::Ar) => format!("تحوي الصفحة من 1 إلى {MAX_PAGE} سطر."),
            (Self::BothWays, Lang::En) => "Ask for first or for last, not for both.".to_owned(),
            (Self::BothWays, Lang::Ar) => "اطلب first أو last، وليس كليهما.".to_owned(),
            (Self::Cursor, Lang::En) => "This cursor is not one of ours.".to_owned(),
            (Self::Cursor, Lang::Ar) => "مؤشر الصفحة غير صالح.".to_owned(),
        }
    }
}

/// Which way to go from the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `first` / `after`.
    Forward,
    /// `last` / `before`.
    Backward,
}

/// The sort key of the row a page starts after.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// The value of the sort field: a number or an instant as milliseconds.
    pub key: i64,
    /// The row's id, the tie-breaker.
    pub id: ObjectId,
}

impl Cursor {
    /// The opaque text.
    #[must_use]
    pub fn encode(&self) -> String {
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{}:{}", self.key, self.id.to_hex()))
    }

    /// Reads the opaque text.
    ///
    /// # Errors
    /// [`PageError::Cursor`] for anything that [`Self::encode`] did not write.
    pub fn decode(text: &str) -> Result<Self, PageError> {
        let bytes =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).map_err(|_| PageError::Cursor)?;
        let plain = String::from_utf8(bytes).map_err(|_| PageError::Cursor)?;
        let (key, id) = plain.split_once(':').ok_or(PageError::Cursor)?;
        Ok(Self {
            key: key.parse().map_err(|_| PageError::Cursor)?,
            id: ObjectId::parse_str(id).map_err(|_| PageError::Cursor)?,
        })
    }
}

/// How many rows, from where, which way.
#[derive(Debug, Clone, PartialEq)]
pub struct PageRequest {
    /// Rows wanted, 1 to [`MAX_PAGE`].
    pub size: u32,
    /// Start after this row.
    pub from: Option<Cursor>,
    /// Which way.
    pub direction: Direction,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { size: DEFAULT_PAGE, from: None, direction: Direction::Forward }
    }
}

impl PageRequest {
    /// From the four Relay arguments; `last`/`before` win when `last` or only `before` is given.
    ///
    /// # Errors
    /// A size out of bounds, two sizes, or a malformed cursor.
    pub fn from_relay(
        first: Option<i32>,
        after: Option<&str>,
        last: Option<i32>,
        before: Option<&str>,
    ) -> Result<Self, PageError> {
        if first.is_some() && last.is_some() {
            return Err(PageError::BothWays);
        }
        let backward = last.is_some() || (before.is_some() && first.is_none() && after.is_none());
        let (size, from, direction) =
            if backward { (last, before, Direction::Backward) } else { (first, after, Direction::Forward) };
        let size = match size {
            None => DEFAULT_PAGE,
            Some(n) => u32::try_from(n).ok().filter(|n| (1..=MAX_PAGE).contains(n)).ok_or(PageError::Size)?,
        };
        Ok(Self { size, from: from.map(Cursor::decode).transpose()?, direction })
    }

    /// The filter that continues from the cursor when the list is sorted by `key` descending
    /// (newest first); empty without a cursor. `as_bson` turns the cursor's number into the stored type.
    #[must_use]
    pub fn after_filter(&self, key: &str, order: SortOrder, as_bson: fn(i64) -> Bson) -> Document {
        let Some(from) = &self.from else { return Document::new() };
        let ascending = (order == SortOrder::Ascending) == (self.direction == Direction::Forward);
        let op = if ascending { "$gt" } else { "$lt" };
        let value = as_bson(from.key);
        doc! { "$or": [
            { key: { op: value.clone() } },
            { key: value, "_id": { op: from.id } },
        ] }
    }

    /// The sort document that goes with [`Self::after_filter`].
    #[must_use]
    pub fn sort(&self, key: &str, order: SortOrder) -> Document {
        let ascending = (order == SortOrder::Ascending) == (self.direction == Direction::Forward);
        let way = if ascending { 1 } else { -1 };
        doc! { key: way, "_id": way }
    }

    /// How many rows to fetch: one more than wanted tells whether there is a next page.
    #[must_use]
    pub fn fetch_limit(&self) -> i64 {
        i64::from(self.size) + 1
    }
}

/// The order of a list as a client sees it going forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest first.
    Ascending,
    /// Largest (newest) first.
    Descending,
}

/// For sort keys that are stored as dates.
#[must_use]
pub fn date_key(ms: i64) -> Bson {
    Timestamp::from_millis(ms).into()
}

/// For sort keys that are stored as whole numbers.
#[must_use]
pub fn int_key(n: i64) -> Bson {
    Bson::Int64(n)
}

/// One page in the client's order.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows, each with its cursor.
    pub rows: Vec<(Cursor, T)>,
    /// More rows after the last one.
    pub has_next: bool,
    /// More rows before the first one.
    pub has_previous: bool,
}

impl<T> Page<T> {
    /// A page of nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self { rows: Vec::new(), has_next: false, has_previous: false }
    }

    /// Builds a page from the fetched rows (up to `fetch_limit`), in the order they were fetched.
    pub fn build(request: &PageRequest, mut fetched: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> Self {
        let size = usize::try_from(request.size).unwrap_or(usize::MAX);
        let more = fetched.len() > size;
        fetched.truncate(size);
        let started = request.from.is_some();
        let (has_next, has_previous) = match request.direction {
            Direction::Forward => (more, started),
            Direction::Backward => {
                fetched.reverse();
                (started, more)
            }
        };
        Self { rows: fetched.into_iter().map(|row| (cursor(&row), row)).collect(), has_next, has_previous }
    }

    /// The same page of something else.
    pub fn map<U>(self, f: impl Fn(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(|(cursor, row)| (cursor, f(row))).collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
        }
    }
}
