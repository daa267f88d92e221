//! What must hold: of the touched payment after each step that wrote, of everything now and then and at the end.
//!
//! | invariant | here |
//! |---|---|
//! | I1 sums are zero, I6 the chain holds | `verify`, whole at the end |
//! | I2 one movement per intent | at most one taking per payment, one giving back per refund; ledger = truth once settled |
//! | I3 refunds within what was captured | rows against rows, and truth against truth |
//! | I4 no way back | the state's class, version and refunded amount only grow |
//! | I5 what was paid is in the books, and the reverse | each taking is settled when faults have stopped; each capture of ours is true |
//! | I7 statements foot | each supplier's statement at the end leads to the ledger's balance |
//! | I8 parts sum to the whole | order clearing (2000) is zero once a payment is settled |

use std::collections::{BTreeMap, HashSet};

use crate::domain::disputes::{Dispute, DisputeState};
use crate::domain::findings::FindingState;
use crate::domain::ledger::{Direction, Layer, PostedTransaction};
use crate::domain::orders::refund::RefundState;
use crate::domain::orders::{Payment, PaymentState};
use crate::ids::MerchantId;
use crate::money::Currency;
use crate::store::{Seek, Store, StoreError, TransactionFilter, Versioned};

use super::life::{Life, Seen};
use super::truth::{Deal, GivenBack, Truth};
use super::{Broken, broken};

/// Looks at a payment's rows after something was written, and remembers what it saw.
pub(super) async fn look(
    store: &Store,
    merchant: MerchantId,
    truth: &Truth,
    life: &mut Life,
) -> Result<Option<Broken>, StoreError> {
    let Some(row) = store.payment(life.id).await? else {
        let gone = life.seen.state.is_some();
        return Ok(gone.then(|| broken("I4", life, "its row is gone")));
    };
    let (payment, version) = (row.value, row.version);
    let findings = store.findings_of(merchant, life.id).await?;
    let open = findings.iter().any(|finding| !matches!(finding.value.state, FindingState::Resolved { .. }));
    let waits_for_us = match payment.state.taken() {
        Some(_) if life.complaint.as_ref().is_some_and(|complaint| complaint.begun) => {
            let disputes = store.disputes_of(life.id).await?;
            let ours = |dispute: &Versioned<Dispute>| dispute.value.state == DisputeState::NeedsResponse;
            disputes.into_iter().find(ours).map(|dispute| dispute.value.id)
        }
        _ => None,
    };
    let refunded_minor = payment.state.refunded().map_or(0, |refunded| refunded.minor());
    let before = std::mem::replace(
        &mut life.seen,
        Seen {
            state: Some(payment.state.as_str()),
            version,
            refunded_minor,
            next_action: page_of(&payment),
            open_findings: open,
            waits_for_us,
        },
    );
    if let Some(word) = before.state {
        let (was, is) = (class(word), class(payment.state.as_str()));
        if is < was || version < before.version || refunded_minor < before.refunded_minor {
            return Ok(Some(broken("I4", life, &format!("went from {word} to {}", payment.state.as_str()))));
        }
    }
    let deal = truth.of(&life.name);
    if let Some(found) = true_deal(life, deal, &payment) {
        return Ok(Some(found));
    }
    if deal.brought_nothing() {
        let booked = at_gateway(&booked(store, merchant, life).await?);
        if !booked.is_empty() {
            let what = format!("the gateway has credited nothing, the books have {booked:?}");
            return Ok(Some(broken("I5", life, &what)));
        }
    }
    if payment.state.taken().is_none() && deal.given_back.is_empty() {
        return Ok(None);
    }
    let refunds = store.refunds_of(life.id).await?;
    let counted: i64 =
        refunds.iter().filter(|refund| refund.value.counts()).map(|refund| refund.value.amount.minor()).sum();
    let taken: i64 = deal.takings.values().map(|taking| taking.amount.minor()).sum();
    if counted > taken {
        return Ok(Some(broken("I3", life, &format!("refunds of {counted} on takings of {taken}"))));
    }
    for refund in &refunds {
        let (ours, theirs) = (refund.value.id.to_string(), refund.value.refund_ref.as_ref());
        let meant = |(name, back): &(&String, &GivenBack)| back.ours == ours || theirs == Some(*name);
        let backs: Vec<_> = deal.given_back.iter().filter(meant).map(|(_, back)| back).collect();
        if backs.len() > 1 {
            let what = format!("{} went back {} times", refund.value.id, backs.len());
            return Ok(Some(broken("I2", life, &what)));
        }
        let agrees = backs.first().is_some_and(|back| back.amount == refund.value.amount);
        if refund.value.state == RefundState::Succeeded && !agrees {
            let what = format!("{} succeeded and the gateway gave nothing back", refund.value.id);
            return Ok(Some(broken("I5", life, &what)));
        }
        let waits = deal.promised.iter().any(|promised| meant(&promised));
        if matches!(refund.value.state, RefundState::Failed { .. }) && waits {
            let what = format!("{} failed and the gateway has not decided it", refund.value.id);
            return Ok(Some(broken("I5", life, &what)));
        }
        if matches!(refund.value.state, RefundState::Failed { .. }) && !backs.is_empty() {
            let what = format!("{} failed and the gateway gave it back", refund.value.id);
            return Ok(Some(broken("I5", life, &what)));
        }
    }
    Ok(None)
}

