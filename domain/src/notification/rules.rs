//! What people read: one row per event kind and audience, in Arabic and English.

use crate::text::LocalText;

use super::model::{Audience, Priority};

/// What may be filled into a template. Nothing personal: other people's names and addresses are not facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The human number of the order, `{number}`.
    pub number: Option<String>,
    /// The store's name, `{store}`.
    pub store: Option<LocalText>,
    /// Promised minutes, `{minutes}`.
    pub minutes: Option<i64>,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// The event kind.
    pub kind: &'static str,
    /// As what a person is told.
    pub audience: Audience,
    /// How much it matters.
    pub priority: Priority,
    title: (&'static str, &'static str),
    body: (&'static str, &'static str),
}

impl Template {
    /// The headline with the facts filled in.
    #[must_use]
    pub fn title(&self, facts: &Facts) -> LocalText {
        fill(self.title, facts)
    }

    /// The sentence with the facts filled in.
    #[must_use]
    pub fn body(&self, facts: &Facts) -> LocalText {
        fill(self.body, facts)
    }
}

/// The row for a kind and an audience; `None` when that audience is not told.
#[must_use]
pub fn template(kind: &str, audience: Audience) -> Option<&'static Template> {
    TEMPLATES.iter().find(|row| row.kind == kind && row.audience == audience)
}

