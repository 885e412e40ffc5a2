//! The answers of mutations: an object or `userErrors`.

/// Ties a room's error enum to its GraphQL user error; made by [`user_errors!`](crate::user_errors).
pub trait UserFault: daraa_platform::fault::Fault + Sized {
    /// The GraphQL object `XUserError`.
    type UserError: async_graphql::OutputType;

    /// What the client is told as data; the error itself when it belongs at the top level (sign-in, rights,
    /// limits, faults).
    ///
    /// # Errors
    /// A failure that is no user error.
    fn user_error(self, lang: daraa_platform::fault::Lang) -> Result<Self::UserError, Self>;
}

/// Declares the `XUserError` object of a room. With `extras`, nullable typed fields that are computed from the
/// error, each with its own documentation:
///
/// ```ignore
/// user_errors!(
///     /// What was wrong with a request about a cart.
///     CartUserError, CartError, CartErrorCode,
///     extras {
///         /// How many there are.
///         quantity_available: i32 = |e: &CartError| match e { CartError::SoldOut { left } => Some(*left), _ => None }
///     }
/// );
/// ```
#[macro_export]
macro_rules! user_errors {
    ($(#[$doc:meta])* $name:ident, $error:ty, $code:ty $(, extras { $($(#[$extra_doc:meta])* $extra:ident : $ty:ty = $from:expr),+ $(,)? })? $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, async_graphql::SimpleObject)]
        pub struct $name {
            /// What went wrong; stable, to be matched on.
            pub code: $code,
            /// The input field it is about, as a path; null when it is about no single field.
            pub field: Option<Vec<String>>,
            /// A sentence for people, in the language of `Accept-Language`.
            pub message: String,
            $($($(#[$extra_doc])* pub $extra: Option<$ty>,)+)?
        }

        impl $crate::graphql::payload::UserFault for $error {
            type UserError = $name;

            fn user_error(self, lang: daraa_platform::fault::Lang) -> Result<$name, Self> {
                use daraa_platform::fault::Fault as _;
                match self.user_code() {
                    Some(code) if self.kind().is_user_error() => Ok($name {
                        code,
                        field: (!self.field().is_empty()).then(|| self.field().iter().map(|f| (*f).to_owned()).collect()),
                        message: self.public(lang),
                        $($($extra: ($from)(&self),)+)?
                    }),
                    _ => Err(self),
                }
            }
        }
    };
}

/// Declares the payload of a mutation: its object fields (all become nullable) and `userErrors`.
/// The generated `answer(ctx, outcome)` takes one value, or a tuple for several fields.
#[macro_export]
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident, $error:ty, { $(#[$field_doc:meta])* $field:ident : $ty:ty $(,)? }) => {
        $crate::payload!(@object $(#[$doc])* $name, $error, { $(#[$field_doc])* $field: $ty });

        impl $name {
            /// The object, or what was wrong with the request.
            ///
            /// # Errors
            /// What belongs at the top level: sign-in, rights, limits, faults.
            pub fn answer(
                ctx: &async_graphql::Context<'_>,
                outcome: Result<$ty, $error>,
            ) -> Result<Self, $crate::graphql::error::ApiError> {
                match $crate::graphql::payload::split(ctx, outcome)? {
                    Ok($field) => Ok(Self { $field: Some($field), user_errors: Vec::new() }),
                    Err(user_errors) => Ok(Self { $field: None, user_errors }),
                }
            }
        }
    };
    ($(#[$doc:meta])* $name:ident, $error:ty, { $($(#[$field_doc:meta])* $field:ident : $ty:ty),+ $(,)? }) => {
        $crate::payload!(@object $(#[$doc])* $name, $error, { $($(#[$field_doc])* $field: $ty),+ });

        impl $name {
            /// The objects, or what was wrong with the request.
            ///
            /// # Errors
            /// What belongs at the top level: sign-in, rights, limits, faults.
            pub fn answer(
                ctx: &async_graphql::Context<'_>,
                outcome: Result<($($ty,)+), $error>,
            ) -> Result<Self, $crate::graphql::error::ApiError> {
                match $crate::graphql::payload::split(ctx, outcome)? {
                    Ok(($($field,)+)) => Ok(Self { $($field: Some($field),)+ user_errors: Vec::new() }),
                    Err(user_errors) => Ok(Self { $($field: None,)+ user_errors }),
                }
            }
        }
    };
    (@object $(#[$doc:meta])* $name:ident, $error:ty, { $($(#[$field_doc:meta])* $field:ident : $ty:ty),+ }) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$ty>,)+
            /// What was wrong with the request; empty when it was done.
            pub user_errors: Vec<<$error as $crate::graphql::payload::UserFault>::UserError>,
        }
    };
}

/// Parts the outcome of a use case: done, user errors, or (as `Err`) a top-level error.
///
/// # Errors
/// What belongs at the top level.
pub fn split<T, E: UserFault>(
    ctx: &async_graphql::Context<'_>,
    outcome: Result<T, E>,
) -> Result<Result<T, Vec<E::UserError>>, super::error::ApiError> {
    use super::context::Ctx as _;
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(e) => match e.user_error(ctx.lang()) {
            Ok(user_error) => Ok(Err(vec![user_error])),
            Err(e) => Err(e.into()),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Request, Schema};
    use daraa_domain::actor::Actor;
    use daraa_platform::fault::{Infra, Lang};

    use crate::graphql::context::Caller;
    use crate::graphql::error::{ApiError, finish};

    // What `faults!` makes, by hand: the macro derives GraphQL only in crates with that feature.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
    pub enum KettleErrorCode {
        TooLittle,
    }

    #[derive(Debug, thiserror::Error)]
    pub enum KettleError {
        #[error("{left} left")]
        TooLittle { left: i32 },
        #[error(transparent)]
        Infra(Infra),
    }

    impl KettleError {
        fn user_code(&self) -> Option<KettleErrorCode> {
            matches!(self, Self::TooLittle { .. }).then_some(KettleErrorCode::TooLittle)
        }
    }

    impl daraa_platform::fault::Fault for KettleError {
        fn kind(&self) -> daraa_platform::fault::FaultKind {
            match self {
                Self::TooLittle { .. } => daraa_platform::fault::FaultKind::Conflict,
                Self::Infra(e) => e.kind(),
            }
        }
        fn code(&self) -> &'static str {
            "X"
        }
        fn public(&self, lang: Lang) -> String {
            match self {
                Self::TooLittle { left } => format!("{left} cups"),
                Self::Infra(e) => e.public(lang),
            }
        }
        fn field(&self) -> &'static [&'static str] {
            &["cups"]
        }
    }

    crate::user_errors!(
        /// What was wrong.
        KettleUserError, KettleError, KettleErrorCode,
        extras {
            /// Cups left.
            cups_left: i32 = |e: &KettleError| match e { KettleError::TooLittle { left } => Some(*left), KettleError::Infra(_) => None }
        }
    );
    crate::payload!(
        /// What `pour` answers.
        PourPayload, KettleError, {
            /// Cups poured.
            cups: i32
        }
    );

    struct Query;

    #[Object]
    impl Query {
        async fn pour(&self, ctx: &Context<'_>, cups: i32) -> Result<PourPayload, ApiError> {
            PourPayload::answer(
                ctx,
                match cups {
                    1 => Ok(1),
                    2 => Err(KettleError::TooLittle { left: 1 }),
                    _ => Err(KettleError::Infra(Infra::defect("secret internals"))),
                },
            )
        }
    }

    async fn ask(cups: i32) -> async_graphql::Response {
        let caller = Caller {
            actor: Actor::Anonymous,
            lang: Lang::En,
            address: std::net::IpAddr::from([127, 0, 0, 1]),
            request_id: "r1".into(),
            cart_token: None,
        };
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let query =
            format!("{{ pour(cups: {cups}) {{ cups userErrors {{ code field message cupsLeft }} }} }}");
        let mut answer = schema.execute(Request::new(query).data(caller)).await;
        finish(&mut answer.errors, Lang::En, "r1");
        answer
    }

    #[tokio::test]
    async fn an_outcome_becomes_data_user_errors_or_a_top_level_error() {
        let text = |answer: &async_graphql::Response| answer.data.clone().into_json().unwrap().to_string();
        assert_eq!(text(&ask(1).await), r#"{"pour":{"cups":1,"userErrors":[]}}"#);
        assert_eq!(
            text(&ask(2).await),
            r#"{"pour":{"cups":null,"userErrors":[{"code":"TOO_LITTLE","cupsLeft":1,"field":["cups"],"message":"1 cups"}]}}"#
        );
        let answer = ask(3).await;
        let error = serde_json::to_string(&answer.errors).unwrap();
        assert!(
            error.contains("Something went wrong on our side.") && error.contains(r#""requestId":"r1""#),
            "{error}"
        );
        assert!(!error.contains("secret"), "{error}");
    }
}
