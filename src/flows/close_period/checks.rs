//! What is looked at before a period is closed.

use std::collections::BTreeMap;

use crate::domain::findings::FindingKind;
use crate::domain::ledger::{AccountCode, OpenItem};
use crate::domain::periods::CloseCheck;
use crate::ids::{FindingId, MerchantId};
use crate::money::{Currency, Money};
use crate::store::{Seek, VerifyOptions};

use super::{CloseError, ClosePeriod};

/// Findings about money or books; the others wait for a person without holding a day up.
const ABOUT_MONEY: [FindingKind; 11] = [
    FindingKind::AmountDiffers,
    FindingKind::CurrencyDiffers,
    FindingKind::DoublePayment,
    FindingKind::Indivisible,
    FindingKind::UnknownPayment,
    FindingKind::RefundElsewhere,
    FindingKind::RefundDiffers,
    FindingKind::Reversed,
    FindingKind::UnexplainedFee,
    FindingKind::OutcomeUnknown,
    FindingKind::BooksDiffer,
];

impl ClosePeriod {
    /// Every check, as things stand now: what is still unexplained was unexplained then, and is explained late or not at
    /// all.
    pub(super) async fn checks(&self, merchant: MerchantId) -> Result<Vec<CloseCheck>, CloseError> {
        let mut checks = self.unexplained(merchant).await?;
        checks.extend(self.in_transit(merchant).await?);
        checks.push(self.findings(merchant).await?);
        checks.push(CloseCheck {
            name: "gateway_balance".into(),
            currency: None,
            ok: true,
            blocks: false,
            amount: None,
            detail: "gateways' own balances are not compared here".into(),
        });
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

    async fn findings(&self, merchant: MerchantId) -> Result<CloseCheck, CloseError> {
        let mut open = 0_i64;
        for state in ["open", "proposed"] {
            let mut seek = Seek::<FindingId>::Start;
            loop {
                let page = self.store.findings(merchant, Some(state), seek, 100).await?;
                let Some(last) = page.last() else { break };
                seek = Seek::After(last.id);
                open +=
                    page.iter().filter(|finding| ABOUT_MONEY.contains(&finding.kind)).map(|_| 1).sum::<i64>();
            }
        }
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