fn fill((ar, en): (&str, &str), facts: &Facts) -> LocalText {
    let number = facts.number.as_deref().unwrap_or_default();
    let minutes = facts.minutes.map(|m| m.to_string()).unwrap_or_default();
    let empty = LocalText::new("", "");
    let store = facts.store.as_ref().unwrap_or(&empty);
    let one = |text: &str, store: &str| {
        let filled =
            text.replace("{number}", number).replace("{minutes}", &minutes).replace("{store}", store);
        // A missing fact leaves two blanks behind.
        filled.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    LocalText::new(one(ar, &store.ar), one(en, &store.en))
}

const fn row(
    kind: &'static str,
    audience: Audience,
    priority: Priority,
    title: (&'static str, &'static str),
    body: (&'static str, &'static str),
) -> Template {
    Template { kind, audience, priority, title, body }
}

use Audience::{Courier, Customer, Ops, Store};
use Priority::{High, Low, Normal};

/// The table. Arabic first, English second.
pub const TEMPLATES: &[Template] = &[
    row(
        "account.created",
        Customer,
        Low,
        ("أهلاً بك في درعا", "Welcome to Daraa"),
        ("حسابك جاهز للطلب.", "Your account is ready."),
    ),
    row(
        "delivery.assigned",
        Customer,
        Normal,
        ("تم تعيين مندوب", "Courier assigned"),
        ("مندوب في طريقه لاستلام الطلب {number}.", "A courier is on the way to pick up order {number}."),
    ),
    row(
        "delivery.assigned",
        Store,
        Normal,
        ("المندوب قادم", "Courier on the way"),
        ("مندوب في طريقه لاستلام الطلب {number}.", "A courier is on the way to pick up order {number}."),
    ),
    row(
        "delivery.at_dropoff",
        Customer,
        High,
        ("المندوب عند الباب", "Your courier is here"),
        (
            "وصل المندوب بالطلب {number}. جهّز رمز الاستلام.",
            "Your courier has arrived with order {number}. Have your PIN ready.",
        ),
    ),
    row(
        "delivery.at_pickup",
        Store,
        High,
        ("المندوب في المتجر", "Courier at the store"),
        ("وصل المندوب لاستلام الطلب {number}.", "The courier has arrived to pick up order {number}."),
    ),
    row(
        "delivery.cancelled",
        Courier,
        High,
        ("أُلغي التوصيل", "Delivery cancelled"),
        ("أُلغي التوصيل، لا حاجة لمتابعته.", "The delivery was cancelled; there is nothing more to do."),
    ),
    row(
        "delivery.en_route_to_dropoff",
        Customer,
        Normal,
        ("طلبك في الطريق", "On the way to you"),
        ("الطلب {number} في طريقه إليك.", "Order {number} is on its way to you."),
    ),
    row(
        "delivery.escalated",
        Ops,
        High,
        ("توصيل بلا مندوب", "Delivery without a courier"),
        ("لم يقبل أحد التوصيل، يلزم تدخل.", "Nobody accepted the delivery; please step in."),
    ),
    row(
        "delivery.returned",
        Store,
        Normal,
        ("أُعيد الطلب", "Order brought back"),
        ("أُعيد الطلب {number} إلى المتجر.", "Order {number} was brought back to the store."),
    ),
    row(
        "delivery.returning",
        Customer,
        Normal,
        ("تعذّر التسليم", "Could not be delivered"),
        ("الطلب {number} في طريق العودة إلى المتجر.", "Order {number} is going back to the store."),
    ),
    row(
        "delivery.unassigned",
        Courier,
        High,
        ("سُحب التوصيل", "Delivery taken off you"),
        ("لم يعد التوصيل مسنداً إليك.", "The delivery is no longer yours."),
    ),
    row(
        "delivery.undeliverable",
        Customer,
        High,
        ("لم نتمكن من التسليم", "We could not deliver"),
        ("لم يتمكن المندوب من تسليم الطلب {number}.", "The courier could not deliver order {number}."),
    ),
    row(
        "delivery.undeliverable",
        Ops,
        High,
        ("تعذّر التسليم", "Undeliverable"),
        (
            "لم يُسلَّم الطلب {number}، يلزم قرار.",
            "Order {number} could not be delivered; a decision is needed.",
        ),
    ),
    row(
        "maintenance.drift",
        Ops,
        High,
        ("اختلاف في الفهارس", "Index drift"),
        ("وجدت الصيانة فهارس لا تطابق المعلن.", "Maintenance found indexes that differ from the declaration."),
    ),
    row(
        "job.failed",
        Ops,
        High,
        ("فشلت مهمة مجدولة", "A job failed"),
        ("فشلت مهمة مجدولة، راجع سجل المهام.", "A scheduled job failed; see the job history."),
    ),
    row(
        "offer.made",
        Courier,
        High,
        ("عرض توصيل جديد", "New delivery offer"),
        ("لديك عرض توصيل من {store}.", "You have a delivery offer from {store}."),
    ),
    row(
        "order.accepted",
        Customer,
        Normal,
        ("قُبل طلبك", "Order accepted"),
        ("قبل {store} الطلب {number}.", "{store} accepted order {number}."),
    ),
    row(
        "order.cancelled",
        Courier,
        High,
        ("أُلغي طلب", "Order cancelled"),
        ("أُلغي الطلب {number}.", "Order {number} was cancelled."),
    ),
    row(
        "order.cancelled",
        Customer,
        High,
        ("أُلغي الطلب", "Order cancelled"),
        ("أُلغي الطلب {number}. يُعاد ما دُفع.", "Order {number} was cancelled. What was paid is returned."),
    ),
    row(
        "order.cancelled",
        Store,
        High,
        ("أُلغي الطلب", "Order cancelled"),
        ("أُلغي الطلب {number}، أوقف التحضير.", "Order {number} was cancelled; please stop preparing it."),
    ),
    row(
        "order.completed",
        Customer,
        Normal,
        ("وصل طلبك", "Order completed"),
        ("اكتمل الطلب {number}. قيّم تجربتك مع {store}.", "Order {number} is complete. How was {store}?"),
    ),
    row(
        "order.completed",
        Store,
        Low,
        ("اكتمل الطلب", "Order completed"),
        ("اكتمل الطلب {number}.", "Order {number} is complete."),
    ),
    row(
        "order.delayed",
        Customer,
        Normal,
        ("تأخر الطلب قليلاً", "A little later"),
        ("يحتاج {store} وقتاً إضافياً للطلب {number}.", "{store} needs a little longer for order {number}."),
    ),
    row(
        "order.expired",
        Customer,
        Normal,
        ("انتهت مهلة الدفع", "Payment time ran out"),
        ("لم يُدفع الطلب {number} في الوقت المحدد.", "Order {number} was not paid in time."),
    ),
    row(
        "order.failed",
        Customer,
        High,
        ("تعذّر إتمام الطلب", "Order failed"),
        (
            "تعذّر إتمام الطلب {number}. سنعيد ما دُفع.",
            "Order {number} could not be completed. What was paid is returned.",
        ),
    ),
    row(
        "order.handed_over",
        Customer,
        Low,
        ("خرج طلبك من المتجر", "Order picked up"),
        ("غادر الطلب {number} {store}.", "Order {number} has left {store}."),
    ),
    row(
        "order.late",
        Ops,
        Normal,
        ("طلب متأخر في المتجر", "Order late at the store"),
        ("لم يجهز الطلب {number} لدى {store} في موعده.", "Order {number} is not ready at {store} in time."),
    ),
    row(
        "order.late",
        Store,
        High,
        ("الطلب متأخر", "Order late"),
        (
            "حان موعد الطلب {number}. أعلن جاهزيته أو مدّد الموعد.",
            "Order {number} is overdue. Mark it ready or promise a new time.",
        ),
    ),
    row(
        "order.payment_pending",
        Customer,
        Normal,
        ("بانتظار الدفع", "Waiting for payment"),
        ("أكمل دفع الطلب {number}.", "Please complete the payment of order {number}."),
    ),
    row(
        "order.placed",
        Customer,
        Normal,
        ("استلمنا طلبك", "Order placed"),
        ("أُرسل الطلب {number} إلى {store}.", "Order {number} was sent to {store}."),
    ),
    row(
        "order.placed",
        Store,
        High,
        ("طلب جديد", "New order"),
        ("الطلب {number} ينتظر قبولك.", "Order {number} is waiting for you."),
    ),
    row(
        "order.preparing",
        Customer,
        Low,
        ("طلبك قيد التحضير", "Being prepared"),
        ("بدأ {store} بتحضير الطلب {number}.", "{store} has started on order {number}."),
    ),
    row(
        "order.ready",
        Courier,
        High,
        ("الطلب جاهز", "Order ready"),
        ("الطلب {number} جاهز للاستلام من {store}.", "Order {number} is ready at {store}."),
    ),
    row(
        "order.ready",
        Customer,
        Normal,
        ("طلبك جاهز", "Order ready"),
        ("الطلب {number} جاهز لدى {store}.", "Order {number} is ready at {store}."),
    ),
    row(
        "order.refunded",
        Customer,
        Normal,
        ("أُعيد المبلغ", "Refunded"),
        ("أُعيد مبلغ من الطلب {number}.", "Money of order {number} was returned."),
    ),
    row(
        "order.rejected",
        Customer,
        High,
        ("اعتذر المتجر", "Order not accepted"),
        (
            "لم يتمكن {store} من قبول الطلب {number}. يُعاد ما دُفع.",
            "{store} could not accept order {number}. What was paid is returned.",
        ),
    ),
    row(
        "order.returned",
        Customer,
        Normal,
        ("أُعيد الطلب", "Order returned"),
        ("أُعيد الطلب {number} إلى {store}.", "Order {number} was returned to {store}."),
    ),
    row(
        "outbox.dead_letter",
        Ops,
        High,
        ("حدث لم يُسلَّم", "Event not delivered"),
        ("تعذّر تسليم حدث داخلي، يلزم تدخل.", "An internal event could not be delivered; please step in."),
    ),
    row(
        "payment.captured",
        Customer,
        Low,
        ("تم الدفع", "Payment taken"),
        ("حُصّل مبلغ طلبك.", "The amount of your order was taken."),
    ),
    row(
        "payment.failed",
        Customer,
        High,
        ("لم يتم الدفع", "Payment failed"),
        ("لم تنجح عملية الدفع. جرّب طريقة أخرى.", "The payment did not go through. Please try another way."),
    ),
    row(
        "payment.refunded",
        Customer,
        Normal,
        ("أُعيد المبلغ", "Money returned"),
        ("أعدنا إليك مبلغاً.", "Money was returned to you."),
    ),
    row(
        "payment.requires_action",
        Customer,
        High,
        ("أكّد عملية الدفع", "Confirm your payment"),
        ("يطلب البنك تأكيداً منك.", "Your bank asks you to confirm."),
    ),
    row(
        "review.created",
        Store,
        Low,
        ("تقييم جديد", "New review"),
        ("قيّم أحد الزبائن الطلب {number}.", "A customer reviewed order {number}."),
    ),
    row(
        "staff.invited",
        Customer,
        High,
        ("دعوة للعمل", "Invitation"),
        ("دُعيت للعمل في {store}.", "You are invited to work at {store}."),
    ),
    row(
        "store.approved",
        Store,
        High,
        ("قُبل المتجر", "Store approved"),
        ("يمكن لـ {store} استقبال الطلبات.", "{store} can take orders now."),
    ),
    row(
        "store.submitted",
        Ops,
        Normal,
        ("متجر ينتظر الموافقة", "Store waiting"),
        ("{store} ينتظر الموافقة.", "{store} is waiting for approval."),
    ),
    row(
        "store.suspended",
        Store,
        High,
        ("أُوقف المتجر", "Store suspended"),
        ("أُوقف {store} عن استقبال الطلبات.", "{store} cannot take orders for now."),
    ),
];
