//! Fees: what the contract says of each payment of a bill, and what the month's bills so far say of the contract.
//!
//! A bill teaches for its own days; a day read again replaces what it taught. The run tells the months its days lie in,
//! as all bills read so far tell them. Of an account that invoices its fees apart the bill's lines have none: nothing is
//! learned there.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::country::Country;
use crate::domain::findings::FindingKind;
use crate::domain::merchants::{GatewayAccount, Merchant, SettlementMode};
use crate::domain::reconciliation::{
    Contract, Difference, Expected, FeeSums, FeeTerms, Outcome, SMALL_SAMPLE, Terms, UNKNOWN_METHOD,
};
use crate::flows::pay::OpenAccount;
use crate::flows::settle::Settlements;
use crate::ids::{FindingId, PaymentId};
use crate::money::{Currency, Money};
use crate::store::Change;
use crate::store::reconciliations::DayFees;

use super::view::LearnedFee;
use super::{ReconcileError, Reconciling};

/// What a day's bill taught of the payments of one currency and terms, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Lesson {
    currency: Currency,
    terms: FeeTerms,
    sums: FeeSums,
}

/// Where a month's sums belong.
type Group = ((i32, u32), Currency, FeeTerms);

/// The contract, asked payment by payment.
pub(super) struct Pricing<'a> {
    settlements: &'a Settlements,
    account: &'a GatewayAccount,
    merchant: Merchant,
    pub(super) terms: Terms,
}

impl Pricing<'_> {
    /// What the contract says of a payment; `None` where its bill line has no fee to be compared.
    pub(super) fn expected(
        &mut self,
        method: Option<&str>,
        payer_country: Option<Country>,
        gross: Money,
        at: DateTime<Utc>,
    ) -> Option<Expected> {
        if self.account.settlement == SettlementMode::GrossThenInvoice {
            return None;
        }
        let agreed =
            self.settlements.agreed_fee(&self.merchant, self.account, (method, payer_country), gross, at);
        let contract = agreed.map(|agreed| Contract { percent: agreed.percent, fixed: agreed.fixed });
        let method = method.unwrap_or(UNKNOWN_METHOD).to_owned();
        let terms = self.terms.id(FeeTerms { method, contract });
        let (fee, below, above) =
            agreed.map_or((0, 0, 0), |agreed| (agreed.fee.minor(), agreed.below, agreed.above));
        Some(Expected { terms, fee, below, above })
    }
}

impl Reconciling {
    pub(super) async fn pricing<'a>(&'a self, open: &'a OpenAccount) -> Result<Pricing<'a>, ReconcileError> {
        let merchant = self.0.store.merchant(open.account.merchant).await?;
        let merchant = merchant.ok_or_else(|| ReconcileError::unavailable("the merchant is gone"))?;
        let (settlements, account) = (&self.0.settlements, &open.account);
        Ok(Pricing { settlements, account, merchant, terms: Terms::default() })
    }

    /// Lines that matched nothing teach too: by the method of the payment they name, else by none.
    pub(super) async fn learn_strangers(
        &self,
        pricing: &mut Pricing<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), ReconcileError> {
        let Outcome { differences, fees, .. } = outcome;
        for difference in differences {
            let Difference::PaidThere(line) = difference else { continue };
            let named = line.our_ref.as_deref().and_then(|text| text.parse::<PaymentId>().ok());
            let payment = match named {
                Some(id) => self.0.store.payment(id).await?.map(|found| found.value),
                None => None,
            };
            let payment = payment.filter(|payment| payment.account == pricing.account.id);
            let method = payment.as_ref().and_then(|payment| payment.method.as_deref());
            let country = payment.as_ref().and_then(|payment| payment.payer_country);
            if let Some(expected) = pricing.expected(method, country, line.gross, line.at) {
                fees.learn(line, expected);
            }
        }
        Ok(())
    }

