//! How a failure is said: what kind it is, its public code and sentence, and whether asking again helps.
//!
//! Each room declares one error enum with [`faults!`](crate::faults); transport knows only the [`Fault`] trait.
//! Everything that is not a decision of a room (database, cache, another process) is an [`Infra`].

use std::fmt;
use std::time::Duration;

/// The coarse kind of a failure; transport maps it to a status or to `userErrors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// No valid sign-in came with the request.
    Unauthenticated,
    /// Signed in, but this role may not do it.
    Forbidden,
    /// It does not exist, or it is somebody else's: both look the same.
    NotFound,
    /// The request itself is wrong and will stay wrong.
    BadInput,
    /// The request was fine, but the state of the world forbids it now.
    Conflict,
    /// Too many requests; ask again later.
    RateLimited,
    /// A part we need is away; ask again later.
    Unavailable,
    /// A defect of ours.
    Internal,
}

impl FaultKind {
    /// Whether a client can act on it: such faults travel as `userErrors` data, the rest as top-level errors.
    #[must_use]
    pub fn is_user_error(self) -> bool {
        matches!(self, Self::NotFound | Self::BadInput | Self::Conflict)
    }
}

/// The languages people are answered in.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "UPPERCASE")]
pub enum Lang {
    /// Arabic, the language of the market.
    #[default]
    Ar,
    /// English.
    En,
}

impl Lang {
    /// Picks the most wanted supported language of an `Accept-Language` header: by `q`, and of equally wanted ones the
    /// first. What is not wanted at all (`q=0`) or cannot be read is passed over.
    #[must_use]
    pub fn from_accept_language(header: &str) -> Option<Self> {
        let wanted = header.split(',').filter_map(|part| {
            let mut parameters = part.split(';').map(str::trim);
            let tag = parameters.next()?.to_ascii_lowercase();
            let lang = match tag.split('-').next()? {
                "ar" => Self::Ar,
                "en" => Self::En,
                _ => return None,
            };
            let q = parameters.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
            let thousandths = q.map_or(Some(1_000), thousandths)?;
            (thousandths > 0).then_some((thousandths, lang))
        });
        // `max_by_key` would prefer the last of equals.
        wanted.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, lang)| lang)
    }
}

/// A weight as the header writes it: `0` to `1` with at most three decimals.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part: u32 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1_000),
        _ => None,
    }
}

/// The input field a failure is about, where only who makes the failure knows it; empty when it is about no single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldPath(pub &'static [&'static str]);

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// What every failure that reaches transport can say about itself.
pub trait Fault: std::error::Error + Send + Sync + 'static {
    /// The coarse kind.
    fn kind(&self) -> FaultKind;
    /// The stable public code, `UPPER_SNAKE`; part of the API contract.
    fn code(&self) -> &'static str;
    /// The public sentence; never holds internals or personal data.
    fn public(&self, lang: Lang) -> String;
    /// The input field the failure is about, as a path.
    fn field(&self) -> &'static [&'static str] {
        &[]
    }
    /// How long to wait before asking again, when that is known.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
    /// Whether the same request may succeed when repeated unchanged.
    fn retryable(&self) -> bool {
        matches!(self.kind(), FaultKind::RateLimited | FaultKind::Unavailable)
    }
    /// Whether the database asked for the whole transaction to be run again.
    fn transient(&self) -> bool {
        false
    }
}

