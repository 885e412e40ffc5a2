//! Makes the demo city by the rooms' own use cases.

use std::collections::HashSet;
use std::sync::Arc;

use daraa_platform::config::Mode;
use daraa_platform::fault::Lang;
use daraa_platform::money::{Currency, Money};
use daraa_platform::paging::{Cursor, MAX_PAGE, PageRequest};
use tracing::info;

use super::data::{CATEGORIES, COURIERS, CUSTOMERS, OPS, STORES};
use super::error::SeedError;
use super::model::{SeedReport, StoreRow};
use super::rules::{
    COURIER_BLOCK, CUSTOMER_BLOCK, CUSTOMERS_WITH_MONEY, OPS_BLOCK, OWNER_BLOCK, STAFF_BLOCK,
    STORES_WITH_STAFF, WALLET_CREDIT_MINOR, groups, phone, place, polygons, staff_name, text, variants, week,
};
use crate::account::{self, Account, GrantOpsRole, PersonName, Phone};
use crate::actor::{Actor, OpsRole, Person, StaffRole};
use crate::address::{self, AddressLabel, AddressNotes, CreateAddress};
use crate::app::App;
use crate::catalog::{self, CreateProduct, CreateSection, Product, ProductAction, TaxClass};
use crate::courier::{self, CourierStatus};
use crate::ids::{AccountId, StoreId};
use crate::ledger::wallet::{self, CreditWallet, WalletOwner};
use crate::promotion::{self, CostBearer, CouponKind, NewCoupon, PromotionError};
use crate::store::area::ServiceArea;
use crate::store::category::{self, CreateCategory};
use crate::store::hours::TimeZone;
use crate::store::staff::{self, InviteStaff};
use crate::store::{self, CreateStore, Store, StoreAction, StoreStatus, UpdateStore};

const SEED: Actor = Actor::System("seed");
/// The demo coupon is good for ten years.
const COUPON_SECS: u64 = 10 * 366 * 86_400;

/// Makes what is missing of the demo city; calls `say` before each part.
///
/// # Errors
/// The step that failed and why; what was made stays, and the next run goes on from there.
pub async fn run(app: &App, say: impl Fn(&str)) -> Result<SeedReport, SeedError> {
    // Its numbers are public: whoever could read their codes would be an admin.
    if app.mode == Mode::Production {
        return Err(SeedError {
            step: "seed".to_owned(),
            cause: "the demo city is never made in production".into(),
        });
    }
    let mut report = SeedReport::default();
    say("ops people");
    for (i, (role, name, _)) in OPS.iter().enumerate() {
        report.ops += u32::from(ops_person(app, i, *role, name).await?);
    }
    let ops = actor(app, &phone(OPS_BLOCK, 1), "operations").await?;
    let finance = actor(app, &phone(OPS_BLOCK, 2), "finance").await?;
    say("categories");
    report.categories = categories(app).await?;
    for (i, row) in STORES.iter().enumerate() {
        say(row.name.1);
        let (made, products) = shop(app, i, row, &ops).await?;
        report.stores += u32::from(made);
        report.products += products;
    }
    say("couriers");
    for i in 0..COURIERS.len() {
        report.couriers += u32::from(rider(app, i, &ops).await?);
    }
    say("customers");
    for i in 0..CUSTOMERS.len() {
        report.customers += u32::from(customer(app, i, &finance).await?);
    }
    coupon(app, &ops).await?;
    info!(?report, "the demo city is complete");
    Ok(report)
}

async fn ensure(app: &App, number: &str, name: &str) -> Result<Account, SeedError> {
    let parsed = Phone::parse(number).map_err(SeedError::at("number"))?;
    let name = PersonName::parse(name).map_err(SeedError::at("name"))?;
    account::ensure(app, parsed, name, Lang::Ar).await.map_err(SeedError::at("account"))
}

