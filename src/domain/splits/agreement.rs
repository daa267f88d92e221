//! Terms that are complete: checked once against the amount, before a payment is made.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::domain::fees::{Bearer, Commission, Denomination, Figure};
use crate::ids::SupplierId;
use crate::money::{AllocationPolicy, Currency, Money, Percent};

use super::error::SplitError;
use super::terms::{Item, Share, ShareBase, Split, Terms};

/// Terms of one payment that hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    pub(super) terms: Terms,
    amount: Money,
}

impl Agreement {
    /// Checks everything that does not depend on the fee.
    ///
    /// # Errors
    /// [`SplitError`] naming the place.
    pub fn try_new(terms: Terms, amount: Money) -> Result<Agreement, SplitError> {
        if !amount.is_positive() {
            return Err(SplitError::NothingToDivide(amount));
        }
        check_splits(&terms, amount.currency())?;
        check_platform_fee(&terms, amount.currency())?;
        check_items(&terms.items, amount)?;
        let sells = |supplier: SupplierId| terms.items.iter().any(|item| item.supplier == Some(supplier));
        let idle = terms.splits.iter().position(|split| !terms.items.is_empty() && !sells(split.supplier));
        if let Some(index) = idle {
            return Err(SplitError::SupplierWithoutItem(index));
        }
        Ok(Agreement { terms, amount })
    }

    /// What it divides.
    pub fn amount(&self) -> Money {
        self.amount
    }

    /// The terms.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Who bears the gateway's fee, where the payment says.
    pub fn fee_bearer(&self) -> Option<Bearer> {
        self.terms.fee_bearer
    }

    /// Where leftover minor units go.
    pub fn policy(&self) -> AllocationPolicy {
        self.terms.split_policy
    }

    /// The commission: the payment's own, else `rules`.
    pub fn commission(&self, rules: Commission) -> Commission {
        self.terms.platform_fee.as_ref().map_or(rules, super::PlatformFee::commission)
    }

    /// Every supplier that may get something, in the order of splits and items.
    pub fn suppliers(&self) -> Vec<SupplierId> {
        self.terms.suppliers()
    }

    /// What the splits and commission look like, hashed: the version that settlement lines quote.
    pub fn version(&self) -> String {
        let text = serde_json::to_vec(&self.terms).unwrap_or_default();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text);
        hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

fn check_splits(terms: &Terms, currency: Currency) -> Result<(), SplitError> {
    let with_items = !terms.items.is_empty();
    let mut suppliers = BTreeSet::new();
    let mut remainders = 0;
    for (index, Split { supplier, share }) in terms.splits.iter().enumerate() {
        if !suppliers.insert(*supplier) {
            return Err(SplitError::SupplierTwice(index));
        }
        remainders += usize::from(*share == Share::Remainder);
        if remainders > 1 && !with_items {
            return Err(SplitError::TwoRemainders(index));
        }
        check_share(index, share, currency)?;
    }
    // With items every supplier's percentages are of its own goods.
    let groups: Vec<&[Split]> =
        if with_items { terms.splits.chunks(1).collect() } else { vec![&terms.splits[..]] };
    groups.into_iter().try_for_each(check_ratios)
}

fn check_share(index: usize, share: &Share, currency: Currency) -> Result<(), SplitError> {
    let money = |key: &str, figure: &Figure| {
        let param = format!("splits[{index}].share.{key}");
        figure.money(Denomination::of(currency)).map_err(|source| SplitError::Figure { param, source })
    };
    match share {
        Share::Fixed(fixed) => money("fixed", fixed).map(|_| ()),
        Share::Percent { cap, minimum, .. } => {
            let cap = cap.as_ref().map(|cap| money("cap", cap)).transpose()?;
            let minimum = minimum.as_ref().map(|minimum| money("minimum", minimum)).transpose()?;
            match (minimum, cap) {
                (Some(minimum), Some(cap)) if minimum.minor() > cap.minor() => {
                    Err(SplitError::MinimumAboveCap(index))
                }
                _ => Ok(()),
            }
        }
        Share::Remainder => Ok(()),
    }
}

fn check_ratios(splits: &[Split]) -> Result<(), SplitError> {
    let bases = [(ShareBase::Net, "net"), (ShareBase::Gross, "gross"), (ShareBase::Received, "received")];
    for (base, name) in bases {
        let percents = splits.iter().filter_map(|split| match &split.share {
            Share::Percent { percent, of, .. } if *of == base => Some(percent.value()),
            _ => None,
        });
        let sum: Decimal = percents.sum();
        if sum > Decimal::ONE_HUNDRED {
            let sum = Percent::try_new(sum).unwrap_or(Percent::HUNDRED);
            return Err(SplitError::RatiosExceed { base: name, sum });
        }
    }
    Ok(())
}

fn check_platform_fee(terms: &Terms, currency: Currency) -> Result<(), SplitError> {
    let Some(fee) = &terms.platform_fee else { return Ok(()) };
    for (key, figure) in [("fixed", &fee.fixed), ("minimum", &fee.minimum), ("cap", &fee.cap)] {
        if let Some(figure) = figure {
            let param = format!("platform_fee.{key}");
            figure
                .money(Denomination::of(currency))
                .map_err(|source| SplitError::Figure { param, source })?;
        }
    }
    Ok(())
}

fn check_items(items: &[Item], amount: Money) -> Result<(), SplitError> {
    let mut names = BTreeSet::new();
    let mut sum = Money::zero(amount.currency());
    for (index, item) in items.iter().enumerate() {
        if item.amount.currency() != amount.currency() {
            let (given, expected) = (item.amount.currency(), amount.currency());
            return Err(SplitError::ItemCurrency { index, given, expected });
        }
        if !item.amount.is_positive() {
            return Err(SplitError::ItemNotPositive { index, amount: item.amount });
        }
        if !names.insert(&item.reference) {
            return Err(SplitError::ItemTwice { index, reference: item.reference.clone() });
        }
        sum = sum.checked_add(item.amount)?;
    }
    if !items.is_empty() && sum != amount {
        return Err(SplitError::ItemsDoNotSum { sum, amount });
    }
    Ok(())
}
