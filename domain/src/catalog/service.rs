//! Use cases of menus.

use std::collections::HashMap;
use std::sync::Arc;

use daraa_platform::ids::TypedId as _;
use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::Tx;
use daraa_platform::paging::{Cursor, Page, PageRequest};
use daraa_platform::transact;
use mongodb::bson::{Bson, Document, doc};
use tracing::instrument;

use super::error::CatalogError;
use super::model::{
    MAX_PRODUCTS, MAX_SECTIONS, MenuSection, Modifier, ModifierGroup, Product, ProductStatus, TaxClass,
    Variant, VariantStatus,
};
use super::rules::{
    self, GroupDraft, ProductAction, VariantDraft, check_groups, check_images, check_variants,
};
use super::stock::{self, StockItem, StockLevel};
use super::store;
use crate::actor::{Actor, StaffRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::fold;
use crate::ids::{MenuSectionId, ProductId, StoreId, VariantId};
use crate::store::{Rating, good_description, good_name, require, view as view_store};
use crate::text::LocalText;

/// A variant as it is right now: its product, its price, how much is left.
#[derive(Debug, Clone)]
pub struct FreshVariant {
    /// Its product.
    pub product: Arc<Product>,
    /// The variant.
    pub variant: Variant,
    /// How much can be bought.
    pub stock: StockLevel,
}

impl FreshVariant {
    /// Whether it is for sale at all, whatever its stock.
    #[must_use]
    pub fn on_sale(&self) -> bool {
        self.product.status == ProductStatus::Published && self.variant.status == VariantStatus::Available
    }
}

/// One product in any status; the caller decides who may see it.
///
/// # Errors
/// [`CatalogError::ProductNotFound`], or database failure.
pub async fn get(app: &App, id: ProductId) -> Result<Arc<Product>, CatalogError> {
    get_many(app, &[id]).await?.remove(&id).ok_or(CatalogError::ProductNotFound)
}

/// Many products at once; what does not exist is left out.
///
/// # Errors
/// Database failure.
pub async fn get_many(
    app: &App,
    ids: &[ProductId],
) -> Result<HashMap<ProductId, Arc<Product>>, CatalogError> {
    let found = store::get_many(app, ids).await?;
    Ok(found.into_iter().map(|(id, product)| (id, Arc::new(product))).collect())
}

/// One product as the asker may see it: everybody sees published ones of visible stores, staff and ops all.
///
/// # Errors
/// [`CatalogError::ProductNotFound`], or database failure.
pub async fn view(app: &App, actor: &Actor, id: ProductId) -> Result<Arc<Product>, CatalogError> {
    let product = get(app, id).await?;
    view_store(app, actor, product.store_id).await.map_err(|e| match e.into() {
        CatalogError::StoreNotFound => CatalogError::ProductNotFound,
        other => other,
    })?;
    if product.status == ProductStatus::Published || insider(actor, product.store_id) {
        Ok(product)
    } else {
        Err(CatalogError::ProductNotFound)
    }
}

fn insider(actor: &Actor, store_id: StoreId) -> bool {
    actor.rank_in(store_id).is_some() || actor.is_ops() || actor.is_system()
}

/// The products of a store as the asker may see them, in the order they were made.
///
/// # Errors
/// [`CatalogError::StoreNotFound`], or database failure.
pub async fn products(
    app: &App,
    actor: &Actor,
    store_id: StoreId,
    page: &PageRequest,
) -> Result<Page<Arc<Product>>, CatalogError> {
    view_store(app, actor, store_id).await?;
    let status = (!insider(actor, store_id)).then_some(ProductStatus::Published);
    let rows = store::of_store(app, store_id, status, page).await?;
    let cursor = |p: &Product| Cursor { key: p.created_at.millis(), id: p.id.oid() };
    Ok(Page::build(page, rows, cursor).map(Arc::new))
}

/// The sections of a store's menu in order.
///
/// # Errors
/// [`CatalogError::StoreNotFound`], or database failure.
pub async fn sections(app: &App, actor: &Actor, store_id: StoreId) -> Result<Vec<MenuSection>, CatalogError> {
    view_store(app, actor, store_id).await?;
    Ok(store::sections(app, store_id).await?)
}

/// Published products of these stores with words that begin so, in the order of ids. For the search room.
pub(crate) async fn matching(
    app: &App,
    prefixes: &[String],
    among: &[StoreId],
    limit: i64,
) -> Result<Vec<Product>, CatalogError> {
    Ok(store::matching(app, prefixes, among, limit).await?)
}

/// The stores with published products with words that begin so. For the search room.
pub(crate) async fn stores_matching(app: &App, prefixes: &[String]) -> Result<Vec<StoreId>, CatalogError> {
    Ok(store::stores_matching(app, prefixes).await?)
}

/// The products of variants, fresh from the primary, without stock; what does not exist is left out.
///
/// # Errors
/// Database failure.
pub async fn variants(
    app: &App,
    ids: &[VariantId],
) -> Result<HashMap<VariantId, (Arc<Product>, Variant)>, CatalogError> {
    let mut out = HashMap::with_capacity(ids.len());
    for product in store::of_variants(app, ids).await? {
        let product = Arc::new(product);
        for variant in product.variants.iter().filter(|v| ids.contains(&v.id)) {
            out.insert(variant.id, (Arc::clone(&product), variant.clone()));
        }
    }
    Ok(out)
}

/// Variants with price and stock as they are right now, fresh from the primary, in the order asked for; what does
/// not exist is left out.
///
/// # Errors
/// Database failure.
pub async fn fresh_variants(app: &App, ids: &[VariantId]) -> Result<Vec<FreshVariant>, CatalogError> {
    let (products, items) = tokio::try_join!(variants(app, ids), stock::items(app, ids))?;
    Ok(ids
        .iter()
        .filter_map(|id| {
            let (product, variant) = products.get(id)?.clone();
            // A variant without books cannot be sold.
            let stock = items.get(id).map_or(StockLevel::Left(0), StockItem::level);
            Some(FreshVariant { product, variant, stock })
        })
        .collect())
}

/// A new section of a menu.
#[derive(Debug, Clone)]
pub struct CreateSection {
    /// Whose menu.
    pub store_id: StoreId,
    /// What people read.
    pub name: LocalText,
    /// Shown in this order.
    pub position: i64,
}

/// Adds a section (manager).
///
/// # Errors
/// No right, [`CatalogError::BadName`], [`CatalogError::TooManySections`].
pub async fn create_section(
    app: &App,
    actor: &Actor,
    command: CreateSection,
) -> Result<MenuSection, CatalogError> {
    require(actor, command.store_id, StaffRole::Manager)?;
    crate::store::get(app, command.store_id).await?;
    if !good_name(&command.name) {
        return Err(CatalogError::BadName);
    }
    if store::count_sections(app, command.store_id, MAX_SECTIONS).await? >= MAX_SECTIONS {
        return Err(CatalogError::TooManySections);
    }
    let row = MenuSection {
        id: app.ids.next(),
        store_id: command.store_id,
        name: command.name,
        position: command.position,
        version: 1,
    };
    transact!(&app.mongo, "catalog.create_section", CatalogError, |tx| {
        store::insert_section_in_tx(app, tx, &row).await?;
        record(app, tx, actor, "catalog.section_create", row.id.to_string(), row.store_id).await
    })?;
    Ok(row)
}

/// Changes a section's name or place; what is `None` stays (manager).
///
/// # Errors
/// No right, [`CatalogError::SectionNotFound`], [`CatalogError::BadName`], [`CatalogError::StaleVersion`].
pub async fn update_section(
    app: &App,
    actor: &Actor,
    id: MenuSectionId,
    name: Option<LocalText>,
    position: Option<i64>,
) -> Result<MenuSection, CatalogError> {
    let row = store::section(app, id).await?.ok_or(CatalogError::SectionNotFound)?;
    own(actor, row.store_id, StaffRole::Manager, CatalogError::SectionNotFound)?;
    let mut set = Document::new();
    if let Some(name) = name {
        if !good_name(&name) {
            return Err(CatalogError::BadName);
        }
        set.insert("name", store::bson(&name)?);
    }
    if let Some(position) = position {
        set.insert("position", position);
    }
    if set.is_empty() {
        return Ok(row);
    }
    transact!(&app.mongo, "catalog.update_section", CatalogError, |tx| {
        let after =
            store::set_section_in_tx(app, tx, &row, set.clone()).await?.ok_or(CatalogError::StaleVersion)?;
        record(app, tx, actor, "catalog.section_update", id.to_string(), row.store_id).await?;
        Ok(after)
    })
}

/// Deletes a section that no product is in (manager); hidden products and drafts count, archived ones are in none.
///
/// # Errors
/// No right, [`CatalogError::SectionNotFound`], [`CatalogError::SectionNotEmpty`].
pub async fn delete_section(
    app: &App,
    actor: &Actor,
    id: MenuSectionId,
) -> Result<MenuSectionId, CatalogError> {
    let row = store::section(app, id).await?.ok_or(CatalogError::SectionNotFound)?;
    own(actor, row.store_id, StaffRole::Manager, CatalogError::SectionNotFound)?;
    transact!(&app.mongo, "catalog.delete_section", CatalogError, |tx| {
        if store::in_section_in_tx(app, tx, row.store_id, id).await? {
            return Err(CatalogError::SectionNotEmpty);
        }
        if !store::delete_section_in_tx(app, tx, id).await? {
            return Err(CatalogError::SectionNotFound);
        }
        record(app, tx, actor, "catalog.section_delete", id.to_string(), row.store_id).await
    })?;
    Ok(id)
}

/// A new product.
#[derive(Debug, Clone)]
pub struct CreateProduct {
    /// Whose.
    pub store_id: StoreId,
    /// Where on the menu.
    pub section_id: Option<MenuSectionId>,
    /// What people read.
    pub name: LocalText,
    /// More about it; may be empty.
    pub description: LocalText,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// Addresses of pictures.
    pub images: Vec<String>,
    /// At least one.
    pub variants: Vec<VariantDraft>,
    /// The questions asked with it.
    pub modifier_groups: Vec<GroupDraft>,
}

/// Adds a product as a draft and opens the books of its variants (manager).
///
/// # Errors
/// No right, [`CatalogError::SectionNotFound`], [`CatalogError::TooManyProducts`], or a value out of bounds.
#[instrument(name = "svc.catalog.create_product", skip_all, fields(store.id = %command.store_id))]
pub async fn create_product(
    app: &App,
    actor: &Actor,
    command: CreateProduct,
) -> Result<Product, CatalogError> {
    require(actor, command.store_id, StaffRole::Manager)?;
    let shop = crate::store::get(app, command.store_id).await?;
    check_texts(Some(&command.name), Some(&command.description), Some(&command.images))?;
    check_variants(&command.variants)?;
    check_groups(&command.modifier_groups)?;
    if store::count(app, shop.id, MAX_PRODUCTS).await? >= MAX_PRODUCTS {
        return Err(CatalogError::TooManyProducts);
    }
    let id = app.ids.next();
    let Built { variants, books, .. } =
        build_variants(app, &command.variants, &[], shop.currency, (shop.id, id))?;
    let row = Product {
        id,
        store_id: shop.id,
        section_id: command.section_id,
        prefixes: fold::prefixes([command.name.ar.as_str(), command.name.en.as_str()]),
        name: command.name,
        description: command.description,
        status: ProductStatus::Draft,
        tax_class: command.tax_class,
        variants,
        modifier_groups: build_groups(app, &command.modifier_groups, &[], shop.currency)?,
        images: command.images,
        rating: Rating::default(),
        created_at: app.clock.now(),
        version: 1,
    };
    transact!(&app.mongo, "catalog.create_product", CatalogError, |tx| {
        use_section(app, tx, shop.id, row.section_id).await?;
        store::insert_in_tx(app, tx, &row).await?;
        stock::create_in_tx(app, tx, &books).await?;
        record(app, tx, actor, "catalog.product_create", id.to_string(), row.store_id).await
    })?;
    Ok(row)
}

/// Changes of a product; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateProduct {
    /// Refuse when the product is no longer at this version.
    pub expected_version: Option<i64>,
    /// Where on the menu.
    pub section_id: Option<MenuSectionId>,
    /// What people read.
    pub name: Option<LocalText>,
    /// More about it.
    pub description: Option<LocalText>,
    /// How it is taxed.
    pub tax_class: Option<TaxClass>,
    /// Addresses of pictures.
    pub images: Option<Vec<String>>,
    /// All variants: with an id changed, without made anew; who is not named goes.
    pub variants: Option<Vec<VariantDraft>>,
    /// All groups, in the same way.
    pub modifier_groups: Option<Vec<GroupDraft>>,
}

