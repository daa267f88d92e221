//! A plan as a document: what a person reads and approves. Its canonical bytes are its JSON in the order of the fields;
//! their hash is what an approval is of, so that any edit voids it.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::treasury::Netted;
use crate::domain::withholding::Withheld;
use crate::ids::{RailAccountId, SupplierAccountId, SupplierId};
use crate::money::{Currency, Money, MoneyError};

use super::payable::Excluded;
use super::payout::FeeBearer;
use super::plan::PlanError;
use super::proof::{Pot, Proof};
use super::set_off::SetOff;
use super::top_up::ToppedUp;

/// What is to be paid, and what is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanDocument {
    /// The moment it is of.
    pub as_of: DateTime<Utc>,
    /// What is paid.
    pub lines: Vec<Line>,
    /// What is not, and why.
    pub excluded: Vec<Excluded>,
    /// The money behind it.
    pub pots: Vec<Pot>,
    /// That it is of the lowest cost.
    pub proof: Proof,
    /// The merchant's own positions by currency, set against each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub netting: Vec<Netted>,
}

/// One payout. A supplier has one in each currency; several where the route takes less at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Line {
    /// Who.
    pub supplier: SupplierId,
    /// The name on its papers.
    pub name: String,
    /// To which account of it.
    pub account: SupplierAccountId,
    /// The end of that account's number.
    pub account_hint: String,
    /// Over which rail account.
    pub rail_account: RailAccountId,
    /// The rail.
    pub rail: String,
    /// Its route in the route table.
    pub route: String,
    /// How sure the table is of the route's price: `contract`, `published`, `third_party`, `sample`, `unverified`.
    pub trust: String,
    /// Which of the plan's calls it goes out with, from 1.
    pub batch: usize,
    /// What leaves its balance.
    pub gross: Money,
    /// Of it, tax withheld.
    pub withholding: Money,
    /// The same by rule, with the turnover it accounts for; left out where no rule acts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taxes: Vec<Withheld>,
    /// Of it, set against its debts.
    pub debt: Money,
    /// Of that, against debts in other currencies; left out where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_off: Vec<SetOff>,
    /// The rest.
    pub net: Money,
    /// Of that, what is to reach the payee.
    pub amount: Money,
    /// And the fee inside it; zero where the platform bears it.
    pub borne: Money,
    /// What the rail takes, by the table.
    pub fee: Money,
    /// What correspondents take on the way, by the table.
    pub lifting: Money,
    /// Who bears both.
    pub bearer: FeeBearer,
    /// A first payout to this account: the rest follows once this one has arrived.
    pub capped: bool,
    /// ISO 20022 purpose, or the rail's own code.
    #[schema(required)]
    pub purpose: Option<String>,
    /// The town of the payee's address, as a bank is told it.
    #[schema(required)]
    pub town: Option<String>,
    /// When it is expected there, by the table; never promised.
    pub expected: NaiveDate,
    /// Behind the contract's payment term, whatever is done; left out where it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// False where `expected` lies beyond the holidays that are listed for a currency of the route: it is then good by weekday
    /// only. Left out where they are listed.
    #[serde(default = "is_covered", skip_serializing_if = "Clone::clone")]
    pub calendar_covers: bool,
    /// The next-cheapest way.
    #[schema(required)]
    pub next: Option<Next>,
}

/// Days are within the lists where nothing is said.
fn is_covered() -> bool {
    true
}

/// What the same payout would cost otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Next {
    /// Over which rail account.
    pub rail_account: RailAccountId,
    /// By which route.
    pub route: String,
    /// What that costs by itself, in the currency of the plan's costs.
    pub cost: Money,
    /// That, less what the chosen one does; below zero where the plan as a whole is cheaper this way.
    pub difference: Money,
}

/// What a rail is told of one payee beside its account: the same for all items to that account, which has one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'a> {
    /// The town of its address.
    pub town: Option<&'a str>,
    /// Who bears the charges.
    pub bearer: FeeBearer,
}

/// What a plan comes to in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Total {
    /// What leaves balances.
    pub gross: Money,
    /// What is to reach payees.
    pub amount: Money,
    /// What rails take, by the table.
    pub fee: Money,
}

/// What has to lie on one paying account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FundingNeed {
    /// The ledger's account and currency.
    #[schema(example = "1110[paypal] USD")]
    pub account: String,
    /// The rail accounts that pay from it.
    pub rail_accounts: Vec<RailAccountId>,
    /// Amounts, fees, what calls cost by themselves and what is deducted on the way at our expense.
    pub needed: Money,
    /// Of that, what calls cost by themselves.
    pub batch_fees: Money,
    /// What stood there when the plan was drafted, less what was already on its way.
    pub held: Money,
    /// What has to arrive there.
    pub missing: Money,
    /// By when: the first cut-off.
    pub by: DateTime<Utc>,
    /// From where, where the plan was asked with ways to add to it: what the draft takes of each, together what was missing
    /// then, without what calls cost by themselves. Nobody but its reader sees to it.
    pub top_ups: Vec<ToppedUp>,
}

