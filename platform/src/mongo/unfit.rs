//! Why a program cannot work with its database, for the person who starts it: one line with the cause and the remedy.
//! No document's content is part of it, no password, no filter.

use std::error::Error;
use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{ErrorKind, WriteFailure};
use mongodb::options::{ReadPreference, SelectionCriteria};

use super::error::{AUTHENTICATION_FAILED, UNAUTHORIZED};
use super::{DbError, Mongo, MongoConfig};
use crate::fault::Infra;

/// The oldest MongoDB we work with: partial indexes with `$in`, majority reads in transactions, `$merge` of today.
pub const OLDEST_SERVER: (u64, u64) = (6, 0);

/// The server's code for a document its validator refuses.
const VALIDATION_FAILED: i32 = 121;
/// An index of this name, or of these keys, exists with another definition.
const OTHER_INDEX: &[i32] = &[85, 86];
/// A refused document may break many rules; so many fields are named.
const MAX_FIELDS: usize = 8;
/// Details of a refusal are nested as deep as the schema; deeper ones are not looked into.
const MAX_DEPTH: u32 = 12;

/// Why a program cannot work with its database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The connection string.
    #[error(
        "the connection string cannot be used: {problem}; set DARAA_MONGO_URI to mongodb://HOST:PORT,HOST:PORT/?replicaSet=NAME"
    )]
    Address {
        /// What is wrong with it.
        problem: String,
    },
    /// Name or password.
    #[error(
        "the database does not accept the name or the password of {user}; put its password into the file mongo_{user}_password of DARAA_SECRETS_DIR, or make the users again (mongo-init)"
    )]
    Password {
        /// The database user.
        user: String,
    },
    /// No primary.
    #[error(
        "no primary answers at {uri}; start the members of the replica set or wait for their election, and compare hosts and replicaSet in DARAA_MONGO_URI with theirs"
    )]
    Away {
        /// Where it was looked for.
        uri: String,
    },
    /// An operation was begun and not answered in time.
    #[error(
        "{op} was not answered in time; look whether the primary is overloaded, or give it more time (DARAA_MONGO_OPERATION_MS)"
    )]
    Slow {
        /// Which operation.
        op: &'static str,
    },
    /// Older than [`OLDEST_SERVER`].
    #[error("the database is MongoDB {found}, which is too old; upgrade all members to {}.{} or newer", OLDEST_SERVER.0, OLDEST_SERVER.1)]
    TooOld {
        /// What it says it is.
        found: String,
    },
    /// One server that is no replica set.
    #[error(
        "the database is a single server without a replica set, which has no transactions; start it with --replSet and initiate the set (mongo-init)"
    )]
    Standalone,
    /// A right is missing.
    #[error(
        "the database user {user} may not {what}; run this as the user made for it (DARAA_MONGO_USER), or give it the right in mongo-init/users.json and make the users again"
    )]
    Denied {
        /// The database user.
        user: String,
        /// The command, and on what.
        what: String,
    },
    /// A validator refused a document.
    #[error(
        "the database refuses a document: {what} is not what its collection allows: bring validators and program to the same version (`daraa-server db migrate`, `daraa-server indexes apply`)"
    )]
    Refused {
        /// The fields concerned.
        what: String,
    },
    /// An index with another definition is in the way.
    #[error("an index is in the way: {what}; changing an index is a migration (`daraa-server db migrate`)")]
    OtherIndex {
        /// What the server says.
        what: String,
    },
    /// Two documents have the same key of a unique index.
    #[error(
        "two documents have the same key of the unique index {index}; find them with `daraa-server db check`, mend one, then run this again"
    )]
    Twins {
        /// The index.
        index: String,
    },
    /// A document this program cannot read.
    #[error(
        "a document cannot be read: {what}; it is broken, or a newer version wrote it: start that version, or find it with `daraa-server db check`"
    )]
    Unreadable {
        /// What does not fit, without the value where the reader tells it apart.
        what: String,
    },
    /// Migrated by a newer version.
    #[error(
        "the database was migrated to {found} by a newer version, this program knows migrations up to {known}; start the newer version, or restore the backup taken before its migrations"
    )]
    Newer {
        /// The newest migration the database has.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// Something else.
    #[error("the database cannot be worked with: {what}; see the log of its primary")]
    Unclear {
        /// What the driver says.
        what: String,
    },
}

