//! A ledger transaction: exists only if debits equal credits in every currency and layer.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};

use crate::ids::{MerchantId, TransactionId};
use crate::money::{Currency, Money};

use super::account::{Account, Chart, Class};

/// The side of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Left.
    Debit,
    /// Right.
    Credit,
}

/// Expected or real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Layer {
    /// Expected: authorised, not yet money.
    Pending,
    /// Real.
    #[default]
    Posted,
}

impl Layer {
    /// As stored: 0 pending, 1 posted.
    pub fn number(self) -> i64 {
        match self {
            Layer::Pending => 0,
            Layer::Posted => 1,
        }
    }

    /// Reads the stored number.
    pub fn from_number(number: i64) -> Option<Layer> {
        match number {
            0 => Some(Layer::Pending),
            1 => Some(Layer::Posted),
            _ => None,
        }
    }
}

/// One line of a transaction; the amount is above zero, the side says which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Where.
    pub account: Account,
    /// Which side.
    pub direction: Direction,
    /// How much, above zero.
    pub amount: Money,
    /// Expected or real.
    pub layer: Layer,
}

impl Posting {
    /// A debit of real money.
    pub fn debit(account: Account, amount: Money) -> Posting {
        Posting { account, direction: Direction::Debit, amount, layer: Layer::Posted }
    }

    /// A credit of real money.
    pub fn credit(account: Account, amount: Money) -> Posting {
        Posting { account, direction: Direction::Credit, amount, layer: Layer::Posted }
    }

    /// Debit minus credit, in minor units: how the ledger stores it.
    pub fn signed_minor(&self) -> i64 {
        match self.direction {
            Direction::Debit => self.amount.minor(),
            Direction::Credit => self.amount.negated().minor(),
        }
    }
}

