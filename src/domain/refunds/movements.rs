//! Where a refund's amounts come from: the movements that are posted when it is decided.

use crate::domain::ledger::journal::Movement;
use crate::domain::ledger::{Account, AccountCode, Owner};
use crate::domain::merchants::{GatewayAccount, Recognise, Role};
use crate::domain::settlement::Settlement;
use crate::ids::SupplierId;
use crate::money::{Currency, Money, MoneyError, Rate};

use super::mirror::{ConversionRefund, KeptFee, PartRefund};

/// What a supplier's buckets hold in one currency, as far as a refund may touch them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funds {
    /// What is left of this payment's own share, by account (2100, 2130), and the supplier's reserves (2120).
    pub own: Vec<(Account, Money)>,
    /// 2110.
    pub available: Money,
}

impl Funds {
    /// Buckets in the order in which they give: this payment's own share, what is available, and only then reserves, the
    /// one that ends first before the others.
    pub(in crate::domain) fn in_order(self, supplier: SupplierId) -> Vec<(Account, Money)> {
        let is_reserve = |(account, _): &(Account, Money)| account.code == AccountCode::SUPPLIER_RESERVED;
        let (mut reserves, mut buckets): (Vec<_>, Vec<_>) = self.own.into_iter().partition(is_reserve);
        buckets.sort_by_key(|(account, _)| account.code);
        let available = Account::new(AccountCode::SUPPLIER_AVAILABLE, Owner::of(supplier));
        buckets.push((available, self.available));
        // One supplier's differ by their day alone, year first.
        reserves.sort_by(|(one, _), (other, _)| one.owner.as_str().cmp(other.owner.as_str()));
        buckets.append(&mut reserves);
        buckets
    }
}

/// Who bears the change of the rate since a converted share was converted.
#[derive(Debug, Clone, Default)]
pub enum FxDifference {
    /// The platform: the supplier gives back what it got.
    #[default]
    Platform,
    /// The supplier: it gives what its share is worth at these mid rates.
    Supplier(Vec<Rate>),
}

/// What goes back, before it is known who pays.
pub(super) struct Mirror<'a> {
    pub settlement: &'a Settlement,
    pub account: &'a GatewayAccount,
    pub amount: Money,
    pub parts: &'a [PartRefund],
    pub conversions: &'a [ConversionRefund],
    pub fee_owner: KeptFee,
}

impl Mirror<'_> {
    /// Every movement of the decision; they balance in every currency.
    pub fn movements(
        &self,
        funds: &dyn Fn(SupplierId, Currency) -> Funds,
    ) -> Result<Vec<Movement>, MoneyError> {
        let mut movements = Vec::new();
        for (supplier, owed) in self.owed()? {
            let currency = owed.currency();
            movements.extend(debit_supplier(supplier, owed, funds(supplier, currency))?);
        }
        for conversion in self.conversions {
            let pair = format!("{}{}", conversion.from.currency(), conversion.paid.currency());
            let markup = conversion.at_mid.checked_sub(conversion.paid)?;
            let position = Account::new(AccountCode::FX_POSITION, Owner::none());
            movements
                .push(Movement::debit(Account::new(AccountCode::REVENUE_FX_MARKUP, Owner::of(pair)), markup));
            movements.push(Movement::credit(position.clone(), conversion.at_mid));
            movements.push(Movement::debit(position, conversion.from));
        }
        movements.extend(self.platform()?);
        let in_transit = Account::new(AccountCode::REFUND_IN_TRANSIT, Owner::of(&self.account.name));
        movements.push(Movement::credit(in_transit, self.amount));
        movements.retain(|movement| !movement.amount.is_zero());
        Ok(movements)
    }

    /// What each supplier owes, by currency, in the order of the parts: its share (in its own currency where that was
    /// converted) and the fee it bears.
    fn owed(&self) -> Result<Vec<(SupplierId, Money)>, MoneyError> {
        let mut owed: Vec<(SupplierId, Money)> = Vec::new();
        let mut add = |supplier: SupplierId, amount: Money| {
            let known =
                owed.iter_mut().find(|(of, sum)| *of == supplier && sum.currency() == amount.currency());
            match known {
                Some((_, sum)) => *sum = sum.checked_add(amount)?,
                None => owed.push((supplier, amount)),
            }
            Ok::<(), MoneyError>(())
        };
        for (part, refund) in self.settlement.parts.iter().zip(self.parts) {
            let Some(supplier) = part.supplier else { continue };
            add(supplier, refund.share)?;
            let (by_supplier, _) = self.fee_owner.of(part, refund)?;
            add(supplier, by_supplier)?;
        }
        for conversion in self.conversions {
            add(conversion.supplier, conversion.from.negated())?;
            add(conversion.supplier, conversion.paid)?;
        }
        owed.retain(|(_, amount)| !amount.is_zero());
        Ok(owed)
    }

    /// What the platform gives back: commission (deferred or earned), tax, the recharge of a fee it now bears itself;
    /// and where the gateway converted, the way back through the position account.
    fn platform(&self) -> Result<Vec<Movement>, MoneyError> {
        let settlement = self.settlement;
        let zero = Money::zero(settlement.shared_currency());
        let (mut deferred, mut commission, mut own_sales, mut tax) = (zero, zero, zero, zero);
        let mut pot = zero;
        let mut recharge = Money::zero(settlement.gross.currency());
        let mut converted = recharge;
        for (part, refund) in settlement.parts.iter().zip(self.parts) {
            let earned = refund.commission.checked_sub(refund.from_deferred)?;
            let sum = if part.supplier.is_some() { &mut commission } else { &mut own_sales };
            *sum = sum.checked_add(earned)?;
            deferred = deferred.checked_add(refund.from_deferred)?;
            tax = tax.checked_add(refund.tax)?;
            pot = pot.checked_add(refund.share)?.checked_add(refund.commission)?.checked_add(refund.tax)?;
            converted = converted.checked_add(refund.charged)?.checked_sub(refund.fee_borne)?;
            // What the platform now bears of a recharged fee is no longer recharged; what a supplier now bears for the
            // first time is.
            let (by_supplier, _) = self.fee_owner.of(part, refund)?;
            recharge = recharge.checked_add(refund.fee_borne)?.checked_sub(by_supplier)?;
        }
        let plain = |code| Account::new(code, Owner::none());
        let revenue = match settlement.role {
            Role::Agent => AccountCode::REVENUE_COMMISSION,
            Role::Principal => AccountCode::REVENUE_OWN_SALES,
        };
        let mut movements = Vec::new();
        if settlement.recognise == Recognise::Delivered {
            movements.push(Movement::debit(plain(AccountCode::COMMISSION_DEFERRED), deferred));
        }
        movements.push(Movement::debit(plain(revenue), commission));
        movements.push(Movement::debit(plain(AccountCode::REVENUE_OWN_SALES), own_sales));
        let output = Account::new(AccountCode::TAX_OUTPUT, Owner::of(&settlement.jurisdiction));
        movements.push(Movement::debit(output, tax));
        let recharged = Owner::of(&self.account.name);
        let recharged = Account::new(AccountCode::COST_GATEWAY_FEE_RECHARGED, recharged);
        movements.push(Movement::debit(recharged, recharge));
        if settlement.received.is_some() {
            movements.push(Movement::credit(plain(AccountCode::FX_POSITION), pot));
            movements.push(Movement::debit(plain(AccountCode::FX_POSITION), converted));
        }
        Ok(movements)
    }
}

