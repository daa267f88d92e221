//! What can be paid to a supplier in one currency: what is available, less its debts up to the cap, less tax withheld;
//! or why nothing is.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::merchants::PayoutAccount;
use crate::domain::treasury::{Expected, carried};
use crate::domain::withholding::Withheld;
use crate::ids::SupplierId;
use crate::money::{Currency, Money, MoneyError, Percent, Rate, RateError, Rounding};

use super::set_off::{ForeignDebt, SetOff};
use super::terms::PayoutTerms;

/// The merchant's rules for payouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutRules {
    /// Only suppliers whose papers were looked at.
    pub must_be_known: bool,
    /// How long a changed account is not paid to.
    pub cooling: TimeDelta,
    /// The most that a first payout to a changed account is, by currency; in others what the first of them is worth. Without
    /// any, nothing is limited.
    pub first_payout: Vec<Money>,
    /// The most of a cycle's balance that goes to debts.
    pub debt_cap: Percent,
    /// So many payouts go out in one call at most; none: as many as the rail takes.
    pub items_per_call: Option<usize>,
}

/// Why a second payout waits for the first.
pub const FIRST_UNDER_WAY: &str = "first_payout_under_way";

impl PayoutRules {
    /// So many payouts of a rail that takes `limit` go out in one call.
    pub fn together(&self, limit: usize) -> usize {
        self.items_per_call.map_or(limit, |most| most.min(limit)).max(1)
    }

    /// Whether a first payout to a changed account is limited.
    pub fn limits_first(&self) -> bool {
        !self.first_payout.is_empty()
    }

    /// The most that a first payout is in a currency, as far as it was valued.
    pub fn first_payout_in(&self, currency: Currency) -> Option<Money> {
        self.first_payout.iter().copied().find(|cap| cap.currency() == currency)
    }

    /// The same with the limit in these currencies too, at `mid` from the first one's, rounded down; those without a rate
    /// stay without it.
    #[must_use]
    pub fn valued(
        mut self,
        currencies: impl IntoIterator<Item = Currency>,
        mid: impl Fn(Currency, Currency) -> Option<Rate>,
    ) -> PayoutRules {
        let Some(first) = self.first_payout.first().copied() else { return self };
        for currency in currencies {
            if self.first_payout_in(currency).is_none() {
                let worth = mid(first.currency(), currency).and_then(|rate| rate.convert(first).ok());
                self.first_payout.extend(worth.map(|worth| worth.round(Rounding::Down)));
            }
        }
        self
    }
}

/// How a supplier stands in one currency when a plan is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Who.
    pub supplier: SupplierId,
    /// The name on its papers.
    pub name: String,
    /// Spendable, from the books (2110).
    pub available: Money,
    /// What it owes, from the books (1200).
    pub owed: Money,
    /// What it owes in other currencies and has agreed to have set off, as far as their own balances leave it.
    pub foreign: Vec<ForeignDebt>,
    /// Tax to be withheld; zero while no rule of any authority is in force here.
    pub withholding: Money,
    /// The same by rule, with its arithmetic.
    pub taxes: Vec<Withheld>,
    /// Its terms.
    pub terms: PayoutTerms,
    /// Its accounts, oldest first.
    pub accounts: Vec<Payee>,
    /// By when its contract wants the balance paid; none where it says nothing.
    pub due: Option<NaiveDate>,
    /// What is known to become available later.
    pub expected: Vec<Expected>,
}

/// An account to pay to, and whether it ever was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payee {
    /// The account.
    pub account: PayoutAccount,
    /// Whether a payout has reached it.
    pub was_paid: bool,
    /// Whether one is on its way to it.
    pub under_way: bool,
    /// Whether the supplier had another before it.
    pub changed: bool,
    /// Whether banks carry the letters of its holder's name and of the supplier's town.
    pub in_bank_letters: bool,
}

/// What can be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payable {
    /// Who.
    pub supplier: SupplierId,
    /// The name on its papers.
    pub name: String,
    /// What leaves its balance.
    pub gross: Money,
    /// Of it, tax withheld.
    pub withholding: Money,
    /// The same by rule.
    pub taxes: Vec<Withheld>,
    /// Of it, set against its debts.
    pub debt: Money,
    /// Of that, against debts in other currencies.
    pub set_off: Vec<SetOff>,
    /// The rest.
    pub net: Money,
    /// Accounts that may be paid to: the newest of each kind.
    pub payees: Vec<Payee>,
    /// Its terms.
    pub terms: PayoutTerms,
    /// By when its contract wants it paid.
    pub due: Option<NaiveDate>,
    /// What is known to become available later.
    pub expected: Vec<Expected>,
}