/// What must be so between the two sides at any time.
fn true_deal(life: &Life, deal: &Deal, payment: &Payment) -> Option<Broken> {
    if deal.takings.len() > 1 {
        return Some(broken("I2", life, &format!("the gateway took the money {} times", deal.takings.len())));
    }
    for (capture, taking) in &deal.takings {
        let back: i64 = deal
            .given_back
            .values()
            .filter(|back| back.capture == *capture)
            .map(|back| back.amount.minor())
            .sum();
        if back > taking.amount.minor() {
            return Some(broken("I3", life, "more went back than was taken"));
        }
    }
    let taken = payment.state.taken()?;
    match deal.takings.get(&taken.capture_ref) {
        Some(taking) if taking.amount == taken.amount => None,
        Some(taking) => {
            Some(broken("I5", life, &format!("took {}, the gateway {}", taken.amount, taking.amount)))
        }
        None => Some(broken("I5", life, &format!("the gateway knows no {}", taken.capture_ref))),
    }
}

/// Open, closed without money, money: only ever to the right, and in review between.
fn class(word: &str) -> u8 {
    match word {
        "created" => 0,
        "requires_action" => 1,
        "pending" | "authorized" => 2,
        "in_review" => 3,
        "failed" | "cancelled" | "expired" => 4,
        "captured" => 5,
        "partially_refunded" => 6,
        "refunded" => 7,
        _ => 0,
    }
}

fn page_of(payment: &Payment) -> Option<url::Url> {
    let action = payment.next_action.as_ref()?;
    action.get("url")?.as_str()?.parse().ok()
}

/// Whether the payment is settled on both sides; what is still open, in words.
pub(super) async fn unsettled(
    store: &Store,
    merchant: MerchantId,
    truth: &Truth,
    life: &Life,
) -> Result<Option<String>, StoreError> {
    let deal = truth.of(&life.name);
    let Some(row) = store.payment(life.id).await? else {
        return Ok((life.started || !deal.takings.is_empty()).then(|| "there is no row".to_owned()));
    };
    let state = row.value.state;
    let refunds = store.refunds_of(life.id).await?;
    if let Some(open) = refunds.iter().find(|refund| refund.value.state.is_open()) {
        return Ok(Some(format!("{} is {}", open.value.id, open.value.state.as_str())));
    }
    let word = state.as_str();
    let open = match deal.takings.values().next() {
        None => (!state.is_closed()).then(|| format!("nothing was taken and it is {word}")),
        Some(taking) if taking.amount != life.amount => {
            let back: i64 = deal.given_back.values().map(|back| back.amount.minor()).sum();
            let sent = matches!(state, PaymentState::Cancelled { returned: Some(_), .. });
            (!sent || back != taking.amount.minor()).then(|| {
                format!("{} of {} was taken, {back} sent back, it is {word}", taking.amount, life.amount)
            })
        }
        Some(_) => {
            let back: i64 = deal.given_back.values().map(|back| back.amount.minor()).sum();
            let known = state.refunded().map(|refunded| refunded.minor());
            (known != Some(back))
                .then(|| format!("it was paid and {back} given back; it is {word} {known:?}"))
        }
    };
    if open.is_some() {
        return Ok(open);
    }
    let findings = store.findings_of(merchant, life.id).await?;
    let finding =
        findings.iter().find(|finding| !matches!(finding.value.state, FindingState::Resolved { .. }));
    if let Some(finding) = finding {
        return Ok(Some(format!("a finding waits: {}", finding.value.kind.as_str())));
    }
    if let Some(open) = disputes_differ(store, life, deal).await? {
        return Ok(Some(open));
    }
    books_differ(store, merchant, life, deal).await
}

