//! Use cases of saved addresses.

use mongodb::bson::{Document, doc};

use super::error::AddressError;
use super::model::{Address, CreateAddress, UpdateAddress};
use super::rules::MAX_ADDRESSES;
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::ids::{AccountId, AddressId};

/// How often a change without an expected version is tried against somebody else's.
const MAX_TRIES: u32 = 5;

/// A person's address.
///
/// # Errors
/// Not found (also when it is somebody else's), or database failure.
pub async fn get(app: &App, account_id: AccountId, id: AddressId) -> Result<Address, AddressError> {
    store::find(app, account_id, id).await?.ok_or(AddressError::AddressNotFound)
}

/// One's own addresses, newest first; at most [`MAX_ADDRESSES`].
///
/// # Errors
/// Not signed in, or database failure.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Address>, AddressError> {
    Ok(store::list(app, actor.person()?.account_id, MAX_ADDRESSES).await?)
}

/// Saves an address.
///
/// # Errors
/// Not signed in, too many addresses, or database failure.
pub async fn create(app: &App, actor: &Actor, command: CreateAddress) -> Result<Address, AddressError> {
    let account_id = actor.person()?.account_id;
    // Two at once may pass the limit by one; it keeps lists short, nothing depends on it.
    if store::count(app, account_id, MAX_ADDRESSES).await? >= MAX_ADDRESSES {
        return Err(AddressError::TooManyAddresses { max: MAX_ADDRESSES });
    }
    let address = Address {
        id: app.ids.next(),
        account_id,
        label: command.label.as_str().to_owned(),
        point: command.point,
        notes: command.notes.map(|notes| notes.as_str().to_owned()),
        created_at: app.clock.now(),
        version: 1,
    };
    store::insert(app, &address).await?;
    Ok(address)
}

/// Changes one's own address.
///
/// # Errors
/// Not signed in, not found, changed meanwhile, or database failure.
pub async fn update(app: &App, actor: &Actor, command: UpdateAddress) -> Result<Address, AddressError> {
    let account_id = actor.person()?.account_id;
    let mut set = Document::new();
    if let Some(label) = &command.label {
        set.insert("label", label.as_str());
    }
    if let Some(point) = command.point {
        set.insert("point", point.geo_json());
    }
    if let Some(notes) = &command.notes {
        set.insert("notes", notes.as_ref().map(|notes| notes.as_str().to_owned()));
    }
    for _ in 0..MAX_TRIES {
        let address = get(app, account_id, command.id).await?;
        if command.expected_version.is_some_and(|expected| expected != address.version) {
            return Err(AddressError::StaleVersion);
        }
        if set.is_empty() {
            return Ok(address);
        }
        if let Some(updated) = store::update(app, &address, doc! { "$set": set.clone() }).await? {
            return Ok(updated);
        }
    }
    Err(AddressError::StaleVersion)
}

/// Forgets one's own address; orders keep their copies.
///
/// # Errors
/// Not signed in, not found, or database failure.
pub async fn delete(app: &App, actor: &Actor, id: AddressId) -> Result<AddressId, AddressError> {
    let account_id = actor.person()?.account_id;
    if store::delete(app, account_id, id).await? { Ok(id) } else { Err(AddressError::AddressNotFound) }
}