macro_rules! journal_events {
    ($($(#[$doc:meta])* $name:ident $text:literal),* $(,)?) => {
        /// What happened: one variant per business event, one file each in `journal/`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum JournalEvent { $($(#[$doc])* $name),* }
        impl JournalEvent {
            /// Every event.
            pub const ALL: &'static [JournalEvent] = &[$(JournalEvent::$name),*];
            /// The stored word.
            pub fn as_str(self) -> &'static str { match self { $(JournalEvent::$name => $text),* } }
            /// Reads the stored word.
            pub fn find(text: &str) -> Option<JournalEvent> {
                match text { $($text => Some(JournalEvent::$name),)* _ => None }
            }
        }
    };
}

journal_events! {
    /// Balances a book starts with.
    Opening "opening",
    /// A gateway has taken a payment's money and not credited it yet: expected, in the pending layer.
    CaptureExpected "capture_expected",
    /// What was expected came or will not come: out of the pending layer.
    ExpectationEnded "expectation_ended",
    /// A gateway holds a payment's money.
    Captured "captured",
    /// A gateway charged its fee.
    FeeCharged "fee_charged",
    /// A fee expected by contract, not yet charged.
    FeeAccrued "fee_accrued",
    /// The part of the gateway's fee that comes off the shared amount before a conversion by the gateway.
    FeeBorne "fee_borne",
    /// A captured payment is divided.
    Split "split",
    /// A supplier's share changes currency with us.
    ConvertedInternal "converted_internal",
    /// The gateway converted at capture.
    ConvertedByGateway "converted_by_gateway",
    /// Goods were delivered: deferred commission is earned.
    Delivered "delivered",
    /// Money captured without an entitlement.
    CapturedUnmatched "captured_unmatched",
    /// A second payment of one order.
    CapturedTwice "captured_twice",
    /// A refund was decided and is owed to the shopper.
    RefundDecided "refund_decided",
    /// The gateway paid a refund out.
    RefundConfirmed "refund_confirmed",
    /// A refund will not happen: what was decided is undone.
    RefundFailed "refund_failed",
    /// The gateway gave part of its fee back.
    FeeReturned "fee_returned",
    /// The gateway holds part of its balance.
    GatewayHeld "gateway_held",
    /// The gateway released a hold.
    GatewayReleased "gateway_released",
    /// The gateway took money back.
    Reversed "reversed",
    /// A supplier's share is held because of a dispute.
    DisputeHeld "dispute_held",
    /// What was held because of a dispute is free again.
    DisputeReleased "dispute_released",
    /// The gateway took captured money because of a dispute.
    ChargedBack "charged_back",
    /// The gateway gave back what it had taken because of a dispute.
    ChargebackReversed "chargeback_reversed",
    /// The gateway charged a fee for a dispute.
    DisputeFeeCharged "dispute_fee_charged",
    /// The gateway gave such a fee back.
    DisputeFeeReturned "dispute_fee_returned",
    /// Suppliers bear a dispute's fee.
    DisputeFeeRecharged "dispute_fee_recharged",
    /// Suppliers get a dispute's fee back that they bore.
    DisputeFeeUnborne "dispute_fee_unborne",
    /// A person's journal, approved by another.
    Manual "manual",
    /// Unexplained money at the gateway.
    SuspenseBooked "suspense_booked",
    /// A finding was resolved: suspense moves to where it belongs.
    SuspenseResolved "suspense_resolved",
    /// The gateway said what it charged for captures whose fee was accrued.
    FeeTruedUp "fee_trued_up",
    /// The gateway's invoice of accrued fees was paid from the merchant's own account.
    FeeInvoiced "fee_invoiced",
    /// What paid such an invoice came back from the bank: it is owed again.
    InvoiceReturned "invoice_returned",
    /// It was paid again.
    InvoicePaidAgain "invoice_paid_again",
    /// A gateway paid a batch out: on its way to the bank.
    GatewaySettled "gateway_settled",
    /// The bank credited what gateways had sent.
    BankCredited "bank_credited",
    /// Money moved at the bank and nobody knows why.
    BankUnexplained "bank_unexplained",
    /// Unexplained money at the bank turned out to be what gateways had sent.
    BankMatched "bank_matched",
    /// Two persons took unexplained money at the bank as the merchant's own gain or loss.
    BankBorne "bank_borne",
    /// The bank took back what it had booked before.
    BankReversed "bank_reversed",
    /// A bank charged for what it did, apart from any deposit.
    BankCharged "bank_charged",
    /// Suppliers' shares may be paid out.
    Released "released",
    /// Own money was put with the clients' money, or taken back from it.
    ToppedUp "topped_up",
    /// A payout was instructed: owed on its way.
    PayoutInstructed "payout_instructed",
    /// The rail debited a payout and the payee has it.
    PayoutConfirmed "payout_confirmed",
    /// The rail charged for a payout.
    PayoutFeeCharged "payout_fee_charged",
    /// The rail gave such a charge back.
    PayoutFeeReturned "payout_fee_returned",
    /// The rail debited a payout and the payee has not taken it.
    PayoutUnclaimed "payout_unclaimed",
    /// The payee took what it had left unclaimed.
    PayoutClaimed "payout_claimed",
    /// A payout was refused before any debit.
    PayoutFailed "payout_failed",
    /// A payout's money came back.
    PayoutReturned "payout_returned",
    /// Part of a supplier's pending share is kept back for a time.
    ReserveHeld "reserve_held",
    /// What was kept back may be paid out.
    ReserveReleased "reserve_released",
    /// What a supplier owed came off what it may be paid.
    DebtNetted "debt_netted",
    /// What it owed in another currency came off, with its consent.
    DebtSetOff "debt_set_off",
    /// Tax was withheld from a supplier.
    TaxWithheld "tax_withheld",
    /// Withheld tax was paid to the authority.
    TaxRemitted "tax_remitted",
    /// Withheld tax came back from the bank: it is owed to the authority again.
    TaxReturned "tax_returned",
    /// A market deal changed one currency for another.
    ConvertedMarket "converted_market",
    /// A market deal closed a position at another rate than it was opened at.
    Realized "realized",
}

impl fmt::Display for JournalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Postings that balance, with the fact they come from.
///
/// `(merchant, event, source)` is unique for ever: the ledger's own guard against booking one fact twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerTransaction {
    id: TransactionId,
    merchant: MerchantId,
    event: JournalEvent,
    source: String,
    subject: Option<String>,
    effective_at: DateTime<Utc>,
    postings: Vec<Posting>,
}

/// Why postings are no transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Debits and credits differ.
    #[error("{event}: debits minus credits are {difference} in {layer:?}, not zero")]
    Unbalanced {
        /// The event.
        event: JournalEvent,
        /// Debits minus credits.
        difference: Money,
        /// The layer that does not balance.
        layer: Layer,
    },
    /// A posting of zero or less.
    #[error("{event}: a posting of {amount} to {account}; postings are above zero")]
    NotPositive {
        /// The event.
        event: JournalEvent,
        /// Where.
        account: Account,
        /// How much.
        amount: Money,
    },
    /// Fewer than two postings.
    #[error("{0}: a transaction has at least two postings")]
    TooFewPostings(JournalEvent),
    /// A code outside the chart, or one that is never posted.
    #[error("{event}: account {account} cannot be posted to")]
    NotPostable {
        /// The event.
        event: JournalEvent,
        /// Where.
        account: Account,
    },
    /// The sum does not fit.
    #[error("{0}: the postings are too large")]
    TooLarge(JournalEvent),
}

