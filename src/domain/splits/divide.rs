//! The division itself: an agreement meets the money that is there.

use serde::{Deserialize, Serialize};

use crate::domain::fees::{Commission, Denomination, FeeLine};
use crate::ids::SupplierId;
use crate::money::{AllocationPolicy, Money, Rate, allocate};

use super::agreement::Agreement;
use super::allocation::{Bases, allocate_shares};
use super::error::SplitError;
use super::terms::Share;

/// What there is to divide, and what the gateway's fee leaves of it.
#[derive(Debug, Clone, Copy)]
pub struct Pot {
    /// What the payer was charged.
    pub charged: Money,
    /// What the gateway takes, tax included.
    pub fee: Money,
    /// The suppliers' part of the fee; tax is never in it.
    pub suppliers_bear: Money,
    /// The payer's part of the fee, tax included.
    pub payer_bears: Money,
    /// The tax inside the payer's part.
    pub payer_tax: Money,
    /// What the gateway credited after converting itself, and its rate.
    pub received: Option<(Money, Rate)>,
}

/// What one split or one item comes to. `charged = fee_borne + share + commission + tax`, where the gateway converted:
/// the part of the charge that was converted stands for the last three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The item's name, where items were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Whose; `None`: the platform's own sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<SupplierId>,
    /// What the payer was charged for it, in the payment's currency.
    pub charged: Money,
    /// The gateway's fee inside `charged` that the supplier or payer bears, in the payment's currency.
    pub fee_borne: Money,
    /// The gateway's fee that the platform bears for it, in the payment's currency; inside nothing here.
    pub fee_absorbed: Money,
    /// What the supplier gets.
    pub share: Money,
    /// What the platform gets: commission, rest, own sale.
    pub commission: Money,
    /// Tax on the commission.
    pub tax: Money,
}

/// A payment, divided.
#[derive(Debug)]
pub struct Division {
    /// One part for each split or item; the charges sum to what was charged.
    pub parts: Vec<Part>,
    /// What each supplier gets, in the order of the splits, with the arithmetic.
    pub shares: Vec<(SupplierId, Money, String)>,
    /// The commission's arithmetic.
    pub commission: Vec<FeeLine>,
    /// The arithmetic of the tax on it.
    pub tax: Vec<FeeLine>,
}

impl Agreement {
    /// Divides the pot. Every minor unit ends in exactly one part.
    ///
    /// # Errors
    /// [`SplitError`] when commission, fee or shares exceed what is there.
    pub fn divide(&self, pot: &Pot, commission: &Commission) -> Result<Division, SplitError> {
        let currency = pot.charged.currency();
        let whole = match pot.received {
            Some((received, _)) => received,
            None => pot.charged.checked_sub(pot.payer_bears)?,
        };
        if !whole.is_positive() {
            return Err(SplitError::FeeExceedsCharge { fee: pot.fee, gross: pot.charged });
        }
        let denomination = Denomination { currency, converted: pot.received.map(|(_, rate)| rate) };
        let room = Room { agreement: self, pot, whole, denomination };
        let mut division =
            if self.terms.items.is_empty() { room.by_split(commission)? } else { room.by_item(commission)? };
        room.charge(&mut division.parts)?;
        Ok(division)
    }
}

/// One division under way.
pub(super) struct Room<'a> {
    pub(super) agreement: &'a Agreement,
    pub(super) pot: &'a Pot,
    /// What is shared: the sale, or what was received.
    pub(super) whole: Money,
    pub(super) denomination: Denomination,
}