impl Unfit {
    /// Whether it may pass by itself: waiting helps.
    #[must_use]
    pub fn passing(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Slow { .. })
    }

    /// What a database failure means; [`Self::Unclear`] where no more is known than the driver says.
    #[must_use]
    pub fn from_db(config: &MongoConfig, e: &DbError) -> Self {
        of_db(config, e).unwrap_or_else(|| Self::Unclear { what: one_line(&e.to_string()) })
    }

    /// What a failure says about the database, when it is about the database: looks through its causes.
    #[must_use]
    pub fn of(config: &MongoConfig, failure: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(failure);
        while let Some(e) = next {
            if let Some(Infra::Db(db)) = e.downcast_ref() {
                return of_db(config, db);
            }
            if let Some(db) = e.downcast_ref() {
                return of_db(config, db);
            }
            if let Some(driver) = e.downcast_ref::<Box<mongodb::error::Error>>() {
                return of_driver(config, driver);
            }
            if let Some(driver) = e.downcast_ref() {
                return of_driver(config, driver);
            }
            next = e.source();
        }
        None
    }
}

fn of_db(config: &MongoConfig, e: &DbError) -> Option<Unfit> {
    match e {
        DbError::Driver(e) => of_driver(config, e),
        DbError::Deadline { op } => Some(Unfit::Slow { op }),
        DbError::Newer { found, known } => Some(Unfit::Newer { found: *found, known: *known }),
        DbError::Address { problem } => Some(Unfit::Address { problem: one_line(problem) }),
        DbError::Duplicate { index } => Some(Unfit::Twins { index: index.clone() }),
        DbError::OtherIndex { what } => Some(Unfit::OtherIndex { what: one_line(what) }),
        DbError::Locked => None,
    }
}

fn of_driver(config: &MongoConfig, e: &mongodb::error::Error) -> Option<Unfit> {
    let user = || config.user.clone();
    match &*e.kind {
        ErrorKind::DnsResolve { message, .. } => Some(Unfit::Address { problem: one_line(message) }),
        ErrorKind::Authentication { .. } => Some(Unfit::Password { user: user() }),
        ErrorKind::ServerSelection { .. } | ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => {
            Some(Unfit::Away { uri: config.uri.clone() })
        }
        ErrorKind::Bson(e) => {
            let said = e.message.as_deref().unwrap_or("it is not what it was written as");
            Some(Unfit::Unreadable { what: one_line(said) })
        }
        ErrorKind::InvalidResponse { message, .. } => Some(Unfit::Unreadable { what: one_line(message) }),
        ErrorKind::Command(c) if c.code == AUTHENTICATION_FAILED => Some(Unfit::Password { user: user() }),
        ErrorKind::Command(c) if c.code == UNAUTHORIZED => {
            Some(Unfit::Denied { user: user(), what: denied(&c.message) })
        }
        ErrorKind::Command(c) if OTHER_INDEX.contains(&c.code) => {
            Some(Unfit::OtherIndex { what: one_line(&c.message) })
        }
        ErrorKind::Command(c) if c.code == VALIDATION_FAILED => {
            let said = e.server_response().and_then(|said| Document::try_from(said).ok());
            let details = said.as_ref().and_then(|said| said.get_document("errInfo").ok());
            Some(Unfit::Refused { what: fields(details) })
        }
        ErrorKind::Write(WriteFailure::WriteError(w)) if w.code == VALIDATION_FAILED => {
            Some(Unfit::Refused { what: fields(w.details.as_ref()) })
        }
        ErrorKind::InsertMany(many) => many
            .write_errors
            .iter()
            .flatten()
            .find(|w| w.code == VALIDATION_FAILED)
            .map(|w| Unfit::Refused { what: fields(w.details.as_ref()) }),
        _ if super::error::no_primary(e) => Some(Unfit::Away { uri: config.uri.clone() }),
        _ => None,
    }
}

/// The driver's sentences may span lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The command and the collection of `not authorized on daraa to execute command { find: "orders", … }`: the rest of
/// it are values.
fn denied(message: &str) -> String {
    let Some((_, command)) = message.split_once("to execute command { ") else { return "do this".to_owned() };
    let name: String = command.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
    let on = command.split('"').nth(1).filter(|on| on.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    match on {
        Some(on) => format!("`{name}` on {on}"),
        None => format!("`{name}`"),
    }
}

/// The names of the fields a validator complains of; values are none of the reader's business.
fn fields(details: Option<&Document>) -> String {
    let mut names = Vec::new();
    if let Some(details) = details {
        gather(&Bson::Document(details.clone()), &mut names, MAX_DEPTH);
    }
    names.truncate(MAX_FIELDS);
    if names.is_empty() { "a field".to_owned() } else { names.join(", ") }
}

fn gather(value: &Bson, names: &mut Vec<String>, depth: u32) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    match value {
        Bson::Document(d) => {
            if let Ok(name) = d.get_str("propertyName") {
                add(name);
            }
            for name in d.get_array("missingProperties").into_iter().flatten().filter_map(Bson::as_str) {
                add(name);
            }
            d.iter()
                .filter(|(key, _)| *key != "consideredValue" && *key != "specifiedAs")
                .for_each(|(_, inner)| gather(inner, names, depth));
        }
        Bson::Array(all) => all.iter().for_each(|inner| gather(inner, names, depth)),
        _ => {}
    }
}

