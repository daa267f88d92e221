//! A gateway reports a payout: accrued fees are trued up, and the money is on its way (J07, J08).

use std::collections::{HashMap, HashSet};

use crate::domain::deposits::{
    Accrued, BatchItem, DepositState, FeeDifference, GatewaySettlement, ItemKind, ReportedBatch, compare,
};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal;
use crate::domain::merchants::{GatewayAccount, SettlementMode};
use crate::ids::PaymentId;
use crate::money::Money;
use crate::store::gateway_settlements::{Capture, GATEWAY_SETTLEMENT_ITEM, Settled};
use crate::store::{Change, CommitError, Versioned};

use super::{CAPTURES_MAX, DECISIONS, DepositError, Deposits, post};

/// What became of a reported batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// As it stands now, without its items.
    pub settlement: GatewaySettlement,
    /// Whether this report changed anything: a batch may be told of many times.
    pub is_news: bool,
}

impl Deposits {
    /// Takes a batch as the gateway reports it, with `extra` where it is news. The same reference with the same figures
    /// says nothing new, except that a batch that was only closed is sent by now.
    ///
    /// What the batch settles and we do not know, or know otherwise, is a finding; the money is booked all the same,
    /// because the gateway has sent it.
    ///
    /// # Errors
    /// [`DepositError`]; nothing was booked.
    pub async fn record_batch(
        &self,
        account: &GatewayAccount,
        batch: ReportedBatch,
        extra: Change,
    ) -> Result<Recorded, DepositError> {
        batch.check(account.settlement)?;
        if batch.paid_at.is_some() && batch.net.is_negative() {
            return Err(DepositError::NothingToSend);
        }
        let foreign = extra.tables();
        for _ in 0..DECISIONS {
            let known = self
                .store
                .gateway_settlement_by_reference(account.merchant, &account.name, &batch.reference)
                .await?;
            if let Some(known) = &known {
                same(&known.value.batch, &batch)?;
                if known.value.state != DepositState::Expected || batch.paid_at.is_none() {
                    return Ok(Recorded { settlement: known.value.clone(), is_news: false });
                }
            }
            let (mut change, settlement) = self.recorded(account, &batch, known).await?;
            change.extend(extra.clone());
            match self.store.commit(change).await {
                Ok(_) => {
                    // The bank may have been faster than the gateway's report.
                    self.match_again(account.merchant, batch.currency()).await?;
                    let now = self.store.gateway_settlement(account.merchant, settlement.id).await?;
                    let settlement = now.map_or(settlement, |row| row.value);
                    return Ok(Recorded { settlement, is_news: true });
                }
                Err(CommitError::LostUpdate { table, .. }) if foreign.contains(&table) => {
                    return Err(DepositError::Superseded { table });
                }
                Err(CommitError::LostUpdate { table, key }) if table == GATEWAY_SETTLEMENT_ITEM.name => {
                    return Err(DepositError::SettledBefore(key));
                }
                Err(CommitError::LostUpdate { .. } | CommitError::AlreadyBooked { .. }) => {}
                Err(CommitError::BelowFloor { .. }) if batch.held.is_negative() => {
                    let (reference, released) = (batch.reference, batch.held.abs());
                    return Err(DepositError::ReleasesMore { reference, released });
                }
                Err(error) => return Err(DepositError::unavailable(error)),
            }
        }
        Err(DepositError::Unavailable(format!("{} met {DECISIONS} other changes", batch.reference)))
    }

    /// The change that a batch makes, and what it is then.
    async fn recorded(
        &self,
        account: &GatewayAccount,
        batch: &ReportedBatch,
        known: Option<Versioned<GatewaySettlement>>,
    ) -> Result<(Change, GatewaySettlement), DepositError> {
        let currency = batch.currency();
        let mut change = Change::new();
        let items = match &known {
            Some(known) => self.store.gateway_settlement_items(known.value.id, CAPTURES_MAX).await?,
            None => self.items(&mut change, account, batch).await?,
        };
        let none = Money::zero(currency);
        let mut settlement = known.as_ref().map_or_else(
            || GatewaySettlement {
                id: self.ids.mint(),
                merchant: account.merchant,
                gateway_account: account.name.clone(),
                mode: account.settlement,
                batch: ReportedBatch { items: items.clone(), ..batch.clone() },
                accrued: none,
                rounding: none,
                drift: none,
                state: DepositState::Expected,
                recorded_at: self.clock.now(),
            },
            |known| {
                let deposit_reference = batch.deposit_reference.clone();
                let kept = known.value.batch.deposit_reference.clone();
                let batch = ReportedBatch {
                    paid_at: batch.paid_at,
                    deposit_reference: deposit_reference.or(kept),
                    items: items.clone(),
                    ..known.value.batch.clone()
                };
                GatewaySettlement { batch, ..known.value.clone() }
            },
        );
        if batch.paid_at.is_some() {
            self.book(&mut change, account, &mut settlement).await?;
        }
        match known {
            Some(known) => {
                change.update_gateway_settlement(&Versioned {
                    value: settlement.clone(),
                    version: known.version,
                });
            }
            None => {
                change.insert_gateway_settlement(&settlement);
            }
        }
        settlement.batch.items.clear();
        Ok((change, settlement))
    }

