//! A bill names a payment's money that the books have not: the gateway is asked about the payment it means, else it is
//! nobody's until somebody says.

use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, Booking, ChargedFee};
use crate::domain::orders::Payment;
use crate::domain::reconciliation::{BillLine, Grade, likeliest};
use crate::flows::pay::OpenAccount;
use crate::ids::PaymentId;
use crate::money::Money;
use crate::store::{Change, CommitError};

use super::asking::Said;
use super::repair::{ASIDE, evidence, post, waits};
use super::view::Evidence;
use super::{Found, ReconcileError, Reconciling};

/// Unpaid payments of one amount among which the likeliest is looked for.
const MOST_ALIKE: u32 = 20;
/// The word of the findings.
const KIND: &str = "paid_unknown_here";

/// How a payment was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MatchedBy {
    /// The line names it, or is named by it.
    Reference,
    /// A guess: amount and day, then who paid and what was promised.
    Content,
}

impl MatchedBy {
    fn as_str(self) -> &'static str {
        match self {
            MatchedBy::Reference => "reference",
            MatchedBy::Content => "content",
        }
    }
}

impl Reconciling {
    /// `known` is the newest transaction the run has seen.
    pub(super) async fn paid_there(
        &self,
        open: &OpenAccount,
        line: BillLine,
        known: i64,
    ) -> Result<Found, ReconcileError> {
        let merchant = open.account.merchant;
        match self.0.store.capture_number(merchant, &line.gateway_ref).await? {
            Some(number) if number > known => return Ok(booked_meanwhile(&line)),
            Some(_) => return self.duplicate(open, line, false).await,
            None => {}
        }
        let (payment, by) = self.payment_of(open, &line).await?;
        let Some(payment) = payment else { return self.stranger(open, line, None).await };
        let said = self.asked(payment.id).await?;
        let booked = self.0.store.capture_is_booked(merchant, &line.gateway_ref).await?;
        if by == MatchedBy::Content && !booked {
            // Only a guess, and the gateway does not confirm it: the money came all the same.
            return self.stranger(open, line, Some((payment.id, said))).await;
        }
        let repair = "the gateway confirmed it; booked and divided through the payment's door";
        let words = said.words.clone();
        let evidence = Evidence {
            matched_by: Some(by.as_str().to_owned()),
            repair: booked.then(|| repair.to_owned()),
            ..said.of(payment.id, evidence(Some(&line), None))
        };
        if booked {
            let grade = if by == MatchedBy::Reference { Grade::Automatic } else { Grade::Flagged };
            // Booked and owed back: a second payment of its order.
            let twice =
                self.0.store.finding_about(merchant, FindingKind::DoublePayment, &line.gateway_ref).await?;
            let finding = twice.map(|twice| twice.value.id.to_string());
            return Ok(Found { kind: KIND, grade, finding, evidence });
        }
        // Two channels of one gateway contradict each other: nothing is booked that a late capture would book again.
        let mut change = Change::new();
        let detail = format!(
            "the bill names {} under `{}` for this payment; asked, the gateway says: {words}",
            line.gross, line.gateway_ref
        );
        let named = Some(payment.id.to_string());
        let finding =
            self.open_finding(&mut change, open, FindingKind::BillStatus, &line, named, detail).await?;
        self.commit_once(change).await?;
        Ok(waits(KIND, finding, evidence))
    }