impl Room<'_> {
    pub(super) fn zero(&self) -> Money {
        Money::zero(self.whole.currency())
    }

    /// Off the shared amount; nothing where the gateway converted, because its fee is off already.
    pub(super) fn suppliers_bear(&self) -> Money {
        if self.pot.received.is_some() { self.zero() } else { self.pot.suppliers_bear }
    }

    /// The part of the gateway's fee that falls on `part` of the whole.
    pub(super) fn fee_on(&self, part: Money) -> Result<Money, SplitError> {
        if self.pot.received.is_some() {
            return Ok(self.zero());
        }
        // What the payer bears is not in the whole.
        let fee = self.pot.fee.checked_sub(self.pot.payer_bears)?;
        self.proportion(fee, part)
    }

    pub(super) fn proportion(&self, of: Money, part: Money) -> Result<Money, SplitError> {
        Ok(of.prorated(part, self.whole)?)
    }

    /// Without items: the splits divide the whole.
    fn by_split(&self, commission: &Commission) -> Result<Division, SplitError> {
        let splits = &self.agreement.terms.splits;
        if splits.is_empty() {
            let own = self.part(None, None, self.zero(), self.whole, self.zero(), self.zero());
            return Ok(Division { parts: vec![own], shares: vec![], commission: vec![], tax: vec![] });
        }
        let borne = self.suppliers_bear();
        let (fees, taxes) =
            commission.price(self.whole, self.whole.checked_sub(borne)?, self.denomination)?;
        let (fee, tax) = (self.total(&fees)?, self.total(&taxes)?);
        let net = self.net(self.whole, fee, tax, borne)?;
        let received = self.whole.checked_sub(self.fee_on(self.whole)?)?.max(self.zero())?;
        let bases = Bases { gross: self.whole, net, received };
        let shares: Vec<&Share> = splits.iter().map(|split| &split.share).collect();
        let policy = self.agreement.policy();
        let allocated = allocate_shares(&shares, &bases, borne, self.denomination, policy, 0)?;
        let shared = Money::sum(net.currency(), allocated.amounts.iter().copied())?;
        let kept = fee.checked_add(net.checked_sub(shared)?)?;
        let kept = weigh(kept, &allocated.amounts)?;
        let tax = weigh(tax, &allocated.amounts)?;
        let borne = weigh(borne, &allocated.amounts)?;
        let parts = (0..splits.len()).map(|index| {
            let share = allocated.amounts[index];
            self.part(None, Some(splits[index].supplier), share, kept[index], tax[index], borne[index])
        });
        let parts = parts.collect();
        let named = splits.iter().map(|split| split.supplier);
        let shares = named.zip(allocated.amounts).zip(allocated.explained);
        let shares = shares.map(|((supplier, amount), explain)| (supplier, amount, explain)).collect();
        Ok(Division { parts, shares, commission: fees, tax: taxes })
    }

    /// What is left to share; zero is allowed, less is not.
    pub(super) fn net(
        &self,
        gross: Money,
        fee: Money,
        tax: Money,
        borne: Money,
    ) -> Result<Money, SplitError> {
        let commission = fee.checked_add(tax)?;
        let net = gross.checked_sub(commission)?.checked_sub(borne)?;
        if net.is_negative() {
            return Err(SplitError::NegativeNet { gross, commission, borne });
        }
        Ok(net)
    }

    pub(super) fn total(&self, lines: &[FeeLine]) -> Result<Money, SplitError> {
        Ok(Money::sum(self.whole.currency(), lines.iter().map(|line| line.amount))?)
    }

    pub(super) fn part(
        &self,
        item: Option<String>,
        supplier: Option<SupplierId>,
        share: Money,
        commission: Money,
        tax: Money,
        fee_borne: Money,
    ) -> Part {
        let zero = Money::zero(self.pot.charged.currency());
        Part { item, supplier, charged: zero, fee_borne, fee_absorbed: zero, share, commission, tax }
    }

    /// Says of each part what the payer was charged for it, and spreads what is not shared: the payer's part of the
    /// fee, the fee of a gateway that converted, and the fee that the platform bears.
    fn charge(&self, parts: &mut [Part]) -> Result<(), SplitError> {
        let zero = Money::zero(self.pot.charged.currency());
        let mut worth = Vec::with_capacity(parts.len());
        for part in parts.iter() {
            let pot = part.share.checked_add(part.commission)?.checked_add(part.tax)?;
            let fee = if self.pot.received.is_some() { self.zero() } else { part.fee_borne };
            worth.push(pot.checked_add(fee)?);
        }
        if self.pot.received.is_some() {
            let charged = weigh(self.pot.charged, &worth)?;
            let fees = weigh(self.pot.fee, &charged)?;
            for (part, (charged, fee)) in parts.iter_mut().zip(charged.into_iter().zip(fees)) {
                (part.charged, part.fee_borne) = (charged, fee);
            }
            return Ok(());
        }
        let surcharge = weigh(self.pot.payer_bears.checked_sub(self.pot.payer_tax)?, &worth)?;
        let surcharge_tax = weigh(self.pot.payer_tax, &worth)?;
        let mut borne = zero;
        for (index, part) in parts.iter_mut().enumerate() {
            part.fee_borne = part.fee_borne.checked_add(surcharge[index])?;
            part.commission = part.commission.checked_add(surcharge_tax[index])?;
            part.charged = worth[index].checked_add(surcharge[index])?.checked_add(surcharge_tax[index])?;
            borne = borne.checked_add(part.fee_borne)?.checked_add(surcharge_tax[index])?;
        }
        let charged: Vec<Money> = parts.iter().map(|part| part.charged).collect();
        let absorbed = weigh(self.pot.fee.checked_sub(borne)?, &charged)?;
        for (part, absorbed) in parts.iter_mut().zip(absorbed) {
            part.fee_absorbed = absorbed;
        }
        Ok(())
    }
}