/// Changes a product (manager), unless it is archived.
///
/// # Errors
/// No right, [`CatalogError::ProductNotFound`], [`CatalogError::InvalidTransition`], [`CatalogError::StaleVersion`], or
/// a value out of bounds.
#[instrument(name = "svc.catalog.update_product", skip_all, fields(product.id = %id))]
pub async fn update_product(
    app: &App,
    actor: &Actor,
    id: ProductId,
    command: UpdateProduct,
) -> Result<Product, CatalogError> {
    let seen = get(app, id).await?;
    own(actor, seen.store_id, StaffRole::Manager, CatalogError::ProductNotFound)?;
    let shop = crate::store::get(app, seen.store_id).await?;
    check_texts(command.name.as_ref(), command.description.as_ref(), command.images.as_ref())?;
    command.variants.as_deref().map_or(Ok(()), check_variants)?;
    command.modifier_groups.as_deref().map_or(Ok(()), check_groups)?;
    transact!(&app.mongo, "catalog.update_product", CatalogError, |tx| {
        let before = store::find_in_tx(app, tx, id).await?.ok_or(CatalogError::ProductNotFound)?;
        if command.expected_version.is_some_and(|version| version != before.version) {
            return Err(CatalogError::StaleVersion);
        }
        if before.status == ProductStatus::Archived {
            return Err(CatalogError::InvalidTransition);
        }
        let mut set = Document::new();
        if let Some(section_id) = command.section_id {
            use_section(app, tx, shop.id, Some(section_id)).await?;
            set.insert("section_id", section_id);
        }
        if let Some(name) = &command.name {
            set.insert("name", store::bson(name)?);
            set.insert("prefixes", fold::prefixes([name.ar.as_str(), name.en.as_str()]));
        }
        if let Some(description) = &command.description {
            set.insert("description", store::bson(description)?);
        }
        if let Some(tax_class) = command.tax_class {
            set.insert("tax_class", store::bson(&tax_class)?);
        }
        if let Some(images) = &command.images {
            set.insert("images", images.clone());
        }
        if let Some(drafts) = &command.variants {
            let Built { variants, books, counted } =
                build_variants(app, drafts, &before.variants, shop.currency, (shop.id, id))?;
            stock::create_in_tx(app, tx, &books).await?;
            for (variant_id, on_hand) in counted {
                stock::begin_in_tx(app, tx, variant_id, on_hand).await?;
            }
            set.insert("variants", store::bson(&variants)?);
        }
        if let Some(drafts) = &command.modifier_groups {
            let groups = build_groups(app, drafts, &before.modifier_groups, shop.currency)?;
            set.insert("modifier_groups", store::bson(&groups)?);
        }
        if set.is_empty() {
            return Ok(before);
        }
        let after = store::set_in_tx(app, tx, &before, set).await?.ok_or(CatalogError::StaleVersion)?;
        record(app, tx, actor, "catalog.product_update", id.to_string(), shop.id).await?;
        Ok(after)
    })
}