    /// Money of a payment that is nobody's here: to suspense, with its finding. `guess`: the payment that it was taken for
    /// and what the gateway says of that.
    async fn stranger(
        &self,
        open: &OpenAccount,
        line: BillLine,
        guess: Option<(PaymentId, Said)>,
    ) -> Result<Found, ReconcileError> {
        let mut change = Change::new();
        let subject = line.gateway_ref.clone();
        let booking = self.booking(open, &line.gateway_ref, &subject, &line);
        post(&mut change, journal::captured_unmatched(&booking, line.gross))?;
        self.charge(&mut change, open, &booking, &line).await?;
        let mut detail =
            format!("the bill names {} under `{}`, which no payment here is", line.gross, line.gateway_ref);
        if let Some((payment, said)) = &guess {
            detail.push_str(&format!("; as much was asked for by {payment}: {}", said.words));
        }
        let kind = FindingKind::PaidUnknownHere;
        let mut finding = self.open_finding(&mut change, open, kind, &line, None, detail).await?;
        match self.0.store.commit(change).await {
            Ok(_) => {}
            Err(CommitError::AlreadyBooked { .. } | CommitError::LostUpdate { .. }) => {
                let known =
                    self.0.store.finding_about(open.account.merchant, kind, &line.gateway_ref).await?;
                // Its payment was heard of meanwhile, or another run was faster.
                let Some(known) = known else { return Ok(booked_meanwhile(&line)) };
                finding = Some(known.value.id.to_string());
            }
            Err(error) => return Err(error.into()),
        }
        let of_line = Evidence { repair: Some(ASIDE.to_owned()), ..evidence(Some(&line), None) };
        let evidence = match guess {
            // It was asked about, and is not the one.
            Some((id, said)) => {
                let query = Some(format!("{id}: {}", said.words));
                Evidence { payment: None, query, ..said.of(id, of_line) }
            }
            None => of_line,
        };
        Ok(waits(KIND, finding, evidence))
    }

    /// The payment a line means: by a reference, else by its content where one is the likeliest: amount and day, then
    /// who paid and what was promised.
    async fn payment_of(
        &self,
        open: &OpenAccount,
        line: &BillLine,
    ) -> Result<(Option<Payment>, MatchedBy), ReconcileError> {
        let store = &self.0.store;
        let gateway = open.account.gateway.as_str();
        let ours = |payment: &Payment| payment.account == open.account.id;
        for (ours_ref, theirs) in [
            (line.our_ref.as_deref(), None),
            (None, Some(line.gateway_ref.as_str())),
            (None, line.related_ref.as_deref()),
        ] {
            if ours_ref.is_none() && theirs.is_none() {
                continue;
            }
            let found = store.payment_at_gateway(gateway, ours_ref, theirs).await?;
            if let Some(found) = found.map(|found| found.value).filter(ours) {
                return Ok((Some(found), MatchedBy::Reference));
            }
        }
        if line.our_ref.is_some() {
            return Ok((None, MatchedBy::Reference));
        }
        // One that is still open goes first; a shopper may pay what has expired, too.
        for open_yet in [true, false] {
            let (account, most) = (open.account.id, MOST_ALIKE + 1);
            let alike = store.unpaid_payments_like(account, line.gross, line.at, open_yet, most).await?;
            if alike.is_empty() {
                continue;
            }
            // Of more than are read, nobody knows which one is the likeliest.
            let meant = (alike.len() <= MOST_ALIKE as usize).then(|| likeliest(&alike, line)).flatten();
            let Some(meant) = meant else { break };
            return Ok((store.payment(meant).await?.map(|found| found.value), MatchedBy::Content));
        }
        Ok((None, MatchedBy::Content))
    }

    /// What the gateway kept of a line that nobody is entitled to: the platform's cost.
    async fn charge(
        &self,
        change: &mut Change,
        open: &OpenAccount,
        booking: &Booking<'_>,
        line: &BillLine,
    ) -> Result<(), ReconcileError> {
        if !open.account.lands_on_balance() {
            // It is charged with the payout that brings the money, and trued up there.
            let merchant = self.0.store.merchant(open.account.merchant).await?;
            let merchant = merchant.ok_or_else(|| ReconcileError::unavailable("the merchant is gone"))?;
            let jurisdiction = &merchant.tax_jurisdiction;
            return post(change, journal::fee_accrued(booking, line.fee, line.tax, jurisdiction));
        }
        // Whose tax it is, is not known of money that is nobody's: it is a cost until somebody says.
        let fee = line.fee.checked_add(line.tax).map_err(ReconcileError::unavailable)?;
        let tax = Money::zero(fee.currency());
        post(change, journal::fee_charged(booking, &ChargedFee { fee, tax, expected: fee, jurisdiction: "" }))
    }
}

fn booked_meanwhile(line: &BillLine) -> Found {
    let repair = Some("booked meanwhile, as another channel or another run told it".to_owned());
    let evidence = Evidence { repair, ..evidence(Some(line), None) };
    Found { kind: KIND, grade: Grade::Automatic, finding: None, evidence }
}
