//! Purchases of a test's world: from an empty cart to placed orders, by the rooms' own use cases.

use daraa_domain::actor::{Actor, OpsRole};
use daraa_domain::address::{self, AddressLabel, CreateAddress};
use daraa_domain::cart::{self, AddLine, CartOwner};
use daraa_domain::catalog::StockItem;
use daraa_domain::ids::{AddressId, OrderId, VariantId};
use daraa_domain::ledger::PaymentMethod;
use daraa_domain::ledger::wallet::{self, CreditWallet, WalletOwner};
use daraa_domain::order::{self, Order, OrderError, OrderGroup, PlaceOrder};
use daraa_domain::place::Point;
use daraa_domain::pricing::{self, CreateQuote, FulfillmentMethod, Quote};
use daraa_platform::money::{Currency, Money};

use crate::{CENTRE, Someone, World};

/// A customer with an address near the city's centre.
#[derive(Debug, Clone)]
pub struct Buyer {
    pub who: Someone,
    pub actor: Actor,
    pub home: AddressId,
}

impl World {
    /// A new customer who lives 1.1 km from the centre.
    pub async fn buyer(&self) -> Buyer {
        let who = self.customer().await;
        let actor = self.actor(&who).await;
        let command = CreateAddress {
            label: AddressLabel::parse("home").expect("a label"),
            point: Point::new(CENTRE.0, CENTRE.1 + 0.01).expect("a point"),
            notes: None,
        };
        let home = address::create(&self.app, &actor, command).await.expect("an address").id;
        Buyer { who, actor, home }
    }

    /// Puts so many of each variant into the buyer's cart.
    pub async fn fill(&self, buyer: &Buyer, wanted: &[(VariantId, i64)]) {
        let owner = CartOwner::Account(buyer.who.account_id);
        for (variant_id, quantity) in wanted {
            let line = AddLine {
                variant_id: *variant_id,
                quantity: *quantity,
                modifier_ids: Vec::new(),
                note: None,
            };
            cart::add_line(&self.app, &owner, line).await.expect("a line");
        }
    }

    /// A quote of the buyer's cart, brought home.
    pub async fn quote(&self, buyer: &Buyer, payment_method: PaymentMethod) -> Quote {
        let command = CreateQuote {
            address_id: Some(buyer.home),
            fulfillment: FulfillmentMethod::Delivery,
            payment_method,
            coupon_code: None,
            courier_tip_minor: 0,
            store_tip_minor: 0,
        };
        pricing::create(&self.app, &buyer.actor, command).await.expect("a quote")
    }

    /// Places a quote under a key, with a card that works.
    pub async fn place(&self, buyer: &Buyer, quote: &Quote, key: &str) -> Result<OrderGroup, OrderError> {
        let card = (quote.payment_method == PaymentMethod::Card).then_some("tok_ok");
        self.place_by(buyer, quote, key, card).await
    }

    /// Places a quote under a key, with this card.
    pub async fn place_by(
        &self,
        buyer: &Buyer,
        quote: &Quote,
        key: &str,
        card: Option<&str>,
    ) -> Result<OrderGroup, OrderError> {
        let command = PlaceOrder {
            quote_id: quote.id,
            card_token: card.map(str::to_owned),
            idempotency_key: key.to_owned(),
        };
        order::place(&self.app, &buyer.actor, command).await
    }

    /// One placed order of one variant.
    pub async fn bought(&self, buyer: &Buyer, variant: VariantId, quantity: i64, by: PaymentMethod) -> Order {
        self.fill(buyer, &[(variant, quantity)]).await;
        let quote = self.quote(buyer, by).await;
        let group = self.place(buyer, &quote, &quote.id.to_string()).await.expect("placed");
        self.drain().await;
        self.order(group.order_ids[0]).await
    }

    /// An order as it is stored.
    pub async fn order(&self, id: OrderId) -> Order {
        order::get_system(&self.app, id).await.expect("an order")
    }

    /// The stock of a variant.
    pub async fn stock(&self, variant: VariantId) -> StockItem {
        let mut found = daraa_domain::catalog::stock::items(&self.app, &[variant]).await.expect("stock");
        let item = found.remove(&variant).expect("a stock item");
        assert!(item.balanced(), "{item:?}");
        item
    }

    /// Puts money into the buyer's wallet.
    pub async fn fund(&self, buyer: &Buyer, minor: i64) {
        let finance = self.ops(OpsRole::Finance).await;
        let command = CreditWallet {
            owner: WalletOwner::Account(buyer.who.account_id),
            amount: Money::new(minor, Currency::Syp),
            reason: "test".to_owned(),
            idempotency_key: format!("fund-{minor}"),
        };
        wallet::credit(&self.app, &self.actor(&finance).await, command).await.expect("credited");
    }

    /// What the buyer's wallet holds.
    pub async fn balance(&self, buyer: &Buyer) -> i64 {
        let found = wallet::of(&self.app, buyer.who.account_id, Currency::Syp).await.expect("a wallet");
        found.map_or(0, |wallet| wallet.balance_minor)
    }
}