/// A person as they would act after signing in, with all roles as of now.
async fn actor(app: &App, number: &str, what: &'static str) -> Result<Actor, SeedError> {
    let parsed = Phone::parse(number).map_err(SeedError::at(what))?;
    let found = account::find_by_phone(app, &parsed).await.map_err(SeedError::at(what))?;
    let person =
        found.ok_or_else(|| SeedError { step: what.to_owned(), cause: "there is no such account".into() })?;
    Ok(Actor::Person(Person {
        account_id: person.id,
        session_id: app.ids.next(),
        ops: person.ops,
        courier_id: person.courier_id,
        staff: person.memberships,
    }))
}

async fn ops_person(app: &App, index: usize, role: OpsRole, name: &str) -> Result<bool, SeedError> {
    let number = phone(OPS_BLOCK, index);
    let known = ensure(app, &number, name).await?;
    if known.ops == Some(role) {
        return Ok(false);
    }
    let grant = GrantOpsRole { phone: known.phone, role: Some(role) };
    account::grant_ops_role(app, &SEED, grant).await.map_err(SeedError::at("ops role"))?;
    Ok(true)
}

async fn categories(app: &App) -> Result<u32, SeedError> {
    let mut made = 0;
    for (position, (slug, above, name)) in (0_i64..).zip(CATEGORIES) {
        let tree = category::all(app).await.map_err(SeedError::at("categories"))?;
        if tree.iter().any(|c| c.slug == *slug) {
            continue;
        }
        let command = CreateCategory {
            parent_id: tree.iter().find(|c| c.slug == *above).map(|c| c.id),
            slug: (*slug).to_owned(),
            name: text(*name),
            position,
        };
        category::create(app, &SEED, command).await.map_err(SeedError::at(*slug))?;
        made += 1;
    }
    Ok(made)
}

/// A store with everything: whether it was set up now, and how many products were put on its menu.
async fn shop(app: &App, index: usize, row: &StoreRow, ops: &Actor) -> Result<(bool, u32), SeedError> {
    let step = row.name.1;
    let number = phone(OWNER_BLOCK, index);
    ensure(app, &number, row.owner).await?;
    let owner = actor(app, &number, "owner").await?;
    let mine = store::mine(app, &owner).await.map_err(SeedError::at(step))?;
    let made = mine.is_empty();
    let shop = match mine.into_iter().next() {
        Some(shop) => shop,
        None => Arc::new(set_up(app, &owner, &number, row).await?),
    };
    // Whoever founded a store acts as its owner from the next sign-in on.
    let owner = actor(app, &number, "owner").await?;
    if shop.status == StoreStatus::Draft {
        prepare(app, &owner, shop.id, row).await?;
    }
    let products = menu(app, &owner, shop.id, row).await?;
    if matches!(shop.status, StoreStatus::Draft) {
        store::act(app, &owner, shop.id, StoreAction::Submit, None).await.map_err(SeedError::at(step))?;
    }
    if matches!(shop.status, StoreStatus::Draft | StoreStatus::PendingApproval) {
        store::act(app, ops, shop.id, StoreAction::Approve, None).await.map_err(SeedError::at(step))?;
    }
    if index < STORES_WITH_STAFF {
        helper(app, &owner, shop.id, index).await?;
    }
    Ok((made, products))
}

async fn set_up(app: &App, owner: &Actor, number: &str, row: &StoreRow) -> Result<Store, SeedError> {
    let step = row.name.1;
    let tree = category::all(app).await.map_err(SeedError::at(step))?;
    let category_id = tree
        .iter()
        .find(|c| c.slug == row.category)
        .map(|c| c.id)
        .ok_or_else(|| SeedError { step: step.to_owned(), cause: "its category is missing".into() })?;
    let command = CreateStore {
        name: text(row.name),
        description: text(row.description),
        category_id,
        point: place(row.east_m, row.north_m).map_err(SeedError::at(step))?,
        time_zone: TimeZone::DAMASCUS,
        phone: Phone::parse(number).map_err(SeedError::at(step))?,
        currency: Currency::Syp,
    };
    store::create(app, owner, command).await.map_err(SeedError::at(step))
}