/// A failure below the rooms: the database, the cache, another process, or a defect.
#[derive(Debug, thiserror::Error)]
pub enum Infra {
    /// MongoDB failed.
    #[error(transparent)]
    Db(#[from] crate::mongo::DbError),
    /// Redis failed where it cannot be done without (limits of sign-in fail closed).
    #[error("cache: {0}")]
    Cache(#[from] crate::redis::CacheError),
    /// Another process (payment provider, SMS gateway) failed or was too slow.
    #[error("{port}: {cause}")]
    Port {
        /// Which port.
        port: &'static str,
        /// What happened, for the log.
        cause: String,
    },
    /// Too many requests of this kind.
    #[error("rate limited: {what}")]
    RateLimited {
        /// Which limit.
        what: &'static str,
        /// When the next one is allowed.
        retry_after: Duration,
    },
    /// The actor is not signed in, or signed in without the right to do this.
    #[error("denied: {0:?}")]
    Denied(Denial),
    /// A defect: something that cannot be, was.
    #[error("defect: {0}")]
    Defect(String),
}

/// Why an actor may not do something. Somebody else's object is never denied, it is not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// No valid sign-in came with the request.
    Unauthenticated,
    /// Signed in, but without the role.
    Forbidden,
}

impl From<Denial> for Infra {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl Infra {
    /// A defect with its description, for the log only.
    pub fn defect(what: impl fmt::Display) -> Self {
        Self::Defect(what.to_string())
    }
}

impl Fault for Infra {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Db(e) if e.unavailable() => FaultKind::Unavailable,
            Self::Db(e) if e.write_conflict() => FaultKind::Unavailable,
            Self::Db(_) | Self::Defect(_) => FaultKind::Internal,
            Self::Denied(Denial::Unauthenticated) => FaultKind::Unauthenticated,
            Self::Denied(Denial::Forbidden) => FaultKind::Forbidden,
            Self::Cache(_) | Self::Port { .. } => FaultKind::Unavailable,
            Self::RateLimited { .. } => FaultKind::RateLimited,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            FaultKind::Unavailable => "UNAVAILABLE",
            FaultKind::RateLimited => "RATE_LIMITED",
            FaultKind::Unauthenticated => "UNAUTHENTICATED",
            FaultKind::Forbidden => "FORBIDDEN",
            _ => "INTERNAL",
        }
    }