/// `whole` by the weights of amounts, largest remainder; by heads where all weigh nothing.
pub(super) fn weigh(whole: Money, by: &[Money]) -> Result<Vec<Money>, SplitError> {
    let mut weights: Vec<_> = by.iter().map(|amount| amount.minor().into()).collect();
    if by.iter().all(|amount| amount.is_zero()) {
        weights = vec![rust_decimal::Decimal::ONE; by.len()];
    }
    Ok(allocate(whole, &weights, AllocationPolicy::LargestRemainder)?.0)
}

pub(super) fn less(from: &[Money], off: &[Money]) -> Result<Vec<Money>, SplitError> {
    Ok(from.iter().zip(off).map(|(from, off)| from.checked_sub(*off)).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::splits::{Item, ItemKind, PlatformFee, ShareBase, Split, Terms};
    use crate::ids::Id;
    use crate::money::{Currency, Rounding};

    fn share() -> impl Strategy<Value = Share> {
        let cents =
            |value: u32| serde_json::from_str(&format!("\"{}.{:02}\"", value / 100, value % 100)).unwrap();
        let base = prop_oneof![Just(ShareBase::Net), Just(ShareBase::Gross), Just(ShareBase::Received)];
        prop_oneof![
            (0_u32..5_000).prop_map(move |value| Share::Fixed(cents(value))),
            (0_u32..5_000, base, prop::option::of(0_u32..2_000), prop::option::of(2_000_u32..4_000))
                .prop_map(move |(percent, of, minimum, cap)| Share::Percent {
                    percent: format!("{}.{:02}", percent / 100, percent % 100).parse().unwrap(),
                    of,
                    cap: cap.map(cents),
                    minimum: minimum.map(cents),
                }),
        ]
    }

    fn terms() -> impl Strategy<Value = Terms> {
        let policy = prop_oneof![
            Just(AllocationPolicy::LargestRemainder),
            Just(AllocationPolicy::FloorThenFirst),
            Just(AllocationPolicy::PlatformTakesRemainder)
        ];
        let item = (1_i64..3_000, 0_u128..4, 0_u8..3);
        let items = prop::collection::vec(item, 0..5);
        (prop::collection::vec(share(), 0..4), any::<bool>(), policy, 0_u32..2_000, 0_u32..2_000, items)
            .prop_map(|(mut shares, remainder, split_policy, percent, tax, items)| {
                if remainder {
                    shares.push(Share::Remainder);
                }
                let usd = Currency::find("USD").unwrap();
                let hundredths = |value: u32| format!("{}.{:02}", value / 100, value % 100).parse().ok();
                let splits = shares.into_iter().enumerate();
                let splits =
                    splits.map(|(n, share)| Split { supplier: SupplierId::from_bits(n as u128), share });
                let items: Vec<Item> = items
                    .into_iter()
                    .enumerate()
                    .map(|(n, (minor, of, kind))| Item {
                        reference: n.to_string(),
                        amount: Money::from_minor(minor, usd),
                        supplier: (of > 0).then(|| SupplierId::from_bits(of)),
                        kind: [ItemKind::Goods, ItemKind::Shipping, ItemKind::Tax][usize::from(kind)],
                    })
                    .collect();
                let sells = |split: &Split| items.iter().any(|item| item.supplier == Some(split.supplier));
                let splits = splits.filter(|split| items.is_empty() || sells(split)).collect();
                Terms {
                    splits,
                    split_policy,
                    fee_bearer: None,
                    platform_fee: Some(PlatformFee {
                        percent: hundredths(percent),
                        fixed: None,
                        of: Default::default(),
                        minimum: None,
                        cap: None,
                        tax: hundredths(tax),
                    }),
                    items,
                }
            })
    }

    proptest! {
        /// Whatever is agreed and whoever bears the fee: either refused, or every minor unit is in exactly one part
        /// and nobody's part is below zero.
        #[test]
        fn every_minor_unit_ends_in_one_part(
            terms in terms(),
            gross in 1_i64..12_000,
            fee in 0_i64..400,
            bearer in 0_u8..3,
            converted: bool,
        ) {
            let usd = Currency::find("USD").unwrap();
            let charged = if terms.items.is_empty() {
                Money::from_minor(gross, usd)
            } else {
                Money::sum(usd, terms.items.iter().map(|item| item.amount)).unwrap()
            };
            let agreement = match Agreement::try_new(terms, charged) {
                Ok(agreement) => agreement,
                Err(_) => return Ok(()),
            };
            let fee = Money::from_minor(fee, usd);
            let zero = Money::zero(usd);
            let eur = Currency::find("EUR").unwrap();
            let rate = Rate::parse(usd, eur, "0.9137").unwrap();
            let net = charged.checked_sub(fee).unwrap();
            let received = converted.then(|| (rate.convert(net).unwrap().round(Rounding::HalfUp), rate));
            let pot = Pot {
                charged,
                fee,
                suppliers_bear: if bearer == 1 && !agreement.suppliers().is_empty() { fee } else { zero },
                payer_bears: if bearer == 2 { fee } else { zero },
                payer_tax: zero,
                received,
            };
            let commission = agreement.commission(Commission::none());
            let Ok(division) = agreement.divide(&pot, &commission) else { return Ok(()) };
            let sum = |of: fn(&Part) -> Money, like: Money| {
                Money::sum(like.currency(), division.parts.iter().map(of)).unwrap()
            };
            prop_assert_eq!(sum(|part| part.charged, charged), charged);
            let shared = sum(|part| part.share, division.parts[0].share)
                .checked_add(sum(|part| part.commission, division.parts[0].share)).unwrap()
                .checked_add(sum(|part| part.tax, division.parts[0].share)).unwrap();
            match received {
                Some((received, _)) => {
                    prop_assert_eq!(shared, received);
                    prop_assert_eq!(sum(|part| part.fee_borne, charged), fee);
                }
                None => {
                    let borne = sum(|part| part.fee_borne, charged);
                    prop_assert_eq!(shared.checked_add(borne).unwrap(), charged);
                    let absorbed = sum(|part| part.fee_absorbed, charged);
                    prop_assert_eq!(borne.checked_add(absorbed).unwrap(), fee);
                }
            }
            for part in &division.parts {
                for amount in [part.charged, part.fee_borne, part.share, part.commission, part.tax] {
                    prop_assert!(!amount.is_negative(), "{:?}", part);
                }
            }
            let shares = division.shares.iter().map(|(_, amount, _)| *amount);
            let of_parts = sum(|part| part.share, division.parts[0].share);
            prop_assert_eq!(Money::sum(of_parts.currency(), shares).unwrap(), of_parts);
        }
    }
}