async fn prepare(app: &App, owner: &Actor, id: StoreId, row: &StoreRow) -> Result<(), SeedError> {
    let step = row.name.1;
    let update = UpdateStore {
        min_order_minor: Some(row.min_order.saturating_mul(100)),
        prep_minutes: Some(row.prep_minutes),
        ..UpdateStore::default()
    };
    store::update(app, owner, id, update).await.map_err(SeedError::at(step))?;
    let hours = week(row.hours).map_err(SeedError::at(step))?;
    store::set_hours(app, owner, id, hours, None).await.map_err(SeedError::at(step))?;
    let rings = polygons(row.area, row.east_m, row.north_m).map_err(SeedError::at(step))?;
    let area = ServiceArea::new(rings).map_err(SeedError::at(step))?;
    store::set_area(app, owner, id, area, None).await.map_err(SeedError::at(step))?;
    Ok(())
}

async fn menu(app: &App, owner: &Actor, store_id: StoreId, row: &StoreRow) -> Result<u32, SeedError> {
    let step = row.name.1;
    let known = all_products(app, owner, store_id).await?;
    let names: HashSet<&str> = known.iter().map(|p| p.name.en.as_str()).collect();
    for draft in known.iter().filter(|p| p.status == catalog::ProductStatus::Draft) {
        catalog::act(app, owner, draft.id, ProductAction::Publish).await.map_err(SeedError::at(step))?;
    }
    let mut sections = catalog::sections(app, owner, store_id).await.map_err(SeedError::at(step))?;
    let mut made = 0;
    for (position, (name, products)) in (0_i64..).zip(row.sections) {
        let section_id = match sections.iter().find(|s| s.name.en == name.1) {
            Some(section) => section.id,
            None => {
                let command = CreateSection { store_id, name: text(*name), position };
                let section =
                    catalog::create_section(app, owner, command).await.map_err(SeedError::at(step))?;
                let id = section.id;
                sections.push(section);
                id
            }
        };
        for product in products.iter().filter(|p| !names.contains(p.name.1)) {
            let command = CreateProduct {
                store_id,
                section_id: Some(section_id),
                name: text(product.name),
                description: text(("", "")),
                tax_class: TaxClass::Standard,
                images: Vec::new(),
                variants: variants(product),
                modifier_groups: groups(product.kind),
            };
            let draft = catalog::create_product(app, owner, command).await.map_err(SeedError::at(step))?;
            catalog::act(app, owner, draft.id, ProductAction::Publish).await.map_err(SeedError::at(step))?;
            made += 1;
        }
    }
    Ok(made)
}

async fn all_products(app: &App, owner: &Actor, store_id: StoreId) -> Result<Vec<Arc<Product>>, SeedError> {
    let mut out = Vec::new();
    let mut from: Option<Cursor> = None;
    loop {
        let page = PageRequest { size: MAX_PAGE, from: from.take(), ..PageRequest::default() };
        let page = catalog::products(app, owner, store_id, &page).await.map_err(SeedError::at("menu"))?;
        let next = page.has_next;
        for (cursor, product) in page.rows {
            from = Some(cursor);
            out.push(product);
        }
        if !next {
            return Ok(out);
        }
    }
}

/// A second person in a store, invited and come.
async fn helper(app: &App, owner: &Actor, store_id: StoreId, index: usize) -> Result<(), SeedError> {
    let number = phone(STAFF_BLOCK, index);
    let person = ensure(app, &number, &staff_name(index)).await?;
    if person.memberships.iter().any(|m| m.store_id == store_id) {
        return Ok(());
    }
    let helper = actor(app, &number, "staff").await?;
    let open = staff::my_invitations(app, &helper).await.map_err(SeedError::at("staff"))?;
    let invitation = match open.into_iter().find(|i| i.store_id == store_id) {
        Some(invitation) => invitation,
        None => {
            let command = InviteStaff { store_id, phone: person.phone, role: StaffRole::Staff };
            staff::invite(app, owner, command).await.map_err(SeedError::at("staff"))?
        }
    };
    staff::accept(app, &helper, invitation.id).await.map_err(SeedError::at("staff"))?;
    Ok(())
}

