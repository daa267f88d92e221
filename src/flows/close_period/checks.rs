//! What is looked at before a period is closed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::findings::{Finding, FindingKind};
use crate::domain::ledger::{AccountCode, OpenItem};
use crate::domain::periods::CloseCheck;
use crate::flows::reconcile::LastCompared;
use crate::ids::{FindingId, MerchantId};
use crate::money::{Currency, Money};
use crate::store::findings::FindingFilter;
use crate::store::{Seek, VerifyOptions};

use super::{CloseError, ClosePeriod};

/// Unread statements that a check names.
const UNREAD: i64 = 10;

impl ClosePeriod {
    /// Every check, as things stand now: what is still unexplained was unexplained then, and is explained late or not at
    /// all. Gateways' balances are compared anew where that was last done before the period ended, at `over`.
    pub(super) async fn checks(
        &self,
        merchant: MerchantId,
        over: DateTime<Utc>,
    ) -> Result<Vec<CloseCheck>, CloseError> {
        let compared = self.reconciling.balances_since(merchant, over).await?;
        let mut checks = self.unexplained(merchant).await?;
        checks.extend(self.in_transit(merchant).await?);
        checks.push(self.findings(merchant).await?);
        checks.extend(self.unread(merchant, over).await?);
        checks.extend(self.gateway_balances(merchant).await?);
        checks.extend(self.compared(compared, over));
        for check in self.client_money.report(merchant, None).await? {
            let top_up = check.top_up()?;
            checks.push(CloseCheck {
                name: "client_money".into(),
                currency: Some(top_up.currency()),
                ok: top_up.is_zero(),
                blocks: false,
                amount: Some(top_up),
                detail: format!(
                    "{} held, {} owed to others; {top_up} has to be added",
                    check.held, check.owed
                ),
            });
        }
        let verification = self.store.verify(&VerifyOptions::default()).await?;
        let faults: Vec<String> = verification
            .checks
            .iter()
            .filter(|check| !check.ok)
            .map(|check| format!("{}: {}", check.name, check.detail))
            .collect();
        checks.push(CloseCheck {
            name: "verify".into(),
            currency: None,
            ok: faults.is_empty(),
            blocks: true,
            amount: None,
            detail: if faults.is_empty() { "the books hold together".into() } else { faults.join("; ") },
        });
        Ok(checks)
    }

    /// Suspense per currency, both sides added up: two errors do not cancel out.
    async fn unexplained(&self, merchant: MerchantId) -> Result<Vec<CloseCheck>, CloseError> {
        let items = self.store.open_items(merchant, AccountCode::SUSPENSE).await?;
        let limit = self.limits.unexplained_minor;
        let by_currency = sums(&items)?;
        Ok(by_currency
            .into_iter()
            .map(|(currency, (amount, items))| CloseCheck {
                name: "unexplained".into(),
                currency: Some(currency),
                ok: amount.minor() <= limit,
                blocks: true,
                amount: Some(amount),
                detail: format!(
                    "{amount} in {items} items is unexplained; the limit is {}",
                    Money::from_minor(limit, currency)
                ),
            })
            .collect())
    }

    /// Money that was on its way for too long.
    async fn in_transit(&self, merchant: MerchantId) -> Result<Vec<CloseCheck>, CloseError> {
        let (now, days) = (self.clock.now(), self.limits.transit_days);
        let items = self.store.open_items(merchant, AccountCode::CASH_IN_TRANSIT).await?;
        let late: Vec<OpenItem> = items.into_iter().filter(|item| item.days(now) > days).collect();
        let by_currency = sums(&late)?;
        Ok(by_currency
            .into_iter()
            .map(|(currency, (amount, items))| CloseCheck {
                name: "in_transit".into(),
                currency: Some(currency),
                ok: false,
                blocks: true,
                amount: Some(amount),
                detail: format!("{amount} in {items} deposits is on its way for more than {days} days"),
            })
            .collect())
    }

    /// Bank statements of the period of which not all lines are taken: what is missing is neither booked nor in suspense.
    async fn unread(
        &self,
        merchant: MerchantId,
        over: DateTime<Utc>,
    ) -> Result<Option<CloseCheck>, CloseError> {
        let unread = self.store.bank_statements_unread(merchant, over.date_naive(), UNREAD).await?;
        let names: Vec<String> = unread.iter().map(|statement| statement.id.to_string()).collect();
        Ok((!names.is_empty()).then(|| CloseCheck {
            name: "bank_statements".into(),
            currency: None,
            ok: false,
            blocks: true,
            amount: None,
            detail: format!(
                "lines of {} are not all taken: if this stays so, send the same file again, or another with all of its days",
                names.join(", ")
            ),
        }))
    }