    /// What the batch settles, each with its payment where we know one; what we know otherwise opens a finding.
    async fn items(
        &self,
        change: &mut Change,
        account: &GatewayAccount,
        batch: &ReportedBatch,
    ) -> Result<Vec<BatchItem>, DepositError> {
        if batch.items.len() as i64 > CAPTURES_MAX {
            return Err(DepositError::TooMany(CAPTURES_MAX));
        }
        let mut items = batch.items.clone();
        let mut odd: Vec<String> = vec![];
        if items.is_empty() && account.settlement == SettlementMode::NetAtCapture {
            // A withdrawal from a balance is not made of captures.
            return Ok(items);
        }
        if items.is_empty() {
            let open = self.store.unsettled_captures(
                account,
                batch.currency(),
                batch.closed_at,
                Settled::Paid,
                CAPTURES_MAX,
            );
            items.extend(open.await?.into_iter().map(|capture| BatchItem {
                kind: ItemKind::Capture,
                reference: capture.reference,
                payment: Some(capture.payment),
                amount: capture.amount,
            }));
            let sum = Money::sum(batch.currency(), items.iter().map(|item| item.amount));
            let sum = sum.map_err(DepositError::unavailable)?;
            if sum != batch.gross {
                odd.push(format!("captures come to {sum} here, to {} there", batch.gross));
            }
        } else {
            let references: Vec<&str> = batch.captures().collect();
            let mut known = self.store.captures_named(account, &references).await?;
            let renamed = self.renamed(account, &known, &mut items).await?;
            known.extend(renamed);
            let known: HashMap<&str, _> =
                known.iter().map(|capture| (capture.reference.as_str(), capture)).collect();
            for item in items.iter_mut().filter(|item| item.kind == ItemKind::Capture) {
                match known.get(item.reference.as_str()) {
                    None => odd.push(format!("capture {} is not known here", item.reference)),
                    Some(capture) => {
                        if capture.amount != item.amount {
                            let (here, there) = (capture.amount, item.amount);
                            odd.push(format!("{} is {here} here, {there} there", item.reference));
                        }
                        item.payment = item.payment.or(Some(capture.payment));
                    }
                }
            }
        }
        if !odd.is_empty() {
            let more = odd.len().saturating_sub(5);
            odd.truncate(5);
            let mut detail = odd.join("; ");
            if more > 0 {
                detail.push_str(&format!("; and {more} more"));
            }
            let fact = format!("{}/{}", account.name, batch.reference);
            let place = (account.merchant, account.name.as_str());
            let kind = FindingKind::BatchDiffers;
            self.open_finding(change, place, (kind, &fact), Some(batch.gross), detail).await?;
        }
        Ok(items)
    }