impl Mongo {
    /// Looks whether a primary answers, lets us in, is new enough and has transactions. Patient: it waits for as long
    /// as a member may be looked for. Changes nothing.
    ///
    /// # Errors
    /// [`Unfit`].
    pub async fn fit(&self) -> Result<(), Unfit> {
        let config = self.config();
        let patience = Duration::from_millis(
            config.server_selection_ms.saturating_add(config.connect_ms).saturating_add(config.operation_ms),
        );
        let look = async {
            let primary = || SelectionCriteria::ReadPreference(ReadPreference::Primary);
            let ask = |command: Document| self.db().run_command(command).selection_criteria(primary());
            Ok::<_, mongodb::error::Error>((
                ask(doc! { "hello": 1 }).await?,
                ask(doc! { "buildInfo": 1 }).await?,
            ))
        };
        let away = || Unfit::Away { uri: config.uri.clone() };
        let (hello, build) = match tokio::time::timeout(patience, look).await {
            Err(_) => return Err(away()),
            Ok(Err(e)) => return Err(of_driver(config, &e).unwrap_or_else(away)),
            Ok(Ok(answers)) => answers,
        };
        judge(&hello, build.get_str("version").unwrap_or_default())
    }
}

/// What the answers to `hello` and `buildInfo` mean.
fn judge(hello: &Document, version: &str) -> Result<(), Unfit> {
    let mut parts = version.split('.').map(str::parse::<u64>);
    let new_enough = match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_SERVER,
        _ => false,
    };
    if !new_enough {
        return Err(Unfit::TooOld { found: one_line(version) });
    }
    let router = hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
    if !router && hello.get_str("setName").is_err() {
        return Err(Unfit::Standalone);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_old_or_unknown_server_is_refused() {
        let set = doc! { "setName": "daraa" };
        for (version, fits) in [
            ("6.0.5", true),
            ("8.0.0-rc1", true),
            ("10.1.0", true),
            ("5.0.31", false),
            ("", false),
            ("six", false),
        ] {
            assert_eq!(judge(&set, version).is_ok(), fits, "{version}");
        }
        let told = judge(&set, "5.0.31").unwrap_err().to_string();
        assert_eq!(
            told,
            "the database is MongoDB 5.0.31, which is too old; upgrade all members to 6.0 or newer"
        );
        assert_eq!(judge(&doc! {}, "6.0.5"), Err(Unfit::Standalone));
        assert_eq!(judge(&doc! { "msg": "isdbgrid" }, "6.0.5"), Ok(()));
    }

    #[test]
    fn a_missing_right_is_told_without_values() {
        let said =
            r#"not authorized on daraa to execute command { find: "orders", filter: { phone: "+963" } }"#;
        assert_eq!(denied(said), "`find` on orders");
        assert_eq!(denied("not authorized on admin to execute command { getLog: \"a b\" }"), "`getLog`");
        assert_eq!(denied("something else"), "do this");
    }

    #[test]
    fn a_refusal_names_fields_and_no_values() {
        let details = doc! { "operatorName": "$jsonSchema", "schemaRulesNotSatisfied": [
            { "operatorName": "properties", "propertiesNotSatisfied": [
                { "propertyName": "status", "details": [{ "operatorName": "enum", "consideredValue": "hunter2" }] },
            ] },
            { "operatorName": "required", "missingProperties": ["number", "status"] },
        ] };
        assert_eq!(fields(Some(&details)), "status, number");
        assert_eq!(fields(None), "a field");
    }

    #[test]
    fn what_the_driver_says_is_explained_through_all_wrappings() {
        let config = MongoConfig::default();
        let error = Infra::from(DbError::Newer { found: 7, known: 1 });
        assert_eq!(Unfit::of(&config, &error), Some(Unfit::Newer { found: 7, known: 1 }));
        let error = DbError::Deadline { op: "db.x.y" };
        assert_eq!(Unfit::of(&config, &error), Some(Unfit::Slow { op: "db.x.y" }));
        let io = mongodb::error::Error::from(std::io::Error::other("cut"));
        let error = DbError::from(io);
        assert_eq!(Unfit::of(&config, &error), Some(Unfit::Away { uri: config.uri.clone() }));
        assert_eq!(Unfit::of(&config, &std::fmt::Error), None);
    }
}