/// Puts a product on the menu, takes it off, or archives it for good (manager); an archived one is in no section. There
/// already is a success without effect.
///
/// # Errors
/// No right, [`CatalogError::ProductNotFound`], [`CatalogError::InvalidTransition`].
pub async fn act(
    app: &App,
    actor: &Actor,
    id: ProductId,
    action: ProductAction,
) -> Result<Product, CatalogError> {
    let seen = get(app, id).await?;
    own(actor, seen.store_id, StaffRole::Manager, CatalogError::ProductNotFound)?;
    transact!(&app.mongo, "catalog.act", CatalogError, |tx| {
        let before = store::find_in_tx(app, tx, id).await?.ok_or(CatalogError::ProductNotFound)?;
        let to = rules::decide(before.status, action).ok_or(CatalogError::InvalidTransition)?;
        if to == before.status {
            return Ok(before);
        }
        let mut set = doc! { "status": to.as_str() };
        let name = match action {
            ProductAction::Publish => "catalog.product_publish",
            ProductAction::Hide => "catalog.product_hide",
            ProductAction::Archive => {
                set.insert("section_id", Bson::Null);
                "catalog.product_archive"
            }
        };
        let after = store::set_in_tx(app, tx, &before, set).await?.ok_or(CatalogError::StaleVersion)?;
        record(app, tx, actor, name, id.to_string(), before.store_id).await?;
        Ok(after)
    })
}