async fn rider(app: &App, index: usize, ops: &Actor) -> Result<bool, SeedError> {
    let Some((name, vehicle)) = COURIERS.get(index) else { return Ok(false) };
    let number = phone(COURIER_BLOCK, index);
    ensure(app, &number, name).await?;
    let rider = actor(app, &number, "courier").await?;
    let apply = courier::Apply { vehicle: *vehicle, capacity: None };
    let applied = courier::apply(app, &rider, apply).await.map_err(SeedError::at(*name))?;
    if applied.status != CourierStatus::PendingApproval {
        return Ok(false);
    }
    let approve = courier::Approve { courier_id: applied.id, cash_limit: None };
    courier::approve(app, ops, approve).await.map_err(SeedError::at(*name))?;
    Ok(true)
}

async fn customer(app: &App, index: usize, finance: &Actor) -> Result<bool, SeedError> {
    let Some((name, east_m, north_m)) = CUSTOMERS.get(index) else { return Ok(false) };
    let number = phone(CUSTOMER_BLOCK, index);
    let person = ensure(app, &number, name).await?;
    let shopper = actor(app, &number, "customer").await?;
    let known = address::list(app, &shopper).await.map_err(SeedError::at(*name))?;
    let made = known.is_empty();
    if made {
        for (label, notes, shift) in
            [("البيت", "الطابق الثاني، الجرس الأيمن", 0.0), ("العمل", "المدخل الرئيسي", 350.0)]
        {
            let command = CreateAddress {
                label: AddressLabel::parse(label).map_err(SeedError::at(*name))?,
                point: place(east_m + shift, north_m - shift).map_err(SeedError::at(*name))?,
                notes: AddressNotes::parse(notes).map_err(SeedError::at(*name))?,
            };
            address::create(app, &shopper, command).await.map_err(SeedError::at(*name))?;
        }
    }
    if index < CUSTOMERS_WITH_MONEY {
        credit(app, finance, person.id).await?;
    }
    Ok(made)
}

async fn credit(app: &App, finance: &Actor, account_id: AccountId) -> Result<(), SeedError> {
    let wallet = wallet::of(app, account_id, Currency::Syp).await.map_err(SeedError::at("wallet"))?;
    // A wallet that exists was credited before, or belongs to somebody who has begun to use it.
    if wallet.is_some() {
        return Ok(());
    }
    let command = CreditWallet {
        owner: WalletOwner::Account(account_id),
        amount: Money::new(WALLET_CREDIT_MINOR, Currency::Syp),
        reason: "demo city".to_owned(),
        idempotency_key: format!("seed-{account_id}"),
    };
    wallet::credit(app, finance, command).await.map_err(SeedError::at("wallet"))?;
    Ok(())
}

async fn coupon(app: &App, ops: &Actor) -> Result<(), SeedError> {
    let now = app.clock.now();
    let new = NewCoupon {
        code: "AHLAN10".to_owned(),
        kind: CouponKind::Percent,
        value: 1_000,
        currency: Currency::Syp,
        max_discount_minor: Some(5_000_000),
        min_order_minor: 0,
        store_id: None,
        valid_from: now,
        valid_to: now.plus(std::time::Duration::from_secs(COUPON_SECS)),
        limit_total: Some(100_000),
        limit_per_customer: 3,
        bearer: CostBearer::Platform,
    };
    match promotion::create(app, ops, new).await {
        Ok(_) | Err(PromotionError::CodeTaken) => Ok(()),
        Err(e) => Err(SeedError::at("coupon")(e)),
    }
}