impl LedgerTransaction {
    /// Balances or fails. `source` names the fact (a capture's reference, a refund's id); `subject` is the payment,
    /// payout or finding that a reader follows.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn try_new(
        id: TransactionId,
        merchant: MerchantId,
        event: JournalEvent,
        source: impl Into<String>,
        effective_at: DateTime<Utc>,
        postings: Vec<Posting>,
    ) -> Result<LedgerTransaction, LedgerError> {
        if postings.len() < 2 {
            return Err(LedgerError::TooFewPostings(event));
        }
        let mut sums: BTreeMap<(Currency, Layer), i128> = BTreeMap::new();
        for posting in &postings {
            if !posting.amount.is_positive() {
                let account = posting.account.clone();
                return Err(LedgerError::NotPositive { event, account, amount: posting.amount });
            }
            let postable =
                Chart::shipped().get(posting.account.code).is_some_and(|row| row.class != Class::ReportOnly);
            if !postable {
                return Err(LedgerError::NotPostable { event, account: posting.account.clone() });
            }
            *sums.entry((posting.amount.currency(), posting.layer)).or_default() +=
                i128::from(posting.signed_minor());
        }
        if let Some(((currency, layer), sum)) = sums.into_iter().find(|(_, sum)| *sum != 0) {
            let minor = i64::try_from(sum).map_err(|_| LedgerError::TooLarge(event))?;
            return Err(LedgerError::Unbalanced {
                event,
                difference: Money::from_minor(minor, currency),
                layer,
            });
        }
        Ok(LedgerTransaction {
            id,
            merchant,
            event,
            source: source.into(),
            subject: None,
            effective_at,
            postings,
        })
    }

    /// Names the payment, payout or finding this belongs to.
    #[must_use]
    pub fn about(mut self, subject: impl fmt::Display) -> LedgerTransaction {
        self.subject = Some(subject.to_string());
        self
    }

    /// Its id.
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// Whose book.
    pub fn merchant(&self) -> MerchantId {
        self.merchant
    }

    /// What happened.
    pub fn event(&self) -> JournalEvent {
        self.event
    }

    /// The fact it books.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it is about.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When it happened in the world.
    pub fn effective_at(&self) -> DateTime<Utc> {
        self.effective_at
    }

    /// The lines.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}
