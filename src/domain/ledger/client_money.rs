//! The client-money check: what is held for others covers what is owed to them, per currency.
//!
//! Held is the client bank account and what stands at gateways and rails or is on its way; owed is what belongs to
//! suppliers, payers and tax authorities. What is missing has to be added from the operator's own money the same day
//! (`1010 || 1000`), because nobody's money may pay for somebody else's debt. The position of internal conversions (3000)
//! and what suppliers owe (1200) stand beside it: they explain a shortfall, they do not excuse one.

use std::collections::BTreeMap;

use crate::money::{Currency, Money, MoneyError};

use super::account::AccountCode;
use super::balance::{TrialBalance, on_normal_side};
use super::transaction::Layer;

/// Money of others, wherever it stands.
pub const HELD: [AccountCode; 6] = [
    AccountCode::BANK_CLIENT,
    AccountCode::GATEWAY_RECEIVABLE,
    AccountCode::GATEWAY_BALANCE,
    AccountCode::GATEWAY_HELD,
    AccountCode::CASH_IN_TRANSIT,
    AccountCode::RAIL_FLOAT,
];

/// Whose it is.
pub const OWED: [AccountCode; 10] = [
    AccountCode::ORDER_CLEARING,
    AccountCode::CUSTOMER_REFUNDABLE,
    AccountCode::REFUND_IN_TRANSIT,
    AccountCode::SUPPLIER_PENDING,
    AccountCode::SUPPLIER_AVAILABLE,
    AccountCode::SUPPLIER_RESERVED,
    AccountCode::SUPPLIER_HELD,
    AccountCode::PAYOUT_IN_TRANSIT,
    AccountCode::PAYOUT_UNCLAIMED,
    AccountCode::TAX_WITHHELD,
];

/// One currency's check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientMoney {
    /// What is held for others.
    pub held: Money,
    /// What is owed to them.
    pub owed: Money,
    /// Each account's part of `held`, then of `owed`, on its normal side; zeros left out.
    pub accounts: Vec<(AccountCode, Money)>,
    /// Money in suspense (2900), which may turn out to be anybody's.
    pub suspense: Money,
    /// The position of conversions (3000): above zero when long.
    pub position: Money,
    /// What suppliers owe (1200).
    pub receivable: Money,
}

impl ClientMoney {
    /// The check of every currency in a trial balance.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum does not fit.
    pub fn of(trial: &TrialBalance) -> Result<Vec<ClientMoney>, MoneyError> {
        let mut checks: BTreeMap<Currency, ClientMoney> = BTreeMap::new();
        for line in trial.lines.iter().filter(|line| line.layer == Layer::Posted) {
            let (code, currency) = (line.code, line.debit_minus_credit.currency());
            let nothing = Money::zero(currency);
            let check = checks.entry(currency).or_insert(ClientMoney {
                held: nothing,
                owed: nothing,
                accounts: vec![],
                suspense: nothing,
                position: nothing,
                receivable: nothing,
            });
            let shown = on_normal_side(code, line.debit_minus_credit);
            let sum = match code {
                code if HELD.contains(&code) => &mut check.held,
                code if OWED.contains(&code) => &mut check.owed,
                AccountCode::SUSPENSE => &mut check.suspense,
                AccountCode::FX_POSITION => {
                    check.position = check.position.checked_sub(line.debit_minus_credit)?;
                    continue;
                }
                AccountCode::SUPPLIER_RECEIVABLE => &mut check.receivable,
                _ => continue,
            };
            *sum = sum.checked_add(shown)?;
            if HELD.contains(&code) || OWED.contains(&code) {
                check.accounts.push((code, shown));
            }
        }
        Ok(checks.into_values().collect())
    }

    /// Held less owed.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn difference(&self) -> Result<Money, MoneyError> {
        self.held.checked_sub(self.owed)
    }

    /// What has to be added from own money, zero where nothing is missing.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn top_up(&self) -> Result<Money, MoneyError> {
        let difference = self.difference()?;
        difference.negated().max(Money::zero(difference.currency()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ledger::TrialLine;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("USD").unwrap())
    }

    fn check(lines: &[(AccountCode, i64)]) -> ClientMoney {
        let line = |(code, minor): &(AccountCode, i64)| TrialLine {
            code: *code,
            layer: Layer::Posted,
            debit_minus_credit: usd(*minor),
        };
        ClientMoney::of(&TrialBalance { lines: lines.iter().map(line).collect() }).unwrap().remove(0)
    }

    #[test]
    fn a_debt_after_payout_is_a_hole_until_own_money_fills_it() {
        use AccountCode as Code;
        // J16: the gateway stands at -110, the supplier owes 110, nobody else may pay for it.
        let after = [(Code::GATEWAY_BALANCE, -11_000), (Code::SUPPLIER_RECEIVABLE, 11_000)];
        let short = check(&after);
        assert_eq!((short.held, short.owed, short.receivable), (usd(-11_000), usd(0), usd(11_000)));
        assert_eq!(short.top_up().unwrap(), usd(11_000));
        let filled =
            check(&[after[0], after[1], (Code::BANK_CLIENT, 11_000), (Code::BANK_OPERATING, -11_000)]);
        assert_eq!((filled.difference().unwrap(), filled.top_up().unwrap()), (usd(0), usd(0)));
    }

    #[test]
    fn a_position_and_suspense_stand_beside_it() {
        use AccountCode as Code;
        let seen = check(&[
            (Code::GATEWAY_BALANCE, 9_510),
            (Code::SUPPLIER_PENDING, -5_000),
            (Code::FX_POSITION, -8_510),
            (Code::SUSPENSE, -1_000),
            (Code::REVENUE_COMMISSION, -1_000),
        ]);
        assert_eq!((seen.held, seen.owed), (usd(9_510), usd(5_000)));
        assert_eq!((seen.position, seen.suspense), (usd(8_510), usd(1_000)));
        assert_eq!(
            seen.accounts,
            [(Code::GATEWAY_BALANCE, usd(9_510)), (Code::SUPPLIER_PENDING, usd(5_000))]
        );
    }

    #[test]
    fn what_is_expected_is_not_held() {
        let line =
            |layer| TrialLine { code: AccountCode::GATEWAY_BALANCE, layer, debit_minus_credit: usd(100) };
        let lines = vec![line(Layer::Pending), line(Layer::Posted)];
        assert_eq!(ClientMoney::of(&TrialBalance { lines }).unwrap()[0].held, usd(100));
    }
}
