//! Use cases of accounts.

use std::sync::Arc;

use daraa_platform::fault::{Infra, Lang};
use daraa_platform::mongo::Tx;
use daraa_platform::transact;
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};

use super::error::AccountError;
use super::model::{Account, GrantOpsRole, PHONE_INDEX, Phone, UpdateAccount};
use super::rules::PersonName;
use super::{event, rules, store};
use crate::actor::{Actor, StaffRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::ids::{AccountId, CourierId, StoreId};
use crate::outbox;

/// An account (cached, forgotten at every change).
///
/// # Errors
/// Not found, or database failure.
pub async fn get(app: &App, id: AccountId) -> Result<Arc<Account>, AccountError> {
    store::get(app, id).await?.map(Arc::new).ok_or(AccountError::AccountNotFound)
}

/// Accounts by id, unknown ones left out, in no particular order (cached).
///
/// # Errors
/// Database failure.
pub async fn get_many(app: &App, ids: &[AccountId]) -> Result<Vec<Arc<Account>>, AccountError> {
    Ok(store::get_many(app, ids).await?.into_values().map(Arc::new).collect())
}

/// The people of a store, to be told of what happens there; at most 200.
///
/// # Errors
/// Database failure.
pub async fn people_of_store(app: &App, store_id: StoreId) -> Result<Vec<AccountId>, AccountError> {
    Ok(store::ids_of_store(app, store_id).await?)
}

/// The ops people, to be told of alerts; at most 200.
///
/// # Errors
/// Database failure.
pub async fn ops_people(app: &App) -> Result<Vec<AccountId>, AccountError> {
    Ok(store::ids_of_ops(app).await?)
}

/// The account of a phone.
///
/// # Errors
/// Database failure.
pub async fn find_by_phone(app: &App, phone: &Phone) -> Result<Option<Account>, AccountError> {
    Ok(store::find_by_phone(app, phone).await?)
}

/// The account of a phone, inside a transaction.
pub(crate) async fn find_by_phone_in_tx(
    app: &App,
    tx: &mut Tx,
    phone: &Phone,
) -> Result<Option<Account>, AccountError> {
    Ok(store::find_by_phone_in_tx(app, tx, phone).await?)
}

/// Makes an account and announces it. The unique phone index refuses a second one.
pub(crate) async fn create_in_tx(
    app: &App,
    tx: &mut Tx,
    phone: Phone,
    name: Option<PersonName>,
    lang: Lang,
) -> Result<Account, AccountError> {
    let account = Account {
        id: app.ids.next(),
        phone,
        name: name.map(|name| name.as_str().to_owned()).unwrap_or_default(),
        lang,
        ops: None,
        courier_id: None,
        memberships: Vec::new(),
        created_at: app.clock.now(),
        version: 1,
    };
    store::insert_in_tx(app, tx, &account).await?;
    outbox::emit_in_tx(app, tx, event::created(&account)).await?;
    Ok(account)
}

/// The account of a phone, made when there is none: demo data and tests.
///
/// # Errors
/// Database failure.
pub async fn ensure(app: &App, phone: Phone, name: PersonName, lang: Lang) -> Result<Account, AccountError> {
    if let Some(account) = store::find_by_phone(app, &phone).await? {
        return Ok(account);
    }
    let made = transact!(&app.mongo, "account.ensure", AccountError, |tx| {
        create_in_tx(app, tx, phone.clone(), Some(name.clone()), lang).await
    });
    match made {
        Err(AccountError::Infra(Infra::Db(e))) if e.duplicate_index() == Some(PHONE_INDEX) => {
            store::find_by_phone(app, &phone).await?.ok_or(AccountError::AccountNotFound)
        }
        other => other,
    }
}

/// Changes one's own name or language.
///
/// # Errors
/// Not signed in, or database failure.
pub async fn update(app: &App, actor: &Actor, command: UpdateAccount) -> Result<Account, AccountError> {
    let id = actor.person()?.account_id;
    let mut fields = Document::new();
    if let Some(name) = &command.name {
        fields.insert("name", name.as_str());
    }
    if let Some(lang) = command.lang {
        fields.insert("lang", bson(&lang)?);
    }
    transact!(&app.mongo, "account.update", AccountError, |tx| {
        let account = load_in_tx(app, tx, id).await?;
        if fields.is_empty() { Ok(account) } else { set_in_tx(app, tx, &account, fields.clone()).await }
    })
}

/// Gives or takes an ops role (admins; the system for the first admin), audited.
///
/// # Errors
/// No right, nobody has this phone, one's own role, or database failure.
pub async fn grant_ops_role(
    app: &App,
    actor: &Actor,
    command: GrantOpsRole,
) -> Result<Account, AccountError> {
    if !actor.is_system() {
        actor.ops(&[])?;
    }
    transact!(&app.mongo, "account.grant_ops_role", AccountError, |tx| {
        let account = store::find_by_phone_in_tx(app, tx, &command.phone)
            .await?
            .ok_or(AccountError::AccountNotFound)?;
        rules::may_grant(actor, &account)?;
        if account.ops == command.role {
            return Ok(account);
        }
        let role = command.role.map_or(Ok(Bson::Null), |role| bson(&role))?;
        let details =
            doc! { "from": account.ops.map_or(Ok(Bson::Null), |role| bson(&role))?, "to": role.clone() };
        let subject = account.id.to_string();
        audit::record_in_tx(app, tx, NewAudit { actor, action: "account.grant_ops_role", subject, details })
            .await?;
        set_in_tx(app, tx, &account, doc! { "ops": role }).await
    })
}

/// Notes which courier a person is; for the courier room.
///
/// # Errors
/// Not found, the courier is another person already, or database failure.
pub async fn set_courier_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    courier_id: Option<CourierId>,
) -> Result<(), AccountError> {
    let account = load_in_tx(app, tx, account_id).await?;
    if account.courier_id == courier_id {
        return Ok(());
    }
    if account.courier_id.is_some() && courier_id.is_some() {
        return Err(AccountError::AlreadyCourier);
    }
    set_in_tx(app, tx, &account, doc! { "courier_id": courier_id.map_or(Bson::Null, Bson::from) }).await?;
    Ok(())
}

/// Notes a person's rank in a store, or that they left it; for the store room.
///
/// # Errors
/// Not found, too many stores, or database failure.
pub async fn set_membership_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    store_id: StoreId,
    role: Option<StaffRole>,
) -> Result<(), AccountError> {
    let account = load_in_tx(app, tx, account_id).await?;
    if let Some(memberships) = rules::with_membership(&account, store_id, role)? {
        set_in_tx(app, tx, &account, doc! { "memberships": bson(&memberships)? }).await?;
    }
    Ok(())
}

async fn load_in_tx(app: &App, tx: &mut Tx, id: AccountId) -> Result<Account, AccountError> {
    store::find_in_tx(app, tx, id).await?.ok_or(AccountError::AccountNotFound)
}

/// Within one transaction nobody else can have changed the version: a mismatch is a defect, two transactions that meet
/// are told apart by the database.
async fn set_in_tx(
    app: &App,
    tx: &mut Tx,
    account: &Account,
    fields: Document,
) -> Result<Account, AccountError> {
    store::set_in_tx(app, tx, account, fields)
        .await?
        .ok_or_else(|| Infra::defect("an account changed under its transaction").into())
}

fn bson<T: serde::Serialize>(value: &T) -> Result<Bson, AccountError> {
    serialize_to_bson(value).map_err(|e| Infra::defect(e).into())
}