/// Switches a variant on or off, whatever its stock (staff).
///
/// # Errors
/// No right, [`CatalogError::VariantNotFound`].
pub async fn set_variant_status(
    app: &App,
    actor: &Actor,
    id: VariantId,
    status: VariantStatus,
) -> Result<Product, CatalogError> {
    let (seen, _) = owned_variant(app, actor, id).await?;
    transact!(&app.mongo, "catalog.variant_status", CatalogError, |tx| {
        let before = store::find_in_tx(app, tx, seen.id).await?.ok_or(CatalogError::VariantNotFound)?;
        let mut variants = before.variants.clone();
        let variant = variants.iter_mut().find(|v| v.id == id).ok_or(CatalogError::VariantNotFound)?;
        if variant.status == status {
            return Ok(before);
        }
        variant.status = status;
        let set = doc! { "variants": store::bson(&variants)? };
        let after = store::set_in_tx(app, tx, &before, set).await?.ok_or(CatalogError::StaleVersion)?;
        record(app, tx, actor, "catalog.variant_status", id.to_string(), before.store_id).await?;
        Ok(after)
    })
}

/// The product and variant, when the asker may work its stock.
pub(super) async fn owned_variant(
    app: &App,
    actor: &Actor,
    id: VariantId,
) -> Result<(Arc<Product>, Variant), CatalogError> {
    let found = variants(app, &[id]).await?.remove(&id).ok_or(CatalogError::VariantNotFound)?;
    own(actor, found.0.store_id, StaffRole::Staff, CatalogError::VariantNotFound)?;
    Ok(found)
}