impl Line {
    /// Whose balance it is paid from. Several items of one payee share it.
    pub fn payee(&self) -> (SupplierId, Currency) {
        (self.supplier, self.net.currency())
    }

    /// Whether taxes or debts of the payee come off with it: of several items the first one's.
    pub fn bears(&self) -> bool {
        !self.taxes.is_empty() || !self.withholding.is_zero() || !self.debt.is_zero()
    }

    /// What is set against debts in its own currency.
    ///
    /// # Errors
    /// [`MoneyError`] where a document's parts do not belong together.
    pub fn netted(&self) -> Result<Money, MoneyError> {
        let others = Money::sum(self.debt.currency(), self.set_off.iter().map(|set_off| set_off.taken))?;
        self.debt.checked_sub(others)
    }
}

impl PlanDocument {
    /// The bytes that are hashed and stored.
    ///
    /// # Errors
    /// [`PlanError::Unwritable`]; plain data excludes it.
    pub fn canonical(&self) -> Result<String, PlanError> {
        serde_json::to_string(self).map_err(|error| PlanError::Unwritable(error.to_string()))
    }

    /// SHA-256 of canonical bytes, in hex.
    pub fn hash_of(canonical: &str) -> String {
        let bytes = digest(&SHA256, canonical.as_bytes());
        bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What a rail is told of each payee, as it was approved: one walk over the lines for as many payees as there are.
    pub fn told(&self) -> BTreeMap<(SupplierId, SupplierAccountId), Told<'_>> {
        let mut told = BTreeMap::new();
        for line in &self.lines {
            let this = Told { town: line.town.as_deref(), bearer: line.bearer };
            told.entry((line.supplier, line.account)).or_insert(this);
        }
        told
    }

    /// The same without one payout.
    ///
    /// # Errors
    /// [`PlanError::NoSuchLine`].
    pub fn without(&self, supplier: SupplierId, currency: Currency) -> Result<PlanDocument, PlanError> {
        let meant = |line: &Line| line.supplier == supplier && line.net.currency() == currency;
        let dropped =
            Money::sum(currency, self.lines.iter().filter(|line| meant(line)).map(|line| line.gross))?;
        if dropped.is_zero() {
            return Err(PlanError::NoSuchLine);
        }
        let mut document = self.clone();
        document.lines.retain(|line| !meant(line));
        document.proof.of_draft = true;
        document.excluded.push(Excluded {
            supplier,
            available: dropped,
            reason: "dropped".to_owned(),
            detail: "taken out by hand".to_owned(),
        });
        Ok(document)
    }

    /// Sums by currency.
    ///
    /// # Errors
    /// [`MoneyError`] when one does not fit.
    pub fn totals(&self) -> Result<Vec<Total>, MoneyError> {
        let mut totals: BTreeMap<Currency, Total> = BTreeMap::new();
        for line in &self.lines {
            let zero = Money::zero(line.net.currency());
            let nothing = Total { gross: zero, amount: zero, fee: zero };
            let total = totals.entry(line.net.currency()).or_insert(nothing);
            total.gross = total.gross.checked_add(line.gross)?;
            total.amount = total.amount.checked_add(line.amount)?;
            total.fee = total.fee.checked_add(line.fee)?;
        }
        Ok(totals.into_values().collect())
    }

    /// What has to lie on each paying account, and by when.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum does not fit.
    pub fn funding(&self) -> Result<Vec<FundingNeed>, MoneyError> {
        let mut needs = Vec::new();
        for pot in &self.pots {
            let zero = Money::zero(pot.held.currency());
            let (mut needed, mut batches) = (zero, BTreeSet::new());
            for line in self.lines.iter().filter(|line| pot.rail_accounts.contains(&line.rail_account)) {
                batches.insert(line.batch);
                let ours = if line.bearer == FeeBearer::Platform { line.lifting } else { zero };
                needed = needed.checked_add(line.amount)?.checked_add(line.fee)?.checked_add(ours)?;
            }
            if needed.is_zero() {
                continue;
            }
            let fees = pot.batch_fees.iter().filter(|own| batches.contains(&own.batch));
            let batch_fees = Money::sum(zero.currency(), fees.map(|own| own.fee))?;
            needed = needed.checked_add(batch_fees)?;
            let missing = needed.checked_sub(pot.held.max(zero)?)?.max(zero)?;
            let Pot { account, rail_accounts, held, by, top_ups, .. } = pot.clone();
            let need = FundingNeed { account, rail_accounts, needed, batch_fees, held, missing, by, top_ups };
            needs.push(need);
        }
        Ok(needs)
    }

    /// The next call behind `done` lines: lines of one batch, at most so many. Counted in lines, so that another size of
    /// calls leaves none out and repeats none.
    pub fn next_call(&self, done: usize, most: impl Fn(RailAccountId) -> usize) -> Option<Vec<&Line>> {
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        lines.sort_by_key(|line| line.batch);
        let rest = lines.get(done..)?;
        let (rail, batch) = rest.first().map(|line| (line.rail_account, line.batch))?;
        let together = rest.iter().take_while(|line| line.batch == batch);
        Some(together.take(most(rail).max(1)).copied().collect())
    }
}
