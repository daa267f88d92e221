//! What a fee should be: under which terms a payment was charged, and what the contract makes of its amount.

use std::collections::HashMap;
use std::num::NonZeroU32;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The method of a payment whose record names none, and of a line that no payment here is.
pub const UNKNOWN_METHOD: &str = "unknown";

/// A percentage and a fixed part, as the rules in force come to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Contract {
    /// Percent of the gross.
    pub percent: Decimal,
    /// In the currency.
    pub fixed: Decimal,
}

/// What payments are charged alike by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FeeTerms {
    /// The gateway's method, or [`UNKNOWN_METHOD`].
    pub method: String,
    /// `None` where no rule applies.
    pub contract: Option<Contract>,
}

/// The place of terms in their table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermsId(NonZeroU32);

/// What the contract makes of one payment, small enough for a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// By which terms.
    pub terms: TermsId,
    /// The fee without tax, minor units; 0 where no rule applies.
    pub fee: i64,
    /// By how many minor units less, and
    pub below: u8,
    /// by how many more it may be that only the rounding differs.
    pub above: u8,
}

/// The terms of a bill's payments: few, named once.
#[derive(Debug, Default)]
pub struct Terms {
    all: Vec<FeeTerms>,
    ids: HashMap<FeeTerms, TermsId>,
}

impl Terms {
    /// The place of these terms.
    pub fn id(&mut self, terms: FeeTerms) -> TermsId {
        if let Some(id) = self.ids.get(&terms) {
            return *id;
        }
        self.all.push(terms.clone());
        let place = u32::try_from(self.all.len()).ok().and_then(NonZeroU32::new);
        let id = TermsId(place.unwrap_or(NonZeroU32::MAX));
        self.ids.insert(terms, id);
        id
    }

    /// The terms at a place.
    pub fn get(&self, id: TermsId) -> Option<&FeeTerms> {
        self.all.get(usize::try_from(id.0.get()).ok()?.checked_sub(1)?)
    }
}