    /// A report may name a capture otherwise than the gateway's answers do. What nobody here knows by its name is the
    /// capture of the payment that it says, unless that is of another amount, or stands in this batch or another by its own. Answers those captures.
    async fn renamed(
        &self,
        account: &GatewayAccount,
        known: &[Capture],
        items: &mut [BatchItem],
    ) -> Result<Vec<Capture>, DepositError> {
        let known: HashSet<&str> = known.iter().map(|capture| capture.reference.as_str()).collect();
        let is_unknown = |item: &&mut BatchItem| {
            item.kind == ItemKind::Capture && !known.contains(item.reference.as_str())
        };
        let unknown: Vec<&mut BatchItem> = items.iter_mut().filter(is_unknown).collect();
        let payments: Vec<PaymentId> = unknown.iter().filter_map(|item| item.payment).collect();
        let ours = self.store.captures_of(account, &payments).await?;
        let names: Vec<&str> = ours.iter().map(|capture| capture.reference.as_str()).collect();
        let paid: HashSet<String> = self.store.captures_paid(account, &names).await?.into_iter().collect();
        let is_free = |capture: &Capture| {
            !known.contains(capture.reference.as_str()) && !paid.contains(&capture.reference)
        };
        let ours = ours.into_iter().filter(is_free);
        let mut ours: HashMap<PaymentId, Capture> = ours.map(|capture| (capture.payment, capture)).collect();
        let mut renamed = vec![];
        for item in unknown {
            let amount = item.amount;
            let its = |capture: &Capture| capture.amount == amount;
            let fits = |payment: &PaymentId| ours.get(payment).is_some_and(its);
            if let Some(capture) = item.payment.filter(fits).and_then(|payment| ours.remove(&payment)) {
                item.reference.clone_from(&capture.reference);
                renamed.push(capture);
            }
        }
        Ok(renamed)
    }

    /// The postings of a batch that was sent.
    async fn book(
        &self,
        change: &mut Change,
        account: &GatewayAccount,
        settlement: &mut GatewaySettlement,
    ) -> Result<(), DepositError> {
        let merchant = self.merchant(account.merchant).await?;
        let batch = &settlement.batch;
        let at = batch.paid_at.unwrap_or(batch.closed_at);
        let (source, subject) = (format!("{}/{}", account.name, batch.reference), settlement.id.to_string());
        let booking = self.booking(account, &source, &subject, at);
        match settlement.mode {
            SettlementMode::NetInBatch => {
                let references: Vec<&str> = batch.captures().collect();
                let accrued = self.store.accrued_fees(account, &references, batch.currency()).await?;
                let (fee, what) = compare(accrued, batch.fee, batch.tax, &merchant.tax_jurisdiction)
                    .map_err(DepositError::unavailable)?;
                post(change, journal::gateway_settled(&booking, batch.net, Some(&fee)))?;
                settlement.accrued = fee.accrued;
                match what {
                    FeeDifference::None => {}
                    FeeDifference::Rounding(by) => settlement.rounding = by,
                    FeeDifference::Drift(by) => settlement.drift = by,
                }
                let fact = (account, source.as_str());
                self.note_drift(change, fact, accrued, batch.fee, what).await?;
            }
            SettlementMode::NetAtCapture | SettlementMode::GrossThenInvoice => {
                post(change, journal::gateway_settled(&booking, batch.net, None))?;
            }
        }
        let batch = &settlement.batch;
        if batch.held.is_positive() {
            post(change, journal::gateway_held(&booking, batch.held, "reserve"))?;
        } else {
            post(change, journal::gateway_released(&booking, batch.held.abs(), "reserve"))?;
        }
        settlement.state = match batch.net.is_zero() {
            true => DepositState::Received { line: None, at },
            false => DepositState::InTransit,
        };
        Ok(())
    }

    /// A fee that is not what the contract says is told to finance; rounding is not.
    pub(super) async fn note_drift(
        &self,
        change: &mut Change,
        (account, fact): (&GatewayAccount, &str),
        accrued: Accrued,
        charged: Money,
        what: FeeDifference,
    ) -> Result<(), DepositError> {
        let FeeDifference::Drift(by) = what else { return Ok(()) };
        let detail = format!("charged {charged}, expected {} over {} captures", accrued.fee, accrued.lines);
        let place = (account.merchant, account.name.as_str());
        self.open_finding(change, place, (FindingKind::FeeDrift, fact), Some(by), detail).await
    }
}

/// Whether two reports of one reference say the same.
fn same(known: &ReportedBatch, told: &ReportedBatch) -> Result<(), DepositError> {
    let pairs = [
        ("gross", known.gross, told.gross),
        ("refunds", known.refunds, told.refunds),
        ("chargebacks", known.chargebacks, told.chargebacks),
        ("held", known.held, told.held),
        ("fee", known.fee, told.fee),
        ("tax", known.tax, told.tax),
        ("net", known.net, told.net),
    ];
    match pairs.into_iter().find(|(_, known, told)| known != told) {
        None => Ok(()),
        Some((field, ..)) => Err(DepositError::Differs { reference: told.reference.clone(), field }),
    }
}