/// A supplier that is not paid, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Excluded {
    /// Who.
    pub supplier: SupplierId,
    /// What stays owed to it.
    pub available: Money,
    /// A hold's code, `not_known`, `no_account`, `account_cooling`, `first_payout_under_way`, `below_minimum`, `nothing_left`,
    /// `no_route`, `no_rate`, `no_funds` (its account cannot be topped up so far), `waits` (paid with what is released later it
    /// costs less), `too_large`, `dropped`.
    pub reason: String,
    /// More of it, in words.
    pub detail: String,
}

/// Of a supplier's accounts, oldest first, those that are paid to in a currency now: the newest of each kind that is past
/// its cooling period. The first account of all needs none: nothing was changed by it. Where a first payout is limited, no
/// second one follows before it has arrived.
///
/// # Errors
/// Why there is none: the code, and in words.
pub fn reached(
    accounts: &[Payee],
    currency: Currency,
    rules: &PayoutRules,
    now: DateTime<Utc>,
) -> Result<Vec<Payee>, (&'static str, String)> {
    let first = accounts.first().map(|payee| payee.account.id);
    let fits = |payee: &&Payee| payee.account.currency == currency;
    let (mut found, mut cools): (Vec<Payee>, _) = (Vec::new(), None);
    for payee in accounts.iter().rev().filter(fits) {
        let until = payee.account.created_at + rules.cooling;
        if first != Some(payee.account.id) && now < until {
            cools = Some(until);
        } else if !found.iter().any(|newer| newer.account.kind == payee.account.kind) {
            found.push(payee.clone());
        }
    }
    let limited = |payee: &Payee| rules.limits_first() && payee.changed && !payee.was_paid;
    let unvalued = rules.first_payout_in(currency).is_none();
    if unvalued && !found.is_empty() && found.iter().all(limited) {
        let why = "what a first payout to its changed account may be at most has no rate".to_owned();
        return Err(("no_rate", why));
    }
    found.retain(|payee| !(unvalued && limited(payee)));
    let waits = |payee: &Payee| limited(payee) && payee.under_way;
    if !found.is_empty() && found.iter().all(waits) {
        let why = "the first payout to its account has not arrived yet".to_owned();
        return Err((FIRST_UNDER_WAY, why));
    }
    found.retain(|payee| !waits(payee));
    match (found.is_empty(), cools) {
        (false, _) => Ok(found),
        (true, Some(until)) => {
            let why = format!("its account was changed and is not paid to before {until}");
            Err(("account_cooling", why))
        }
        (true, None) => Err(("no_account", format!("no account takes {currency}"))),
    }
}

impl Standing {
    /// The currency.
    pub fn currency(&self) -> Currency {
        self.available.currency()
    }

    /// What can be paid at `now`.
    ///
    /// # Errors
    /// [`Excluded`], with the reason.
    pub fn payable(&self, rules: &PayoutRules, now: DateTime<Utc>) -> Result<Payable, Excluded> {
        if let Some(code) = self.terms.barred(self.currency(), rules.must_be_known, now) {
            return Err(self.excluded(code, "payouts are held".to_owned()));
        }
        let payees = reached(&self.accounts, self.currency(), rules, now);
        let payees = payees.map_err(|(reason, detail)| self.excluded(reason, detail))?;
        let too_large = |error: MoneyError| self.excluded("nothing_left", error.to_string());
        let (most, own) = self.netted(rules).map_err(too_large)?;
        let (mut debt, mut set_off) = (own, Vec::new());
        for foreign in &self.foreign {
            let room = most.checked_sub(debt).map_err(too_large)?;
            let unrated = |error: RateError| self.excluded("nothing_left", error.to_string());
            if let Some(covered) = foreign.covered_by(room).map_err(unrated)? {
                debt = debt.checked_add(covered.taken).map_err(too_large)?;
                set_off.push(covered);
            }
        }
        let net = self.available.checked_sub(self.withholding).and_then(|rest| rest.checked_sub(debt));
        let net = net.map_err(too_large)?;
        // What no bank carries stays in the balance; what a single rail does not, the planner leaves there.
        let over = Money::from_minor(net.minor() % carried(self.currency()), self.currency());
        let net = net.checked_sub(over).map_err(too_large)?;
        if !net.is_positive() {
            let why = format!("{} is owed and {} withheld", self.owed, self.withholding);
            return Err(self.excluded("nothing_left", why));
        }
        let minimum = self.terms.minimum_in(self.currency());
        if net.minor() < minimum.minor() {
            return Err(self.excluded("below_minimum", format!("{net} is less than {minimum}")));
        }
        Ok(Payable {
            supplier: self.supplier,
            name: self.name.clone(),
            gross: self.available.checked_sub(over).map_err(too_large)?,
            withholding: self.withholding,
            taxes: self.taxes.clone(),
            debt,
            set_off,
            net,
            payees,
            terms: self.terms.clone(),
            due: self.due,
            expected: self.expected.clone(),
        })
    }