/// Disputes here and there.
async fn disputes_differ(store: &Store, life: &Life, deal: &Deal) -> Result<Option<String>, StoreError> {
    let ours = store.disputes_of(life.id).await?;
    if ours.len() != deal.disputes.len() {
        return Ok(Some(format!("{} disputes here, {} at the gateway", ours.len(), deal.disputes.len())));
    }
    for dispute in &ours {
        let dispute = &dispute.value;
        let Some(truly) = deal.disputes.get(&dispute.gateway_ref) else {
            return Ok(Some(format!("the gateway knows no {}", dispute.gateway_ref)));
        };
        if truly.open != dispute.state.is_open() {
            let what = format!("{} is {}, open: {}", dispute.gateway_ref, dispute.state.as_str(), truly.open);
            return Ok(Some(what));
        }
        let told: HashSet<&String> = truly.notes.iter().collect();
        if told.len() != truly.notes.len() {
            return Ok(Some(format!("something was said twice in {}", dispute.gateway_ref)));
        }
    }
    Ok(None)
}

/// The payment's own entries against what is true of it.
async fn books_differ(
    store: &Store,
    merchant: MerchantId,
    life: &Life,
    deal: &Deal,
) -> Result<Option<String>, StoreError> {
    let transactions = booked(store, merchant, life).await?;
    let at_gateway = at_gateway(&transactions);
    let mut truly: BTreeMap<Currency, i64> = BTreeMap::new();
    for taking in deal.takings.values() {
        *truly.entry(taking.amount.currency()).or_insert(0) += taking.amount.minor() - taking.fee.minor();
    }
    for back in deal.given_back.values() {
        *truly.entry(back.amount.currency()).or_insert(0) -= back.amount.minor();
    }
    let mut held: BTreeMap<Currency, i64> = BTreeMap::new();
    for dispute in deal.disputes.values() {
        *truly.entry(dispute.taken.currency()).or_insert(0) -= dispute.taken.minor();
        *held.entry(dispute.taken.currency()).or_insert(0) += dispute.held;
    }
    truly.retain(|_, minor| *minor != 0);
    held.retain(|_, minor| *minor != 0);
    let held_here = sum(&transactions, Layer::Posted, |code| code == 1120);
    if held_here != held {
        return Ok(Some(format!("the books have {held_here:?} held, the gateway holds {held:?}")));
    }
    if at_gateway != truly {
        return Ok(Some(format!("at the gateway the books have {at_gateway:?}, it is {truly:?}")));
    }
    let clearing = sum(&transactions, Layer::Posted, |code| code == 2000);
    if !clearing.is_empty() {
        return Ok(Some(format!("order clearing holds {clearing:?}")));
    }
    let expected = sum(&transactions, Layer::Pending, |_| true);
    let expected_anywhere = sum(&transactions, Layer::Pending, |code| code == 2000);
    Ok((!expected.is_empty() || !expected_anywhere.is_empty())
        .then(|| format!("still expected: {expected_anywhere:?}")))
}

/// What is booked about a payment.
async fn booked(
    store: &Store,
    merchant: MerchantId,
    life: &Life,
) -> Result<Vec<PostedTransaction>, StoreError> {
    let filter = TransactionFilter { subject: Some(life.name.clone()), seek: Seek::Start, limit: 500 };
    store.ledger_transactions(merchant, &filter).await
}

/// What of it stands at the gateway.
fn at_gateway(transactions: &[PostedTransaction]) -> BTreeMap<Currency, i64> {
    sum(transactions, Layer::Posted, |code| matches!(code, 1100 | 1110 | 1120))
}

fn sum(
    transactions: &[PostedTransaction],
    layer: Layer,
    of: impl Fn(u16) -> bool,
) -> BTreeMap<Currency, i64> {
    let mut sums = BTreeMap::new();
    for entry in transactions.iter().flat_map(|transaction| &transaction.entries) {
        if entry.layer == layer && of(entry.account.code.number()) {
            let minor = entry.amount.minor();
            let signed = if entry.direction == Direction::Debit { minor } else { -minor };
            *sums.entry(entry.amount.currency()).or_insert(0) += signed;
        }
    }
    sums.retain(|_, minor| *minor != 0);
    sums
}
