//! Every typed id of the marketplace. The prefix is what clients see.

use daraa_platform::typed_id;

typed_id!(/// A person.
    AccountId, "acc");
typed_id!(/// A customer's saved address.
    AddressId, "adr");
typed_id!(/// An audit entry.
    AuditId, "aud");
typed_id!(/// A cart.
    CartId, "crt");
typed_id!(/// A line of a cart.
    CartLineId, "cln");
typed_id!(/// A frozen commission of an order.
    CommissionId, "com");
typed_id!(/// A coupon.
    CouponId, "cpn");
typed_id!(/// A courier.
    CourierId, "cou");
typed_id!(/// A delivery.
    DeliveryId, "dlv");
typed_id!(/// What a store or courier earned with an order.
    EarningId, "ern");
typed_id!(/// An outbox event.
    EventId, "evt");
typed_id!(/// An invitation to a store's staff.
    InvitationId, "inv");
typed_id!(/// A ledger entry.
    LedgerEntryId, "len");
typed_id!(/// A ledger transaction.
    LedgerTransactionId, "ltx");
typed_id!(/// A section of a store's menu.
    MenuSectionId, "mns");
typed_id!(/// A choice within a modifier group.
    ModifierId, "mod");
typed_id!(/// A group of choices of a product.
    ModifierGroupId, "mgr");
typed_id!(/// An in-app notification.
    NotificationId, "ntf");
typed_id!(/// An offer of a delivery to one courier.
    OfferId, "ofr");
typed_id!(/// A store's part of a purchase.
    OrderId, "ord");
typed_id!(/// A purchase: one order per store.
    OrderGroupId, "grp");
typed_id!(/// A line of an order.
    OrderLineId, "oln");
typed_id!(/// A payment intent.
    PaymentId, "pay");
typed_id!(/// A product.
    ProductId, "prd");
typed_id!(/// A quote.
    QuoteId, "quo");
typed_id!(/// A refund.
    RefundId, "rfd");
typed_id!(/// A review.
    ReviewId, "rev");
typed_id!(/// A run of a job.
    RunId, "run");
typed_id!(/// A signed-in device.
    SessionId, "ses");
typed_id!(/// A store.
    StoreId, "sto");
typed_id!(/// A node of the store category tree.
    StoreCategoryId, "cat");
typed_id!(/// A variant of a product: what is priced, stocked and sold.
    VariantId, "var");
typed_id!(/// A customer's wallet.
    WalletId, "wal");
typed_id!(/// A movement of a wallet.
    WalletTransactionId, "wtx");