/// Buckets in their order; what they do not hold becomes a debt.
pub(in crate::domain) fn debit_supplier(
    supplier: SupplierId,
    owed: Money,
    funds: Funds,
) -> Result<Vec<Movement>, MoneyError> {
    let bucket = |code| Account::new(code, Owner::of(supplier));
    if owed.is_negative() {
        // A cent that an earlier refund, failed since, had rounded the other way.
        return Ok(vec![Movement::debit(bucket(AccountCode::SUPPLIER_AVAILABLE), owed)]);
    }
    let mut left = owed;
    let mut movements = Vec::new();
    for (account, holds) in funds.in_order(supplier) {
        let taken = left.min(holds)?.max(Money::zero(left.currency()))?;
        movements.push(Movement::debit(account, taken));
        left = left.checked_sub(taken)?;
    }
    movements.push(Movement::debit(bucket(AccountCode::SUPPLIER_RECEIVABLE), left));
    Ok(movements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::domain::ledger::journal::reserve;
    use crate::ids::IdSource;

    #[test]
    fn own_share_and_available_give_before_reserves_and_these_before_a_debt() {
        let supplier: SupplierId =
            IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 1).mint();
        let usd = |minor| Money::from_minor(minor, Currency::find("USD").unwrap());
        let of = |code| Account::new(code, Owner::of(supplier));
        let funds = Funds {
            own: vec![
                (reserve(supplier, "2027-02-01"), usd(30)),
                (of(AccountCode::SUPPLIER_PENDING), usd(10)),
                (reserve(supplier, "2027-01-31"), usd(40)),
            ],
            available: usd(20),
        };
        // Own, available, the reserve that ends first, the other one, debt.
        for (owed, given) in [
            (5, [5, 0, 0, 0, 0]),
            (30, [10, 20, 0, 0, 0]),
            (45, [10, 20, 15, 0, 0]),
            (95, [10, 20, 40, 25, 0]),
            (101, [10, 20, 40, 30, 1]),
        ] {
            let movements = debit_supplier(supplier, usd(owed), funds.clone()).unwrap();
            let seen: Vec<i64> = movements.iter().map(|movement| movement.amount.minor()).collect();
            assert_eq!(seen, given, "{owed}");
            let accounts: Vec<Account> = movements.into_iter().map(|movement| movement.account).collect();
            assert_eq!(accounts[2], reserve(supplier, "2027-01-31"));
            assert_eq!(accounts[4], of(AccountCode::SUPPLIER_RECEIVABLE));
        }
    }
}