    /// What gateways' own balances last differed by from clearing, reserves and suspense there, and nobody explained
    /// since: the newest comparison of each account and currency counts, and two accounts do not cancel out.
    async fn gateway_balances(&self, merchant: MerchantId) -> Result<Vec<CloseCheck>, CloseError> {
        let mut newest: BTreeMap<(String, Currency), (DateTime<Utc>, Money)> = BTreeMap::new();
        let findings = self.undecided(merchant, |kind| kind == FindingKind::BalanceDiffers).await?;
        for finding in findings {
            let Some(amount) = finding.amount else { continue };
            let told = newest
                .entry((finding.gateway_account, amount.currency()))
                .or_insert((finding.opened_at, amount));
            if told.0 <= finding.opened_at {
                *told = (finding.opened_at, amount);
            }
        }
        let mut sums: BTreeMap<Currency, (Money, Vec<String>)> = BTreeMap::new();
        for ((account, currency), (_, amount)) in newest {
            let (sum, accounts) = sums.entry(currency).or_insert((Money::zero(currency), vec![]));
            *sum = sum.checked_add(amount.abs())?;
            accounts.push(account);
        }
        let limit = self.limits.unexplained_minor;
        let check = |(currency, (amount, accounts)): (Currency, (Money, Vec<String>))| CloseCheck {
            name: "gateway_balance".into(),
            currency: Some(currency),
            ok: amount.minor() <= limit,
            blocks: true,
            amount: Some(amount),
            detail: format!(
                "{} had {amount} more or less than the books; the limit is {}",
                accounts.join(", "),
                Money::from_minor(limit, currency)
            ),
        };
        Ok(sums.into_iter().map(check).collect())
    }

    /// How old the comparisons are that the check above rests on.
    fn compared(
        &self,
        compared: BTreeMap<String, LastCompared>,
        over: DateTime<Utc>,
    ) -> impl Iterator<Item = CloseCheck> {
        let now = self.clock.now();
        let written = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S UTC");
        compared.into_iter().map(move |(account, last)| {
            let ok = last.compared_at.is_some_and(|at| at >= over);
            let was = match last.compared_at {
                Some(at) => {
                    let age = now - at;
                    format!("at {}, {} h {} min ago", written(at), age.num_hours(), age.num_minutes() % 60)
                }
                None => "at no time".to_owned(),
            };
            let why = match ok {
                true if last.in_motion => {
                    ", with money under way all the while: a difference of no more than that was not seen".to_owned()
                }
                true => String::new(),
                false => format!(
                    ", before the period was over ({}); tried again at {} in vain: the gateway did not tell its \
                     balance, or money moved all the while",
                    written(over),
                    written(last.tried_at)
                ),
            };
            CloseCheck {
                name: "gateway_balance_age".into(),
                currency: None,
                ok,
                blocks: true,
                amount: None,
                detail: format!("the balance of {account} was compared {was}{why}"),
            }
        })
    }

    async fn undecided(
        &self,
        merchant: MerchantId,
        of: impl Fn(FindingKind) -> bool,
    ) -> Result<Vec<Finding>, CloseError> {
        let mut undecided = vec![];
        for state in ["open", "proposed"] {
            let only = FindingFilter { state: Some(state), ..FindingFilter::default() };
            let mut seek = Seek::<FindingId>::Start;
            loop {
                let page = self.store.findings(merchant, only, seek, 100).await?;
                let Some(last) = page.last() else { break };
                seek = Seek::After(last.id);
                undecided.extend(page.into_iter().filter(|finding| of(finding.kind)));
            }
        }
        Ok(undecided)
    }

    async fn findings(&self, merchant: MerchantId) -> Result<CloseCheck, CloseError> {
        let open = self.undecided(merchant, FindingKind::holds_up_a_close).await?.len();
        let open = i64::try_from(open).unwrap_or(i64::MAX);
        let limit = self.limits.open_findings;
        Ok(CloseCheck {
            name: "findings".into(),
            currency: None,
            ok: open <= limit,
            blocks: true,
            amount: None,
            detail: format!("{open} findings about money are open; the limit is {limit}"),
        })
    }
}

fn sums(items: &[OpenItem]) -> Result<BTreeMap<Currency, (Money, usize)>, CloseError> {
    let mut sums: BTreeMap<Currency, (Money, usize)> = BTreeMap::new();
    for item in items {
        let currency = item.amount.currency();
        let (sum, count) = sums.entry(currency).or_insert((Money::zero(currency), 0));
        *sum = sum.checked_add(item.amount.abs())?;
        *count += 1;
    }
    Ok(sums)
}
