//! The rules that are checked, and what a check finds.

use serde::{Deserialize, Serialize};

/// A rule that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its id; never changes its meaning.
    pub code: &'static str,
    /// The invariant it is a part of, `I1` to `I8`.
    pub invariant: &'static str,
    /// What it asks.
    pub asks: &'static str,
    /// How to mend what breaks it.
    pub remedy: &'static str,
}

/// Declares rules as constants, and the list of them all.
macro_rules! rules {
    ($($name:ident: $code:literal, $invariant:literal, $asks:literal, $remedy:literal;)+) => {
        $(
            pub(super) const $name: Rule =
                Rule { code: $code, invariant: $invariant, asks: $asks, remedy: $remedy };
        )+

        /// Every rule.
        pub const RULES: &[Rule] = &[$($name),+];
    };
}

rules! {
    DOCUMENT_UNREADABLE: "document-unreadable", "I1",
        "a document has the shape its collection declares, and only values this version knows",
        "if a newer version wrote it, run that version; else set the named fields right, or restore the document from \
         the newest backup that has it whole";
    ORDER_WITHOUT_PURCHASE: "order-without-purchase", "I1",
        "the purchase of an order exists",
        "restore the purchase (order_groups, by the order's group_id) from the newest backup that has it; until then \
         cancel the order as ops if it has not ended";
    ORDER_UNKNOWN_TO_PURCHASE: "order-unknown-to-purchase", "I1",
        "a purchase lists every one of its orders",
        "compare number and payment of the order with the purchase: add the order's id to the purchase's order_ids if \
         they belong together, else correct the order's group_id";
    PURCHASE_WITHOUT_ORDER: "purchase-without-order", "I1",
        "every order a purchase lists exists",
        "restore the order from the newest backup that has it; if it never was, refund its share of the payment and take \
         its id out of the purchase's order_ids";
    ORDER_WITHOUT_DELIVERY: "order-without-delivery", "I1",
        "the delivery an order names exists and carries it",
        "find the delivery by its order_ids and correct the order's delivery_id; if there is none, restore it from the \
         backup, or cancel the order as ops";
    DELIVERY_WITHOUT_ORDER: "delivery-without-order", "I1",
        "every order a delivery carries exists",
        "restore the order from the newest backup that has it; if it never was, cancel the delivery as ops, so that its \
         courier is free";
    ORDER_WITHOUT_PAYMENT: "order-without-payment", "I5",
        "a payment has a share for every order",
        "find the payment by the order's group_id: if it has the share, correct the order's payment_id; else restore the \
         payment from the backup and compare it with the provider's own list";
    PAYMENT_WITHOUT_ORDER: "payment-without-order", "I5",
        "every order a payment has a share for exists",
        "restore the order from the newest backup that has it; if it never was, release or refund its share";
    PAYMENT_SHARES: "payment-shares", "I5",
        "the shares of a payment sum to the whole",
        "compare each share with the total of its order and the whole with the provider: correct what was altered";
    PAYMENT_OVER_CAPTURED: "payment-over-captured", "I5",
        "no more is taken and released of a share than was authorised",
        "compare with the provider's own list: if it took too much, refund the difference there; if only our document is \
         wrong, set captured_minor and voided_minor to what the provider says";
    PAYMENT_OVER_REFUNDED: "payment-over-refunded", "I5",
        "no more is given back than was taken",
        "compare with the provider's own list and the order's refunds: correct refunded_minor, or book the loss as a \
         correction if the money has really gone";
    COMPLETED_UNPAID: "completed-unpaid", "I5",
        "the whole share of a completed order is taken",
        "look for its dead events (rule event-undelivered) and revive them; else capture the share as finance";
    SHARE_STILL_RESERVED: "share-still-reserved", "I5",
        "nothing of an ended order's share is still reserved",
        "look for its dead events (rule event-undelivered) and revive them: they release the share";
    ENDED_STILL_PAID: "ended-still-paid", "I7",
        "an order that came to nothing is not paid beyond its fee",
        "look for its dead events (rule event-undelivered) and revive them; else refund the difference as finance";
    ORDER_HISTORY: "order-history", "I7",
        "an order's history is a path of its machine that ends in its state",
        "read the order's audit entries and events: set the state to the last true entry of the history, or add the step \
         that is missing, with the version it had";
    DELIVERY_HISTORY: "delivery-history", "I7",
        "a delivery's history is a path of its machine that ends in its state",
        "read the delivery's events: set the state to the last true step of the history, or add the step that is missing, \
         with the version it had";
    REVIEW_BEFORE_COMPLETION: "review-before-completion", "I7",
        "only completed orders are reviewed",
        "hide the review as ops, so that it does not count, then delete it; if the order was completed, mend the order";
    STOCK_SUM: "stock-sum", "I4",
        "stock began with what is on hand, reserved, sold and adjusted",
        "compare with stock_adjustments and the variant's orders, count the goods in the store and adjust the stock by hand";
    STOCK_NEGATIVE: "stock-negative", "I4",
        "no stock is negative",
        "take the variant off sale, count the goods in the store and adjust the stock by hand; ask which orders it cannot \
         serve";
    STOCK_RESERVED_SUM: "stock-reserved-sum", "I4",
        "what is reserved is what orders hold",
        "set reserved to the sum of the reservations and move the difference to or from on_hand";
    STOCK_HELD_BY_ENDED: "stock-held-by-ended-order", "I4",
        "an ended order holds no stock",
        "look for its dead events (rule event-undelivered) and revive them: they take or give back what it holds";
    STOCK_HELD_BY_NOBODY: "stock-held-by-nobody", "I4",
        "who holds stock without an end exists",
        "restore the order if a backup has it; else take its reservation out and move its quantity from reserved to \
         on_hand";
    COUPON_OVER_LIMIT: "coupon-over-limit", "I4",
        "a coupon is used and promised no more often than its limit",
        "disable the coupon and compare the purchases that name it with its uses: set used to their number; if they are \
         really more, raise its limit to what was given";
    COUPON_OVER_CUSTOMER_LIMIT: "coupon-over-customer-limit", "I4",
        "no customer uses a coupon more often than it allows",
        "compare the customer's purchases that name the coupon with coupon_uses: take out uses without a purchase; if \
         they are real, leave it and disable the coupon for the future";
    LEDGER_UNBALANCED: "ledger-unbalanced", "I3",
        "the entries of a transaction sum to zero in every currency",
        "entries are never changed: restore the missing entry from the backup, or have finance book the difference by a \
         transaction of its own that names this one";
    LEDGER_INCOMPLETE: "ledger-incomplete", "I3",
        "a transaction has as many entries as it says",
        "restore the missing entries from the newest backup that has them; nobody but root can have removed them, so ask \
         who was";
    LEDGER_BALANCE: "ledger-balance", "I3",
        "a cached balance is the sum of its entries",
        "the entries are the truth: set balance_minor to the expected sum";
    WALLET_BALANCE: "wallet-balance", "I3",
        "a wallet's balance is the sum of its entries",
        "the entries are the truth: set balance_minor to the expected sum, and available_minor to that less the holds";
    WALLET_HOLDS: "wallet-holds", "I3",
        "what a wallet has to spend is its balance less its holds, and never negative",
        "compare the holds with the orders they name: take out holds of orders that have ended, then set available_minor \
         to the balance less the holds";
    EVENT_UNDELIVERED: "event-undelivered", "I6",
        "every event is delivered",
        "read what the consumer said, mend its cause, then revive the event (state PENDING): consumers that were done stay \
         done";
    AUDIT_CHAIN: "audit-chain", "I8",
        "the audit log is what was written and sealed",
        "somebody went around the program: keep the database as it is for the inquiry, compare the entries under the named \
         seal with the backups since it was written, and change the passwords and the key";
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The invariant that is broken, `I1` to `I8`.
    pub rule: String,
    /// The rule, by its id.
    pub code: String,
    /// The object concerned.
    pub subject: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub remedy: String,
}