    /// The most of the balance that goes to debts in this cycle, and what of it goes to those in its own currency. Debts
    /// come off payouts: whatever the cap, the least that is paid out is left, or nothing would ever come off. What the least
    /// item of its routes is, the planner knows.
    ///
    /// # Errors
    /// [`MoneyError`] when an amount does not fit.
    pub fn netted(&self, rules: &PayoutRules) -> Result<(Money, Money), MoneyError> {
        let currency = self.currency();
        let least = self.terms.minimum_in(currency).max(Money::from_minor(carried(currency), currency))?;
        let room = self.available.checked_sub(self.withholding)?.checked_sub(least)?;
        let most = self.most_netted(self.available, rules)?.min(room.max(Money::zero(currency))?)?;
        Ok((most, self.owed.min(most)?))
    }

    /// The most of a balance of the supplier's that goes to debts in a cycle, rounded down.
    ///
    /// # Errors
    /// [`MoneyError`] when it does not fit.
    pub fn most_netted(&self, available: Money, rules: &PayoutRules) -> Result<Money, MoneyError> {
        let cap = self.terms.debt_cap.unwrap_or(rules.debt_cap);
        Ok(available.percent(cap)?.round(Rounding::Down))
    }

    fn excluded(&self, reason: &str, detail: String) -> Excluded {
        Excluded { supplier: self.supplier, available: self.available, reason: reason.to_owned(), detail }
    }
}

impl Payable {
    /// The same, not paid after all.
    pub fn excluded(&self, reason: &str, detail: String) -> Excluded {
        Excluded { supplier: self.supplier, available: self.gross, reason: reason.to_owned(), detail }
    }

    /// The same with less of its debts taken, so that at least so much is left to pay; none where no more is needed, or its
    /// debts take less. Those in its own currency give way where they suffice, else those in others, the last one first.
    pub(super) fn leaving(&self, net: Money) -> Option<Payable> {
        let more = net.checked_sub(self.net).ok().filter(|more| more.is_positive())?;
        let taken = |set_off: &[SetOff]| {
            Money::sum(self.debt.currency(), set_off.iter().map(|set_off| set_off.taken)).ok()
        };
        let mut own = self.debt.checked_sub(taken(&self.set_off)?).ok()?;
        let (mut set_off, mut lacks) = (self.set_off.clone(), more);
        while own.minor() < lacks.minor()
            && let Some(last) = set_off.pop()
        {
            let less = last.less(lacks).ok()?;
            let given = less.map_or(Ok(last.taken), |less| last.taken.checked_sub(less.taken)).ok()?;
            set_off.extend(less);
            lacks = lacks.checked_sub(given).ok()?.max(Money::zero(lacks.currency())).ok()?;
        }
        own = own.checked_sub(lacks).ok().filter(|own| !own.is_negative())?;
        let debt = own.checked_add(taken(&set_off)?).ok()?;
        let net = self.net.checked_add(self.debt.checked_sub(debt).ok()?).ok()?;
        Some(Payable { debt, set_off, net, ..self.clone() })
    }

    /// The most that a payee may get of it now.
    pub fn limit(&self, payee: &Payee, rules: &PayoutRules) -> Money {
        match rules.first_payout_in(self.net.currency()) {
            Some(cap) if payee.changed && !payee.was_paid && cap.minor() < self.net.minor() => cap,
            _ => self.net,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