/// Counts a review's stars (1 to 5) in the transaction that keeps the review.
///
/// # Errors
/// [`CatalogError::ProductNotFound`], [`CatalogError::BadQuantity`] for other stars, or database failure.
pub async fn add_rating_in_tx(app: &App, tx: &mut Tx, id: ProductId, stars: i64) -> Result<(), CatalogError> {
    if !(1..=5).contains(&stars) {
        return Err(CatalogError::BadQuantity);
    }
    let before = store::find_in_tx(app, tx, id).await?.ok_or(CatalogError::ProductNotFound)?;
    let set = doc! { "rating": store::bson(&before.rating.plus(stars))? };
    store::set_in_tx(app, tx, &before, set).await?.ok_or(CatalogError::StaleVersion)?;
    Ok(())
}

/// Takes a review's stars (1 to 5) out of a product's rating, in the transaction that hides the review.
///
/// # Errors
/// [`CatalogError::ProductNotFound`], [`CatalogError::BadQuantity`] for other stars, or database failure.
pub async fn remove_rating_in_tx(
    app: &App,
    tx: &mut Tx,
    id: ProductId,
    stars: i64,
) -> Result<(), CatalogError> {
    if !(1..=5).contains(&stars) {
        return Err(CatalogError::BadQuantity);
    }
    let before = store::find_in_tx(app, tx, id).await?.ok_or(CatalogError::ProductNotFound)?;
    let set = doc! { "rating": store::bson(&before.rating.minus(stars))? };
    store::set_in_tx(app, tx, &before, set).await?.ok_or(CatalogError::StaleVersion)?;
    Ok(())
}

