//! Text in the two languages of the market.

use daraa_platform::fault::Lang;
use serde::{Deserialize, Serialize};

/// A text in Arabic and English.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalText {
    /// Arabic.
    pub ar: String,
    /// English.
    pub en: String,
}

impl LocalText {
    /// Both languages.
    pub fn new(ar: impl Into<String>, en: impl Into<String>) -> Self {
        Self { ar: ar.into(), en: en.into() }
    }

    /// The text in `lang`, or in the other language when that one is empty.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        let (wanted, other) = match lang {
            Lang::Ar => (&self.ar, &self.en),
            Lang::En => (&self.en, &self.ar),
        };
        if wanted.is_empty() { other } else { wanted }
    }
}