    fn public(&self, lang: Lang) -> String {
        match (self.kind(), lang) {
            (FaultKind::Unavailable, Lang::En) => "A part of the service is away; please try again shortly.",
            (FaultKind::Unavailable, Lang::Ar) => "جزء من الخدمة غير متاح حالياً، يرجى المحاولة بعد قليل.",
            (FaultKind::RateLimited, Lang::En) => "Too many requests; please wait.",
            (FaultKind::RateLimited, Lang::Ar) => "طلبات كثيرة جداً، يرجى الانتظار.",
            (FaultKind::Unauthenticated, Lang::En) => "Please sign in.",
            (FaultKind::Unauthenticated, Lang::Ar) => "يرجى تسجيل الدخول.",
            (FaultKind::Forbidden, Lang::En) => "Your role may not do this.",
            (FaultKind::Forbidden, Lang::Ar) => "صلاحيتك لا تسمح بهذا الإجراء.",
            (_, Lang::En) => "Something went wrong on our side.",
            (_, Lang::Ar) => "حدث خطأ من جهتنا.",
        }
        .to_owned()
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            _ if self.kind() == FaultKind::Unavailable => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    fn transient(&self) -> bool {
        matches!(self, Self::Db(e) if e.transient())
    }
}

/// Declares a room's error enum together with its closed, public code enum.
///
/// Each variant states its kind, its English and Arabic sentence (fields of the variant may be used in
/// both) and, where there is one, the input field it is about: `field "cups"` when it is always the same, `at path`
/// when the variant's own [`FieldPath`] says it. `Infra` is always a variant.
///
/// ```
/// daraa_platform::faults! {
///     /// What can go wrong with a kettle.
///     pub enum KettleError, KettleErrorCode {
///         /// There is no such kettle.
///         KettleNotFound: NotFound, "There is no such kettle.", "لا يوجد إبريق كهذا.";
///         /// It holds less than asked for.
///         TooLittle { cups: i64 }: Conflict, "Only {cups} cups are left.", "بقي {cups} أكواب فقط.", field "cups";
///         /// A number that cannot be.
///         OutOfRange { path: FieldPath, max: i64 }: BadInput, "At most {max}.", "{max} كحد أقصى.", at path;
///     }
/// }
/// use daraa_platform::fault::{Fault, FieldPath, Lang};
/// assert_eq!(KettleError::TooLittle { cups: 2 }.code(), "TOO_LITTLE");
/// assert_eq!(KettleError::TooLittle { cups: 2 }.public(Lang::En), "Only 2 cups are left.");
/// let too_hot = KettleError::OutOfRange { path: FieldPath(&["heat", "celsius"]), max: 100 };
/// assert_eq!(too_hot.field(), ["heat", "celsius"]);
/// ```
#[macro_export]
macro_rules! faults {
    (
        $(#[$outer:meta])*
        pub enum $error:ident, $code:ident {
            $(
                $(#[$doc:meta])*
                $variant:ident $({ $($field:ident : $ty:ty),+ $(,)? })? : $kind:ident, $en:literal, $ar:literal $(, field $($path:literal).+)? $(, at $at:ident)? ;
            )+
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug)]
        pub enum $error {
            $( $(#[$doc])* $variant $({ $(#[doc = stringify!($field)] $field: $ty),+ })?, )+
            /// Not a decision of this room: database, cache, another process, or a defect.
            Infra($crate::fault::Infra),
        }

        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
        pub enum $code {
            $( $(#[$doc])* $variant, )+
        }

        impl $code {
            /// Every code, for documentation and tests.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }

        impl $error {
            /// The public code; `None` when the failure is not a decision of this room.
            #[must_use]
            pub fn user_code(&self) -> Option<$code> {
                match self {
                    $( Self::$variant { .. } => Some($code::$variant), )+
                    Self::Infra(_) => None,
                }
            }
        }

        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    Self::Infra(cause) => cause.fmt(f),
                    _ => f.write_str(&$crate::fault::Fault::public(self, $crate::fault::Lang::En)),
                }
            }
        }

        impl std::error::Error for $error {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                match self {
                    Self::Infra(cause) => Some(cause),
                    _ => None,
                }
            }
        }

        impl From<$crate::fault::Infra> for $error {
            fn from(cause: $crate::fault::Infra) -> Self {
                Self::Infra(cause)
            }
        }

        impl From<$crate::fault::Denial> for $error {
            fn from(denial: $crate::fault::Denial) -> Self {
                Self::Infra(denial.into())
            }
        }

        impl From<$crate::money::MoneyError> for $error {
            fn from(cause: $crate::money::MoneyError) -> Self {
                Self::Infra(cause.into())
            }
        }

        impl From<$crate::mongo::DbError> for $error {
            fn from(cause: $crate::mongo::DbError) -> Self {
                Self::Infra(cause.into())
            }
        }

        impl From<$crate::redis::CacheError> for $error {
            fn from(cause: $crate::redis::CacheError) -> Self {
                Self::Infra(cause.into())
            }
        }

        impl $crate::fault::Fault for $error {
            fn kind(&self) -> $crate::fault::FaultKind {
                match self {
                    $( Self::$variant { .. } => $crate::fault::FaultKind::$kind, )+
                    Self::Infra(cause) => cause.kind(),
                }
            }

            fn code(&self) -> &'static str {
                match self {
                    $( Self::$variant { .. } => {
                        static CODE: std::sync::LazyLock<String> =
                            std::sync::LazyLock::new(|| $crate::fault::upper_snake(stringify!($variant)));
                        CODE.as_str()
                    } )+
                    Self::Infra(cause) => cause.code(),
                }
            }

            fn public(&self, lang: $crate::fault::Lang) -> String {
                match self {
                    $( Self::$variant $({ $($field),+ })? => {
                        // A path is not always said in the sentence.
                        $( $( let _ = $field; )+ )?
                        match lang {
                            $crate::fault::Lang::En => format!($en),
                            $crate::fault::Lang::Ar => format!($ar),
                        }
                    } )+
                    Self::Infra(cause) => cause.public(lang),
                }
            }

            fn field(&self) -> &'static [&'static str] {
                match self {
                    $( Self::$variant { $($at,)? .. } => {
                        let path: &'static [&'static str] = &[$($($path),+)?];
                        $( let path = { let _ = path; $at.0 }; )?
                        path
                    } )+
                    Self::Infra(_) => &[],
                }
            }

            fn retry_after(&self) -> Option<std::time::Duration> {
                match self {
                    Self::Infra(cause) => cause.retry_after(),
                    _ => None,
                }
            }

            fn transient(&self) -> bool {
                match self {
                    Self::Infra(cause) => cause.transient(),
                    _ => false,
                }
            }
        }
    };
}

/// `TooLittle` → `TOO_LITTLE`, the way GraphQL prints enum values.
#[must_use]
pub fn upper_snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Lang::{Ar, En};
    use super::*;

    #[test]
    fn the_most_wanted_language_is_picked() {
        for (header, wanted) in [
            ("", None),
            ("ar", Some(Ar)),
            ("en-GB,ar;q=0.9", Some(En)),
            ("en;q=0.5, ar;q=0.9", Some(Ar)),
            ("en;q=0.5,ar-SY", Some(Ar)),
            ("fr, en;q=0.8, ar;q=0.8", Some(En)),
            ("en;q=0, ar;q=0.001", Some(Ar)),
            ("en;q=0", None),
            ("en;q=1.000 , ar", Some(En)),
            ("EN; Q=0.2, *;q=0.1", Some(En)),
            ("en;q=2, en;q=x, en;q=0.1234, ar;q=0.1", Some(Ar)),
            ("fr;q=1, *", None),
        ] {
            assert_eq!(Lang::from_accept_language(header), wanted, "{header:?}");
        }
    }
}