/// A right in the store of something; to strangers the thing itself does not exist.
fn own(actor: &Actor, store_id: StoreId, least: StaffRole, hidden: CatalogError) -> Result<(), CatalogError> {
    require(actor, store_id, least).map_err(|e| match e.into() {
        CatalogError::StoreNotFound => hidden,
        other => other,
    })
}

pub(super) async fn record(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    subject: String,
    store_id: StoreId,
) -> Result<(), CatalogError> {
    let details = doc! { "store_id": store_id.to_string() };
    audit::record_in_tx(app, tx, NewAudit { actor, action, subject, details }).await?;
    Ok(())
}

fn check_texts(
    name: Option<&LocalText>,
    description: Option<&LocalText>,
    images: Option<&Vec<String>>,
) -> Result<(), CatalogError> {
    if name.is_some_and(|name| !good_name(name)) {
        return Err(CatalogError::BadName);
    }
    if description.is_some_and(|text| !good_description(text)) {
        return Err(CatalogError::BadDescription);
    }
    images.map_or(Ok(()), |images| check_images(images))
}

/// Asks for a section of the store, in the transaction that puts a product there.
async fn use_section(
    app: &App,
    tx: &mut Tx,
    store_id: StoreId,
    section_id: Option<MenuSectionId>,
) -> Result<(), CatalogError> {
    let Some(id) = section_id else { return Ok(()) };
    if store::use_section_in_tx(app, tx, store_id, id).await? {
        Ok(())
    } else {
        Err(CatalogError::SectionNotFound)
    }
}

/// What drafts make of a product.
struct Built {
    /// The variants as they will be.
    variants: Vec<Variant>,
    /// The books of the new ones.
    books: Vec<StockItem>,
    /// Known ones that are to be counted, with how many there are.
    counted: Vec<(VariantId, i64)>,
}

fn build_variants(
    app: &App,
    drafts: &[VariantDraft],
    before: &[Variant],
    currency: Currency,
    (store_id, product_id): (StoreId, ProductId),
) -> Result<Built, CatalogError> {
    let mut variants = Vec::with_capacity(drafts.len());
    let (mut books, mut counted) = (Vec::new(), Vec::new());
    for draft in drafts {
        let known = match draft.id {
            None => None,
            Some(id) => Some(before.iter().find(|v| v.id == id).ok_or(CatalogError::VariantNotFound)?),
        };
        let id = known.map_or_else(|| app.ids.next(), |v| v.id);
        if known.is_none() {
            books.push(StockItem::opened(id, store_id, product_id, draft.stock_tracked, draft.stock_on_hand));
        } else if draft.stock_tracked {
            counted.push((id, draft.stock_on_hand));
        }
        variants.push(Variant {
            id,
            name: draft.name.clone(),
            price: Money::new(draft.price_minor, currency),
            sku: draft.sku.clone(),
            status: known.map_or(VariantStatus::Available, |v| v.status),
        });
    }
    Ok(Built { variants, books, counted })
}

fn build_groups(
    app: &App,
    drafts: &[GroupDraft],
    before: &[ModifierGroup],
    currency: Currency,
) -> Result<Vec<ModifierGroup>, CatalogError> {
    let known_group = |id| before.iter().any(|g| Some(g.id) == id);
    let known_modifier = |id| before.iter().flat_map(|g| &g.modifiers).any(|m| Some(m.id) == id);
    drafts
        .iter()
        .map(|draft| {
            if draft.id.is_some() && !known_group(draft.id) {
                return Err(CatalogError::ModifierNotFound);
            }
            let modifiers = draft
                .modifiers
                .iter()
                .map(|m| {
                    if m.id.is_some() && !known_modifier(m.id) {
                        return Err(CatalogError::ModifierNotFound);
                    }
                    Ok(Modifier {
                        id: m.id.unwrap_or_else(|| app.ids.next()),
                        name: m.name.clone(),
                        price: Money::new(m.price_minor, currency),
                        available: m.available,
                    })
                })
                .collect::<Result<Vec<_>, _>>()?;
            Ok(ModifierGroup {
                id: draft.id.unwrap_or_else(|| app.ids.next()),
                name: draft.name.clone(),
                min: draft.min,
                max: draft.max,
                modifiers,
            })
        })
        .collect()
}