    /// Keeps what the bill's days taught, opens a finding for each contract that its payments contradict, and answers
    /// the months the days lie in.
    pub(super) async fn learn(
        &self,
        open: &OpenAccount,
        (first, last): (NaiveDate, NaiveDate),
        outcome: &Outcome,
        terms: &Terms,
    ) -> Result<Vec<LearnedFee>, ReconcileError> {
        let account = &open.account;
        let months = (first.with_day(1).unwrap_or(first), month_ends(last));
        let known = self.0.store.reconciled_fees(account.id, months).await?;
        let mut own: BTreeMap<NaiveDate, Vec<Lesson>> =
            first.iter_days().take_while(|day| *day <= last).map(|day| (day, vec![])).collect();
        for ((day, currency, id), sums) in outcome.fees.by_day() {
            let Some(terms) = terms.get(*id).cloned() else { continue };
            // A line dated outside its bill's days is taught by the nearest of them.
            let day = (*day).clamp(first, last);
            own.entry(day).or_default().push(Lesson { currency: *currency, terms, sums: sums.clone() });
        }
        let mut months: BTreeMap<Group, FeeSums> = BTreeMap::new();
        let mut add = |day: NaiveDate, lessons: Vec<Lesson>| {
            for Lesson { currency, terms, sums } in lessons {
                months.entry(((day.year(), day.month()), currency, terms)).or_default().merge(&sums);
            }
        };
        let mut change = Change::new();
        for row in known.iter().filter(|row| !own.contains_key(&row.value.day)) {
            add(
                row.value.day,
                serde_json::from_str(&row.value.lessons).map_err(ReconcileError::unavailable)?,
            );
        }
        for (day, lessons) in own {
            let before = known.iter().find(|row| row.value.day == day);
            let lessons_text = serde_json::to_string(&lessons).map_err(ReconcileError::unavailable)?;
            let fees =
                DayFees { merchant: account.merchant, account: account.id, day, lessons: lessons_text };
            if before.map_or(!lessons.is_empty(), |before| before.value.lessons != fees.lessons) {
                change.learn_fees(&fees, before);
            }
            add(day, lessons);
        }
        self.commit_once(change).await?;
        let mut learned = Vec::with_capacity(months.len());
        for (((year, month), currency, terms), sums) in months {
            let month = format!("{year:04}-{month:02}");
            let mut row = LearnedFee::of(currency, &month, &terms, &sums);
            row.finding = self.drifts(open, &row, &terms, &sums).await?;
            learned.push(row);
        }
        Ok(learned)
    }

    /// One finding for each month and contract that enough payments contradict; the run tells the figures of later days.
    async fn drifts(
        &self,
        open: &OpenAccount,
        row: &LearnedFee,
        terms: &FeeTerms,
        sums: &FeeSums,
    ) -> Result<Option<FindingId>, ReconcileError> {
        let Some(contract) = terms.contract.filter(|_| sums.drifting >= SMALL_SAMPLE) else {
            return Ok(None);
        };
        let (month, drift) = (&row.month, row.drift);
        let by_contract = format!("{} % + {}", contract.percent, contract.fixed);
        let fact = format!(
            "{}/{month}/{}/{}/{by_contract}",
            open.account.name,
            drift.currency().code(),
            terms.method
        );
        let learned = row.learned.as_ref().map_or_else(
            || "which terms it charges by cannot be told yet".to_owned(),
            |learned| format!("learned: {} % + {}", learned.percent, learned.fixed),
        );
        let detail = format!(
            "{drift} beside {by_contract} in {month} so far, {} of {} payments ({}), {learned}: {}",
            sums.drifting,
            sums.lines,
            terms.method,
            references(sums)
        );
        let finding =
            self.0.settlements.finding(FindingKind::FeeDrift, &open.account, &fact, Some(drift), detail);
        let mut change = Change::new();
        let id = self.opened(&mut change, finding).await?;
        self.commit_once(change).await?;
        Ok(id.and_then(|id| id.parse().ok()))
    }
}

/// `CAP-1, CAP-2 and 7 more`.
fn references(sums: &FeeSums) -> String {
    let rest = sums.drifting - i128::try_from(sums.references.len()).unwrap_or(0);
    let named = sums.references.join(", ");
    if rest > 0 { format!("{named} and {rest} more") } else { named }
}

fn month_ends(day: NaiveDate) -> NaiveDate {
    let last = (28..=31).rev().find_map(|last| day.with_day(last));
    last.unwrap_or(day)
}