impl Finding {
    /// What breaks a rule.
    pub(super) fn of(rule: &Rule, subject: impl ToString, what: impl Into<String>) -> Self {
        Self {
            rule: rule.invariant.to_owned(),
            code: rule.code.to_owned(),
            subject: subject.to_string(),
            what: what.into(),
            remedy: rule.remedy.to_owned(),
        }
    }
}

/// A report names at most so many findings of one rule; the others are counted.
pub(super) const MAX_OF_A_RULE: usize = 100;

/// What was looked at and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Orders looked at.
    pub orders: i64,
    /// Purchases looked at.
    pub groups: i64,
    /// Deliveries looked at.
    pub deliveries: i64,
    /// Payments looked at.
    pub payments: i64,
    /// Stock items looked at.
    pub stock_items: i64,
    /// Coupons looked at.
    pub coupons: i64,
    /// Reviews looked at.
    pub reviews: i64,
    /// Wallets looked at.
    pub wallets: i64,
    /// What must not be, sorted; empty when all is well. At most 100 of each rule.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub left_out: i64,
}

impl Report {
    /// Whether all is well.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// Takes findings up, as far as a report goes.
    pub(super) fn tell(&mut self, found: impl IntoIterator<Item = Finding>) {
        for finding in found {
            if self.findings.iter().filter(|known| known.code == finding.code).count() < MAX_OF_A_RULE {
                self.findings.push(finding);
            } else {
                self.left_out = self.left_out.saturating_add(1);
            }
        }
    }
}
