//! Stock arithmetic. Pure.

use std::collections::BTreeMap;

use super::model::{MAX_QUANTITY, StockItem};
use crate::ids::{ProductId, StoreId, VariantId};

/// How much of a variant can be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StockLevel {
    /// Not counted: as much as one likes while its switch is on.
    Untracked,
    /// So many.
    Left(i64),
}

impl StockLevel {
    /// Whether `quantity` can be bought.
    #[must_use]
    pub fn covers(self, quantity: i64) -> bool {
        match self {
            Self::Untracked => true,
            Self::Left(left) => quantity <= left,
        }
    }
}

impl StockItem {
    /// The books of a new variant.
    #[must_use]
    pub fn opened(
        id: VariantId,
        store_id: StoreId,
        product_id: ProductId,
        tracked: bool,
        on_hand: i64,
    ) -> Self {
        Self {
            id,
            store_id,
            product_id,
            tracked,
            on_hand,
            reserved: 0,
            sold: 0,
            adjusted: 0,
            initial: on_hand,
            reservations: Vec::new(),
            version: 1,
        }
    }

    /// How much can be bought.
    #[must_use]
    pub fn level(&self) -> StockLevel {
        if self.tracked { StockLevel::Left(self.on_hand) } else { StockLevel::Untracked }
    }

    /// Whether the books of this variant are right (invariant I4).
    #[must_use]
    pub fn balanced(&self) -> bool {
        let held: Option<i64> =
            self.reservations.iter().try_fold(0_i64, |sum, r| sum.checked_add(r.quantity));
        let total = self
            .on_hand
            .checked_add(self.reserved)
            .and_then(|sum| sum.checked_add(self.sold))
            .and_then(|sum| sum.checked_add(self.adjusted));
        self.on_hand >= 0
            && self.reserved >= 0
            && self.sold >= 0
            && total == Some(self.initial)
            && held == Some(self.reserved)
    }
}

/// Lines of an order as one quantity per variant, in the order of ids; `None` when a quantity is out of bounds.
#[must_use]
pub fn totals(lines: &[(VariantId, i64)]) -> Option<BTreeMap<VariantId, i64>> {
    let mut out: BTreeMap<VariantId, i64> = BTreeMap::new();
    for (variant, quantity) in lines {
        if !(1..=MAX_QUANTITY).contains(quantity) {
            return None;
        }
        let sum = out.entry(*variant).or_default();
        *sum = sum.checked_add(*quantity).filter(|sum| *sum <= MAX_QUANTITY)?;
    }
    Some(out)
}
